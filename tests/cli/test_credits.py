"""credits add, list and revoke, as an administrator meets them."""

import json
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slurm_finops.cli import main
from tests.ledger.giving import ran
from tests.support import JUNE, a_config, a_ledger, write

PAGE = Path(__file__).parents[2] / "docs" / "credits.md"
NOW = 1_783_000_000  # 2026-07-02
GPUS = "gres/gpu:h100=8,gres/gpu=8"
WHY = ("--reason", "disk full", "--approver", "pi@example.org")
OUTAGE = ("--nodes", "gpu[01-04]", "--from", "2026-06-03T08:00", "--until", "2026-06-03T14:00",
          "--reason", "cooling failed", "--ticket", "OPS-17", "--approver",
          "pi@example.org")  # fmt: skip
DAY, HOUR = 86_400, 3600


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ledger of seven runs, and a clock that stands."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("slurm_finops.cli.credits.now", lambda: NOW)
    monkeypatch.setenv("SUDO_USER", "ops")
    a_config(tmp_path)
    ledger = a_ledger(tmp_path / "ledger.db")
    eight = 2 * DAY + 6 * HOUR
    write(
        ledger, ran(4711, 0, HOUR, state="NODE_FAIL"), ran(4711, 2 * HOUR, 2 * HOUR),
        ran(4720, 2 * DAY, DAY, node_list="gpu[02-05]", alloc_tres=GPUS, user="cv1"),
        ran(4722, eight, 3 * HOUR, node_list="gpu01", job_id="4721_1"),
        ran(4721, eight + 4 * HOUR, HOUR, node_list="gpu01", job_id="4721_2"),
        ran(4725, eight, HOUR, node_list="gpu05"), ran(9, cluster="beta"),
    )  # fmt: skip
    ledger.close()
    return tmp_path


def finops(*words: str) -> Result:
    return CliRunner().invoke(main, ["-c", "finops.toml", *words])


def done(*words: str) -> str:
    result = finops("credits", *words)
    assert result.exit_code == 0, result.output
    return result.stdout


def noted(*words: str) -> str:
    result = finops("credits", *words)
    assert result.exit_code == 0, result.output
    return result.stderr


def refused(*words: str) -> str:
    result = finops("credits", *words)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    return result.stderr


def content() -> str:
    db = sqlite3.connect("ledger.db")
    return "\n".join(db.iterdump())


ADDED = """\
credit 1: 1/2 of gpu[01-04] of alpha, 2026-06-03T08:00:00+00:00 to 2026-06-03T14:00:00+00:00
run     user  from                       until                      GPUs  GPU-hours
4720    cv1   2026-06-03T08:00:00+00:00  2026-06-03T14:00:00+00:00     8       48.0
4721_1  nlp1  2026-06-03T08:00:00+00:00  2026-06-03T09:00:00+00:00     2        2.0
4721_2  nlp1  2026-06-03T10:00:00+00:00  2026-06-03T11:00:00+00:00     2        2.0
3 runs: 26.0 of 52.0 GPU-hours forgiven
then: slurm-finops price
"""


def test_an_outage_is_told_with_its_runs_and_what_of_them_is_forgiven(site: Path) -> None:
    assert done("add", *OUTAGE, "--part", "1/2") == ADDED


def test_the_page_shows_what_is_said(site: Path, golden: Callable[[str, str], None]) -> None:
    added = done("add", *OUTAGE, "--part", "1/2")
    done("add", "--run", "4711", "--submit", "2026-06-01", *WHY)
    done("add", "--run", "4721_1", "--from", "2026-06-03T07:00", *WHY)
    done("revoke", "3", "--reason", "another rack")
    listed = done("list")
    golden("credits.txt", f"{listed}\n{done('list', '--all')}")
    page = PAGE.read_text()
    assert added in page, "docs/credits.md: what add says"
    assert listed in page, "docs/credits.md: what list says"


