"""The runs of a report as CSV: what a mail may carry beside what it says."""

import csv
import io
from collections.abc import Callable, Iterator

from slurm_finops.core.money import minor_text
from slurm_finops.core.period import Period
from slurm_finops.core.tags import KEYS
from slurm_finops.ledger.runs_listed import RunCost, runs_listed
from slurm_finops.ledger.shares import spend
from slurm_finops.ledger.spend import Scope
from slurm_finops.ledger.store import Ledger
from slurm_finops.reports.build import table
from slurm_finops.reports.format import shortened
from slurm_finops.reports.people import pseudonyms
from slurm_finops.reports.site import Owner, Site
from slurm_finops.reports.tables import harmless
from slurm_finops.reports.view import Row

#: No line of the file is shorter: a run's number, times, state and costs.
_LEAST_LINE = 80
#: A longer name is cut in the middle.
_WIDEST = 200
_HEAD = ("job_name", "partition", "qos", "state", "start", "end", *KEYS, "gpu_seconds",
         "list_cost", "effective_cost", "billed_cost", "currency")  # fmt: skip


def runs_csv(
    ledger: Ledger, site: Site, period: Period, owner: Owner, runs: int, most: int
) -> bytes | None:
    """The costliest run first, in UTF-8 as spreadsheets want it; None: more than ``most`` bytes.

    ``runs`` is how many there are, so that a file which cannot be small is not begun.
    Costs sum to those of the report, but for what is of no run, as the shares of pools.
    Users stand as the site shows people.
    """
    if runs * _LEAST_LINE > most:
        return None
    scope = owner.scope(period)
    found: dict[tuple[str | None, ...], RunCost] = {}
    for run in runs_listed(ledger.db, scope):
        found[run.sums.key] = run
    # rounded once, as every table of costs is
    rows = table([run.sums for run in found.values()], ("run",), site.digits).rows
    people = _people(ledger, site, scope)
    # the mark in front tells a spreadsheet that this is UTF-8
    out = io.BytesIO("\ufeff".encode())
    out.seek(0, io.SEEK_END)
    for line in _lines(site, rows, found, people):
        out.write(line)
        if out.tell() > most:
            return None
    return out.getvalue()


def _lines(
    site: Site, rows: tuple[Row, ...], found: dict[tuple[str | None, ...], RunCost],
    people: Callable[[str], str] | None,
) -> Iterator[bytes]:  # fmt: skip
    text = io.StringIO()
    writer = csv.writer(text)  # lines end in CRLF (RFC 4180)
    users = [] if people is None else ["user"]
    writer.writerow(["cluster", "job_id", *users, *_HEAD])
    for row in rows:
        run = found[row.key]
        who = [] if people is None else [people(run.user)]
        names = [run.cluster, run.job_id, *who, run.job_name, run.partition, run.qos, run.state]
        writer.writerow([
            *map(_cell, names), *(_time(site, at) for at in (run.start, run.end)),
            *map(_cell, run.tags), row.gpu_seconds, *_costs(site, row), site.currency,
        ])  # fmt: skip
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()
    if not rows:
        yield text.getvalue().encode()


def _cell(text: str | None) -> str:
    if not text:
        return ""
    # of ASCII no letter is wider than one column, and nobody need look at each
    short = text.isascii() and len(text) <= _WIDEST
    return harmless(text if short else shortened(text, _WIDEST))


def _time(site: Site, at: int | None) -> str:
    return "" if at is None else site.calendar.isoformat(at)


def _costs(site: Site, row: Row) -> list[str]:
    """Decimal texts; empty where nothing of it has a price, for that is not zero."""
    if row.unpriced:
        return [""] * 3
    amounts = row.list_minor, row.effective_minor, row.billed_minor
    return [minor_text(minor, site.digits) for minor in amounts]


def _people(ledger: Ledger, site: Site, scope: Scope) -> Callable[[str], str] | None:
    """What a user is called here; None where nothing stands for people.

    A pseudonym is that of the page's own table by user.
    """
    if site.people == "none":
        return None
    if site.people == "names":
        return str
    rows = table(spend(ledger.db, scope, ("user",)), ("user",), site.digits).rows
    called = pseudonyms(rows)
    return lambda user: called.get(user or None, "a person")
