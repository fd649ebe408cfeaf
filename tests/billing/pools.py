"""Pools, lines and runs for the tests of allocation."""

import json
from zoneinfo import ZoneInfo

from slurm_finops.billing.terms import Terms
from slurm_finops.core.accrual import Cost
from slurm_finops.core.money import TICKS, join_ticks
from slurm_finops.core.period import Calendar
from slurm_finops.core.policy import Policy, TeamRule
from slurm_finops.core.pools import Allocation, Credit, Line, Overhead, Pool, Spread
from slurm_finops.core.rates import Rate
from slurm_finops.core.runs import Run
from slurm_finops.core.tags import Tags
from slurm_finops.ledger.store import Ledger
from tests.support import JUNE, a_run

CALENDAR = Calendar(ZoneInfo("UTC"))
HOUR, DAY = 3600, 86_400
FIRST = JUNE // DAY
RATE = Rate("gres/gpu:h100", 3_920_000, 0, where="rates[1]")
POLICY = Policy(required=("team",), teams=tuple(
    TeamRule(name, f"cc-{name}", (), None, None, None) for name in ("cv", "nlp", "ops")
))  # fmt: skip


def a_pool(name: str = "reserved", hourly: int = 8 * TICKS, units: int | None = 8,
           days: int | None = 30, **more: object) -> Pool:  # fmt: skip
    last = None if days is None else FIRST + days
    cost = Cost("hourly", hourly, "hour", JUNE, JUNE + 365 * DAY)
    settings = {"beyond": "rates", "kind": "reserved", "use": (("gres/gpu:h100", 1),)} | more
    return Pool(name=name, units=units, costs=(cost,), first=FIRST, last=last,
                where="pools[1]", **settings)  # type: ignore[arg-type] # fmt: skip


def a_line(ticks: int, spread: Spread | None = None, tags: Tags | None = None) -> Line:
    cost = Cost("egress", ticks, "once", JUNE, JUNE + 30 * DAY)
    return Line("egress", "egress", cost, tags,
                Spread() if tags else spread or Spread("proportional"))  # fmt: skip


def a_credit(ticks: int, buyer: str | None = None) -> Credit:
    cost = Cost("credit", -ticks, "once", JUNE, JUNE + 30 * DAY)
    return Credit("credit", cost, buyer, Spread(by="cost"))


def services(method: str = "even", by: str = "gpu_hours", to: str | None = None) -> Overhead:
    return Overhead("services", ("ops",), (), (), Spread(method, by, to=to))


def terms(*pools: Pool, rates: tuple[Rate, ...] = (RATE,), **more: tuple[object, ...]) -> Terms:
    what = Allocation(pools, **more)  # type: ignore[arg-type]
    return Terms(rates, POLICY, CALENDAR, allocation=what)


def run(number: int, team: str, start: int, elapsed: int, gpus: int = 1, **more: object) -> Run:
    """``gpus`` H100s of a team for ``elapsed`` seconds, from ``start`` seconds into June."""
    comment = json.dumps({"team": team, "project": f"{team}-p"}) if team else ""
    return a_run(**{
        "job_id_raw": number, "job_id": str(number), "submit": JUNE + start,
        "start": JUNE + start, "elapsed": elapsed, "end": JUNE + start + elapsed,
        "account": team or "nobody", "user": f"{team}{number % 3}", "comment": comment,
        "alloc_tres": f"gres/gpu={gpus},gres/gpu:h100={gpus}",
    } | more)  # fmt: skip


def shares(ledger: Ledger, *columns: str, where: str = "1") -> list[tuple]:  # type: ignore[type-arg]
    """Allocations by names, summed."""
    names = ", ".join(columns)
    rows = ledger.db.execute(
        f"SELECT {names}, SUM(effective_units), SUM(effective_ticks), SUM(billed_units), "
        "SUM(billed_ticks) FROM allocations "
        "JOIN origins ON origins.id = origin_id JOIN tag_sets ON tag_sets.id = tag_set_id "
        f"WHERE {where} GROUP BY {names} ORDER BY {names}"
    )
    return [(*row[:-4], join_ticks(*row[-4:-2]), join_ticks(*row[-2:])) for row in rows]
