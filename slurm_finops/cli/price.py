"""price: charges for what is new or has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import click

from slurm_finops.cli.app import FORMAT, App, actor, echo_json, now, pass_app, progress
from slurm_finops.core.words import count
from slurm_finops.errors import ConfigError

if TYPE_CHECKING:
    from slurm_finops.ledger.store import Ledger


@click.command()
@FORMAT
@pass_app
def price(app: App, style: str) -> None:
    """Price every run that is new or has changed, by the rates in finops.toml and imported ones.

    A changed rate or tag policy prices again only what it touches, and says what
    those runs had cost before and cost now.

    \b
    Examples:
      slurm-finops price
      slurm-finops price --format json
    """
    with app.writing("price") as ledger:
        answer = run(app, ledger)
    if style == "json":
        echo_json(answer._asdict() | {
            "moved": answer.moved.as_json(), "shared": answer.shared.as_json(),
            "unpriced": [
                {"sku": sku, "runs": runs, "unit_seconds": seconds}
                for sku, runs, seconds in answer.unpriced
            ],
        })  # fmt: skip
        return
    click.echo(told(answer))
    for line in warnings(answer):
        click.echo(line, err=True)


class Moved(NamedTuple):
    """What something cost before and costs now, in minor units."""

    before: int
    after: int
    digits: int
    currency: str

    def as_json(self) -> dict[str, str]:
        from slurm_finops.core.money import minor_text

        return {
            "before": minor_text(self.before, self.digits),
            "after": minor_text(self.after, self.digits),
            "currency": self.currency,
        }


class Answer(NamedTuple):
    """What was priced; SKUs that had no rate ``(sku, runs, unit-seconds)``; runs that are held.

    ``moved`` is what the runs priced again bill, ``shared`` what the days effectively cost
    whose pools, overhead, lines and credits were shared anew.
    """

    new: int
    again: int
    moved: Moved
    days: int
    shared: Moved
    drawn: int
    unpriced: list[tuple[str, int, int]]
    held: list[str]


def run(app: App, ledger: Ledger) -> Answer:
    """Price, and say what has no rate."""
    from slurm_finops.billing.capacity import AllocationError
    from slurm_finops.billing.pricing import price as price_ledger
    from slurm_finops.core.money import to_minor
    from slurm_finops.core.stated import stated
    from slurm_finops.ledger.configured import note
    from slurm_finops.ledger.held import held_runs
    from slurm_finops.ledger.spend import Scope, unpriced

    terms = app.terms  # what cannot be priced by is not noted
    note(ledger, stated(app.config.document), now(), actor())
    with progress("pricing") as advance:
        try:
            priced = price_ledger(ledger, terms, now(), actor(), advance)
        except AllocationError as error:
            raise ConfigError(f"{app.config.path}: {error}") from None
    ever = Scope(-(1 << 31), 1 << 31)
    digits = app.config.digits
    moved, shared = (
        Moved(to_minor(before, digits), to_minor(after, digits), digits, app.config.currency)
        for before, after in (priced[2:4], priced.shared[1:])
    )
    return Answer(
        priced.new, priced.again, moved, priced.shared.days, shared, priced.drawn,
        unpriced(ledger.db, ever),
        [run for run, _ in held_runs(ledger.db)],
    )  # fmt: skip


def told(answer: Answer) -> str:
    """What was priced, in words."""
    said = f"{count(answer.new, 'run')} priced, {answer.again:,} priced again"
    if answer.again:
        said += f": billed {_moved(answer.moved)}"
    if answer.days:
        said += f"; {count(answer.days, 'day')} of pools and lines shared: {_moved(answer.shared)}"
    if answer.drawn:
        said += f"; allocations and credits of {count(answer.drawn, 'day')} drawn"
    return said


def _moved(moved: Moved) -> str:
    from slurm_finops.core.money import grouped

    before, after = (f"{grouped(m, moved.digits)} {moved.currency}" for m in moved[:2])
    return f"{after} as before" if before == after else f"{before} before, {after} now"


def warnings(answer: Answer) -> list[str]:
    """What a person should know after pricing."""
    from slurm_finops.reports.format import gpu_hours, visible

    lines = [
        f"warning: no rate for {visible(sku)}: {count(runs, 'run')}, "
        f"{gpu_hours(seconds)} unit-hours are in no cost; add it to [[rates]]"
        for sku, runs, seconds in answer.unpriced
    ]
    if answer.held:
        lines.append(
            f"warning: {count(len(answer.held), 'run')} held unbilled: "
            + ", ".join(map(visible, answer.held[:10]))
        )
    return lines
