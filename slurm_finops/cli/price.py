"""price: charges for what is new or has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from slurm_finops.cli.app import FORMAT, App, actor, count, echo_json, now, pass_app, progress

if TYPE_CHECKING:
    from slurm_finops.ledger.store import Ledger


@click.command()
@FORMAT
@pass_app
def price(app: App, style: str) -> None:
    """Price every run that is new or has changed, by the rates in finops.toml.

    A changed rate or tag policy prices again only what it touches.
    """
    with app.writing("price") as ledger:
        answer = run(app, ledger)
    if style == "json":
        echo_json(answer)
        return
    click.echo(f"{count(answer['new'], 'run')} priced, {answer['again']:,} priced again")
    for line in warnings(answer):
        click.echo(line, err=True)


def run(app: App, ledger: Ledger) -> dict:  # type: ignore[type-arg]
    """Price, and say what has no rate."""
    from slurm_finops.billing.pricing import price as price_ledger
    from slurm_finops.ledger.held import held_runs
    from slurm_finops.ledger.spend import Scope, unpriced

    with progress("pricing") as advance:
        priced = price_ledger(ledger, app.terms, now(), actor(), advance)
    ever = Scope(-(1 << 31), 1 << 31)
    return {
        "new": priced.new,
        "again": priced.again,
        "unpriced": [
            {"sku": sku, "runs": runs, "unit_seconds": seconds}
            for sku, runs, seconds in unpriced(ledger.db, ever)
        ],
        "held": [run for run, _ in held_runs(ledger.db)],
    }


def warnings(answer: dict) -> list[str]:  # type: ignore[type-arg]
    """What a person should know after pricing."""
    lines = [
        f"warning: no rate for {item['sku']}: {count(item['runs'], 'run')}, "
        f"{item['unit_seconds'] // 3600:,} unit-hours are in no cost; add it to [[rates]]"
        for item in answer["unpriced"]
    ]
    if answer["held"]:
        lines.append(
            f"warning: {count(len(answer['held']), 'run')} held unbilled: "
            + ", ".join(answer["held"][:10])
        )
    return lines
