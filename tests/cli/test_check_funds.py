"""check: costs without a payer, funds that end, and surcharges on nobody."""

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
GRANT = '[[funds]]\nname = "NSF-1234"\naccount = "4711"\n'
DEPT = '[[funds]]\nname = "DEPT"\naccount = "0815"\n'
NLP = '[[teams]]\nname = "nlp"\n[[teams.payers]]\nfunds = { "NSF-1234" = "100" }\n'


def checked(here: Path, ledger: Ledger, text: str):  # type: ignore[no-untyped-def]
    """Two runs of nlp's, of 7.84 USD each on 1 and 11 June, and one of nobody's; it is 21 June."""
    path = a_config(here, CONFIG + text)
    write(
        ledger, a_run(start=JUNE + 60, end=JUNE + 3660),
        a_run(job_id_raw=200, start=JUNE + 10 * DAY, end=JUNE + 10 * DAY + 3600),
        a_run(job_id_raw=300, comment="", account="", start=JUNE, end=JUNE + 3600),
    )  # fmt: skip
    price(ledger, App(str(path)).terms, NOW)
    return findings("--period", "2026-06")


def said(found, name: str) -> tuple[str, str]:  # type: ignore[no-untyped-def]
    return found[name]["verdict"], found[name]["what"]


def test_a_site_without_funds_is_told_nothing(here: Path, ledger: Ledger) -> None:
    found = checked(here, ledger, "")
    assert not {"funds", "payers", "expired funds", "ending funds", "surcharges"} & found.keys()


def test_all_that_is_paid_is_fine(here: Path, ledger: Ledger) -> None:
    found = checked(here, ledger, GRANT + NLP + '[billing]\nuntagged_fund = "NSF-1234"\n')
    assert said(found, "payers") == (
        "ok", "all that was billed in 2026-06 has a fund that pays on its day",
    )  # fmt: skip
    assert said(found, "funds") == (
        "ok", "1 fund; none that is to pay ends within 30 days",
    )  # fmt: skip


def test_what_no_fund_pays_is_named_with_its_reason(here: Path, ledger: Ledger) -> None:
    found = checked(here, ledger, GRANT + "until = 2026-06-11\n" + NLP)
    assert said(found, "payers") == (
        "warn", "in 2026-06 no fund pays for nlp 7.84 USD (expired); what names no team 7.84 USD",
    )  # fmt: skip
    later = NLP.replace("[[teams.payers]]\n", "[[teams.payers]]\nfrom = 2026-06-12\n")
    found = findings_of(here, GRANT + later)
    assert "for nlp 15.68 USD (no payer); what names no team 7.84" in found["payers"]["what"]


def test_a_project_with_payers_of_its_own_is_named_itself(here: Path, ledger: Ledger) -> None:
    own = '[[teams.projects]]\nname = "llama"\n[[teams.projects.payers]]\nfunds = { OLD = "100" }\n'
    old = DEPT.replace("DEPT", "OLD") + "until = 2026-06-01\n"
    found = checked(here, ledger, GRANT + old + NLP + own)
    assert "for nlp / llama 15.68 USD (expired); what names" in found["payers"]["what"]


def findings_of(here: Path, text: str):  # type: ignore[no-untyped-def]
    a_config(here, CONFIG + text)
    return findings("--period", "2026-06")


def test_a_cap_is_no_matter_of_this_look(here: Path, ledger: Ledger) -> None:
    paid = NLP + '[billing]\nuntagged_fund = "NSF-1234"\n'
    assert checked(here, ledger, GRANT + 'cap = "1"\n' + paid)["payers"]["verdict"] == "ok"


def test_what_is_told_is_what_is_billed(here: Path, ledger: Ledger) -> None:
    half = '[[forgive]]\nname = "half"\nstates = ["COMPLETED"]\npart = "1/2"\n'
    found = checked(here, ledger, GRANT + half)
    assert "for nlp 7.84 USD (no payer); what names no team 3.92" in found["payers"]["what"]


def test_an_expired_fund_without_a_fallback_is_named(here: Path, ledger: Ledger) -> None:
    over = GRANT + "until = 2026-06-21\n"
    found = checked(here, ledger, over + NLP)
    assert said(found, "expired funds") == (
        "warn",
        "still named and expired, so that nobody pays: NSF-1234 (for nlp) since 2026-06-21",
    )  # fmt: skip
    assert "expired funds" not in findings_of(here, over + 'fallback = "DEPT"\n' + DEPT + NLP)


@pytest.mark.parametrize(("until", "verdict"), [
    ("2026-06-22", "warn"), ("2026-07-21", "warn"), ("2026-07-22", None),
])  # fmt: skip
def test_a_fund_that_ends_within_thirty_days_is_named(
    here: Path, ledger: Ledger, until: str, verdict: str | None
) -> None:
    text = GRANT + f'until = {until}\nfallback = "DEPT"\n' + DEPT + NLP
    found = checked(here, ledger, text)
    if verdict is None:
        assert "ending funds" not in found
    else:
        assert said(found, "ending funds") == (
            "warn", f"NSF-1234 (for nlp): from {until} on DEPT pays",
        )  # fmt: skip


def test_one_that_is_succeeded_on_its_last_day_is_no_news(here: Path, ledger: Ledger) -> None:
    after = '[[teams.payers]]\nfrom = 2026-07-01\nfunds = { DEPT = "100" }\n'
    found = checked(here, ledger, GRANT + "until = 2026-07-01\n" + DEPT + NLP + after)
    assert found["funds"]["verdict"] == "ok"


def test_the_fund_of_what_names_no_team_counts_too(here: Path, ledger: Ledger) -> None:
    over = GRANT + 'until = 2026-06-01\n[billing]\nuntagged_fund = "NSF-1234"\n'
    found = checked(here, ledger, over)
    assert "NSF-1234 (for what names no team) since" in found["expired funds"]["what"]


def test_a_surcharge_on_a_class_that_nobody_is_of_is_named(here: Path, ledger: Ledger) -> None:
    text = '[[surcharges]]\nname = "VAT"\nkind = "tax"\npercent = "8"\nclasses = ["externl"]\n'
    found = checked(here, ledger, text + '[billing]\nclass = "external"\n')
    assert said(found, "surcharges") == (
        "warn", "VAT: no team is of class 'externl'; did you mean 'external'?",
    )  # fmt: skip
