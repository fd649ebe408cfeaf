"""check: claims that were changed, that came past the gate, or that are another team's."""

from pathlib import Path

import pytest

from slurm_finops.cli import checks_claims
from slurm_finops.core.runs import Run
from slurm_finops.ledger.store import Ledger
from tests.cli.test_check import findings, here, ledger, run, verdicts
from tests.fake_slurm import slurm
from tests.support import CONFIG, JUNE, TAGGED, a_config, a_run, write

__all__ = ["here", "ledger", "slurm"]
pytestmark = pytest.mark.usefixtures("slurm")
SEAL = f'{{"slurm_finops":{{"v":1,"policy":"x","user":"nlp1","tags":{TAGGED}}}}}'
TEAMS = """
[[teams]]
name = "nlp"
accounts = ["nlp"]
[[teams]]
name = "cv"
accounts = ["cv"]
"""


def gated(number: int, **fields: object) -> Run:
    """A run that the gate sealed, submitted ``number`` seconds into June."""
    return a_run(**{"job_id_raw": number, "job_id": str(number), "submit": JUNE + number,
                    "admin_comment": SEAL} | fields)  # fmt: skip


def past(number: int, **fields: object) -> Run:
    """A run without a seal."""
    return gated(number, **{"admin_comment": ""} | fields)


def mode(here: Path, name: str, more: str = "") -> None:
    a_config(here, f'{CONFIG}\n[tags]\nmode = "{name}"\n{more}')


def test_a_site_without_the_gate_is_told_of_it_and_no_more(ledger: Ledger) -> None:
    write(ledger, past(1), past(2, comment=""))
    found = findings()
    assert found["seals"]["verdict"] == "ok"
    assert "not in use (slurm-finops hook)" in found["seals"]["what"]
    assert "changed comments" not in found
    assert found["contested claims"]["what"] == "none in 2026-06"


def test_sealed_runs_are_right(ledger: Ledger) -> None:
    # what waits behind the gate's first seal is judged, what came before it is not
    write(ledger, past(1), gated(2), gated(3, comment=TAGGED.replace(",", ", ")),
          gated(4, comment=""))  # fmt: skip
    assert run("price").exit_code == 0
    found = findings()
    assert verdicts(found, "warn") == []
    assert found["seals"]["what"] == "every run since the first seal has one"
    assert found["changed comments"]["what"] == "no sealed run has another Comment than its seal"


def test_a_comment_changed_after_submission_is_named(ledger: Ledger) -> None:
    forged = '{"team":"cv","project":"llama","experiment":"run-1"}'
    write(ledger, gated(1), gated(2, comment=forged), gated(3, comment="{`team`:`cv`}"))
    found = findings()["changed comments"]
    assert found["verdict"] == "warn"
    assert found["what"] == (
        "changed after submission: 2 runs (3, 2).  They are billed by their seals"
    )
    assert found["mend"].endswith("-o JobID,User,Account,Comment,AdminComment -j 3,2")


def test_of_many_the_latest_are_named(ledger: Ledger) -> None:
    write(ledger, *(gated(i, comment="x") for i in range(1, 8)))
    assert "7 runs (the latest: 7, 6, 5, 4, 3)" in findings()["changed comments"]["what"]


def test_what_the_site_fills_in_is_no_change(ledger: Ledger, here: Path) -> None:
    mode(here, "warn", '[tags.defaults.nlp]\nteam = "nlp"\n')
    write(ledger, gated(1, comment='{"project":"llama","experiment":"run-1"}'))
    assert findings()["changed comments"]["verdict"] == "ok"


@pytest.mark.parametrize("name", ["warn", "enforce"])
def test_right_tags_without_a_seal_are_a_hole_in_every_mode(
    ledger: Ledger, here: Path, name: str
) -> None:
    mode(here, name)
    write(ledger, gated(1), past(2), past(3, comment="x"), past(4, admin_comment="JS1:abc"))
    found = findings()["seals"]
    assert found["verdict"] == "warn"
    assert found["what"].startswith(
        "right tags and no seal, submitted since the first seal: 2 runs (4, 2).  The gate seals "
        "such in every mode, so it was off or failed, or an epilog wrote over AdminComment; "
        "wrong or no tags, and so no seal: 1 run (3)"
    )
    assert "hook test" in found["mend"]


def test_wrong_tags_without_a_seal_are_as_the_mode_has_it(ledger: Ledger, here: Path) -> None:
    write(ledger, gated(1), past(2, comment=""), past(3, comment='{"team":"nlp"}'))
    mode(here, "warn")
    found = findings()["seals"]
    assert found["verdict"] == "ok"
    assert found["what"] == (
        'wrong or no tags, and so no seal: 2 runs (3, 2); mode = "warn" lets such pass'
    )
    mode(here, "enforce")
    found = findings()["seals"]
    assert found["verdict"] == "warn"
    assert 'mode = "enforce" refuses such' in found["what"]
    mode(here, "off")
    assert findings()["seals"]["verdict"] == "skip"


def test_whom_the_policy_exempts_should_have_a_seal_too(ledger: Ledger, here: Path) -> None:
    mode(here, "enforce", '[tags.exempt]\nqos = ["normal"]\n')
    write(ledger, gated(1), past(2, comment=""))
    assert "right tags and no seal" in findings()["seals"]["what"]


def test_a_run_that_has_not_ended_has_no_seal_to_miss(ledger: Ledger) -> None:
    write(ledger, gated(1), past(2, end=None, provisional=True, state="RUNNING"))
    assert findings()["seals"]["verdict"] == "ok"


def test_each_cluster_has_a_gate_of_its_own(ledger: Ledger) -> None:
    write(ledger, gated(1), past(2, cluster="beta"), past(9, cluster="beta", comment=""))
    assert findings()["seals"]["what"] == "every run since the first seal has one"


def test_a_gate_that_is_off_for_longer_than_is_looked_at_is_seen(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks_claims, "NEWEST", 3)
    write(ledger, gated(1, comment="x"), *(past(i) for i in range(2, 8)))
    found = findings()
    assert "3 of the newest 3 runs (7, 6, 5)" in found["seals"]["what"]
    assert "no sealed run of the newest 3 has" in found["changed comments"]["what"]


def test_a_contested_claim_is_named_with_both_sides(ledger: Ledger, here: Path) -> None:
    a_config(here, CONFIG + TEAMS)
    write(ledger, past(1), past(2, account="cv"), past(3, account="other"))
    assert run("price").exit_code == 0
    found = findings()["contested claims"]
    assert found["verdict"] == "warn"
    assert found["what"] == (
        "a team that they may not charge was named by 2 runs (3 by account other for team nlp, "
        "2 by account cv for team nlp) of 2026-06.  They are billed to the team of their account, "
        "if it has one"
    )
    assert "report --period 2026-06 --by tag_source,account,user" in found["mend"]
    assert findings("--period", "2026-05")["contested claims"]["verdict"] == "ok"
