"""Allocations on the pages and mails of who holds them, and on nobody else's."""

from collections.abc import Callable
from datetime import date

import pytest

from slurm_finops.billing.pricing import price
from slurm_finops.core.charging import Charging
from slurm_finops.core.lots import Lot
from slurm_finops.ledger.store import Ledger
from slurm_finops.reports import render
from slurm_finops.reports.build import page
from slurm_finops.reports.site import Owner, Site
from slurm_finops.reports.view import Allotment
from tests.billing.pools import CALENDAR, DAY, FIRST, HOUR, POLICY, run
from tests.billing.test_drawing import hours, money, terms
from tests.reports.test_render import HOSTILE, Tags, a_page
from tests.support import JUNE, a_ledger, write

JUNE_30 = date(2026, 6, 30)
HELD = (
    Allotment("nlp spring", True, 5000, 0, date(2026, 6, 10), used_up=True),
    Allotment("grant of the language technology group", False, 700_000, 158_123, JUNE_30,
              expiring=True),
    Allotment("base", True, 15_005, 1200, date(2026, 12, 31), low=True),
    Allotment("plenty", True, 15_005, 15_005, date(2026, 12, 31)),
)  # fmt: skip


def test_the_mail_as_text(golden: Callable[[str, str], None]) -> None:
    text = render.mail_text(a_page(allotments=HELD))
    golden("mail-allocations.txt", text)
    lines = text.splitlines()
    assert all(len(line) <= 76 for line in lines if "--comment" not in line)


def test_mail_and_page_say_the_same() -> None:
    held = a_page(allotments=HELD)
    for html in (render.mail_html(held), render.page_html(held)):
        assert "Allocations" in html
        for text in ("nlp spring is used up", "of 7,000.00 USD", "30 Jun 2026",
                     "expires after 30 Jun 2026 with 1,581.23 USD left",
                     "base has less than 10% left: 120.0 h", "of 1,500.5 h"):  # fmt: skip
            assert text in html
        assert "warning: plenty" not in html


def test_who_holds_none_sees_nothing_of_it() -> None:
    for made in (render.mail_html, render.page_html, render.mail_text):
        assert "Allocations" not in made(a_page())


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_text(name: str) -> None:
    held = a_page(allotments=(Allotment(name, True, 10, 0, JUNE_30, used_up=True),))
    for html in (render.mail_html(held), render.page_html(held)):
        plain = a_page(allotments=(Allotment("x", True, 10, 0, JUNE_30, used_up=True),))
        known = render.mail_html(plain) if "cid:" in html else render.page_html(plain)
        assert [tag for tag, _ in Tags(html).seen] == [tag for tag, _ in Tags(known).seen]
    assert all(len(line) <= 90 for line in render.mail_text(held).splitlines()[:20])


def a_site(*lots: Lot, as_of: int | None = None) -> tuple[Ledger, Site]:
    ledger = a_ledger()
    write(ledger, run(1, "nlp", 0, 6 * HOUR, 2), run(2, "cv", 0, HOUR))
    price(ledger, terms(*lots), JUNE + 70 * DAY)
    site = Site("USD", 2, "UTC", CALENDAR, POLICY, rates=terms().all_rates,
                charging=Charging(lots=lots), as_of=as_of)  # fmt: skip
    return ledger, site


MONTH = CALENDAR.period("2026-06")


def names(owner: Owner, *lots: Lot, **more: int) -> list[str]:
    ledger, site = a_site(*lots, **more)
    return [one.name for one in page(ledger, site, MONTH, owner).allotments]


def test_a_team_sees_its_own_and_a_project_its_own_and_its_teams() -> None:
    lots = (hours(10), hours(1, name="own", project="nlp-p"), hours(1, name="other", project="x"),
            hours(1, name="cv", team="cv"))  # fmt: skip
    assert set(names(Owner("nlp"), *lots)) == {"own", "other", "grant"}
    assert names(Owner("nlp", "nlp-p"), *lots) == ["own", "grant"]
    assert names(Owner(), *lots) == []


def test_of_a_period_those_that_paid_in_it() -> None:
    lots = (hours(1, name="before", first=FIRST - 20, last=FIRST),
            hours(2, name="early", first=FIRST - 20, last=FIRST + 1),
            hours(3, name="late", first=FIRST + 29, last=FIRST + 60),
            hours(4, name="after", first=FIRST + 30, last=FIRST + 61))  # fmt: skip
    assert names(Owner("nlp"), *lots) == ["early", "late"]
    # on the 20th nobody knows the late one yet
    assert names(Owner("nlp"), *lots, as_of=JUNE + 20 * DAY) == ["early"]


def test_the_figures_are_those_at_the_end_of_the_period() -> None:
    ledger, site = a_site(hours(13), money(50, name="fund", last=FIRST + 90))
    grant, fund = page(ledger, site, MONTH, Owner("nlp")).allotments
    # 12 of 13 hours are used; the month's last day is the lot's
    assert grant == Allotment("grant", True, 130, 10, JUNE_30, low=True, expiring=True)
    assert fund == Allotment("fund", False, 50_00, 50_00, date(2026, 8, 29))
