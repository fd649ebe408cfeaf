"""advise, as a stranger meets it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slurm_finops.cli import advising, main
from slurm_finops.cli import app as cli_app
from slurm_finops.ledger.ingest import Tally, begin, finish
from tests.support import CONFIG, JUNE, a_config, a_ledger, record, saved
from tests.test_golden_month import priced

HOUR, DAY = 3600, 86_400
H100 = "gres/gpu:h100"
RATES = """
[[rates]]
sku = "gres/gpu:h100"
price = "2.35"
from = 2026-01-01
pricing = "committed"
match = { qos = "reserved" }
rank = 1
[[rates]]
sku = "gres/gpu:h100"
price = "9.99"
from = 2026-06-02
pricing = "committed"
match = { qos = "reserved" }
rank = 1
[[rates]]
sku = "gres/gpu:h100"
price = "2.91"
from = 2026-01-01
pricing = "spot"
match = { partition = "spot" }
"""


def at(monkeypatch: pytest.MonkeyPatch, instant: int) -> None:
    for module in (advising, cli_app):
        monkeypatch.setattr(module, "now", lambda: instant)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of June's first day: two H100s for 24 hours, six more for the last six hours, one A100."""
    at(monkeypatch, JUNE + 10 * DAY)
    path = a_config(tmp_path, CONFIG + RATES)
    other = "gres/gpu:a100=1,gres/gpu=1"
    runs = [
        (JUNE, DAY, "gres/gpu:h100=2,gres/gpu=2", "h100"), (JUNE + 18 * HOUR, 6 * HOUR,
         "gres/gpu:h100=6,gres/gpu=6", "burst"), (JUNE, HOUR, other, "a100"),
    ]  # fmt: skip
    text = saved(*(
        record(JobIDRaw=i, JobID=i, Start=start, End=start + length, ElapsedRaw=length,
               AllocTRES=tres, Partition=partition)
        for i, (start, length, tres, partition) in enumerate(runs, 1)
    ))  # fmt: skip
    (tmp_path / "june.txt").write_text(text)
    for words in (["collect", "sacct", "--file", str(tmp_path / "june.txt")], ["price"]):
        assert finops(path, *words).exit_code == 0
    return path


def finops(config: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["-c", str(config), *words])


def advise(config: Path, *words: str, period: str = "2026-06-01") -> Result:
    return finops(config, "advise", "--period", period, *words)


def answer(config: Path, *words: str, period: str = "2026-06-01") -> dict:  # type: ignore[type-arg]
    result = advise(config, *words, "--format", "json", period=period)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert isinstance(found, dict)
    return found


def test_prices_are_those_configured(config: Path) -> None:
    found = answer(config)
    assert (found["currency"], found["sku"], found["partition"]) == ("USD", H100, None)
    assert {kind: price["price"] for kind, price in found["prices"].items()} == {
        "on_demand": "3.920000", "committed": "2.350000", "spot": "2.910000",
    }  # fmt: skip
    commitment = found["commitment"]
    # 2 × 24 h × 2.35 + 6 × 6 h × 3.92, and 84 h × 3.92
    assert (commitment["cheapest"]["units"], commitment["cheapest"]["cost"]) == (2, "253.92")
    assert (commitment["floor"]["units"], commitment["all_on_demand"]) == (2, "329.28")
    assert found["notes"] == ["also held: gres/gpu:a100, 1.0 GPU-hours: --sku gres/gpu:a100"]


def test_prices_given_come_before(config: Path) -> None:
    found = answer(config, "--committed", "0.50", "--on-demand", "4")
    # a quarter of the hours had eight: 0.125 of on demand pays for all of them
    assert found["commitment"]["cheapest"]["units"] == 8
    assert found["commitment"]["cheapest"]["cost"] == "96.00"


def test_what_is_no_cheaper_than_on_demand_is_not_committed(config: Path) -> None:
    for price in ("3.92", "3.920001", "99999999999"):
        found = answer(config, "--committed", price)["commitment"]
        assert (found["cheapest"]["units"], found["cheapest"]["saved"]) == (0, "0.00")
    assert advise(config, "--committed", "4").stdout.startswith("Commit nothing of gres/gpu:h100")


def test_hours_without_use_count(config: Path) -> None:
    found = answer(config, "--committed", "2.35", period="2026-06-01..2026-06-03")
    assert found["period"]["hours"] == 48
    # in use half of the time, which is less than 2.35 / 3.92
    assert found["commitment"]["cheapest"]["units"] == 0
    assert found["commitment"]["floor"]["units"] == 0


def test_a_partition_and_another_sku_are_looked_at_alone(config: Path) -> None:
    assert answer(config, "--partition", "burst")["use"] == {"unit_seconds": 36 * HOUR}
    found = answer(config, "--sku", "gres/gpu:a100", "--committed", "1", "--on-demand", "2")
    assert found["use"] == {"unit_seconds": HOUR}
    assert found["notes"] == []
    assert found["workloads"][0]["now"] == [
        {"pricing": "unpriced", "unit_seconds": HOUR, "effective_cost": None}
    ]


def test_capacity_says_what_was_idle(config: Path) -> None:
    assert answer(config, "--capacity", "8")["idle"] == {
        "capacity": 8, "unit_seconds": 108 * HOUR, "capacity_unit_seconds": 192 * HOUR,
        "cost": "423.36",
    }  # fmt: skip


def test_the_last_whole_month_is_the_default(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, JUNE + 31 * DAY)
    result = finops(config, "advise", "--format", "json")
    assert json.loads(result.stdout)["period"] == {
        "start": "2026-06-01T00:00:00+00:00", "end": "2026-07-01T00:00:00+00:00", "hours": 720,
        "seconds": 30 * DAY,
    }  # fmt: skip


