"""Reservations, nodes and rules for the tests of what nobody used."""

from collections.abc import Iterable

from slurm_finops.billing.pricing import Terms
from slurm_finops.billing.reserved import mark_known
from slurm_finops.core.capacity import Node
from slurm_finops.core.policy import Policy, TeamRule
from slurm_finops.core.pools import Allocation
from slurm_finops.core.rates import Rate
from slurm_finops.core.reservations import Holder, IdleRule, Reservation
from slurm_finops.ledger.capacity import write_nodes
from slurm_finops.ledger.reservations import write_reservations
from slurm_finops.ledger.store import Ledger
from tests.billing.pools import CALENDAR, RATE, shares
from tests.support import JUNE

NLP, CV, ALICE, NOBODY = (
    Holder("nlp", ""), Holder("cv", "bob"), Holder("shared", "alice"), Holder("shared", "carol"),
)  # fmt: skip
POLICY = Policy(required=("team",), teams=(
    TeamRule("nlp", "cc-nlp", (), ("nlp",), ("alice",), None),
    TeamRule("cv", None, (), ("cv",), None, None),
))  # fmt: skip


def course(start: int, end: int, *holders: Holder, **more: object) -> Reservation:
    """A reservation of node n1, seconds into June; by default of nlp."""
    settings = {"name": "course-a", "tres": "cpu=64", "flags": "", "nodes": "n1", "number": 1,
                "cluster": "alpha", "associations": "3"} | more  # fmt: skip
    return Reservation(  # type: ignore[arg-type]
        start=JUNE + start, end=JUNE + end, holders=holders or (NLP,), **settings
    )


def site(*rules: IdleRule, rates: tuple[Rate, ...] = (RATE,), policy: Policy = POLICY) -> Terms:
    what = Allocation(reservations=rules or (IdleRule("idle"),))
    return Terms(rates, policy, CALENDAR, allocation=what)


def show(ledger: Ledger, terms: Terms, at: int, *shown: Reservation) -> None:
    """What a collection at a time does, seconds into June."""
    with ledger.transaction():
        changes = write_reservations(ledger, shown, JUNE + at)
        mark_known(ledger, terms.allocation, CALENDAR, changes.spans)


def nodes(ledger: Ledger, at: int, *named: tuple[str, dict[str, int]], partition: str = "h100",
          cpu: int = 64) -> None:  # fmt: skip
    """What nodes have, seen so seconds into June."""
    found = [
        Node(name, (partition,), tuple(sorted((units | {"cpu": cpu, "node": 1}).items())))
        for name, units in named
    ]
    with ledger.transaction():
        write_nodes(ledger, "alpha", JUNE + at, found, ())


def idle(ledger: Ledger, *columns: str, name: str | None = None) -> list[tuple]:  # type: ignore[type-arg]
    """What rules came to, effective ticks by these columns."""
    where = "kind = 'reservation'" + (f" AND name = '{name}'" if name else "")
    return [row[:-1] for row in shares(ledger, *columns, where=where)]


def total(rows: Iterable[tuple]) -> int:  # type: ignore[type-arg]
    return sum(row[-1] for row in rows)
