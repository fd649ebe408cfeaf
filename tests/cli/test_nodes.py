"""collect nodes, and pools that take their units from it: live and from saved files."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slurm_finops.cli import main
from slurm_finops.cli.node_collecting import SAVE
from tests.fake_slurm import NODE, FakeSlurm, no_slurm, slurm
from tests.support import CONFIG, JUNE, a_config
from tests.test_golden_month import SACCT

__all__ = ["no_slurm", "slurm"]
DAY = 86_400
JULY = JUNE + 30 * DAY
POOL = """
[[pools]]
name   = "nodes"
sku    = "gres/gpu:h100"
units  = "slurm"
from   = 2026-06-01
hourly = "32.00"
"""
#: sixteen GPUs, of which eight were down for the tenth of June
LINES = [NODE.replace("n1", name) for name in ("n1", "n2")]
DOWN = f"alpha|n2|{JUNE + 9 * DAY}|{JUNE + 10 * DAY}|DOWN|cpu=64,gres/gpu:h100=8,gres/gpu=8"
WHOLE = f"alpha||{JUNE - DAY}|Unknown||gres/gpu:h100=16,gres/gpu=16"
FIXED = POOL.replace('"slurm"', "16")


def ask(path: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["-c", str(path), *words])


def files(
    folder: Path, *lines: str, at: int = JUNE - DAY, events: tuple[str, ...] = ()
) -> list[str]:
    """The options that name saved files of these lines."""
    (folder / "nodes.txt").write_text("\n".join([str(at), *lines]) + "\n")
    (folder / "events.txt").write_text("\n".join([str(JULY), *events]) + "\n")
    named = {"--file-nodes": "nodes.txt"} | ({"--file-events": "events.txt"} if events else {})
    return [word for name, file in named.items() for word in (name, str(folder / file))]


def pools(path: Path) -> dict[str, object]:
    done = ask(path, "pools", "--period", "2026-06", "--format", "json")
    (found,) = json.loads(done.stdout)["pools"]
    return dict(found)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The golden month's runs, and a pool of whatever Slurm shows."""
    path = a_config(tmp_path, CONFIG + POOL)
    ask(path, "collect", "sacct", "--file", str(SACCT / "alpha-2026-06.txt.gz"))
    return path


def test_saved_nodes_give_a_pool_its_capacity_and_what_was_down(site: Path, tmp_path: Path) -> None:
    done = ask(site, "collect", "nodes", *files(tmp_path, *LINES, events=(WHOLE, DOWN)))
    assert done.stdout == (
        "2 nodes: 2 new, 0 changed, 0 gone; 2 events: 2 new or ended\n"
    ), done.output  # fmt: skip
    assert ask(site, "price").exit_code == 0
    found = pools(site)
    assert (found["units"], found["capacity_unit_seconds"]) == ("slurm", 16 * 30 * DAY)
    # in each hour of that day as much as n2 has was unused
    assert found["down_unit_seconds"] == 8 * DAY
    lines = ask(site, "pools", "--period", "2026-06").stdout.splitlines()
    assert lines[1].split("  ")[-1].strip() == "unused and down"
    assert lines[2].endswith("192.0 h"), lines


def test_it_costs_everybody_what_the_same_number_of_units_does(site: Path, tmp_path: Path) -> None:
    ask(site, "collect", "nodes", *files(tmp_path, *LINES))
    ask(site, "price")
    of_slurm = pools(site)
    site.write_text(CONFIG + FIXED)
    ask(site, "price")
    fixed = pools(site)
    assert fixed.pop("units") == 16
    assert of_slurm.pop("units") == "slurm"
    assert fixed == of_slurm
    assert fixed["down_unit_seconds"] is None


def test_only_what_was_read_is_told(site: Path, tmp_path: Path) -> None:
    nodes = files(tmp_path, *LINES, events=(WHOLE, DOWN))
    assert ask(site, "collect", "nodes", *nodes[2:]).stdout == "2 events: 2 new or ended\n"
    assert ask(site, "collect", "nodes", *nodes[:2]).stdout == (
        "2 nodes: 2 new, 0 changed, 0 gone\n"
    )


def test_collecting_twice_changes_nothing(site: Path, tmp_path: Path) -> None:
    saved = files(tmp_path, *LINES, events=(WHOLE, DOWN))
    ask(site, "collect", "nodes", *saved)
    again = ask(site, "collect", "nodes", *saved, "--format", "json")
    assert json.loads(again.stdout) == {
        "nodes": 2, "new": 0, "changed": 0, "gone": 0, "events": 2, "new_events": 0, "problems": 0,
    }  # fmt: skip


def test_what_is_learnt_of_days_that_are_allocated_allocates_them_again(
    site: Path, tmp_path: Path
) -> None:
    ask(site, "collect", "nodes", *files(tmp_path, *LINES))
    ask(site, "price")
    before = pools(site)
    ask(site, "collect", "nodes", *files(tmp_path, LINES[0], at=JUNE + 15 * DAY))
    ask(site, "collect", "nodes", *files(tmp_path, LINES[0], at=JULY, events=(WHOLE, DOWN)))
    ask(site, "price")
    found = pools(site)
    assert found["capacity_unit_seconds"] == (16 * 15 + 8 * 15) * DAY
    assert (before["down_unit_seconds"], found["down_unit_seconds"]) == (None, 8 * DAY)
    assert found["cost"] == before["cost"]


