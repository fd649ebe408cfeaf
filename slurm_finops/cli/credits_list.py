"""Credits as lines of a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slurm_finops.config import Config
    from slurm_finops.ledger.credits import Granted, Wanted

_HEAD = ("id", "part", "of", "cluster", "from", "until", "reason", "ticket", "approver", "given")
#: Longer texts are cut; JSON has all of them.
_WIDTH = 48


def table(config: Config, found: Sequence[Granted], revoked: bool) -> Iterator[str]:
    """A line a credit, aligned, under one of names; ``revoked`` adds who revoked it and why."""
    from slurm_finops.reports.format import shortened, visible
    from slurm_finops.reports.tables import aligned

    rows: list[tuple[str, ...]] = [(*_HEAD, "revoked") if revoked else _HEAD]
    for one in found:
        texts = [*_row(config, one), *([_revoked(config, one)] if revoked else [])]
        rows.append(tuple(shortened(visible(text), _WIDTH) for text in texts))
    yield from aligned(rows, len(rows[0]))


def _row(config: Config, one: Granted) -> Iterator[str]:
    wanted = one.wanted
    yield from (str(one.id), _part(wanted), _of(config, wanted), wanted.cluster)
    for time in (wanted.since, wanted.until):
        yield "–" if time is None else config.calendar.shortest(time)
    yield from (wanted.reason, wanted.ticket or "–", wanted.approver)
    yield _who(config, one.at, one.actor)


def _part(wanted: Wanted) -> str:
    return "all" if wanted.num == wanted.den else f"{wanted.num}/{wanted.den}"


def _of(config: Config, wanted: Wanted) -> str:
    if wanted.job_id is None:
        return wanted.nodes or ""
    if wanted.submit is None:
        return f"run {wanted.job_id}"
    return f"run {wanted.job_id} of {config.calendar.isoformat(wanted.submit)}"


def _who(config: Config, at: int, actor: str) -> str:
    return f"{config.calendar.isoformat(at)[:10]} by {actor}"


def _revoked(config: Config, one: Granted) -> str:
    if one.revoked_at is None:
        return "–"
    return f"{_who(config, one.revoked_at, one.revoked_by or '')}: {one.revoked_why}"


def as_json(config: Config, one: Granted) -> dict[str, Any]:
    """A credit; times in ISO 8601, null where a run is not cut there."""
    wanted = one.wanted

    def when(time: int | None) -> str | None:
        return None if time is None else config.calendar.isoformat(time)

    return {
        "id": one.id, "kind": wanted.kind, "cluster": wanted.cluster,
        "job_id": wanted.job_id, "user": wanted.user, "submit": when(wanted.submit),
        "nodes": wanted.nodes, "from": when(wanted.since), "until": when(wanted.until),
        "part": f"{wanted.num}/{wanted.den}", "reason": wanted.reason, "ticket": wanted.ticket,
        "approver": wanted.approver, "at": when(one.at), "by": one.actor,
        "revoked": None if one.revoked_at is None else {
            "at": when(one.revoked_at), "by": one.revoked_by, "reason": one.revoked_why,
        },
    }  # fmt: skip
