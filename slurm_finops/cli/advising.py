"""Reading for `advise`: the period, the SKU and its prices, and what use says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from slurm_finops.cli.app import App, now
from slurm_finops.errors import InputError

if TYPE_CHECKING:
    from slurm_finops.billing.advice import Question
    from slurm_finops.core.estimate import Price
    from slurm_finops.core.period import Period
    from slurm_finops.ledger.store import Ledger
    from slurm_finops.reports.advice import Advice


def ended(app: App, text: str | None) -> Period:
    """A period that is over: hours that have not come would count as hours of no use."""
    calendar, at = app.config.calendar, now()
    last = calendar.last_complete("month", at)
    if text is None:
        return last
    period = app.period(text)
    if period.start >= at:
        raise click.BadParameter(
            f"{text} has not begun; the last whole month is {last.label}", param_hint="'--period'"
        )
    if period.end > at:
        from slurm_finops.core.period import day_date

        first, today = day_date(period.first), day_date(calendar.day_of(at))
        near = f"{first}..{today}" if first < today else last.label
        raise click.BadParameter(
            f"{text} has not ended, and hours to come would count as hours of no use; name a "
            f"period that has, such as {near}",
            param_hint="'--period'",
        )
    return period


def typed(text: str | None, option: str) -> int | None:
    """A price in micro-units."""
    from slurm_finops.config.fields import MICRO_DIGITS
    from slurm_finops.core.money import parse_decimal

    if text is None:
        return None
    try:
        micros = parse_decimal(text, MICRO_DIGITS)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=f"'{option}'") from None
    if not micros:
        raise click.BadParameter(
            "a price of 0 leaves nothing to advise; give what an hour of a unit costs",
            param_hint=f"'{option}'",
        )
    return micros


def question(
    app: App, ledger: Ledger, period: Period, sku: str | None, partition: str | None
) -> Question:
    """Whose use is looked at: without a SKU, that of the GPU that was held most."""
    from slurm_finops.billing.advice import Question, gpus_held

    if partition is not None:
        _check_partition(ledger, partition)
    if sku is not None:
        _check_sku(app, ledger, sku)
        return Question(period, sku, partition or "")
    held = gpus_held(ledger, period, partition or "")
    if not held:
        raise _nothing(ledger, Question(period, "any GPU", partition or ""))
    return Question(period, held[0][0], partition or "", tuple(held[1:]))


def _check_sku(app: App, ledger: Ledger, sku: str) -> None:
    """What nobody has ever been charged or priced is a slip."""
    from slurm_finops.billing.advice import skus_known
    from slurm_finops.core.near import nearest

    known = sorted({*skus_known(ledger), *(rate.sku for rate in app.rates)})
    if sku not in known:
        near = nearest(sku, known) or next((name for name in known if name.endswith(sku)), None)
        hint = f"did you mean {near!r}?" if near else f"known: {', '.join(known) or 'none'}"
        raise click.BadParameter(f"nothing is charged for {sku!r}; {hint}", param_hint="'--sku'")


def _check_partition(ledger: Ledger, partition: str) -> None:
    from slurm_finops.core.near import nearest
    from slurm_finops.ledger.health import values_seen

    known = sorted(values_seen(ledger.db, ["partition"])["partition"] - {""})
    if partition not in known:
        near = nearest(partition, known)
        hint = f"did you mean {near!r}?" if near else f"known: {', '.join(known) or 'none'}"
        raise click.BadParameter(
            f"no run was ever on partition {partition!r}; {hint}", param_hint="'--partition'"
        )


def _nothing(ledger: Ledger, asked: Question) -> InputError:
    from slurm_finops.billing.advice import days_held
    from slurm_finops.core.period import day_date

    days = days_held(ledger)
    where = f" on partition {asked.partition}" if asked.partition else ""
    if days is None:
        return InputError("the ledger has no charges yet: slurm-finops collect, then price")
    return InputError(
        f"no run held {asked.sku}{where} in {asked.period.label}; the ledger has charges from "
        f"{day_date(days[0])} to {day_date(days[1])}"
    )


def answer(
    app: App, ledger: Ledger, asked: Question, given: dict[str, int | None], capacity: int | None
) -> Advice:
    """What use says, at the prices given by ``on_demand`` and ``committed`` or else configured."""
    from slurm_finops.billing.advice import use_of
    from slurm_finops.core.advice import Overfull
    from slurm_finops.reports.advice import advice
    from slurm_finops.reports.site import header_of

    prices, notes = _prices(app, asked, given)
    use = use_of(ledger, app.config.calendar, asked)
    if not use.workloads:
        raise _nothing(ledger, asked)
    notes += _notes(app, ledger, asked, use.unfinished)
    head = header_of(app.site, asked.period)
    try:
        return advice(head, asked.sku, asked.partition, use, prices, capacity, notes)
    except Overfull as error:
        start = asked.period.start + sum(hour.seconds for hour in use.hours[: error.hour])
        hour = use.hours[error.hour]
        raise click.BadParameter(
            f"{capacity} is less than what was in use in the hour from "
            f"{app.config.calendar.isoformat(start)}, which took at least "
            f"{-(-hour.unit_seconds // hour.seconds)}",
            param_hint="'--capacity'",
        ) from None


def _prices(
    app: App, asked: Question, given: dict[str, int | None]
) -> tuple[dict[str, Price], list[str]]:
    """The price of each kind, as given or as configured; what stands in the way of spot's."""
    from slurm_finops.core.advice import SeveralPrices
    from slurm_finops.core.estimate import Price

    prices: dict[str, Price] = {}
    for kind, option in (("on_demand", "--on-demand"), ("committed", "--committed")):
        micros = given[kind]
        prices[kind] = (
            _configured(app, asked, kind, option) if micros is None else Price(micros, 1)
        )
    try:
        spot = _found(app, asked, "spot")
    except SeveralPrices as error:
        return prices, [f"no cost on spot: several rates apply ({_named(error)}); --partition"]
    return prices | ({"spot": spot} if spot else {}), []


