"""Asking Slurm's clients, and what to do where there are none."""

from pathlib import Path

import pytest

from slurm_finops.errors import OutsideError
from slurm_finops.sources import slurm as clients
from tests.fake_slurm import FakeSlurm, no_slurm, slurm

__all__ = ["no_slurm", "slurm"]
LIVE = Path(__file__).parents[1] / "sacct" / "live"


@pytest.mark.usefixtures("no_slurm")
def test_a_missing_program_names_what_to_install() -> None:
    with pytest.raises(clients.NoSlurm, match=r"sacct is not on this machine.*slurm-client"):
        clients.run(["sacct", "-V"])


def test_no_slurm_conf_is_said_at_once(slurm: FakeSlurm) -> None:
    (slurm.folder / "scontrol").write_text(
        "#!/bin/sh\necho 'scontrol: error: s_p_parse_file: cannot stat file /etc/slurm.conf: No "
        "such file or directory, retrying in 1sec up to 60sec' >&2\nexec sleep 60\n"
    )
    with pytest.raises(clients.NoSlurm, match=r"no slurm.conf here \(/etc/slurm.conf\)"):
        clients.cluster_name()


def test_a_failure_has_the_programs_own_words(slurm: FakeSlurm) -> None:
    slurm.down()
    with pytest.raises(OutsideError, match=r"scontrol show config failed \(exit 1\): slurm_load"):
        clients.show_config()


def test_a_program_that_hangs_is_ended(slurm: FakeSlurm, monkeypatch: pytest.MonkeyPatch) -> None:
    (slurm.folder / "scontrol").write_text("#!/bin/sh\nexec sleep 600\n")
    monkeypatch.setattr(clients, "_TIMEOUT", 1)
    with pytest.raises(OutsideError, match="did not answer in 1 s"):
        clients.show_config()


def test_a_persons_own_settings_do_not_reach_the_clients(
    slurm: FakeSlurm, monkeypatch: pytest.MonkeyPatch
) -> None:
    (slurm.folder / "squeue").write_text("#!/bin/sh\nenv\n")
    for name in ("SQUEUE_STATES", "SACCT_FORMAT", "SLURM_CLUSTERS"):
        monkeypatch.setenv(name, "mine")
    said = clients.run(["squeue"])
    assert "mine" not in said
    assert {"TZ=UTC", "SLURM_TIME_FORMAT=%s"} <= set(said.splitlines())


def test_settings_as_a_real_controller_prints_them() -> None:
    text = (Path(__file__).parents[1] / "sacct" / "live" / "scontrol-show-config.txt").read_text()
    found = clients.settings(text)
    assert found["ClusterName"] == "lab"
    assert found["AccountingStorageTRES"].endswith(",gres/gpu,gres/gpu:h100")
    assert found["PrivateData"] == "none"
    assert found["Prolog"] == ""


def test_no_configuration_source_is_no_slurm(slurm: FakeSlurm) -> None:
    (slurm.folder / "scontrol").write_text(
        "#!/bin/sh\n"
        "echo 'scontrol: fatal: Could not establish a configuration source' >&2\nexit 1\n"
    )
    with pytest.raises(clients.NoSlurm, match="DNS names no controller"):
        clients.cluster_name()


def test_settings_by_name(slurm: FakeSlurm) -> None:
    slurm.config(AccountingStoreFlags="(null)")
    found = clients.show_config()
    assert found["ClusterName"] == "alpha"
    assert found["AccountingStoreFlags"] == ""
    assert clients.cluster_name() == "alpha"
    assert clients.slurm_version() == "22.05.8"
    assert clients.accounts() == ["cv", "nlp"]


