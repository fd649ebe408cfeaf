"""What a run's use has come to by any second of a day: exact, by the curves that priced it."""

from collections.abc import Mapping, Sequence
from fractions import Fraction

from slurm_finops.billing.plans import Line
from slurm_finops.billing.pricer import Pricer, extra_of
from slurm_finops.core.charge import charge
from slurm_finops.core.compare import Window
from slurm_finops.core.credits import Stretch
from slurm_finops.core.lots import MICRO, Meter
from slurm_finops.core.period import Calendar
from slurm_finops.ledger.pricing import Held

#: Ticks, and micro unit-seconds.
Amount = tuple[int, int]
#: Numerator and denominator: to ask a `Fraction` for them takes longer than all the rest.
Ratio = tuple[int, int]


def units_of(quantity: int, seconds: int, ratio: Ratio) -> int:
    """Micro unit-seconds of one charge: what a factor makes of it, and a rule leaves."""
    return MICRO * quantity * seconds * ratio[0] // ratio[1]


def meters(
    pricer: Pricer, run: Held, ratios: Mapping[int, Ratio], calendar: Calendar, day: int
) -> dict[int, Meter]:
    """SKU id -> the meter of a run's use on a billing day, before anything is taken off."""
    _, plan, end, booked = pricer.how(run)
    since, until = calendar.midnight(day), calendar.midnight(day + 1)
    start = run.start
    found: dict[int, Meter] = {}
    for line in plan.lines:
        extra = 0
        if booked != end and since < end <= until:
            held = charge(start, end, line.quantity, line.segments, calendar)
            more = extra_of(held, charge(start, booked, line.quantity, line.segments, calendar))
            extra = more[3] if more else 0
        found[line.sku] = _meter(line, start, end, Window(since, until), ratios, extra)
    return found


def _meter(
    line: Line[int, int], start: int, end: int, window: Window, ratios: Mapping[int, Ratio],
    extra: int,
) -> Meter:  # fmt: skip
    known: dict[int, Amount] = {}

    def until(second: int) -> Amount:
        second = min(second, end)
        if second <= start:
            return 0, 0
        if second not in known:
            ticks, units = extra if second == end else 0, 0
            lines = charge(start, second, line.quantity, line.segments, window)
            for part, card, seconds, _, cost, rest in lines:
                if part == 0 and card is not None and cost is not None:
                    ticks += rest[2] if rest else cost
                    units += units_of(line.quantity, seconds, ratios[card])
            known[second] = ticks, units
        return known[second]

    return until


def forgiven(
    meter: Meter, stretches: Sequence[Stretch], start: int, end: int
) -> tuple[dict[int, Amount], Meter]:
    """What each credit by hand forgives of a day ``[start, end)``, and a meter of what is left."""
    inside = [
        stretch._replace(since=max(stretch.since, start), until=min(stretch.until, end))
        for stretch in stretches if stretch.since < end and stretch.until > start
    ]  # fmt: skip

    def taken(second: int) -> dict[int, Amount]:
        found: dict[int, Amount] = {}
        for stretch in inside:
            if second <= stretch.since:
                continue
            before, now = meter(stretch.since), meter(min(second, stretch.until))
            whole = now[0] - before[0], now[1] - before[1]
            upto = Fraction(0)
            for turn in stretch.draws:
                low, upto = upto, upto + turn.forgiven
                ticks, units = found.get(turn.credit, (0, 0))
                found[turn.credit] = (
                    ticks + _cut(whole[0], upto) - _cut(whole[0], low),
                    units + _cut(whole[1], upto) - _cut(whole[1], low),
                )
        return found

    def left(second: int) -> Amount:
        ticks, units = meter(second)
        for amount in taken(second).values():
            ticks, units = ticks - amount[0], units - amount[1]
        return ticks, units

    return taken(end), left


def _cut(amount: int, part: Fraction) -> int:
    return amount * part.numerator // part.denominator
