"""check: whether pools are used, and what is shared is carried by somebody."""

from pathlib import Path

import pytest

from slurm_finops.billing.pricing import price
from slurm_finops.cli.app import App
from slurm_finops.ledger.store import Ledger
from tests.cli.test_check import NOW, findings, here, ledger
from tests.fake_slurm import no_slurm
from tests.support import CONFIG, JUNE, a_config, a_run, write

__all__ = ["here", "ledger", "no_slurm"]
pytestmark = pytest.mark.usefixtures("no_slurm")
POOL = """
[[pools]]
name   = "node"
sku    = "gres/gpu:h100"
units  = 8
from   = 2026-06-01
hourly = "32.00"
"""
TO = '[pools.unused]\nspread = "carried"\nto = "ops"\n'


def checked(here: Path, ledger: Ledger, text: str):  # type: ignore[no-untyped-def]
    path = a_config(here, text)
    write(ledger, a_run(start=JUNE + 60, end=JUNE + 3660, elapsed=3600))
    price(ledger, App(str(path)).terms, NOW)
    return findings("--period", "2026-06")


def test_a_site_without_anything_shared_is_told_nothing(here: Path, ledger: Ledger) -> None:
    found = checked(here, ledger, CONFIG)
    assert not {"pools", "shared costs"} & found.keys()


def test_a_pool_that_is_used_and_carried_is_fine(here: Path, ledger: Ledger) -> None:
    found = checked(here, ledger, CONFIG + POOL + TO)
    assert (found["pools"]["verdict"], found["shared costs"]["verdict"]) == ("ok", "ok")


def test_what_nobody_used_and_nobody_carries_is_named(here: Path, ledger: Ledger) -> None:
    found = checked(here, ledger, CONFIG + POOL)["shared costs"]
    assert found["verdict"] == "warn"
    # twenty days of 24 hours, less two of eight GPUs for an hour
    assert "in 2026-06 nobody carries node (unused) 15,352.00 USD" in found["what"]


def test_a_pool_behind_a_rate_that_comes_first_is_named(here: Path, ledger: Ledger) -> None:
    first = CONFIG + 'match = { partition = "h100" }\n' + POOL + TO
    found = checked(here, ledger, first)["pools"]
    assert found["verdict"] == "warn"
    assert "no use was covered by pools[1] (node)" in found["what"]
    assert "more match keys" in found["mend"]
