"""Ledger against source: second by second, and cause by cause."""

from collections import Counter
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.core.period import Calendar, day_date
from slurm_finops.core.reconcile import (
    Cause,
    Comparison,
    Control,
    Seen,
    by_tres,
    cause_of,
    control_rows,
    touches,
)

JUNE = 1_780_272_000  # 2026-06-01T00:00:00Z
KEY = ("alpha", 1, JUNE)
WHOLE = [(JUNE, JUNE + 1000)]
ONLY = {"gres/gpu", "cpu"}
ZONES = ["UTC", "Asia/Kolkata", "America/Havana"]
#: near midnights of those zones; in the last the clocks skip that midnight
MIDNIGHTS = {
    "UTC": JUNE, "Asia/Kolkata": JUNE - 19_800,
    "America/Havana": int(datetime(2026, 3, 8, 1, tzinfo=ZoneInfo("America/Havana")).timestamp()),
}  # fmt: skip


def seen(start: int | None = JUNE, elapsed: int = 100, **fields: object) -> Seen:
    given = {
        "job_id": "1", "account": "nlp", "state": "COMPLETED", "suspended": 0,
        "alloc_tres": "cpu=2,gres/gpu=1", "provisional": False,
    }  # fmt: skip
    return Seen(start=start, elapsed=elapsed, **given | fields)  # type: ignore[arg-type]


def running(elapsed: int = 100, **fields: object) -> Seen:
    return seen(elapsed=elapsed, **{"state": "RUNNING", "provisional": True} | fields)


# ---- causes


@pytest.mark.parametrize(
    ("ledger", "source", "cause"),
    [
        (seen(), seen(), None),
        (seen(), seen(alloc_tres="gres/gpu=1,cpu=2"), None),
        (seen(alloc_tres="mem=1G"), seen(alloc_tres="mem=1024M"), None),
        (running(), running(), None),
        (seen(), seen(state="FAILED"), Cause.CHANGED),
        (seen(), seen(account="cv"), Cause.CHANGED),
        (seen(), seen(start=JUNE + 1), Cause.CHANGED),
        (seen(), seen(elapsed=99), Cause.CHANGED),
        (seen(), seen(suspended=1), Cause.CHANGED),
        (seen(), seen(alloc_tres="cpu=2,gres/gpu=2"), Cause.CHANGED),
        (seen(), running(), Cause.CHANGED),
        (running(), running(120), Cause.RUNNING),
        (running(), running(state="SUSPENDED", suspended=3), Cause.RUNNING),
        (running(), running(90), Cause.CHANGED),
        (running(), running(120, account="cv"), Cause.CHANGED),
        (running(), running(120, alloc_tres="cpu=1"), Cause.CHANGED),
        (running(held="runaway"), running(), Cause.HELD),
        (running(held="runaway"), running(120), Cause.HELD),
        (running(held="not in sacct"), None, Cause.HELD),
        # it ended after the last collection, at 1000; or that one should have seen its end
        (running(), seen(elapsed=1200), Cause.ENDED),
        (running(), seen(elapsed=950), Cause.ENDED),
        (running(), seen(elapsed=940), Cause.CHANGED),
        (running(), seen(elapsed=100), Cause.CHANGED),
        (running(), seen(elapsed=99), Cause.ENDED),
        (running(), seen(elapsed=1200, account="cv"), Cause.CHANGED),
        (running(held="runaway"), seen(elapsed=1200), Cause.ENDED),
        (seen(), None, Cause.GONE),
        (running(), None, Cause.GONE),
        (None, seen(start=JUNE + 940), Cause.LATE),
        (None, seen(start=JUNE + 939), Cause.MISSING),
        (None, running(start=JUNE + 500, elapsed=9000), Cause.MISSING),
        (None, seen(start=JUNE - 50, elapsed=51), Cause.MISSING),
        (None, seen(start=JUNE - 50, elapsed=50), Cause.GAP),
    ],
)
def test_why_a_run_differs(ledger: Seen | None, source: Seen | None, cause: Cause | None) -> None:
    assert cause_of(ledger, source, WHOLE) is cause


def test_where_nothing_was_collected_live_nothing_is_late() -> None:
    assert cause_of(None, seen(), []) is Cause.GAP
    assert cause_of(running(), seen(elapsed=200), []) is Cause.ENDED


