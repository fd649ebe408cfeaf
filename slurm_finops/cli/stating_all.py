"""The statements of a month: whose, what is said of each beside its lines, and how written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import click

from slurm_finops.cli.app import App, now
from slurm_finops.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slurm_finops.billing.stated import Month
    from slurm_finops.core.period import Period
    from slurm_finops.core.posted import Posted
    from slurm_finops.ledger.store import Ledger
    from slurm_finops.reports.statement import Issue, Statement
    from slurm_finops.reports.view import Header

#: Entity and owner of a statement.
Document = tuple[str, str | None]


class Asked(NamedTuple):
    """A month or a statement's number; what each is of (None: as configured), and whose alone."""

    what: str
    per: str | None = None
    owner: str | None = None


def statements(app: App, ledger: Ledger, asked: Asked) -> list[Statement]:
    """The statements asked for.  Raises `InputError` where there are none, with the next step."""
    from slurm_finops.billing.stated import month
    from slurm_finops.billing.verifying import altered
    from slurm_finops.cli.books import books_of
    from slurm_finops.reports.site import header_of
    from slurm_finops.reports.statement import statement

    period, number = _meant(app, ledger, asked)
    found = month(ledger, books_of(app), app.config.calendar, period)
    if found.closed and (fault := altered(ledger.db, period.label)):
        click.echo(f"warning: {fault}.  What follows is not what was stated", err=True)
    kind = asked.per or (found.statements[0].kind if found.statements
                         else app.config.statements.per)  # fmt: skip
    header = header_of(app.site, period)
    issues = _Issues(app, ledger, found, kind, header)
    views = [
        statement(lines, issues.of(document, lines), header)
        for document, lines in _grouped(found, kind)
    ]
    kept = [view for view in views if _wanted(view, asked, number)]
    if not kept:
        _nothing(period, views, asked, bool(found.kept.get("held")))
    return kept


def _meant(app: App, ledger: Ledger, asked: Asked) -> tuple[Period, str]:
    """The month, and the number if one was typed."""
    from slurm_finops.ledger.posted import closed, statement

    try:
        period = app.config.calendar.period(asked.what)
    except ValueError:
        known = statement(ledger.db, asked.what)
        if known is None:
            raise InputError(
                f"{asked.what!r} is neither a month such as 2026-06 nor a statement's number: "
                "slurm-finops period status lists the months, and slurm-finops statement 2026-06 "
                "the numbers of one"
            ) from None
        if asked.per not in (None, known.kind):
            raise click.UsageError(f"statement {known.number} is of a {known.kind}") from None
        label = next(one.label for one in closed(ledger.db) if one.id == known.period_id)
        return app.config.calendar.period(label), known.number
    if period.every != "month":
        raise InputError(f"{asked.what} is no billing month; expected such as 2026-06")
    return period, ""


def _grouped(found: Month, kind: str) -> Iterator[tuple[Document, list[Posted]]]:
    """Lines by whose they are, in the order of names; one owner's in that of the month."""
    from slurm_finops.core.posted import owner_of

    groups: dict[Document, list[Posted]] = {}
    for line in found.lines():
        document = line.payer.entity, owner_of(kind, line.tags, line.payer)
        groups.setdefault(document, []).append(line)
    order = sorted(groups, key=lambda one: (one[0], one[1] is None, one[1] or ""))
    for document in order:
        yield document, groups[document]


