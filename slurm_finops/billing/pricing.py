"""The pricing run: every run that is new or has changed becomes charges.

What needs pricing is known from the ledger: ids above the last one priced, and
a queue that the database itself fills when a run changes.  A change of rates or
of the tag policy queues what it touches.  So a second run does nothing, and a
run that was cut off goes on where it stopped.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from slurm_finops.billing import charging, tiers
from slurm_finops.billing.allocation import Shared, allocate
from slurm_finops.billing.approvals import audit_approvals, sync_approvals
from slurm_finops.billing.drawing import drawing
from slurm_finops.billing.owners import Owners
from slurm_finops.billing.pricer import TOO_LARGE, Pricer
from slurm_finops.billing.terms import Terms
from slurm_finops.core.policy import Policy
from slurm_finops.core.rates import CLASS, NEVER, touched
from slurm_finops.core.usage import GPU, is_gpu, parse_tres
from slurm_finops.ledger import pricing as table
from slurm_finops.ledger.allocation import mark
from slurm_finops.ledger.held import free
from slurm_finops.ledger.rates import replace_rates, stored_rates
from slurm_finops.ledger.store import Ledger

_SLICE = 10_000


class Priced(NamedTuple):
    """Runs priced for the first time; those priced again, with their billed cost in ticks.

    ``shared``: the days whose pools, overhead, lines and credits were shared anew;
    ``drawn``: how many days' allocations and credits by hand were drawn anew.
    """

    new: int
    again: int
    before: int = 0
    after: int = 0
    shared: Shared = Shared(0, 0, 0)
    drawn: int = 0


def price(
    ledger: Ledger,
    terms: Terms,
    as_of: int,
    actor: str = "",
    progress: Callable[[int], None] = lambda runs: None,
    earlier: tiers.Earlier | None = None,
) -> Priced:
    """Bring the ledger's charges up to date with its runs and the terms, and what is shared.

    ``earlier`` is what a copy of some months was copied from: of the days before it has not
    all runs, so what was used and drawn on them stays as it is.
    Raises `capacity.AllocationError`; the runs are priced then.
    """
    _sync_rates(ledger, terms, as_of, actor)
    _sync_policy(ledger, terms, as_of, actor)
    _sync_suspended(ledger, terms, as_of, actor)
    charging.sync(ledger, terms, as_of, actor)
    # of a run that was new a moment ago nobody has been told
    told = table.priced_through(ledger)
    with ledger.bulk():
        seen: set[int] = set()
        again, before, after = _price_queue(ledger, terms, progress, seen)
        new = _price_new(ledger, terms, progress)
        if tiers.moved(ledger, terms, earlier):
            more = _price_queue(ledger, terms, progress, seen, told)
            again, before, after = again + more[0], before + more[1], after + more[2]
        drawn = drawing(ledger, terms, as_of, actor, earlier.first if earlier else NEVER)
        shared = allocate(
            ledger, terms.allocation, terms.book, terms.policy, terms.calendar, as_of,
            terms.charge_suspended, actor,
        )  # fmt: skip
    _judge_tag_sets(ledger, terms.policy)
    return Priced(new, again, before, after, shared, drawn)


def _sync_rates(ledger: Ledger, terms: Terms, as_of: int, actor: str) -> None:
    """Store the rates; where they differ from those stored, queue what they touch."""
    stored = stored_rates(ledger.db)
    spans = touched(stored, terms.all_rates)
    if not spans:
        sync_approvals(ledger, stored, terms.all_rates, as_of, actor)
        return
    through = table.priced_through(ledger)
    beyond = terms.charging.longest_beyond
    with ledger.transaction() as db:
        held = [(i, parse_tres(text)) for i, text in db.execute("SELECT id, alloc_tres FROM tres")]
        queued = table.queue_touched(db, (
            (i, start - beyond, end) for sku, start, end in spans
            for i, tres in held if _prices(sku, tres)
        ), through)  # fmt: skip
        replace_rates(db, terms.all_rates)
        free(db, TOO_LARGE)
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
            queued = _queue_moved(ledger, Owners(ledger, terms.policy))
            if CLASS in terms.book.match_keys:  # what nobody paid for may now have a price
                queued += table.queue_uncharged(db)
        free(db, TOO_LARGE)
        table.judge_again(ledger)
        for name, digest in digests.items():
            ledger.set(name, digest)
        ledger.audit(as_of, actor, "policy", f"changed, {queued} runs to attribute again")


def _queue_moved(ledger: Ledger, owners: Owners) -> int:
    """Queue the runs that are charged to another than whose they now are; how many."""
    db = ledger.db
    if owners.retags:  # two runs of one claim and context may be of two owners
        return table.queue_runs(db, [
            run.id for run, charged in table.charged_runs(db) if owners.of_held(run) != charged
        ], table.priced_through(ledger))  # fmt: skip
    return table.queue_owners(db, [
        (claimed, context) for claimed, context, charged in table.owners_charged(db)
        if owners.of_run(claimed, context) != charged
    ])  # fmt: skip


def _sync_suspended(ledger: Ledger, terms: Terms, as_of: int, actor: str) -> None:
    """Where suspended time now costs, or no longer does, queue the runs that have any."""
    now, before = ("charge" if terms.charge_suspended else "free"), ledger.setting("suspended")
    if before == now:
        return
    with ledger.transaction() as db:
        queued = 0
        if before is not None:
            queued = table.queue_suspended(db)
            free(db, TOO_LARGE)
        ledger.set("suspended", now)
        said = f"{before or 'none'} -> {now}: {queued} runs to price again"
        ledger.audit(as_of, actor, "suspended", said)


def _price_queue(
    ledger: Ledger, terms: Terms, progress: Callable[[int], None], seen: set[int],
    told: int | None = None,
) -> tuple[int, int, int]:  # fmt: skip
    """Runs that changed: old charges out, new ones in, a slice a transaction.

    How many, and what they had cost before and cost now; of those up to ``told`` only.  Of
    runs in ``seen``, to which these are added, all but the change was counted before.
    """
    total = before = after = 0
    through = table.priced_through(ledger)
    day_of = terms.calendar.day_of
    pricer = Pricer(ledger, terms)
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
            ids = {entry.id for entry in known if told is None or entry.id <= told} - seen
            before += _billed(row for row in old if row[1] in ids)
            after += _billed(row for row in new if row[1] in ids or row[1] in seen)
            after -= _billed(row for row in old if row[1] in seen)
            # a run that grows leaves the days before as they were
            moved = {entry.id for entry in known if entry.moved}
            mark(db, {row[0] for row in {*old} ^ {*new}})
            mark(db, {row[0] for row in (*old, *new) if row[1] in moved})
            table.unqueue(db, [entry.id for entry in queue])
        total += len(ids)
        seen |= ids
        progress(len(known))


def _billed(rows: Iterable[table.ChargeRow]) -> int:
    """Ticks of any size; unpriced is nothing."""
    return sum(row[table.BILLED] or 0 for row in rows)


def _price_new(ledger: Ledger, terms: Terms, progress: Callable[[int], None]) -> int:
    total = 0
    pricer = Pricer(ledger, terms)
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