def test_what_settles_by_itself_is_explained_and_nothing_else() -> None:
    explained = {cause for cause in Cause if cause.explained}
    assert explained == {Cause.RUNNING, Cause.ENDED, Cause.LATE, Cause.HELD}


def test_what_touches_no_second_of_the_period_is_not_compared() -> None:
    found = Comparison(Calendar(ZoneInfo("UTC")), JUNE, JUNE + 100, WHOLE)
    found.add(KEY, seen(start=JUNE + 100), None)
    found.add(KEY, seen(start=JUNE - 100), None)
    found.add(KEY, seen(start=None, elapsed=0), None)
    assert (found.differences, found.runs) == ([], Counter())
    # one that lasted no second in it is
    found.add(KEY, seen(start=JUNE, elapsed=0), None)
    assert found.runs["ledger"] == 1


def test_a_running_run_is_compared_by_day_up_to_what_was_seen() -> None:
    found = Comparison(Calendar(ZoneInfo("UTC")), JUNE, JUNE + 1000, WHOLE)
    found.add(KEY, running(100), running(150))
    assert [(day.tres, day.ledger, day.source) for day in found.days()] == [
        ("cpu", 200, 200), ("gres/gpu", 100, 100),
    ]  # fmt: skip
    assert found.differences[0].fields() == [("elapsed", 100, 150)]
    assert found.unexplained == 0


# ---- seconds, one by one


@st.composite
def runs(draw: st.DrawFn, midnight: int) -> Seen:
    start = midnight + draw(st.integers(-60, 60))
    counts = draw(st.fixed_dictionaries({"gres/gpu": st.integers(1, 8), "cpu": st.integers(1, 9)}))
    return seen(
        start, draw(st.integers(0, 90)), alloc_tres=",".join(f"{k}={n}" for k, n in counts.items()),
        account=draw(st.sampled_from(["nlp", "cv"])),
    )  # fmt: skip


@given(zone=st.sampled_from(ZONES), data=st.data())
def test_seconds_by_day_and_tres_are_those_counted_one_by_one(
    zone: str, data: st.DataObject
) -> None:
    midnight = MIDNIGHTS[zone]
    start = midnight + data.draw(st.integers(-80, 40))
    end = data.draw(st.integers(start + 1, midnight + 80))
    sides = data.draw(st.lists(st.tuples(*[st.none() | runs(midnight)] * 2), max_size=6))
    found = Comparison(Calendar(ZoneInfo(zone)), start, end, WHOLE)
    expected = [Counter[tuple[str, str]](), Counter[tuple[str, str]]()]
    for i, pair in enumerate(sides):
        found.add(("alpha", i, JUNE), *pair)
        for side, run in zip(expected, pair, strict=True):
            for second in range(run.start or 0, (run.start or 0) + run.elapsed) if run else ():
                if start <= second < end:
                    day = datetime.fromtimestamp(second, ZoneInfo(zone)).date().isoformat()
                    for item in run.alloc_tres.split(","):
                        tres, _, count = item.partition("=")
                        side[day, tres] += int(count)
    days = found.days()
    for side, name in zip(expected, ("ledger", "source"), strict=True):
        assert {(str(day_date(d.day)), d.tres): getattr(d, name)
                for d in days if getattr(d, name)} == +side  # fmt: skip
    assert len({(day.day, day.tres) for day in days}) == len(days)
    compared = sum(any(run and touches(run, start, end) for run in pair) for pair in sides)
    assert found.runs["same"] + len(found.differences) == compared


# ---- the control total


def rolled_up(
    intervals: list[tuple[Seen, set[int]]], hours: tuple[int, int], counts_suspended: bool
) -> Counter[tuple[str, str]]:
    """What a roll-up counts, second by second; each run with the seconds it was suspended."""
    used = Counter[tuple[str, str]]()
    for run, paused in intervals:
        for second in range(max(run.start or 0, hours[0]), min(run.stop, hours[1])):
            for item in run.alloc_tres.split(","):
                tres, _, count = item.partition("=")
                if second not in paused or (counts_suspended and tres != "cpu"):
                    used[run.account, tres] += int(count)
    return used


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[Seen, set[int]]]:
    made = []
    for run in draw(st.lists(runs(JUNE), max_size=6)):
        assert run.start is not None
        held = range(run.start, run.start + run.elapsed)
        paused = draw(st.sets(st.sampled_from(held), max_size=20)) if held else set()
        elapsed = run.elapsed - len(paused)
        made.append((run._replace(elapsed=elapsed, suspended=len(paused)), paused))
    return made


