"""A journal as beancount's text, which `bean-check` proves to balance."""

from collections.abc import Iterator, Sequence

from slurm_finops.core.characters import visible
from slurm_finops.core.journal import Entry
from slurm_finops.core.money import minor_text
from slurm_finops.core.period import day_date
from slurm_finops.exports.plain_text import account, accounts, of_entry, of_line


def beancount(entries: Sequence[Entry], currency: str, digits: int) -> bytes:
    """The whole file: every account opened on the first entry's day, then the entries."""
    return "".join(f"{line}\n" for line in _lines(entries, currency, digits)).encode()


def _lines(entries: Sequence[Entry], currency: str, digits: int) -> Iterator[str]:
    yield f'option "operating_currency" "{currency}"'
    yield ""
    first = min((entry.day for entry in entries), default=0)
    for name, given in accounts(entries):
        yield f"{day_date(first)} open {name} {currency}"
        yield from _metadata("  ", {"account": given})
    for entry in entries:
        yield ""
        yield f"{day_date(entry.day)} * {_text(entry.entry_id)}"
        yield from _metadata("  ", of_entry(entry))
        for line in entry.lines:
            yield f"  {account(entry, line)}  {minor_text(line.amount, digits)} {currency}"
            yield from _metadata("    ", of_line(entry, line))


def _metadata(indent: str, values: dict[str, str]) -> Iterator[str]:
    return (f"{indent}{key}: {_text(value)}" for key, value in values.items())


def _text(text: str) -> str:
    escaped = visible(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
