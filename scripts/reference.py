"""The reference pages: docs/commands.md, of every command's own help, the messages in
docs/tagging.md, of the vectors that the gate is held to, and the answers in docs/advise.md.

    reference.py PAGE      prints commands.md, tagging.md or advise.md as it should be
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import click
from advise_page import advise_page

from slurm_finops.cli import main
from slurm_finops.core.faults import MESSAGES
from slurm_finops.core.verdict import verdict
from slurm_finops.hook.vectors import load

HEAD = """\
# Commands

Made from the commands' own help by `scripts/docs`.

Exit codes: 0 done; 1 the answer is no (a policy, a check or a reconciliation fails); 2 wrong usage,
configuration or input; 3 something outside failed (sacct, SMTP, the disk) and nothing was lost.
"""


def pages(command: click.Command, path: str, parent: click.Context | None) -> Iterator[str]:
    """A command's help and that of the commands below it."""
    context = click.Context(
        command, info_name=path.rpartition(" ")[2], parent=parent, terminal_width=96,
        max_content_width=96,
    )  # fmt: skip
    yield f"## {path}\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None:
                yield from pages(below, f"{path} {name}", context)


def commands_page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *pages(main, "slurm-finops", None)])


TAGGING = Path(__file__).resolve().parent.parent / "docs" / "tagging.md"
MARKS = "<!-- messages -->\n", "<!-- end -->\n"


def messages() -> Iterator[str]:
    """A row for each fault: the first vector that has it, and what is said."""
    vectors = load()
    yield "| message | comment |"
    yield "|---|---|"
    left = dict.fromkeys(MESSAGES)
    for vector in vectors.cases:
        comment = vector.comment.decode("utf-8", "backslashreplace")
        answer = verdict(vectors.policy, vector.comment.decode("utf-8", "surrogateescape"),
                         vector.who)  # fmt: skip
        for fault in answer.faults:
            if fault.code in left:
                del left[fault.code]
                yield f"| {_cell(fault.message)} | {_cell(comment, 70) if comment else 'none'} |"


def _cell(text: str, most: int = 200) -> str:
    text = text if len(text) <= most else text[: most - 1] + "…"
    shown = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)
    return f"`{shown.replace('|', chr(92) + '|')}`"


def tagging_page() -> str:
    """The page, with its table made anew."""
    head, _, rest = TAGGING.read_text().partition(MARKS[0])
    table = "\n".join(messages())
    return f"{head}{MARKS[0]}{table}\n{MARKS[1]}{rest.partition(MARKS[1])[2]}"


PAGES = {"commands.md": commands_page, "tagging.md": tagging_page, "advise.md": advise_page}

if __name__ == "__main__":
    print(PAGES[sys.argv[1]](), end="")
