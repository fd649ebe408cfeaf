"""The charging policy of a finops.toml: classes, factors, groups, rounding, what is forgiven."""

from collections.abc import Collection, Iterator
from fractions import Fraction
from itertools import pairwise

from slurm_finops.config.fields import day_of, match_of, rank_of, ratio, span_of, unique
from slurm_finops.config.lots import lot_of
from slurm_finops.config.table import Table
from slurm_finops.core.charging import (
    COMBINE,
    GRANULARITIES,
    MAX,
    Charging,
    Factor,
    Forgiven,
    Group,
    Piece,
    Rounding,
    Tier,
    Timeline,
)
from slurm_finops.core.compare import LONGEST_MINIMUM
from slurm_finops.core.money import SECONDS_PER_HOUR, parse_decimal
from slurm_finops.core.near import nearest
from slurm_finops.core.period import Calendar
from slurm_finops.core.rates import CLASS, NEVER, Match, RateError
from slurm_finops.errors import ConfigError

#: In which a run can end (sacct's man page, JOB STATE CODES).
STATES = (
    "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY",
    "PREEMPTED", "REQUEUED", "TIMEOUT",
)  # fmt: skip
_SKU = 'TRES such as "gres/gpu:h100"'
#: The tables of rules, and what `Charging` calls what is in them.
_KINDS = {
    "factors": "factors", "forgive": "forgiven", "rounding": "rounding", "groups": "groups",
    "tiers": "tiers", "allocations": "lots",
}  # fmt: skip


def charging(
    top: Table, calendar: Calendar, teams: Collection[str],
    classes: tuple[tuple[str, Timeline], ...], otherwise: str, fiscal_year: tuple[int, int],
) -> Charging:  # fmt: skip
    """The whole policy; ``classes`` are those of the ``teams``.  Raises `ConfigError`."""
    reader = _Reader(calendar)
    found = Charging(
        classes, otherwise,
        factors=tuple(reader.factor(table) for table in top.tables("factors")),
        forgiven=tuple(reader.forgiven(table) for table in top.tables("forgive")),
        rounding=tuple(reader.rounding(table) for table in top.tables("rounding")),
        groups=tuple(reader.group(table) for table in top.tables("groups")),
        tiers=tuple(reader.tier(table) for table in top.tables("tiers")),
        lots=tuple(lot_of(table, teams) for table in top.tables("allocations")),
        fiscal_year=fiscal_year,
    )  # fmt: skip
    for table, kind in _KINDS.items():
        unique(top, table, [rule.name for rule in getattr(found, kind)])
    try:
        found.check()
    except RateError as error:
        raise ConfigError(f"{top.path}: {error}") from None
    return found


def timeline_of(team: Table, calendar: Calendar, otherwise: str) -> Timeline | None:
    """What a team is: its ``class``, or its ``classes`` and from when; None for neither."""
    always = team.text("class", "a class of customers", None)
    dated = team.tables("classes")
    if always is not None and dated:
        raise team.fail("class", "and [[teams.classes]] both say what the team is; give one")
    if always is not None:
        return (Piece(NEVER, always),)
    pieces = []
    for table in dated:
        name = table.text("name", "a class of customers")
        pieces.append(Piece(calendar.midnight(day_of(table, "from")), name))
        table.done()
    for one, two in pairwise(pieces):
        if two.start <= one.start:
            raise team.fail("classes", f"{two.of_class!r} does not begin after {one.of_class!r}")
    return (Piece(NEVER, otherwise), *pieces) if pieces else None


