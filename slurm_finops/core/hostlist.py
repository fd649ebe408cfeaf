"""Slurm's hostlist expressions: ``gpu[01-04,7],login1`` -> the names they stand for.

As ``scontrol show hostnames`` makes them (measured on 22.05), with two differences.
A name may go on after its last bracket, ``n[1-2]-ib``, which Slurm refuses.  And what
Slurm reads as something that nobody meant (``n[1`` as ``n]``, ``n[3-]`` as ``n3``, a
space within a bracket as a zero) is refused here.
"""

import re
from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from slurm_finops.core.words import shown

#: More names than any cluster has nodes: a slip must not fill memory.
MOST = 1_000_000
_SEPARATORS = re.compile(r"[\t\n ,]+")
_PIECE = re.compile(r"(?:[^\t\n ,\[\]]|\[[^\[\]]*\])+")
_PART = re.compile(r"\[(?P<ranges>[^\[\]]*)\]|[^\[\]]+")
_RANGE = re.compile(r"(\d{1,18})(?:-(\d{1,18}))?", re.ASCII)


class _Range(NamedTuple):
    """``01-04``: the numbers from the first to the last, in digits of the first's width."""

    first: int
    last: int
    width: int

    @property
    def texts(self) -> Iterator[str]:
        return (f"{number:0{self.width}d}" for number in range(self.first, self.last + 1))


def expand(text: str, most: int = MOST) -> list[str]:
    """The names that an expression stands for, in its order; one given twice is there twice.

    (Of three brackets in one name Slurm has another order, and the same names.)

    Raises ValueError with the reason, also for an expression of more than ``most``
    names, which is counted before any is made.
    """
    found: list[str] = []
    for piece in _pieces(text):
        parts = [_part(part) for part in _PART.finditer(piece)]
        number = 1
        for part in parts:
            number *= 1 if isinstance(part, str) else sum(r.last - r.first + 1 for r in part)
        if number > most - len(found):
            raise ValueError(f"{shown(text)} stands for more than {most:,} names")
        found += map("".join, product(*map(_texts, parts)))
    return found


def _pieces(text: str) -> Iterator[str]:
    """What stands between commas and spaces that are in no bracket."""
    at = 0
    while at < len(text):
        if between := _SEPARATORS.match(text, at):
            at = between.end()
            continue
        piece = _PIECE.match(text, at)
        at = piece.end() if piece else at
        if at < len(text) and text[at] in "[]":
            raise ValueError(_torn(text, at))
        assert piece is not None
        yield piece[0]


def _torn(text: str, at: int) -> str:
    """What is wrong with the bracket at a place."""
    bracket = f"the {text[at]} at character {at + 1}"
    if text[at] == "]":
        why = f"{bracket} closes no ["
    elif "[" in text[at + 1 :].partition("]")[0]:
        why = f"{bracket} has another within it"
    else:
        why = f"no ] closes {bracket}"
    return f"{shown(text)}: {why}"


def _part(part: re.Match[str]) -> str | list[_Range]:
    ranges = part["ranges"]
    if ranges is None:
        return part[0]
    return [_range(item, part[0]) for item in ranges.split(",")]


def _range(item: str, bracket: str) -> _Range:
    found = _RANGE.fullmatch(item)
    if found is None:
        raise ValueError(
            f"{shown(bracket)}: {shown(item)} is no number and no range such as 01-04"
        )
    first, last = int(found[1]), int(found[2] or found[1])
    if last < first:
        raise ValueError(f"{shown(bracket)}: the range {item} runs backwards")
    return _Range(first, last, len(found[1]))


def _texts(part: str | list[_Range]) -> list[str]:
    if isinstance(part, str):
        return [part]
    return [text for one in part for text in one.texts]
