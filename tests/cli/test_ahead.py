"""Charts drawn in other processes are the same, whichever is taken and whatever happens to them."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import pytest

from slurm_finops.cli.ahead import Ahead, Begun, drawing
from slurm_finops.reports import render
from tests.cli.test_send import collected, finops, opened
from tests.reports.test_render import a_page


def said(folder: Path) -> dict[str, list[bytes]]:
    """By recipient the parts of each mail that is written."""
    out = folder / "mails"
    assert finops(folder, "send", "--period", "2026-06", "--dry-run", "--out", str(out)
                  ).exit_code == 0  # fmt: skip
    mails = [opened(path.read_bytes()) for path in sorted(out.iterdir())]
    return {
        str(mail["To"]): [part.get_payload(decode=True) for part in mail.walk()
                          if part.get_content_type() == "image/png"]
        for mail in mails
    }  # type: ignore[misc] # fmt: skip


def test_mails_drawn_on_all_cores_have_the_same_charts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    collected(tmp_path)
    one_by_one = said(tmp_path)
    monkeypatch.setattr("slurm_finops.cli.ahead.MANY", 2)
    assert said(tmp_path) == one_by_one
    assert len(one_by_one) == 5
    assert all(len(charts) == 4 for charts in one_by_one.values())


def test_a_few_reports_need_no_other_process() -> None:
    with drawing(3) as pool:
        assert pool is None


class Killed(Executor):
    """What is left of processes that were killed."""

    def submit(self, *_: Any, **__: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        future.set_exception(BrokenProcessPool("killed"))
        return future


def test_a_mail_goes_out_though_its_drawing_was_killed() -> None:
    page = a_page()
    assert render.begun(page, Killed())() == render.pictures(page)


def a_begin(number: int, seen: list[int]) -> Callable[[], Begun]:
    def begin() -> Begun:
        seen.append(number)
        return Begun(a_page(title=str(number)), (), list)

    return begin


def test_the_next_is_begun_while_one_is_waited_for_and_none_twice() -> None:
    seen: list[int] = []
    ahead = Ahead({i: a_begin(i, seen) for i in (0, 2, 3)})
    assert [ahead.take(i).page.title for i in (0, 2, 3)] == ["0", "2", "3"]
    assert seen == [0, 2, 3]


def test_one_that_is_passed_over_is_not_kept() -> None:
    seen: list[int] = []
    ahead = Ahead({i: a_begin(i, seen) for i in range(4)})
    assert ahead.take(0).page.title == "0"
    assert ahead.take(2).page.title == "2"
    assert seen == [0, 1, 2, 3]
    assert ahead.take(3).page.title == "3"
    assert seen == [0, 1, 2, 3]