def test_the_picture_is_written(config: Path, tmp_path: Path) -> None:
    picture = tmp_path / "june.png"
    assert advise(config, "--picture", str(picture)).exit_code == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_what_is_there_stays_as_it_is(config: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert advise(config).exit_code == 0
    assert {path: path.read_bytes() for path in before} == before


def test_runs_that_wait_for_their_price_are_said(config: Path, tmp_path: Path) -> None:
    more = tmp_path / "more.txt"
    more.write_text(saved(record(JobIDRaw=9, JobID=9)))
    finops(config, "collect", "sacct", "--file", str(more))
    assert "1 run is not priced yet" in advise(config).stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--committed", "-1"], "'--committed': '-1' is not a plain decimal number"),
        (["--committed", "2.3500001"], "'--committed': '2.3500001' has more than 6 decimals"),
        (["--on-demand", "3,92"], "'--on-demand': '3,92' is not a plain decimal number"),
        (["--on-demand", "0.00"], "'--on-demand': a price of 0 leaves nothing to advise"),
        (["--sku", "gres/gpu:h10"], "charged for 'gres/gpu:h10'; did you mean 'gres/gpu:h100'?"),
        (["--sku", "a100"], "did you mean 'gres/gpu:a100'?"),
        (["--sku", "tpu"], "known: gres/gpu:a100, gres/gpu:h100"),
        (["--sku", "gres/gpu:a100"], "no on-demand rate of gres/gpu:a100 is configured"),
        (["--sku", "gres/gpu:a100"], "give --on-demand PRICE"),
        (["--sku", "gres/gpu:a100", "--on-demand", "2"], "give --committed PRICE"),
        (["--partition", "brust"], "did you mean 'burst'?"),
        (["--capacity", "7"], "in the hour from 2026-06-01T18:00:00+00:00, which took at least 8"),
        (["--capacity", "0"], "0 is not in the range"),
        (["--picture", "june.jpg"], "'june.jpg' does not end in .png"),
        (["--period", "2026-08"], "2026-08 has not begun; the last whole month is 2026-05"),
        (["--period", "2026-06"], "name a period that has, such as 2026-06-01..2026-06-11"),
        (["--period", "2026-05"],
         "no run held any GPU in 2026-05; the ledger has charges from 2026-06-01 to 2026-06-01"),
        (["--sku", H100, "--period", "2026-06-02"], "no run held gres/gpu:h100 in 2026-06-02"),
        (["--period", "2025-01", "--sku", H100], "no on-demand rate of gres/gpu:h100"),
        (["--period", "June"], "'June' is not a period"),
    ],
)  # fmt: skip
def test_wrong_words(config: Path, words: list[str], said: str) -> None:
    result = advise(config, *words)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())
    assert result.stdout == ""


def test_rates_that_only_a_partition_could_tell_apart_are_named(config: Path) -> None:
    text = config.read_text().replace('price = "3.92"', 'price = "3.92"\nmatch = { partition="a" }')
    config.write_text(text + '[[rates]]\nsku = "gres/gpu:h100"\nprice = "4"\nfrom = 2026-01-01\n'
                      'match = { partition = "b" }\n')  # fmt: skip
    result = advise(config)
    assert result.exit_code == 2
    assert "give --on-demand PRICE or --partition NAME" in " ".join(result.stderr.split())
    assert "3.920000 partition=a, 4.000000 partition=b" in " ".join(result.stderr.split())


def test_an_empty_ledger_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, JUNE + 10 * DAY)
    path = a_config(tmp_path)
    assert "is not there yet: slurm-finops collect" in advise(path).stderr
    finops(path, "price")
    assert "no charges yet: slurm-finops collect, then price" in advise(path).stderr


def test_the_golden_month_to_the_cent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight GPUs at every second: 8 × 720 × 2.35 committed, × 3.92 on demand."""
    at(monkeypatch, JUNE + 31 * DAY)
    found = answer(priced(tmp_path, CONFIG), "--committed", "2.35", period="2026-06")
    commitment = found["commitment"]
    for level in (commitment["cheapest"], commitment["floor"]):
        assert (level["units"], level["cost"], level["saved"]) == (8, "13536.00", "9043.20")
        assert level["used_unit_seconds"] == level["committed_unit_seconds"] == 20_736_000
    assert (commitment["all_on_demand"], commitment["between"]) == ("22579.20", "0.00")
    workloads = found["workloads"]
    assert len(workloads) == 23
    assert sum(one["unit_seconds"] for one in workloads) == 20_736_000
    assert sum(one["runs"] for one in workloads) == 1067
    assert sum(int(one["effective_cost"].replace(".", "")) for one in workloads) == 2_257_920


def test_what_the_figures_lack_is_said(config: Path, tmp_path: Path) -> None:
    running = record(JobIDRaw=9, JobID=9, State="RUNNING", End="Unknown", Start=JUNE,
                     ElapsedRaw=HOUR)  # fmt: skip
    (tmp_path / "more.txt").write_text(saved(running))
    for words in (["collect", "sacct", "--file", str(tmp_path / "more.txt")], ["price"]):
        assert finops(config, *words).exit_code == 0
    ledger = a_ledger(tmp_path / "ledger.db")
    run = begin(ledger, "sacct", "alpha", JUNE, JUNE - DAY, JUNE + 20 * HOUR)
    finish(ledger, run, JUNE, Tally())
    ledger.close()
    notes = answer(config)["notes"]
    assert "collected up to 2026-06-01T20:00:00+00:00: hours after that count as" in notes[1]
    assert notes[2].startswith("1 run had not ended when collected")
