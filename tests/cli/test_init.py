"""init writes a file that loads as it is, and prices nothing by accident."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slurm_finops.cli import main
from slurm_finops.cli.init import machine_zone
from slurm_finops.config import load
from tests.fake_slurm import FakeSlurm, no_slurm, slurm

__all__ = ["no_slurm", "slurm"]


def installed(whole: bool = False) -> str:
    return "/usr/local/bin/slurm-finops" if whole else "slurm-finops"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("SLURM_FINOPS_CONFIG", raising=False)
    monkeypatch.delenv("TZ", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("slurm_finops.cli.init.program", installed)
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def uncommented(text: str) -> str:
    """The file once a person has removed every # that stands before a setting, with prices."""
    text = re.sub(r"^#(?=[\[a-z])", "", text, flags=re.M)
    return text.replace('"PRICE"', '"3.92"')


@pytest.mark.usefixtures("slurm")
def test_what_the_cluster_says_is_in_the_file(here: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("SLURM_CONF", "/etc/x.conf")
    done = run("init", "--timezone", "Europe/Zurich", "--currency", "CHF")
    assert done.exit_code == 0, done.output
    config = load(here / "finops.toml")
    assert (config.cluster, config.currency, config.timezone) == ("alpha", "CHF", "Europe/Zurich")
    assert (config.rates, config.teams, config.mail) == ((), (), None)
    assert config.database == here / "ledger.db"
    assert oct((here / "finops.toml").stat().st_mode)[-3:] == "644"
    assert "gres/gpu:h100; 2 accounts" in done.output
    assert "slurm-finops check" in done.output
    nightly = f"/usr/local/bin/slurm-finops -c {here / 'finops.toml'} nightly"
    assert f"15 3 * * *  SLURM_CONF=/etc/x.conf {nightly}\n" in done.output
    # nothing half-written stays behind
    assert [path.name for path in here.iterdir() if path.is_file()] == ["finops.toml"]


@pytest.mark.parametrize("fixture", ["slurm", "no_slurm"])
def test_the_file_with_every_hash_removed_loads_too(
    here: Path, fixture: str, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue(fixture)
    run("init")
    path = here / "finops.toml"
    path.write_text(uncommented(path.read_text()))
    config = load(path)
    sku = "gres/gpu:h100" if fixture == "slurm" else "gres/gpu"
    assert [rate.sku for rate in config.rates] == [sku, sku]
    assert [team.name for team in config.teams] == (
        ["cv", "nlp"] if fixture == "slurm" else ["nlp"]
    )
    assert config.mail is not None


def test_a_price_that_was_not_put_in_is_an_error_not_a_free_gpu(here: Path) -> None:
    run("init")
    path = here / "finops.toml"
    path.write_text(uncommented(path.read_text()).replace('"3.92"', '"PRICE"'))
    done = run("-c", str(path), "price")
    assert done.exit_code == 2
    assert "rates[1].price" in done.stderr


@pytest.mark.usefixtures("no_slurm")
def test_without_slurm_it_says_so_and_writes_placeholders(here: Path) -> None:
    done = run("init")
    assert done.exit_code == 0
    assert done.stderr.count("\n") == 1
    assert "scontrol is not on this machine" in done.stderr
    assert load(here / "finops.toml").cluster == "mycluster"
    assert "CHANGE ME" in (here / "finops.toml").read_text()


def test_a_controller_that_is_down_still_leaves_the_accounts(
    here: Path, slurm: FakeSlurm
) -> None:
    slurm.down()
    done = run("init")
    assert done.exit_code == 0
    assert "GPU types unknown; 2 accounts" in done.stdout
    assert '"nlp"' in (here / "finops.toml").read_text()


def test_names_that_toml_must_escape(here: Path, slurm: FakeSlurm) -> None:
    slurm.say("sacctmgr", "account", out='we"ird\\one\n日本\n')
    run("init")
    path = here / "finops.toml"
    path.write_text(uncommented(path.read_text()))
    assert [team.name for team in load(path).teams] == ['we"ird\\one', "日本"]


def test_of_many_accounts_the_first_are_shown(here: Path, slurm: FakeSlurm) -> None:
    slurm.say("sacctmgr", "account", out="".join(f"a{i:03}\n" for i in range(300)))
    assert "300 accounts" in run("init").output
    text = (here / "finops.toml").read_text()
    assert text.count("#[[teams]]") == 20
    assert "280 more" in text


@pytest.mark.usefixtures("slurm")
def test_a_file_that_is_there_is_kept_unless_forced(here: Path) -> None:
    path = here / "finops.toml"
    path.write_text("mine")
    done = run("init")
    assert (done.exit_code, path.read_text()) == (2, "mine")
    assert "--force" in done.stderr
    assert run("init", "--force").exit_code == 0
    assert load(path).cluster == "alpha"


@pytest.mark.usefixtures("slurm")
def test_where_it_writes(here: Path) -> None:
    assert run("-c", "other.toml", "init").exit_code == 0
    assert (here / "other.toml").exists()
    done = run("-c", "other.toml", "init", "--out", "third.toml")
    assert "slurm-finops -c third.toml check" in done.output
    text = run("init", "--out", "-")
    assert text.stdout == (here / "third.toml").read_text()


@pytest.mark.parametrize(("words", "said"), [
    (["--currency", "euro"], "three capitals such as USD"),
    (["--currency", "usd"], "three capitals such as USD"),
    (["--timezone", "Mars/Base"], "no known zone"),
    (["--out", "no/such/finops.toml"], "mkdir -p no/such"),
    (["--out", "."], "is a folder"),
])  # fmt: skip
@pytest.mark.usefixtures("slurm")
def test_wrong_usage_names_the_next_step(words: list[str], said: str) -> None:
    done = run("init", *words)
    assert done.exit_code == 2
    assert said in done.stderr


def test_this_machines_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Seoul")
    assert machine_zone() == "Asia/Seoul"
    monkeypatch.setenv("TZ", "Etc/UTC")
    assert machine_zone() == "UTC"
    monkeypatch.setenv("TZ", "nonsense")
    assert machine_zone() != "nonsense"
