"""A journal out and finance's answer back, as an administrator meets them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slurm_finops.cli import main
from slurm_finops.cli.app import App
from slurm_finops.cli.exporting_journal import STDOUT, write
from slurm_finops.errors import RefusedError
from tests.core.posting import posted
from tests.support import CONFIG, a_config

LINES = [posted(123_456), posted(2_000, "share", correction=True)]
PAYER = "FIN-2026-000007-5207a9d7810ee59a"
REVENUE = "FIN-2026-000007-609efc30a12b1059"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    a_config(tmp_path)
    return tmp_path


@pytest.fixture
def sent(site: Path) -> Path:
    write(App("finops.toml"), LINES, "2026-06", "csv", "june.csv")
    return site


def finops(*words: str) -> Result:
    return CliRunner().invoke(main, ["-c", "finops.toml", *words])


def done(*words: str) -> str:
    result = finops("import", "journal-status", *words)
    assert result.exit_code == 0, result.output
    return result.stdout


def answer(text: str) -> None:
    Path("answer.csv").write_text("external_id,status,reason,reference\n" + text)


def audit() -> list[str]:
    entries = json.loads(finops("audit", "--format", "json").stdout)["entries"]
    return [f"{one['action']}: {one['detail']}" for one in entries]


def test_a_journal_is_written_and_again_byte_for_byte(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(App("finops.toml"), LINES, "2026-06", "csv", "june.csv")
    assert capsys.readouterr().err == "2026-06: 1 entry, 4 lines, 1,254.56 USD on each side\n"
    first = Path("june.csv").read_bytes()
    for style in ("beancount", "hledger"):
        write(App("finops.toml"), LINES[::-1], "2026-06", style, f"june.{style}")
    write(App("finops.toml"), LINES[::-1], "2026-06", "csv", "again.csv")
    assert Path("again.csv").read_bytes() == first
    assert "4 lines exported before" in capsys.readouterr().err
    write(App("finops.toml"), LINES, "2026-06", "csv", STDOUT)
    assert capsys.readouterr().out.encode() == first


def test_a_draft_is_no_journal(site: Path) -> None:
    with pytest.raises(RefusedError, match="2026-06 is not closed: finance books what stands"):
        write(App("finops.toml"), [posted(5, statement="")], "2026-06", "csv", "june.csv")
    assert not Path("june.csv").exists()


def test_what_is_not_as_it_was_exported_is_not_written_and_other_accounts_are_told(
    sent: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = Path("june.csv").read_bytes()
    with pytest.raises(RefusedError, match="is not what was exported before"):
        write(App("finops.toml"), [posted(123_457), LINES[1]], "2026-06", "csv", "june.csv")
    assert Path("june.csv").read_bytes() == before
    a_config(sent, CONFIG + '[journal]\nrevenue = "4000"\n')
    write(App("finops.toml"), LINES, "2026-06", "csv", "june.csv")
    assert "warning: 1 line went out on other accounts before (Revenue)" in capsys.readouterr().err


def test_an_answer_is_stored_and_again_changes_nothing(sent: Path) -> None:
    answer(f"{PAYER},rejected,fund is closed,J-17\n{REVENUE},accepted,,J-17\n")
    lines = done("answer.csv", "--dry-run").splitlines()
    assert [" ".join(line.split()) for line in lines] == [
        "answer.csv: 2 new answers; nothing was changed (--dry-run)",
        "status lines debit USD credit USD",
        "accepted 1 0.00 1,234.56",
        "rejected 1 1,234.56 0.00",
        "",
        "rejected statement fund or account reason USD",
        f"{PAYER} FIN-2026-000007 grant fund is closed 1,234.56",
    ]  # fmt: skip
    assert len(audit()) == 1
    assert done("answer.csv").startswith("answer.csv: 2 new answers\n")
    assert audit()[1].startswith("import journal-status: answer.csv (SHA-256 ")
    assert audit()[1].endswith(f"): 1 accepted, 1 rejected: {PAYER}: 'fund is closed'")
    assert done("answer.csv").startswith("answer.csv: 0 new answers, 2 as before\n")
    assert len(audit()) == 2


def test_an_answer_for_programs(sent: Path) -> None:
    answer(f"{PAYER},rejected,fund is closed,J-17\n{REVENUE},accepted,,J-17\n")
    found = json.loads(done("answer.csv", "--format", "json"))
    assert found["rejected_lines"] == [{
        "external_id": PAYER, "period": "2026-06", "statement": "FIN-2026-000007", "entity": "uni",
        "account": "4711-00", "fund": "grant", "team": "nlp", "project": "llama",
        "cost_center": "CC-1", "amount": "1234.56", "reason": "fund is closed",
        "reference": "J-17",
    }]  # fmt: skip
    assert found["accepted"] == {"lines": 1, "debit": "0.00", "credit": "1234.56"}
    assert (found["new"], found["unchanged"], found["dry_run"]) == (2, 0, False)


@pytest.mark.parametrize(("text", "said"), [
    (f"{PAYER},accepted,,\nFIN-9,accepted,,\n", "answer.csv line 3: external_id: no line 'FIN-9'"),
    (f"{PAYER},accepted,,\n{PAYER},rejected,no,\n", "answer.csv line 3: answer.csv line 2 says"),
    (f"{PAYER},accepted,,\n{REVENUE},acc", "answer.csv line 3: 2 fields, but the header has 4"),
    ("", "answer.csv has no answer: there is no row under the header"),
])  # fmt: skip
def test_what_is_refused_stores_nothing(sent: Path, text: str, said: str) -> None:
    answer(text)
    for words in (["--dry-run"], []):
        result = finops("import", "journal-status", "answer.csv", *words)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith(f"error: {said}")
    assert len(audit()) == 1


def test_an_answer_to_nothing_makes_no_ledger(site: Path) -> None:
    answer(f"{PAYER},accepted,,\n")
    result = finops("import", "journal-status", "answer.csv")
    assert result.exit_code == 2
    assert "is not there yet" in result.stderr
    assert not (site / "ledger.db").exists()


def test_the_group_is_found_and_slips_are_told() -> None:
    assert "journal-status" in finops("import", "--help").stdout
    assert "Did you mean 'import'?" in finops("imprt").stderr
