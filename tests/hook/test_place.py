"""Files beside slurm.conf: whole, with the one before kept, and a site's own left alone."""

import os
from pathlib import Path

import pytest

from slurm_finops.core.policy import Policy
from slurm_finops.errors import InputError, OutsideError
from slurm_finops.hook import place
from slurm_finops.hook.build import MODULE, POLICY, SUBMIT, build, is_intact


def installed(policy: Policy, mode: str, on_error: str) -> dict[str, str]:
    files = build(policy, mode, on_error)
    return {name: files[name] for name in place.ORDER}


FIRST = installed(Policy(), "warn", "accept")
SECOND = installed(Policy(required=("team",)), "enforce", "reject")


def outcomes(placed: list[place.Placed]) -> dict[str, str]:
    return dict(placed)


def there(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_new_then_the_same_then_replaced(tmp_path: Path) -> None:
    assert set(outcomes(place.install(tmp_path, FIRST)).values()) == {"new"}
    assert there(tmp_path) == FIRST
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o644}
    assert set(outcomes(place.install(tmp_path, FIRST)).values()) == {"same"}
    assert there(tmp_path) == FIRST
    assert outcomes(place.install(tmp_path, SECOND)) == {
        POLICY: "replaced", MODULE: "same", SUBMIT: "replaced",
    }  # fmt: skip
    before = {f"{name}.previous": text for name, text in FIRST.items()}
    assert there(tmp_path) == SECOND | before


def test_back_and_forth(tmp_path: Path) -> None:
    place.install(tmp_path, FIRST)
    with pytest.raises(InputError, match="nothing to go back to"):
        place.rollback(tmp_path)
    place.install(tmp_path, SECOND)
    place.rollback(tmp_path)
    assert {name: text for name, text in there(tmp_path).items() if name in FIRST} == FIRST
    place.rollback(tmp_path)
    assert {name: text for name, text in there(tmp_path).items() if name in FIRST} == SECOND


@pytest.mark.parametrize("own", ["-- the site's\n", FIRST[SUBMIT].replace("-- yours", "x()", 1)])
def test_a_job_submit_of_the_sites_own_is_left_alone(tmp_path: Path, own: str) -> None:
    assert not is_intact(own)
    (tmp_path / SUBMIT).write_text(own)
    assert outcomes(place.install(tmp_path, SECOND))[SUBMIT] == "left"
    assert (tmp_path / SUBMIT).read_text() == own


def test_slurmctld_is_made_to_read_a_new_module(tmp_path: Path) -> None:
    place.install(tmp_path, FIRST)
    later = (tmp_path / MODULE).stat().st_mtime + 100
    os.utime(tmp_path / SUBMIT, (later, later))
    place.install(tmp_path, FIRST)
    assert (tmp_path / SUBMIT).stat().st_mtime == later
    place.install(tmp_path, FIRST | {MODULE: FIRST[MODULE] + "\n"})
    # nor is it forgotten by an install that was cut short
    os.utime(tmp_path / SUBMIT, (0, 0))
    place.install(tmp_path, FIRST | {MODULE: FIRST[MODULE] + "\n"})
    assert (tmp_path / SUBMIT).stat().st_mtime > 0


def test_what_is_kept_belongs_together(tmp_path: Path) -> None:
    place.install(tmp_path, FIRST)
    place.install(tmp_path, FIRST | {MODULE: FIRST[MODULE] + "\n"})
    place.install(tmp_path, SECOND | {MODULE: FIRST[MODULE] + "\n"})
    place.rollback(tmp_path)
    assert (tmp_path / MODULE).read_text() == FIRST[MODULE] + "\n"
    assert (tmp_path / POLICY).read_text() == FIRST[POLICY]


def test_a_rollback_leaves_alone_what_the_site_has_written(tmp_path: Path) -> None:
    place.install(tmp_path, FIRST)
    place.install(tmp_path, SECOND)
    (tmp_path / SUBMIT).write_text("-- the site's\n")
    assert outcomes(place.rollback(tmp_path))[SUBMIT] == "left"
    assert (tmp_path / SUBMIT).read_text() == "-- the site's\n"
    assert (tmp_path / POLICY).read_text() == FIRST[POLICY]


def test_a_link_that_leads_nowhere_is_the_sites_own(tmp_path: Path) -> None:
    (tmp_path / SUBMIT).symlink_to(tmp_path / "managed.lua")
    assert outcomes(place.install(tmp_path, FIRST))[SUBMIT] == "left"


def test_slurmctld_can_read_what_is_there(tmp_path: Path) -> None:
    place.install(tmp_path, FIRST)
    (tmp_path / POLICY).chmod(0o600)
    place.install(tmp_path, FIRST)
    assert (tmp_path / POLICY).stat().st_mode & 0o777 == 0o644


def test_what_is_no_lua_is_never_put_there(tmp_path: Path) -> None:
    for name in FIRST:
        with pytest.raises(InputError, match=f"{name} is no Lua 5.1: .*; nothing was installed"):
            place.install(tmp_path, FIRST | {name: "x ="})
    with pytest.raises(InputError, match=r"no Lua 5\.1"):
        place.install(tmp_path, FIRST | {MODULE: "goto x ::x::"})
    assert there(tmp_path) == {}


def test_a_disk_that_is_full_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.install(tmp_path, FIRST)

    def full(file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutsideError, match="No space left on device"):
        place.install(tmp_path, SECOND)
    assert there(tmp_path) == FIRST
