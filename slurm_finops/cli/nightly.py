"""nightly: collect, price, report, send: what cron runs."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from slurm_finops.cli.app import App, now, pass_app
from slurm_finops.core.words import count
from slurm_finops.errors import FinopsError, OutsideError

if TYPE_CHECKING:
    from slurm_finops.delivery.outbox import Outcome
    from slurm_finops.ledger.store import Ledger


@click.command()
@click.option("--no-send", is_flag=True, help="Send no mail, post or alert.")
@pass_app
def nightly(app: App, no_send: bool) -> None:
    """Collect, price, write the reports, send what is due and tell alerts, a line a step.

    Two never run at once.  A step that fails does not lose what was done: the
    next night goes on from there.  After a step that failed nothing is sent.

    \b
    The cron line:
      15 3 * * *  slurm-finops -c /etc/slurm-finops/finops.toml nightly
    """
    from slurm_finops.core.pools import SLURM

    with app.writing("nightly", wait=0) as ledger:
        night = _Night()
        night.step("collect", lambda: _collect(app, ledger))
        what = app.config.allocation
        if what.reservations or any(pool.units == SLURM for pool in what.pools):
            night.step("nodes", lambda: _nodes(app, ledger))
        if what.reservations:
            night.step("reserved", lambda: _reservations(app, ledger))
        night.step("price", lambda: _price(app, ledger))
        night.step("report", lambda: _report(app, ledger))
        if app.config.site_folder:
            night.step("site", lambda: _site(app, ledger))
        _budgets(app, ledger, night)
        if no_send:
            night.skip("send", "--no-send")
        elif app.config.mail is None and not app.config.posts:
            night.skip("send", "no [mail] and no webhook in the configuration")
        elif night.failed:
            night.skip("send", "mails wait until every step before has succeeded")
        else:
            night.step("send", lambda: _send(app, ledger))
            night.step("alerts", lambda: _alerts(app, ledger))
    if night.failed:
        raise click.exceptions.Exit(night.failed)


class _Night:
    """The steps of one night: a line each, and the exit code of the first that failed."""

    def __init__(self) -> None:
        self.failed = 0

    def step(self, name: str, do: Callable[[], str]) -> None:
        began = time.monotonic()
        try:
            said = do()
        except (FinopsError, click.ClickException) as error:
            self._fail(name, str(error), error.exit_code)
            return
        except Exception as error:  # a defect of ours must not cost the other steps
            traceback.print_exc()
            self._fail(name, f"{type(error).__name__}: {error}", OutsideError.exit_code)
            return
        _say(f"{name:8} {said} ({time.monotonic() - began:.1f} s)")

    def _fail(self, name: str, why: str, code: int) -> None:
        self.failed = self.failed or code
        _say(f"{name:8} FAILED: {why}", err=True)

    def skip(self, name: str, why: str) -> None:
        _say(f"{name:8} skipped: {why}")


def _budgets(app: App, ledger: Ledger, night: _Night) -> None:
    """What teams have left, for the gate."""
    from slurm_finops.cli.budgets import write_file

    path = app.config.hook.budget_file
    if path and night.failed:
        night.skip("budgets", "the file stays as it is until every step before has succeeded")
    elif path:
        night.step("budgets", lambda: write_file(app, ledger, path))


def _say(line: str, err: bool = False) -> None:
    """A log that cannot be written must not cost the night."""
    with suppress(OSError):
        click.echo(line, err=err)


def _collect(app: App, ledger: Ledger) -> str:
    from slurm_finops.cli.collect import live, told

    return "; ".join(told(live(app, ledger, None, None)))


def _nodes(app: App, ledger: Ledger) -> str:
    """Without a Slurm to ask on this machine, what there is goes on as it was last seen."""
    from slurm_finops.cli.node_collecting import collect_nodes, read_live
    from slurm_finops.sources.slurm import NoSlurm

    try:
        answer = read_live(app.config.cluster)
    except NoSlurm as error:
        return f"skipped: {error}"
    return "; ".join(collect_nodes(app, ledger, answer).lines())


def _reservations(app: App, ledger: Ledger) -> str:
    """The same of reservations: what is known of them ends where they were last seen."""
    from slurm_finops.cli.reservation_collecting import collect_reservations, read_live
    from slurm_finops.sources.slurm import NoSlurm

    try:
        at, shown = read_live(app.config.cluster)
    except NoSlurm as error:
        return f"skipped: {error}"
    return "; ".join(collect_reservations(app, ledger, at, shown).lines())


def _price(app: App, ledger: Ledger) -> str:
    from slurm_finops.cli.price import run, told, warnings

    answer = run(app, ledger)
    for line in warnings(answer):
        _say(line, err=True)
    return told(answer)


def _report(app: App, ledger: Ledger) -> str:
    """This month's page, and last month's, which late jobs still change."""
    from slurm_finops.cli.files import make_folder, save
    from slurm_finops.cli.report import write
    from slurm_finops.reports.build import anything_spent
    from slurm_finops.reports.site import EVERYBODY

    folder = app.config.database.parent / "reports"
    make_folder(folder)
    calendar = app.config.calendar
    last = calendar.last_complete("month", now())
    months = [calendar.following(last)]
    if anything_spent(ledger, EVERYBODY, last):
        months.append(last)
    for month in months:
        page, _ = write(app, ledger, month, (), "html")
        save(folder / f"{month.label}.html", page.encode())
    return f"{' and '.join(month.label for month in months)} in {folder}"


def _site(app: App, ledger: Ledger) -> str:
    """All pages, in the folder that is configured."""
    from slurm_finops.cli.site_pages import write_site
    from slurm_finops.reports.archive import MONTHS

    assert app.config.site_folder is not None
    return write_site(app, ledger, app.config.site_folder, MONTHS).told()


def _send(app: App, ledger: Ledger) -> str:
    from slurm_finops.cli.send import WELL, run, told
    from slurm_finops.cli.subscriptions import waiting

    outcomes = run(app, ledger)
    waits = waiting(app, ledger)
    lines = told(app, outcomes, waits)
    if any(outcome.status not in WELL for outcome in outcomes):
        raise OutsideError("; ".join(lines))
    if not outcomes:
        return lines[0]
    return "; ".join(filter(None, (_sent(outcomes, "report"), waits)))


def _sent(outcomes: list[Outcome], what: str) -> str:
    waiting = sum(outcome.status == "waiting" for outcome in outcomes)
    later = f", {waiting:,} refused for now and not due yet" if waiting else ""
    return f"{count(len(outcomes) - waiting, what)} sent{later}"


def _alerts(app: App, ledger: Ledger) -> str:
    from slurm_finops.cli.alerts import run
    from slurm_finops.cli.send import WELL, told

    outcomes = run(app, ledger)
    if any(outcome.status not in WELL for outcome in outcomes):
        raise OutsideError("; ".join(told(app, outcomes)))
    return _sent(outcomes, "alert") if outcomes else "nothing new is to be told"
