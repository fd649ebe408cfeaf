"""Runs -> charges, as the ledger stores them: what repeats over runs is worked out once."""

from collections.abc import Sequence

from slurm_finops.billing.customers import Customers
from slurm_finops.billing.owners import Owners
from slurm_finops.billing.plans import Plan, Plans
from slurm_finops.billing.terms import Terms
from slurm_finops.core.charge import Line, charge
from slurm_finops.core.charging import Rounding
from slurm_finops.ledger import pricing as table
from slurm_finops.ledger.held import hold
from slurm_finops.ledger.rates import RateCards, SkuIds
from slurm_finops.ledger.store import Ledger

#: SQLite's largest integer.
_LARGEST = (1 << 63) - 1
TOO_LARGE = "it costs more than a ledger can hold (2.56 billion a run and day)"

_Lines = list[Line[int]]
#: The tag set that is billed, the plan, and until when a run held and books what it had.
How = tuple[int, Plan[int, int], int, int]


class Pricer:
    """Writes the charges of runs; use it inside transactions."""

    def __init__(self, ledger: Ledger, terms: Terms) -> None:
        self._db = ledger.db
        self._terms = terms
        self._states = terms.charging.states
        self._owners = Owners(ledger, terms.policy)
        self._customers = Customers(ledger, terms.charging)
        # both numberings store what is new
        self._plans = Plans(
            ledger.db, terms.book, SkuIds(ledger.db).id, RateCards(ledger.db).id,
            self._customers.timelines,
        )  # fmt: skip

    def write(self, runs: Sequence[table.Held]) -> list[table.ChargeRow]:
        """Charge these runs, which have no charges; what was written."""
        rows: list[table.ChargeRow] = []
        calendar = self._terms.calendar
        for run in runs:
            run_id, start = run[:2]
            owner, plan, end, booked = self.how(run)
            for sku_id, quantity, segments, device in plan.lines:
                lines = charge(start, end, quantity, segments, calendar)
                extra = None
                if booked != end:
                    extra = extra_of(lines, charge(start, booked, quantity, segments, calendar))
                last = len(lines) - 1
                for i, (day, card, seconds, listed, ticks, rest) in enumerate(lines):
                    if card is None and not device:
                        continue
                    row = day, run_id, sku_id, card or 0, owner, quantity, seconds, listed
                    if rest is None and (extra is None or i != last):
                        rows.append((*row, ticks, ticks, ticks, 0, 0, 0))
                    elif ticks is not None:
                        more = extra if extra is not None and i == last else (0, 0, 0, 0)
                        rows.append((*row, *_parts(ticks, rest or (ticks,) * 3, more)))
        try:
            table.write_charges(self._db, rows)
        except OverflowError:
            rows = self._write_what_fits(rows)
        return rows

    def how(self, run: table.Held) -> How:
        """How a run is priced."""
        _, start, elapsed, suspended, cluster, context, tres, tag_set, state, live = run
        owners = self._owners
        owner = owners.of_held(run) if owners.retags else owners.of_run(tag_set, context)
        plan = self._plans[
            cluster, self._plans.places[context], tres, self._customers[owner],
            state if state in self._states else "",
        ]  # fmt: skip
        end = start + elapsed + (suspended if self._terms.charge_suspended else 0)
        if live or not plan.rounding or end == start:
            return owner, plan, end, end
        return owner, plan, end, start + _booked(plan, start, end - start)

    def _write_what_fits(self, rows: Sequence[table.ChargeRow]) -> list[table.ChargeRow]:
        """A run that costs more than a ledger can hold is held, so that the others are priced."""
        table.drop_charges(self._db, {(row[0], row[1]) for row in rows})
        large = {row[1] for row in rows if any(cost and cost > _LARGEST for cost in row)}
        fitting = [row for row in rows if row[1] not in large]
        table.write_charges(self._db, fitting)
        hold(self._db, dict.fromkeys(large, TOO_LARGE))
        return fitting


#: The ticks of a row of charges, behind its list price.
_Costs = tuple[int, int, int, int, int, int]
#: Ticks: effective, contracted, kept, net.
_More = tuple[int, int, int, int]


def _parts(ticks: int, rest: tuple[int, int, int], more: _More) -> _Costs:
    """Contracted, effective, billed, rounded, forgiven, subsidised ticks of a charge."""
    effective, contracted = ticks + more[0], rest[0] + more[1]
    kept, net = rest[1] + more[2], rest[2] + more[3]
    return contracted, effective, net, more[0], effective - kept, kept - net


def _booked(plan: Plan[int, int], start: int, elapsed: int) -> int:
    """Seconds that a run books which has ended."""
    rule: Rounding | None = None
    for since, one in plan.rounding:
        if since > start:
            break
        rule = one
    return rule.booked(elapsed) if rule else elapsed


def extra_of(held: _Lines, booked: _Lines) -> _More | None:
    """What booked time costs beyond the time that was held, which the run's last day bears.

    So a day that has been told of stays as it was.  None where nothing has a price.
    """
    if held[-1].ticks is None:
        return None
    before, after = _sums(held), _sums(booked)
    return (
        after[0] - before[0], after[1] - before[1], after[2] - before[2], after[3] - before[3],
    )  # fmt: skip


def _sums(lines: _Lines) -> _More:
    effective = contracted = kept = net = 0
    for line in lines:
        if line.ticks is not None:
            rest = line.rest or (line.ticks,) * 3
            effective += line.ticks
            contracted, kept, net = contracted + rest[0], kept + rest[1], net + rest[2]
    return effective, contracted, kept, net
