"""retag add, list and undo, as an administrator meets them."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slurm_finops.cli import main
from tests.ledger.giving import ran
from tests.support import CONFIG, a_config, a_ledger, write

PAGE = Path(__file__).parents[2] / "docs" / "retag.md"
NOW = 1_783_000_000  # 2026-07-02
DAY, HOUR = 86_400, 3600
WHY = ("--reason", "typed the wrong one")
SITE = """
[tags]
required = ["team", "project"]
registry = true

[[teams]]
name = "nlp"
cost_center = "4100"
projects = [{ name = "llama" }, { name = "bert" }]

[[teams]]
name = "cv"
cost_center = "4200"
projects = [{ name = "segmenter" }]
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ledger of five priced runs, and a clock that stands."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("slurm_finops.cli.retag.now", lambda: NOW)
    monkeypatch.setenv("SUDO_USER", "ops")
    a_config(tmp_path, CONFIG + SITE)
    ledger = a_ledger(tmp_path / "ledger.db")
    write(
        ledger, ran(4711, 0, HOUR), ran(4711, 2 * HOUR, 2 * HOUR),
        ran(4722, DAY, HOUR, job_id="4721_1", job_name="sweep-1", comment='{"team":"nlp"}'),
        ran(4721, DAY, HOUR, job_id="4721_2", job_name="sweep-2", comment='{"team":"nlp"}'),
        ran(4730, 2 * DAY, HOUR, user="cv1", account="cv",
            comment='{"team":"cv","project":"segmenter"}'),
    )  # fmt: skip
    ledger.close()
    assert finops("price").exit_code == 0
    return tmp_path


def finops(*words: str) -> Result:
    return CliRunner().invoke(main, ["-c", "finops.toml", *words])


def done(*words: str) -> str:
    result = finops("retag", *words)
    assert result.exit_code == 0, result.output
    return result.stdout


def noted(*words: str) -> str:
    result = finops("retag", *words)
    assert result.exit_code == 0, result.output
    return result.stderr


def refused(*words: str) -> str:
    result = finops("retag", *words)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    return result.stderr


def content() -> str:
    db = sqlite3.connect("ledger.db")
    return "\n".join(db.iterdump())


RULE = ("--match", "team=nlp", "--match", "project=-", "--from", "2026-06-01", "--until",
        "2026-07-01", "--set", "project=bert", "--reason", "nobody named it", "--ticket",
        "OPS-21", "--approver", "pi")  # fmt: skip


def test_the_page_shows_what_is_said(site: Path, golden: Callable[[str, str], None]) -> None:
    added = done("add", *RULE)
    moved = done("add", "--run", "4711", "--set", "team=cv", "--set", "project=segmenter",
                 "--ticket", "OPS-22", *WHY)  # fmt: skip
    listed = done("list")
    assert finops("price").stdout == (
        "0 runs priced, 4 priced again: billed 39.20 USD as before\n"
    )
    told = finops("report", "--explain", "4721_1").stdout.splitlines()[:4]
    undone = done("undo", "2", "--reason", "it was theirs after all")
    golden("retags.txt", "\n".join((added, moved, *told, "", undone, done("list", "--all"))))
    page = PAGE.read_text()
    for text in (added, listed, "\n".join(told), undone):
        assert text in page, f"docs/retag.md: {text}"


def test_a_dry_run_changes_nothing_and_refuses_what_adding_would(site: Path) -> None:
    before = content()
    said = done("add", *RULE, "--dry-run")
    assert content() == before
    added = done("add", *RULE)
    assert said == added.replace("retag 1:", "would set").replace(
        "then: slurm-finops price", "nothing was changed (--dry-run)"
    )
    assert "retag 1 (project=bert for runs" in refused("add", *RULE, "--dry-run")
    before = content()
    assert "nothing was changed (--dry-run)" in done("undo", "1", "--reason", "x", "--dry-run")
    assert content() == before


