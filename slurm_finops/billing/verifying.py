"""Verifying what was closed: every line, statement and period, and the chain that binds them."""

import sqlite3
from collections.abc import Callable
from functools import partial
from itertools import islice
from typing import NamedTuple

from slurm_finops.billing.closing import head_of
from slurm_finops.core import chain
from slurm_finops.ledger import posted as table
from slurm_finops.ledger.posted import Closed, Statement

#: Lines that are hashed together.
_SLICE = 1_000


class Verified(NamedTuple):
    """``fault``: the first thing that is not as it was closed, "" if all is; the chain's head."""

    fault: str
    periods: int
    lines: int
    head: str


def verify(
    db: sqlite3.Connection, kept: str = "", progress: Callable[[int], None] = lambda lines: None
) -> Verified:
    """Recompute all hashes; ``kept``: a head (or its beginning) that somebody has kept."""
    previous, lines, heads = chain.GENESIS, 0, []
    found, look = table.closed(db), partial(_statement, db, _words(db))
    for place, period in enumerate(found, 1):
        fault = _period(db, place, period, previous, look, progress)
        if fault:
            return Verified(fault, place - 1, lines, previous)
        previous = period.sha256
        heads.append(previous)
        lines += period.lines
    strays = _strays(db, lines) or _audited(db, found)
    if strays:
        return Verified(strays, len(found), lines, previous)
    if kept and not any(head.startswith(kept.lower()) for head in heads):
        fault = f"no period's head begins with {kept}: the chain is not the one it is of"
        return Verified(fault, len(found), lines, previous)
    return Verified("", len(found), lines, previous)


def _words(db: sqlite3.Connection) -> chain.Lines:
    named = table.Named(db)
    return chain.Lines(named.number, named.cluster, named.tags, named.item, named.payer)


def altered(db: sqlite3.Connection, label: str, each_line: bool = True) -> str:
    """What is not as it was closed of one month; "" if all is, or it is not closed.

    Without ``each_line`` what statements sum to is looked at, in a tenth of the time.
    """
    look = partial(_statement if each_line else _sums, db, _words(db))
    previous = chain.GENESIS
    for place, period in enumerate(table.closed(db), 1):
        if period.label == label:
            return _period(db, place, period, previous, look, lambda lines: None)
        previous = period.sha256
    return ""


def _sums(db: sqlite3.Connection, words: chain.Lines, of: Statement) -> str:
    found = db.execute(
        "SELECT count(*), sum(amount_minor) FROM statement_lines "
        "WHERE id >= ? AND id < ? + ? AND statement_id = ?",
        (of.first_line, of.first_line, of.lines, of.id),
    ).fetchone()
    return "" if found == (of.lines, of.amount_minor) else _statement(db, words, of)


def _period(
    db: sqlite3.Connection, place: int, period: Closed, previous: str,
    look: Callable[[Statement], str], progress: Callable[[int], None],
) -> str:  # fmt: skip
    if period.id != place or period.previous != previous:
        return f"period {period.label}: it does not follow the period before it"
    statements = table.statements_of(db, period.id)
    for one in statements:
        fault = look(one)
        if fault:
            return f"period {period.label}: {fault}"
        progress(one.lines)
    for what, whole, parts in (
        ("amount", period.amount_minor, sum(one.amount_minor for one in statements)),
        ("number of lines", period.lines, sum(one.lines for one in statements)),
    ):
        if whole != parts:
            return f"period {period.label}: its {what} is {whole}, its statements' {parts}"
    if head_of(period, statements) != period.sha256:
        return f"period {period.label}: what is kept of it is not what was closed"
    return ""


def _statement(db: sqlite3.Connection, words: chain.Lines, of: Statement) -> str:
    """What is wrong with a statement, with the first line that is not as it was."""
    if not isinstance(of.first_line, int) or not isinstance(of.lines, int):
        return f"statement {of.number}: where its lines are was altered"
    digest, rows = chain.Sealed(), table.sealed_rows(db, of)
    total = count = 0
    first = ""
    while some := list(islice(rows, _SLICE)):
        texts = [words.text(row[1:]) for row in some]
        digest.add(texts)
        for row, text in zip(some, texts, strict=True):
            total += row[-1]
            count += 1
            if not first and (chain.seal(text) != row[0] or row[1] != count):
                first = (f"statement {of.number} ({of.owner or 'no owner'}): line {count} was "
                         "altered")  # fmt: skip
    if digest.hex == of.sha256 and total == of.amount_minor and count == of.lines and not first:
        return ""
    if first:
        return first
    if count != of.lines:
        return f"statement {of.number}: it has {count} lines, and was closed with {of.lines}"
    if total != of.amount_minor:
        return f"statement {of.number}: its lines sum to {total}, and it says {of.amount_minor}"
    return f"statement {of.number}: its lines are not those that were closed"


def _audited(db: sqlite3.Connection, found: list[Closed]) -> str:
    """What the audit says was closed, and is not there as it was then."""
    heads = {one.label: one.sha256 for one in found}
    for (detail,) in db.execute("SELECT detail FROM audit WHERE action = 'period close'"):
        label, _, rest = str(detail).partition(":")
        if label not in heads:
            return f"period {label}: it was closed, as the audit says, and is not there"
        if heads[label] not in rest:
            return f"period {label}: the audit has another head of it"
    return ""


def _strays(db: sqlite3.Connection, lines: int) -> str:
    """Statements of no period, and lines of no statement; ``lines``: how many are on one."""
    row = db.execute(
        "SELECT number FROM statements WHERE period_id NOT IN (SELECT id FROM periods) LIMIT 1"
    ).fetchone()
    if row:
        return f"statement {row[0]}: it is of no period"
    if db.execute("SELECT count(*) FROM statement_lines").fetchone()[0] == lines:
        return ""
    row = db.execute(
        "SELECT id FROM statement_lines WHERE NOT EXISTS (SELECT 1 FROM statements "
        "WHERE statements.id = statement_id AND statement_lines.id >= first_line "
        "AND statement_lines.id < first_line + statements.lines) LIMIT 1"
    ).fetchone()
    return f"line {row[0] if row else '?'}: it is on no statement"