def test_what_programs_are_told_of_a_credit(site: Path) -> None:
    answer = json.loads(done("add", *OUTAGE, "--part", "0.5", "--format", "json"))
    assert (answer["gpu_seconds"], answer["forgiven_gpu_seconds"]) == (52 * HOUR, 26 * HOUR)
    assert answer["dry_run"] is False
    assert answer["runs"][1] == {
        "job_id": "4721_1", "user": "nlp1", "submit": "2026-06-03T06:00:00+00:00",
        "from": "2026-06-03T08:00:00+00:00", "until": "2026-06-03T09:00:00+00:00", "gpus": 2,
        "gpu_seconds": 2 * HOUR,
    }  # fmt: skip
    (listed,) = json.loads(done("list", "--format", "json"))["credits"]
    assert listed == answer["credit"] == {
        "id": 1, "kind": "outage", "cluster": "alpha", "job_id": None, "user": None,
        "submit": None, "nodes": "gpu[01-04]", "from": "2026-06-03T08:00:00+00:00",
        "until": "2026-06-03T14:00:00+00:00", "part": "1/2", "reason": "cooling failed",
        "ticket": "OPS-17", "approver": "pi@example.org", "at": "2026-07-02T13:46:40+00:00",
        "by": "ops", "revoked": None,
    }  # fmt: skip


def test_of_a_requeued_job_all_runs_are_credited_unless_one_is_named(site: Path) -> None:
    result = finops("credits", "add", "--run", "4711", *WHY, "--dry-run")
    assert "2 runs: 6.0 of 6.0 GPU-hours forgiven" in result.stdout
    assert result.stderr == (
        "note: it was submitted 2 times (2026-06-01T00:00:00+00:00, 2026-06-01T02:00:00+00:00); "
        "--submit credits what ran of one alone\n"
    )
    one = finops("credits", "add", "--run", "4711", "--submit", "2026-06-01T02:00", *WHY)
    assert "1 run: 4.0 of 4.0 GPU-hours forgiven" in one.stdout
    assert one.stderr == ""


def test_a_later_credit_forgives_its_part_of_what_the_first_left(site: Path) -> None:
    done("add", "--run", "4720", "--part", "50%", *WHY)
    result = finops("credits", "add", *OUTAGE, "--part", "1/4", "--dry-run")
    # a quarter of half of 48, and of 4
    assert "3 runs: 7.0 of 52.0 GPU-hours forgiven" in result.stdout
    assert "note: credits given before forgive some of this time" in result.stderr


def test_a_dry_run_changes_nothing_and_refuses_what_adding_would(site: Path) -> None:
    before = content()
    said = done("add", *OUTAGE, "--part", "1/2", "--dry-run")
    assert said == ADDED.replace("credit 1:", "would credit").replace(
        "then: slurm-finops price", "nothing was changed (--dry-run)"
    )
    answer = json.loads(done("add", *OUTAGE, "--dry-run", "--format", "json"))
    assert (answer["dry_run"], answer["credit"]["id"]) == (True, None)
    assert content() == before
    done("add", *OUTAGE)
    assert "forgives the same already" in refused("add", *OUTAGE, "--dry-run")


def test_the_same_again_is_refused_with_the_number_of_the_first(site: Path) -> None:
    done("add", "--run", "4720", *WHY)
    before = content()
    assert refused("add", "--run", "4720", *WHY) == (
        "error: credit 1 (all of run 4720 of alpha) forgives the same already.  Nothing was "
        "changed; --again adds another, which forgives its part of what the first leaves\n"
    )
    assert content() == before
    assert done("add", "--run", "4720", *WHY, "--again").startswith("credit 2: ")


def test_what_is_revoked_is_said_and_listed_with_all(site: Path) -> None:
    done("add", "--run", "4720", *WHY)
    assert done("revoke", "1", "--reason", "the wrong job") == (
        "credit 1 revoked: all of run 4720 of alpha\nthen: slurm-finops price\n"
    )
    assert done("list") == "no credit is in force: slurm-finops credits add gives one\n"
    (one,) = json.loads(done("list", "--all", "--format", "json"))["credits"]
    assert one["revoked"] == {
        "at": "2026-07-02T13:46:40+00:00", "by": "ops", "reason": "the wrong job",
    }  # fmt: skip
    assert "credit 1 is revoked already" in refused("revoke", "1", "--reason", "x")
    assert "there is no credit 2" in refused("revoke", "2", "--reason", "x")
    assert "it is empty" in refused("revoke", "1", "--reason", " ")


