"""Slurm's own clients: run, and read what they say of the cluster.

Every function raises `OutsideError` with the program's own words, and `NoSlurm`,
with what to install or to set, where this machine has no Slurm to ask.
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from typing import IO, NamedTuple

from slurm_finops.errors import OutsideError

_TIMEOUT = 60
_NO_CONFIG = re.compile(r"cannot stat file (\S*?):|Could not establish a configuration source")
_SETTING = re.compile(r"(\S+)\s+= ?(.*)")
# Gres=gpu:h100:8(S:0-1),shard:8 and Gres=gpu:a100:no_consume:4 (slurm.conf, "Gres")
_GRES = re.compile(r"(?P<name>\w+)(?::(?P<type>[\w.-]+?))?(?::no_consume)?:\d+[KMGTP]?")
_NOT_SKUS = ("gres/gpumem", "gres/gpuutil")
#: Settings of a person's shell that change what the clients print or whom they ask.
_FOREIGN = ("SACCT_", "SQUEUE_", "SLURM_CLUSTERS", "SLURM_TIME_FORMAT")


class NoSlurm(OutsideError):
    """This machine has no Slurm to ask: no clients, or no slurm.conf."""


def run(command: Sequence[str]) -> str:
    """What a Slurm client prints, with times in UTC as epoch seconds."""
    return run_raw(command).decode("utf-8", "backslashreplace")


def run_raw(command: Sequence[str]) -> bytes:
    """The same as bytes: people's texts need not be UTF-8."""
    with tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=errors, stdin=subprocess.DEVNULL,
                env=environment(),
            )  # fmt: skip
        except FileNotFoundError:
            raise NoSlurm(
                f"{command[0]} is not on this machine: install slurm-client (Debian) or slurm "
                "(RHEL), or run this on a node that has it"
            ) from None
        except OSError as error:
            raise OutsideError(f"cannot run {command[0]}: {error.strerror}") from None
        with process:
            try:
                printed = _wait(process, command, errors)
            finally:
                process.kill()
        if process.returncode:
            said = _said(errors) or printed.decode("utf-8", "replace").strip()
            _check_configured(said)
            raise OutsideError(
                f"{_shown(command)} failed (exit {process.returncode}): {said or 'it said nothing'}"
            )
    return printed


def _wait(process: subprocess.Popen[bytes], command: Sequence[str], errors: IO[bytes]) -> bytes:
    """What it prints until it ends; raises before that where waiting cannot help."""
    for _ in range(_TIMEOUT):
        try:
            return process.communicate(timeout=1)[0]
        except subprocess.TimeoutExpired:
            # the client itself would try again for a minute
            _check_configured(_said(errors))
    raise OutsideError(
        f"{_shown(command)} did not answer in {_TIMEOUT} s; see whether slurmctld and slurmdbd "
        "are up: scontrol ping, sacctmgr show cluster"
    )


def _check_configured(said: str) -> None:
    missing = _NO_CONFIG.search(said)
    if missing:
        where = missing[1] or "and DNS names no controller"
        raise NoSlurm(
            f"there is no slurm.conf here ({where}): run this on a node of the cluster, or set "
            "SLURM_CONF"
        )


def _said(errors: IO[bytes]) -> str:
    size = os.fstat(errors.fileno()).st_size
    # pread leaves the place at which the client goes on writing
    return os.pread(errors.fileno(), size, 0).decode("utf-8", "replace").strip()


def environment() -> dict[str, str]:
    """Times in UTC as epoch seconds, and nothing of a person's own settings."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(_FOREIGN)}
    return kept | {"TZ": "UTC", "SLURM_TIME_FORMAT": "%s"}


def _shown(command: Sequence[str]) -> str:
    """A command as a person would type it, without what is made up for each call."""
    return " ".join(word for word in command if "\x1f" not in word)


def show_config() -> dict[str, str]:
    """slurmctld's settings, keys as `scontrol show config` prints them; "" for ``(null)``."""
    return settings(run(["scontrol", "show", "config"]))


def show_accounting_config() -> dict[str, str]:
    """slurmdbd's own settings, from the second part of `sacctmgr show config`.

    Empty where that part is not slurmdbd's: measured on 26.05.5, sacctmgr fills PrivateData,
    StorageType and others in from the slurm.conf of this machine.  slurmdbd itself stores in
    a database, never in another slurmdbd, and so its StorageType tells.
    """
    _, _, slurmdbd = run(["sacctmgr", "show", "config"]).partition("SlurmDBD configuration")
    found = settings(slurmdbd)
    return {} if found.get("StorageType") == "accounting_storage/slurmdbd" else found


def settings(text: str) -> dict[str, str]:
    """``Name = value`` lines as a dict."""
    found = (_SETTING.fullmatch(line.rstrip()) for line in text.splitlines())
    return {line[1]: "" if line[2] == "(null)" else line[2] for line in found if line}


def gres_types() -> list[str]:
    """SKUs of the devices on the nodes, sorted: ``gres/gpu:h100``, or ``gres/gpu`` if untyped."""
    return skus_of_nodes(run(["scontrol", "show", "node", "-o"]))


