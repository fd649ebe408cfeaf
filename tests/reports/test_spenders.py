"""Who has any cost in a period, read once for all owners."""

from hypothesis import given, settings

from slurm_finops.core.period import Period
from slurm_finops.reports.build import Spenders, anything_spent
from slurm_finops.reports.site import EVERYBODY, UNTAGGED_NAME, Owner
from tests.billing.pools import CALENDAR, FIRST
from tests.ledger.test_narrowed import TEAMS, a_site, some_runs

OWNERS = [
    EVERYBODY, Owner(UNTAGGED_NAME), *(Owner(team) for team in TEAMS if team),
    *(Owner(team, f"{team}-p") for team in TEAMS if team), Owner("nlp", "cv-p"), Owner("gone"),
    *(Owner(cost_center=f"cc-{team}") for team in ("nlp", "cv", "ops", "gone")),
]  # fmt: skip


@settings(max_examples=30)
@given(some_runs)
def test_it_is_the_same_as_asking_for_each(rows: list[tuple[str, int, int, int]]) -> None:
    ledger = a_site(rows)
    for first, last in ((0, 1), (1, 3), (0, 30)):
        period: Period = CALENDAR.days(FIRST + first, FIRST + last)
        spenders = Spenders(ledger, period)
        assert [spenders.has(owner) for owner in OWNERS] == [
            anything_spent(ledger, owner, period) for owner in OWNERS
        ]
