"""Joining finance's answers to the ledger: read, compare, store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from slurm_finops.cli.app import actor, now
from slurm_finops.cli.from_files import opened
from slurm_finops.core.words import count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slurm_finops.cli.app import App
    from slurm_finops.config import Config
    from slurm_finops.core.journal_status import Sent, Status
    from slurm_finops.ledger.store import Ledger

_LISTED = 20


class Found(NamedTuple):
    """A file's answers, each with its line; ``new`` of them are not known yet."""

    source: str
    answers: list[tuple[Status, Sent]]
    new: list[Status]


def look(app: App, file: str) -> Found:
    """What importing the file would store.  Raises `InputError`."""
    with app.reading() as ledger:
        return _read(ledger, file)


def store(app: App, file: str) -> Found:
    """Import: all of it or nothing."""
    from slurm_finops.ledger.journal import hear

    if not app.config.database.exists():
        look(app, file)  # what is refused makes no ledger
    with app.writing("import journal-status") as ledger, ledger.transaction():
        found = _read(ledger, file)
        if found.new:
            hear(ledger, found.new, found.source, now(), actor())
    return found


def _read(ledger: Ledger, file: str) -> Found:
    from slurm_finops.core.journal_status import NEEDED, statuses
    from slurm_finops.core.rows import csv_rows
    from slurm_finops.errors import InputError
    from slurm_finops.ledger.journal import exported, unheard

    known, digests = exported(ledger.db), list[tuple[str, str]]()
    if not known:
        raise InputError("no journal was exported from this ledger yet: nothing can be answered")
    rows = csv_rows(opened([file], digests, "a list of answers"), NEEDED[0], NEEDED)
    said = statuses(rows, known)
    if not said:
        raise InputError(f"{file} has no answer: there is no row under the header")
    ((name, sha256),) = digests
    answers = [(status, known[status.external_id]) for status in said]
    return Found(f"{name} (SHA-256 {sha256})", answers, unheard(ledger.db, said))


def told(config: Config, found: Found, dry_run: bool) -> Iterator[str]:
    """An import in words: how much of it was accepted and rejected, and what is rejected."""
    from slurm_finops.core.journal_status import REJECTED, STATUSES
    from slurm_finops.core.money import grouped
    from slurm_finops.reports.format import visible
    from slurm_finops.reports.tables import aligned

    def money(minor: int) -> str:
        return grouped(minor, config.digits)

    known = len(found.answers) - len(found.new)
    head = f"{visible(found.source.partition(' (')[0])}: {count(len(found.new), 'new answer')}"
    head += f", {known:,} as before" if known else ""
    yield f"{head}; nothing was changed (--dry-run)" if dry_run and found.new else head
    rows = [("status", "lines", f"debit {config.currency}", f"credit {config.currency}")]
    for status in STATUSES:
        lines, debit, credit = _sums(found, status)
        rows.append((status, f"{lines:,}", money(debit), money(credit)))
    yield from aligned(rows, 1)
    no = [(status, line) for status, line in found.answers if status.status == REJECTED]
    if not no:
        return
    yield ""
    yield from aligned([
        ("rejected", "statement", "fund or account", "reason", config.currency),
        *(
            (status.external_id, visible(line.statement), visible(line.fund or line.account),
             visible(status.reason), money(line.amount))
            for status, line in no[:_LISTED]
        ),
    ], 4)  # fmt: skip
    if len(no) > _LISTED:
        yield f"and {len(no) - _LISTED:,} more: --format json has all"


def _sums(found: Found, status: str) -> tuple[int, int, int]:
    """How many lines have a status, and what they debit and credit."""
    amounts = [line.amount for said, line in found.answers if said.status == status]
    debit = sum(amount for amount in amounts if amount > 0)
    return len(amounts), debit, debit - sum(amounts)


def as_json(config: Config, found: Found, dry_run: bool) -> dict[str, Any]:
    """The same for programs, with every rejected line."""
    from slurm_finops.core.journal_status import REJECTED, STATUSES
    from slurm_finops.core.money import minor_text

    def money(minor: int) -> str:
        return minor_text(minor, config.digits)

    sums = {status: _sums(found, status) for status in STATUSES}
    return {
        "currency": config.currency,
        "new": len(found.new),
        "unchanged": len(found.answers) - len(found.new),
        "dry_run": dry_run,
        **{
            status: {"lines": lines, "debit": money(debit), "credit": money(credit)}
            for status, (lines, debit, credit) in sums.items()
        },
        "rejected_lines": [
            {"external_id": line.external_id, "period": line.period, "statement": line.statement,
             "entity": line.entity, "account": line.account, "fund": line.fund or None,
             "team": line.team or None, "project": line.project or None,
             "cost_center": line.cost_center or None, "amount": money(line.amount),
             "reason": status.reason, "reference": status.reference}
            for status, line in found.answers if status.status == REJECTED
        ],
    }  # fmt: skip
