"""What the runs that go on may still cost, by their time limits and the prices of pricing."""

from operator import attrgetter
from typing import NamedTuple

from slurm_finops.billing.customers import Customers
from slurm_finops.billing.names import Names
from slurm_finops.billing.plans import Plan, Plans
from slurm_finops.billing.terms import Terms
from slurm_finops.core.charge import charge
from slurm_finops.core.compare import Window
from slurm_finops.ledger.exposure import Going, going
from slurm_finops.ledger.history import Owner
from slurm_finops.ledger.store import Ledger


class Exposed(NamedTuple):
    """Of an owner: ticks that ``runs`` may still add; ``unlimited`` more may add anything."""

    ticks: int = 0
    runs: int = 0
    unlimited: int = 0

    def plus(self, other: "Exposed") -> "Exposed":
        return Exposed(*(a + b for a, b in zip(self, other, strict=True)))


def exposure(ledger: Ledger, terms: Terms, until: int) -> dict[Owner, Exposed]:
    """By (team, project) what runs may add before ``until`` to what is charged of them.

    At most: as if each went on to its limit.  What pools cover adds nothing here, and of
    what an allocation or a credit will pay nothing is taken off.
    """
    names, customers = Names(ledger.db), Customers(ledger, terms.charging)
    states = terms.charging.states
    runs = list(going(ledger.db, terms.calendar))
    places = [customers[run.owner] for run in runs]  # before plans: they take the timelines
    plans: Plans[str, str] = Plans(
        ledger.db, terms.book, str, attrgetter("pricing"), customers.timelines
    )
    found: dict[Owner, Exposed] = {}
    for run, place in zip(runs, places, strict=True):
        state = run.state if run.state in states else ""
        plan = plans[run.cluster, plans.places[run.context], run.tres, place, state]
        owner = names.team(run.owner), names.project(run.owner)
        found[owner] = found.get(owner, Exposed()).plus(
            _exposed(run, plan, until, terms.charge_suspended)
        )
    return found


def _exposed(run: Going, plan: Plan[str, str], until: int, suspended: bool) -> Exposed:
    if run.limit is None:
        return Exposed(unlimited=1)
    # a pause that costs nothing is no part of what pricing takes a run's time to be, and
    # what comes after it lies as much earlier there
    paused = run.suspended if suspended else 0
    seen = run.start + run.elapsed + paused
    stop = min(run.start + run.limit + paused, until - (run.suspended - paused))
    if stop <= seen:
        return Exposed(runs=1)
    whole = Window(run.start, stop)
    ticks = 0
    for _, quantity, segments, _ in plan.lines:
        for end, sign in ((stop, 1), (seen, -1)):
            lines = charge(run.start, end, quantity, segments, whole)
            ticks += sign * sum(line.ticks or 0 for line in lines)
    return Exposed(ticks, 1)
