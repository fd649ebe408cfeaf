"""check: where the ledger lies, and the SQLite that keeps it."""

import sqlite3
from pathlib import Path

import pytest

from slurm_finops.cli import checks
from tests.cli.test_check import findings, here, verdicts
from tests.fake_slurm import slurm
from tests.support import CONFIG, a_config

__all__ = ["here", "slurm"]

MOUNTS = r"""
21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
22 21 0:21 / /home rw,relatime shared:2 master:1 - nfs4 server:/home rw,vers=4.2
23 22 254:1 / /home/local rw - xfs /dev/vdb rw
24 21 0:40 / /mnt/my\040disk rw - fuse.sshfs user@host:/ rw
25 21 0:41 / /data rw - ext4 /dev/vdc rw
26 25 0:42 / /data rw - lustre mds@tcp:/data rw
27 21 0:43 / /home2 rw - fuse.something x rw
"""


@pytest.mark.parametrize(("path", "kind", "verdict"), [
    ("/srv/ledger", "ext4", "ok"),
    ("/home/a", "nfs4", "fail"),
    ("/home", "nfs4", "fail"),
    ("/homes", "ext4", "ok"),
    ("/home/local/a", "xfs", "ok"),
    ("/mnt/my disk/a", "fuse.sshfs", "fail"),
    ("/data/a", "lustre", "fail"),
    ("/home2", "fuse.something", "warn"),
])  # fmt: skip
def test_the_filesystem_of_a_folder(
    monkeypatch: pytest.MonkeyPatch, path: str, kind: str, verdict: str
) -> None:
    assert checks.filesystem_of(Path(path), MOUNTS)[1] == kind
    monkeypatch.setattr(Path, "read_text", lambda *_: MOUNTS)
    found = checks._filesystem(Path(path))
    assert found.verdict == verdict
    assert kind in found.what


@pytest.mark.usefixtures("slurm")
def test_the_ledger_of_this_test_is_on_a_known_filesystem() -> None:
    assert findings()["filesystem"]["verdict"] in ("ok", "skip")  # skip in a chroot without a mount


def test_a_filesystem_that_cannot_be_told_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_text", lambda *_: "1 1 8:1 / /b rw - ext4 x rw\n")
    found = checks._filesystem(Path("/a"))
    assert (found.verdict, "is this a chroot?" in found.what) == ("skip", True)
    assert checks._filesystem(Path("/b/a")).verdict == "ok"


@pytest.mark.usefixtures("slurm")
def test_a_ledgers_folder_that_is_missing_or_not_writable(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_config(here, 'database = "no/ledger.db"\n' + CONFIG)
    assert findings(code=1)["ledger folder"]["mend"] == f"mkdir -p {here}/no"
    (here / "no").mkdir()
    monkeypatch.setattr("os.access", lambda *_: False)
    assert "cannot write" in findings(code=1)["ledger folder"]["what"]


@pytest.mark.usefixtures("slurm")
def test_an_old_sqlite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 26, 0))
    assert verdicts(findings(code=1), "fail") == ["SQLite"]
