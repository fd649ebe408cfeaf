"""A page as Block Kit, for a Slack channel.

Names are typed by anybody.  All text is plain but for the table, which Slack shows in a
fixed-width font only as mrkdwn: escaped, `verbatim`, and without the marks that end a
code block.  Limits are those of docs.slack.dev/reference/block-kit.
"""

import re
from typing import Any

from slurm_finops.reports import parts
from slurm_finops.reports.format import cost, gpu_hours, row_name, shortened, visible, whole_number
from slurm_finops.reports.render_allotments import allotment_warnings
from slurm_finops.reports.render_text import subject
from slurm_finops.reports.sentences import answers
from slurm_finops.reports.tables import aligned
from slurm_finops.reports.view import Header, Page, Row, Spend, summed

HEADER, SECTION = 150, 3000
_ROWS, _WARNINGS = 10, 8
#: A phone shows so much of a line; what has no width of its own is cut by length.
_NAME, _NAME_LENGTH, _LINE = 24, 60, 300
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
#: Words that call everybody, where a client takes them as typed.
_CALLS = re.compile(r"@(?=(?:here|channel|everyone|group)\b)", re.I)


def payload(page: Page, as_of: str = "") -> dict[str, Any]:
    """What is posted; ``text`` is what a notification shows.

    ``as_of`` says when the figures were read, in words.
    """
    header, title = page.report.header, subject(page)
    warnings = "\n".join(f"• {said}" for said in _warnings(page))
    blocks = [
        {"type": "header", "text": plain(title, HEADER)},
        {"type": "section", "text": plain("\n".join(_facts(page)), SECTION)},
        {"type": "section", "text": _table(page.report.spend, header)},
        *([{"type": "section", "text": plain(warnings, SECTION)}] if warnings else []),
        {"type": "context", "elements": [plain(_foot(header, as_of), SECTION)]},
    ]
    return {
        "text": escaped(title, SECTION), "blocks": blocks,
        "unfurl_links": False, "unfurl_media": False,
    }  # fmt: skip


def escaped(text: str, most: int) -> str:
    """A text as Slack wants it, in at most so many characters: nothing in it is a command.

    & < > are the only ones that are escaped there (docs.slack.dev, "Escaping text").
    """
    pieces = [_ESCAPES.get(char, char) for char in _CALLS.sub("＠", text)]
    if sum(map(len, pieces)) <= most:
        return "".join(pieces)
    length = 0
    for i, piece in enumerate(pieces):  # never within an escape
        length += len(piece)
        if length >= most:
            return "".join(pieces[:i]) + "…"
    return "".join(pieces)


def plain(text: str, most: int) -> dict[str, Any]:
    """A text object in which nothing is a command, of at most so many characters."""
    lines = [visible(line) for line in text.split("\n")]
    return {"type": "plain_text", "text": escaped("\n".join(lines), most), "emoji": False}


def _facts(page: Page) -> list[str]:
    """What was held, what of it is billed, and the answers of a mail, a line each."""
    header, said = page.report.header, answers(page)
    facts = [
        f"{parts.held(page)}, {header.first_day} to {header.last_day} ({header.timezone})",
        parts.paid(page.report.spend.total, header),
        *(f"{name.rstrip('?')}: {text}" for name, text in said.told()),
        *(f"To do: {text}" for text in said.to_do),
    ]
    return [fact for fact in facts if fact]


def _table(spend: Spend, header: Header) -> dict[str, Any]:
    """The costliest rows, the rest as one, and the total."""
    kept, rest = spend.rows[:_ROWS], spend.rows[_ROWS:]
    named = [(row_name(spend.by, row.key, row.runs), row) for row in kept]
    if rest:
        rows = sum(row.runs for row in rest)
        named.append((f"and {whole_number(len(rest), header)} more", summed(rest, rows)))
    named.append(("total", spend.total))
    lines = [[", ".join(spend.by), "GPU-hours", header.currency]]
    lines += [[_name(name), *_figures(row, header)] for name, row in named]
    text = "\n".join(aligned(lines, 1)).replace("`", "'")
    fence = "```"
    inside = escaped(text, SECTION - 2 * len(fence) - 2)
    return {"type": "mrkdwn", "text": f"{fence}\n{inside}\n{fence}", "verbatim": True}


def _name(name: str) -> str:
    return shortened(visible(name)[:_NAME_LENGTH], _NAME)


def _figures(row: Row, header: Header) -> list[str]:
    return [gpu_hours(row.gpu_seconds, header), cost(row.effective_minor, row, header)]


def _warnings(page: Page) -> list[str]:
    """What must be known of the figures."""
    said = [*allotment_warnings(page), *parts.told_notes(page, _LINE)]
    return [shortened(visible(one), _LINE) for one in said[:_WARNINGS]]


def _foot(header: Header, as_of: str) -> str:
    return f"slurm-finops, {header.label}{f', as of {as_of}' if as_of else ''}"
