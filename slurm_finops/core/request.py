"""What a job asks for: sbatch's options as TRES, time and tasks of an array.

Words and defaults are those of sbatch's man page.  What cannot be known without
the cluster is said, never guessed.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from slurm_finops.core.usage import GPU

_TIME = re.compile(
    r"(?:(\d{1,9})-)?(\d{1,9})(?::(\d{1,9}))?(?::(\d{1,9}))?", re.ASCII
)
_ENDLESS = ("infinite", "unlimited", "-1")
_RANGE = re.compile(r"(\d{1,9})(?:-(\d{1,9})(?::(\d{1,9}))?)?", re.ASCII)
_SIZE = re.compile(r"(\d{1,15})([KMGT]?)B?", re.ASCII | re.IGNORECASE)
_BY_NODE = ("gres", "gpus-per-node", "mem")
#: A name or a type of devices; a row of digits is a count that nobody means.
_DEVICE = re.compile(r"(?!\d+\Z)[\w.-]+", re.ASCII).fullmatch
_GPU_OPTIONS = ("gpus", "gpus-per-node", "gpus-per-task", "gres", "tres-per-task")


class RequestError(ValueError):
    """An option that cannot be read; the text names it."""


class Request(NamedTuple):
    """One job, or one component of a het job.

    ``tres`` is of one task of the array, memory in MiB; ``minutes`` is None
    where no limit is given; ``notes`` say what could not be known.
    """

    tres: dict[str, int]
    minutes: int | None
    tasks: int = 1
    partitions: tuple[str, ...] = ()
    account: str = ""
    qos: str = ""
    notes: tuple[str, ...] = ()
    reservations: tuple[str, ...] = ()


def request(options: Mapping[str, str]) -> Request:
    """The most that a job with these options (by their long names) can hold.  `RequestError`."""
    notes: list[str] = []
    nodes, tasks = _shape(options)
    gres = _gres(options, nodes, tasks)
    gpus = max(gres.get(GPU, 0), sum(n for sku, n in gres.items() if sku.startswith(f"{GPU}:")))
    if not options.get("ntasks"):  # GPUs bring tasks, too
        tasks = max(tasks, gpus * _number(options, "ntasks-per-gpu", 0))
    cpus = max(
        tasks * _number(options, "cpus-per-task", 1), gpus * _number(options, "cpus-per-gpu", 0),
        nodes * _number(options, "mincpus", 0),
    )  # fmt: skip
    tres = {"node": nodes, "cpu": cpus}
    memory = _memory(options, nodes, cpus, gpus, notes)
    if memory:
        tres["mem"] = memory
    if not options.get("nodes") and tasks > 1 and any(map(options.get, _BY_NODE)):
        notes.append("without --nodes Slurm may take more nodes, each with all that is per node")
    if options.get("exclusive") == "" or options.get("exclusive") == "exclusive":
        notes.append("--exclusive takes all of its nodes, and what is on them is not known here")
    for name in ("gpus-per-socket", "extra-node-info"):
        if name in options:
            notes.append(f"--{name} cannot be counted without knowing the nodes")
    time = options.get("time", "")
    minutes = minutes_of(time) if time else None
    return Request(
        tres | gres, minutes or None, array_tasks(options.get("array", "")),
        _names(options, "partition"), options.get("account", "").lower(), options.get("qos", ""),
        tuple(notes), _names(options, "reservation"),
    )  # fmt: skip


def _names(options: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(filter(None, options.get(name, "").split(",")))


def minutes_of(text: str) -> int | None:
    """``[DD-]HH:MM:SS``, ``MM:SS``, ``DD-HH`` or minutes, a begun minute whole; None for no limit.

    >>> minutes_of("1-0"), minutes_of("90"), minutes_of("0:30")
    (1440, 90, 1)
    """
    if text.lower() in _ENDLESS:
        return None
    found = _TIME.fullmatch(text)
    if not found:
        raise RequestError(f"--time={text} is no time such as 90, 12:00:00 or 2-00:00:00")
    days, *rest = (None if part is None else int(part) for part in found.groups())
    first, second, third = rest[0] or 0, rest[1] or 0, rest[2] or 0
    if days is not None or rest[2] is not None:
        hours, minutes, seconds = first, second, third
    else:
        hours, minutes, seconds = 0, first, second
    whole = ((days or 0) * 24 + hours) * 3600 + minutes * 60 + seconds
    return -(-whole // 60)


def array_tasks(text: str) -> int:
    """How many tasks ``0-15:4,20%2`` has; 1 where it is empty."""
    if not text:
        return 1
    tasks = 0
    for part in text.partition("%")[0].split(","):
        found = _RANGE.fullmatch(part.strip("[]"))
        if not found:
            raise RequestError(f"--array={text} is no list such as 0-15 or 1,3,5")
        first, last, step = int(found[1]), int(found[2] or found[1]), int(found[3] or 1)
        if step < 1 or last < first:
            raise RequestError(f"--array={text} is no list such as 0-15 or 1,3,5")
        tasks += (last - first) // step + 1
    return tasks


def _nodes(options: Mapping[str, str]) -> int:
    """The most nodes: the end of a range."""
    text = options.get("nodes", "") or "1"
    if not re.fullmatch(r"\d{1,9}(-\d{1,9})?", text, re.ASCII):
        raise RequestError(f"--nodes={text} is no number such as 2 or 1-4")
    return max(1, int(text.rpartition("-")[2]))


def _shape(options: Mapping[str, str]) -> tuple[int, int]:
    """``(nodes, tasks)``: as many nodes as the options ask for together, one way or the other."""
    nodes = _nodes(options)
    gpus = sum(devices("gpus", options.get("gpus", "")).values())
    if options.get("ntasks"):
        tasks = _number(options, "ntasks", 1)
    else:
        tasks = nodes * _number(options, "ntasks-per-node", 1)
        by_task = sum(devices("gpus", options.get("gpus-per-task", "")).values())
        if gpus and by_task:  # as many tasks as the GPUs are for
            tasks = max(tasks, -(-gpus // by_task))
    fits = [(tasks, _number(options, "ntasks-per-node", 0)),
            (gpus, sum(devices("gpus", options.get("gpus-per-node", "")).values()))]  # fmt: skip
    nodes = max([nodes, *(-(-wanted // each) for wanted, each in fits if each)])
    return nodes, tasks if options.get("ntasks") else max(tasks, nodes)


def _number(options: Mapping[str, str], name: str, default: int) -> int:
    text = options.get(name, "")
    if not text:
        return default
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII):
        raise RequestError(f"--{name}={text} is no number")
    return int(text)


def _gres(options: Mapping[str, str], nodes: int, tasks: int) -> dict[str, int]:
    """Devices of the whole job; where several options name one, the largest count."""
    found: dict[str, int] = {}
    times = {"gpus": 1, "gpus-per-node": nodes, "gpus-per-task": tasks, "gres": nodes,
             "tres-per-task": tasks}  # fmt: skip
    for name in _GPU_OPTIONS:
        text = options.get(name, "")
        for sku, count in devices(name, text).items():
            found[sku] = max(found.get(sku, 0), count * times[name])
    return {sku: count for sku, count in found.items() if count}


def devices(name: str, text: str) -> dict[str, int]:
    """``gpu:h100:2``, ``h100:2``, ``gres/gpu:h100=2``, ``4`` as SKUs and counts."""
    found: dict[str, int] = {}
    for item in text.split(",") if text and text.lower() != "none" else ():
        words = re.split("[:=]", item.removeprefix("gres/").removeprefix("gres:"))
        if name == "tres-per-task" and not item.startswith("gres"):
            continue
        if name.startswith("gpus"):
            words = ["gpu", *words]
        count = 1
        if len(words) > 1 and re.fullmatch(r"\d{1,9}K?", words[-1], re.ASCII):
            last = words.pop()
            count = int(last.rstrip("K")) * (1024 if last.endswith("K") else 1)
        if not 1 <= len(words) <= 2 or not all(map(_DEVICE, words)):
            raise RequestError(f"--{name}={text} is no list such as gpu:2 or gpu:h100:8")
        sku = "gres/" + ":".join(words)
        found[sku] = found.get(sku, 0) + count
    return found


def _memory(
    options: Mapping[str, str], nodes: int, cpus: int, gpus: int, notes: list[str]
) -> int | None:
    """MiB of the whole job, or None where it takes the partition's default."""
    for name, times in (("mem", nodes), ("mem-per-cpu", cpus), ("mem-per-gpu", gpus)):
        text = options.get(name, "")
        if not text:
            continue
        found = _SIZE.fullmatch(text)
        if not found:
            raise RequestError(f"--{name}={text} is no size such as 64G")
        if found[1] == "0":
            notes.append(f"--{name}=0 takes all the memory of its nodes, which is not known here")
            return None
        kib = int(found[1]) << 10 * "KMGT".index(found[2].upper() or "M")
        return -(-kib // 1024) * times
    return None
