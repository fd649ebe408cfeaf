"""The sample files of the documentation, and files that tests make themselves."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from slurm_finops.prices.formats import FORMATS, SKYPILOT_SPOT
from slurm_finops.prices.select import steps
from slurm_finops.prices.series import Imported, series
from slurm_finops.prices.wanted import Wanted, instances

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "prices"
#: 2026-06-01T00:00:00Z
JUNE = 1_780_272_000
P5 = "p5.48xlarge=gres/gpu:h100*8"


def files(*texts: str) -> Iterator[tuple[str, Iterable[str]]]:
    """Texts as files a.x, b.x, … of lines."""
    for number, text in enumerate(texts):
        yield f"{'abcdef'[number]}.x", text.splitlines(keepends=True)


def example(name: str) -> str:
    return (EXAMPLES / name).read_text()


def spot(*points: tuple[int, str], zone: str = "us-east-1a", **more: object) -> str:
    """A page of describe-spot-price-history: ``(hours from June on, price)`` as they are given."""
    from slurm_finops.core.words import utc

    history = [
        {"AvailabilityZone": zone, "InstanceType": "p5.48xlarge", "SpotPrice": price,
         "ProductDescription": "Linux/UNIX", "Timestamp": utc(JUNE + hour * 3600)}
        for hour, price in points
    ]  # fmt: skip
    return json.dumps({"SpotPriceHistory": history} | more)


def read(kind: str, *texts: str, instance: str = P5, **wanted: object) -> list[Imported]:
    """What an import of these files would bring; ``instance`` may name several, with blanks."""
    form = SKYPILOT_SPOT if kind == "skypilot --spot" else FORMATS[kind]
    asked = Wanted("USD", instances(instance.split()), **wanted)  # type: ignore[arg-type]
    return series(form.name, steps(form, asked, files(*texts)))


def prices(found: Iterable[Imported]) -> list[tuple[int, int, int]]:
    """``(hours from June on, micro-units, per)``."""
    return [((one.rate.start - JUNE) // 3600, one.rate.price, one.rate.per) for one in found]