@pytest.mark.parametrize(("words", "said"), [
    ("", "give one of the two"),
    ("--run 4711 --nodes n1", "give one of the two"),
    ("--nodes n1", "--nodes needs --from and --until"),
    ("--nodes n1 --from 2026-06-01", "--nodes needs --from and --until"),
    ("--nodes n1 --from 2026-06-01 --until 2026-06-02 --submit 2026-06-01", "is for --run"),
    ("--nodes n[1 --from 2026-06-01 --until 2026-06-02", "no ] closes the [ at character 2"),
    ("--nodes , --from 2026-06-01 --until 2026-06-02", "'--nodes': it names no node"),
    ("--nodes n1 --from 2026-06-02 --until 2026-06-01", "--until 2026-06-01 is not after --from"),
    ("--nodes n1 --from 2026-06-01 --until 2026-06-01T00:00Z", "the window is empty"),
    ("--nodes n1 --from june --until 2026-06-02", "'--from': 'june' is no time such as"),
    ("--nodes n1 --from 2026-06-01 --until 2026-06-02 --cluster alhpa", "the nearest is 'alpha'"),
    ("--run 4711 --part 3/2", "'--part': '3/2' is no part above 0 and up to 1"),
    ("--run 4711 --part 0", "no part"), ("--run 4711 --part 0/3", "no part"),
    ("--run 4711 --part 1/0", "no part"), ("--run 4711 --part 101%", "no part"),
    ("--run 4711 --part -1/2", "no part"), ("--run 4711 --part 1e-3", "no part"),
    ("--run 4711 --part half", "no part"),
    ("--run 4711 --submit 2026-06-07", "--submit may be 2026-06-01T00:00:00+00:00, 2026"),
    ("--run 4712", "has no run 4712 of alpha; the nearest there: 4711, 4720"),
    ("--run 9", "there is one of beta: --cluster beta"),
    ("--run 4722", "Slurm keeps 4721_1 under that number"),
])  # fmt: skip
def test_a_slip_is_named_with_the_next_step_and_nothing_is_changed(
    site: Path, words: str, said: str
) -> None:
    before = content()
    assert said in refused("add", *words.split(), *WHY)
    assert content() == before


def test_why_and_by_whom_are_needed(site: Path) -> None:
    run = ("--run", "4711")
    assert "Missing option '--reason'" in refused("add", *run, "--approver", "x")
    assert "Missing option '--approver'" in refused("add", *run, "--reason", "x")
    assert "'--approver': it is empty" in refused("add", *run, "--reason", "x", "--approver", " ")


@pytest.mark.parametrize(("part", "shown"), [
    ("1", "1/1"), ("2/4", "1/2"), ("0.25", "1/4"), ("12.5%", "1/8"), ("100%", "1/1"),
    ("333333333/999999999", "1/3"),
])  # fmt: skip
def test_a_part_is_kept_in_lowest_terms(site: Path, part: str, shown: str) -> None:
    answer = json.loads(done("add", "--run", "4720", "--part", part, *WHY, "--format", "json"))
    assert answer["credit"]["part"] == shown


def test_nodes_that_nobody_ran_on_are_warned_of(site: Path) -> None:
    odd = ("--nodes", "gpu[04,06-12]", *OUTAGE[2:])
    assert noted("add", *odd) == (
        "warning: no run of alpha was ever on gpu06, gpu07, gpu08, gpu09, gpu10 and 2 more: is "
        "the name right?\n"
    )
    nobody = noted("add", "--nodes", "gpu77", *OUTAGE[2:])
    assert "was ever on gpu77" in nobody
    assert "no run was on these nodes in that time, so nothing is forgiven; one that is" in nobody


def test_nodes_that_were_collected_and_never_used_are_known(site: Path) -> None:
    db = sqlite3.connect("ledger.db")
    db.execute("INSERT INTO node_capacity VALUES (1, 'gpu77', 'node', 1, NULL, 1, 'main')")
    db.commit()
    assert "ever on" not in noted("add", "--nodes", "gpu77", *OUTAGE[2:])


