"""problems: what could not be read is listed until somebody has looked at it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slurm_finops.cli import main
from tests.support import a_config, record, saved


@pytest.fixture
def site(tmp_path: Path) -> Path:
    a_config(tmp_path)
    (tmp_path / "june.txt").write_text(saved(record(), "torn|line", record(Submit="Unknown")))
    finops(tmp_path, "collect", "sacct", "--file", str(tmp_path / "june.txt"))
    finops(tmp_path, "price")
    return tmp_path


def finops(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["-c", str(folder / "finops.toml"), *words])


def test_each_is_listed_with_its_reason_and_text(site: Path) -> None:
    said = finops(site, "problems")
    assert said.exit_code == 0
    assert "sacct: 2 fields where the header has 23\n   torn|line\n" in said.output
    assert "sacct: no Submit time" in said.output
    assert said.output.endswith("2 records could not be read\n")
    answer = json.loads(finops(site, "problems", "--format", "json", "--limit", "1").output)
    assert (answer["total"], len(answer["problems"])) == (2, 1)


def test_what_is_settled_is_kept_audited_and_warned_of_no_more(site: Path) -> None:
    assert "2 records, of any period" in finops(site, "report", "--period", "2026-06").output
    done = finops(site, "problems", "--settle", "1", "--why", "a torn copy")
    assert done.output == "1 record settled\n"
    assert "1 record, of any period" in finops(site, "report", "--period", "2026-06").output
    assert finops(site, "problems", "--settle-all", "--why", "old").output == "1 record settled\n"
    assert "could not be read" not in finops(site, "report", "--period", "2026-06").output
    assert finops(site, "problems").output == "every record could be read, or is settled\n"
    # met again, it stays settled
    finops(site, "collect", "sacct", "--file", str(site / "june.txt"))
    assert "or is settled" in finops(site, "problems").output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--settle", "1"], "--why says what was found out"),
        (["--settle", "1", "--settle", "99", "--why", "x"], "1 settled; the others of 1, 99"),
    ],
)
def test_wrong_usage_is_exit_2(site: Path, words: list[str], said: str) -> None:
    result = finops(site, "problems", *words)
    assert (result.exit_code, said in result.output) == (2, True)


def test_a_command_typed_wrong_is_guessed(site: Path) -> None:
    result = finops(site, "reprot")
    assert (result.exit_code, "Did you mean 'report'?" in result.output) == (2, True)
