"""A week that a mail told of changes afterwards: the next mail says so, once."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from slurm_finops.ledger.store import Ledger
from tests.cli.test_send import A_DAY, at, finops, opened
from tests.delivery.server import Handler, smtp_server
from tests.support import JUNE, a_config, record, saved

SITE = """
cluster = "alpha"
currency = "USD"
database = "ledger.db"
[[rates]]
sku = "gres/gpu:h100"
price = "10.00"
from = 2026-01-01
[[teams]]
name = "nlp"
email = ["pi@example.org"]
[mail]
from = "finops@example.org"
smtp = "smtp://127.0.0.1:{port}"
"""


def collect(folder: Path, *hours: tuple[int, int]) -> None:
    """A run for each ``(day, hours)``."""
    comment = json.dumps({"team": "nlp", "project": "p", "experiment": "e"})
    runs = [
        record(JobIDRaw=day, JobID=day, State="COMPLETED", Submit=JUNE + day * A_DAY,
               Start=JUNE + day * A_DAY, End=JUNE + day * A_DAY + long * 3600,
               ElapsedRaw=long * 3600, AllocTRES="gres/gpu:h100=1,gres/gpu=1", Comment=comment)
        for day, long in hours
    ]  # fmt: skip
    (folder / "runs.txt").write_text(saved(*runs))
    assert finops(folder, "collect", "sacct", "--file", str(folder / "runs.txt")).exit_code == 0
    assert finops(folder, "price").exit_code == 0


def mailed(handler: Handler) -> str:
    """The text of the last mail that arrived."""
    return opened(handler.mails[-1]).get_body(("plain",)).get_content()  # type: ignore[union-attr]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def test_a_late_run_of_a_week_that_was_told_is_a_correction_in_the_next_mail_and_no_other(
    folder: Path,
) -> None:
    handler = Handler()
    with smtp_server(handler) as port:
        a_config(folder, SITE.format(port=port))
        collect(folder, (1, 2), (8, 2), (15, 2))
        assert finops(folder, "send", "--period", "2026-W23").exit_code == 0
        assert "Corrections" not in mailed(handler)
        collect(folder, (1, 2), (2, 1), (8, 2), (15, 2))
        # looking at it tells nobody
        finops(folder, "send", "--period", "2026-W24", "--dry-run", "--out", str(folder / "dry"))
        assert finops(folder, "send", "--period", "2026-W24").exit_code == 0
        said = " ".join(mailed(handler).split())
        assert (
            "Corrections to earlier periods - Week 23 of 2026 (1–7 June) is now 30.00 USD: "
            "10.00 more than was told (20.00)"
        ) in said
        assert finops(folder, "send", "--period", "2026-W25").exit_code == 0
        assert "Corrections" not in mailed(handler)


PI, DELEGATE = "pi@example.org", "d@example.org"
CHANGED = "Week 23 of 2026 (1–7 June) is now 30.00 USD: 10.00 more than was told (20.00)"


def with_delegate(port: int) -> str:
    mine = f'email = ["{PI}"]\n'
    return SITE.format(port=port).replace(mine, f'{mine}delegates = ["{DELEGATE}"]\n')


def corrections(handler: Handler) -> list[tuple[str, str, bool]]:
    """``(to, period, whether it says what changed)`` of each mail."""
    found = []
    for mail in map(opened, handler.mails):
        text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
        period = str(mail["Subject"]).partition(" in ")[2][:7]
        found.append((str(mail["To"]), period, CHANGED in " ".join(text.split())))
    return found


def test_a_delegate_who_came_later_takes_nothing_from_what_the_pi_is_told(folder: Path) -> None:
    handler = Handler()
    with smtp_server(handler) as port:
        a_config(folder, SITE.format(port=port))
        collect(folder, (1, 2), (8, 2))
        finops(folder, "send", "--period", "2026-W23")
        collect(folder, (1, 2), (2, 1), (8, 2))
        a_config(folder, with_delegate(port))
        finops(folder, "price")
        finops(folder, "send", "--period", "2026-W23")
        finops(folder, "send", "--period", "2026-W24")
    assert corrections(handler) == [
        (PI, "week 23", False), (DELEGATE, "week 23", False),
        (PI, "week 24", True), (DELEGATE, "week 24", False),
    ]  # fmt: skip


def test_one_page_serves_all_who_were_told_the_same(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from slurm_finops.reports.pages import Pages

    drawn, page = [], Pages.page
    monkeypatch.setattr(Pages, "page", lambda *a, **more: (drawn.append(a), page(*a, **more))[1])
    a_config(folder, with_delegate(1))
    collect(folder, (1, 2), (8, 2))
    for period in ("2026-W23", "2026-W24"):
        finops(folder, "send", "--period", period)
    assert len(drawn) == 2


def test_a_mail_that_was_refused_for_good_has_told_nothing(folder: Path) -> None:
    handler = Handler(("250 OK", "550 no"))
    with smtp_server(handler) as port:
        a_config(folder, SITE.format(port=port))
        collect(folder, (1, 2), (8, 2), (15, 2))
        finops(folder, "send", "--period", "2026-W23")
        collect(folder, (1, 2), (2, 1), (8, 2), (15, 2))
        assert finops(folder, "send", "--period", "2026-W24").exit_code == 3
        finops(folder, "send", "--period", "2026-W25")
    assert corrections(handler) == [
        (PI, "week 23", False), (PI, "week 25", True),
    ]  # fmt: skip


def test_a_crash_as_soon_as_mails_are_queued_loses_nothing_of_what_they_tell(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = Handler()
    with smtp_server(handler) as port:
        a_config(folder, SITE.format(port=port))
        collect(folder, (1, 2), (8, 2))
        with monkeypatch.context() as broken:
            broken.setattr(Ledger, "transaction", crashing(Ledger.transaction))
            assert finops(folder, "send", "--period", "2026-W23").exception is not None
        finops(folder, "send", "--period", "2026-W23")
        collect(folder, (1, 2), (2, 1), (8, 2))
        finops(folder, "send", "--period", "2026-W24")
    assert corrections(handler) == [
        (PI, "week 23", False), (PI, "week 24", True),
    ]  # fmt: skip


def crashing(transaction: Any) -> Any:
    """Transactions after the first of which that queued a mail the program dies."""

    @contextmanager
    def dies(ledger: Ledger) -> Iterator[object]:
        with transaction(ledger) as db:
            yield db
            queued = db.execute("SELECT 1 FROM outbox WHERE status = 'queued'").fetchone()
        if queued:
            raise KeyboardInterrupt

    return dies


def test_weeks_that_are_caught_up_with_tell_of_a_change_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = Handler()
    with smtp_server(handler) as port:
        a_config(folder, SITE.format(port=port))
        collect(folder, (1, 2), (8, 2), (15, 2))
        at(monkeypatch, JUNE + 8 * A_DAY)
        finops(folder, "send")
        collect(folder, (1, 2), (2, 1), (8, 2), (15, 2))
        at(monkeypatch, JUNE + 22 * A_DAY)
        finops(folder, "send")
    assert corrections(handler) == [
        (PI, "week 23", False), (PI, "week 24", True),
        (PI, "week 25", False),
    ]  # fmt: skip
