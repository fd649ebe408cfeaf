"""collect reservations, and what they cost who held them: live and from saved files."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slurm_finops.cli import main
from tests.fake_slurm import NODE, FakeSlurm, no_slurm, slurm
from tests.support import CONFIG, JUNE, a_config, record, saved

__all__ = ["no_slurm", "slurm"]
DOCS = Path(__file__).parents[2] / "docs" / "pools.md"
HOUR, DAY = 3600, 86_400
JULY = JUNE + 30 * DAY
#: as docs/pools.md has it
RULE = """
[[reservations]]
name  = "idle-reservations"
match = { name = "course-*" }
share = "1/2"
[[teams]]
name     = "nlp"
accounts = ["nlp"]
[[teams]]
name     = "cv"
accounts = ["cv"]
"""
NINE = JUNE + 9 * DAY + 9 * HOUR
ASSOC = "3|alpha|nlp|\n5|alpha|cv|\n6|alpha|cv|bob\n"
COURSE = f"alpha|7|{NINE}|{NINE + 4 * HOUR}|cpu=64|SPEC_NODES|n1|3,6|course-a\n"
#: four of the node's eight GPUs for two of the four hours
RUN = record(
    Account="nlp", Reservation="course-a", Submit=NINE, Start=NINE + HOUR, End=NINE + 3 * HOUR,
    ElapsedRaw=2 * HOUR, AllocTRES="cpu=8,gres/gpu:h100=4,gres/gpu=4,node=1",
)  # fmt: skip


def ask(path: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["-c", str(path), *words])


def ok(path: Path, *words: str) -> str:
    done = ask(path, *words)
    assert done.exit_code == 0, done.output
    return done.stdout


def file(folder: Path, *lines: str, at: int = JULY, assoc: str = ASSOC) -> str:
    path = folder / "reservations.txt"
    path.write_text(f"{at}\n{assoc}\n{''.join(lines)}")
    return str(path)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = a_config(tmp_path, CONFIG + RULE)
    (tmp_path / "june.txt").write_text(saved(RUN))
    ok(path, "collect", "sacct", "--file", str(tmp_path / "june.txt"))
    (tmp_path / "nodes.txt").write_text(f"{JUNE}\n{NODE}\n")
    ok(path, "collect", "nodes", "--file-nodes", str(tmp_path / "nodes.txt"))
    return path


def costs(path: Path, *by: str) -> dict[tuple[str, ...], str]:
    found = json.loads(
        ok(path, "report", "--period", "2026-06", "--by", ",".join(by), "--format", "json")
    )
    return {tuple(row[name] for name in by): row["effective_cost"] for row in found["rows"]}


def test_the_example_of_the_docs(site: Path, tmp_path: Path) -> None:
    said = ok(site, "collect", "reservations", "--file", file(tmp_path, COURSE))
    assert said == "1 reservation: 1 new, 0 changed\n"
    ok(site, "price")
    assert costs(site, "team", "category") == {
        ("nlp", "usage"): "31.36", ("nlp", "unused"): "23.52", ("cv", "unused"): "23.52",
    }  # fmt: skip
    assert ("idle-reservations",) in costs(site, "origin")
    docs = DOCS.read_text()
    assert RULE.split("[[teams]]")[0].strip() in docs
    assert "8 × 4 − 4 × 2 = 24" in docs
    assert "24 × 3.92 × ½ = 47.04" in docs
    assert "23.52 each" in docs


def test_the_same_answer_again_changes_nothing_and_another_is_allocated_anew(
    site: Path, tmp_path: Path
) -> None:
    ok(site, "collect", "reservations", "--file", file(tmp_path, COURSE, at=NINE + HOUR))
    ok(site, "price")
    # it was seen for an hour
    assert costs(site, "category")["unused",] == "15.68"
    said = ok(site, "collect", "reservations", "--file", file(tmp_path, COURSE), "--format", "json")
    assert json.loads(said) == {
        "reservations": 1, "new": 0, "changed": 0, "unknown_holders": 0, "problems": 0,
    }  # fmt: skip
    assert "days of pools and lines shared" in ok(site, "price")
    assert costs(site, "category")["unused",] == "47.04"
    ok(site, "collect", "reservations", "--file", file(tmp_path, COURSE))
    assert "shared" not in ok(site, "price")


def test_nodes_that_are_told_later_allocate_its_days_again(site: Path, tmp_path: Path) -> None:
    ok(site, "collect", "reservations", "--file", file(tmp_path, COURSE))
    ok(site, "price")
    (tmp_path / "nodes.txt").write_text(f"{NINE + 3 * HOUR}\n{NODE.replace(':8', ':4')}\n")
    ok(site, "collect", "nodes", "--file-nodes", str(tmp_path / "nodes.txt"))
    ok(site, "price")
    assert costs(site, "category")["unused",] == "39.20"


def test_what_cannot_be_read_is_kept_and_who_is_unknown_is_said(
    site: Path, tmp_path: Path
) -> None:
    odd = COURSE.replace("|3,6|", "|3,9|").replace("|7|", "|8|")
    said = ok(site, "collect", "reservations", "--file", file(tmp_path, odd, "alpha|x\n"))
    assert "note: 1 holder of reservations not in accounting any more" in said
    assert "warning: 1 record could not be read" in said
    assert "2 fields; expected 9" in ok(site, "problems")


@pytest.mark.parametrize("text, said", [
    (COURSE, "expected the time at which it was saved"),
    (f"{JULY}\n{COURSE}", "no empty line between associations and reservations"),
    (f"{JULY}\n{ASSOC}\nslurmdbd: error\n", "no reservation in it; the first line: 1 fields"),
    (f"99999999999\n{ASSOC}\n{COURSE}", "in the future"),
])  # fmt: skip
def test_a_file_that_is_none_writes_nothing(tmp_path: Path, text: str, said: str) -> None:
    path = a_config(tmp_path, CONFIG + RULE)
    (tmp_path / "r.txt").write_text(text)
    done = ask(path, "collect", "reservations", "--file", str(tmp_path / "r.txt"))
    assert (done.exit_code, said in done.stderr) == (2, True), done.stderr
    assert "collect nodes" not in done.stderr
    assert not (tmp_path / "ledger.db").exists()


def test_a_site_without_reservations_has_a_file_of_none(site: Path, tmp_path: Path) -> None:
    said = ok(site, "collect", "reservations", "--file", file(tmp_path))
    assert said == "0 reservations: 0 new, 0 changed\n"


def test_the_command_that_saves_is_printed(site: Path) -> None:
    said = ok(site, "collect", "reservations", "--print-command")
    assert said.startswith("{ date +%s; TZ=UTC SLURM_TIME_FORMAT=%s sacctmgr -nP show assoc")
    assert said.endswith("Associations,Name; } > reservations.txt\n")
    assert said.count("cluster=alpha") == 2


def test_price_says_what_to_run_where_nodes_were_never_collected(tmp_path: Path) -> None:
    path = a_config(tmp_path, CONFIG + RULE)
    (tmp_path / "june.txt").write_text(saved(RUN))
    ok(path, "collect", "sacct", "--file", str(tmp_path / "june.txt"))
    ok(path, "collect", "reservations", "--file", file(tmp_path, COURSE))
    done = ask(path, "price")
    assert done.exit_code == 2
    assert "reservations[1] (idle-reservations): what the nodes of alpha have" in done.stderr


def test_check_says_where_none_was_collected(site: Path, tmp_path: Path) -> None:
    assert "none was collected" in ask(site, "check").stdout
    ok(site, "collect", "reservations", "--file", file(tmp_path, COURSE))
    assert "none was collected" not in ask(site, "check").stdout


def of_now(slurm: FakeSlurm) -> None:
    slurm.say("sacctmgr", "assoc", out=ASSOC)
    slurm.say("sacctmgr", "reservation", out=COURSE)


def test_nightly_collects_where_the_configuration_has_a_rule(
    slurm: FakeSlurm, tmp_path: Path
) -> None:
    of_now(slurm)
    path = a_config(tmp_path, CONFIG)
    assert "reserved" not in ask(path, "nightly").stdout.split()
    path.write_text(CONFIG + RULE)
    said = ask(path, "nightly").stdout
    assert "\nnodes    1 node: 1 new" in said
    assert "\nreserved 1 reservation: 1 new, 0 changed" in said
    assert ["sacctmgr", "-nP", "show", "reservation", "cluster=alpha"] in [
        words[:5] for words in slurm.asked("sacctmgr")
    ]


@pytest.mark.usefixtures("no_slurm")
def test_nightly_goes_on_without_slurm(site: Path) -> None:
    said = ask(site, "nightly").stdout
    assert "reserved skipped: sacctmgr is not on this machine" in said
    assert "\nprice " in said
