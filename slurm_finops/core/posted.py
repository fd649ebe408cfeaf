"""A line of what was stated for a billing period, of which statements and exports are made."""

from typing import NamedTuple

from slurm_finops.core.owner_key import escaped
from slurm_finops.core.tags import Tags


class Item(NamedTuple):
    """What a line is for.

    ``category``: usage, share, unused, beyond, purchase, shared, overhead, line, credit,
    allocation, forgiven, subsidised, adjustment, surcharge or tax.  ``pricing``: on_demand,
    spot or committed, else as reports say (overhead, credit, …).  ``origin``: the pool,
    rule, line, credit or surcharge it comes from, "" for usage; ``method``: how a share was
    found; ``of_class``: the class of customer, "" for none.
    """

    category: str
    sku: str
    pricing: str
    origin: str
    method: str
    of_class: str


class Payer(NamedTuple):
    """Who pays: a fund, its account string, and the legal entity whose books it is in."""

    fund: str
    account: str
    entity: str


#: One of these is what a statement is of.
KINDS = ("team", "project", "cost_center", "fund")


def owner_of(kind: str, tags: Tags, payer: Payer) -> str | None:
    """Whose statement a line is on, of statements of a kind.

    Of a project ``team / project``; a slash in a name is ``%2F``, so that no two are alike.
    """
    if kind == "fund":
        return payer.fund
    if kind == "project":
        if tags.team is None or tags.project is None:
            return tags.team and escaped(tags.team)
        return f"{escaped(tags.team)} / {escaped(tags.project)}"
    return tags.team if kind == "team" else tags.cost_center


class Posted(NamedTuple):
    """Of one day, owner, item and payer; money in ticks of any size, and in minor units.


    ``line``: its number on its statement, 0 in a draft; ``period``: the billing month it is
    stated in, which of a correction is a later one than its ``day``.  ``statement``: the
    number of the statement it stands on, "" in a draft; ``original``: of a correction the
    number of the statement it corrects, "" if there was none.
    """

    line: int
    period: str
    statement: str
    original: str
    correction: bool
    day: int
    cluster: str
    tags: Tags
    item: Item
    payer: Payer
    unit_seconds: int
    list_ticks: int
    contracted_ticks: int
    effective_ticks: int
    billed_ticks: int
    billed_minor: int