def test_what_programs_are_told(site: Path) -> None:
    assert json.loads(done("add", *RULE, "--dry-run", "--format", "json"))["retag"]["id"] is None
    answer = json.loads(done("add", *RULE, "--format", "json"))
    (listed,) = json.loads(done("list", "--format", "json"))["retags"]
    assert listed == answer["retag"] == {
        "id": 1, "kind": "rule", "cluster": None, "job_id": None, "user": None, "submit": None,
        "match": {"project": None, "team": "nlp"}, "from": "2026-06-01T00:00:00+00:00",
        "until": "2026-07-01T00:00:00+00:00", "set": {"project": "bert"},
        "reason": "nobody named it", "ticket": "OPS-21", "approver": "pi",
        "at": "2026-07-02T13:46:40+00:00", "by": "ops", "undone": None,
    }  # fmt: skip
    assert (answer["runs"], answer["same"], answer["unpriced"]) == (2, 0, 0)
    owner = {"team": "nlp", "project": None, "cost_center": "4100"}
    assert answer["moves"] == [{
        "from": owner, "to": owner | {"project": "bert"}, "runs": 2, "gpu_seconds": 4 * HOUR,
        "billed": "15.68",
    }]  # fmt: skip


def test_a_report_says_which_runs_were_retagged(site: Path) -> None:
    done("add", *RULE)
    finops("price")
    rows = json.loads(
        finops("report", "--period", "2026-06", "--by", "tag_source", "--format", "json").stdout
    )["rows"]
    assert [(row["tag_source"], row["runs"]) for row in rows] == [("comment", 3), ("retag", 2)]
    (run,) = json.loads(finops("report", "--explain", "4721_1", "--format", "json").stdout)["runs"]
    assert run["tag_source"] == "retag"
    assert run["retags"] == [
        "retag 1: project=bert for runs with project=-, team=nlp, started 2026-06-01 to "
        "2026-07-01; nobody named it (ops, 2026-07-02, OPS-21, approved by pi)"
    ]


def test_what_is_undone_is_said_and_listed_with_all(site: Path) -> None:
    done("add", *RULE)
    assert "retag 1 undone: project=bert for runs" in done("undo", "1", "--reason", "wrong")
    assert done("list") == "no retag is in force: slurm-finops retag add makes one\n"
    (one,) = json.loads(done("list", "--all", "--format", "json"))["retags"]
    assert one["undone"] == {
        "at": "2026-07-02T13:46:40+00:00", "by": "ops", "reason": "wrong",
    }  # fmt: skip
    assert "retag 1 is undone already" in refused("undo", "1", "--reason", "x")
    assert "there is no retag 2" in refused("undo", "2", "--reason", "x")
    assert "it is empty" in refused("undo", "1", "--reason", " ")


@pytest.mark.parametrize(("words", "said"), [
    ("--set team=nlp", "give one of the two"),
    ("--run 4711 --match user=x --set team=nlp", "give one of the two"),
    ("--run 4711 --from 2026-06-01 --set team=nlp", "--from and --until are for --match"),
    ("--match user=x --submit 2026-06-01 --set team=nlp", "--submit is for --run"),
    ("--match user=x --from 2026-06-02 --until 2026-06-02 --set team=nlp", "no run starts then"),
    ("--match user=x --from june --set team=nlp", "'--from': 'june' is no time"),
    ("--match user --set team=nlp", "'user' is not KEY=VALUE"),
    ("--match acount=x --set team=nlp", "'acount' is none of its keys; did you mean 'account'?"),
    ("--match zz=x --set team=nlp", "expected account, user, partition, qos, wckey, name, team"),
    ("--match user=x --match user=y --set team=nlp", "user is given twice"),
    ("--match user=x", "nothing is set"),
    ("--match user=x --set projct=y", "did you mean 'project'?"),
    ("--match user=x --set project=", "--clear project takes it away"),
    ("--match user=x --set team=nlp --clear team", "'--clear': team is set or cleared twice"),
    ("--match user=x --set team=npl", 'unknown team "npl"; did you mean "nlp"?'),
    ("--match team=cv --set project=segmentr", 'did you mean "segmenter"?'),
    ("--match name=* --set project=bert", 'of team cv, unknown project "bert"; known: segmenter'),
    ("--match user=x --set model=a\x07b", "holds a control character"),
    (f"--match user=x --set model={'m' * 65}", "is 65 bytes long; at most 64"),
    ("--match user=x --cluster alhpa --set team=nlp", "the nearest is 'alpha'"),
    ("--run 4712 --set team=nlp", "has no run 4712 of alpha; the nearest there: 4711"),
    ("--run 4711 --submit 2026-06-07 --set team=nlp", "--submit may be 2026-06-01T00:00"),
])  # fmt: skip
def test_a_slip_is_named_with_the_next_step_and_nothing_is_changed(
    site: Path, words: str, said: str
) -> None:
    before = content()
    assert said in refused("add", *words.split(), *WHY)
    assert content() == before


