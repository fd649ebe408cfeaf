"""export journal and export focus: what finance takes of a month that is closed."""

import csv
import io
from decimal import Decimal
from pathlib import Path

import pytest

from tests.cli.periods import Site, site

__all__ = ["site"]


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_journal_of_an_open_month_is_refused(site: Site) -> None:
    assert "2026-05 is not closed" in site.refused("export", "journal", "2026-05")


def test_a_journal_balances_comes_to_the_month_and_is_the_same_again(site: Site) -> None:
    site.close()
    first = site.done("export", "journal", "2026-05")
    assert first == site.done("export", "journal", "2026-05")
    debit, credit = (
        sum(Decimal(row[side] or 0) for row in rows(first)) for side in ("Debit", "Credit")
    )
    assert debit == credit == Decimal("110.00")
    assert {row["Account"] for row in rows(first)} == {"4711-01", "suspense", "Revenue"}


@pytest.mark.parametrize("per", ["day", "run"])
def test_focus_rows_come_to_the_month(site: Site, per: str) -> None:
    site.close()
    found = rows(site.done("export", "focus", "2026-05", "--per", per))
    assert sum(Decimal(row["BilledCost"]) for row in found) == Decimal("110.00")
    assert {row["InvoiceId"] for row in found} == {"000001", "000002"}
    ids = {row["ResourceId"] for row in found}
    assert ids == ({""} if per == "day" else {f"slurm://alpha/jobs/{n}" for n in (0, 1, 2, 3, 10)})


def test_focus_rows_of_an_open_month_are_a_draft(site: Site) -> None:
    assert "a DRAFT" in site.noted("export", "focus", "2026-05")
    assert {row["InvoiceId"] for row in rows(site.done("export", "focus", "2026-05"))} == {""}


def test_parquet_is_written_whole_or_not_at_all(site: Site, tmp_path: Path) -> None:
    import pyarrow.parquet

    path = tmp_path / "may.parquet"
    site.done("export", "focus", "2026-05", "--version", "1.4", "--out", str(path))
    table = pyarrow.parquet.read_table(path)
    assert sum(table["BilledCost"].to_pylist()) == Decimal("110.00")
    def files() -> list[str]:
        """But for those that SQLite keeps beside a ledger."""
        return sorted(one.name for one in tmp_path.iterdir() if "ledger.db" not in one.name)

    before = files()
    said = site.refused("export", "focus", "2026-05", "--out", str(tmp_path / "none" / "x.csv"),
                        code=3)  # fmt: skip
    assert "cannot write" in said
    assert files() == before


def test_people_are_shown_as_privacy_says(site: Site) -> None:
    named = rows(site.done("export", "focus", "2026-05", "--per", "run"))
    assert {row["x_slurm_user"] for row in named} == {"u"}
    site.config('[privacy]\npeople = "none"\n')
    none = rows(site.done("export", "focus", "2026-05", "--per", "run"))
    assert {row["x_slurm_user"] for row in none} == {""}
    assert {row["ResourceName"] for row in none} == {""}


def test_parquet_is_no_text_for_a_terminal(site: Site) -> None:
    said = site.refused("export", "focus", "2026-05", "--format", "parquet", code=2)
    assert "name a file with --out" in said


@pytest.mark.parametrize(("name", "first"), [
    ("may.csv", "External ID,"), ("may", "External ID,"),
    ("may.beancount", 'option "operating_currency"'),
    ("may.hledger", "commodity "), ("may.journal", "commodity "),
])  # fmt: skip
def test_a_journal_is_what_its_name_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, first: str
) -> None:
    site = Site(tmp_path, monkeypatch)
    site.close()
    site.done("export", "journal", "2026-05", "--out", str(tmp_path / name))
    assert (tmp_path / name).read_text().startswith(first)
    site.done("export", "journal", "2026-05", "--format", "csv", "--out", str(tmp_path / name))
    assert (tmp_path / name).read_text().startswith("External ID,")
