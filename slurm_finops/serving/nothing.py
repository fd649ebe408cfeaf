"""Why a named query found nothing: what was asked for that a snapshot has not, and what it has."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from slurm_finops.core.near import nearest
from slurm_finops.reports.format import visible

Execute = Callable[..., Awaitable[Any]]
#: So many names are said, and so much of what somebody typed.
_NAMES, _TYPED, _FEW = 12, 40, 3
#: Parameter -> where what it may be stands, and what several of it are called.
_NAMED = {"user": ("runs", "user", "users"), "team": ("teams", "team", "teams")}
_DATED = {"month": ("months", "month", "months"), "day": ("days", "day", "days")}


def asked(text: str) -> str:
    """What somebody typed, as a page may repeat it."""
    text = visible(text.strip())
    return text if len(text) <= _TYPED else f"{text[: _TYPED - 1]}…"


async def why_nothing(execute: Execute, params: Mapping[str, str]) -> str:
    """A sentence; ``params`` are the query's own, an empty one being all or the newest."""
    said: list[str] = []
    for name, text in params.items():
        typed = text.strip()
        if name in _NAMED:
            table, column, several = _NAMED[name]
            known = await _values(execute, table, column)
            if typed and typed not in known:
                said.append(f"no {name} is called {asked(typed)} ({_like(typed, known, several)})")
            elif name == "user" and not typed:
                said.append("name a user")
            elif name == "user":
                months = await _values(execute, "runs", "month", "WHERE user = ?", [typed])
                said.append(f"{asked(typed)} has started runs in {_span(months)}")
        elif name in _DATED:
            table, column, several = _DATED[name]
            known = await _values(execute, table, column)
            said.append(f"{several} are {_span(known)}" if known else "there are no costs yet")
    return f"Nothing was found{': ' if said else ''}{'; '.join(said)}."


async def _values(
    execute: Execute, table: str, column: str, where: str = "", given: list[str] | None = None
) -> list[str]:
    found = await execute(f"SELECT DISTINCT {column} FROM {table} {where} ORDER BY 1", given or [])
    return [row[0] for row in found.rows if row[0]]


def _span(labels: list[str]) -> str:
    """Few labels as they are, of more the first and the last."""
    if len(labels) > _FEW:
        return f"{labels[0]} … {labels[-1]}"
    return ", ".join(labels) or "no month"


def _like(typed: str, known: list[str], several: str) -> str:
    near = nearest(typed, known)
    return f"did you mean {asked(near)}?" if near else f"{several} are {', '.join(_some(known))}"


def _some(known: list[str]) -> Iterator[str]:
    yield from map(asked, known[:_NAMES])
    if len(known) > _NAMES:
        yield f"and {len(known) - _NAMES:,} more"
