"""What `check` asks Slurm: whether all runs, GPUs and comments reach accounting, and us."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from slurm_finops.cli.checks import FAIL, OK, SKIP, WARN, Finding
from slurm_finops.errors import OutsideError

if TYPE_CHECKING:
    from slurm_finops.config import Config

NAMES = (
    "sacct", "cluster", "accounting storage", "job comments", "GPU accounting", "whose jobs",
)  # fmt: skip
_STORAGE = "accounting_storage/slurmdbd"
_GPU = "gres/gpu"


def slurm(config: Config | None, live: bool) -> Iterator[Finding]:
    """What Slurm says; ``live``: the ledger was fed by sacct before, so it ought to be here."""
    from slurm_finops.sources.slurm import NoSlurm, show_config

    try:
        yield _sacct()
        settings = show_config()
    except NoSlurm as error:
        yield from _absent(str(error), live)
        return
    except OutsideError as error:
        yield Finding("cluster", FAIL, str(error), "see that slurmctld is up: scontrol ping")
        for name in NAMES[2:]:
            yield Finding(name, SKIP, "the controller did not answer")
        return
    yield _cluster(config, settings)
    yield _storage(settings)
    yield _comments(settings)
    yield _or_failed("GPU accounting", lambda: _gpus(config, settings))
    yield _or_failed("whose jobs", lambda: _whose(settings))


def _absent(why: str, live: bool) -> Iterator[Finding]:
    if live:
        yield Finding("sacct", FAIL, f"{why}; this ledger was fed by sacct before",
                      "run check on the machine that collects")  # fmt: skip
    else:
        yield Finding("sacct", SKIP, f"{why}.  Saved files are collected without")
    for name in NAMES[1:]:
        yield Finding(name, SKIP, "there is no Slurm to ask")


def _or_failed(name: str, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except OutsideError as error:
        return Finding(name, FAIL, str(error), "see that slurmctld and slurmdbd are up: scontrol "
                       "ping, sacctmgr show cluster")  # fmt: skip


def _sacct() -> Finding:
    from slurm_finops.sources.sacct.record import FIELDS
    from slurm_finops.sources.slurm import NoSlurm, run, slurm_version

    try:
        release = slurm_version()
        known = set(run(["sacct", "--helpformat"]).lower().split())
    except NoSlurm:
        raise
    except OutsideError as error:
        return Finding("sacct", FAIL, str(error), "run it by hand: sacct --helpformat")
    missing = [name for name in FIELDS if name.lower() not in known]
    if missing:
        return Finding("sacct", FAIL, f"Slurm {release}: sacct has no {', '.join(missing)}",
                       "collect with the sacct of a newer Slurm")  # fmt: skip
    return Finding("sacct", OK, f"Slurm {release}, with all {len(FIELDS)} fields")


def _cluster(config: Config | None, settings: Mapping[str, str]) -> Finding:
    name = settings.get("ClusterName", "")
    if config is None:
        return Finding("cluster", SKIP, f"{name} answers; no configuration to compare it with")
    if name == config.cluster:
        return Finding("cluster", OK, f"{name} answers, as configured")
    return Finding(
        "cluster", FAIL, f"{name!r} answers, the configuration says {config.cluster!r}: its runs "
        "that have not ended are never looked at",
        f"set cluster = {name!r} in {config.path}, or run this on a node of {config.cluster}",
    )  # fmt: skip


def _storage(settings: Mapping[str, str]) -> Finding:
    kind = settings.get("AccountingStorageType", "")
    if kind == _STORAGE:
        return Finding("accounting storage", OK, kind)
    return Finding(
        "accounting storage", FAIL, f"AccountingStorageType is {kind or 'not set'}: no run is kept",
        f"set up slurmdbd, and AccountingStorageType={_STORAGE} in slurm.conf",
    )  # fmt: skip


def _comments(settings: Mapping[str, str]) -> Finding:
    """AccountingStoreFlags since 21.08, AccountingStoreJobComment before."""
    flags = _words(settings.get("AccountingStoreFlags", ""))
    if "job_comment" in flags or settings.get("AccountingStoreJobComment", "").lower() == "yes":
        return Finding("job comments", OK, "kept when a job ends (job_comment)")
    wanted = ",".join([*flags, "job_comment"])
    return Finding(
        "job comments", FAIL, "AccountingStoreFlags lacks job_comment: a job's comment is lost "
        "when it ends, and its tags with it, unless it was seen running or is sealed",
        f"slurm.conf: AccountingStoreFlags={wanted}, then: scontrol reconfigure (jobs that end "
        "from then on keep theirs)",
    )  # fmt: skip


def _gpus(config: Config | None, settings: Mapping[str, str]) -> Finding:
    from slurm_finops.cli.all_rates import rates_here, with_pools
    from slurm_finops.sources.slurm import gres_types

    name = "GPU accounting"
    counted = _words(settings.get("AccountingStorageTRES", ""))
    found = [sku for sku in gres_types() if sku.startswith(_GPU)]
    if not found:
        return Finding(name, OK if _GPU in counted else SKIP, "no node has a GPU")
    missing = [sku for sku in dict.fromkeys([_GPU, *found]) if sku not in counted]
    if not missing:
        return Finding(name, OK, f"{', '.join(found)} reach accounting")
    wanted = [sku for sku in counted if sku.startswith("gres/")] + missing
    mend = (
        f"slurm.conf: AccountingStorageTRES={','.join(sorted(wanted))}, then restart slurmctld "
        "(reconfigure is not enough); runs from then on have them"
    )
    if _GPU in missing:
        return Finding(name, FAIL, f"AccountingStorageTRES lacks {', '.join(missing)}: runs hold "
                       "no GPUs in accounting, and cost nothing", mend)  # fmt: skip
    rates = with_pools(config, rates_here(config)[0]) if config else ()
    priced = {rate.sku for rate in rates}
    # of one unnamed type all are priced by gres/gpu, and rightly
    harmless = len(found) == 1 and not priced & set(missing)
    return Finding(
        name, WARN if harmless else FAIL, f"AccountingStorageTRES lacks {', '.join(missing)}: "
        f"these count as {_GPU}, whatever their type", mend,
    )  # fmt: skip


def _whose(settings: Mapping[str, str]) -> Finding:
    from slurm_finops.sources.slurm import sight

    seen = sight(settings)
    mend = "sacctmgr modify user NAME set AdminLevel=Operator, for the user who collects"
    if not seen.accounting:
        return Finding("whose jobs", FAIL, f"{seen.why}: their runs are missing from every "
                       "collection", mend)  # fmt: skip
    if not seen.controller:
        return Finding("whose jobs", WARN, f"{seen.why}: the tags of jobs that run, and runaway "
                       "ones, are not seen", mend)  # fmt: skip
    return Finding("whose jobs", OK, f"everyone's are seen: {seen.why}")


def _words(text: str) -> list[str]:
    return [word.strip().lower() for word in text.split(",") if word.strip()]