class _Reader:
    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar

    def factor(self, table: Table) -> Factor:
        name = table.text("name", "a name of its own")
        by = ratio(table, "factor", 'a text such as "1.5", "3/2" or "0"')
        skus = table.texts("skus", f"a list of {_SKU}", None)
        if skus == ():
            raise table.fail("skus", "is empty; leave it out if the factor is for all")
        match = match_of(table)
        found = Factor(name, by, match, skus or (), *self._span(table), table.name)
        table.done()
        return found

    def forgiven(self, table: Table) -> Forgiven:
        name = table.text("name", "a name of its own")
        states = table.texts("states", "a list of states", ...)
        if not states:
            raise table.fail("states", f"is empty; expected some of {', '.join(STATES)}")
        for state in states:
            if state not in STATES:
                near = nearest(state.upper(), STATES)
                hint = f"did you mean {near!r}?" if near else f"known: {', '.join(STATES)}"
                raise table.fail("states", f"{state!r} is no state that a run ends in; {hint}")
        part = ratio(table, "part", 'a text such as "1" (all of it) or "1/2"', "1")
        if not 0 < part <= 1:
            raise table.fail("part", f"is {part}; expected more than 0, and 1 at most")
        start, end = self._span(table)
        match, rank = match_of(table), rank_of(table)
        found = Forgiven(name, states, part, match, rank, start, end, table.name)
        table.done()
        return found

    def rounding(self, table: Table) -> Rounding:
        name = table.text("name", "a name of its own")
        step = GRANULARITIES[table.choice("granularity", tuple(GRANULARITIES), "second")]
        minimum = table.take("minimum", int, "a whole number of seconds", 0)
        if not 0 <= minimum <= LONGEST_MINIMUM:
            raise table.fail("minimum", f"is {minimum}; expected 0 to {LONGEST_MINIMUM} seconds")
        start, end = self._span(table)
        match, rank = match_of(table), rank_of(table)
        found = Rounding(name, step, minimum, match, rank, start, end, table.name)
        table.done()
        return found

    def group(self, table: Table) -> Group:
        name = table.text("name", "a name of its own")
        skus = table.texts("skus", f"a list of {_SKU}", ...)
        if len(skus) < 2:
            raise table.fail("skus", f"is {list(skus)}; a group has two or more")
        unique(table, "skus", skus)
        match: Match = match_of(table)
        if CLASS in dict(match):
            raise table.fail("match", "has class; a group goes by what Slurm says of a run")
        start, end = self._span(table)
        found = Group(
            name, skus, table.choice("combine", COMBINE, MAX), match, 0, start, end, table.name
        )
        table.done()
        return found

    def tier(self, table: Table) -> Tier:
        name = table.text("name", "a name of its own")
        skus = table.texts("skus", f"a list of {_SKU}", ...)
        if not skus:
            raise table.fail("skus", f"names nothing to count; expected {_SKU}")
        steps = tuple(_steps(table))
        start, end = self._span(table)
        found = Tier(name, skus, steps, match_of(table), 0, start, end, table.name)
        table.done()
        return found

    def _span(self, table: Table) -> tuple[int, int]:
        return span_of(table, self._calendar)


def _steps(table: Table) -> Iterator[tuple[int, Fraction]]:
    """``steps``: from how many unit-hours up to how many, without a hole, which factor."""
    reached: int | None = 0
    steps = table.tables("steps")
    if not steps:
        raise table.fail("steps", "is missing; expected some { from = \"0\", factor = \"1\" }")
    for step in steps:
        since = _hours(step, "from", "0") or 0
        until = _hours(step, "to", None)
        by = ratio(step, "factor", 'a text such as "0.9" or "9/10"')
        step.done()
        if reached is None:
            raise step.fail("from", "comes after a step that has no end")
        if since != reached:
            kind = "leaves a hole" if since > reached else "overlaps"
            before = "the first begins at" if step is steps[0] else "the step before ends at"
            raise step.fail("from", f"is {_shown(since)}, which {kind}: {before} {_shown(reached)}")
        if until is not None and until <= since:
            raise step.fail("to", "is not more than from")
        yield since, by
        reached = until
    if reached is not None:
        raise table.fail("steps", "has an end; leave out the last step's to")


def _hours(table: Table, key: str, default: str | None) -> int | None:
    """Unit-hours as unit-seconds."""
    text = table.text(key, 'a text such as "10000", in unit-hours', default)
    if text is None:
        return None
    try:
        return parse_decimal(text, 2) * SECONDS_PER_HOUR // 100
    except ValueError as error:
        raise table.fail(key, str(error)) from None


def _shown(unit_seconds: int) -> str:
    """Unit-hours of two decimals at most, as one would write them."""
    whole, cents = divmod(unit_seconds * 100 // SECONDS_PER_HOUR, 100)
    return f"{whole}.{cents:02}" if cents else str(whole)
