"""What a site asks of tags: required keys, allowed values, and who may charge whom.

The same policy is compiled for the job-submit hook, so it is data and a few
pure functions of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from re import Pattern, compile, escape

from slurm_finops.core.tags import ALIASES, KEYS, UNREADABLE, UNTAGGED, Claim, Fault, Tags


def glob_pattern(globs: Iterable[str]) -> Pattern[str]:
    """One expression for values or globs (``*`` and ``?``), each matched whole."""
    parts = (escape(g).replace(r"\*", ".*").replace(r"\?", ".") for g in globs)
    return compile(f"(?s:{'|'.join(parts) or '(?!)'})")


@dataclass(frozen=True)
class TeamRule:
    """A team of the registry: its projects, its cost centre, who may charge it."""

    name: str
    cost_center: str | None = None
    projects: tuple[str, ...] = ()
    accounts: tuple[str, ...] | None = None

    @cached_property
    def _accounts(self) -> Pattern[str]:
        return glob_pattern(self.accounts or ())

    def names_account(self, account: str) -> bool:
        """Whether the team's list names this Slurm account."""
        return self._accounts.fullmatch(account) is not None


@dataclass(frozen=True)
class Policy:
    """The ``[tags]`` section and the registry of teams behind it."""

    required: tuple[str, ...] = ("team", "project", "experiment")
    max_length: int = 64
    registry: bool = False
    allowed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    teams: tuple[TeamRule, ...] = ()

    @cached_property
    def _team(self) -> dict[str, TeamRule]:
        return {team.name: team for team in self.teams}

    @cached_property
    def _patterns(self) -> dict[str, Pattern[str]]:
        return {key: glob_pattern(globs) for key, globs in self.allowed.items()}

    def attribute(self, claim: Claim, account: str) -> Claim:
        """The claim as it is billed.

        A team whose list leaves out the run's account is a contested claim: it
        falls to the account's own team, if one lists it, and says so; the cost
        centre it names is contested with it.  One nobody gave comes from the registry.
        """
        tags, faults, source = claim
        team = self._team.get(tags.team or "")
        if team and team.accounts is not None and not team.names_account(account):
            owner = next((t for t in self.teams if t.names_account(account)), None)
            faults += (Fault("not_yours", "team", f"{account!r} (claimed {team.name!r})"),)
            tags = tags._replace(team=owner.name if owner else None, cost_center=None)
            source, team = "account", owner
        if team and team.cost_center and tags.cost_center is None:
            tags = tags._replace(cost_center=team.cost_center)
        return Claim(tags, faults, source)

    def judge(self, tags: Tags, hint: bool = True) -> tuple[Fault, ...]:
        """What the site would refuse in these tags.

        ``hint``: look for what was meant, which takes as long as the site has names.
        """
        faults = [Fault("missing", key) for key in self.required if getattr(tags, key) is None]
        for key, value in zip(KEYS, tags, strict=True):
            if value is not None:
                faults.extend(self._value_faults(key, value, tags, hint))
        return tuple(faults)

    def _value_faults(self, key: str, value: str, tags: Tags, hint: bool) -> Iterable[Fault]:
        size = len(value.encode("utf-8", "surrogatepass"))
        if size > self.max_length:
            yield Fault("value_too_long", key, f"{size}; the site allows {self.max_length}")
        if value != value.strip():
            yield Fault("spaces", key)
        pattern = self._patterns.get(key)
        if pattern and not pattern.fullmatch(value):
            yield _unknown(key, value, self.allowed[key] if hint else ())
        elif self.registry and key in ("team", "project"):
            names = self._registered(key, tags)
            if names is not None and value not in names:
                yield _unknown(key, value, names if hint else ())

    def _registered(self, key: str, tags: Tags) -> tuple[str, ...] | None:
        if key == "team":
            return tuple(self._team)
        team = self._team.get(tags.team or "")
        return team.projects if team else None

    def faults(self, claim: Claim, hint: bool = True) -> tuple[Fault, ...]:
        """What was wrong with a claim, and what the site refuses in it, each tag named once."""
        if any(fault.code in UNREADABLE for fault in claim.faults):
            return claim.faults
        named = {ALIASES.get(fault.key, fault.key) for fault in claim.faults}
        return (*claim.faults, *(f for f in self.judge(claim.tags, hint) if f.key not in named))

    def status(self, claim: Claim) -> str:
        """``valid``, ``invalid`` or ``untagged``: coverage counts only the first."""
        if claim.tags == UNTAGGED and (claim.source == "none" or not claim.faults):
            return "untagged"
        return "invalid" if claim.faults or self.judge(claim.tags, hint=False) else "valid"


def _unknown(key: str, value: str, known: Iterable[str]) -> Fault:
    # difflib is quadratic in length: long values are cut, long lists are not searched
    names = [name for name in known if "*" not in name and "?" not in name][:500]
    near = get_close_matches(value[:64], names, n=1, cutoff=0.7)
    hint = f'; did you mean "{near[0]}"?' if near else ""
    return Fault("unknown", key, f'"{value}"{hint}')
