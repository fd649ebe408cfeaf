"""A journal as hledger's text, which `hledger check --strict` proves to balance."""

from collections.abc import Iterator, Sequence

from slurm_finops.core.characters import visible
from slurm_finops.core.journal import Entry
from slurm_finops.core.money import minor_text
from slurm_finops.core.period import day_date
from slurm_finops.exports.plain_text import account, accounts, of_entry, of_line

#: What ends a tag's value, begins another tag or a date in a comment; and the escape itself.
_ESCAPED = str.maketrans({sign: f"%{ord(sign):02X}" for sign in "%,:[]"})


def hledger(entries: Sequence[Entry], currency: str, digits: int) -> bytes:
    """The whole file: currency and accounts declared, then the entries."""
    return "".join(f"{line}\n" for line in _lines(entries, currency, digits)).encode()


def _lines(entries: Sequence[Entry], currency: str, digits: int) -> Iterator[str]:
    # hledger wants the point even where there are no decimals
    yield f"commodity 1000.{'0' * digits} {currency}"
    yield ""
    for name, given in accounts(entries):
        yield f"account {name}  ; account:{_tag(given)}"
    for entry in entries:
        yield ""
        yield f"{day_date(entry.day)} * {_description(entry.entry_id)}"
        yield from _tags(of_entry(entry))
        for line in entry.lines:
            yield f"    {account(entry, line)}  {minor_text(line.amount, digits)} {currency}"
            yield from _tags(of_line(entry, line))


def _tags(values: dict[str, str]) -> Iterator[str]:
    return (f"    ; {key}:{_tag(value)}" for key, value in values.items())


def _tag(text: str) -> str:
    return visible(text).translate(_ESCAPED)


def _description(text: str) -> str:
    """A text that ends in no comment and is no code or mark: ``; ( ! *`` mean something there."""
    return "".join(c if c.isalnum() or c in "._/-" else "_" for c in visible(text))
