"""hook build, install and test, as an administrator meets them."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slurm_finops.cli import checks, main
from slurm_finops.hook.build import FILTER, MODULE, POLICY, SUBMIT
from tests.fake_slurm import FakeSlurm, slurm
from tests.support import CONFIG, a_config

__all__ = ["slurm"]

TAGS = """
[tags]
mode = "enforce"
registry = true
[[teams]]
name = "nlp"
accounts = ["nlp-*"]
[[teams.projects]]
name = "llama-finetune"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return a_config(tmp_path, CONFIG + TAGS)


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "slurm.conf").touch()
    return folder


def hook(config: Path, *words: object) -> Result:
    return CliRunner().invoke(main, ["-c", str(config), "hook", *map(str, words)])


def test_build_names_what_it_writes(config: Path, tmp_path: Path) -> None:
    result = hook(config, "build", "--out", tmp_path / "new" / "hook")
    assert result.exit_code == 0
    written = result.stdout.split()
    names = (POLICY, MODULE, SUBMIT, FILTER)
    assert written == [str(tmp_path / "new" / "hook" / name) for name in names]
    assert '["name"] = "nlp"' in Path(written[0]).read_text()


def test_install_says_how_to_enable_it(config: Path, etc: Path, slurm: FakeSlurm) -> None:
    slurm.config(SLURM_CONF=str(etc / "slurm.conf"), JobSubmitPlugins="throttle")
    result = hook(config, "install")
    assert result.exit_code == 0, result.output
    assert result.stdout == (
        f"{etc}/slurm_finops_policy.lua  new\n"
        f"{etc}/slurm_finops.lua         new\n"
        f"{etc}/job_submit.lua           new\n"
        "mode: enforce; when the hook itself breaks: accept\n"
        "\n"
        "still to do:\n"
        "1. in slurm.conf:\n"
        "     JobSubmitPlugins=throttle,lua\n"
        "   then: systemctl restart slurmctld   (running jobs go on)\n"
    )
    slurm.config(SLURM_CONF=str(etc / "slurm.conf"), JobSubmitPlugins="throttle,lua")
    assert hook(config, "install").stdout.endswith("slurmctld uses it from the next job on\n")


def test_install_says_how_to_chain_it(config: Path, etc: Path, slurm: FakeSlurm) -> None:
    slurm.config(JobSubmitPlugins="lua")
    own = etc / SUBMIT
    own.write_text("-- the site's own\n")
    said = hook(config, "install", "--dir", etc).stdout
    assert f"{own}           left alone: it is your own\n" in said
    assert f'local loaded, finops = pcall(dofile, "{etc / MODULE}")' in said
    assert own.read_text() == "-- the site's own\n"
    own.write_text(f'local finops = dofile("{etc / MODULE}")\n')
    assert "still to do" not in hook(config, "install", "--dir", etc).stdout


def test_install_goes_back(config: Path, etc: Path, slurm: FakeSlurm) -> None:
    hook(config, "install", "--dir", etc)
    config.write_text(config.read_text().replace("enforce", "warn"))
    assert "replaced; the one before is slurm_finops_policy.lua.previous" in (
        hook(config, "install", "--dir", etc).stdout
    )
    assert '["mode"] = "warn"' in (etc / POLICY).read_text()
    assert hook(config, "install", "--dir", etc, "--rollback").exit_code == 0
    assert '["mode"] = "enforce"' in (etc / POLICY).read_text()


def test_where_there_is_nothing_to_go_back_to(config: Path, etc: Path) -> None:
    result = hook(config, "install", "--dir", etc, "--rollback")
    assert result.exit_code == 2
    assert "nothing to go back to" in result.stderr


def test_a_network_filesystem_is_refused(
    config: Path, etc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "filesystem_of", lambda path, mounts: ("/etc", "nfs4"))
    result = hook(config, "install", "--dir", etc)
    assert result.exit_code == 2
    assert f"{etc} is on nfs4, mounted at /etc" in result.stderr
    assert [path.name for path in etc.iterdir()] == ["slurm.conf"]


def test_nothing_is_installed_where_no_slurm_conf_is(
    config: Path, tmp_path: Path, slurm: FakeSlurm
) -> None:
    slurm.config(SLURM_CONF=str(tmp_path / "nowhere" / "slurm.conf"))
    for words in (["install"], ["install", "--dir", tmp_path / "nowhere"]):
        result = hook(config, *words)
        assert result.exit_code == 2
        assert "--dir" in result.stderr


def test_test_says_what_answers_as_it_should(config: Path, etc: Path, slurm: FakeSlurm) -> None:
    slurm.config(SLURM_CONF=str(etc / "slurm.conf"))
    result = hook(config, "test")
    assert result.exit_code == 0, result.output
    assert result.stdout.count("ok    Lua 5.") == 8
    assert f"skip  {etc} holds no {POLICY}" in result.stdout
    assert "warn  slurmctld: JobSubmitPlugins=: no Lua is asked" in result.stdout
    hook(config, "install", "--dir", etc)
    assert f"ok    {etc / POLICY} is as finops.toml has it" in hook(config, "test").stdout
    config.write_text(config.read_text().replace("enforce", "warn"))
    assert f"warn  {etc / POLICY} is another than finops.toml asks for" in (
        hook(config, "test").stdout
    )


def test_test_says_what_slurm_does_not_check(
    config: Path, etc: Path, slurm: FakeSlurm
) -> None:
    config.write_text(config.read_text() + '[tags.exempt]\nqos = ["free"]\n')
    slurm.config(SLURM_CONF=str(etc / "slurm.conf"), AccountingStorageEnforce="associations")
    said = hook(config, "test").stdout
    assert "the policy goes by associations" not in said
    assert (
        "warn  slurmctld: the policy goes by qos, which Slurm does not check: anybody can name "
        "any; AccountingStorageEnforce=associations, add qos\n"
    ) in said


def test_test_fails_where_the_hook_is_not_loaded(config: Path, etc: Path, slurm: FakeSlurm) -> None:
    (etc / SUBMIT).write_text("-- the site's own\n")
    hook(config, "install", "--dir", etc)
    result = hook(config, "test", "--dir", etc)
    assert result.exit_code == 1
    assert f"fail  {etc / SUBMIT} does not load {MODULE}" in result.stdout
