"""Slurm's lists of hosts: ``n[1-3,07],login`` as the names in it."""

import re
from collections.abc import Iterator
from itertools import product

#: Slurm itself takes no range that is longer (hostlist.h, MAX_RANGE).
MAX_HOSTS = 64 * 1024
_PIECE = re.compile(r"[^,\[\]]+|\[[^\[\]]*\]|,")
_RANGE = re.compile(r"(\d{1,12})(?:-(\d{1,12}))?", re.ASCII)


def hosts(text: str) -> tuple[str, ...]:
    """The names of a list, in its order; raises ValueError for what is none."""
    found: list[str] = []
    parts: list[list[str]] = []
    pieces = _PIECE.findall(text)
    if "".join(pieces) != text:
        raise ValueError(f"{text[:60]!r} is no list of hosts")
    for piece in (*pieces, ","):
        if piece != ",":
            parts.append(list(_numbers(piece[1:-1])) if piece.startswith("[") else [piece])
        elif parts:
            size = 1
            for part in parts:
                size *= len(part)
            if len(found) + size > MAX_HOSTS:
                raise ValueError(f"{text[:60]!r} names more than {MAX_HOSTS:,} hosts")
            found += map("".join, product(*parts))
            parts = []
    return tuple(found)


def _numbers(text: str) -> Iterator[str]:
    for item in text.split(","):
        both = _RANGE.fullmatch(item)
        if not both:
            raise ValueError(f"{item[:60]!r} is no range of hosts")
        first, last = both[1], both[2] or both[1]
        if not 0 <= int(last) - int(first) < MAX_HOSTS:
            raise ValueError(f"{item!r} is no range of at most {MAX_HOSTS:,} hosts")
        for number in range(int(first), int(last) + 1):
            yield str(number).zfill(len(first))
