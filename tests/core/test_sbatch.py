"""Options in #SBATCH lines and on a command line, as sbatch reads them."""

import pytest

from slurm_finops.core.sbatch import header_components, options_of


@pytest.mark.parametrize(
    ("line", "options"),
    [
        ("--gres=gpu:h100:8 --time=1-0", {"gres": "gpu:h100:8", "time": "1-0"}),
        ("-p main -t 60 -N2", {"partition": "main", "time": "60", "nodes": "2"}),
        ("-n=4 -Gh100:2", {"ntasks": "4", "gpus": "h100:2"}),
        ("--comment='{\"a\": 1}' # said", {"comment": '{"a": 1}'}),
        ("--exclusive --gpus 2", {"exclusive": "", "gpus": "2"}),
        ("--exclusive=user -H -G1", {"exclusive": "user", "gpus": "1"}),
        ("--comment --hold", {"comment": "--hold"}),
        ("--gpus=1 --gpus=2", {"gpus": "2"}),
        ("--comment='never closed", {}),
    ],
)
def test_a_line(line: str, options: dict[str, str]) -> None:
    assert header_components(f"#!/bin/sh\n#SBATCH {line}\n") == [options]


def test_where_sbatch_stops_reading() -> None:
    script = "#!/bin/sh\n\n# words\n #SBATCH --gpus=1\n#SBATCH -t 5\ntrue\n#SBATCH --gpus=2\n"
    assert header_components(script) == [{"time": "5"}]


@pytest.mark.parametrize("word", ["hetjob", "packjob"])
def test_components_of_a_het_job(word: str) -> None:
    script = f"#!/bin/sh\n#SBATCH -n1\n#SBATCH {word}\n#SBATCH -n2\n#SBATCH {word}\n"
    assert header_components(script) == [{"ntasks": "1"}, {"ntasks": "2"}, {}]


def test_other_words_are_scripts() -> None:
    assert options_of(["a.sh", "-t", "60", "--exclusive", "b.sh", "-H", "-"]) == (
        {"time": "60", "exclusive": ""}, ["a.sh", "b.sh", "-"],
    )  # fmt: skip
