"""The allocations that teams hold, of a finops.toml."""

from collections.abc import Collection

from slurm_finops.config.fields import MICRO_DIGITS, day_of, decimal, match_of, rank_of, ratio
from slurm_finops.config.table import Table
from slurm_finops.core.lots import MICRO, Lot
from slurm_finops.core.money import SECONDS_PER_HOUR
from slurm_finops.core.near import nearest
from slurm_finops.core.rates import CLASS
from slurm_finops.core.usage import GPU

_AMOUNT = 'a text such as "5000" or "5000.00"'


def lot_of(table: Table, teams: Collection[str]) -> Lot:
    """One of ``[[allocations]]``; ``teams`` are those of the registry, if it has any."""
    name = table.text("name", "a name of its own")
    team = table.text("team", "the team that holds it")
    if teams and team not in teams:
        near = nearest(team, sorted(teams))
        hint = f"did you mean {near!r}?" if near else f"known: {', '.join(sorted(teams))}"
        raise table.fail("team", f"{team!r} is no team of [[teams]]; {hint}")
    project = table.text("project", "a project of that team", None)
    hours = decimal(table, "gpu_hours", 2, 'a text such as "10000"', None)
    money = decimal(table, "amount", MICRO_DIGITS, _AMOUNT, None)
    if (hours is None) == (money is None):
        raise table.fail("gpu_hours", "or amount says how much it is; give one of them")
    first, last = day_of(table, "from"), day_of(table, "until")
    if last <= first:
        raise table.fail("until", "is not after from")
    use = _use(table, hours is not None)
    match = match_of(table)
    if CLASS in dict(match):
        raise table.fail("match", "has class; an allocation is one team's, whatever it is")
    carry = ratio(table, "carry", 'a text such as "1" (all that is left) or "1/2"', "0")
    carried = day_of(table, "carry_until", None)
    if carry > 1:
        raise table.fail("carry", f"is {carry}; no more can be carried than is left")
    if (carried is None) != (carry == 0):
        raise table.fail("carry_until", "and carry belong together: how much goes on, until when")
    if carried is not None and carried <= last:
        raise table.fail("carry_until", "is not after until")
    found = Lot(
        name, team, project, hours is not None,
        (hours * SECONDS_PER_HOUR * MICRO // 100) if hours is not None
        else (money or 0) * SECONDS_PER_HOUR,
        first, last, use, match, rank_of(table), carry, carried, table.name,
    )  # fmt: skip
    table.done()
    return found


def _use(table: Table, hours: bool) -> tuple[tuple[str, int], ...]:
    """``skus``, or ``use``: what a unit of each takes; hours are GPUs' where neither says more."""
    skus = table.texts("skus", 'a list of TRES such as "gres/gpu:h100"', None)
    use = table.table("use")
    if skus is not None and use is not None:
        raise table.fail("use", "and skus both say what it pays for; give one")
    if use is None:
        return tuple((sku, 1) for sku in skus or ((GPU,) if hours else ()))
    if not hours:
        raise table.fail("use", "weighs hours, and this is an amount of money; give skus")
    found = use.rest()
    for name, weight in found.items():
        if not isinstance(weight, int) or isinstance(weight, bool) or weight < 1:
            raise use.fail(name, f"is {weight!r}; expected a whole number from 1")
    if not found:
        raise table.fail("use", "names no SKU")
    return tuple(sorted(found.items()))
