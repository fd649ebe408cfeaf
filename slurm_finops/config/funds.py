"""The funds of a finops.toml, and which of them pay for teams and projects."""

from collections.abc import Iterable, Iterator, Sequence

from slurm_finops.config.fields import day_of, decimal, unique
from slurm_finops.config.model import Entity, Team
from slurm_finops.config.table import Table
from slurm_finops.core.funds import SUSPENSE, WHOLE, Fund, Funding, Owner, Split, cycle
from slurm_finops.core.money import TICKS, exact_text
from slurm_finops.core.near import nearest
from slurm_finops.core.period import day_date
from slurm_finops.core.rates import NEVER

#: Decimals of a per cent: 100 % is `WHOLE` parts.
PERCENT_DIGITS = 4
PERCENT = 'a text such as "60" or "33.3333", in per cent'


def funds_of(top: Table, digits: int, entities: Sequence[Entity]) -> tuple[Fund, ...]:
    """``[[funds]]``; amounts have ``digits`` decimals at most.  Raises `ConfigError`."""
    tables = top.tables("funds")
    funds = tuple(_fund(table, digits, entities) for table in tables)
    unique(top, "funds", [fund.name for fund in funds])
    for table, fund in zip(tables, funds, strict=True):
        if fund.fallback is not None:
            _check_fund(table, "fallback", fund.fallback, funds)
    if found := cycle(funds):
        way = ", ".join(f"{one!r} to {two!r}" for one, two in zip(found, found[1:] + found[:1],
                                                                  strict=True))  # fmt: skip
        raise top.fail("funds", f"the fallbacks lead back: {way}; leave one of them out")
    return funds


def _fund(table: Table, digits: int, entities: Sequence[Entity]) -> Fund:
    name = table.text("name", "a name of its own")
    if name == SUSPENSE:
        raise table.fail("name", f"{SUSPENSE!r} is where what has no payer goes; give it another, "
                         "or name its account as suspense in [billing]")  # fmt: skip
    account = table.text("account", 'what finance books to, such as "4711-01"')
    first, last = days_of(table)
    cap = decimal(table, "cap", digits, 'a text such as "50000.00"', None)
    fund = Fund(
        name, account, first, last, None if cap is None else cap * TICKS // 10**digits,
        table.text("fallback", "the fund that pays what this one does not", None),
        table.text("sponsor", "who gives the money", None) or "",
        entity_of(table, entities),
    )  # fmt: skip
    table.done()
    return fund


def days_of(table: Table) -> tuple[int | None, int | None]:
    """``from`` and ``until`` as billing days, either of which may be left out."""
    first, last = day_of(table, "from", None), day_of(table, "until", None)
    if first is not None and last is not None and last <= first:
        raise table.fail("until", "is not after from; it is the first day on which it is no more")
    return first, last


def entity_of(table: Table, entities: Sequence[Entity]) -> str:
    """The ``entity`` of a table, "" for none: one of ``[[entities]]`` where there are any."""
    name: str = table.text("entity", "a legal entity", None) or ""
    if name and entities:
        _check_known(table, "entity", name, [one.name for one in entities], "[[entities]]")
    return name


def payers_of(table: Table, funds: Sequence[Fund]) -> tuple[Split, ...]:
    """``[[payers]]`` of a team's or project's table, in order of their days."""
    found: list[Split] = []
    for one in table.tables("payers"):
        first = day_of(one, "from", None)
        if found:
            _check_order(one, first, found[-1])
        found.append(Split(NEVER if first is None else first, _parts(one, funds)))
        one.done()
    return tuple(found)


def _check_order(table: Table, first: int | None, before: Split) -> None:
    if first is None:
        raise table.fail("from", "is missing; only the first payers are without one, and pay "
                         "from ever on")  # fmt: skip
    if first == before.first:
        raise table.fail("from", f"is {day_date(first)}, from when on those before it pay, too; "
                         "make one of both")  # fmt: skip
    if first < before.first:
        raise table.fail("from", f"is {day_date(first)}, before that of the payers before it "
                         f"({day_date(before.first)}); put them in order of their days"
                         )  # fmt: skip


def _parts(table: Table, funds: Sequence[Fund]) -> tuple[tuple[str, int], ...]:
    shares = table.table("funds")
    expected = 'expected funds and per cent: funds = { "NSF-1234" = "60", "DEPT" = "40" }'
    if shares is None:
        raise table.fail("funds", f"is missing; {expected}")
    if not shares.whole:
        raise table.fail("funds", f"is empty; {expected}")
    parts = dict(_percentages(shares, funds))
    total = sum(parts.values())
    if total != WHOLE:
        percent = exact_text(total, WHOLE // 100)
        raise shares.fail("", f"comes to {percent} % and not to 100 %")
    return tuple(sorted(parts.items()))


def _percentages(shares: Table, funds: Sequence[Fund]) -> Iterator[tuple[str, int]]:
    for name in shares.whole:
        _check_fund(shares, name, name, funds)
        part = decimal(shares, name, PERCENT_DIGITS, PERCENT)
        if not part:
            raise shares.fail(name, "is 0; leave out a fund that pays nothing")
        yield name, part


def funding_of(
    billing: Table, funds: tuple[Fund, ...], teams: Iterable[Team], entity: str
) -> Funding:
    """All of it, with what ``[billing]`` says of what has no payer.  Raises `ConfigError`."""
    account = billing.text("suspense", "what finance books to while nobody pays", None)
    untagged = billing.text("untagged_fund", "the fund that pays for what names no team", None)
    if untagged is not None:
        _check_fund(billing, "untagged_fund", untagged, funds)
    return Funding(funds, tuple(_payers(teams)), account or SUSPENSE, untagged, entity)


def _payers(teams: Iterable[Team]) -> Iterator[tuple[Owner, tuple[Split, ...]]]:
    for team in teams:
        if team.payers:
            yield (team.name, None), team.payers
        for project in team.projects:
            if project.payers:
                yield (team.name, project.name), project.payers


def _check_fund(table: Table, key: str, name: str, funds: Sequence[Fund]) -> None:
    if name == SUSPENSE:
        raise table.fail(key, f"{SUSPENSE!r} takes what no fund pays, without being named; leave "
                         "it out")  # fmt: skip
    _check_known(table, key, name, [fund.name for fund in funds], "[[funds]]")


def _check_known(table: Table, key: str, name: str, known: Sequence[str], where: str) -> None:
    if name not in known:
        near = nearest(name, known)
        hint = f"did you mean {near!r}?" if near else f"known: {', '.join(known) or 'none'}"
        raise table.fail(key, f"{name!r} is none of {where}; {hint}")
