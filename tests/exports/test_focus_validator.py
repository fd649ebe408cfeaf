"""What the public validator of FOCUS 1.2 says of our files."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from slurm_finops.exports.focus import PerRun, Posted, rows
from slurm_finops.exports.focus_files import write_csv, write_parquet
from tests.exports.stated import ABOUT, by_run, month

pytestmark = pytest.mark.focus_validator

Check = Callable[[Path], tuple[int, str]]


def a_parquet(folder: Path, lines: Iterable[Posted | PerRun]) -> Path:
    path = folder / "focus.parquet"
    write_parquet(rows(lines, ABOUT, "1.2"), path, "1.2")
    return path


def test_a_month_with_every_kind_of_line_is_valid(tmp_path, focus_validator: Check):
    code, said = focus_validator(a_parquet(tmp_path, [*month(), *by_run()]))
    assert code == 0, said
    # a rule that is skipped holds for anything: so many ran when all criteria of ours were named
    passed = re.search(r"Pass: (\d+)", said)
    assert passed is not None
    assert int(passed[1]) >= 309


def test_the_same_as_csv_is_valid(tmp_path, focus_validator: Check):
    path = tmp_path / "focus.csv"
    with path.open("w", newline="") as file:
        write_csv(rows(month(), ABOUT, "1.2"), file, "1.2")
    code, said = focus_validator(path)
    assert code == 0, said


def test_a_draft_that_has_no_statements_yet_is_valid(tmp_path, focus_validator: Check):
    draft = [line._replace(statement="", line=0) for line in month()]
    code, said = focus_validator(a_parquet(tmp_path, draft))
    assert code == 0, said


def test_a_rule_that_is_broken_is_named(tmp_path, focus_validator: Check):
    path = tmp_path / "focus.parquet"
    nameless = (row | {"CommitmentDiscountType": None} for row in rows(month(), ABOUT, "1.2"))
    write_parquet(nameless, path, "1.2")
    code, said = focus_validator(path)
    assert code == 1
    assert "CommitmentDiscountType-C-005-C CommitmentDiscountType MUST NOT be NULL." in said
