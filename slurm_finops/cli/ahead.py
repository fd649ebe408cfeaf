"""The pages of many mails: each is read while the charts of the one before are drawn.

Drawing is most of what a mail takes, so it is done on all cores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from slurm_finops.delivery.message import Attachment
    from slurm_finops.reports.render import Picture
    from slurm_finops.reports.view import Page

#: Starting other processes takes as long as drawing so many mails.
MANY = 12
#: So many draw faster than one process reads.
_MOST = 8


class Begun(NamedTuple):
    """A mail of which all is known but its charts, which may still be drawn."""

    page: Page
    attached: tuple[Attachment, ...]
    pictures: Callable[[], list[Picture]]


class Ahead:
    """``begin`` by number: the next of them is begun before the charts of one are waited for."""

    def __init__(self, begin: Mapping[int, Callable[[], Begun]]) -> None:
        self._begin = begin
        self._next = dict(zip(begin, list(begin)[1:], strict=False))
        self._begun: dict[int, Begun] = {}

    def take(self, number: int) -> Begun:
        """One of them, which is kept no longer."""
        begun = self._begun.pop(number, None) or self._begin[number]()
        following = self._next.get(number)
        if following is not None and following not in self._begun:
            # one that nobody asked for is not kept either
            self._begun = {following: self._begin[following]()}
        return begun


@contextmanager
def drawing(reports: int) -> Iterator[Executor | None]:
    """Other processes to draw in, for many reports and where there are several cores."""
    import os

    cores = min(len(os.sched_getaffinity(0)), _MOST)
    if reports < MANY or cores < 2:
        yield None
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    # not forked: a child must not have the ledger's connection
    with ProcessPoolExecutor(cores, get_context("spawn")) as pool:
        yield pool
