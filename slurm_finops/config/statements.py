"""How months are billed: ``[statements]``, ``[[entities]]`` and ``[[surcharges]]``."""

from collections.abc import Sequence
from itertools import combinations

from slurm_finops.config.fields import decimal, unique
from slurm_finops.config.funds import PERCENT_DIGITS, days_of, entity_of
from slurm_finops.config.model import PER, Entity, Statements
from slurm_finops.config.table import Table
from slurm_finops.core.rates import EVER, NEVER
from slurm_finops.core.surcharges import KINDS, Surcharge

_PERCENT = 'a text such as "26" or "8.1", in per cent'


def entities_of(top: Table) -> tuple[Entity, ...]:
    """``[[entities]]``: no two of one name or with one series.  Raises `ConfigError`."""
    tables = top.tables("entities")
    found = tuple(_entity(table) for table in tables)
    unique(top, "entities", [one.name for one in found])
    for place, one in enumerate(found):
        for before in found[:place]:
            if one.series == before.series:
                raise tables[place].fail("series", f"is {one.series!r}, as that of {before.name!r}:"
                                         " their statements would have the same numbers"
                                         )  # fmt: skip
    return found


def _entity(table: Table) -> Entity:
    name = table.text("name", "a legal entity")
    series = table.take("series", str, 'what its numbers begin with, such as "EU-2026-"', "")
    table.done()
    return Entity(name, series)


def statements_of(top: Table, entities: tuple[Entity, ...]) -> Statements:
    """``[statements]`` and what comes on top of costs.  Raises `ConfigError`."""
    table = top.table("statements") or Table(top.path, "statements", {})
    found = Statements(
        table.choice("per", PER, "team"), entity_of(table, entities),
        table.take("second_person", bool, "true or false", False), entities, _surcharges(top),
    )  # fmt: skip
    table.done()
    return found


def _surcharges(top: Table) -> tuple[Surcharge, ...]:
    tables = top.tables("surcharges")
    found = tuple(_surcharge(table) for table in tables)
    for (_, one), (table, two) in combinations(zip(tables, found, strict=True), 2):
        if one.name == two.name and _meet(one, two):
            raise table.fail("name", f"{two.name!r} is given twice for some days and customers; "
                             "say until when the first one holds, or give it another name"
                             )  # fmt: skip
    return found


def _surcharge(table: Table) -> Surcharge:
    name = table.text("name", "a name")
    kind = table.choice("kind", KINDS)
    parts = decimal(table, "percent", PERCENT_DIGITS, _PERCENT)
    classes = table.texts("classes", "a list of classes of customers", None)
    if classes == ():
        raise table.fail("classes", "is empty; leave it out if it is for all")
    found = Surcharge(name, kind, parts or 0, classes or (), *days_of(table))
    table.done()
    return found


def _meet(one: Surcharge, two: Surcharge) -> bool:
    """Whether both could come on top of one amount."""
    return (
        _shared(one.classes, two.classes)
        and max(NEVER if rule.first is None else rule.first for rule in (one, two))
        < min(EVER if rule.last is None else rule.last for rule in (one, two))
    )  # fmt: skip


def _shared(one: Sequence[str], two: Sequence[str]) -> bool:
    return not one or not two or bool(set(one) & set(two))
