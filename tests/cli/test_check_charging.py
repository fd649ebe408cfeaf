"""check: allocations that run out, end or pay for nothing, and SKUs that a run pays twice."""

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
DAY = 86_400
LOT = """
[[allocations]]
name      = "grant"
team      = "nlp"
gpu_hours = "{hours}"
from      = 2026-06-01
until     = {until}
{more}
"""


def lot(hours: int = 10, until: str = "2027-01-01", more: str = "") -> str:
    return CONFIG + LOT.format(hours=hours, until=until, more=more)


def checked(  # type: ignore[no-untyped-def]
    here: Path, ledger: Ledger, text: str, *starts: int, code: int = 0
):
    """Runs of two H100s for an hour of nlp / llama, on these days of June."""
    path = a_config(here, text)
    write(ledger, *(
        a_run(job_id_raw=n, job_id=str(n), submit=JUNE, start=JUNE + day * DAY,
              end=JUNE + day * DAY + 3600, elapsed=3600)
        for n, day in enumerate(starts or (1,), 1)
    ))  # fmt: skip
    price(ledger, App(str(path)).terms, NOW)
    return findings("--period", "2026-06", code=code)


def alloc(found) -> list[str]:  # type: ignore[no-untyped-def]
    return [name for name in found if name.startswith("allocations")]


def test_a_site_without_allocations_is_told_nothing(here: Path, ledger: Ledger) -> None:
    found = checked(here, ledger, CONFIG)
    assert alloc(found) == []
    assert "paid twice" not in found


def test_one_that_has_enough_for_long_is_fine(here: Path, ledger: Ledger) -> None:
    found = checked(here, ledger, lot())
    assert alloc(found) == ["allocations"]
    assert found["allocations"]["verdict"] == "ok"
    assert found["allocations"]["what"].startswith("1 of 1 allocation in use; none")


def test_one_that_expires_within_a_month_with_something_left(here: Path, ledger: Ledger) -> None:
    found = checked(here, ledger, lot(until="2026-07-21"))
    assert alloc(found) == ["allocations expiring"]
    assert found["allocations expiring"]["what"] == (
        "grant of nlp on 2026-07-21 with 8.0 GPU-hours left"
    )


def test_one_whose_rest_goes_on_whole_lapses_not(here: Path, ledger: Ledger) -> None:
    more = 'carry = "1"\ncarry_until = 2027-07-01'
    assert alloc(checked(here, ledger, lot(until="2026-07-21", more=more))) == ["allocations"]


def test_one_that_is_used_up_while_its_team_goes_on(here: Path, ledger: Ledger) -> None:
    found = checked(here, ledger, lot(hours=2, until="2026-07-01"), 1, 1, 3)
    assert alloc(found) == ["allocations used up"]
    # of the day on which it ends nothing is counted
    assert found["allocations used up"]["what"] == (
        "grant of nlp since 2026-06-02: 7.84 USD were billed after that day"
    )


def test_one_that_is_used_up_and_nothing_ran_since(here: Path, ledger: Ledger) -> None:
    assert alloc(checked(here, ledger, lot(hours=2), 1)) == ["allocations"]
    other = lot(hours=2) + LOT.format(hours=9, until="2027-02-01", more="").replace(
        '"grant"', '"more"'
    )
    assert alloc(checked(here, ledger, other, 1, 3)) == ["allocations"]


@pytest.mark.parametrize(("text", "what"), [
    (lot().replace('"nlp"', '"nlpp"'), "team 'nlpp' yet; did you mean 'nlp'?"),
    (lot(more='project = "lama"'), "project 'lama' yet; did you mean 'llama'?"),
    (lot(more='match = { partition = "h10" }'), "partition 'h10' yet; did you mean 'h100'?"),
    (lot(more='skus = ["gres/gpu:a10", "gres/gpu:h10"]'),
     "SKU 'gres/gpu:a10' yet; did you mean 'gres/gpu:h100'?"),
])  # fmt: skip
def test_one_that_nothing_could_be_paid_from(  # type: ignore[no-untyped-def]
    here: Path, ledger: Ledger, text: str, what: str
) -> None:
    found = checked(here, ledger, text)["allocations unused"]
    assert found["what"] == f"allocations[1] (grant): nothing has run with {what}"


def test_one_that_has_not_begun_is_for_whoever_comes(here: Path, ledger: Ledger) -> None:
    text = lot().replace('"nlp"', '"new"').replace("2026-06-01", "2026-06-22")
    assert alloc(checked(here, ledger, text)) == ["allocations"]


def test_what_was_changed_and_not_priced_since_is_said(here: Path, ledger: Ledger) -> None:
    checked(here, ledger, lot())
    a_config(here, lot(hours=11))
    pricing = findings()["pricing"]
    assert (pricing["verdict"], pricing["mend"]) == ("warn", "slurm-finops price")
    a_config(here, lot() + '[[factors]]\nname = "night"\nfactor = "1/2"\n')
    assert findings()["pricing"]["verdict"] == "warn"


BILLING = '\n[[rates]]\nsku = "billing"\nprice = "1"\nfrom = 2026-01-01\n{}\n'
GROUP = '[[groups]]\nname = "node"\nskus = ["billing", "{}"]\n{}\n'


@pytest.mark.parametrize(("more", "warned"), [
    (BILLING.format(""), True),
    (BILLING.format('match = { partition = "h100" }'), True),
    (BILLING.format("").replace('"1"', '"0"'), False),
    (BILLING.format("").replace("2026-01-01", "2026-07-01"), False),
    (BILLING.format("") + GROUP.format("gres/gpu", ""), False),
    (BILLING.format("") + GROUP.format("gres/gpu", 'combine = "sum"'), False),
    (BILLING.format("") + GROUP.format("cpu", ""), True),
    (BILLING.format("") + GROUP.format("gres/gpu", "until = 2026-06-01"), True),
    (BILLING.format('match = { partition = "h100" }')
     + GROUP.format("gres/gpu", 'match = { partition = "cpu" }'), True),
])  # fmt: skip
def test_billing_and_what_it_is_the_sum_of(
    here: Path, ledger: Ledger, more: str, warned: bool
) -> None:
    found = checked(here, ledger, CONFIG + more)
    assert ("paid twice" in found) is warned
    if warned:
        assert "rates[2] (billing)" in found["paid twice"]["what"]
        assert 'combine = "max", or "sum"' in found["paid twice"]["mend"]


def test_rates_of_runs_that_never_meet_are_not_paid_twice(here: Path, ledger: Ledger) -> None:
    text = CONFIG + 'match = { partition = "h100" }\n'
    found = checked(here, ledger, text + BILLING.format('match = { partition = "cpu" }'))
    assert "paid twice" not in found