@given(histories(), st.booleans(), st.integers(-30, 30), st.integers(31, 70))
def test_a_roll_up_of_the_same_runs_is_explained_to_the_second(
    history: list[tuple[Seen, set[int]]], counts_suspended: bool, first: int, last: int
) -> None:
    hours = JUNE + first, JUNE + last
    found = Comparison(Calendar(ZoneInfo("UTC")), JUNE - 200, JUNE + 200, WHOLE, hours)
    for i, (run, _) in enumerate(history):
        found.add(("alpha", i, JUNE), run, run)
    rows = control_rows(found, rolled_up(history, hours, counts_suspended), {}, ONLY)
    inside = [run for run, _ in history if hours[0] <= (run.start or 0) and run.stop <= hours[1]]
    for row in rows:
        assert whole(row) == row.control
        if counts_suspended or row.tres == "cpu" or len(inside) == len(history):
            assert row.unexplained == 0


@given(histories(), st.integers(-500, 500).filter(bool))
def test_what_the_roll_up_has_too_much_or_too_little_is_unexplained(
    history: list[tuple[Seen, set[int]]], wrong: int
) -> None:
    hours = JUNE - 200, JUNE + 200
    found = Comparison(Calendar(ZoneInfo("UTC")), *hours, WHOLE, hours)
    for i, (run, _) in enumerate(history):
        found.add(("alpha", i, JUNE), run, run)
    used = rolled_up(history, hours, True)
    used["nlp", "gres/gpu"] += wrong
    rows = {(row.account, row.tres): row for row in control_rows(found, used, {}, ONLY)}
    paused = by_tres(found.accounts["source_held"])["nlp", "gres/gpu"] - by_tres(
        found.accounts["source_hours"])["nlp", "gres/gpu"]  # fmt: skip
    row = rows.pop(("nlp", "gres/gpu"), None)
    # a release that counts no suspended time looks the same as one that counts so much less
    assert (row.unexplained if row else 0) == (0 if wrong == -paused else wrong)
    assert all(row.unexplained == 0 for row in rows.values())


def whole(row: Control) -> int:
    return (
        row.ledger + row.outside + row.runs + row.suspended + row.reserved + row.unexplained
    )


def test_idle_reservations_explain_no_more_than_they_were_idle() -> None:
    found = Comparison(Calendar(ZoneInfo("UTC")), JUNE, JUNE + 1000, WHOLE, (JUNE, JUNE + 1000))
    found.add(KEY, seen(), seen())
    used = {("nlp", "cpu"): 230, ("cv", "cpu"): 40, ("nlp", "gres/gpu"): 100}
    rows = control_rows(found, used, {"cpu": 60}, ONLY)
    assert [(r.account, r.tres, r.reserved, r.unexplained) for r in rows] == [
        ("cv", "cpu", 40, 0), ("nlp", "cpu", 20, 10), ("nlp", "gres/gpu", 0, 0),
    ]  # fmt: skip


def test_what_only_the_ledger_or_only_the_source_has_shows_as_runs() -> None:
    found = Comparison(Calendar(ZoneInfo("UTC")), JUNE, JUNE + 1000, WHOLE, (JUNE, JUNE + 50))
    found.add(KEY, running(60), running(300))
    (row,) = control_rows(found, {("nlp", "gres/gpu"): 50}, {}, {"gres/gpu"})
    assert (row.ledger, row.outside, row.runs, row.unexplained) == (60, -10, 0, 0)
    found.add(("alpha", 2, JUNE), None, seen(elapsed=30))
    (row,) = control_rows(found, {("nlp", "gres/gpu"): 80}, {}, {"gres/gpu"})
    assert (row.ledger, row.outside, row.runs, row.unexplained) == (60, -10, 30, 0)


def test_a_roll_up_that_lacks_what_ran_is_unexplained() -> None:
    found = Comparison(Calendar(ZoneInfo("UTC")), JUNE, JUNE + 1000, WHOLE, (JUNE, JUNE + 1000))
    found.add(KEY, seen(), seen())
    rows = control_rows(found, {("nlp", "cpu"): 195}, {}, ONLY)
    assert [(r.tres, r.control, r.unexplained) for r in rows] == [
        ("cpu", 195, -5), ("gres/gpu", 0, -100),
    ]  # fmt: skip
