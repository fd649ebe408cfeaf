"""Where finance books what a period comes to, and the file it takes: ``[journal]``."""

from slurm_finops.config.fields import unique
from slurm_finops.config.model import Journal
from slurm_finops.config.table import Table
from slurm_finops.core.journal import CATEGORIES, Accounts
from slurm_finops.core.journal_layout import (
    AMOUNTS,
    DECIMALS,
    DELIMITERS,
    ENCODINGS,
    FIELDS,
    FORMATS,
    Column,
    Layout,
    is_date_form,
)
from slurm_finops.core.near import nearest

_ACCOUNT = 'an account such as "4000"'
_DATE = "YYYY, MM and DD in any order, such as \"DD.MM.YYYY\""


def journal_of(table: Table) -> Journal:
    """Raises `ConfigError`."""
    found = Journal(_accounts(table), _layout(table))
    table.done()
    return found


def _accounts(table: Table) -> Accounts:
    plain = Accounts()
    return Accounts(
        revenue=table.text("revenue", _ACCOUNT, plain.revenue),
        recovery=table.text("recovery", _ACCOUNT, plain.recovery),
        tax=table.text("tax", _ACCOUNT, plain.tax),
        by_category=_by_category(table),
    )


def _by_category(table: Table) -> dict[str, str]:
    accounts = table.table("accounts")
    if accounts is None:
        return {}
    found = {name: accounts.text(name, _ACCOUNT, None) for name in CATEGORIES}
    for name in accounts.rest():
        raise accounts.fail(name, f"is no category; {_meant(name, CATEGORIES)}")
    return {name: account for name, account in found.items() if account is not None}


def _layout(table: Table) -> Layout:
    name = table.choice("format", tuple(FORMATS), "plain")
    base = FORMATS[name]
    return Layout(
        columns=_columns(table) or base.columns,
        dates=_date(table, base.dates),
        decimal=_named(table, "decimal", DECIMALS, base.decimal),
        delimiter=_named(table, "delimiter", DELIMITERS, base.delimiter),
        encoding=table.choice("encoding", ENCODINGS, base.encoding),
        header=table.take("header", bool, "true or false", base.header),
        sides=_sides(table, base.sides),
    )


def _named(table: Table, key: str, signs: dict[str, str], default: str) -> str:
    """A sign, given by its name or as it is."""
    text = table.text(key, " or ".join(signs), default)
    if text in signs.values():
        return str(text)
    if text not in signs:
        raise table.fail(key, f"is {text!r}; expected {' or '.join(signs)}")
    return signs[text]


def _date(table: Table, default: str) -> str:
    text: str = table.text("date", _DATE, default)
    if not is_date_form(text):
        raise table.fail("date", f"is {text!r}; expected {_DATE}")
    return text


def _sides(table: Table, default: tuple[str, str]) -> tuple[str, str]:
    expected = 'what debit and credit are called, such as ["S", "H"]'
    found: tuple[str, ...] = table.texts("sides", expected, default)
    if len(found) != 2 or found[0] == found[1]:
        raise table.fail("sides", f"is {list(found)!r}; expected {expected}")
    return found[0], found[1]


def _columns(table: Table) -> tuple[Column, ...]:
    found = tuple(map(_column, table.tables("columns")))
    if not found:
        return found
    unique(table, "columns", [column.name for column in found])
    held = {name for column in found for name in column.fields}
    if not any(held.issuperset(names) for names in AMOUNTS):
        ways = ", or ".join(" and ".join(f"{{{name}}}" for name in names) for names in AMOUNTS)
        raise table.fail("columns", f"say no amount; expected {ways} in one of them")
    for name, why in (
        ("account", "where it is booked"),
        ("external_id", "which line is meant when finance answers (import journal-status)"),
    ):
        if name not in held:
            raise table.fail("columns", f"have no {{{name}}}: nothing says {why}")
    return found


def _column(table: Table) -> Column:
    column = Column(
        table.text("name", "the column's header"),
        table.take("value", str, 'a text with fields in braces, such as "{debit}"'),
    )
    table.done()
    for name in column.fields:
        if name not in FIELDS:
            raise table.fail("value", f"has {{{name}}}, which is no field; {_meant(name, FIELDS)}")
    if column.has_braces_left:
        raise table.fail("value", f"is {column.value!r}, with a brace that has no partner")
    return column


def _meant(name: str, known: tuple[str, ...]) -> str:
    near = nearest(name, known)
    return f"did you mean {near!r}?" if near else f"known: {', '.join(known)}"
