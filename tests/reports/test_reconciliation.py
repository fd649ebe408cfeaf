"""What a reconciliation says: the order, the next step of each cause, and nobody's tricks."""

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from slurm_finops.core.period import Calendar
from slurm_finops.core.reconcile import Comparison, Seen
from slurm_finops.reports.reconciliation import Reconciled, reconciled_json, reconciled_text
from tests.support import JUNE

UTC = Calendar(ZoneInfo("UTC"))
DAY = 86_400


def seen(job: object = 1, start: int = JUNE, elapsed: int = 100, **fields: object) -> Seen:
    given = {
        "account": "nlp", "state": "COMPLETED", "suspended": 0, "alloc_tres": "gres/gpu=1",
        "provisional": False,
    }  # fmt: skip
    return Seen(job_id=str(job), start=start, elapsed=elapsed, **given | fields)  # type: ignore[arg-type]


def compared(*pairs: tuple[Seen | None, Seen | None], source: str = "sacct") -> Reconciled:
    found = Comparison(UTC, JUNE, JUNE + 5 * DAY, [(JUNE, JUNE + 5 * DAY)])
    for mine, theirs in pairs:
        job = (mine or theirs or seen()).job_id
        found.add(("alpha", int(job) if job.isdecimal() else job, JUNE), mine, theirs)
    return Reconciled("alpha", source, UTC, {"gres/gpu"}, found)


def lines(found: Reconciled, limit: int = 50) -> list[str]:
    return [" ".join(line.split()) for line in reconciled_text(found, limit).splitlines()]


def test_what_is_unexplained_comes_first_and_the_rest_is_counted() -> None:
    runs = [(seen(i, provisional=True), seen(i, elapsed=200, provisional=True)) for i in range(5)]
    told = lines(compared(*runs, (seen(9), seen(9, elapsed=99))), limit=2)
    listed = [line for line in told if "2026-06-01 00:00:00" in line]
    assert listed == [
        "9 2026-06-01 00:00:00 differs elapsed 100 → 99",
        "0 2026-06-01 00:00:00 still running elapsed 100 → 200",
    ]
    assert "and 4 more: --limit" in told
    assert any(line.startswith("still running (5 runs): settles with") for line in told)
    assert told[-1] == "not reconciled: 1 run unexplained"


def test_the_days_to_collect_again_are_those_of_the_runs_within_the_period() -> None:
    (item,) = reconciled_json(compared((None, seen(start=JUNE + 2 * DAY - 50))))["differences"]
    assert item["next"].endswith("collect sacct --since 2026-06-02 --until 2026-06-04")
    long = seen(start=JUNE - 9 * DAY, elapsed=30 * DAY)
    (item,) = reconciled_json(compared((long, long._replace(account="cv"))))["differences"]
    assert item["next"].endswith("collect sacct --since 2026-06-01 --until 2026-06-06")


@pytest.mark.parametrize(
    ("pair", "source", "step"),
    [
        ((seen("16_3"), None), "sacct", "collected from a file without JobIDRaw"),
        ((seen(), None), "sacct", "PurgeJobAfter"),
        ((seen(), None), "june.txt", "save a file that covers the whole period"),
        ((seen(provisional=True, held="runaway"), None), "sacct", "sacctmgr show runawayjobs"),
        ((seen(), seen(elapsed=5)), "june.txt", "slurm-finops collect sacct --file june.txt"),
    ],
)
def test_each_cause_has_its_next_step(
    pair: tuple[Seen | None, Seen | None], source: str, step: str
) -> None:
    found = compared(pair, source=source)
    assert step in reconciled_json(found)["differences"][0]["next"]
    assert step in reconciled_text(found, 5)


def test_what_agrees_says_so_in_a_line() -> None:
    told = lines(compared((seen(), seen())))
    assert "2026-06-01 gres/gpu 100 100 0" in told
    assert told[-1] == "reconciled: no run differs"


def test_no_terminal_is_steered_by_a_name() -> None:
    found = compared((seen("1\x1b", account="\x1b[2J"), None), source="a\x1b[2J")
    assert "\x1b" not in reconciled_text(replace(found, cluster="\x1b[2J"), 5)
