"""The golden month through the real path: saved sacct file -> ledger -> report, to the cent."""

import csv
import io
import json
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from slurm_finops.cli import main
from tests.support import CONFIG, a_config

SACCT = Path(__file__).parent / "sacct"
SECONDS = {
    "nlp": 8_294_400, "cv": 5_184_000, "platform": 3_110_400, "research": 2_488_320,
    "product": 1_658_880,
}  # fmt: skip
#: 5,760 GPU-hours of eight H100s; research and product end in half a cent and less.
AT_3_92 = {
    "nlp": "9031.68", "cv": "5644.80", "platform": "3386.88", "research": "2709.50",
    "product": "1806.34", "total": "22579.20",
}  # fmt: skip
AT_6_88 = {
    "nlp": "15851.52", "cv": "9907.20", "platform": "5944.32", "research": "4755.46",
    "product": "3170.30", "total": "39628.80",
}  # fmt: skip
#: At 588 yen: nlp 1,354,752; research 406,425.6 and product 270,950.4.
IN_YEN = {
    "nlp": "1354752", "cv": "846720", "platform": "508032", "research": "406426",
    "product": "270950", "total": "3386880",
}  # fmt: skip


def priced(folder: Path, config: str, *files: str) -> Path:
    path = a_config(folder, config)
    for name in files or ("alpha-2026-06.txt.gz",):
        words = ["-c", str(path), "collect", "sacct", "--file", str(SACCT / name)]
        assert CliRunner().invoke(main, words).exit_code == 0
    assert CliRunner().invoke(main, ["-c", str(path), "price"]).exit_code == 0
    return path


def report(config: Path, *words: str) -> str:
    result = CliRunner().invoke(main, ["-c", str(config), "report", *words])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (CONFIG, AT_3_92),
        (CONFIG.replace("3.92", "6.88"), AT_6_88),
        (CONFIG.replace("3.92", "588").replace("USD", "JPY"), IN_YEN),
    ],
)
def test_five_teams_to_the_minor_unit(tmp_path: Path, config: str, expected: dict) -> None:  # type: ignore[type-arg]
    path = priced(tmp_path, config)
    answer = json.loads(report(path, "--period", "2026-06", "--by", "team", "--format", "json"))
    total = expected.pop("total")
    rows = {row["team"]: row for row in answer["rows"]}
    assert {team: row["gpu_seconds"] for team, row in rows.items()} == SECONDS
    for column in ("list_cost", "effective_cost", "billed_cost"):
        assert {team: row[column] for team, row in rows.items()} == expected
        assert answer["total"][column] == total
    expected["total"] = total
    assert answer["total"]["gpu_seconds"] == 20_736_000
    assert answer["total"]["runs"] == 1067
    assert answer["provisional"]["runs"] == 0
    assert answer["unpriced"] == {"runs": 0, "gpu_seconds": 0}
    assert answer["period"] == {
        "start": "2026-06-01T00:00:00+00:00", "end": "2026-07-01T00:00:00+00:00",
    }  # fmt: skip


@pytest.mark.parametrize(
    "by",
    ["team", "project", "experiment", "environment", "model", "cost_center", "user", "account",
     "partition", "qos", "cluster", "sku", "state", "pricing", "tag_source", "day",
     "team,project", "day,team,user"],
)  # fmt: skip
def test_rows_by_any_dimension_sum_to_the_same_total(tmp_path_factory, by: str) -> None:  # type: ignore[no-untyped-def]
    path = shared(tmp_path_factory)
    answer = json.loads(report(path, "--period", "2026-06", "--by", by, "--format", "json"))
    cents = [int(row["billed_cost"].replace(".", "")) for row in answer["rows"]]
    assert sum(cents) == 2_257_920
    assert cents == sorted(cents, reverse=True)
    assert list(answer["rows"][0])[: len(by.split(","))] == by.split(",")


_SHARED: list[Path] = []


def shared(factory) -> Path:  # type: ignore[no-untyped-def]
    if not _SHARED:
        _SHARED.append(priced(factory.mktemp("golden"), CONFIG))
    return _SHARED[0]


def test_weeks_and_days_sum_to_the_month(tmp_path_factory) -> None:  # type: ignore[no-untyped-def]
    path = shared(tmp_path_factory)
    edges = ["2026-06-01", "2026-06-08", "2026-06-15", "2026-06-22", "2026-07-01"]
    seconds = 0
    for first, last in pairwise(edges):
        answer = json.loads(report(path, "--period", f"{first}..{last}", "--format", "json"))
        seconds += answer["total"]["gpu_seconds"]
    assert seconds == 20_736_000
    csv_text = report(path, "--period", "2026-06", "--by", "day", "--format", "csv")
    days = list(csv.DictReader(io.StringIO(csv_text)))
    assert len(days) == 30
    assert {int(row["gpu_seconds"]) for row in days} == {8 * 86_400}


def test_a_period_with_nothing_in_it_is_an_empty_report(tmp_path_factory) -> None:  # type: ignore[no-untyped-def]
    path = shared(tmp_path_factory)
    answer = json.loads(report(path, "--period", "2025-01", "--format", "json"))
    assert answer["rows"] == []
    assert answer["total"]["billed_cost"] == "0.00"
    assert "0.00" in report(path, "--period", "2025-01")


def test_a_month_of_real_life_beside_it_leaves_the_golden_one_as_it_is(tmp_path: Path) -> None:
    path = priced(tmp_path, CONFIG, "beta-2026-11.txt.gz", "alpha-2026-06.txt.gz")
    june = json.loads(report(path, "--period", "2026-06", "--format", "json"))
    assert june["total"]["billed_cost"] == "22579.20"
    life = json.loads(report(path, "--period", "2026-11", "--format", "json"))
    assert life["provisional"]["runs"] == 14
    assert life["unpriced"]["runs"] > 0
    assert None in [row["team"] for row in life["rows"]]
    assert sum(int(row["billed_cost"].replace(".", "")) for row in life["rows"]) == int(
        life["total"]["billed_cost"].replace(".", "")
    )
