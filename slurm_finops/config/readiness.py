"""What must hold before chargeback begins: ``[readiness]`` of a finops.toml."""

from slurm_finops.config.fields import decimal
from slurm_finops.config.model import Readiness
from slurm_finops.config.table import Table
from slurm_finops.core.readiness import MAX_WEEKS, MIN_WEEKS, WHOLE

_PERCENT = 'a percentage as a text, such as "80" or "92.5"'
_MOST_EDITS = 2


def readiness_of(table: Table) -> Readiness:
    """Raises `ConfigError`."""
    coverage = decimal(table, "coverage", 2, _PERCENT, "80")
    assert coverage is not None
    if not 0 < coverage <= WHOLE:
        raise table.fail("coverage", "is not above 0 and up to 100: it is a share of the cost in "
                         "per cent")  # fmt: skip
    found = Readiness(
        coverage=coverage,
        weeks=_whole(table, "weeks", MIN_WEEKS, MAX_WEEKS, 6),
        edits=_whole(table, "edits", 0, _MOST_EDITS, 1),
    )
    table.done()
    return found


def _whole(table: Table, key: str, least: int, most: int, default: int) -> int:
    found: int = table.take(key, int, f"a whole number from {least} to {most}", default)
    if not least <= found <= most:
        raise table.fail(key, f"is {found}; expected {least} to {most}")
    return found
