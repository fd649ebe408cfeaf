"""A week that a mail told of changes afterwards: the next mail says so, once."""

import json
from pathlib import Path

import pytest

from slurm_finops.ledger.store import Ledger
from tests.cli.test_send import A_DAY, finops, opened
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


def test_what_was_told_is_kept_by_report(folder: Path) -> None:
    handler = Handler()
    with smtp_server(handler) as port:
        a_config(folder, SITE.format(port=port))
        collect(folder, (1, 2))
        finops(folder, "send", "--period", "2026-W23")
    ledger = Ledger.open(folder / "ledger.db", "USD", "UTC")
    rows = ledger.db.execute("SELECT report, period, effective_minor FROM told").fetchall()
    assert rows == [("team:nlp", "2026-W23", 2000)]
