"""What a run held: TRES text, and the SKUs in it that can be billed."""

import re
from collections.abc import Collection

GPU = "gres/gpu"
_TYPED_GPU = GPU + ":"
#: Counters that slurmdbd keeps beside devices; nobody holds them.
_COUNTERS = ("gres/gpumem", "gres/gpuutil")
_QUANTITY = re.compile(r"(\d+)(?:\.(\d+))?([KMGTPE]?)", re.ASCII)
#: gres/gpu:a100_1g.5gb, license/matlab@server
_NAME = re.compile(r"[A-Za-z][\w./:@+-]*", re.ASCII)
_GRES_WORD = re.compile(r"[\w.-]+", re.ASCII)
_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
#: TRES that Slurm prints in units of MiB when no suffix says otherwise.
_MEBIBYTES = ("mem", "vmem")


def is_gpu(sku: str) -> bool:
    """GPUs of any type, MIG profiles included; not shards or counters."""
    return sku == GPU or sku.startswith(_TYPED_GPU)


def parse_tres(text: str) -> dict[str, int]:
    """``cpu=8,gres/gpu:h100=2,mem=62.50G`` as counts, memory in MiB.

    Sizes come as ``500G``, ``31000M``, ``62.50G`` (measured on 22.05); a suffix
    is a power of 1024.  Raises ValueError naming the item.
    """
    tres: dict[str, int] = {}
    for item in text.split(",") if text else ():
        name, equals, value = item.partition("=")
        if not equals or not _NAME.fullmatch(name):
            raise ValueError(f"TRES {item!r} is not name=count")
        if name in tres:
            raise ValueError(f"TRES {name!r} is given twice")
        tres[name] = _count(name, value)
    return tres


def _count(name: str, value: str) -> int:
    found = _QUANTITY.fullmatch(value)
    if not found:
        raise ValueError(f"TRES {name!r} has no readable count: {value!r}")
    whole, fraction, suffix = found[1], found[2] or "", found[3]
    power = _POWERS[suffix]
    if name in _MEBIBYTES:
        power = power - 2 if suffix else 0
    elif fraction and not suffix:
        raise ValueError(f"TRES {name!r} is not a whole number: {value!r}")
    numerator, denominator = int(whole + fraction), int(10 ** len(fraction))
    if power >= 0:
        numerator *= 1024**power
    else:
        denominator *= int(1024**-power)
    return (2 * numerator + denominator) // (2 * denominator)


def parse_gres(text: str) -> dict[str, int]:
    """Old sacct's AllocGRES, ``gpu:h100:2,gpu:1`` or ``gpu:2(S:0-1)``, as TRES counts.

    The untyped count of a TRES list covers the typed ones, so it is made to.
    Raises ValueError.
    """
    tres: dict[str, int] = {}
    for item in re.sub(r"\([^)]*\)", "", text).split(","):
        if item in ("", "0", "(null)", "N/A"):
            continue
        words = item.removeprefix("gres/").split(":")
        count = _QUANTITY.fullmatch(words[-1]) if len(words) > 1 else None
        name = words[:-1] if count else words
        if len(name) > 2 or not all(map(_GRES_WORD.fullmatch, name)):
            raise ValueError(f"GRES {item!r} is not name:type:count")
        sku = "gres/" + ":".join(name)
        tres[sku] = tres.get(sku, 0) + (_count(sku, words[-1]) if count else 1)
    typed = sum(n for sku, n in tres.items() if sku.startswith(_TYPED_GPU))
    if typed:
        tres[GPU] = tres.get(GPU, 0) + typed
    return tres


def billable(tres: dict[str, int], priced: Collection[str]) -> list[tuple[str, int]]:
    """The ``(sku, quantity)`` to bill: every ``gres/`` device, and whatever a rate names.

    Never gpumem and gpuutil, which slurmdbd keeps beside the devices.
    ``gres/gpu`` counts typed GPUs too, so only its untyped remainder is billed.
    """
    typed = sum(n for sku, n in tres.items() if sku.startswith(_TYPED_GPU))
    lines = []
    for sku, quantity in sorted(tres.items()):
        if sku == GPU:
            quantity = max(0, quantity - typed)
        if quantity and (is_device(sku) or sku in priced) and not _is_counter(sku):
            lines.append((sku, quantity))
    return lines


def is_device(sku: str) -> bool:
    """Something a run holds that must have a price, or be listed as unpriced."""
    return sku.startswith("gres/") and not _is_counter(sku)


def _is_counter(sku: str) -> bool:
    return sku.partition(":")[0] in _COUNTERS
