"""What a page says beside its tables: is it normal, will the budget last, what was wasted."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from slurm_finops.billing.standings import Standing
from slurm_finops.core.forecast import usual
from slurm_finops.core.money import apportion_ticks, to_minor
from slurm_finops.core.period import Calendar, Period, day_date
from slurm_finops.ledger.endings import costliest, suspended_gpu_seconds, worst
from slurm_finops.ledger.history import NOTHING, Day
from slurm_finops.ledger.shares import spend
from slurm_finops.ledger.spend import Scope
from slurm_finops.ledger.store import Ledger
from slurm_finops.reports.budgets import in_words
from slurm_finops.reports.site import Site, header_of
from slurm_finops.reports.view import (
    Ahead,
    Budget,
    BudgetLine,
    Correction,
    Costly,
    Header,
    Trend,
    Waste,
)

#: With how many periods before one is compared.
_BEFORE = {"day": 28, "week": 8, "month": 6}
_COSTLIEST = 8
#: Slurm's states of runs that did not do what they were to do (squeue(1), JOB STATE CODES).
CAUSES = {
    "FAILED": "failed", "CANCELLED": "cancelled", "TIMEOUT": "timed out",
    "OUT_OF_MEMORY": "out of memory", "PREEMPTED": "preempted", "REQUEUED": "requeued",
    "NODE_FAIL": "node failed", "BOOT_FAIL": "node failed", "DEADLINE": "past its deadline",
    "REVOKED": "revoked",
}  # fmt: skip


def first_day(calendar: Calendar, period: Period) -> int:
    """The first of the days that a page of a period looks back on."""
    for _ in range(_BEFORE.get(period.every, 1)):
        period = calendar.preceding(period)
    return period.first


def trend(
    days: Mapping[int, Day], site: Site, period: Period,
    covered: Callable[[Period], bool] = lambda period: True,
) -> Trend | None:  # fmt: skip
    """The period beside those before it; of one that goes on the days that have ended.

    Whole months are compared, however long each is; with a month that goes on, as many
    days of each.  Only periods count of which all lies after the first day with a cost,
    and of which the ledger knows anything: ``covered``.
    """
    until = period.last
    if site.as_of is not None:
        until = min(until, max(site.calendar.day_of(site.as_of), period.first))
    length, goes_on = until - period.first, until < period.last
    known = min(days, default=period.last)
    if not length or known >= period.last:
        return None

    def total(one: Period) -> int:
        last = min(one.first + length, one.last) if goes_on else one.last
        return sum(days.get(day, NOTHING).effective_ticks for day in range(one.first, last))

    earlier = [one for one in _earlier(site.calendar, period, known) if covered(one)]
    totals = [total(one) for one in earlier]
    between = usual(totals)
    last = earlier[0] if earlier and earlier[0].last == period.first else None
    return Trend(
        every=period.every,
        spent_minor=to_minor(total(period), site.digits),
        before_minor=to_minor(total(last), site.digits) if last else None,
        usual=_minor(between, site.digits) if between else None,
        periods=len(totals),
        days=length if goes_on else None,
    )


def _earlier(calendar: Calendar, period: Period, known: int) -> Iterator[Period]:
    """The periods before one that begin on day ``known`` or later, the newest first."""
    for _ in range(_BEFORE.get(period.every, 1)):
        period = calendar.preceding(period)
        if period.first < known:
            return
        yield period


def _minor(ticks: Sequence[int], digits: int) -> tuple[int, int]:
    low, high = (to_minor(one, digits) for one in ticks)
    return low, high


def budget(one: Standing, days: Mapping[int, Day], site: Site, header: Header) -> Budget:
    """A budget as it stands, with what was spent by the end of each of its days so far."""
    first, last = one.period.first, one.period.last
    until = last - one.days_left
    sums, so_far = [], 0
    for day in range(first, until):
        so_far += days.get(day, NOTHING).budgeted_ticks
        sums.append(to_minor(so_far, site.digits))
    expected = one.used_up[0]
    ahead = one.end and Ahead(
        one.end.low, one.end.middle, one.end.high,
        None if expected is None or one.left_minor <= 0 else day_date(expected),
    )  # fmt: skip
    return Budget(
        name=in_words(one, header),
        first_day=day_date(first),
        last_day=day_date(last - 1),
        limit_minor=one.budget.limit_minor,
        spent_minor=one.spent_minor,
        pace_minor=one.pace_minor,
        by=day_date(max(until, first + 1) - 1),
        ahead=ahead,
        days=tuple(sums),
        young=one.is_young,
    )


def budget_line(one: Standing, header: Header) -> BudgetLine:
    """One of many budgets as it stands."""
    expected, worst = (None if day is None else day_date(day) for day in one.used_up)
    ahead = one.end and Ahead(*one.end, expected)
    return BudgetLine(
        one.budget.team, one.budget.project, in_words(one, header), one.budget.limit_minor,
        one.spent_minor, ahead, expected, worst,
    )  # fmt: skip


def corrections(
    days: Mapping[int, Day], site: Site, period: Period, told: Mapping[str, int], first: int
) -> tuple[Correction, ...]:
    """Periods like this one, from day ``first`` on, that are not what was ``told`` of them."""
    found = []
    for label, minor in told.items():
        one = site.calendar.period(label)
        if one.every != period.every or one.first < first or one.last > period.first:
            continue
        ticks = sum(days.get(day, NOTHING).effective_ticks for day in range(one.first, one.last))
        now = to_minor(ticks, site.digits)
        if now != minor:
            found.append((one.first, Correction(label, header_of(site, one), minor, now)))
    return tuple(correction for _, correction in sorted(found, key=lambda one: one[0]))


def waste(
    ledger: Ledger, site: Site, scope: Scope, *, at_list: bool = False
) -> tuple[Waste, ...]:
    """What ended otherwise than well, the costliest cause first; parts of pools included.

    ``at_list``: which run of a cause is the costliest is by list price.
    """
    rows = [row for row in spend(ledger.db, scope, ("state",)) if row.runs]
    keys = [row.key[0] or "" for row in rows]
    minor = apportion_ticks([row.effective_ticks for row in rows], site.digits, keys)
    sums: dict[str, list[int]] = {}
    for row, key, cost in zip(rows, keys, minor, strict=True):
        cause = CAUSES.get(key.split()[0] if key else "")
        if cause:
            total = sums.setdefault(cause, [0, 0, 0])
            for i, figure in enumerate((row.runs, row.gpu_seconds, cost)):
                total[i] += figure
    runs: dict[str, str] = {}
    for state, cluster, job in worst(ledger.db, scope, CAUSES, at_list=at_list) if sums else ():
        runs.setdefault(CAUSES[state], f"{cluster}/{job}")
    found = [
        Waste(cause, count, seconds, cost, runs.get(cause, ""))
        for cause, (count, seconds, cost) in sums.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.effective_minor, -one.gpu_seconds, one.cause)))


def costly(
    ledger: Ledger, site: Site, scope: Scope, *, at_list: bool
) -> tuple[Costly, ...]:
    """The costliest runs, with who ran them where the site names people."""
    calendar = site.calendar
    return tuple(
        Costly(
            job_id=one.job_id, cluster=one.cluster,
            user=one.user if site.people == "names" else "",
            name=one.name, state=one.state, start=calendar.isoformat(one.start),
            end=None if one.end is None else calendar.isoformat(one.end),
            gpu_seconds=one.gpu_seconds,
            minor=to_minor(one.list_ticks if at_list else one.effective_ticks, site.digits),
        )
        for one in costliest(ledger.db, scope, _COSTLIEST, at_list=at_list)
    )  # fmt: skip


def suspended(ledger: Ledger, site: Site, scope: Scope, period: Period) -> int:
    """GPU-seconds that were held while suspended; 0 where they are charged like the rest."""
    if site.charge_suspended:
        return 0
    return suspended_gpu_seconds(ledger.db, scope, period.start, period.end)