def test_before_the_first_collection_price_says_what_to_run(site: Path) -> None:
    done = ask(site, "price")
    assert done.exit_code == 2
    assert f'{site}: pools[1] (nodes): units is "slurm", and no nodes are known yet' in done.stderr
    assert "slurm-finops collect nodes" in done.stderr


def test_records_that_cannot_be_read_are_kept_with_their_reason(site: Path, tmp_path: Path) -> None:
    odd = "NodeName=n9 Gres=gpu:h100:9 Reason=half a line"
    saved = files(tmp_path, *LINES, odd, events=(WHOLE, "alpha|n1|yesterday|Unknown|DOWN|cpu=1"))
    done = ask(site, "collect", "nodes", *saved)
    assert "warning: 2 records could not be read" in done.stdout
    told = ask(site, "problems").stdout
    assert "it has no State" in told
    assert "'yesterday' is no time in epoch seconds" in told


@pytest.mark.parametrize("text, said", [
    ("NodeName=n1 State=IDLE\n", "expected the time at which it was saved"),
    ("", "expected the time at which it was saved"),
    (f"{JUNE}\n", "no node in it.  Nothing was written"),
    (f"{JUNE}\nslurm_load_node error\n", "does not begin with NodeName="),
    ("99999999999\nNodeName=n1 State=IDLE\n", "in the future"),
])  # fmt: skip
def test_a_file_that_holds_no_nodes_writes_nothing(
    tmp_path: Path, text: str, said: str
) -> None:
    path = a_config(tmp_path, CONFIG + POOL)
    (tmp_path / "nodes.txt").write_text(text)
    done = ask(path, "collect", "nodes", "--file-nodes", str(tmp_path / "nodes.txt"))
    assert (done.exit_code, said in done.stderr) == (2, True), done.stderr
    assert "nodes.txt" in done.stderr
    assert not (tmp_path / "ledger.db").exists()


def test_a_file_saved_before_the_last_one_is_refused_as_a_whole(site: Path, tmp_path: Path) -> None:
    ask(site, "collect", "nodes", *files(tmp_path, *LINES, at=JUNE + DAY))
    done = ask(site, "collect", "nodes", *files(tmp_path, *LINES, at=JUNE, events=(WHOLE,)))
    assert done.exit_code == 2
    assert "in the order in which they were saved" in done.stderr
    assert "Traceback" not in done.output


def test_the_commands_that_save_are_printed(tmp_path: Path) -> None:
    done = ask(a_config(tmp_path), "collect", "nodes", "--print-command")
    assert done.stdout == SAVE + "\n"
    assert "date +%s; scontrol show node -o; } > nodes.txt" in done.stdout


def test_live_both_are_asked_and_the_answer_is_of_now(slurm: FakeSlurm, tmp_path: Path) -> None:
    path = a_config(tmp_path, CONFIG + POOL)
    done = ask(path, "collect", "nodes")
    assert done.stdout == "1 node: 1 new, 0 changed, 0 gone; 1 event: 1 new or ended\n"
    assert ["scontrol", "show", "node", "-o"] in slurm.asked("scontrol")
    (asked,) = slurm.asked("sacctmgr")
    assert asked[1:5] == ["-nP", "show", "event", "all_time"]


def test_live_another_cluster_or_none_that_answers_is_exit_3(
    slurm: FakeSlurm, tmp_path: Path
) -> None:
    path = a_config(tmp_path, CONFIG + POOL)
    slurm.config(ClusterName="beta")
    done = ask(path, "collect", "nodes")
    assert (done.exit_code, "'beta', not of 'alpha'" in done.stderr) == (3, True)
    slurm.down()
    assert ask(path, "collect", "nodes").exit_code == 3


def test_no_events_at_all_is_said(slurm: FakeSlurm, tmp_path: Path) -> None:
    slurm.say("sacctmgr", "event", out="")
    done = ask(a_config(tmp_path, CONFIG + POOL), "collect", "nodes")
    assert "note: no events, so when nodes were down is not known" in done.stdout


def test_nightly_looks_at_nodes_where_a_pool_asks_for_it(slurm: FakeSlurm, tmp_path: Path) -> None:
    today = datetime.now(UTC).date().isoformat()
    path = a_config(tmp_path, CONFIG + FIXED)
    assert "nodes" not in ask(path, "nightly").stdout.split()
    path.write_text(CONFIG + POOL.replace("2026-06-01", today))
    done = ask(path, "nightly")
    assert "\nnodes    1 node: 1 new, 0 changed, 0 gone" in done.stdout, done.output


@pytest.mark.usefixtures("no_slurm")
def test_nightly_goes_on_without_slurm(site: Path, tmp_path: Path) -> None:
    ask(site, "collect", "nodes", *files(tmp_path, *LINES))
    done = ask(site, "nightly")
    assert "nodes    skipped: scontrol is not on this machine" in done.stdout
    assert "\nprice " in done.stdout
