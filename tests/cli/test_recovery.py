"""pools recovery: what the page says, by the real path, and as programs read it."""

import csv
import io
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slurm_finops.cli import app, main
from tests.support import CONFIG, a_config, record, saved
from tests.test_golden_month import SACCT

PAGE = (Path(__file__).parents[2] / "docs" / "recovery.md").read_text()
JULY = int(datetime(2026, 7, 1, tzinfo=UTC).timestamp())
DAY = 86_400
OWNED = """
[[pools]]
name   = "node"
kind   = "owned"
sku    = "gres/gpu:h100"
units  = 16
from   = 2026-06-01
hourly = "32.00"
"""


def at(monkeypatch: pytest.MonkeyPatch, day: str) -> None:
    instant = int(datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp())
    monkeypatch.setattr(app.time, "time", lambda: instant)


def finops(*words: str) -> Result:
    return CliRunner().invoke(main, ["-c", "finops.toml", *words])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    at(monkeypatch, "2026-08-01")
    return tmp_path


@pytest.fixture
def site(folder: Path) -> Path:
    """The page's own configuration; June is the golden month, July twenty days of eight GPUs."""
    a_config(folder, re.findall(r"```toml\n(.*?)```", PAGE, re.S)[0])
    return collected(folder)


def collected(folder: Path) -> Path:
    july = record(
        JobIDRaw=900_000, JobID=900_000, Submit=JULY, Start=JULY, End=JULY + 20 * DAY,
        ElapsedRaw=20 * DAY, AllocTRES="gres/gpu:h100=8,gres/gpu=8",
    )  # fmt: skip
    (folder / "july.txt").write_text(saved(july))
    for file in (str(SACCT / "alpha-2026-06.txt.gz"), "july.txt"):
        assert finops("collect", "sacct", "--file", file).exit_code == 0
    assert finops("price").exit_code == 0
    return folder


def test_the_page_says_what_is_printed(site: Path) -> None:
    done = finops("pools", "recovery", "--year", "2026")
    assert (done.exit_code, done.stderr) == (0, "")
    assert f"$ slurm-finops pools recovery --year 2026\n{done.stdout}" in PAGE
    for figure in re.findall(r"= +([\d,]+\.\d\d)", PAGE):
        assert figure in done.stdout


def test_programs_read_the_same_figures(site: Path) -> None:
    answer = json.loads(finops("pools", "recovery", "--format", "json").stdout)
    (pool,) = answer["pools"]
    first, second = pool["years"]
    assert (pool["name"], pool["kind"], answer["fiscal_year"]) == (
        "h100 service", "recharge", "07-01",
    )  # fmt: skip
    assert second == {
        "year": "2026-07-01..2027-07-01", "from": "2026-07-01", "until": "2027-07-01",
        "counted_until": "2026-08-01", "opening": "5621.92", "cost": "17055.86",
        "billed": "15052.80", "subsidised": "0.00", "recovered": "15052.80", "closing": "3618.86",
        "forgiven": "0.00",
    }  # fmt: skip
    assert first["closing"] == second["opening"]
    rows = list(csv.DictReader(io.StringIO(
        finops("pools", "recovery", "--format", "csv").stdout
    )))  # fmt: skip
    for row, year in zip(rows, (first, second), strict=True):
        assert {name: row[name] for name in year} == year
        assert (row["pool"], row["currency"], row["unused"]) == ("h100 service", "USD", "")


def test_each_pool_is_shown_up_to_the_year_asked_for(site: Path) -> None:
    text = finops("pools", "recovery", "--year", "2025").stdout
    # what July's use recovered is not June's
    assert [line.split()[2:] for line in text.splitlines()[3:-1]] == [
        ["2025-07-01..2026-07-01", "0.00", "16,957.28", "22,579.20", "0.00", "22,579.20",
         "5,621.92", "0.00"],
    ]  # fmt: skip
    none = finops("pools", "recovery", "--year", "2024")
    assert none.stdout == (
        "no pool was there in 2024-07-01..2025-07-01 or before: [[pools]] in finops.toml names "
        "them\n"
    )
    ahead = finops("pools", "recovery", "--year", "2027")
    assert ahead.exit_code == 2
    assert "2027-07-01..2028-07-01 has not begun" in " ".join(ahead.stderr.split())


def test_pools_that_use_bears_are_a_table_of_their_own(folder: Path) -> None:
    a_config(folder, CONFIG + OWNED)
    collected(folder)
    assert finops("pools", "recovery").stdout == (
        "fiscal years from 01-01, USD\n\n"
        "pool  year               cost  borne by use     unused  beyond\n"
        "node  2026, so far  46,848.00     19,200.00  27,648.00    0.00\n"
    )


def test_figures_that_are_not_of_today_say_so(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, "2026-08-05")
    more = record(JobIDRaw=900_001, JobID=900_001, Submit=JULY, Start=JULY, End=JULY + DAY,
                  ElapsedRaw=DAY)  # fmt: skip
    (site / "more.txt").write_text(saved(more))
    finops("collect", "sacct", "--file", "more.txt")
    said = finops("pools", "recovery", "--format", "json").stderr.splitlines()
    assert said == [
        "warning: 1 run is not priced yet and in no figure here; run: slurm-finops price",
        "warning: counted up to the end of 2026-07-31: nothing was priced since; run: "
        "slurm-finops price",
    ]


def test_days_that_are_not_shared_again_are_said(folder: Path) -> None:
    path = a_config(folder, CONFIG + OWNED)
    collected(folder)
    # ten GPUs more on one day do not fit: price stops there
    more = record(JobIDRaw=900_001, JobID=900_001, Submit=JULY, Start=JULY, End=JULY + DAY,
                  ElapsedRaw=DAY, AllocTRES="gres/gpu:h100=10,gres/gpu=10")  # fmt: skip
    (folder / "more.txt").write_text(saved(more))
    finops("collect", "sacct", "--file", "more.txt")
    assert finops("price").exit_code == 2
    assert "warning: 1 day of these years changed and not shared again" in (
        finops("pools", "recovery").stdout
    )
    assert path.exists()


def test_use_without_a_rate_is_said(folder: Path) -> None:
    pool = PAGE[PAGE.index("[[pools]]"):PAGE.index("[[pools.costs]]")]
    a_config(folder, CONFIG.replace("h100", "a100") + pool)
    collected(folder)
    assert finops("pools", "recovery").stdout.splitlines()[-1] == (
        "warning: h100 service: 9,600.0 unit-hours of gres/gpu:h100 have no rate and recover "
        "nothing; add it to [[rates]]"
    )


def test_pools_itself_points_to_what_it_does_not_list(site: Path) -> None:
    assert finops("pools", "--period", "2026-06").stdout == (
        "no pool that covers use is there in 2026-06: [[pools]] in finops.toml names them\n"
        "what rates recover is in: slurm-finops pools recovery\n"
    )
    wrong = finops("pools", "--period", "2026-06", "recovery")
    assert (wrong.exit_code, "stand behind its name" in wrong.stderr) == (2, True)
