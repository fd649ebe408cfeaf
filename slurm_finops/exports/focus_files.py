"""Rows of FOCUS as CSV and as Parquet, written as they come."""

import csv
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from slurm_finops.errors import ConfigError
from slurm_finops.exports.focus import Row
from slurm_finops.exports.focus_columns import DIGITS, MINOR_DIGITS, Column, Version, columns

#: Rows of one group of a Parquet file, which is what stands in memory.
GROUP = 20_000
#: Digits of a number in Parquet, those after the point included.
_PRECISION = 38


def write_csv(rows: Iterable[Row], file: TextIO, version: Version) -> int:
    """Write a head and the rows; how many there were.  ``file`` is opened with newline="".

    Amounts have a point, as readers that guess types by the look of them want it; null is
    nothing between two commas.  Texts stand as they are, also one that a spreadsheet would
    take for a formula: FOCUS lets nobody change a tag.
    """
    of = columns(version)
    spelled = [(n, _SPELLED[one.kind]) for n, one in enumerate(of) if one.kind in _SPELLED]
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([column.name for column in of])
    count = 0
    for row in rows:
        values = list(row.values())
        for n, text in spelled:
            if values[n] is not None:
                values[n] = text(values[n])
        writer.writerow(values)
        count += 1
    return count


def _number(value: Any) -> str:
    text = f"{value:f}"
    return text if "." in text else text + ".0"


def _short(value: Any) -> str:
    """All digits that `DIGITS` leave, but for zeros at the end."""
    text = f"{value:f}".rstrip("0")
    return text + "0" if text.endswith(".") else text


@lru_cache(1000)
def _time(value: Any) -> str:
    return f"{value:%Y-%m-%dT%H:%M:%SZ}"


#: How values are written that do not stand as they are, by the kind of their column.
_SPELLED: dict[str, Callable[[Any], str]] = {"minor": _number, "decimal": _short, "time": _time}


def write_parquet(rows: Iterable[Row], path: Path, version: Version) -> int:
    """Write the rows, a group at a time; how many there were.

    Money is Decimal128, exact integers Decimal128 without a fraction.  Raises `ConfigError`
    where pyarrow is missing.
    """
    arrow, parquet = _pyarrow()
    schema = arrow.schema([_field(arrow, column) for column in columns(version)])
    count = 0
    with parquet.ParquetWriter(path, schema) as writer:
        for group in _groups(rows):
            writer.write_table(arrow.Table.from_pylist(group, schema=schema))
            count += len(group)
    return count


def _groups(rows: Iterable[Row]) -> Iterator[list[Row]]:
    rest = iter(rows)
    while group := list(islice(rest, GROUP)):
        yield group


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        pip = Path(sys.executable).with_name("pip")
        raise ConfigError(
            f"Parquet needs pyarrow: in the clone, {pip} install '.[parquet]'"
        ) from None
    return pyarrow, pyarrow.parquet


def _field(arrow: Any, column: Column) -> Any:
    types = {
        "decimal": arrow.decimal128(_PRECISION, DIGITS),
        "minor": arrow.decimal128(_PRECISION, MINOR_DIGITS),
        "integer": arrow.decimal128(_PRECISION, 0),
        "time": arrow.timestamp("ms", tz="UTC"),
    }
    return arrow.field(column.name, types.get(column.kind, arrow.string()))
