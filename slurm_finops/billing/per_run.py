"""A month's lines as parts of single runs, where the ledger still says of them what was stated.

What was stated of a day and has changed since stays one line, and so does its correction:
which of its runs it was for then, nobody kept.  What is split sums to what was stated, to
the tick and the minor unit.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from slurm_finops.billing.stated import Month
from slurm_finops.core.money import TICKS, apportion, split_amount
from slurm_finops.core.posted import Item, Posted
from slurm_finops.core.tags import Tags
from slurm_finops.ledger.store import Ledger
from slurm_finops.ledger.truth import OfRun, runs_of

_Key = tuple[str, Tags, Item]


class Part(NamedTuple):
    """A line, or what of it is of one run."""

    posted: Posted
    run: OfRun | None


def by_run(ledger: Ledger, month: Month, digits: int) -> Iterator[Part]:
    """All lines of a month, day by day, in parts of runs where that can be said."""
    for day, of_day in groupby(month.by_day(), key=lambda line: line.day):
        lines = list(of_day)
        behind = _behind(ledger, day)
        stated: dict[_Key, list[int]] = {}
        for line in lines:
            _add(stated, (line.cluster, line.tags, line.item), line[10:15])
        for line in lines:
            key = line.cluster, line.tags, line.item
            runs = behind.get(key, [])
            if runs and _sums(runs) == stated.get(key):
                yield from _split(line, runs, digits)
            else:
                yield Part(line, None)


def _behind(ledger: Ledger, day: int) -> dict[_Key, list[OfRun]]:
    found: dict[_Key, list[OfRun]] = {}
    tags: dict[int, Tags] = {}
    for run in runs_of(ledger.db, day):
        named = tags.get(run.tag_set_id)
        if named is None:
            row = ledger.db.execute(
                f"SELECT {', '.join(Tags._fields)} FROM tag_sets WHERE id = ?", (run.tag_set_id,)
            ).fetchone()
            named = tags[run.tag_set_id] = Tags(*row)
        found.setdefault((run.cluster, named, run.item), []).append(run)
    return found


def _add(found: dict[_Key, list[int]], key: _Key, figures: Sequence[int]) -> None:
    found[key] = [a + b for a, b in zip(found.get(key, [0] * 5), figures, strict=True)]


def _sums(runs: Sequence[OfRun]) -> list[int]:
    return [sum(column) for column in zip(*(run.figures for run in runs), strict=True)]


def _split(line: Posted, runs: Sequence[OfRun], digits: int) -> Iterator[Part]:
    """A line over its runs, column by column; a fund pays its part of each."""
    columns = []
    for amount, column in zip(line[10:15], zip(*(run.figures for run in runs), strict=True),
                              strict=True):  # fmt: skip
        weights = [abs(figure) for figure in column]
        # runs come in an order that every ledger has
        columns.append(split_amount(amount, weights, range(len(runs))) if any(weights)
                       else [0] * len(runs))  # fmt: skip
    billed = columns[4]
    minors = apportion(
        line.billed_minor, [ticks * 10**digits for ticks in billed], TICKS, range(len(runs))
    )
    for run, minor, *figures in zip(runs, minors, *columns, strict=True):
        if any(figures):
            part = line._replace(
                unit_seconds=figures[0], list_ticks=figures[1], contracted_ticks=figures[2],
                effective_ticks=figures[3], billed_ticks=figures[4], billed_minor=minor,
            )  # fmt: skip
            yield Part(part, run)
