"""What stated lines are in FOCUS's words: categories, descriptions, units."""

from typing import NamedTuple

from slurm_finops.core.money import SECONDS_PER_HOUR
from slurm_finops.core.usage import is_gpu


class Words(NamedTuple):
    """Of a category: FOCUS's ChargeCategory and ChargeFrequency, and what it is, for people."""

    charge: str
    frequency: str
    says: str


USAGE, PURCHASE = "Usage", "Purchase"

#: What a line may be for (`core.posted.Item.category`).
CATEGORIES = {
    "usage": Words(USAGE, "Usage-Based", "Use"),
    "share": Words(USAGE, "Usage-Based", "Share of pool"),
    "unused": Words(USAGE, "Usage-Based", "Unused capacity of pool"),
    "beyond": Words(USAGE, "Usage-Based", "Use beyond pool"),
    "line": Words(USAGE, "Recurring", "Line of the bill"),
    "purchase": Words(PURCHASE, "Recurring", "Purchase"),
    "credit": Words("Credit", "One-Time", "Credit"),
    "allocation": Words("Credit", "One-Time", "Paid by allocation"),
    "forgiven": Words("Credit", "One-Time", "Forgiven by rule"),
    "subsidised": Words("Credit", "One-Time", "Subsidised"),
    "shared": Words("Adjustment", "One-Time", "Taken off as overhead"),
    "overhead": Words("Adjustment", "One-Time", "Overhead"),
    "adjustment": Words("Adjustment", "One-Time", "Adjustment"),
    "surcharge": Words("Adjustment", "One-Time", "Surcharge"),
    "tax": Words("Tax", "One-Time", "Tax"),
}

#: What is a part of something that several share.
SPLIT = frozenset(("share", "unused", "line", "overhead"))

PRICINGS = {"on_demand": "Standard", "spot": "Dynamic", "committed": "Committed"}


class Unit(NamedTuple):
    """What a quantity is in; ``seconds`` unit-seconds are one of it."""

    name: str
    seconds: int
    meter: str


#: Of an amount that has no hours.
AMOUNT = Unit("Units", 1, "Fixed Charge")
_NAMES = {"cpu": "CPU", "node": "Node", "gres/shard": "Shard", "billing": "Billing Unit"}


def unit_of(sku: str) -> Unit:
    """Hours of a SKU.  Memory is held in MiB and told in GiB, as price lists do."""
    if sku in ("mem", "vmem"):
        return Unit("GiB-Hours", 1024 * SECONDS_PER_HOUR, "Memory Time")
    name = "GPU" if is_gpu(sku) else _NAMES.get(sku, "Unit")
    if sku.startswith("license/"):
        name = "License"
    return Unit(f"{name}-Hours", SECONDS_PER_HOUR, f"{name} Time")