def _found(app: App, asked: Question, kind: str) -> Price | None:
    from slurm_finops.core.advice import price_of_kind

    dimensions = {"partition": asked.partition} if asked.partition else {}
    at = asked.period.end - 1
    return price_of_kind(app.terms.list_book, asked.sku, kind, dimensions, at)


def _configured(app: App, asked: Question, kind: str, option: str) -> Price:
    from slurm_finops.core.advice import SeveralPrices

    words = kind.replace("_", "-")
    try:
        found = _found(app, asked, kind)
    except SeveralPrices as error:
        raise click.UsageError(
            f"several {words} rates of {asked.sku} apply ({_named(error)}): give "
            f"{option} PRICE or --partition NAME"
        ) from None
    if found is None or not found.micros:
        lack = "costs nothing" if found else "is configured"
        raise click.UsageError(
            f"{'the' if found else 'no'} {words} rate of {asked.sku} {lack} at the end of "
            f"{asked.period.label}: give {option} PRICE, or add it to [[rates]] with "
            f'pricing = "{kind}"'
        )
    return found


def _named(error: Exception) -> str:
    from slurm_finops.core.advice import SeveralPrices
    from slurm_finops.core.money import minor_text

    assert isinstance(error, SeveralPrices)
    return ", ".join(
        " ".join([minor_text(rate.price, 6), *(f"{key}={value}" for key, value in rate.match)])
        for rate in error.rates
    )


def _notes(app: App, ledger: Ledger, asked: Question, unfinished: int) -> list[str]:
    """What a reader must know of the figures."""
    from slurm_finops.core.words import count
    from slurm_finops.ledger.ingest import collected_through
    from slurm_finops.ledger.pricing import waiting
    from slurm_finops.reports.build import is_stale
    from slurm_finops.reports.format import gpu_hours, visible
    from slurm_finops.reports.tables import not_of_today

    notes = [f"also held: {visible(name)}, {gpu_hours(seconds)} GPU-hours: --sku {visible(name)}"
             for name, seconds in asked.beside]  # fmt: skip
    pools = app.config.allocation.pools
    if any(pool.takes(asked.sku) and pool.use != ((asked.sku, 1),) for pool in pools):
        notes.append("what a pool of several SKUs covers costs nothing here: slurm-finops pools")
    through = collected_through(ledger, "sacct", app.config.cluster)
    if through is not None and through < asked.period.end:
        notes.append(
            f"collected up to {app.config.calendar.isoformat(through)}: hours after that count as "
            "hours of no use"
        )
    if unfinished:
        notes.append(
            f"{count(unfinished, 'run')} had not ended when collected: what they held afterwards "
            "is in no figure here"
        )
    return notes + not_of_today(waiting(ledger), is_stale(ledger, app.site))


