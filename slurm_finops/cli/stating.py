"""A statement in the style that is asked for, and its mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slurm_finops.delivery.message import Attachment, Content
    from slurm_finops.reports.statement import Statement

STYLES = ("text", "html", "json", "csv")
#: A larger attachment is refused by many a mail server.
_MOST_ATTACHED = 5_000_000


def say(view: Statement, style: str, as_of: str = "") -> str:
    """The statement in one of `STYLES`; ``as_of``: when it was made, in words."""
    if style == "json":
        import json

        from slurm_finops.reports.statement_tables import statement_json

        return json.dumps(statement_json(view), indent=2, ensure_ascii=False) + "\n"
    if style == "csv":
        from slurm_finops.reports.statement_tables import statement_csv

        return statement_csv(view)
    if style == "html":
        from slurm_finops.reports.statement_html import statement_html

        return statement_html(view, as_of)
    from slurm_finops.reports.statement_text import statement_text

    return statement_text(view, as_of)


def statement_mail(view: Statement, as_of: str) -> Content:
    """The same as a mail: of each section the first rows, and its lines as a file beside it."""
    from dataclasses import replace

    from slurm_finops.delivery.message import Content
    from slurm_finops.reports.statement_html import MAIL_ROWS, statement_mail_html
    from slurm_finops.reports.statement_text import statement_text
    from slurm_finops.reports.statement_words import subject

    attached, note = _lines(view)
    view = replace(view, issue=replace(view.issue, notes=(note, *view.issue.notes)))
    text = statement_text(view, as_of, MAIL_ROWS)
    return Content(subject(view), text, statement_mail_html(view, as_of), (), attached)


def _lines(view: Statement) -> tuple[tuple[Attachment, ...], str]:
    """All lines as CSV, and what is said of them; where they are too many, that alone."""
    from slurm_finops.cli.files import plain_name
    from slurm_finops.delivery.message import Attachment
    from slurm_finops.reports.format import counted

    lines = counted(len(view.lines), "line", view.header)
    data = say(view, "csv").encode()
    if len(data) > _MOST_ATTACHED:
        return (), (
            f"The {lines} of this statement are more than a mail may be and are not attached: "
            "slurm-finops statement --format csv"
        )
    named = view.issue.number or f"draft-{view.issue.owner or 'untagged'}-{view.header.label}"
    name = f"{plain_name('statement', named)}.csv"
    return (Attachment(name, "csv", data),), f"All of its {lines}, by day: {name}, attached."
