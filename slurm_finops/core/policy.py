"""What a site asks of tags: required keys, allowed values, and who may charge whom.

The same policy is compiled for the job-submit hook, so it is data and a few
pure functions of it; their twin there is ``policy.lua``.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from slurm_finops.core.faults import UNREADABLE, Fault
from slurm_finops.core.globs import Globs, is_glob
from slurm_finops.core.near import nearest
from slurm_finops.core.tags import ALIASES, KEYS, UNTAGGED, Claim, Tags


class Who(NamedTuple):
    """Whose run it is and where it goes.

    ``account`` is None where nobody knows it yet, and then no team refuses it;
    ``partition`` is comma-separated where a job asks for several.
    """

    account: str | None = None
    user: str = ""
    wckey: str = ""
    partition: str = ""
    qos: str = ""


@dataclass(frozen=True)
class TeamRule:
    """A team of the registry: its projects, its cost centre, who may charge it.

    Where it lists none of accounts, users and WCKeys, anybody may; else whom
    any of the lists names.
    """

    name: str
    cost_center: str | None = None
    projects: tuple[str, ...] = ()
    accounts: tuple[str, ...] | None = None
    users: tuple[str, ...] | None = None
    wckeys: tuple[str, ...] | None = None

    @cached_property
    def _named(self) -> tuple[Globs, ...]:
        return tuple(Globs(globs or ()) for globs in (self.accounts, self.users, self.wckeys))

    @property
    def is_closed(self) -> bool:
        """Whether it says at all who may charge it."""
        return any(globs is not None for globs in (self.accounts, self.users, self.wckeys))

    def names(self, who: Who) -> bool:
        """Whether one of its lists names this account, user or WCKey."""
        given = (who.account, who.user, who.wckey)
        return any(
            globs.match(value or "") for globs, value in zip(self._named, given, strict=True)
        )


@dataclass(frozen=True)
class Exempt:
    """Whose jobs are asked for no tags; values or globs."""

    users: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    partitions: tuple[str, ...] = ()
    qos: tuple[str, ...] = ()

    @cached_property
    def _lists(self) -> tuple[Globs, Globs, Globs, Globs]:
        return Globs(self.users), Globs(self.accounts), Globs(self.partitions), Globs(self.qos)

    def covers(self, who: Who) -> bool:
        """Whether any list names it; of several partitions, all must be named."""
        users, accounts, partitions, qos = self._lists
        asked = [name for name in who.partition.split(",") if name]
        return (
            users.match(who.user)
            or accounts.match(who.account or "")
            or qos.match(who.qos)
            or (bool(asked) and all(map(partitions.match, asked)))
        )


#: ``(account or glob, tags)``: what its jobs are tagged with where they say nothing.
Default = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True)
class Policy:
    """The ``[tags]`` section and the registry of teams behind it."""

    required: tuple[str, ...] = ("team", "project", "experiment")
    max_length: int = 64
    registry: bool = False
    allowed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    teams: tuple[TeamRule, ...] = ()
    exempt: Exempt = Exempt()
    defaults: tuple[Default, ...] = ()

    @cached_property
    def _team(self) -> dict[str, TeamRule]:
        return {team.name: team for team in self.teams}

    @cached_property
    def _allowed(self) -> dict[str, Globs]:
        return {key: Globs(globs) for key, globs in self.allowed.items()}

    @cached_property
    def _defaults(self) -> list[tuple[Globs, dict[str, str]]]:
        return [(Globs([account]), dict(tags)) for account, tags in self.defaults]

    def team(self, name: str) -> TeamRule:
        """A team of the registry; raises KeyError for any other."""
        return self._team[name]

    @cached_property
    def looks_at(self) -> frozenset[str]:
        """Which of `Who`'s fields `attribute` depends on."""
        lists = {
            "account": [team.accounts for team in self.teams],
            "user": [team.users for team in self.teams],
            "wckey": [team.wckeys for team in self.teams],
        }
        used = {name for name, globs in lists.items() if any(g is not None for g in globs)}
        # a contested claim names the account, and defaults are by account
        return frozenset(used | ({"account"} if used or self.defaults else set()))

    def attribute(self, claim: Claim, who: Who) -> Claim:
        """The claim as it is billed: its own tags, then the site's rules, then the registry.

        A team whose lists leave the run out is a contested claim: it falls to
        the team that names it, if one does, and says so; the cost centre it
        names is contested with it.
        """
        tags = self.filled(claim, who)
        source = "rule" if claim.source == "none" and tags != UNTAGGED else claim.source
        return self.registered(Claim(tags, claim.faults, source), who)

    def registered(self, claim: Claim, who: Who, contest: bool = True) -> Claim:
        """A claim with what the registry adds: whose it is, and its team's cost centre.

        Without ``contest`` its team stands, whoever the run is of.
        """
        tags, faults, source = claim
        team = self._team.get(tags.team or "")
        closed = contest and team and team.is_closed and who.account is not None
        if team and closed and not team.names(who):
            owner = self.owner(who)
            faults += (Fault("not_yours", "team", team.name, who.account or ""),)
            tags = tags._replace(team=owner.name if owner else None, cost_center=None)
            source, team = "account", owner
        if team and team.cost_center and tags.cost_center is None:
            tags = tags._replace(cost_center=team.cost_center)
        return Claim(tags, faults, source)

    def filled(self, claim: Claim, who: Who) -> Tags:
        """The tags with the account's defaults where nothing was said, right or wrong."""
        for accounts, defaults in self._defaults:
            if accounts.match(who.account or ""):
                said = {ALIASES.get(fault.key, fault.key) for fault in claim.faults}
                return claim.tags._replace(**{
                    key: value for key, value in defaults.items()
                    if getattr(claim.tags, key) is None and key not in said
                })  # fmt: skip
        return claim.tags

    def owner(self, who: Who) -> TeamRule | None:
        """The first team whose lists name this account, user or WCKey."""
        return next((team for team in self.teams if team.names(who)), None)

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
            yield Fault("value_too_long", key, str(size), str(self.max_length))
            return
        if value != value.strip(" "):
            yield Fault("spaces", key)
        if value == f"<{key}>":
            yield Fault("placeholder", key, value)
            return
        allowed = self._allowed.get(key)
        if allowed and not allowed.match(value):
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
        if claim == _NOTHING and self.required:
            return (Fault("absent"),)
        named = {ALIASES.get(fault.key, fault.key) for fault in claim.faults}
        return (*claim.faults, *(f for f in self.judge(claim.tags, hint) if f.key not in named))

    def status(self, claim: Claim) -> str:
        """``valid``, ``invalid`` or ``untagged``: coverage counts only the first."""
        if claim.tags == UNTAGGED and (claim.source == "none" or not claim.faults):
            return "untagged"
        return "invalid" if claim.faults or self.judge(claim.tags, hint=False) else "valid"


_NOTHING = Claim()


#: As many names, of so many bytes together, are told where none is near.
MAX_TOLD, MAX_TOLD_BYTES = 6, 100


def _unknown(key: str, value: str, known: tuple[str, ...]) -> Fault:
    near = nearest(value, [name for name in known if not is_glob(name)])
    if near:
        return Fault("unknown_near", key, value, near)
    told = ", ".join(known[:MAX_TOLD])
    if known and len(known) <= MAX_TOLD and len(told.encode()) <= MAX_TOLD_BYTES:
        return Fault("unknown_of", key, value, told)
    return Fault("unknown", key, value)
