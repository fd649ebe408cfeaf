"""tags make and tags check, as a researcher meets them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slurm_finops.cli import main
from tests.support import CONFIG, a_config

GOOD = '{"team":"nlp","project":"llama","experiment":"run-1"}'
POLICY = (
    CONFIG
    + """
[tags]
registry = true
[[teams]]
name = "nlp"
accounts = ["nlp-*"]
[[teams.projects]]
name = "llama-finetune"
"""
)


def tags(*words: str, stdin: str | None = None, config: Path | None = None) -> Result:
    before = ["-c", str(config)] if config else []
    return CliRunner().invoke(main, [*before, "tags", *words], input=stdin)


def test_make_prints_the_shortest_comment() -> None:
    result = tags("make", "team=nlp", "project=llama", "cc=a b", "experiment=run-1")
    assert result.stdout == (
        '{"team":"nlp","project":"llama","experiment":"run-1","cost_center":"a b"}\n'
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["team"], "'team' is not KEY=VALUE"),
        (["temp=x"], "'temp' is no tag; the tags are team, project"),
        (["tema=x"], "'tema' is no tag; did you mean 'team'?"),
        (["cc=1", "cost_center=2"], "cost_center is given twice"),
        (["team=nlp"], '"project" is missing'),
        (["team=", "project=p", "experiment=e"], '"team" is empty'),
    ],
)
def test_make_says_what_is_wrong(words: list[str], said: str) -> None:
    result = tags("make", *words)
    assert result.exit_code == 2
    assert said in result.output


def test_a_right_comment_is_ok() -> None:
    result = tags("check", "--comment", GOOD, "--strict")
    assert (result.exit_code, result.stdout) == (0, "comment: ok\n")


def test_a_fault_says_what_to_type(tmp_path: Path) -> None:
    comment = GOOD.replace("llama", "llama-finetun")
    result = tags("check", "--comment", comment, config=a_config(tmp_path, POLICY))
    assert 'unknown project "llama-finetun"; did you mean "llama-finetune"?' in result.stdout
    right = GOOD.replace("llama", "llama-finetune")
    assert f"  type: --comment='{right}'\n" in result.stdout
    assert result.stdout.endswith("  sbatch would accept it\n")


@pytest.mark.parametrize(
    ("mode", "words", "code"),
    [("warn", [], 0), ("enforce", [], 1), ("off", [], 0), ("warn", ["--strict"], 1)],
)
def test_the_exit_code_is_the_gates(tmp_path: Path, mode: str, words: list[str], code: int) -> None:
    config = a_config(tmp_path, CONFIG + f'[tags]\nmode = "{mode}"')
    assert tags("check", "--comment", "{}", *words, config=config).exit_code == code


def test_an_account_that_may_not_charge_a_team_is_told(tmp_path: Path) -> None:
    comment = GOOD.replace("llama", "llama-finetune")
    config = a_config(tmp_path, POLICY)
    result = tags("check", "--comment", comment, "--account", "cv-1", config=config)
    assert '  account cv-1 may not charge team "nlp"\n' in result.stdout


def test_the_header_of_a_script_is_read_as_sbatch_reads_it(tmp_path: Path) -> None:
    script = tmp_path / "train.sh"
    script.write_text(
        "#!/bin/bash\n#SBATCH -A nlp-1 --gres=gpu:h100:8\n# a word\n\n"
        f"#SBATCH --comment='{GOOD}'\nsrun train\n#SBATCH --comment='{{}}'\n"
    )
    assert tags("check", str(script), "--strict").stdout == f"{script}: ok\n"


def test_standard_input_and_json() -> None:
    result = tags("check", "-", "--format", "json", stdin='{"team":5}\n')
    assert result.exception is None, result.exc_info
    (answer,) = json.loads(result.stdout)
    assert (answer["name"], answer["valid"]) == ("stdin", False)
    assert [fault["code"] for fault in answer["faults"]] == ["not_string", "missing", "missing"]


def test_nothing_to_check_is_wrong_usage() -> None:
    assert tags("check").exit_code == 2
    assert "cannot read nowhere.sh" in tags("check", "nowhere.sh").output
