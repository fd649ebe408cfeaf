"""What of the ledger says whether chargeback may begin, by whole weeks."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from slurm_finops.core.period import Calendar, Period
from slurm_finops.core.policy import Policy
from slurm_finops.core.readiness import NAMED, Cost, Part
from slurm_finops.core.tags import Tags
from slurm_finops.ledger.allocation import nobodys
from slurm_finops.ledger.draws import days
from slurm_finops.ledger.shares import OF_USE, spend
from slurm_finops.ledger.spend import Scope, Sums
from slurm_finops.ledger.store import Ledger


class Unowned(NamedTuple):
    """A cost that no rule puts on anybody; ``category`` "" is use that names no team.

    ``name`` is the account of such use, else the pool, rule, line or credit.
    """

    category: str
    name: str
    cost: Cost


class Seen(NamedTuple):
    """What some days cost: use by its tags, teams with all they bear, and what nobody owns."""

    period: Period
    parts: list[Part]
    teams: dict[str, Cost]
    untagged: int
    nobodys: list[tuple[str, str, int]]

    @property
    def unowned(self) -> int:
        """Ticks that nobody owns; a credit that nobody has counts like a cost."""
        return self.untagged + sum(abs(ticks) for _, _, ticks in self.nobodys)


def whole_weeks(calendar: Calendar, as_of: int, number: int) -> list[Period]:
    """The last ISO weeks that had ended by an instant, in order."""
    found = [calendar.last_complete("week", as_of)]
    while len(found) < number:
        found.append(calendar.preceding(found[-1]))
    return found[::-1]


def known_from(ledger: Ledger) -> int | None:
    """The first billing day that anything was charged for."""
    found = days(ledger.db)
    return None if found is None else found[0]


def seen(ledger: Ledger, period: Period) -> Seen:
    """One look at some days."""
    rows = spend(
        ledger.db, Scope(period.first, period.last), ("category", "tag_status", *NAMED)
    )
    parts = _parts(row for row in rows if row.key[0] in OF_USE)
    return Seen(
        period, parts, _teams(rows),
        sum(part.cost.ticks for part in parts if part.tags.team is None),
        nobodys(ledger.db, period.first, period.last),
    )  # fmt: skip


def _parts(rows: Iterable[Sums]) -> list[Part]:
    """Use by its tags, whatever it was priced by."""
    found: dict[tuple[bool, Tags], Cost] = {}
    for row in rows:
        _, status, *tags = row.key
        key = status == "valid", Tags(**dict(zip(NAMED, tags, strict=True)))
        found[key] = found.get(key, Cost()).plus(_cost(row))
    return [Part(tags, valid, cost) for (valid, tags), cost in found.items()]


def _teams(rows: Iterable[Sums]) -> dict[str, Cost]:
    found: dict[str, Cost] = {}
    place = 2 + NAMED.index("team")
    for row in rows:
        team = row.key[place]
        if team is not None:
            found[team] = found.get(team, Cost()).plus(_cost(row))
    return found


def _cost(row: Sums) -> Cost:
    return Cost(row.runs, row.effective_ticks)


def unowned(ledger: Ledger, look: Seen) -> list[Unowned]:
    """What nobody owns, the most first: use without a team by its account, and the rest by name."""
    scope = Scope(look.period.first, look.period.last).narrowed(
        "tag_sets.team IS NULL", tables=("tag_sets",)
    )
    accounts: dict[str, Cost] = {}
    for row in spend(ledger.db, scope, ("category", "account")) if look.untagged else ():
        if row.key[0] in OF_USE:
            account = row.key[1] or ""
            accounts[account] = accounts.get(account, Cost()).plus(_cost(row))
    found = [Unowned("", account, cost) for account, cost in accounts.items() if cost.ticks]
    found += [Unowned(kind, name, Cost(0, ticks)) for name, kind, ticks in look.nobodys]
    return sorted(found, key=lambda one: (-abs(one.cost.ticks), one))


def known_names(policy: Policy) -> dict[str, Collection[str]]:
    """By tag the values that the site itself names: two of them are no slip for one another."""
    known: dict[str, set[str]] = {key: set(policy.allowed.get(key, ())) for key in NAMED}
    for team in policy.teams:
        known["team"].add(team.name)
        known["project"].update(team.projects)
        known["cost_center"].update((team.cost_center,) if team.cost_center else ())
    return {key: frozenset(names) for key, names in known.items()}