def test_what_a_person_should_know_is_noted(site: Path) -> None:
    assert noted("add", "--match", "account=nlpp", "--set", "team=nlp", *WHY) == (
        "warning: no run ever had account=nlpp (the nearest is 'nlp' of 2)\n"
        "warning: it is for no run that is collected; one that is collected later will be\n"
    )
    late = ("--match", "team=nlp", "--until", "2027-01-01", "--set", "team=cv", *WHY)
    assert noted("add", *late, "--dry-run") == (
        'note: 2 runs will still be wrong: "project" is missing\n'
        'note: 2 runs will still be wrong: unknown project "llama"; known: segmenter\n'
        "note: --until is still to come: what starts up to then is retagged, too\n"
    )
    write(a_ledger("ledger.db"), ran(4800, 0, HOUR))
    assert noted("add", "--run", "4800", "--set", "project=bert", *WHY) == (
        "note: 1 run of them was never priced\n"
    )


def test_runs_that_have_the_tags_already_are_counted(site: Path) -> None:
    said = done("add", "--match", "user=nlp1", "--set", "project=llama", *WHY)
    assert "2 runs that it is for are tagged so already" in said
    same = done("add", "--match", "user=cv1", "--set", "team=cv", *WHY)
    assert same.splitlines()[1:3] == [
        "1 run that it is for is tagged so already", "no run moves",
    ]  # fmt: skip


def test_a_team_that_an_account_may_not_charge_can_be_set(site: Path) -> None:
    text = Path("finops.toml").read_text()
    Path("finops.toml").write_text(text.replace('name = "cv"', 'name = "cv"\naccounts = ["cv"]'))
    done("add", "--run", "4711", "--set", "team=cv", "--set", "project=segmenter", *WHY)
    finops("price")
    told = finops("report", "--period", "2026-06", "--by", "team,cost_center", "--format", "json")
    owners = [(row["team"], row["cost_center"]) for row in json.loads(told.stdout)["rows"]]
    assert owners == [("cv", "4200"), ("nlp", "4100")]


def test_long_and_hostile_words_stay_on_their_line(site: Path) -> None:
    done("add", "--run", "4711", "--set", "project=bert", "--reason", "a\nb\x1b[31m" + "x" * 90,
         "--approver", "me\udcff")  # fmt: skip
    for words in (("retag", "list"), ("audit",), ("report", "--explain", "4711")):
        finops("price")
        said = finops(*words).stdout
        assert "\x1b" not in said
        assert "a\nb" not in said


def test_without_a_ledger_none_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    a_config(tmp_path)
    for words in (("add", "--run", "1", "--set", "team=x", *WHY), ("list",),
                  ("undo", "1", "--reason", "x")):  # fmt: skip
        assert "is not there yet: slurm-finops collect makes it" in refused(*words)
    assert [path.name for path in tmp_path.iterdir()] == ["finops.toml"]
