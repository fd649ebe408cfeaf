"""One run's bill, line by line: from its list price to what is billed, and by which rules."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from slurm_finops.core.charging import Applied
from slurm_finops.core.estimate import Price, price_text
from slurm_finops.core.lots import MICRO
from slurm_finops.core.money import MICROS, TICKS, grouped, minor_digits, round_half_away
from slurm_finops.core.period import Calendar
from slurm_finops.core.rates import POOL_RANK, Rate
from slurm_finops.core.retags import Retag
from slurm_finops.ledger import explained as table
from slurm_finops.ledger.explained import About, Charged, Drawn
from slurm_finops.ledger.retags import told
from slurm_finops.reports.format import gpu_hours, visible
from slurm_finops.reports.tables import aligned

#: More decimals than this are cut from what is shown; JSON has them all.
_PLACES = 6


class Step(NamedTuple):
    """A line: what it is, by which rule, and the ticks that there are after it or it takes off."""

    what: str
    rule: str
    ticks: Fraction
    taken: bool = False


class Part(NamedTuple):
    """What a run was charged for of a SKU by one rate."""

    sku: str
    quantity: int
    seconds: int
    steps: tuple[Step, ...]


class Explanation(NamedTuple):
    """A run, whom it is billed to, its parts, what is taken off them, and what is billed.

    ``retags`` are those by which it is billed to whom it is, in words.
    """

    run: About
    tags: dict[str, str]
    source: str
    parts: tuple[Part, ...]
    taken: tuple[Step, ...]
    list_ticks: int
    effective_ticks: int
    billed_ticks: int
    retags: tuple[str, ...] = ()


def explanation(
    db: sqlite3.Connection, run: About, rates: Sequence[Rate], calendar: Calendar,
    retags: Sequence[Retag] = (),
) -> Explanation:  # fmt: skip
    """Explain a run; ``rates`` are those that it was charged by, ``retags`` those applied to it."""
    first, last = 0, 0
    if run.start is not None:
        first = calendar.day_of(run.start)
        last = calendar.day_of(run.start + run.elapsed + run.suspended) + 1
    charges = table.charged(db, run.id, first, last)
    taken = table.drawn(db, run.id, first, last)
    tags, source = table.tags(db, run.id, first, last)
    return Explanation(
        run, tags, source,
        tuple(Part(c.sku, c.quantity, c.seconds, tuple(_steps(c, run, rates))) for c in charges),
        tuple(_taken(one) for one in taken),
        sum(c.list_ticks for c in charges), sum(c.effective_ticks for c in charges),
        sum(c.billed_ticks for c in charges) - sum(one.ticks for one in taken),
        # one that was made since it was charged is in no charge yet
        tuple(_retagged(one, calendar) for one in retags if source == "retag"),
    )  # fmt: skip


def _retagged(retag: Retag, calendar: Calendar) -> str:
    wanted = retag.wanted
    ticket = f", {wanted.ticket}" if wanted.ticket else ""
    approver = f", approved by {wanted.approver}" if wanted.approver else ""
    return (f"retag {retag.id}: {told(calendar, wanted)}; {wanted.reason} "
            f"({retag.actor}, {calendar.isoformat(retag.at)[:10]}{ticket}{approver})")  # fmt: skip


def _steps(charge: Charged, run: About, rates: Sequence[Rate]) -> Iterator[Step]:
    if not charge.priced:
        yield Step("no rate", "unpriced, and in no cost", Fraction(0))
        return
    said = Applied.of(charge.policy)
    yield Step("list", "on_demand, for anybody", Fraction(charge.list_ticks))
    if said.outdone:
        yield Step("group", f"{said.outdone}: another SKU of it costs more", Fraction(0))
        return
    if charge.rank >= POOL_RANK:
        yield Step("pool", "covered; its share of the pool stands beside runs", Fraction(0))
        return
    rate, now = _rate(charge, said, run, rates)
    if now is not None:
        yield Step("rate", rate, now)
    for name, ratio in said.factors:
        # of several prices times nothing nobody kept what they came to
        now = None if now is None else now * ratio
        yield Step(f"x {ratio}", name, now or Fraction(0))
    if charge.rounded_ticks:
        yield Step("booked", "time that rounding adds", Fraction(charge.effective_ticks))
    yield Step("effective", "", Fraction(charge.effective_ticks))
    if charge.forgiven_ticks and said.forgiven:
        name, part = said.forgiven
        rule = f"{name}: {'all' if part == 1 else part} of it, for {run.state}"
        yield Step("forgiven", rule, Fraction(-charge.forgiven_ticks), True)
    if charge.subsidised_ticks:
        yield Step("subsidised", "by the rate", Fraction(-charge.subsidised_ticks), True)


def _rate(
    charge: Charged, said: Applied, run: About, rates: Sequence[Rate]
) -> tuple[str, Fraction | None]:
    """A rate, its price where it had but one, and what it comes to without factors."""
    match = json.loads(charge.match)
    words = [charge.pricing, *(f"{key} {visible(value)}" for key, value in sorted(match.items()))]
    if said.of_class and "class" not in match:
        words[0] += f", whatever the class (it is {visible(said.of_class)})"
    end = (run.start or 0) + run.elapsed
    series = sorted(
        (rate for rate in rates
         if (rate.sku, dict(rate.match), rate.rank) == (_sku(charge, rates), match, charge.rank)),
        key=lambda rate: rate.start,
    )  # fmt: skip
    live = [
        rate for rate, after in zip(series, [*series[1:], None], strict=True)
        if rate.start < end and (after is None or after.start > (run.start or 0))
    ]  # fmt: skip
    prices = {(rate.price, rate.per) for rate in live}
    held = Fraction(charge.effective_ticks - charge.rounded_ticks)
    came_to = held / said.factor if said.factor else None
    if len(prices) == 1:
        price, per = prices.pop()
        if came_to is None:
            came_to = Fraction(price * charge.quantity * charge.seconds, per)
        return f"{', '.join(words)}: {price_text(Price(price, per), 2)}", came_to
    return f"{', '.join(words)}: {len(prices):,} prices" if prices else ", ".join(words), came_to


def _sku(charge: Charged, rates: Sequence[Rate]) -> str:
    """The SKU that a charge's rate names: its own, or GPUs of any type."""
    own = any(
        (rate.sku, dict(rate.match), rate.rank)
        == (charge.sku, json.loads(charge.match), charge.rank)
        for rate in rates
    )
    return charge.sku if own else "gres/gpu"


