"""A statement as a page that is to be printed, and as a mail's HTML."""

import re
from typing import Any

from slurm_finops.reports import parts
from slurm_finops.reports import statement_words as words
from slurm_finops.reports.format import figure, period_name, shortened
from slurm_finops.reports.render import environment
from slurm_finops.reports.statement import Statement

#: What of a name a mail shows: with these it stays below 100 KB, where clients clip it.
MAIL_ROWS, _MAIL_NAMES = 8, 80
#: What may stand in a style sheet's text; another name is not in the margin of a print.
_PLAIN = re.compile(r"[\w ./·,–()-]{1,120}").fullmatch


def statement_html(view: Statement, as_of: str = "") -> str:
    """One file that needs nothing else; printed it is the statement on paper."""
    return environment().get_template("statement.html.j2").render(
        **_said(view, as_of), tables=list(words.tables(view)),
        listed=[(name, said) for name, said in _listed(view) if said],
        held=words.held(view), books=words.books(view),
        running=_running(view),
    )  # fmt: skip


def _said(view: Statement, as_of: str) -> dict[str, Any]:
    """What page and mail say alike."""
    return {
        "subject": words.subject(view), "title": words.title(view), "owner": words.owner(view),
        "header": view.header, "period": period_name(view.header), "facts": list(words.facts(view)),
        "total": figure(view.total_minor, view.header), "as_of": as_of,
        "draft": words.DRAFT if view.issue.is_draft else "",
        "summary": list(words.summary(view)), "carried": list(words.carried(view)),
        "seals": words.seals(view), "check": words.check(view),
    }  # fmt: skip


def _listed(view: Statement) -> list[tuple[str, list[str]]]:
    return [(words.WAIVED, words.waived(view)), ("Notes", words.notes(view))]


def _running(view: Statement) -> str:
    """What stands in the margin of each printed page."""
    named = [words.title(view), words.owner(view), period_name(view.header)]
    said = " · ".join(name for name in named if _PLAIN(name))
    return f"DRAFT · {said}" if view.issue.is_draft else said


def statement_mail_html(view: Statement, as_of: str = "") -> str:
    """The same in as much as a mail shows: of each section the first rows."""
    beside = [one for one in (words.held(view), words.books(view)) if one]
    return environment().get_template("statement_mail.html.j2").render(
        **_said(view, as_of), tables=[_cut(one) for one in (*words.tables(view), *beside)],
        listed=[
            (name, [shortened(text, parts.MAIL_NOTE) for text in said[:MAIL_ROWS]],
             max(0, len(said) - MAIL_ROWS))
            for name, said in _listed(view) if said
        ],
    )  # fmt: skip


def _cut(table: words.Table) -> dict[str, Any]:
    kept = []
    for names, hours, money in table.rows(MAIL_ROWS):
        name, *more = [one for one in names if one] or ["–"]
        kept.append(
            (shortened(name, _MAIL_NAMES), shortened(", ".join(more), _MAIL_NAMES), hours, money)
        )
    return {"table": table, "rows": kept, "rest": table.rest(MAIL_ROWS)}