@pytest.mark.parametrize(("line", "skus"), [
    ("NodeName=n1 Gres=gpu:h100:8(S:0-1),gpu:a100:4(S:2,3) CfgTRES=cpu=1",
     ["gres/gpu:a100", "gres/gpu:h100"]),
    ("NodeName=n1 Gres=gpu:8 CfgTRES=cpu=64,gres/gpu=8", ["gres/gpu"]),
    ("NodeName=n1 Gres=(null) CfgTRES=cpu=64", []),
    ("NodeName=n1 Gres=gpu:h100:8,shard:32,bandwidth:lustre:no_consume:4G CfgTRES=gres/gpu=8",
     ["gres/bandwidth:lustre", "gres/gpu:h100", "gres/shard"]),
    ("NodeName=n1 Gres=gpu:a100_1g.5gb:7(S:0) CfgTRES=gres/gpu=7,gres/gpumem=1,gres/gpuutil=0",
     ["gres/gpu:a100_1g.5gb"]),
    ("NodeName=n1 Gres=(null) CfgTRES=cpu=1 Reason=was Gres=gpu:fake:1 [root@now]", []),
    ("", []),
])  # fmt: skip
def test_devices_of_the_nodes(line: str, skus: list[str]) -> None:
    assert clients.skus_of_nodes(line) == skus


@pytest.fixture
def bob(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "_me", lambda: ("bob", 1234))


@pytest.mark.usefixtures("bob")
@pytest.mark.parametrize(("level", "ctld", "dbd", "seen"), [
    ("None", "none", "none", (True, True)),
    ("None", "jobs", "none", (False, True)),
    ("None", "accounts,usage", "jobs,usage", (True, False)),
    ("", "all", "all", (False, False)),
    ("Operator", "jobs", "jobs", (True, True)),
    ("Administrator", "all", "none", (True, True)),
])  # fmt: skip
def test_whose_jobs_are_seen(
    slurm: FakeSlurm, level: str, ctld: str, dbd: str, seen: tuple[bool, bool]
) -> None:
    slurm.say("sacctmgr", "user", out=level + "\n")
    slurm.say("sacctmgr", "config", out="PrivateData = all\n\nSlurmDBD configuration:\n"
              f"PrivateData            = {dbd}\n")
    found = clients.sight({"PrivateData": ctld, "SlurmUser": "slurm(64030)"})
    assert (found.controller, found.accounting) == seen
    assert "bob" in found.why or "PrivateData" in found.why


@pytest.mark.parametrize("release", ["22.05.8", "24.11.5"])
def test_settings_of_slurmdbd_are_its_own(slurm: FakeSlurm, release: str) -> None:
    slurm.say("sacctmgr", "config", out=(LIVE / f"sacctmgr-show-config-{release}.txt").read_text())
    found = clients.show_accounting_config()
    assert (found["PrivateData"], found["SLURMDBD_VERSION"]) == ("jobs", release)


@pytest.mark.usefixtures("bob")
@pytest.mark.parametrize(("coordinates", "users", "ctld", "seen", "why"), [
    ("", "alice\nbob\n", "none", (True, True), "PrivateData does not hide jobs"),
    ("", "alice\nbob\n", "jobs", (False, True), "PrivateData in slurm.conf hides"),
    ("", "bob\nbob\n", "none", (True, False), "sacctmgr does not tell slurmdbd's PrivateData"),
    ("", "", "jobs", (False, False), "sacctmgr does not tell slurmdbd's PrivateData"),
    ("nlp", "alice\nbob\n", "none", (True, False), "sacctmgr does not tell"),
])  # fmt: skip
def test_where_sacctmgr_does_not_tell_sacct_is_asked(
    slurm: FakeSlurm, coordinates: str, users: str, ctld: str, seen: tuple[bool, bool], why: str
) -> None:
    """26.05 prints this machine's own settings as those of slurmdbd, which had jobs here."""
    slurm.say("sacctmgr", "config", out=(LIVE / "sacctmgr-show-config-26.05.5.txt").read_text())
    slurm.say("sacctmgr", "withcoord", out=coordinates + "\n")
    slurm.say("sacct", "User", out=users)
    assert clients.show_accounting_config() == {}
    found = clients.sight({"PrivateData": ctld, "SlurmUser": "slurm(64030)"})
    assert (found.controller, found.accounting) == seen
    assert found.why.startswith(why)


@pytest.mark.usefixtures("bob")
def test_slurms_own_user_sees_everything(slurm: FakeSlurm) -> None:
    found = clients.sight({"PrivateData": "all", "SlurmUser": "bob(1234)"})
    assert found == (True, True, "bob is SlurmUser")
    assert slurm.asked("sacctmgr") == []
