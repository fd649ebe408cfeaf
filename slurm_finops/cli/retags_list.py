"""Retags as lines of a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slurm_finops.config import Config
    from slurm_finops.core.retags import Retag

_HEAD = ("id", "sets", "for", "reason", "ticket", "approver", "made")
#: Longer texts are cut; JSON has all of them.
_WIDTH = 64


def table(config: Config, found: Sequence[Retag], undone: bool) -> Iterator[str]:
    """A line a retag, aligned, under one of names; ``undone`` adds who undid it and why."""
    from slurm_finops.reports.format import shortened, visible
    from slurm_finops.reports.tables import aligned

    rows: list[tuple[str, ...]] = [(*_HEAD, "undone") if undone else _HEAD]
    for one in found:
        texts = [*_row(config, one), *([_undone(config, one)] if undone else [])]
        rows.append(tuple(shortened(visible(text), _WIDTH) for text in texts))
    yield from aligned(rows, len(rows[0]))


def _row(config: Config, one: Retag) -> Iterator[str]:
    from slurm_finops.core.retags import shown
    from slurm_finops.ledger.retags import of

    wanted = one.wanted
    yield from (str(one.id), shown(wanted.sets), of(config.calendar, wanted))
    yield from (wanted.reason, wanted.ticket or "–", wanted.approver or "–")
    yield _who(config, one.at, one.actor)


def _who(config: Config, at: int, actor: str) -> str:
    return f"{config.calendar.isoformat(at)[:10]} by {actor}"


def _undone(config: Config, one: Retag) -> str:
    if one.undone_at is None:
        return "–"
    return f"{_who(config, one.undone_at, one.undone_by or '')}: {one.undone_why}"


def as_json(config: Config, one: Retag) -> dict[str, Any]:
    """A retag; times in ISO 8601, null where there is none; null is "has none" in match and set."""
    wanted = one.wanted

    def when(time: int | None) -> str | None:
        return None if time is None else config.calendar.isoformat(time)

    return {
        "id": one.id, "kind": wanted.kind, "cluster": wanted.cluster,
        "job_id": wanted.job_id, "user": wanted.user, "submit": when(wanted.submit),
        "match": dict(wanted.match), "from": when(wanted.since), "until": when(wanted.until),
        "set": dict(wanted.sets), "reason": wanted.reason, "ticket": wanted.ticket or None,
        "approver": wanted.approver or None, "at": when(one.at), "by": one.actor,
        "undone": None if one.undone_at is None else {
            "at": when(one.undone_at), "by": one.undone_by, "reason": one.undone_why,
        },
    }  # fmt: skip
