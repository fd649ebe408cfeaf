"""What stands for people where a site does not name them: the same in tables, files and serve."""

from collections.abc import Iterable

from slurm_finops.reports.view import Row


def pseudonyms(rows: Iterable[Row], place: int = 0) -> dict[str | None, str]:
    """The user at a ``place`` of each row's key -> ``person 1``, the costliest first.

    By place in the table: they say how work is spread, and cannot be traced from one
    report to the next.  What no run is behind is nobody's.
    """
    found: dict[str | None, str] = {}
    for row in rows:
        if row.runs and row.key[place] not in found:
            found[row.key[place]] = f"person {len(found) + 1}"
    return found
