"""FOCUS as CSV and as Parquet: the same rows, exact, and streamed."""

import csv
import io
import sys
import tracemalloc
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slurm_finops.core.money import TICKS
from slurm_finops.core.posted import Item, Posted
from slurm_finops.core.tags import Tags
from slurm_finops.errors import ConfigError
from slurm_finops.exports import focus_files
from slurm_finops.exports.focus import rows
from slurm_finops.exports.focus_columns import VERSIONS, columns
from slurm_finops.exports.focus_files import write_csv, write_parquet
from slurm_finops.exports.focus_words import CATEGORIES
from tests.exports.stated import ABOUT, FUND, JUNE_1, LINE, a_line, by_run, month, of

Table = list[dict[str, object]]


def as_csv(lines, version="1.2") -> str:
    file = io.StringIO(newline="")
    write_csv(rows(lines, ABOUT, version), file, version)
    return file.getvalue()


def read_csv(text: str, version="1.2") -> Table:
    """Texts as what their column holds."""
    kinds = {column.name: column.kind for column in columns(version)}
    read = {
        "time": lambda text: datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC),
        **dict.fromkeys(["decimal", "minor", "integer"], Decimal),
    }
    found = csv.DictReader(io.StringIO(text, newline=""))
    return [
        {name: read.get(kinds[name], str)(value) if value else None for name, value in row.items()}
        for row in found
    ]


def read_parquet(lines, version="1.2") -> Table:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "focus.parquet"
        write_parquet(rows(lines, ABOUT, version), path, version)
        return pyarrow.parquet.read_table(path).to_pylist()


amounts = st.integers(-(10**24), 10**24)
words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
texts = st.none() | words.filter(bool)
items = st.builds(Item, st.sampled_from(sorted(CATEGORIES)), words, words, words, words, words)
lines = st.lists(
    st.builds(
        Posted, st.integers(0, 10**9), st.just("2026-06"), words, words, st.booleans(),
        st.integers(JUNE_1 - 400, JUNE_1 + 29), words,
        st.builds(Tags, texts, texts, texts, texts, texts, texts), items, st.just(FUND),
        st.integers(-(10**15), 10**15), amounts, amounts, amounts, amounts,
        st.integers(-(10**15), 10**15),
    ), max_size=8,
)  # fmt: skip


def test_of_one_line_the_csv_is_this():
    head, row = as_csv([LINE]).splitlines()
    assert head.startswith("BilledCost,BillingAccountId,")
    assert row.startswith(
        "29.10,Example Trust,Example Trust,EUR,2026-06-30T22:00:00Z,2026-05-31T22:00:00Z,Usage,,"
    )
    assert ",141120000000,104760000000,104760000000,104760000000," in row


def test_amounts_of_a_currency_without_a_minor_unit_have_a_point_too():
    file = io.StringIO(newline="")
    credit = of("credit", -40 * TICKS, billed_minor=-40)
    write_csv(rows([credit], ABOUT._replace(currency="JPY", digits=0), "1.2"), file, "1.2")
    (row,) = csv.DictReader(io.StringIO(file.getvalue(), newline=""))
    names = ("BilledCost", "ListCost", "ContractedCost", "EffectiveCost")
    assert [row[name] for name in names] == ["-40.0"] * 4


@given(lines)
def test_billed_costs_sum_to_what_was_billed_and_exact_columns_give_the_line_back(posted):
    read = read_csv(as_csv(posted))
    assert sum(row["BilledCost"] for row in read) * 100 == sum(p.billed_minor for p in posted)
    assert [
        tuple(
            row[f"x_slurm_{name}"]
            for name in ("unit_seconds", "list_ticks", "contracted_ticks", "effective_ticks",
                         "billed_ticks")
        )
        for row in read
    ] == [p[10:15] for p in posted]  # fmt: skip


@settings(max_examples=25)
@given(lines, st.sampled_from(VERSIONS))
def test_csv_and_parquet_read_back_alike(posted, version):
    assert read_csv(as_csv(posted, version), version) == read_parquet(posted, version)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_month_and_its_runs_read_back_alike(version):
    posted = [*month(), *by_run()]
    read = read_parquet(posted, version)
    assert read == read_csv(as_csv(posted, version), version)
    assert len(read) == len(posted)


def test_money_in_parquet_is_decimal_and_time_is_in_utc(tmp_path):
    path = tmp_path / "focus.parquet"
    write_parquet(rows([LINE], ABOUT, "1.2"), path, "1.2")
    schema = pyarrow.parquet.read_schema(path)
    types = {name: str(schema.field(name).type) for name in schema.names}
    assert types["BilledCost"] == "decimal128(38, 4)"
    assert types["EffectiveCost"] == "decimal128(38, 12)"
    assert types["x_slurm_billed_ticks"] == "decimal128(38, 0)"
    assert types["ChargePeriodStart"] == "timestamp[ms, tz=UTC]"
    assert {"double", "float"} & set(types.values()) == set()


def test_a_file_of_nothing_has_a_head(tmp_path):
    assert as_csv([]).startswith("BilledCost,")
    assert write_parquet([], tmp_path / "none.parquet", "1.2") == 0
    assert pyarrow.parquet.read_table(tmp_path / "none.parquet").num_rows == 0


def test_a_parquet_file_is_written_in_groups(tmp_path, monkeypatch):
    monkeypatch.setattr(focus_files, "GROUP", 10)
    path = tmp_path / "focus.parquet"
    assert write_parquet(rows([LINE] * 25, ABOUT, "1.2"), path, "1.2") == 25
    file = pyarrow.parquet.ParquetFile(path)
    assert [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)] == [10, 10, 5]


def peak(count: int) -> int:
    """Bytes that Python holds at most while so many lines of so many owners become CSV."""
    posted = (a_line(tags=Tags(f"team{n}"), line=n) for n in range(count))
    tracemalloc.start()
    with Path("/dev/null").open("w") as file:
        write_csv(rows(posted, ABOUT, "1.2"), file, "1.2")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


def test_memory_does_not_grow_with_the_rows(monkeypatch):
    monkeypatch.setattr("slurm_finops.exports.focus._REMEMBERED", 100)
    peak(3000)  # what Python makes once
    few = peak(300)
    assert peak(3000) < few * 1.5


def test_without_pyarrow_the_remedy_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigError, match=r"Parquet needs pyarrow: .*pip install '.\[parquet\]'"):
        write_parquet([], tmp_path / "focus.parquet", "1.2")
