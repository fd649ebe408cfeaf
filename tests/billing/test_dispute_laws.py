"""What is held is on no statement until it is released, and then it is as if it never was.

The same site and oracle as of all closes, to which holds and moves of any month happen, too.
"""

from hypothesis import given, settings
from hypothesis import strategies as st

from slurm_finops.billing.closing import staged
from slurm_finops.billing.verifying import verify
from slurm_finops.core.funds import SUSPENSE
from slurm_finops.ledger.disputes import Hold, Move, add, open_moves, revoke
from slurm_finops.ledger.paid import paid, taken
from tests.billing.books import stated
from tests.billing.happenings import MONTHS, TEAMS, Site, sums
from tests.billing.pools import CALENDAR, DAY, HOUR

happenings = st.lists(
    st.one_of(
        st.tuples(st.just("run"), st.integers(1, 6), st.sampled_from(TEAMS),
                  st.integers(-31 * DAY, 40 * DAY), st.integers(1, 40 * HOUR), st.integers(1, 3),
                  st.sampled_from(("COMPLETED", "NODE_FAIL"))),
        st.tuples(st.just("price"), st.sampled_from((3_920_000, 1_000_001, 0))),
        st.tuples(st.just("shared"), st.integers(0, 15)),
        st.tuples(st.just("credit"), st.sampled_from(TEAMS), st.integers(-999, 999)),
        st.tuples(st.just("hold"), st.sampled_from(TEAMS), st.booleans(), st.integers(0, 2)),
        st.tuples(st.just("release"),),
        st.tuples(st.just("move"), st.sampled_from(TEAMS), st.booleans(), st.integers(0, 2),
                  st.permutations(("a", "b", "c", SUSPENSE))),
        st.tuples(st.just("close")),
    ),
    min_size=3, max_size=16,
)  # fmt: skip


class Disputed(Site):
    """Of which somebody holds and releases what is not closed, and moves what is."""

    def __init__(self, kind: str, taxed: bool) -> None:
        super().__init__(kind, taxed)
        self.held: dict[int, Hold] = {}

    def _hold(self, team: str, alone: bool, ahead: int) -> None:
        if self.closed + ahead < len(MONTHS):
            project = f"{team}-p" if team and alone else None
            one = Hold(0, MONTHS[self.closed + ahead], team or None, project, "why", 1, "me")
            with self.ledger.transaction() as db:
                self.held[add(db, one)] = one

    def _release(self) -> None:
        if self.held:
            number = min(self.held)
            del self.held[number]
            with self.ledger.transaction() as db:
                assert revoke(db, "holds", number, "why", 2, "me")

    def _move(self, team: str, alone: bool, month: int, funds) -> None:  # type: ignore[no-untyped-def,override]
        if month < self.closed:
            project = f"{team}-p" if team and alone else None
            with self.ledger.transaction() as db:
                add(db, Move(0, MONTHS[month], team or None, project, funds[0], funds[1],
                             "why", "dean", 1, "me"))  # fmt: skip

    def _close(self) -> None:
        while self.closed == len(MONTHS) - 1 and self.held:
            self._release()
        if self.closed < len(MONTHS):
            self.price()
            self.moves_are_foretold()
        super()._close()

    def moves_are_foretold(self) -> None:
        """What is said of a move when it is asked for is what the close then moves."""
        foretold: dict[int, int] = {}
        for label in MONTHS:
            month = CALENDAR.period(label)
            moves = [one for one in open_moves(self.ledger.db) if one.period == label]
            takes = taken(paid(self.ledger.db, month.first, month.last), moves)
            foretold |= {one.id: ticks for one, ticks in zip(moves, takes, strict=True) if ticks}
        period = CALENDAR.period(MONTHS[self.closed])
        with self.ledger.transaction():
            staging = staged(self.ledger, self.books, CALENDAR, period)
            assert {one: ticks for one, ticks in staging.told.moved.items() if ticks} == foretold
            staging.stage.clear()

    def check(self) -> None:
        if not self.held:
            super().check()
            return
        truth = self.truth()
        assert {key: ticks for key, ticks in truth.items() if not self.is_held(key)} == (
            sums(stated(self.ledger))
        )
        assert verify(self.ledger.db).fault == ""

    def is_held(self, key) -> bool:  # type: ignore[no-untyped-def]
        day, team, project, _ = key
        return any(one.is_of(day[:7], team, project) for one in self.held.values())


@settings(max_examples=40, deadline=None)
@given(happenings, st.sampled_from(("team", "project", "cost_center", "fund")), st.booleans())
def test_what_is_held_is_stated_when_it_is_released_and_nothing_is_lost(happened, kind, taxed):
    site = Disputed(kind, taxed)
    for what in happened:
        site.happen(*what)
    while site.closed < len(MONTHS):
        site.happen("close")
