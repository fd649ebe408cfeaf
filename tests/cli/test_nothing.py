"""What report and send say where there is nothing, and of a file whose ending says nothing."""

import json
from pathlib import Path

import pytest

from tests.cli.test_send import collected, finops, site

KNOWN = "the ledger has costs from 2026-06-01 to 2026-06-30\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return collected(tmp_path_factory.mktemp("nothing"))


def test_a_report_of_a_month_without_anything_says_what_there_is(folder: Path) -> None:
    said = finops(folder, "report", "--period", "2025-01").stdout
    assert said.endswith(f"\nnothing was held by anybody in 2025-01; {KNOWN}")
    said = finops(folder, "report", "--period", "2025-01", "--team", "nlp").stdout
    assert said.endswith(f"\nnothing was held by nlp in 2025-01; {KNOWN}")
    assert "nothing" not in finops(folder, "report", "--period", "2026-06").stdout


def test_what_another_program_reads_of_it_stays_as_it_was(folder: Path) -> None:
    of_nothing = "report", "--period", "2025-01", "--format"
    assert json.loads(finops(folder, *of_nothing, "json").output)["rows"] == []
    assert len(finops(folder, *of_nothing, "csv").output.splitlines()) == 1


def test_a_ledger_without_costs_has_no_days(tmp_path: Path) -> None:
    site(tmp_path)
    assert finops(tmp_path, "price").exit_code == 0
    said = finops(tmp_path, "report", "--period", "2025-01").stdout
    assert said.endswith("nothing was held by anybody in 2025-01; the ledger has no costs yet\n")


def test_a_dry_run_without_mails_says_why(folder: Path, tmp_path: Path) -> None:
    dry = "send", "--period", "2025-01", "--dry-run", "--out", str(tmp_path)
    assert finops(folder, *dry).output == (
        f"0 mails written, none sent\nnothing was held by who gets mails in 2025-01; {KNOWN}"
    )
    assert "by who gets mails of nlp in 2025-01; " in finops(folder, *dry, "--team", "nlp").output
    written = finops(folder, *dry, "--period", "2026-06", "--team", "cv").output
    assert "nothing" not in written


def test_a_send_of_a_month_without_anything_says_what_there_is(folder: Path) -> None:
    result = finops(folder, "send", "--period", "2025-01")
    assert (result.exit_code, result.output.splitlines()[-1] + "\n") == (0, KNOWN)


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("a.html", "<!DOCTYPE html>"), ("a.HTML", "<!DOCTYPE html>"), ("a.json", "{"),
        ("a.csv", "team,runs,"), ("a.txt", "2026-06 by team\n"), ("june", "2026-06 by team\n"),
    ],
)  # fmt: skip
def test_a_file_is_what_its_name_says(
    folder: Path, tmp_path: Path, name: str, begins: str
) -> None:
    path = tmp_path / name
    result = finops(folder, "report", "--period", "2026-06", "--out", str(path))
    assert (result.exit_code, result.output) == (0, f"{path}\n")
    assert path.read_text().startswith(begins)


@pytest.mark.parametrize("name", ["june.pdf", "june.md", "june.htm", "june.table", "2026.06"])
def test_a_file_that_says_not_what_it_is_is_not_written(
    folder: Path, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    asked = "report", "--period", "2026-06", "--out", str(path)
    refused = finops(folder, *asked)
    assert refused.exit_code == 2
    assert ".html, .json, .csv or .txt" in refused.output
    assert "--format" in refused.output
    assert not path.exists()
    assert finops(folder, *asked, "--format", "csv").exit_code == 0
    assert path.read_text().startswith("team,")


def test_an_explanation_is_written_to_no_file(folder: Path) -> None:
    refused = finops(folder, "report", "--explain", "1", "--out", "a.json")
    assert refused.exit_code == 2
    assert "--explain writes to the terminal" in refused.output