def skus_of_nodes(text: str) -> list[str]:
    """The same from what `scontrol show node -o` printed, a node a line.

    Gres names what a node has; CfgTRES only what AccountingStorageTRES lists.
    """
    skus: set[str] = set()
    for line in text.splitlines():
        skus |= _gres_skus(_field(line, "Gres"))
        skus |= _tres_skus(_field(line, "CfgTRES"))
    typed = {sku.rpartition(":")[0] for sku in skus}
    return sorted(sku for sku in skus if sku not in typed and not sku.startswith(_NOT_SKUS))


def _field(line: str, name: str) -> str:
    # the first one: Reason and Comment, which people write, come after it
    found = re.search(rf"(?:^|\s){name}=(\S*)", line)
    return found[1] if found else ""


def _gres_skus(text: str) -> set[str]:
    items = re.sub(r"\([^)]*\)", "", text).split(",")
    found = (_GRES.fullmatch(item) for item in items)
    return {
        f"gres/{item['name']}" + (f":{item['type']}" if item["type"] else "")
        for item in found if item
    }  # fmt: skip


def _tres_skus(text: str) -> set[str]:
    names = (item.partition("=")[0] for item in text.split(","))
    return {name for name in names if name.startswith("gres/")}


def accounts() -> list[str]:
    """The site's accounts, sorted, without Slurm's own ``root``."""
    text = run(["sacctmgr", "-nP", "show", "account", "format=account"])
    return sorted({name for name in text.split("\n") if name and name != "root"})


def user_admin_level(user: str) -> str:
    """``None``, ``Operator`` or ``Administrator``; "" for a user whom accounting does not know."""
    text = run(["sacctmgr", "-nP", "show", "user", user, "format=adminlevel"])
    return text.partition("\n")[0].strip()


def slurm_version() -> str:
    """The release of the clients here, such as ``22.05.8``."""
    return run(["sacct", "-V"]).strip().rpartition(" ")[2]


def cluster_name() -> str:
    """The cluster that answers here; says that slurmctld is reachable, too."""
    return show_config().get("ClusterName", "")


def config_of(cluster: str) -> dict[str, str]:
    """`show_config` of this cluster.  Raises `OutsideError` if another one answers here."""
    config = show_config()
    name = config.get("ClusterName", "")
    if name != cluster:
        raise OutsideError(
            f"the controller here is that of cluster {name!r}, not of {cluster!r}; set "
            f"cluster = {name!r} in the configuration, or run this on a node of {cluster}"
        )
    return config


class Sight(NamedTuple):
    """Whether this user sees everyone's jobs, in the controller and in accounting, and why."""

    controller: bool
    accounting: bool
    why: str


def sight(config: Mapping[str, str], what: str = "jobs") -> Sight:
    """What PrivateData leaves this process's user to see, given slurmctld's `show_config`.

    root, SlurmUser, operators and administrators always see everything; for
    others, ``what`` (``jobs`` or ``usage``) in PrivateData hides the rest (slurm.conf
    and slurmdbd.conf, "PrivateData").  slurmctld and slurmdbd each have a setting of their own.
    """
    user, uid = _me()
    if uid == 0 or config.get("SlurmUser", "").partition("(")[0] == user:
        return Sight(True, True, "this user is root" if uid == 0 else f"{user} is SlurmUser")
    level = user_admin_level(user)
    if level in ("Operator", "Administrator"):
        return Sight(True, True, f"{user} has AdminLevel={level}")
    known = f"{user} has AdminLevel={level}"
    if not level:
        known = f"{user} is not in the accounting database"
    slurmdbd = show_accounting_config()
    controller = not _hides(config, what)
    if not slurmdbd and not (what == "jobs" and _sees_others(user)):
        return Sight(
            controller, False, "sacctmgr does not tell slurmdbd's PrivateData, sacct lists no "
            f"job since yesterday that it would hide, and {known}",
        )  # fmt: skip
    accounting = not _hides(slurmdbd, what)
    seen = {"slurm.conf": controller, "slurmdbd.conf": accounting}
    where = " and ".join(name for name, shown in seen.items() if not shown)
    if not where:
        return Sight(True, True, f"PrivateData does not hide {what}")
    why = f"PrivateData in {where} hides other people's {what}, and {known}"
    return Sight(controller, accounting, why)


def _sees_others(user: str) -> bool:
    """Whether sacct lists jobs to this user that PrivateData would hide.

    A coordinator sees those of an account either way (sacctmgr, "coordinator").
    """
    coordinates = ["sacctmgr", "-nP", "show", "user", user, "withcoord", "format=coordinators"]
    if run(coordinates).strip():
        return False
    users = run(["sacct", "-a", "-X", "-n", "-P", "-S", "now-1day", "-o", "User"])
    return bool(set(users.split()) - {user})


def _me() -> tuple[str, int]:
    """Who Slurm takes us for: munge signs with the effective user."""
    import pwd

    uid = os.geteuid()
    try:
        return pwd.getpwuid(uid).pw_name, uid
    except KeyError:
        return str(uid), uid


def _hides(config: Mapping[str, str], what: str) -> bool:
    words = {word.strip().lower() for word in config.get("PrivateData", "").split(",")}
    return bool(words & {what, "all"})