def _taken(drawn: Drawn) -> Step:
    if drawn.credit:
        return Step("credit", f"{drawn.credit} of {drawn.sku}", Fraction(-drawn.ticks), True)
    hours = f" ({gpu_hours(drawn.units // MICRO)} GPU-hours of it)" if drawn.hours else ""
    rule = f"{visible(drawn.allocation)}{hours} for {drawn.sku}"
    return Step("allocation", rule, Fraction(-drawn.ticks), True)


def explanation_text(found: Explanation, currency: str, calendar: Calendar) -> str:
    """For a terminal."""
    run, digits = found.run, minor_digits(currency)
    head = f"{visible(run.cluster)}/{run.job_id}, {visible(run.state)}"
    if run.start is not None:
        head += f", {calendar.isoformat(run.start)} for {run.elapsed:,} seconds"
    whose = ", ".join(f"{key} {visible(value)}" for key, value in found.tags.items())
    where = {"user": run.user, "account": run.account, "partition": run.partition,
             "qos": run.qos, "reservation": run.reservation}  # fmt: skip
    lines = [
        head,
        ", ".join(f"{key} {visible(value)}" for key, value in where.items() if value),
        f"billed to {whose} (by its {found.source})" if whose else "billed to nobody: untagged",
    ]
    lines += map(visible, found.retags)
    if run.held:
        lines.append(f"held unbilled: {run.held}")
    for part in found.parts:
        lines += ["", f"{part.sku}: {part.quantity:,} for {part.seconds:,} seconds"]
        lines += _table(part.steps, digits)
    if not found.parts:
        lines += ["", "nothing is charged for it: it held nothing that has a price"]
    if found.taken:
        lines += ["", "taken off", *_table(found.taken, digits)]
    total = [("", "", currency)] + [
        (name, "", _amount(Fraction(ticks), digits)) for name, ticks in (
            ("list", found.list_ticks), ("effective", found.effective_ticks),
            ("billed", found.billed_ticks),
        )
    ]  # fmt: skip
    return "\n".join([*lines, "", *(f"  {line}" for line in aligned(total, 2))]) + "\n"


def _table(steps: Sequence[Step], digits: int) -> Iterator[str]:
    rows = [(step.what, step.rule, _amount(step.ticks, digits)) for step in steps]
    return (f"  {line}" for line in aligned(rows, 2))


def _amount(ticks: Fraction, digits: int) -> str:
    """To a millionth of the currency, without needless zeros."""
    micros = round_half_away(ticks.numerator * MICROS, ticks.denominator * TICKS)
    places = _PLACES
    while places > digits and micros % 10 == 0:
        micros, places = micros // 10, places - 1
    return grouped(micros, places)


def explanation_json(
    found: Explanation, currency: str, calendar: Calendar, people: str = "names"
) -> dict[str, Any]:
    """For other programs: money as exact fractions of the currency, in lowest terms.

    The user is null where the site does not show ``people`` by name: of one run there is
    nobody to be told apart from.
    """
    run = found.run
    return {
        "currency": currency,
        "run": {
            "cluster": run.cluster, "job_id": run.job_id, "submit": calendar.isoformat(run.submit),
            "state": run.state, "seconds": run.elapsed,
            "user": run.user if people == "names" else None, "account": run.account,
            "partition": run.partition, "qos": run.qos, "reservation": run.reservation or None,
            "start": None if run.start is None else calendar.isoformat(run.start),
        },
        "tags": found.tags, "tag_source": found.source,
        "retags": list(found.retags) if people == "names" else [],
        "parts": [
            {"sku": part.sku, "quantity": part.quantity, "seconds": part.seconds,
             "steps": list(map(_step_json, part.steps))}
            for part in found.parts
        ],
        "taken": list(map(_step_json, found.taken)),
        "list_cost": _exact(Fraction(found.list_ticks)),
        "effective_cost": _exact(Fraction(found.effective_ticks)),
        "billed_cost": _exact(Fraction(found.billed_ticks)),
    }  # fmt: skip


def _step_json(step: Step) -> dict[str, str]:
    return {"what": step.what, "rule": step.rule, "cost": _exact(step.ticks)}


def _exact(ticks: Fraction) -> str:
    return str(ticks / TICKS)
