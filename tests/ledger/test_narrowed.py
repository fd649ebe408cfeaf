"""One team's costs at a time are the same as those asked for by team."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slurm_finops.billing.pricing import price
from slurm_finops.core.money import TICKS
from slurm_finops.ledger.history import daily, of_owner, of_scope
from slurm_finops.ledger.narrowed import Teams
from slurm_finops.ledger.shares import spend
from slurm_finops.ledger.spend import Scope
from slurm_finops.ledger.store import Ledger
from tests.billing.pools import DAY, FIRST, HOUR, a_line, a_pool, run, services, terms
from tests.support import JUNE, a_ledger, write

TEAMS = ["nlp", "cv", "ops", ""]
BY = ["project", "state", "user", "pricing", "sku", "origin", "day"]
LAST = FIRST + 6
some_runs = st.lists(
    st.tuples(st.sampled_from(TEAMS), st.integers(0, 4 * DAY), st.integers(1, 30 * HOUR),
              st.integers(1, 4)), min_size=1, max_size=8,
)  # fmt: skip


def a_site(rows: list[tuple[str, int, int, int]]) -> Ledger:
    """Runs with rates, a pool, an overhead and a line."""
    ledger = a_ledger()
    write(ledger, *(run(i, *row) for i, row in enumerate(rows, 1)))
    what = terms(
        a_pool(hourly=5 * TICKS + 1, units=2, days=3), overhead=(services(),), lines=(a_line(7),)
    )
    price(ledger, what, JUNE + 40 * DAY)
    return ledger


def of_team(team: str) -> Scope:
    scope = Scope(FIRST, LAST)
    if not team:
        return scope.narrowed("tag_sets.team IS NULL", tables=("tag_sets",))
    return scope.narrowed("tag_sets.team = ?", team, tables=("tag_sets",))


@settings(max_examples=25)
@given(some_runs, st.sampled_from(BY))
def test_a_team_reads_what_it_would_read_of_the_whole_ledger(
    rows: list[tuple[str, int, int, int]], by: str
) -> None:
    ledger = a_site(rows)
    teams = Teams(ledger, FIRST, LAST)
    for team in TEAMS:
        wanted = sorted(spend(ledger.db, of_team(team), (by,)), key=repr)
        with teams.only(team):
            assert sorted(spend(ledger.db, of_team(team), (by,)), key=repr) == wanted
            # and nobody else's are there
            if wanted:
                assert sorted(spend(ledger.db, Scope(FIRST, LAST), (by,)), key=repr) == wanted
    assert sum(row.runs for row in spend(ledger.db, Scope(FIRST, LAST), ())) == len(rows)


@settings(max_examples=15)
@given(some_runs)
def test_a_project_reads_its_own_alone(rows: list[tuple[str, int, int, int]]) -> None:
    ledger = a_site(rows)
    teams = Teams(ledger, FIRST, LAST)
    scope = of_team("nlp").narrowed("tag_sets.project = ?", "nlp-p")
    wanted = spend(ledger.db, scope, ("user",))
    with teams.only("nlp", "nlp-p"):
        assert spend(ledger.db, scope, ("user",)) == wanted
    with teams.only("nlp", "other"):
        assert spend(ledger.db, Scope(FIRST, LAST), ()) == []


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    yield a_site([("nlp", 0, HOUR, 1), ("cv", DAY, HOUR, 2), ("", 0, HOUR, 1)])


def test_the_whole_ledger_is_there_again_afterwards_even_after_an_error(ledger: Ledger) -> None:
    teams = Teams(ledger, FIRST, LAST)
    with pytest.raises(ZeroDivisionError), teams.only("nlp"):
        raise ZeroDivisionError
    assert [row.runs for row in spend(ledger.db, Scope(FIRST, LAST), ())] == [3]


def test_two_spans_do_not_meet(ledger: Ledger) -> None:
    first, second = Teams(ledger, FIRST, FIRST + 1), Teams(ledger, FIRST, LAST)
    with first.only("cv"):
        assert spend(ledger.db, Scope(FIRST, LAST).narrowed("1", usage=True), ()) == []
    with second.only("cv"):
        assert [row.runs for row in spend(ledger.db, Scope(FIRST, LAST), ())] == [1]


def test_it_can_be_read_by_who_may_not_write(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "ledger.db"
    Ledger.open(path, "USD", "UTC").close()
    with Ledger.read(path, "USD", "UTC") as reading, Teams(reading, FIRST, LAST).only("nlp"):
        assert spend(reading.db, Scope(FIRST, LAST), ()) == []


@settings(max_examples=20)
@given(some_runs)
def test_an_owners_days_are_those_of_its_scope(rows: list[tuple[str, int, int, int]]) -> None:
    ledger = a_site(rows)
    found = daily(ledger.db, FIRST, LAST)
    for team in TEAMS:
        assert of_owner(found, team or None) == of_scope(ledger.db, of_team(team))
