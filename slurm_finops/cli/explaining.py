"""report --explain: how the bill of one run comes about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from slurm_finops.errors import InputError

if TYPE_CHECKING:
    from slurm_finops.cli.app import App

#: Runs that are explained at once: a job that was requeued has several.
_MOST = 10


def explain(
    app: App, job: str, cluster: str | None, style: str | None, other: str | None
) -> None:
    """Print what was charged for the runs of a job, and by which rules."""
    from slurm_finops.billing.retags import applied
    from slurm_finops.cli.app import echo_json
    from slurm_finops.ledger.explained import runs
    from slurm_finops.ledger.named import check_cluster
    from slurm_finops.ledger.named import job as named
    from slurm_finops.ledger.pricing import waiting
    from slurm_finops.ledger.rates import stored_rates
    from slurm_finops.reports.build import is_stale
    from slurm_finops.reports.explanation import explanation, explanation_json, explanation_text
    from slurm_finops.reports.tables import not_of_today

    if other is not None:
        raise click.UsageError("--explain is of one run; --period, --by and --team are of a report")
    if style not in (None, "table", "json"):
        raise click.UsageError(f"--explain writes a table or JSON, no {style}")
    calendar, currency = app.config.calendar, app.config.currency
    where = cluster or app.config.cluster
    with app.reading() as ledger:
        check_cluster(ledger.db, where)
        found = runs(ledger.db, where, named(ledger.db, calendar, where, job))
        if len(found) > _MOST:
            raise InputError(
                f"{job} on {where} is {len(found):,} runs; name one of them, such as "
                f"{found[0].job_id}"
            )
        rates = stored_rates(ledger.db)
        policy = app.config.policy
        told = [
            explanation(ledger.db, run, rates, calendar, applied(ledger.db, policy, run.id))
            for run in found
        ]
        notes = not_of_today(waiting(ledger), is_stale(ledger, app.site))
    if style == "json":
        people = app.site_for("export").people
        echo_json({"runs": [explanation_json(one, currency, calendar, people) for one in told]})
    else:
        texts = [explanation_text(one, currency, calendar) for one in told]
        click.echo("\n".join(texts), nl=False)
    for note in notes:
        click.echo(note, err=True)
