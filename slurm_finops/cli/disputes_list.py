"""Holds, credits and moves as tables and JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from slurm_finops.cli import disputing, moving
from slurm_finops.cli.app import App
from slurm_finops.cli.owners import Whose

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slurm_finops.cli.moving import Moved
    from slurm_finops.ledger.disputes import Adjustment, Ended, Hold
    from slurm_finops.ledger.store import Ledger

#: Longer texts are cut; JSON has all of them.
_WIDTH = 48


class Found(NamedTuple):
    """What people did about months; a credit with whether its month is closed."""

    holds: list[tuple[Hold, Ended | None]]
    credits: list[tuple[Adjustment, Ended | None, bool]]
    moves: list[Moved]


def found(app: App, ledger: Ledger, everything: bool) -> Found:
    """What waits to be stated, or ``everything`` there ever was."""
    from slurm_finops.ledger.disputes import all_adjustments, all_holds
    from slurm_finops.ledger.posted import closed

    over = {one.label for one in closed(ledger.db)}
    credits = [
        (one, ended, ended is None and one.period in over)
        for one, ended in all_adjustments(ledger.db)
    ]
    every = Found(all_holds(ledger.db), credits, moving.all_moved(app, ledger))
    if everything:
        return every
    return Found(
        [one for one in every.holds if one[1] is None],
        [one for one in every.credits if one[1] is None and not one[2]],
        [one for one in every.moves if one.stated is None],
    )


def as_json(app: App, of: Found) -> dict[str, Any]:
    return {
        "holds": [disputing.hold_json(app, *one) for one in of.holds],
        "credits": [disputing.credit_json(app, *one) for one in of.credits],
        "moves": [moving.as_json(app, one) for one in of.moves],
    }


def tables(app: App, of: Found, everything: bool) -> Iterator[str]:
    """A table of each kind that there is any of."""
    from slurm_finops.reports.format import shortened, visible
    from slurm_finops.reports.tables import aligned

    if not any(of):
        yield "nothing was ever held, credited or moved" if everything else \
            "nothing is held, credited or moved that is not stated yet"  # fmt: skip
        return
    parts = [rows for rows in (_holds(app, of), _credits(app, of), _moves(app, of)) if rows[1:]]
    for number, rows in enumerate(parts):
        if number:
            yield ""
        cells = [tuple(shortened(visible(text), _WIDTH) for text in row) for row in rows]
        yield from aligned(cells, len(rows[0]))


def _holds(app: App, of: Found) -> Sequence[tuple[str, ...]]:
    rows = [("hold", "period", "whose", "reason", "held", "released")]
    for one, ended in of.holds:
        owner = str(Whose(one.team, one.project))
        rows.append((str(one.id), one.period, owner, one.reason, _who(app, one.at, one.actor),
                     _ended(app, ended)))  # fmt: skip
    return rows


def _credits(app: App, of: Found) -> Sequence[tuple[str, ...]]:
    from slurm_finops.core.money import grouped

    rows = [("adjustment", "period", "whose", app.config.currency, "reason", "approver", "given",
             "stands")]  # fmt: skip
    for one, ended, stated in of.credits:
        stands = "stated" if stated else "waits" if ended is None else \
            f"revoked {_ended(app, ended)}"
        rows.append((
            str(one.id), one.period, str(Whose(one.team, one.project)),
            grouped(one.amount_minor, app.config.digits), one.reason, one.approver,
            _who(app, one.at, one.actor), stands,
        ))  # fmt: skip
    return rows


def _moves(app: App, of: Found) -> Sequence[tuple[str, ...]]:
    rows = [("move", "period", "whose", "from", "to", "amount", "justification", "approver",
             "asked", "stands")]  # fmt: skip
    for one in of.moves:
        move = one.move
        late = f", {one.days} days after its month" if one.late else ""
        rows.append((
            str(move.id), move.period, str(Whose(move.team, move.project)), move.from_fund,
            move.to_fund, "–" if one.ticks is None else moving.size(app, one.ticks),
            move.justification, move.approver, _who(app, move.at, move.actor),
            ("waits" if one.stated is None else f"stated in {one.stated}") + late,
        ))  # fmt: skip
    return rows


def _who(app: App, at: int, actor: str) -> str:
    return f"{app.config.calendar.isoformat(at)[:10]} by {actor}"


def _ended(app: App, ended: Ended | None) -> str:
    return "–" if ended is None else f"{_who(app, ended.at, ended.actor)}: {ended.why}"
