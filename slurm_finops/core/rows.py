"""Rows of a CSV file, as texts by column, each with where it stands."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

from slurm_finops.core.words import count, shown
from slurm_finops.errors import InputError

#: Files by name, each as its lines.
Files = Iterable[tuple[str, Iterable[str]]]


class Row(NamedTuple):
    """One row; ``item`` is what it prices, and ``number`` counts ``unit`` from 1."""

    file: str
    unit: str
    number: int
    item: str
    columns: Sequence[str]
    cells: Sequence[str]

    @property
    def where(self) -> str:
        return f"{self.file} {self.unit} {self.number}"

    @property
    def fields(self) -> dict[str, str]:
        return dict(zip(self.columns, self.cells, strict=True))


def csv_rows(files: Files, item: str, needed: Sequence[str], above: int = 0) -> Iterator[Row]:
    """The rows of CSV files whose header is behind ``above`` other rows.

    Raises `InputError` where a column of ``needed`` is missing, and for a row that
    is not as wide as the header: a copy that broke off ends in one.
    """
    for name, lines in files:
        reader = csv.reader(lines, strict=True)
        try:
            yield from _of_csv(name, reader, item, needed, above)
        except csv.Error as error:
            raise InputError(f"{name} line {reader.line_num}: no CSV: {error}") from None


def _of_csv(
    name: str, reader: Any, item: str, needed: Sequence[str], above: int
) -> Iterator[Row]:
    rows = iter(reader)
    for _ in range(above):
        next(rows, None)
    header: list[str] = next(rows, [])
    if not header:
        raise InputError(f"{name} ends before its header")
    columns = [column.strip().removeprefix("\ufeff") for column in header]
    _check_columns(f"{name} line {reader.line_num}", columns, needed)
    at, width = columns.index(item), len(columns)
    for cells in rows:
        if not cells:
            continue
        number = reader.line_num
        if len(cells) != width:
            raise InputError(
                f"{name} line {number}: {count(len(cells), 'field')}, but the header has {width}: "
                "was the file copied whole?"
            )
        yield Row(name, "line", number, cells[at], columns, cells)


def _check_columns(where: str, columns: Sequence[str], needed: Sequence[str]) -> None:
    for column in needed:
        if column not in columns:
            raise InputError(
                f"{where} is no header with the column {column!r}; {near(column, columns)}"
            )
    for column in needed:
        if columns.count(column) > 1:
            raise InputError(f"{where}: the column {column!r} is there twice")


def near(name: str, known: Iterable[str]) -> str:
    """What a name that is not known may have meant: the nearest, and some of the others."""
    names = sorted(filter(None, set(known)))
    if not names:
        return "there is none"
    nearest = get_close_matches(name, names, n=1, cutoff=0)[0]
    return f"the nearest is {nearest!r} of {len(names)}"


def only_columns(row: Row, known: Sequence[str]) -> None:
    """Raise `InputError` for a header with a column that is not known, or is there twice."""
    for column in row.columns:
        if column not in known:
            raise InputError(f"{row.file} has a column {column!r}; {near(column, known)}")
    if len(set(row.columns)) < len(row.columns):
        raise InputError(f"{row.file} has a column twice: {', '.join(map(shown, row.columns))}")
