"""init and check, as an administrator meets them on the first day."""

import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slurm_finops.cli import main
from slurm_finops.config import load
from tests.support import a_config


def installed(whole: bool = False) -> str:
    return "/usr/local/bin/slurm-finops" if whole else "slurm-finops"


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, on a machine without Slurm's clients."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("slurm_finops.cli.init.program", installed)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.delenv("SLURM_FINOPS_CONFIG", raising=False)
    return tmp_path


def finops(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def test_init_writes_a_file_that_loads_as_it_is(bare: Path) -> None:
    result = finops("init", "--currency", "EUR", "--timezone", "Europe/Zurich")
    assert result.exit_code == 0, result.output
    config = load(bare / "finops.toml")
    assert (config.currency, config.timezone, config.rates) == ("EUR", "Europe/Zurich", ())
    assert stat.S_IMODE((bare / "finops.toml").stat().st_mode) == 0o644
    assert "slurm-finops check" in result.output


def test_init_leaves_a_file_that_is_there_as_it_is(bare: Path) -> None:
    (bare / "finops.toml").write_text("mine")
    result = finops("init")
    assert result.exit_code == 2
    assert "--force" in result.output
    assert (bare / "finops.toml").read_text() == "mine"
    assert finops("init", "--force").exit_code == 0


@pytest.mark.parametrize("words", [["--currency", "euros"], ["--timezone", "Mars/Phobos"]])
def test_init_refuses_what_would_not_load(bare: Path, words: list[str]) -> None:
    assert finops("init", *words).exit_code == 2
    assert not (bare / "finops.toml").exists()


def findings(*words: str) -> dict[str, str]:
    result = finops("check", "--format", "json", *words)
    return {item["name"]: item["verdict"] for item in json.loads(result.stdout)["findings"]}


def test_check_looks_at_what_there_is_without_slurm(bare: Path) -> None:
    a_config(bare)
    found = findings()
    assert found["configuration"] == "ok"
    assert found["SQLite"] == "ok"
    assert {name: found[name] for name in ("sacct", "cluster", "ledger", "mail")} == dict.fromkeys(
        ("sacct", "cluster", "ledger", "mail"), "skip"
    )
    assert "fail" not in found.values()


def test_check_fails_where_the_configuration_does(bare: Path) -> None:
    a_config(bare, "cluster = 5")
    result = finops("check")
    assert result.exit_code == 1
    assert "expected the cluster's name" in " ".join(result.output.split())


def test_check_names_a_server_that_cannot_be_reached(bare: Path) -> None:
    text = 'cluster = "c"\ncurrency = "USD"\n[mail]\nfrom = "a@example.org"\n'
    a_config(bare, text + 'smtp = "smtp://127.0.0.1:1"\n')
    result = finops("check")
    assert result.exit_code == 1
    assert "cannot reach 127.0.0.1:1" in " ".join(result.output.split())
