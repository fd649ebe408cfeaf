"""The chain of closed periods: canonical texts of what was stated, and hashes over them.

A line is a JSON array of its values (never of a ledger's own numbers), a statement's hash
is over its lines, a period's over its statements, over all by which it was made, and over
the head of the period before it.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from slurm_finops.core.posted import Item, Payer
from slurm_finops.core.tags import Tags

#: The head before any period was closed.
GENESIS = "0" * 64


def canonical(value: Any) -> str:
    """JSON of one shape for one value: keys sorted, no white space, all ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def sha256(text: str) -> str:
    """In hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


class Lines:
    """The canonical text of lines; what they name is put into words once."""

    def __init__(self) -> None:
        self._words: dict[Tags | Item | Payer, str] = {}

    def text(
        self, line: int, original: str, correction: bool, day: int, cluster: str, tags: Tags,
        item: Item, payer: Payer, figures: Iterable[int],
    ) -> str:  # fmt: skip
        """``figures``: unit-seconds, ticks as `Posted` has them, and minor units."""
        head = f"[{line},{canonical(original)},{int(correction)},{day},{canonical(cluster)}"
        named = f"{self._of(tags)},{self._of(item)},{self._of(payer)}"
        return f"{head},{named},{','.join(map(str, figures))}]\n"

    def _of(self, named: Tags | Item | Payer) -> str:
        found = self._words.get(named)
        if found is None:
            if len(self._words) >= 50_000:
                self._words.clear()
            found = self._words[named] = canonical(named)
        return found


def seal(text: str) -> int:
    """The first 63 bits of a line's SHA-256, so that the line that was altered can be named."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


class Sealed:
    """The hash of a statement, line by line."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, text: str) -> None:
        self._hash.update(text.encode())

    @property
    def hex(self) -> str:
        return self._hash.hexdigest()


def head(previous: str, period: Mapping[str, Any], statements: Iterable[Iterable[Any]]) -> str:
    """The hash of a period: its own row, its statements' rows, and the head before it."""
    rows = [list(row) for row in statements]
    return sha256(canonical({"previous": previous, "period": dict(period), "statements": rows}))
