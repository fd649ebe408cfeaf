"""What is asked of a file of prices: which rows, and what they become."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from slurm_finops.core.approval import Approval
from slurm_finops.core.rates import Match, Rate
from slurm_finops.errors import InputError
from slurm_finops.prices.text import count, is_sku


class Unit(NamedTuple):
    """What an instance type is here: a SKU and so many of it; None where the file says it."""

    sku: str | None = None
    per: int | None = None


@dataclass(frozen=True)
class Wanted:
    """``instances`` is empty for all that have devices; ``start`` is for files without dates."""

    currency: str
    instances: Mapping[str, Unit] = field(default_factory=dict)
    picks: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    match: Match = ()
    rank: int = 0
    start: int | None = None
    approval: Approval | None = None


class Step(NamedTuple):
    """A rate as a file has it (its ``where`` says where), and what tells its row from others.

    ``origin`` is ``(column or option, value)`` pairs: prices of two origins are not
    one series, however alike they look.
    """

    rate: Rate
    origin: tuple[tuple[str, str], ...]
    file: str


def instances(texts: Iterable[str]) -> dict[str, Unit]:
    """``p5.48xlarge=gres/gpu:h100*8`` and shorter, as typed.  Raises `InputError`."""
    found: dict[str, Unit] = {}
    for text in texts:
        name, equals, rest = text.partition("=")
        sku, star, number = rest.partition("*")
        per = count(number) if star else None
        if not name or (equals and not is_sku(sku)) or (star and per is None):
            raise InputError(
                f"--instance {text!r}: expected NAME=SKU*COUNT, such as "
                "p5.48xlarge=gres/gpu:h100*8"
            )
        if name in found:
            raise InputError(f"--instance: {name} is given twice; give it one SKU")
        found[name] = Unit(sku or None, per)
    return found
