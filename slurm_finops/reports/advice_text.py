"""Advice for a terminal of 80 columns: first the answer, then the reasons."""

from collections.abc import Iterator, Sequence
from textwrap import wrap

from slurm_finops.core.advice import FLOOR_PERCENT, seconds_of, use_of
from slurm_finops.core.estimate import price_text
from slurm_finops.core.money import grouped
from slurm_finops.core.rates import ON_DEMAND
from slurm_finops.core.usage import is_gpu
from slurm_finops.core.words import count
from slurm_finops.core.workloads import COMMITTED
from slurm_finops.reports.advice import Advice, Advised, Bought, Would
from slurm_finops.reports.format import (
    columns,
    gpu_hours,
    in_period,
    money,
    row_name,
    share,
    shortened,
    visible,
)
from slurm_finops.reports.reasons import models_text, reasons
from slurm_finops.reports.tables import aligned

WIDTH = 80
_BY = ("team", "project", "environment")
_SHORTEST = 16


def advice_text(found: Advice, limit: int) -> str:
    """The whole answer; of workloads the ``limit`` that held most."""
    shown = found.workloads[:limit]
    parts: list[Iterator[str]] = [_answer(found), _levels(found), _why(found)]
    if found.idle:
        parts.append(_idle(found))
    if shown:
        parts.append(_workloads(found, shown))
    parts.extend(_reasons(found, one) for one in shown)
    if found.notes:
        parts.append(line for note in found.notes for line in _paragraph(note))
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _paragraph(text: str, indent: str = "") -> Iterator[str]:
    yield from wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent,
                    break_long_words=False, break_on_hyphens=False)  # fmt: skip


def _answer(found: Advice) -> Iterator[str]:
    best, header = found.cheapest, found.header
    saved = found.on_demand_minor - best.minor
    where = f" on partition {visible(found.partition)}" if found.partition else ""
    what = f"{visible(found.sku)}{where} {in_period(header)}"
    if best.units:
        yield from _paragraph(
            f"Commit {best.units:,} of {what}: {money(best.minor, header)} in all, "
            f"{money(saved, header)} less than all on demand."
        )
    else:
        yield from _paragraph(
            f"Commit nothing of {what}: all on demand costs {money(best.minor, header)}, and no "
            "commitment makes it less."
        )


def _levels(found: Advice) -> Iterator[str]:
    rows = [["committed", "units", found.header.currency, "saved", "used"]]
    for name, bought in (
        ("cheapest", found.cheapest),
        (f"floor, used {FLOOR_PERCENT}% of the time (P5)", found.floor),
        ("nothing, all on demand", Bought(0, found.on_demand_minor, 0, 0)),
    ):
        digits = found.header.digits
        rows.append([
            name, f"{bought.units:,}", grouped(bought.minor, digits),
            grouped(found.on_demand_minor - bought.minor, digits),
            share(bought.used_seconds, bought.bought_seconds),
        ])  # fmt: skip
    yield from aligned(rows, 1)


def _why(found: Advice) -> Iterator[str]:
    """Where the levels come from, and why the floor is mostly not the cheapest."""
    seconds, header = seconds_of(found.hours), found.header
    committed, on_demand = found.prices[COMMITTED], found.prices[ON_DEMAND]
    ratio = committed.ratio / on_demand.ratio
    yield from _paragraph(
        f"{gpu_hours(use_of(found.hours))} {_unit(found)}-hours in {gpu_hours(seconds)} hours; "
        f"{price_text(committed, header.digits)} committed, "
        f"{price_text(on_demand, header.digits)} on demand."
    )
    if ratio >= 1:
        yield from _paragraph(
            "A commitment that costs no less than what it replaces never pays, however constant "
            "the use."
        )
        return
    part, whole = ratio.as_integer_ratio()
    yield from _paragraph(
        f"A committed unit pays for itself if it is in use more than {share(part, whole)} of the "
        f"time, so the cheapest level is the {share(whole - part, whole)} quantile of use over "
        f"time, hours of no use counted. The floor is right only where a commitment is "
        f"{100 - FLOOR_PERCENT}% cheaper; here it is {share(whole - part, whole)} cheaper, and "
        f"{_between(found)}."
    )


def _between(found: Advice) -> str:
    between = found.floor.minor - found.cheapest.minor
    if not between:
        return "the floor costs the same"
    return f"the floor costs {money(between, found.header)} more"


def _unit(found: Advice) -> str:
    return "GPU" if is_gpu(found.sku) else "unit"


def _idle(found: Advice) -> Iterator[str]:
    idle = found.idle
    assert idle is not None
    yield from _paragraph(
        f"Idle: of {count(idle.capacity, 'unit')} nobody held {gpu_hours(idle.idle_seconds)} "
        f"{_unit(found)}-hours, {share(idle.idle_seconds, idle.capacity_seconds)}: "
        f"{money(idle.minor, found.header)} at the on-demand price."
    )


def _workloads(found: Advice, shown: Sequence[Advised]) -> Iterator[str]:
    digits, currency = found.header.digits, found.header.currency
    rows = [["", f"{_unit(found)}-hours", f"{currency} now", "advised", f"{currency} then"]]
    rows += [
        [
            "", gpu_hours(one.verdict.workload.unit_seconds), _money(one.now_minor, digits),
            models_text(one.verdict.models), _money(_least(one), digits),
        ]
        for one in shown
    ]  # fmt: skip
    widths = [max(map(columns, column)) + 2 for column in zip(*rows, strict=True)]
    room = max(_SHORTEST, WIDTH - sum(widths[1:]))
    names = ["team / project / environment", *map(_name, shown)]
    for row, name in zip(rows, names, strict=True):
        row[0] = shortened(name, room)
    yield from aligned(rows, 1)
    left = found.workloads[len(shown) :]
    if left:
        seconds = sum(one.verdict.workload.unit_seconds for one in left)
        yield (f"and {count(len(left), 'workload')} more with {gpu_hours(seconds)} "
               f"{_unit(found)}-hours: --limit, --format json")  # fmt: skip


def _name(one: Advised) -> str:
    return row_name(_BY, one.verdict.workload[:3])


def _money(minor: int | None, digits: int) -> str:
    return "–" if minor is None else grouped(minor, digits)


def _least(one: Advised) -> int | None:
    """The cheapest of the models advised, as far as their prices are known."""
    return min((would.minor for would in one.would if would.minor is not None), default=None)


def _reasons(found: Advice, one: Advised) -> Iterator[str]:
    verdict = one.verdict
    advised = models_text(verdict.models, verdict.checkpoints)
    yield from _paragraph(f"{_name(one)}: {advised}")
    yield from _paragraph(" ".join([_costs(found, one), *reasons(verdict)]), "  ")


def _costs(found: Advice, one: Advised) -> str:
    """What it pays by kind of pricing, and what it would: ``Now: … on demand. Then: … spot.``"""
    digits = found.header.digits
    now = ", ".join(
        f"{gpu_hours(part.unit_seconds)} {_unit(found)}-hours without a price"
        if part.minor is None
        else f"{grouped(part.minor, digits)} {models_text([part.pricing])}"
        for part in one.now
    )
    then = ", ".join(_then(would, digits) for would in one.would)
    return f"Now: {now}." + (f" Then: {then}." if then else "")


def _then(would: Would, digits: int) -> str:
    kind = models_text([would.model])
    if would.minor is None:
        return f"no rate is configured for {kind}"
    alone = "" if would.units is None else f" ({count(would.units, 'unit')} for it alone)"
    return f"{grouped(would.minor, digits)} {kind}{alone}"
