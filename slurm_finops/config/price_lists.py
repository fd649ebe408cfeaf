"""Files of price lists, to which the ledger's own prices are compared.

A list is a table.  A file is one list, or holds several as ``[[lists]]``.
"""

from collections.abc import Sequence
from pathlib import Path

from slurm_finops.config.fields import decimal, rate_of, unique
from slurm_finops.config.table import Table, read_toml
from slurm_finops.core.charging import GRANULARITIES
from slurm_finops.core.compare import LONGEST_MINIMUM, MonthlyLine, PriceList
from slurm_finops.core.period import Calendar
from slurm_finops.core.rates import CLASS, Rate, RateBook, RateError
from slurm_finops.errors import ConfigError


def load_price_lists(
    paths: Sequence[Path], calendar: Calendar, digits: int, taken: Sequence[str] = ()
) -> list[PriceList]:
    """The lists of some files in order; no two may have one name, nor one that is ``taken``.

    ``digits`` are those of the ledger's currency, which all amounts are in.
    Raises `ConfigError`.
    """
    found: list[PriceList] = []
    where = dict.fromkeys(taken, "is how the ledger's own charges are called")
    for path in paths:
        for table in _tables(read_toml(path, "name a file of price lists")):
            one = _price_list(table, calendar, digits)
            if one.name in where:
                raise table.fail("name", f"{one.name!r} {where[one.name]}; give it another name")
            where[one.name] = f"is also the name of a list in {path}"
            found.append(one)
    return found


def _tables(top: Table) -> list[Table]:
    if "lists" not in top:
        return [top]
    tables = top.tables("lists")
    for key in top.rest():
        raise top.fail(key, "stands beside [[lists]]; every list has its own keys")
    if not tables:
        raise top.fail("lists", "is empty; expected one [[lists]] or more")
    return tables


def _price_list(table: Table, calendar: Calendar, digits: int) -> PriceList:
    name = table.text(
        "name", "what the list is called (a file is one list, or has several as [[lists]])"
    )
    granularity = table.choice("granularity", tuple(GRANULARITIES), "second")
    minimum = table.take("minimum", int, "a whole number of seconds", 0)
    if not 0 <= minimum <= LONGEST_MINIMUM:
        raise table.fail("minimum", f"is {minimum}; expected 0 to {LONGEST_MINIMUM} seconds")
    rates = tuple(_rate(rate, calendar) for rate in table.tables("rates"))
    lines = tuple(_line(line, digits) for line in table.tables("lines"))
    table.done()
    if not rates:
        raise table.fail("rates", f"{name!r} has no price; expected one [[rates]] or more")
    unique(table, "lines", (line.name for line in lines))
    try:
        RateBook(rates)
    except RateError as error:
        raise ConfigError(f"{table.path}: {error}") from None
    return PriceList(name, rates, granularity, minimum, lines)


def _rate(table: Table, calendar: Calendar) -> Rate:
    found = rate_of(table, calendar)
    if CLASS in dict(found.match):
        raise table.fail("match", "names a class of customers, which are those of finops.toml; a "
                         "list has one price for all: leave class out")  # fmt: skip
    return found


def _line(table: Table, digits: int) -> MonthlyLine:
    name = table.text("name", "what is paid for")
    amount = decimal(table, "amount", digits, 'a text such as "900.00", a billing month')
    table.done()
    assert amount is not None
    return MonthlyLine(name, amount)
