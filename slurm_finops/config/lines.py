"""Lines of a bill from a CSV file: the keys of ``[[lines]]`` as columns."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from slurm_finops.config.fields import YEARS
from slurm_finops.config.model import Config
from slurm_finops.config.pools import Reader
from slurm_finops.config.table import Table
from slurm_finops.core.money import SECONDS_PER_HOUR
from slurm_finops.core.pools import METHODS, Line
from slurm_finops.core.rows import Row, only_columns
from slurm_finops.core.tags import KEYS
from slurm_finops.core.words import SHOWN, shown
from slurm_finops.errors import FinopsError, InputError

NEEDED = ("name", "amount", "from")
_RULE = ("spread", "by", "to", "over", "ratios")
COLUMNS = (*NEEDED, "until", "every", "category", "currency", *KEYS, *_RULE)
_EXPECTED = "expected a date such as 2026-06-01"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
#: SQLite's largest integer: an amount is kept in micro-units.
_LARGEST = (1 << 63) - 1
_Fail = Callable[[str, str], FinopsError]


class _Cells(Table):
    """A row as a table of finops.toml is read, so that the same rules hold in the same words."""

    def fail(self, key: str, why: str) -> FinopsError:
        return InputError(": ".join(filter(None, (self.name, key, why))))

    def _below(self, key: str) -> str:
        # an owner's tags are columns of the row itself
        return self.name if key == "tags" else f"{self.name}: {key}"


def lines_of(rows: Iterable[Row], config: Config) -> Iterator[Line]:
    """Every row as a line; its ``where`` is the file and line.  Raises `InputError`."""
    reader = Reader(config.calendar, frozenset(team.name for team in config.teams))
    for row in rows:
        only_columns(row, COLUMNS)
        cells = {column: cell.strip() for column, cell in row.fields.items()}
        table = _table(row.where, {column: cell for column, cell in cells.items() if cell}, config)
        line = reader.line(table)
        if line.cost.ticks > _LARGEST * SECONDS_PER_HOUR:
            raise table.fail("amount", "is larger than a ledger can hold")
        yield line


def _table(where: str, cells: Mapping[str, str], config: Config) -> Table:
    fail = _Cells(Path(), where, {}).fail
    values = dict(cells) | _days(cells, fail)
    currency = values.pop("currency", config.currency)
    if currency != config.currency:
        raise fail("currency", f"is {shown(currency)}, and the ledger's {config.currency}; give "
                   "the amount in it")  # fmt: skip
    amount = cells.get("amount", "")
    if amount.startswith(("-", "−")):
        raise fail("amount", f"is {shown(amount)}, below zero; what is taken off a bill goes into "
                   'finops.toml, as [[pools]] of kind = "credit"')  # fmt: skip
    if len(amount) > SHOWN:
        raise fail("amount", f"is {shown(amount)}, which no amount can be")
    owner = _owner(values, fail)
    if owner:
        values["tags"] = owner
    if "ratios" in values:
        values["ratios"] = _ratios(cells["ratios"], fail)
    return _Cells(Path(), where, values)


def _owner(values: dict[str, Any], fail: _Fail) -> dict[str, str]:
    """The columns of an owner, taken out of a row that has them instead of a rule."""
    owner = {key: values.pop(key) for key in KEYS if key in values}
    rule = [key for key in _RULE if key in values]
    if owner and rule:
        raise fail(rule[0], f"and {next(iter(owner))} both say who carries it; leave one empty")
    if not owner and "spread" not in values:
        raise fail("spread", f"is missing: who carries it?  Give {' or '.join(METHODS)}, or an "
                   "owner, such as a team")  # fmt: skip
    return owner


def _days(cells: Mapping[str, str], fail: _Fail) -> dict[str, Any]:
    if "from" not in cells:
        raise fail("from", f"is missing; {_EXPECTED}")
    return {key: _day(key, cells[key], fail) for key in ("from", "until") if key in cells}


def _day(key: str, cell: str, fail: _Fail) -> date:
    try:
        if not _DAY.fullmatch(cell):
            raise ValueError
        found = date.fromisoformat(cell)
        if found.year not in YEARS:
            raise ValueError
    except ValueError:
        raise fail(key, f"is {shown(cell)}; {_EXPECTED}") from None
    return found


def _ratios(cell: str, fail: _Fail) -> dict[str, str]:
    """``nlp=0.6;platform=0.4``, as typed."""
    found: dict[str, str] = {}
    for text in cell.split(";"):
        team, equals, part = (word.strip() for word in text.partition("="))
        if not (team and equals and part):
            raise fail("ratios", f"has {shown(text)}; expected such as nlp=0.6;platform=0.4")
        if team in found:
            raise fail("ratios", f"names {shown(team)} twice")
        found[team] = part
    return found
