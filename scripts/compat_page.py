"""The answers of several Slurms as tables, for scripts/compatibility."""

from __future__ import annotations

from compat_probe import PLAIN

SECTIONS = {
    "hook": "What the hook is given",
    "submit": "Submitting",
    "change": "Changing a job that waits",
    "comment": "Comments",
    "after": "Rewriting a job that has ended",
    "sacct": "What sacct prints",
    "live": "What squeue and sreport print",
    "config": "Settings",
}
Told = dict[tuple[str, str], str]


def questions(told: dict[str, Told]) -> list[tuple[str, str]]:
    """All that any release answered, in order, without fields that are as in a plain job."""
    every: dict[tuple[str, str], None] = {}
    for answered in told.values():
        every |= dict.fromkeys(answered)
    return [key for key in every if not all(_as_plain(answered, key) for answered in told.values())]


def _as_plain(answered: Told, key: tuple[str, str]) -> bool:
    """A field of a job that asks for something is told where it is not as without options."""
    section, question = key
    asked, _, field = question.partition(": ")
    plain = answered.get((section, f"{PLAIN}: {field}"))
    if section != "hook" or asked == PLAIN or plain is None:
        return False
    return answered.get(key, plain) == plain


def page(told: dict[str, Told]) -> str:
    """Both tables of each section: what differs, and what does not."""
    out = []
    every = questions(told)
    for section, title in SECTIONS.items():
        asked = [question for name, question in every if name == section]
        said = {question: _said(told, (section, question)) for question in asked}
        same = {question: texts[0] for question, texts in said.items() if len(set(texts)) == 1}
        differ = [_line(question, *said[question]) for question in asked if question not in same]
        out += [f"## {title}", ""]
        out += _table(["", *told], differ) if differ else ["Nothing differs.", ""]
        if same:
            lines = _grouped(same) if section == "hook" else [_line(*both) for both in same.items()]
            out += ["In all of them:", "", *_table(["", "answer"], lines)]
    return "\n".join(out)


def _said(told: dict[str, Told], key: tuple[str, str]) -> list[str]:
    return _only_here(told, key) or [answered.get(key, "–") for answered in told.values()]


def _grouped(same: dict[str, str]) -> list[str]:
    """One line for all fields of a job that are the same."""
    groups: dict[tuple[str, str], list[str]] = {}
    for question, answer in same.items():
        asked, _, field = question.partition(": ")
        groups.setdefault((asked, answer), []).append(field)
    return [_line(f"{asked}: {', '.join(fields)}", answer)
            for (asked, answer), fields in groups.items()]  # fmt: skip


def _only_here(told: dict[str, Told], key: tuple[str, str]) -> list[str]:
    """Of a long list of names, those that not every release has."""
    if not key[1].startswith("only here"):
        return []
    lists = [answered.get(key, "").split() for answered in told.values()]
    everywhere = set.intersection(*map(set, lists))
    return [" ".join(name for name in names if name not in everywhere) for names in lists]


def _table(head: list[str], lines: list[str]) -> list[str]:
    return [f"| {' | '.join(head)} |", "|" + "---|" * len(head), *lines, ""]


def _line(question: str, *said: str) -> str:
    cells = [question, *map(_code, said)]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _code(text: str) -> str:
    if text in ("", "–"):
        return text
    return f"`` {text} ``" if "`" in text else f"`{text}`"
