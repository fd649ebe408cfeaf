"""Random sites with a charging policy, and runs for them: what the laws are tried on."""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from slurm_finops.billing.terms import Terms
from slurm_finops.core.charging import (
    Charging,
    Factor,
    Forgiven,
    Group,
    Piece,
    Rounding,
    Timeline,
)
from slurm_finops.core.money import TICKS
from slurm_finops.core.pools import Allocation, Pool
from slurm_finops.core.rates import EVER, NEVER, Match, Rate
from slurm_finops.core.runs import Run
from tests.billing.pools import CALENDAR, DAY, HOUR, POLICY, a_pool, run
from tests.support import JUNE

CPU, GPU, H100 = "cpu", "gres/gpu", "gres/gpu:h100"
SKUS = (CPU, GPU, H100)
TEAMS = ("nlp", "cv", "")
CLASSES = ("internal", "industry")
STATES = ("COMPLETED", "FAILED", "NODE_FAIL")
#: No two weigh the same, so that no two rules of a draw tie.
MATCHES: dict[Match, int] = {
    (): 0,
    (("partition", "h100"),): 0,
    (("qos", "high"),): 2,
    (("reservation", "maint"),): 4,
    (("class", "industry"),): 6,
    (("class", "internal"),): 8,
    (("class", "industry"), ("qos", "high")): 0,
}


@dataclass(frozen=True)
class Site:
    """All that a site's charges are made by, kind by kind, so that one can be changed."""

    rates: tuple[Rate, ...]
    classes: tuple[tuple[str, Timeline], ...] = ()
    default_class: str = ""
    factors: tuple[Factor, ...] = ()
    forgiven: tuple[Forgiven, ...] = ()
    rounding: tuple[Rounding, ...] = ()
    groups: tuple[Group, ...] = ()
    pools: tuple[Pool, ...] = ()

    @property
    def charging(self) -> Charging:
        return Charging(
            self.classes, self.default_class, self.factors, self.forgiven, self.rounding,
            self.groups,
        )  # fmt: skip

    @property
    def terms(self) -> Terms:
        self.charging.check()
        what = Allocation(self.pools)
        return Terms(self.rates, POLICY, CALENDAR, allocation=what, charging=self.charging)


times = st.one_of(
    st.integers(-1, 5).map(lambda day: JUNE + day * DAY),
    st.integers(-DAY, 5 * DAY).map(lambda second: JUNE + second),
)
spans = st.one_of(
    st.just((NEVER, EVER)), st.tuples(st.just(NEVER) | times, st.just(EVER) | times)
).filter(lambda span: span[0] < span[1])
matches = st.sampled_from([(), (), (), *MATCHES])
ratios = st.sampled_from(["0", "1/2", "2", "3/2", "9/10", "1/7", "1"]).map(Fraction)


