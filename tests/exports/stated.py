"""A month as it might be stated: every category of line, corrections, commitments, credits."""

from zoneinfo import ZoneInfo

from slurm_finops.core.money import TICKS, to_minor
from slurm_finops.core.period import Calendar
from slurm_finops.core.posted import Item, Payer, Posted
from slurm_finops.core.tags import UNTAGGED, Tags
from slurm_finops.exports.focus import About, Commitment, PerRun

MAY_31, JUNE_1 = 20_604, 20_605
H100 = "gres/gpu:h100"
ABOUT = About(
    calendar=Calendar(ZoneInfo("Europe/Berlin")), currency="EUR", digits=2,
    provider="Example Research Computing", billing_account="Example University",
    cluster="alpha", commitments={"h100-2026": Commitment("Reserved capacity", H100)},
)  # fmt: skip
NLP = Tags("nlp", "llama-finetune", "run-42", "prod", "llama-3-70b", "product-ai")
FUND = Payer("grant-17", "4711.0815", "Example Trust")
USE = Item("usage", H100, "on_demand", "", "", "internal")
#: ten GPU-hours of an H100 at 3.92, at 2.91 under contract
LINE = Posted(
    line=1, period="2026-06", statement="S-2026-0007", original="", correction=False, day=JUNE_1,
    cluster="alpha", tags=NLP, item=USE, payer=FUND, unit_seconds=36_000,
    list_ticks=3_920_000 * 36_000, contracted_ticks=2_910_000 * 36_000,
    effective_ticks=2_910_000 * 36_000, billed_ticks=2_910_000 * 36_000, billed_minor=2910,
)  # fmt: skip


def a_line(**fields: object) -> Posted:
    """`LINE` with these fields changed."""
    return LINE._replace(**fields)  # type: ignore[arg-type]


def of(
    category: str, billed: int, *, sku: str = "", pricing: str = "", origin: str = "",
    method: str = "", effective: int = 0, **fields: object,
) -> Posted:  # fmt: skip
    """A line of a category that has no price: money in ticks."""
    costs = {"list_ticks": 0, "contracted_ticks": 0, "effective_ticks": effective,
             "billed_ticks": billed, "billed_minor": to_minor(billed, 2)}  # fmt: skip
    item = Item(category, sku, pricing or category, origin, method, "internal")
    return a_line(item=item, **({"unit_seconds": 0} | costs | fields))


def month() -> list[Posted]:
    """A line of each category and of what may be odd about it."""
    pool = {"sku": "h100-2026", "origin": "h100-2026", "pricing": "committed"}
    covered = USE._replace(pricing="committed", origin="h100-2026")
    lines = [
        LINE,
        a_line(tags=UNTAGGED, cluster="", payer=Payer("suspense", "", "")),
        a_line(item=USE._replace(pricing="spot"), unit_seconds=7, list_ticks=1, contracted_ticks=1,
               effective_ticks=1, billed_ticks=1, billed_minor=0),
        a_line(item=Item("usage", "mem", "on_demand", "", "", "external"), list_ticks=12_345_679,
               unit_seconds=4_700_000_000 * 3600, contracted_ticks=12_345_679),
        a_line(item=Item("usage", "license/matlab@flex", "on_demand", "", "", "internal")),
        a_line(item=covered, effective_ticks=0, billed_ticks=0, billed_minor=0),
        of("share", 0, effective=TICKS * 10 // 3, method="use by the hour", **pool),
        of("unused", 0, effective=TICKS * 7, method="proportional gpu_hours month",
           unit_seconds=3600, tags=Tags("platform"), cluster="", **pool),
        of("beyond", TICKS, effective=TICKS, unit_seconds=3600, sku=H100, origin="h100-2026",
           pricing="on_demand"),
        of("purchase", 100 * TICKS, unit_seconds=12 * 86_400, cluster="", **pool),
        of("purchase", TICKS, sku="dgx-lease", origin="dgx-lease", pricing="other"),
        of("shared", -5 * TICKS, effective=-5 * TICKS, origin="monitoring"),
        of("overhead", 5 * TICKS, effective=5 * TICKS, origin="monitoring", method="even teams day",
           tags=Tags("cv")),
        of("line", 41 * TICKS, effective=41 * TICKS, sku="storage", origin="storage",
           method="proportional cost month", tags=UNTAGGED),
        of("credit", -3 * TICKS, origin="outage of 2026-06-03"),
        of("allocation", -4 * TICKS, origin="seed money"),
        of("forgiven", -1, origin="node-fail"),
        of("subsidised", -2 * TICKS, origin="h100-internal"),
        of("adjustment", -100 * TICKS, origin="dispute"),
        of("surcharge", 6 * TICKS, effective=6 * TICKS, origin="external"),
        of("tax", 19 * TICKS, origin="vat-19", method="19 %"),
        a_line(period="2026-06", day=MAY_31, correction=True, original="S-2026-0001",
               billed_minor=100),
        a_line(day=MAY_31, correction=True, original="", unit_seconds=0, list_ticks=-5,
               contracted_ticks=-5, effective_ticks=-5, billed_ticks=-5, billed_minor=0),
        of("share", -1, correction=True, original="S-2026-0001", day=MAY_31, **pool),
        of("tax", -1, correction=True, original="S-2026-0001", day=MAY_31, origin="vat-19"),
    ]  # fmt: skip
    return [one._replace(line=number) for number, one in enumerate(lines, 1)]


def by_run() -> list[PerRun]:
    """Two parts of a line, of runs."""
    return [
        PerRun(LINE, "1204337", 1_204_337, 1_780_272_000, "train llama", "nlp1"),
        PerRun(a_line(cluster=""), "1204338_5", 1_204_343, 1_780_272_060),
    ]
