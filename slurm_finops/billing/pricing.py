"""The pricing run: every run that is new or has changed becomes charges.

What needs pricing is known from the ledger: ids above the last one priced, and
a queue that the database itself fills when a run changes.  A change of rates or
of the tag policy queues what it touches.  So a second run does nothing, and a
run that was cut off goes on where it stopped.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

from slurm_finops.billing.allocation import Shared, allocate
from slurm_finops.billing.approvals import audit_approvals, sync_approvals
from slurm_finops.billing.plans import Plans
from slurm_finops.core.charge import charge
from slurm_finops.core.period import Calendar
from slurm_finops.core.policy import Policy, Who
from slurm_finops.core.pools import Allocation, pool_rates
from slurm_finops.core.rates import Rate, RateBook, touched
from slurm_finops.core.usage import GPU, is_gpu, parse_tres
from slurm_finops.ledger import pricing as table
from slurm_finops.ledger.allocation import mark
from slurm_finops.ledger.held import free, hold
from slurm_finops.ledger.rates import RateCards, SkuIds, replace_rates, stored_rates
from slurm_finops.ledger.store import Ledger
from slurm_finops.ledger.tag_sets import TagSets

_SLICE = 10_000
_CACHE = 50_000
#: SQLite's largest integer.
_LARGEST = (1 << 63) - 1
_TOO_LARGE = "it costs more than a ledger can hold (2.56 billion a run and day)"


@dataclass(frozen=True)
class Terms:
    """By what a site prices: its rates, its tag policy, its billing days."""

    rates: tuple[Rate, ...]
    policy: Policy
    calendar: Calendar
    charge_suspended: bool = False
    allocation: Allocation = field(default_factory=Allocation)

    @cached_property
    def all_rates(self) -> tuple[Rate, ...]:
        """The rates, and those by which use that a pool may cover costs nothing."""
        return (*self.rates, *pool_rates(self.allocation.pools, self.calendar))

    @cached_property
    def book(self) -> RateBook:
        """By which runs are charged."""
        return RateBook(self.all_rates)

    @cached_property
    def list_book(self) -> RateBook:
        """The prices alone: what a job may cost at most, pools or not."""
        return RateBook(self.rates)

    def policy_digest(self) -> str:
        """Changes when what is valid may change."""
        return _digest(self.policy)

    def owners_digest(self) -> str:
        """Changes when attribution may change."""
        teams = [replace(team, projects=()) for team in self.policy.teams]
        return _digest([teams, self.policy.defaults])


def _digest(value: object) -> str:
    return hashlib.sha256(repr(value).encode("utf-8", "surrogatepass")).hexdigest()


class Priced(NamedTuple):
    """Runs priced for the first time; those priced again, with their billed cost in ticks.

    ``shared``: the days whose pools, overhead, lines and credits were shared anew.
    """

    new: int
    again: int
    before: int = 0
    after: int = 0
    shared: Shared = Shared(0, 0, 0)


def price(
    ledger: Ledger,
    terms: Terms,
    as_of: int,
    actor: str = "",
    progress: Callable[[int], None] = lambda runs: None,
) -> Priced:
    """Bring the ledger's charges up to date with its runs and the terms, and what is shared.

    Raises `capacity.AllocationError`; the runs are priced then.
    """
    _sync_rates(ledger, terms, as_of, actor)
    _sync_policy(ledger, terms, as_of, actor)
    _sync_suspended(ledger, terms, as_of, actor)
    with ledger.bulk():
        again, before, after = _price_queue(ledger, terms, progress)
        new = _price_new(ledger, terms, progress)
        shared = allocate(
            ledger, terms.allocation, terms.book, terms.policy, terms.calendar, as_of,
            terms.charge_suspended, actor,
        )  # fmt: skip
    _judge_tag_sets(ledger, terms.policy)
    return Priced(new, again, before, after, shared)


def _sync_rates(ledger: Ledger, terms: Terms, as_of: int, actor: str) -> None:
    """Store the rates; where they differ from those stored, queue what they touch."""
    stored = stored_rates(ledger.db)
    spans = touched(stored, terms.all_rates)
    if not spans:
        sync_approvals(ledger, stored, terms.all_rates, as_of, actor)
        return
    through = table.priced_through(ledger)
    with ledger.transaction() as db:
        held = [(i, parse_tres(text)) for i, text in db.execute("SELECT id, alloc_tres FROM tres")]
        queued = table.queue_touched(db, (
            (i, start, end) for sku, start, end in spans for i, tres in held if _prices(sku, tres)
        ), through)  # fmt: skip
        replace_rates(db, terms.all_rates)
        free(db, _TOO_LARGE)
        ledger.audit(as_of, actor, "rates", f"{len(spans)} changed, {queued} runs to price again")
        audit_approvals(ledger, stored, terms.all_rates, as_of, actor)


def _prices(sku: str, tres: dict[str, int]) -> bool:
    """Whether a rate of ``sku`` can price these TRES; ``gres/gpu`` also prices typed GPUs."""
    return sku in tres or (sku == GPU and any(map(is_gpu, tres)))


def _sync_policy(ledger: Ledger, terms: Terms, as_of: int, actor: str) -> None:
    """Where the policy now attributes a claim otherwise, queue its runs."""
    digests = {"policy": terms.policy_digest(), "owners": terms.owners_digest()}
    stored = {name: ledger.setting(name) for name in digests}
    if stored == digests:
        return
    with ledger.transaction() as db:
        queued = 0
        if stored["owners"] not in (None, digests["owners"]):
            owners = _Owners(ledger, terms.policy)
            queued = table.queue_owners(db, [
                (claimed, context) for claimed, context, charged in table.owners_charged(db)
                if owners.of_run(claimed, context) != charged
            ])  # fmt: skip
        table.judge_again(ledger)
        for name, digest in digests.items():
            ledger.set(name, digest)
        ledger.audit(as_of, actor, "policy", f"changed, {queued} runs to attribute again")


def _sync_suspended(ledger: Ledger, terms: Terms, as_of: int, actor: str) -> None:
    """Where suspended time now costs, or no longer does, queue the runs that have any."""
    now, before = ("charge" if terms.charge_suspended else "free"), ledger.setting("suspended")
    if before == now:
        return
    with ledger.transaction() as db:
        queued = 0
        if before is not None:
            queued = table.queue_suspended(db)
        ledger.set("suspended", now)
        ledger.audit(as_of, actor, "suspended", f"{now}, {queued} runs to price again")


def _price_queue(
    ledger: Ledger, terms: Terms, progress: Callable[[int], None]
) -> tuple[int, int, int]:
    """Runs that changed: old charges out, new ones in, a slice a transaction.

    How many, and what they had cost before and cost now.
    """
    total = before = after = 0
    through = table.priced_through(ledger)
    day_of = terms.calendar.day_of
    pricer = _Pricer(ledger, terms)
    while True:
        with ledger.transaction() as db:
            queue = table.queued(db, _SLICE)
            if not queue:
                return total, before, after
            # a run that was never priced is still above the mark
            known = [entry for entry in queue if entry.id <= through]
            days = [
                (day, entry.id) for entry in known if entry.was_start is not None
                for day in range(day_of(entry.was_start),
                                 day_of(entry.was_end or entry.was_start) + 1)
            ]  # fmt: skip
            old = table.charges_of(db, days)
            table.drop_charges(db, days)
            new = pricer.write(table.runs_by_id(db, [entry.id for entry in known]))
            before, after = before + _billed(old), after + _billed(new)
            # a run that grows leaves the days before as they were
            mark(db, {row[0] for row in {*old} ^ {*new}})
            table.unqueue(db, [entry.id for entry in queue])
        total += len(known)
        progress(len(known))


def _billed(rows: Iterable[table.ChargeRow]) -> int:
    """Ticks of any size; unpriced is nothing."""
    return sum(row[-1] or 0 for row in rows)


def _price_new(ledger: Ledger, terms: Terms, progress: Callable[[int], None]) -> int:
    total = 0
    pricer = _Pricer(ledger, terms)
    through = table.priced_through(ledger)
    while True:
        with ledger.transaction() as db:
            last, runs = table.new_runs(db, through, _SLICE)
            if last == through:
                return total
            mark(db, {row[0] for row in pricer.write(runs)})
            ledger.set(table.PRICED_THROUGH, str(last))
        total += len(runs)
        progress(len(runs))
        through = last


def _judge_tag_sets(ledger: Ledger, policy: Policy) -> None:
    """Say of each tag set that is new, or of all after a change, whether it is valid."""
    while True:
        with ledger.transaction():
            found = table.unjudged(ledger, _SLICE)
            if not found:
                return
            table.write_status(
                ledger, [(policy.status(claim), tag_set) for tag_set, claim in found]
            )


class _Pricer:
    """Writes the charges of runs; what repeats over runs is worked out once."""

    def __init__(self, ledger: Ledger, terms: Terms) -> None:
        self._db = ledger.db
        self._terms = terms
        self._owners = _Owners(ledger, terms.policy)
        # both numberings store what is new: use the plans inside a transaction
        self._plans = Plans(ledger.db, terms.book, SkuIds(ledger.db).id, RateCards(ledger.db).id)

    def write(self, runs: Sequence[table.Held]) -> list[table.ChargeRow]:
        """Charge these runs, which have no charges; what was written.  Inside a transaction."""
        rows: list[table.ChargeRow] = []
        calendar, suspended_too = self._terms.calendar, self._terms.charge_suspended
        plans, places, owner_of = self._plans, self._plans.places, self._owners.of_run
        for run_id, start, elapsed, suspended, cluster, context, tres, tag_set in runs:
            plan = plans[cluster, places[context], tres]
            if not plan:
                continue
            end = start + elapsed + (suspended if suspended_too else 0)
            owner = owner_of(tag_set, context)
            for sku_id, quantity, segments, device in plan:
                for day, card, seconds, listed, ticks in charge(
                    start, end, quantity, segments, calendar
                ):
                    if card is not None or device:
                        rows.append((
                            day, run_id, sku_id, card or 0, owner, quantity, seconds,
                            listed, ticks, ticks, ticks,
                        ))  # fmt: skip
        try:
            table.write_charges(self._db, rows)
        except OverflowError:
            rows = self._write_what_fits(rows)
        return rows

    def _write_what_fits(self, rows: Sequence[table.ChargeRow]) -> list[table.ChargeRow]:
        """A run that costs more than a ledger can hold is held, so that the others are priced."""
        table.drop_charges(self._db, {(row[0], row[1]) for row in rows})
        large = {row[1] for row in rows if any(cost and cost > _LARGEST for cost in row)}
        fitting = [row for row in rows if row[1] not in large]
        table.write_charges(self._db, fitting)
        hold(self._db, dict.fromkeys(large, _TOO_LARGE))
        return fitting


class _Owners:
    """Which tag set a claim is billed to: the policy, worked out once a claim and context."""

    def __init__(self, ledger: Ledger, policy: Policy) -> None:
        self._db = ledger.db
        self._policy = policy
        self._tag_sets = TagSets(ledger.db)
        self._whose: dict[int, Who] = {}
        self._found: dict[tuple[int, Who], int] = {}
        # a site without rules of its own bills every claim as it stands
        self._plain = not policy.teams and not policy.defaults

    def of_run(self, claimed: int, context_id: int) -> int:
        """The tag set that ``claimed`` is billed to when it comes from this context."""
        if self._plain:
            return claimed
        who = self._whose.get(context_id)
        if who is None:
            who = self._who(context_id)
        found = self._found.get((claimed, who))
        if found is None:
            found = self._attribute(claimed, who)
        return found

    def _who(self, context_id: int) -> Who:
        row = self._db.execute(
            "SELECT account, user, wckey FROM contexts WHERE id = ?", (context_id,)
        ).fetchone()
        # only what the policy looks at, so that its answers are shared
        used = self._policy.looks_at
        who = Who(*(value if name in used else "" for name, value in zip(Who._fields, row)))  # noqa: B905
        if len(self._whose) >= _CACHE:
            self._whose.clear()
        self._whose[context_id] = who
        return who

    def _attribute(self, claimed: int, who: Who) -> int:
        claim = self._tag_sets.claim(claimed)
        billed = self._policy.attribute(claim, who)
        found = claimed if billed == claim else self._tag_sets.id(billed)
        if len(self._found) >= _CACHE:
            self._found.clear()
        self._found[claimed, who] = found
        return found
