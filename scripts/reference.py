"""The reference pages: docs/commands.md, of every command's own help; the messages in
docs/tagging.md, of the vectors that the gate is held to; the answers in docs/advise.md and
docs/compare.md, and the latter's picture, of the golden month; the tables in docs/focus.md, of the
columns that files have.

    reference.py PAGE      prints commands.md, tagging.md, advise.md, compare.md, focus.md or
                           images/compare.png as it should be
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
from advise_page import advise_page
from click.testing import CliRunner

from slurm_finops.cli import main
from slurm_finops.core.faults import MESSAGES
from slurm_finops.core.verdict import verdict
from slurm_finops.exports.focus_columns import COLUMNS, VERSIONS
from slurm_finops.exports.focus_words import CATEGORIES
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


DOCS = Path(__file__).resolve().parent.parent / "docs"
END = "<!-- end -->\n"


def filled(page: str, mark: str, text: str) -> str:
    """A page with what stands between its mark and the end made anew."""
    head, _, rest = (DOCS / page).read_text().partition(mark)
    return f"{head}{mark}{text}\n{END}{rest.partition(END)[2]}"


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
    return filled("tagging.md", "<!-- messages -->\n", "\n".join(messages()))


def compared(picture: Path | None = None) -> str:
    """What compare says of the golden month under docs/examples/prices.toml."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "finops.toml")
        config.write_text((DOCS / "examples" / "demo.toml").read_text())
        june = DOCS.parent / "tests" / "sacct" / "alpha-2026-06.txt.gz"
        words = ["--period", "2026-06", "--with", str(DOCS / "examples" / "prices.toml")]
        finops(config, "collect", "sacct", "--delimiter", "|", "--file", str(june))
        finops(config, "price")
        return finops(config, "compare", *words, *(["--picture", str(picture)] if picture else ()))


def finops(config: Path, *words: str) -> str:
    """What a command prints; raises where it fails."""
    ran = CliRunner().invoke(main, ["-c", str(config), *words], catch_exceptions=False)
    if ran.exit_code:
        raise SystemExit(ran.stderr)
    return ran.stdout


def compare_page() -> str:
    """The page, with its answer made anew."""
    return filled("compare.md", "<!-- answer -->\n", f"```text\n{compared()}```")


def compare_picture() -> bytes:
    """The picture beside that answer."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "compare.png")
        compared(path)
        return path.read_bytes()


def focus_tables() -> Iterator[str]:
    """The categories of lines, and every column of FOCUS with what it holds."""
    yield "## Categories\n"
    yield from _head("`x_slurm_category`", "ChargeCategory", "ChargeFrequency")
    for name, words in CATEGORIES.items():
        yield f"| `{name}` | {words.charge} | {words.frequency} |"
    yield "\n## Columns of FOCUS\n"
    yield "A dash: it is not in the file; nothing: the version has no such column.\n"
    yield from _head("column", "level", *VERSIONS, "holds, or why it is not in the file")
    for one in (one for one in COLUMNS if one.level != "own"):
        there = ["" if one.only not in ("", version) else "–" if one.absent else "yes"
                 for version in VERSIONS]  # fmt: skip
        yield f"| {one.name} | {one.level} | {' | '.join(there)} | {one.says or one.absent} |"
    yield "\n## Our own columns\n\nIn both versions, after FOCUS's.\n"
    yield from _head("column", "holds")
    for one in (one for one in COLUMNS if one.level == "own"):
        yield f"| `{one.name}` | {one.says} |"


def _head(*names: str) -> Iterator[str]:
    yield f"| {' | '.join(names)} |"
    yield "|" + "---|" * len(names)


def focus_page() -> str:
    """The page, with its tables made anew."""
    return filled("focus.md", "<!-- columns -->\n", "\n".join(focus_tables()))


PAGES = {
    "commands.md": commands_page, "tagging.md": tagging_page, "advise.md": advise_page,
    "compare.md": compare_page, "focus.md": focus_page, "images/compare.png": compare_picture,
}  # fmt: skip

if __name__ == "__main__":
    made = PAGES[sys.argv[1]]()
    sys.stdout.buffer.write(made if isinstance(made, bytes) else made.encode())
