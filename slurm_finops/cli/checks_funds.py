"""check: costs that no fund pays, funds that end, and surcharges on nobody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from slurm_finops.cli.checks import OK, WARN, Finding
from slurm_finops.core.words import count

if TYPE_CHECKING:
    from slurm_finops.config import Config
    from slurm_finops.core.funds import Owner
    from slurm_finops.core.period import Period
    from slurm_finops.ledger.store import Ledger

#: A fund that ends within so many days is worth a word: who follows it has to be decided.
_SOON_DAYS = 30
_NAMED = 5


def funded(opened: Ledger, config: Config, period: Period, as_of: int) -> Iterator[Finding]:
    """Of a site that has funds: what they do not pay, or soon will not."""
    if config.funding.funds:
        day = config.calendar.day_of(as_of)
        ahead = [*_expired(config, day), *_ending(config, day)]
        yield from ahead
        if not ahead:
            yield Finding("funds", OK, f"{count(len(config.funding.funds), 'fund')}; none that is "
                          f"to pay ends within {_SOON_DAYS} days")  # fmt: skip
        yield _payers(opened, config, period)
    yield from _surcharges(config)


def _expired(config: Config, day: int) -> Iterator[Finding]:
    """Funds that are named today, are over, and leave it to no other."""
    from slurm_finops.core.funds import EXPIRED, SUSPENSE, heir, named_on
    from slurm_finops.core.period import day_date
    from slurm_finops.reports.format import visible

    funds = {fund.name: fund for fund in config.funding.funds}
    said = [
        f"{visible(name)} ({_owners(owners)}) since {day_date(funds[name].last or 0)}"
        for name, owners in named_on(config.funding, day).items()
        if funds[name].refuses(day) == EXPIRED and heir(funds, name, day) == SUSPENSE
    ]
    if said:
        yield Finding(
            "expired funds", WARN, f"still named and expired, so that nobody pays: {_some(said)}",
            f"give them a fallback in [[funds]] of {config.path}, or name others from that day on",
        )


def _ending(config: Config, day: int) -> Iterator[Finding]:
    """Funds that end soon and are named beyond it: of the others somebody has thought."""
    from slurm_finops.core.funds import heir, named_on
    from slurm_finops.core.period import day_date
    from slurm_finops.reports.format import visible

    funds = {fund.name: fund for fund in config.funding.funds}
    said = []
    for fund in sorted(config.funding.funds, key=lambda one: (one.last or 0, one.name)):
        if fund.last is not None and day < fund.last <= day + _SOON_DAYS:
            owners = named_on(config.funding, fund.last).get(fund.name)
            if owners:
                then = visible(heir(funds, fund.name, fund.last))
                said.append(f"{visible(fund.name)} ({_owners(owners)}): from {day_date(fund.last)} "
                            f"on {then} pays")  # fmt: skip
    if said:
        yield Finding("ending funds", WARN, _some(said), "extend until, or say who pays from that "
                      f"day on in payers of {config.path}")  # fmt: skip


def _payers(opened: Ledger, config: Config, period: Period) -> Finding:
    """What was billed in a period and has no fund that pays on its day."""
    from slurm_finops.core.money import grouped, to_minor
    from slurm_finops.reports.format import visible

    owed = _in_suspense(opened, config, period)
    said = []
    for (owner, why), ticks in sorted(owed.items(), key=lambda one: (-abs(one[1]), str(one[0]))):
        if minor := to_minor(ticks, config.digits):
            whose = "what names no team" if owner is None else visible(_whose(owner))
            reason = f" ({why})" if owner is not None else ""
            said.append(f"{whose} {grouped(minor, config.digits)} {config.currency}{reason}")
    if said:
        return Finding(
            "payers", WARN, f"in {period.label} no fund pays for {_some(said)}",
            f"in {config.path}: [[teams.payers]] or [[teams.projects.payers]] for a team or "
            "project, untagged_fund in [billing] for what names no team, fallback in [[funds]]",
        )
    return Finding("payers", OK, f"all that was billed in {period.label} has a fund that pays on "
                   "its day")  # fmt: skip


def _in_suspense(
    opened: Ledger, config: Config, period: Period
) -> Counter[tuple[Owner | None, str]]:
    """Ticks that nobody pays, by who should have payers and why; caps are not looked at."""
    from datetime import date

    from slurm_finops.core.funds import SUSPENSE, Payers
    from slurm_finops.core.period import day_number
    from slurm_finops.ledger.shares import spend
    from slurm_finops.ledger.spend import Scope

    uncapped = tuple(fund._replace(cap_ticks=None) for fund in config.funding.funds)
    payers = Payers(replace(config.funding, funds=uncapped), {})
    own = {owner for owner, _ in config.funding.payers}
    owed: Counter[tuple[Owner | None, str]] = Counter()
    for row in spend(opened.db, Scope(period.first, period.last), ("team", "project", "day")):
        team, project, day = row.key
        number = day_number(date.fromisoformat(day or ""))
        for part in payers.split(team, project, number, row.billed_ticks):
            if part.fund == SUSPENSE:
                # a project that has none of its own is a matter of its team
                owner = (team, project if (team, project) in own else None) if team else None
                owed[owner, part.why] += part.ticks
    return owed


def _surcharges(config: Config) -> Iterator[Finding]:
    """Surcharges for classes that no team is of: most are slips, and nobody would pay them."""
    from slurm_finops.core.near import nearest
    from slurm_finops.reports.format import visible

    known = sorted(config.charging.named_classes)
    said = []
    for rule in config.statements.surcharges:
        for name in rule.classes:
            if name not in known:
                near = nearest(name, known)
                hint = f"; did you mean {near!r}?" if near else ""
                said.append(f"{visible(rule.name)}: no team is of class {name!r}{hint}")
    if said:
        yield Finding("surcharges", WARN, _some(said), "mend classes in [[surcharges]] of "
                      f"{config.path}")  # fmt: skip


def _owners(owners: Sequence[Owner | None]) -> str:
    from slurm_finops.reports.format import visible

    names = ["what names no team" if one is None else visible(_whose(one)) for one in owners]
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return f"for {', '.join(names[:_NAMED])}{more}"


def _whose(owner: Owner) -> str:
    team, project = owner
    return team if project is None else f"{team} / {project}"


def _some(said: Sequence[str]) -> str:
    more = f"; and {len(said) - _NAMED:,} more" if len(said) > _NAMED else ""
    return "; ".join(said[:_NAMED]) + more
