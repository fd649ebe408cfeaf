"""reconcile: the ledger against Slurm's own accounting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from slurm_finops.cli.app import FORMAT, App, echo_json, now, pass_app, progress
from slurm_finops.errors import InputError

if TYPE_CHECKING:
    from slurm_finops.core.reconcile import Span
    from slurm_finops.ledger.store import Ledger
    from slurm_finops.reports.reconciliation import Reconciled


@click.command()
@click.option("--period", metavar="PERIOD", help="2026-06, 2026-06-01, 2026-W23 or A..B "
              "(half-open); up to now.  [default: this billing month]")
@click.option("--since", metavar="DATE", help="Compare from here, instead of --period.")
@click.option("--until", metavar="DATE", help="Compare up to here, with --since.  [default: now]")
@click.option("--file", "path", metavar="FILE", help="Compare with a saved sacct file (.gz too) "
              "instead; - is stdin.  sreport is not asked then.")
@click.option("--delimiter", help="Of the saved file.  [default: as in its header]")
@click.option("--timezone", metavar="ZONE", help="Of times without an offset in the saved file.  "
              "[default: the configured one]")
@click.option("--limit", type=click.IntRange(1, 1_000_000), default=50, show_default=True,
              help="How many runs the table lists.")
@FORMAT
@pass_app
def reconcile(
    app: App, period: str | None, since: str | None, until: str | None, path: str | None,
    delimiter: str | None, timezone: str | None, limit: int, style: str,
) -> None:  # fmt: skip
    """Compare the ledger with sacct, run by run, and with sreport's totals.

    sacct is asked anew.  What differs is listed with its cause and the next step;
    TRES-seconds are summed by billing day on both sides.  Then the accounts' totals
    are held against slurmdbd's own hourly roll-up.  Changes nothing.

    Exits 1 if anything is unexplained, and 3 where Slurm does not answer: then
    nothing is concluded.

    \b
    Examples:
      slurm-finops reconcile
      slurm-finops reconcile --period 2026-06
      slurm-finops reconcile --since 2026-06-01 --until 2026-06-15 --format json
      slurm-finops reconcile --period 2026-06 --file june.txt.gz
    """
    span = _span(app, period, since, until)
    if path is None:
        for name, given in (("--timezone", timezone), ("--delimiter", delimiter)):
            if given is not None:
                raise click.UsageError(f"{name} is for --file: sacct itself needs none")
    with app.reading() as ledger:
        found = (_live(app, ledger, span) if path is None else
                 _file(app, ledger, span, path, delimiter, timezone))  # fmt: skip
    _tell(found, style, limit)
    if any(found.unexplained):
        raise click.exceptions.Exit(1)


def _span(app: App, period: str | None, since: str | None, until: str | None) -> Span:
    """What is compared; it ends now or in the past."""
    if period is not None and (since or until):
        raise click.UsageError("--period stands alone: leave out --since and --until")
    if until and not since:
        raise click.UsageError("--until needs --since")
    if since is None:
        asked = app.period(period)
        start, end = asked.start, min(asked.end, now())
    else:
        start = app.period(since, "--since").start
        end = app.period(until, "--until").start if until else now()
    if end > now():
        raise click.BadParameter(
            f"{until} is not over yet; leave it out to compare up to now", param_hint="'--until'"
        )
    if start >= end:
        iso = app.config.calendar.isoformat
        raise InputError(f"nothing to compare: {iso(start)} is not before {iso(end)}")
    return start, end


def _live(app: App, ledger: Ledger, span: Span) -> Reconciled:
    from slurm_finops.cli.collecting import slices
    from slurm_finops.cli.reconciling import against_slurm

    with progress("comparing", len(slices(*span))) as advance:
        return against_slurm(app, ledger, span, advance)


def _file(
    app: App, ledger: Ledger, span: Span, path: str, delimiter: str | None, timezone: str | None
) -> Reconciled:
    from slurm_finops.cli.collect import saved_batches
    from slurm_finops.cli.reconciling import against_file

    return against_file(app, ledger, span, path, saved_batches(app, path, delimiter, timezone))


def _tell(found: Reconciled, style: str, limit: int) -> None:
    from slurm_finops.reports.reconciliation import reconciled_json, reconciled_text

    if style == "json":
        echo_json(reconciled_json(found))
    else:
        click.echo(reconciled_text(found, limit), nl=False)