@st.composite
def a_rate(draw: st.DrawFn) -> Rate:
    match = draw(matches)
    price = draw(st.sampled_from([0, 3_920_000, 252_000, 1_000_001, 7_000_000]))
    return Rate(
        draw(st.sampled_from(SKUS)), price, draw(st.just(JUNE - 9 * DAY) | times),
        draw(st.sampled_from([1, 1, 8, 7])), draw(st.sampled_from(["on_demand", "spot"])), match,
        MATCHES[match] + draw(st.integers(0, 1)), "rates[1]",
        draw(st.sampled_from([0, 0, price, price // 2, price // 3])),
    )  # fmt: skip


@st.composite
def rules(draw: st.DrawFn, kind: Any, size: int, **fields: st.SearchStrategy[Any]) -> Any:
    """Some rules of one kind, each with a name and a rank of its own."""
    found = []
    for i in range(draw(st.sampled_from([0, *range(1, size + 1), size]))):
        start, end = draw(spans)
        found.append(kind(
            name=f"{kind.__name__.lower()} {i}", match=draw(matches), start=start, end=end, rank=i,
            **{name: draw(values) for name, values in fields.items()},
        ))  # fmt: skip
    return tuple(found)


#: What most sites have: a price for everything, since ever.
usual = st.just(()) | st.tuples(
    st.sampled_from([3_920_000, 1_000_001]), st.sampled_from([50_000, 1_010_101])
).map(lambda prices: (
    Rate(GPU, prices[0], JUNE - 9 * DAY, 1, where="rates[8]", subsidy=prices[0] // 4),
    Rate(CPU, prices[1], JUNE - 9 * DAY, 8, where="rates[9]"),
))  # fmt: skip


def _rates(found: list[Rate]) -> tuple[Rate, ...]:
    """One of a series from each moment."""
    return tuple({(rate.series, rate.start): rate for rate in found}.values())


@st.composite
def timelines(draw: st.DrawFn, otherwise: str) -> Timeline:
    days = draw(st.lists(st.integers(0, 3), unique=True, max_size=2).map(sorted))
    if not days:
        return (Piece(NEVER, draw(st.sampled_from(CLASSES))),)
    pieces = (Piece(JUNE + day * DAY, draw(st.sampled_from(CLASSES))) for day in days)
    return (Piece(NEVER, otherwise), *pieces)


@st.composite
def customers(draw: st.DrawFn) -> dict[str, Any]:
    otherwise = draw(st.sampled_from(["", *CLASSES]))
    teams = draw(st.lists(st.sampled_from(["nlp", "cv"]), unique=True, max_size=2))
    classes = tuple((team, draw(timelines(otherwise))) for team in teams)
    return {"default_class": otherwise, "classes": classes}


def _group(span: tuple[int, int], skus: tuple[str, ...], match: Match) -> Group:
    return Group("node share", skus, "max", match, 0, *span)


def _pool(match: Match, days: int, skus: tuple[str, ...], **more: object) -> Pool:
    use = tuple((sku, 1) for sku in skus)
    return a_pool(hourly=7 * TICKS, units=None, days=days, match=match, use=use, **more)


#: Strategies of fields of a `Site`: any of them can be drawn again.
KINDS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "rates": st.tuples(st.lists(a_rate(), max_size=5), usual).map(
        lambda found: {"rates": _rates([*found[0], *found[1]])}),
    "classes": customers(),
    "factors": rules(
        Factor, 3, ratio=ratios, skus=st.sampled_from([(), (GPU,), (CPU,), (H100,)])
    ).map(lambda found: {"factors": found}),
    "forgiven": rules(
        Forgiven, 2, states=st.sampled_from([("FAILED",), ("NODE_FAIL", "FAILED")]),
        part=st.sampled_from(["1", "1/2", "1/3"]).map(Fraction),
    ).map(lambda found: {"forgiven": found}),
    "rounding": rules(
        Rounding, 2, step=st.sampled_from([1, 60, 3600]),
        minimum=st.sampled_from([0, 90, 7200, 2 * DAY]),
    ).map(lambda found: {"rounding": found}),
    "groups": st.none().map(lambda _: {"groups": ()}) | st.builds(
        _group, spans, st.sampled_from([(CPU, GPU), (CPU, H100)]),
        st.sampled_from([(), (("partition", "h100"),), (("qos", "high"),)]),
    ).map(lambda group: {"groups": (group,)}),
    "pools": st.none().map(lambda _: {"pools": ()}) | st.builds(
        _pool, st.sampled_from([(), (), (("partition", "h100"),), (("class", "industry"),)]),
        st.integers(2, 4), st.sampled_from([(H100,), (GPU,), (CPU,), (CPU, H100)]),
    ).map(lambda pool: {"pools": (pool,)}),
}  # fmt: skip


@st.composite
def sites(draw: st.DrawFn) -> Site:
    fields: dict[str, Any] = {}
    for strategy in KINDS.values():
        fields |= draw(strategy)
    return Site(**fields)


@st.composite
def changes(draw: st.DrawFn) -> tuple[Site, Site]:
    """A site, and the same with one kind of what it charges by drawn again, or in another order."""
    site = draw(sites())
    kind = draw(st.sampled_from([*KINDS, "order"]))
    if kind == "order":
        return site, replace(site, factors=tuple(draw(st.permutations(site.factors))))
    return site, replace(site, **draw(KINDS[kind]))


@st.composite
def _a_run(draw: st.DrawFn) -> dict[str, Any]:
    tres = draw(st.sampled_from([
        "cpu=8,gres/gpu=2,gres/gpu:h100=2", "cpu=3", "gres/gpu=1", "cpu=5,gres/gpu=3",
        "cpu=64,gres/gpu=3,gres/gpu:h100=2",
    ]))  # fmt: skip
    return {
        "team": draw(st.sampled_from(TEAMS)),
        "start": draw(st.integers(-DAY, 3 * DAY) | st.integers(-1, 3).map(lambda d: d * DAY)),
        "elapsed": draw(st.integers(HOUR, 60 * HOUR) | st.integers(0, 200)),
        "suspended": draw(st.sampled_from([0, 0, 700])),  # which is free
        "partition": draw(st.sampled_from(["h100", "h100", "spot"])),
        "qos": draw(st.sampled_from(["high", "normal"])),
        "reservation": draw(st.sampled_from(["", "", "maint"])),
        "state": draw(st.sampled_from(STATES)), "alloc_tres": tres,
        "provisional": draw(st.sampled_from([False, False, True])),
    }  # fmt: skip


def _runs(rows: list[dict[str, Any]]) -> list[Run]:
    found = []
    for number, row in enumerate(rows, 1):
        if row["provisional"]:
            row = row | {"state": "RUNNING", "end": None}
        found.append(run(number, **row))
    return found


#: Sometimes the second is the first one, requeued: the same job, started again.
some_runs = st.lists(_a_run(), min_size=3, max_size=6).map(_runs).flatmap(
    lambda runs: st.booleans().map(
        lambda again: [runs[0], runs[1]._replace(job_id_raw=1, job_id="1"), *runs[2:]]
        if again and len(runs) > 1 and runs[0].submit != runs[1].submit else runs
    )
)  # fmt: skip
