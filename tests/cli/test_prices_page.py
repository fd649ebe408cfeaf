"""docs/prices.md: its samples are the example files, and its walkthrough is what happens."""

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slurm_finops.cli import main
from tests.prices.samples import EXAMPLES, spot
from tests.support import CONFIG, JUNE, a_config, record, saved

PAGE = (EXAMPLES.parents[1] / "prices.md").read_text()
HOUR = 3600


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.S)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for sample in EXAMPLES.iterdir():
        shutil.copy(sample, tmp_path)
    shutil.copy(tmp_path / "pricelist.csv", tmp_path / "index.csv.gz")
    monkeypatch.chdir(tmp_path)
    a_config(tmp_path, CONFIG)
    return tmp_path


def finops(*words: str) -> Result:
    return CliRunner().invoke(main, ["-c", "finops.toml", *words])


def test_samples_are_lines_of_the_example_files() -> None:
    for block, name in zip(blocks("csv"), ("vms.csv", "prices.csv"), strict=True):
        assert set(block.splitlines()) <= set((EXAMPLES / name).read_text().splitlines())
    shown = json.loads(blocks("json")[0])["SpotPriceHistory"]
    whole = json.loads((EXAMPLES / "spot.json").read_text())["SpotPriceHistory"]
    assert all(point in whole for point in shown)


def test_every_import_of_the_page_works(site: Path) -> None:
    commands = re.findall("^slurm-finops (rates import .*)", PAGE.replace("\\\n", " "), re.M)
    assert len(commands) == 5
    for command in commands:
        said = finops(*shlex.split(command, comments=True), "--dry-run")
        assert said.exit_code == 0, said.output


def test_the_walkthrough(site: Path) -> None:
    held = {
        "JobIDRaw": "77", "Partition": "spot",
        "AllocTRES": "billing=8,cpu=8,gres/gpu:h100=8,gres/gpu=8,mem=64G,node=1",
    }  # fmt: skip
    (site / "june.txt").write_text(saved(*(
        record(**held, Submit=JUNE + start * HOUR, Start=JUNE + start * HOUR,
               End=JUNE + end * HOUR, ElapsedRaw=(end - start) * HOUR)
        for start, end in ((10, 16), (17, 20))
    )))  # fmt: skip
    finops("collect", "sacct", "--file", "june.txt")
    words = shlex.split(
        "rates import aws-spot spot.json --instance 'p5.48xlarge=gres/gpu:h100*8' "
        "--zone us-east-1a --match partition=spot --name spot"
    )
    assert finops(*words).stdout in PAGE
    finops("price")
    total = json.loads(finops("report", "--period", "2026-06", "--format", "json").stdout)["total"]
    assert (total["billed_cost"], total["list_cost"]) == ("225.68", "282.24")
    assert "**225.68**" in PAGE
    assert "9 h × 8 × 3.92 = 282.24" in PAGE
    (site / "spot.json").write_text(spot((19, "23.28")))
    assert "1 rate new" in finops(*words).stdout
    assert finops("price").stdout in PAGE
