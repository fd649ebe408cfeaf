"""The chain of closed periods: canonical texts of what was stated, and hashes over them.

A line is a JSON array of its values (never of a ledger's own numbers), a statement's hash
is over its lines, a period's over its statements, over all by which it was made, and over
the head of the period before it.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from slurm_finops.core.posted import Item, Payer
from slurm_finops.core.tags import Tags

#: The head before any period was closed.
GENESIS = "0" * 64
#: Eight values that say what a line is, and ten figures.
_LINE = f"[{','.join(['%s'] * 18)}]\n"


def canonical(value: Any) -> str:
    """JSON of one shape for one value: keys sorted, no white space, all ASCII."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=_altered
    )


def _altered(value: object) -> dict[str, str]:
    """Bytes where a ledger has text: only somebody else puts them there, and no text is the same.

    Raises TypeError for anything else.
    """
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    raise TypeError(f"{type(value).__name__} is no part of what is hashed")


def sha256(text: str) -> str:
    """In hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


class Words(dict[int, str]):
    """Canonical texts of what lines name by a ledger's number; each is made once."""

    def __init__(self, find: Callable[[int], Any]) -> None:
        self._find = find

    def __missing__(self, number: int) -> str:
        if len(self) >= 50_000:
            self.clear()
        text = self[number] = canonical(self._find(number))
        return text


class Lines:
    """The canonical text of lines; each of these finds what a number in a line stands for."""

    def __init__(
        self, originals: Callable[[int], str], clusters: Callable[[int], str],
        tags: Callable[[int], Tags], items: Callable[[int], Item], payers: Callable[[int], Payer],
    ) -> None:  # fmt: skip
        self._originals, self._clusters = Words(originals), Words(clusters)
        self._tags, self._items, self._payers = Words(tags), Words(items), Words(payers)

    def text(self, row: Sequence[int]) -> str:
        """``row``: of a line its number, original (0: none), whether it is a correction, day,
        cluster, tags, item, payer, unit-seconds, money in whole units and ticks, minor units.
        """
        line, original, correction, day, cluster, tags, item, payer, *figures = row
        return _LINE % (
            line, self._originals[original], correction, day, self._clusters[cluster],
            self._tags[tags], self._items[item], self._payers[payer], *figures,
        )  # fmt: skip


def seal(text: str) -> int:
    """The first 63 bits of a line's SHA-256, so that the line that was altered can be named."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


class Sealed:
    """The hash of a statement, some lines at a time."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, texts: Iterable[str]) -> None:
        self._hash.update("".join(texts).encode())

    @property
    def hex(self) -> str:
        return self._hash.hexdigest()


def head(previous: str, period: Mapping[str, Any], statements: Iterable[Iterable[Any]]) -> str:
    """The hash of a period: its own row, its statements' rows, and the head before it."""
    rows = [list(row) for row in statements]
    return sha256(canonical({"previous": previous, "period": dict(period), "statements": rows}))
