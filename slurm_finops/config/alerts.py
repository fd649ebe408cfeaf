"""What is told as soon as it is so: ``[alerts]`` of a finops.toml."""

from slurm_finops.config.fields import decimal
from slurm_finops.config.model import Alerts
from slurm_finops.config.table import Table

_PERCENT = "a list of percentages such as [50, 80, 100]"
_MOST = 1000


def alerts_of(table: Table, digits: int, to: tuple[str, ...]) -> Alerts:
    """``to`` is the list of that key, read already.  Raises `ConfigError`."""
    found = Alerts(
        thresholds=_thresholds(table),
        forecast=table.take("forecast", bool, "true or false", True),
        unusual=table.take("unusual", bool, "true or false", True),
        to=to,
        slack=table.take("slack", bool, "true or false", True),
        floor_minor=decimal(table, "floor", digits, 'a text such as "50.00"', "50") or 0,
    )
    table.done()
    return found


def _thresholds(table: Table) -> tuple[int, ...]:
    """In order; [] is none."""
    found = table.take("thresholds", list, _PERCENT, [50, 80, 100])
    for one in found:
        if not isinstance(one, int) or isinstance(one, bool):
            raise table.fail("thresholds", f"has {one!r}; expected {_PERCENT}, whole numbers")
        if not 1 <= one <= _MOST:
            raise table.fail("thresholds", f"has {one}; expected 1 to {_MOST} percent of a budget")
    if len(set(found)) != len(found):
        raise table.fail("thresholds", f"is {found!r}; each is given once")
    return tuple(sorted(found))
