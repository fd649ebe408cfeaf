"""A spot run that was preempted and requeued pays the moving price of each of its intervals."""

import json
from fractions import Fraction
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slurm_finops.cli import main
from slurm_finops.core.money import TICKS
from tests.prices.samples import spot
from tests.support import CONFIG, JUNE, a_config, a_ledger, record, saved

HOUR = 3600
#: (hours from June on, price of an instance of eight)
STEPS = [(0, "23.28"), (6, "31.36"), (9, "25.120001"), (26, "27.000007")]
IMPORT = ("rates", "import", "aws-spot", "--instance", "p5.48xlarge=gres/gpu:h100*8", "--zone",
          "us-east-1a", "--match", "partition=spot", "--name", "spot")  # fmt: skip


def price_of(start: int, end: int, steps: list[tuple[int, str]] = STEPS) -> Fraction:
    """Of eight GPUs over ``[start, end)`` seconds of June, a second at a time."""
    total = Fraction(0)
    for second in range(start, end):
        price = next(text for hour, text in reversed(steps) if hour * HOUR <= second)
        total += Fraction(price) / HOUR
    return total


def cents(amount: Fraction) -> str:
    """Rounded half up, as a decimal text."""
    units, rest = divmod(int(amount * 100 + Fraction(1, 2)), 100)
    return f"{units}.{rest:02}"


#: When the run held its GPUs: preempted after two hours, requeued, over midnight.
RUNS = [(5 * HOUR, 7 * HOUR + 10), (8 * HOUR + 59, 8 * HOUR + 59 + 20 * HOUR)]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    a_config(tmp_path, CONFIG)
    common = {
        "JobIDRaw": "77", "JobID": "77", "Partition": "spot",
        "AllocTRES": "billing=8,cpu=8,gres/gpu:h100=8,gres/gpu=8,mem=64G,node=1",
    }  # fmt: skip
    records = [
        record(
            **common, State=state, Submit=JUNE + submit, Start=JUNE + start, End=JUNE + end,
            ElapsedRaw=end - start,
        )
        for (start, end), submit, state in zip(
            RUNS, (4 * HOUR, 7 * HOUR + 10), ("PREEMPTED", "COMPLETED"), strict=True
        )
    ]  # fmt: skip
    (tmp_path / "june.txt").write_text(saved(*records))
    (tmp_path / "spot.json").write_text(spot(*STEPS[::-1]))
    assert finops("collect", "sacct", "--file", "june.txt").exit_code == 0
    return tmp_path


def finops(*words: str) -> Result:
    return CliRunner().invoke(main, ["-c", "finops.toml", *words])


def paid(site: Path, column: str = "billed_ticks") -> list[Fraction]:
    """What each run pays, the first first."""
    ledger = a_ledger(site / "ledger.db")
    rows = ledger.db.execute(
        f"SELECT SUM({column}) FROM charges JOIN jobs ON jobs.id = usage_id WHERE job_id = '77' "
        "GROUP BY usage_id ORDER BY start"
    ).fetchall()
    ledger.close()
    return [Fraction(row[0], TICKS) for row in rows]


def test_each_run_pays_its_own_interval_at_the_price_of_each_moment(site: Path) -> None:
    assert finops(*IMPORT, "spot.json").exit_code == 0
    assert json.loads(finops("price", "--format", "json").stdout)["new"] == 2
    assert paid(site) == [price_of(*run) for run in RUNS]
    # what on-demand would have cost
    assert paid(site, "list_ticks") == [Fraction(end - start, HOUR) * Fraction("31.36")
                                        for start, end in RUNS]  # fmt: skip


def test_a_past_step_that_is_imported_later_moves_what_the_fractions_say(site: Path) -> None:
    (site / "part.json").write_text(spot(*[step for step in STEPS[::-1] if step[0] != 6]))
    assert finops(*IMPORT, "part.json").exit_code == 0
    finops("price")
    without = [step for step in STEPS if step[0] != 6]
    before = sum(price_of(*run, steps=without) for run in RUNS)
    after = sum(price_of(*run) for run in RUNS)
    assert "1 rate new, 3 as before" in finops(*IMPORT, "spot.json").stdout
    report = finops("report", "--period", "2026-06").stdout
    assert "pools or lines have changed since" in report
    answer = json.loads(finops("price", "--format", "json").stdout)
    assert answer["again"] == 2
    assert answer["moved"] == {
        "before": cents(before), "after": cents(after), "currency": "USD",
    }  # fmt: skip
    assert sum(paid(site)) == after
    assert finops("rates", "remove", "spot", "--yes").exit_code == 0
    on_demand = sum(Fraction(end - start, HOUR) * Fraction("31.36") for start, end in RUNS)
    said = finops("price").stdout
    assert said == (
        f"0 runs priced, 2 priced again: billed {answer['moved']['after']} USD before, "
        f"{cents(on_demand)} USD now\n"
    )


def test_a_step_that_no_run_held_anything_in_prices_nothing_again(site: Path) -> None:
    finops(*IMPORT, "spot.json")
    finops("price")
    (site / "later.json").write_text(spot((30, "1")))
    assert finops(*IMPORT, "later.json").exit_code == 0
    assert finops("price").stdout == "0 runs priced, 0 priced again\n"
