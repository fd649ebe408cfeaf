"""A statement for a terminal and for the mail of who reads no HTML."""

from collections.abc import Iterator, Sequence

from slurm_finops.reports import statement_words as words
from slurm_finops.reports.format import columns, padded, shortened
from slurm_finops.reports.render_text import wrapped
from slurm_finops.reports.statement import Statement

#: Of 76 columns, and how many of them figures take.
_WIDTH, _HOURS, _MONEY = 76, 12, 18
_LABEL = 9


def statement_text(view: Statement, as_of: str = "", most: int | None = None) -> str:
    """At most 76 columns wide; ``most`` rows of a section are shown, the rest as one."""
    draft = [f"DRAFT.  {words.DRAFT}"] if view.issue.is_draft else []
    head = wrapped(words.subject(view))
    lines = [*draft, *head, "=" * max(map(columns, head)), ""]
    for name, said in words.facts(view):
        lines += _fact(name, said)
    lines += ["", *_summary(view)]
    for table in words.tables(view):
        lines += ["", *_table(view, table, most)]
    for beside in (words.held(view), words.books(view)):
        lines += ["", *_table(view, beside, most)] if beside else []
    lines += _listed(words.WAIVED, words.waived(view), most)
    lines += _listed("Notes", words.notes(view), most)
    lines += ["", *draft, *_foot(view, as_of)]
    return "\n".join(lines) + "\n"


def _fact(name: str, said: str) -> Iterator[str]:
    """A name and what is so, which may be a name of anybody's."""
    yield f"{name:<{_LABEL}}{shortened(said, _WIDTH - _LABEL)}"


def _summary(view: Statement) -> Iterator[str]:
    yield _line("Summary", "", view.header.currency)
    for name, figure, sums in words.summary(view):
        yield _line(name if sums else f"  {name}", "", figure)
    for name, figure in words.carried(view):
        yield from _lines([name], "", figure)


def _table(view: Statement, table: words.Table, most: int | None) -> Iterator[str]:
    """A title with the heads, the rows, and their sum."""
    hours = table.hours_head if table.hours is not None else ""
    yield from _lines([table.title], hours, view.header.currency)
    for names, held, money in table.rows(most):
        yield from _lines([name for name in names if name] or ["(no name)"], held, money, "  ")
    more, money = table.rest(most)
    if more:
        yield _line(f"  {more}", "", money)
    yield _line("  total", table.all_hours, table.total)


def _lines(names: Sequence[str], hours: str, money: str, indent: str = "") -> Iterator[str]:
    """Names in as many lines as they take, the figures beside the first."""
    room = _WIDTH - _MONEY - (_HOURS if hours else 0) - 1
    found: list[str] = []
    for i, name in enumerate(names):
        said = shortened(name, room - 4) + ("," if i < len(names) - 1 else "")
        if found and columns(found[-1]) + 1 + columns(said) <= room:
            found[-1] += f" {said}"
        else:
            found.append(f"{indent}{'  ' if found else ''}{said}")
    yield _line(found[0], hours, money)
    yield from found[1:]


def _line(name: str, hours: str, money: str) -> str:
    if hours:
        return f"{padded(name, _WIDTH - _HOURS - _MONEY)}{hours:>{_HOURS}}{money:>{_MONEY}}"
    return f"{padded(name, _WIDTH - _MONEY)}{money:>{_MONEY}}"


def _listed(title: str, said: Sequence[str], most: int | None) -> Iterator[str]:
    if said:
        yield from ("", title)
    for text in said[:most]:
        yield from wrapped(f"- {shortened(text, 300)}")
    if len(said) > len(said[:most]):
        yield f"and {len(said) - len(said[:most]):,} more"


def _foot(view: Statement, as_of: str) -> Iterator[str]:
    for name, value in words.seals(view):
        yield f"{name}:"
        yield f"  {shortened(value, _WIDTH - 2)}"
    if said := words.check(view):
        yield from wrapped(said)
        yield ""
    yield f"slurm-finops{f', as of {as_of}' if as_of else ''}"