def test_a_time_that_is_still_to_come_and_a_run_that_goes_on_are_noted(site: Path) -> None:
    write(a_ledger("ledger.db"), ran(4730, 0, HOUR, provisional=True, node_list="gpu30"))
    until = ("--from", "2026-06-01", "--until", "2027-01-01")
    noticed = noted("add", "--nodes", "gpu30", *until, *WHY)
    assert "note: 1 run had not ended when collected: what more is used" in noticed
    assert "note: --until is still to come" in noticed
    late = noted("add", "--run", "4720", "--from", "2026-07-01", *WHY)
    assert late == "warning: no run of it held anything in that time, so nothing is forgiven\n"


def test_times_are_of_the_billing_zone_unless_they_say_otherwise(site: Path) -> None:
    Path("finops.toml").write_text(
        Path("finops.toml").read_text().replace('"UTC"', '"Asia/Tokyo"')
    )
    db = sqlite3.connect("ledger.db")
    db.execute("UPDATE settings SET value = 'Asia/Tokyo' WHERE key = 'timezone'")
    db.commit()
    words = ("add", "--nodes", "gpu01", "--from", "2026-06-03", *WHY, "--format", "json")
    credit = json.loads(done(*words, "--until", "2026-06-03T14:00Z"))["credit"]
    assert credit["from"] == "2026-06-03T00:00:00+09:00"
    assert credit["until"] == "2026-06-03T23:00:00+09:00"


def test_long_and_hostile_words_stay_on_their_line(site: Path) -> None:
    done("add", "--run", "4720", "--reason", "a\nb\x1b[31m" + "x" * 90, "--approver", "me\udcff")
    head, row = done("list").splitlines()
    assert "\x1b" not in row
    assert "…" in row
    assert len(re.split(r"  +", row)) == len(re.split(r"  +", head))
    (one,) = json.loads(done("list", "--format", "json"))["credits"]
    assert one["reason"].endswith("x" * 90)


def test_many_runs_are_counted_and_the_first_listed(site: Path) -> None:
    write(a_ledger("ledger.db"), *(ran(8000 + i, i, 60, node_list="n1") for i in range(25)))
    said = done("add", "--nodes", "n1", "--from", "2026-06-01", "--until", "2026-06-01T00:00:24",
                *WHY).splitlines()  # fmt: skip
    # of 25 one begins when it is over; 4711 and its second run were on n1, too
    assert said[-3:-1] == ["and 5 more: --format json has all", "25 runs: 0.2 of 0.2 GPU-hours "
                           "forgiven"]  # fmt: skip


def test_without_a_ledger_none_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    a_config(tmp_path)
    for words in (("add", "--run", "1", *WHY), ("list",), ("revoke", "1", "--reason", "x")):
        assert "is not there yet: slurm-finops collect makes it" in refused(*words)
    assert [path.name for path in tmp_path.iterdir()] == ["finops.toml"]


def test_suspended_time_is_forgiven_where_it_is_charged(site: Path) -> None:
    write(a_ledger("ledger.db"), ran(5000, 0, HOUR, suspended=HOUR))
    assert "1 run: 2.0 of 2.0 GPU-hours" in done("add", "--run", "5000", *WHY, "--dry-run")
    with Path("finops.toml").open("a") as config:
        config.write('[billing]\nsuspended = "charge"\n')
    assert "1 run: 4.0 of 4.0 GPU-hours" in done("add", "--run", "5000", *WHY, "--dry-run")


def test_a_ledger_without_credits_says_how_one_is_given(site: Path) -> None:
    assert done("list", "--all") == "no credit was ever given: slurm-finops credits add gives one\n"
    assert JUNE < NOW


def test_giving_and_revoking_are_in_the_audit(site: Path) -> None:
    done("add", "--run", "4720", *WHY)
    done("revoke", "1", "--reason", "the wrong one")
    entries = json.loads(finops("audit", "--action", "credits", "--format", "json").stdout)
    assert [(one["action"], one["by"], one["detail"]) for one in entries["entries"]] == [
        ("credits add", "ops", "1: all of run 4720 of alpha; disk full; approved by "
         "pi@example.org"),
        ("credits revoke", "ops", "1: all of run 4720 of alpha; the wrong one"),
    ]  # fmt: skip
