"""Pages of many owners: which budgets they have."""

from dataclasses import replace

import pytest

from slurm_finops.billing.pricing import price
from slurm_finops.billing.standings import Moment
from slurm_finops.core.budgets import Budget
from slurm_finops.core.policy import TeamRule
from slurm_finops.ledger.store import Ledger
from slurm_finops.reports.pages import Pages
from slurm_finops.reports.site import EVERYBODY, Owner
from tests.billing.pools import DAY, HOUR, run, terms
from tests.reports.test_shares import JUNE_2026, SITE
from tests.support import JUNE, a_ledger, write

RULES = (TeamRule("nlp", "4711"), TeamRule("cv", "4711"), TeamRule("bio", "4712"))
BUDGETS = [Budget("nlp", None, "month", 10_000), Budget("nlp", "nlp-p", "month", 500),
           Budget("bio", None, "month", 7_000)]  # fmt: skip


@pytest.fixture(params=[False, True], ids=["few", "many"])
def pages(request: pytest.FixtureRequest) -> Pages:
    ledger: Ledger = a_ledger()
    write(ledger, run(1, "nlp", 0, HOUR, 2), run(2, "bio", DAY, HOUR, 8))
    site = terms()
    price(ledger, site, JUNE + 40 * DAY)
    now = Moment(JUNE_2026.last, JUNE_2026.end, JUNE_2026.last - 1)
    policy = replace(SITE.policy, teams=RULES)
    return Pages(ledger, replace(SITE, policy=policy), site, JUNE_2026, now,
                 [(one, JUNE_2026) for one in BUDGETS], many=request.param)  # fmt: skip


def lines(pages: Pages, owner: Owner) -> list[tuple[object, ...]]:
    found = pages.page(owner).standings
    return [(one.team, one.project, one.name, one.limit_minor, one.spent_minor) for one in found]


def test_the_whole_site_has_everybodys_budgets(pages: Pages) -> None:
    nlp = pages.page(Owner("nlp")).budgets[0].spent_minor
    bio = pages.page(Owner("bio")).budgets[0].spent_minor
    assert 0 < nlp < bio
    assert lines(pages, EVERYBODY) == [
        ("nlp", None, "June 2026", 10_000, nlp), ("nlp", "nlp-p", "June 2026", 500, nlp),
        ("bio", None, "June 2026", 7_000, bio),
    ]  # fmt: skip


def test_a_cost_centre_has_those_of_its_teams(pages: Pages) -> None:
    assert [line[0] for line in lines(pages, Owner(cost_center="4711"))] == ["nlp", "nlp"]
    assert [line[0] for line in lines(pages, Owner(cost_center="4712"))] == ["bio"]
    assert lines(pages, Owner(cost_center="none")) == []


def test_a_team_has_its_own_alone(pages: Pages) -> None:
    assert lines(pages, Owner("nlp")) == []
    assert len(pages.page(Owner("nlp")).budgets) == 1


def test_pages_give_back_the_room_they_took(pages: Pages) -> None:
    pages.close()
    kept = pages._ledger.db.execute(
        "SELECT name FROM sqlite_temp_master WHERE name LIKE '%_of_teams_%'"
    ).fetchall()
    assert kept == []
