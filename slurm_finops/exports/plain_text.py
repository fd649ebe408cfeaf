"""What beancount and hledger are told alike: names of accounts, and what stands beside amounts.

Finance's account strings may hold anything; a component of a beancount account is a capital
letter or a digit, then letters, digits and hyphens.  Two strings never become one name.
"""

from collections.abc import Iterable

from slurm_finops.core.journal import Entry, Line, memo

_TAX = "tax"


def account(entry: Entry, line: Line) -> str:
    """``Expenses:Eth-x:4000``: the kind, the legal entity if there is one, the account."""
    kind = "Liabilities" if line.category == _TAX else "Income" if line.category else "Expenses"
    return ":".join([kind, *map(component, filter(None, [entry.entity])), component(line.account)])


def component(text: str) -> str:
    """A text as one component.

    ASCII letters and digits stand as they are, a hyphen is two, and all else is its code
    between hyphens.  One that begins with a small letter is capitalised and ends in ``-x``;
    one that begins with anything else gets an X in front and ends in ``-y``.  Neither ending
    comes of a code, which is hexadecimal.
    """
    found = "".join(map(_escaped, text))
    if "a" <= text[:1] <= "z":
        return f"{found[0].upper()}{found[1:]}-x"
    if not (text[:1].isascii() and text[:1].isalnum()):
        return f"X{found}-y"
    return found


def _escaped(char: str) -> str:
    if char.isascii() and char.isalnum():
        return char
    return "--" if char == "-" else f"-{ord(char):x}-"


def accounts(entries: Iterable[Entry]) -> list[tuple[str, str]]:
    """Every account by its name here, with the string that it was made of."""
    return sorted({
        (account(entry, line), line.account) for entry in entries for line in entry.lines
    })  # fmt: skip


def of_entry(entry: Entry) -> dict[str, str]:
    """What stands beside an entry, where there is such a thing."""
    return _given(statement=entry.statement, period=entry.period, entity=entry.entity)


def of_line(entry: Entry, line: Line) -> dict[str, str]:
    """What stands beside a line."""
    return _given(
        external_id=line.external_id, memo=memo(entry, line), fund=line.fund, team=line.team,
        project=line.project, cost_center=line.cost_center,
    )  # fmt: skip


def _given(**values: str) -> dict[str, str]:
    return {key.replace("_", "-"): value for key, value in values.items() if value}