class _Issues:
    """What is said of each statement of a month beside its lines."""

    def __init__(
        self, app: App, ledger: Ledger, found: Month, kind: str, header: Header
    ) -> None:  # fmt: skip
        from slurm_finops.ledger.stated import months_before, stated_before

        self._month = found
        self._header = header
        self._kind = kind
        self._digits = app.config.digits
        first = app.config.calendar.fiscal_year(found.period.first, app.config.fiscal_year).first
        self._opening = stated_before(ledger.db, kind, first, found.period.first)
        labels = months_before(ledger.db, first, found.period.first)
        self._label = ""
        if labels:
            self._label = labels[0] if len(labels) == 1 else f"{labels[0]} to {labels[-1]}"
        self._numbered = {
            (one.entity, one.owner): one for one in found.statements if one.kind == kind
        }

    def of(self, document: Document, lines: list[Posted]) -> Issue:
        from slurm_finops.reports.statement import CLOSED, DRAFT, Issue

        closed, known = self._month.closed, self._numbered.get(document)
        notes = []
        if closed and not known:
            numbers = ", ".join(sorted({line.statement for line in lines}))
            notes.append(f"An extract, without a number of its own: its lines are on {numbers}.")
        notes += self._moved(document)
        return Issue(
            number=known.number if known else "", entity=document[0], kind=self._kind,
            owner=document[1], state=CLOSED if closed else DRAFT,
            closed_at=closed.closed_at if closed else None,
            closed_by=closed.closed_by if closed else "",
            sha256=known.sha256 if known else "", head=self._month.head,
            opening_minor=self._opening.get(document, 0), opening_label=self._label,
            waived=self._month.waived, held=tuple(self._held(document)), notes=tuple(notes),
        )  # fmt: skip

    def _is_of(self, document: Document, team: str | None, project: str | None) -> bool:
        from slurm_finops.core.posted import Payer, owner_of
        from slurm_finops.core.tags import Tags

        if self._kind not in ("team", "project"):
            return False
        return owner_of(self._kind, Tags(team, project), Payer("", "", "")) == document[1]

    def _held(self, document: Document) -> Iterator[tuple[str, int]]:
        """What is held back from this owner."""
        from slurm_finops.core.money import to_minor

        for team, project, reason, ticks in self._month.kept.get("held", ()):
            if self._is_of(document, team, project):
                yield reason, to_minor(ticks, self._digits)

    def _moved(self, document: Document) -> Iterator[str]:
        """What went from one fund to another, and why."""
        from slurm_finops.core.money import to_minor

        kept = self._month.kept
        for team, project, number, fund, minor in kept.get("refused", ()):
            if self._is_of(document, team, project):
                yield (f"Finance did not take {self._money(minor)} of {number} from {fund}: it is "
                       "on suspense until it is moved.")  # fmt: skip
        for team, project, month, source, target, why, approver, ticks in kept.get("moved", ()):
            if self._is_of(document, team, project):
                yield (f"{self._money(to_minor(ticks, self._digits))} of {month} went from "
                       f"{source} to {target}: {why} (approved by {approver}).")  # fmt: skip

    def _money(self, minor: int) -> str:
        from slurm_finops.reports.format import money

        return money(minor, self._header)


def _wanted(view: Statement, asked: Asked, number: str) -> bool:
    from slurm_finops.reports.site import UNTAGGED_NAME

    if number:
        return view.issue.number == number
    if asked.owner is None:
        return True
    owner = UNTAGGED_NAME if view.issue.owner is None else view.issue.owner
    return owner == asked.owner


def _nothing(period: Period, views: list[Statement], asked: Asked, held: bool) -> None:
    from slurm_finops.core.near import nearest
    from slurm_finops.reports.site import UNTAGGED_NAME

    if not views:
        raise InputError(f"{period.label} has nothing to state: slurm-finops report --period "
                         f"{period.label} shows what is priced")  # fmt: skip
    known = [UNTAGGED_NAME if v.issue.owner is None else v.issue.owner for v in views]
    near = nearest(asked.owner or "", known)
    hint = f"did you mean {near!r}?" if near else f"there are: {', '.join(known)}"
    if held:
        hint += ".  Some of the month is held back: slurm-finops period disputes"
    raise InputError(f"{period.label} has no statement of {asked.owner!r}; {hint}")


def together(app: App, found: list[Statement], style: str) -> str:
    """Several statements in one text: one after the other, or with one header of columns."""
    from slurm_finops.cli.stating import say

    as_of = app.said(now())
    texts = [say(view, "text" if style == "table" else style, as_of) for view in found]
    if style == "csv":
        return texts[0] + "".join(text.partition("\n")[2] for text in texts[1:])
    if style == "html" and len(texts) > 1:
        raise click.UsageError(
            f"{len(texts)} statements are {len(texts)} pages: name a folder, as in --out june/, or "
            "say whose with --team"
        )
    return "\n\n".join(texts)


def as_json(app: App, found: list[Statement]) -> dict[str, Any]:
    """A month's statements, with their sum."""
    from slurm_finops.core.money import minor_text
    from slurm_finops.reports.statement_tables import statement_json

    first = found[0]
    total = sum(view.total_minor for view in found)
    return {
        "period": first.header.label, "currency": first.header.currency,
        "state": first.issue.state, "kind": first.issue.kind, "head": first.issue.head or None,
        "total": minor_text(total, app.config.digits),
        "statements": [statement_json(view) for view in found],
    }  # fmt: skip


def file_name(view: Statement) -> str:
    """What a statement's file is called, without its ending."""
    from slurm_finops.cli.files import plain_name

    issue = view.issue
    return plain_name("statement", issue.number or f"{view.header.label}-{issue.owner or 'none'}")
