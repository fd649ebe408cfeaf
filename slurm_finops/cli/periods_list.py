"""Months and their statements, as tables and JSON."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from slurm_finops.cli.app import App, now
from slurm_finops.core.money import grouped, minor_text, to_minor
from slurm_finops.core.words import count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from slurm_finops.billing.closing import Drawn
    from slurm_finops.billing.staging import Staging
    from slurm_finops.cli.closing import Check
    from slurm_finops.core.period import Period
    from slurm_finops.ledger.drafts import Draft
    from slurm_finops.ledger.posted import Closed, Statement
    from slurm_finops.ledger.store import Ledger

OPEN, DRAFT, CLOSED = "open", "draft", "closed"
#: Of a month before the first that was closed: it was told of, and never booked.
SHOWBACK = "showback"
#: So many digits of a head are shown in a table; JSON and `period verify` have all.
_HEAD = 16
#: So many owners' corrections are told.
_MOST = 10


class Month(NamedTuple):
    """How a month stands; ``minor``: what it states, or would if it closed now at this price.

    ``changed``: days that have changed since it was closed, and are not corrected yet, or of
    which something is held back; ``holds``: how many are in force.
    """

    label: str
    state: str
    minor: int
    by: str
    at: int | None
    statements: int
    lines: int
    changed: int
    head: str
    holds: int = 0


def months(app: App, ledger: Ledger) -> list[Month]:
    """Every month that cost anything or is closed, in order."""
    from slurm_finops.ledger.disputes import holds
    from slurm_finops.ledger.posted import closed, statements_of, unstated
    from slurm_finops.ledger.served import days

    calendar, known = app.config.calendar, days(ledger.db)
    stale = unstated(ledger.db)
    found = {
        one.label: Month(
            one.label, CLOSED, one.amount_minor, one.closed_by, one.closed_at,
            len(statements_of(ledger.db, one.id)), one.lines,
            sum(one.first <= day < one.last for day in stale), one.sha256,
        )
        for one in closed(ledger.db)
    }  # fmt: skip
    if known is not None:
        one = calendar.month_of(known[0])
        while one.first <= min(known[1], calendar.day_of(now())):
            found.setdefault(one.label, _open(app, ledger, one))
            one = calendar.following(one)
    first = min((label for label, one in found.items() if one.state == CLOSED), default="")
    held = Counter(one.period for one in holds(ledger.db))
    return [
        one._replace(holds=held[label], state=SHOWBACK if label < first else one.state)
        for label, one in sorted(found.items())
    ]


def _open(app: App, ledger: Ledger, period: Period) -> Month:
    from slurm_finops.ledger.drafts import last_draft
    from slurm_finops.ledger.shares import spend
    from slurm_finops.ledger.spend import Scope

    rows = spend(ledger.db, Scope(period.first, period.last), ())
    minor = to_minor(sum(row.billed_ticks for row in rows), app.config.digits)
    drafted = last_draft(ledger.db, period.label)
    if drafted is None:
        return Month(period.label, OPEN, minor, "", None, 0, 0, 0, "")
    return Month(period.label, DRAFT, minor, drafted.actor, drafted.at, 0, 0, 0, "")


def as_json(app: App, found: Sequence[Month]) -> list[dict[str, Any]]:
    return [
        {
            "period": one.label, "state": one.state,
            "amount": minor_text(one.minor, app.config.digits), "by": one.by or None,
            "at": None if one.at is None else app.config.calendar.isoformat(one.at),
            "statements": one.statements, "lines": one.lines, "changed_days": one.changed,
            "holds": one.holds, "head": one.head or None,
        }
        for one in found
    ]  # fmt: skip


def table(app: App, found: Sequence[Month]) -> Iterator[str]:
    """A line a month."""
    from slurm_finops.reports.format import visible
    from slurm_finops.reports.tables import aligned

    if not found:
        yield "nothing is priced yet: slurm-finops collect sacct, then slurm-finops price"
        return
    rows = [("period", "state", "by", "statements", "head", app.config.currency)]
    for one in found:
        rows.append((
            one.label, one.state, visible(one.by) or "–", str(one.statements or "–"),
            one.head[:_HEAD] or "–", grouped(one.minor, app.config.digits),
        ))  # fmt: skip
    yield from aligned(rows, 5)
    if any(one.state == SHOWBACK for one in found):
        yield "what is before the first month that was closed is on no statement: showback"
    for one in found:
        if one.holds:
            yield (f"{count(one.holds, 'part')} of {one.label} held back: slurm-finops period "
                   "disputes")  # fmt: skip
        elif one.changed:
            yield (f"{count(one.changed, 'day')} of {one.label} changed since it was closed: the "
                   "next month that closes corrects that")  # fmt: skip


def statements(ledger: Ledger, of: Closed) -> list[Statement]:
    from slurm_finops.ledger.posted import statements_of

    return statements_of(ledger.db, of.id)


def called(kind: str, owner: str | None) -> str:
    """Whose a statement is, for people."""
    from slurm_finops.reports.format import visible
    from slurm_finops.reports.site import UNTAGGED_NAME

    if owner is not None:
        return visible(owner)
    return UNTAGGED_NAME if kind == "team" else f"(no {kind.replace('_', ' ')})"


def closed_json(
    app: App, of: Closed, found: Sequence[Statement], notes: Sequence[str]
) -> dict[str, Any]:
    digits, calendar = app.config.digits, app.config.calendar
    return {
        "period": of.label, "currency": app.config.currency, "state": CLOSED,
        "amount": minor_text(of.amount_minor, digits), "lines": of.lines,
        "closed_by": of.closed_by, "closed_at": calendar.isoformat(of.closed_at),
        "drafted_by": of.drafted_by or None, "head": of.sha256, "previous": of.previous,
        "notes": list(notes),
        "statements": [
            {
                "number": one.number, "entity": one.entity or None, "kind": one.kind,
                "owner": one.owner,
                "amount": minor_text(one.amount_minor, digits), "lines": one.lines,
                "sha256": one.sha256,
            }
            for one in found
        ],
    }  # fmt: skip


def closed_text(
    app: App, of: Closed, found: Sequence[Statement], new: bool
) -> Iterator[str]:
    """What was closed: the statements, the total and the head of the chain."""
    from slurm_finops.reports.format import visible
    from slurm_finops.reports.tables import aligned

    digits, currency = app.config.digits, app.config.currency
    if not new:
        when = app.said(of.closed_at)
        yield f"{of.label} is closed since {when}, by {visible(of.closed_by)}: nothing was changed"
    if found:
        rows = [("statement", found[0].kind.replace("_", " "), "entity", currency)]
        rows += [
            (one.number, called(one.kind, one.owner), visible(one.entity) or "–",
             grouped(one.amount_minor, digits))
            for one in found
        ]  # fmt: skip
        yield from aligned(rows, 3)
    total = f"{grouped(of.amount_minor, digits)} {currency}"
    said = "closed" if new else "states"
    yield f"{of.label} {said}: {total} on {count(len(found), 'statement')}"
    yield f"head {of.sha256}"


def not_reviewed(app: App, period: Period, draft: Draft, now_: str) -> Iterator[str]:
    """What is not as somebody else reviewed it, and what to do."""
    from slurm_finops.reports.format import visible

    yield (f"{period.label} is not what {visible(draft.actor)} drew up at {app.said(draft.at)}, "
           "and [statements] second_person asks that it is:")  # fmt: skip
    yield from _differences(app, draft.statements, now_)
    yield f"draw it up again: slurm-finops period draft {period.label}"


def since_draft(app: App, draft: Draft, found: Sequence[Statement]) -> Iterator[str]:
    """What was closed otherwise than it was drawn up."""
    from slurm_finops.core.chain import canonical
    from slurm_finops.reports.format import visible

    closed = canonical([[one.entity, one.owner, one.amount_minor] for one in found])
    if closed != draft.statements:
        yield f"since {visible(draft.actor)} drew it up at {app.said(draft.at)}:"
        yield from _differences(app, draft.statements, closed)


def _differences(app: App, *texts: str) -> Iterator[str]:
    """Statement by statement, of two texts of `Drawn.said`."""
    import json

    digits, kind = app.config.digits, app.config.statements.per
    before, after = (
        {(entity, owner): minor for entity, owner, minor in json.loads(text)} for text in texts
    )
    for who in sorted(before.keys() | after.keys(), key=lambda one: (one[0], one[1] or "")):
        was, is_now = (grouped(of.get(who, 0), digits) for of in (before, after))
        if was != is_now:
            yield f"  {called(kind, who[1])}: {was} -> {is_now}"


def draft_json(
    app: App, period: Period, drawn: Drawn, checks: Sequence[Check], notes: Sequence[str]
) -> dict[str, Any]:
    digits = app.config.digits
    kind = app.config.statements.per
    return {
        "period": period.label, "currency": app.config.currency, "state": DRAFT,
        "amount": minor_text(drawn.total, digits),
        "notes": list(notes),
        "checks": [{"check": c.name, "passes": c.ok, "said": c.said} for c in checks],
        "statements": [
            {
                "entity": entity or None, "kind": kind, "owner": owner,
                "amount": minor_text(minor, digits),
            }
            for (entity, owner), minor in drawn.documents.items()
        ],
    }  # fmt: skip


def draft_text(
    app: App, period: Period, drawn: Drawn, checks: Sequence[Check]
) -> Iterator[str]:
    """What a month would state, and what keeps it from closing."""
    from slurm_finops.reports.format import visible
    from slurm_finops.reports.tables import aligned

    digits, kind = app.config.digits, app.config.statements.per
    rows = [(kind.replace("_", " "), "entity", app.config.currency)]
    rows += [
        (called(kind, owner), visible(entity) or "–", grouped(minor, digits))
        for (entity, owner), minor in drawn.documents.items()
    ]
    rows.append(("total", "", grouped(drawn.total, digits)))
    yield f"DRAFT of {period.label}: nothing is frozen"
    yield from aligned(rows, 2)
    yield ""
    for check in checks:
        yield f"{'ok  ' if check.ok else 'NO  '} {check.name}: {check.said}"
        if check.mend and not check.ok:
            yield f"     {check.mend}"
    yield f"Each page: slurm-finops statement {period.label}"


def told(app: App, staging: Staging) -> list[str]:
    """What a person should know of what was staged: who paid instead, what is held or moved."""
    from slurm_finops.cli.disputing import shown_of

    digits, currency = app.config.digits, app.config.currency

    def said(ticks: int) -> str:
        return f"{grouped(to_minor(ticks, digits), digits)} {currency}"

    found = []
    for (fund, why), ticks in sorted(staging.told.left.items()):
        # what no fund was ever named for is what a site without funds has
        if ticks and (app.config.funding.funds or why not in ("no payer", "untagged")):
            found.append(f"{fund} pays {said(ticks)}: {_WHY[why]}")
    for hold in staging.holds:
        if hold.id in staging.told.held:
            found.append(f"held back: {said(staging.told.held[hold.id])} of {shown_of(hold)} "
                         f"(hold {hold.id})")  # fmt: skip
    found += _corrections(app, staging, said)
    late_ones = staging.late(now())
    for move, ticks in staging.told.moved.items():
        late = ", MORE THAN 90 DAYS AFTER ITS MONTH" if move in late_ones else ""
        found.append(f"moved: {said(ticks)} (move {move}){late}")
    if staging.refused:
        minor = sum(line.amount for line in staging.refused)
        found.append(f"finance did not take {count(len(staging.refused), 'line')}: "
                     f"{grouped(minor, digits)} {currency} to suspense")  # fmt: skip
    return found


def _corrections(
    app: App, staging: Staging, said: Callable[[int], str]
) -> Iterator[str]:
    """What goes from whom to whom of closed months, the most first."""
    sums: dict[tuple[str, str | None], int] = {}
    for number, key in enumerate(staging.lines):
        if key.correction:
            of = key.month, key.owner
            sums[of] = sums.get(of, 0) + staging.sums[number]
    moved = sorted((-abs(ticks), month, owner or "", owner) for (month, owner), ticks
                   in sums.items() if to_minor(ticks, app.config.digits))  # fmt: skip
    kind = app.config.statements.per
    for _, month, _, owner in moved[:_MOST]:
        yield f"correction of {month}: {called(kind, owner)} {said(sums[month, owner])}"
    if len(moved) > _MOST:
        yield f"and corrections of {len(moved) - _MOST:,} more"


_WHY = {
    "no payer": "no fund is named for it",
    "untagged": "it names no team",
    "not begun": "the fund that is named does not pay yet on these days",
    "expired": "the fund that is named does not pay any more on these days",
    "exhausted": "the fund that is named has paid all that it may",
}
