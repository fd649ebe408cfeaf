"""Whether chargeback may begin is told to who gets the whole site's mail, and to nobody else."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from slurm_finops.billing.standings import Moment
from slurm_finops.billing.terms import Terms
from slurm_finops.reports import render
from slurm_finops.reports.pages import Pages
from slurm_finops.reports.readiness import Asked
from slurm_finops.reports.readiness_digest import in_short
from slurm_finops.reports.site import EVERYBODY, Owner
from slurm_finops.reports.view import Page, Ready
from tests.billing.pools import CALENDAR, RATE
from tests.reports.test_readiness import ASKED, NOW, POLICY, a_month, a_site, judged
from tests.reports.test_render import HEADER, HOSTILE, Tags, a_page

MADE = render.mail_text, render.mail_html


def a_digest(ready: Ready | None = None, **more: object) -> Page:
    found = ready or in_short(judged(a_month(), a_site()), HEADER)
    return replace(a_page(**more), owner=None, title="All teams", ready=found)


def test_the_mail_as_text(golden: Callable[[str, str], None]) -> None:
    text = render.mail_text(a_digest())
    golden("mail-digest.txt", text)
    assert all(len(line) <= 76 for line in text.splitlines() if "--comment" not in line)


def test_each_signal_has_its_figure_and_its_verdict() -> None:
    found = in_short(judged(a_month(), a_site()), HEADER)
    assert found == Ready(
        False, "4 whole weeks, 1 Jun 2026 to 28 Jun 2026",
        (("coverage", "77.44%", False), ("teams to mend", "2", False),
         ("on nobody", "5,611.20 USD", False), ("tags that differ", "2", False)),
        "coverage: let the gate at sbatch ask for tags: [tags] mode; the costliest: (untagged), "
        "235.20 USD",
    )  # fmt: skip


def test_the_first_that_is_not_good_is_to_be_mended_first() -> None:
    low = replace(ASKED, coverage=5_000)
    said = in_short(judged(a_month(), a_site(), low), HEADER).first
    assert said == (
        "teams to mend: give each its lines in finops.toml; the costliest: vision, 23.52 USD"
    )


def test_a_site_that_is_ready_has_nothing_to_mend() -> None:
    policy = replace(POLICY, defaults=(("guests", (("team", "nlp"),)),))
    easy = Asked(1, 4, 1, frozenset())
    found = judged(a_month(bad=False), a_site(policy), easy)
    good = replace(found, signals=tuple(replace(one, ok=True) for one in found.signals))
    said = in_short(good, HEADER)
    assert (said.ready, said.first) == (True, "")
    text, html = render.mail_text(a_digest(said)), render.mail_html(a_digest(said))
    assert "Ready for chargeback? yes, by 4 whole weeks" in text
    assert "Ready for chargeback? Yes" in html
    assert "To mend first" not in text + html


def test_figures_are_the_locales() -> None:
    found = in_short(judged(a_month(), a_site()), replace(HEADER, locale="de_DE"))
    assert [figure for _, figure, _ in found.signals] == ["77,44%", "2", "5.611,20 USD", "2"]


def test_of_weeks_that_nobody_knows_there_is_no_figure() -> None:
    found = judged(a_month(), a_site())
    none = replace(found, signals=(replace(found.signals[0], figure=None, behind=()),))
    said = in_short(none, HEADER)
    assert said.signals == (("coverage", "–", False),)
    assert said.first == "coverage: let the gate at sbatch ask for tags: [tags] mode"


def test_only_a_digest_has_it() -> None:
    for make in MADE:
        assert "Ready for chargeback?" in make(a_digest())
        assert "Ready for chargeback?" not in make(a_page())
    assert "Ready for chargeback?" not in render.page_html(a_digest())


@pytest.mark.parametrize(("owner", "asked", "told"), [
    (EVERYBODY, ASKED, True), (EVERYBODY, None, False), (Owner("nlp"), ASKED, False),
    (Owner(cost_center="cc-nlp"), ASKED, False),
])  # fmt: skip
def test_only_the_whole_site_is_judged_where_it_is_asked(
    owner: Owner, asked: Asked | None, told: bool
) -> None:
    ledger, site = a_month(), a_site()
    judged(ledger, site)
    terms = Terms((RATE,), site.policy, CALENDAR, allocation=site.allocation)
    month = CALENDAR.period("2026-06")
    today = CALENDAR.day_of(NOW)
    pages = Pages(ledger, site, terms, month, Moment(today, NOW, today), asked=asked)
    assert (pages.page(owner).ready is not None) == told


def test_a_digest_that_is_late_judges_the_weeks_before_its_period_ended() -> None:
    ledger, site = a_month(), a_site()
    judged(ledger, site)
    terms = Terms((RATE,), site.policy, CALENDAR, allocation=site.allocation)
    month = CALENDAR.period("2026-06")

    def told(at: int) -> Ready | None:
        today = CALENDAR.day_of(at)
        late = replace(site, as_of=at)
        pages = Pages(ledger, late, terms, month, Moment(today, at, today), asked=ASKED)
        return pages.page(EVERYBODY).ready

    assert told(month.end + 150 * 86_400) == told(month.end) is not None


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_text(name: str) -> None:
    found = judged(a_month(), a_site())
    behind = replace(found.signals[0].behind[0], name=name)
    bad = replace(found, signals=(replace(found.signals[0], behind=(behind,)),))
    page, plain = a_digest(in_short(bad, HEADER)), a_digest()
    tags = [tag for tag, _ in Tags(render.mail_html(page)).seen if tag not in ("tr", "td")]
    assert tags == [tag for tag, _ in Tags(render.mail_html(plain)).seen if tag not in ("tr", "td")]
    assert all(
        len(line) <= 76 for line in render.mail_text(page).splitlines() if "--comment" not in line
    )
