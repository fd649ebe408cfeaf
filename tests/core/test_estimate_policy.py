"""The most a job can cost under a charging policy: no run that it may become comes to more."""

from datetime import UTC
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from slurm_finops.core.charge import charge
from slurm_finops.core.charging import MAX, SUM, Charging, Factor, Group, Piece, Rounding, Tier
from slurm_finops.core.estimate import Estimate, Price, estimate, price_text
from slurm_finops.core.money import TICKS
from slurm_finops.core.period import Calendar
from slurm_finops.core.price_book import PriceBook, Priced
from slurm_finops.core.rates import NEVER, Rate
from slurm_finops.core.request import Request

H100 = "gres/gpu:h100"
RATES = (
    Rate(H100, 4_000_000, 0, subsidy=1_000_000), Rate("cpu", 1_000_000, 0),
    Rate(H100, 3_000_001, 0, per=7, match=(("class", "academic"),), subsidy=3_000_000),
    Rate("cpu", 1_500_000, 0, match=(("partition", "big"),), subsidy=1_400_000),
)  # fmt: skip
CLASSES = ("", "academic", "industry")
matches = st.sampled_from(
    [(), (("partition", "big"),), (("qos", "high"),), (("class", "academic"),)]
)
ratios = st.sampled_from([Fraction(0), Fraction(1, 3), Fraction(1), Fraction(3, 2)])
skus = st.sampled_from([(), ("gres/gpu",), ("cpu",)])
factors = st.lists(st.builds(Factor, st.just("f"), ratios, matches, skus), max_size=3).map(tuple)
tiers = st.lists(st.tuples(ratios, ratios), max_size=1).map(
    lambda found: tuple(Tier("t", ("gres/gpu",), ((0, a), (9, b))) for a, b in found)
)
rounding = st.lists(
    st.tuples(st.sampled_from([1, 60, 3600]), st.integers(0, 7200), matches, st.integers(0, 1)),
    max_size=2,
).map(lambda found: tuple(
    Rounding("r", step, least, match, rank) for rank, (step, least, match, _) in enumerate(found)
))  # fmt: skip
groups = st.builds(
    Group, st.just("g"), st.sampled_from([("cpu", "gres/gpu"), ("cpu",)]),
    st.sampled_from([MAX, SUM]), st.sampled_from([(), (("partition", "big"),)]),
).map(lambda group: (group,))  # fmt: skip


def ticks(
    book: PriceBook, tres: dict[str, int], place: dict[str, str], piece: Piece, seconds: int
) -> tuple[int, int]:
    """Effective and billed ticks of a run that has ended."""
    timeline = (piece,)
    lines = [
        Priced(sku, count, book.segments(sku, place, timeline)) for sku, count in tres.items()
    ]
    rules = book.rounding(place, timeline)
    rule = rules[0][1] if rules else None
    end = 1000 + (rule.booked(seconds) if rule else seconds)
    charges = [
        line
        for _, count, segments in book.combined(lines, place)
        for line in charge(1000, end, count, segments, Calendar(UTC))
    ]
    return (
        sum(line.ticks or 0 for line in charges),
        sum(line.rest[2] if line.rest else line.ticks or 0 for line in charges),
    )


@settings(max_examples=200)
@given(
    factors, tiers, rounding, groups, st.integers(1, 9), st.integers(1, 9), st.integers(1, 300),
    st.data(),
)
def test_no_run_it_may_become_costs_more(
    factors, tiers, rounding, groups, gpus, cpus, minutes, data,  # type: ignore[no-untyped-def]
) -> None:  # fmt: skip
    book = PriceBook(RATES, Charging(
        factors=factors, tiers=tiers, rounding=rounding, groups=groups
    ))  # fmt: skip
    tres = {"cpu": cpus, H100: gpus}
    asked = Request(tres, minutes, 1, ("big", "small"), "nlp", "high")
    most = [
        estimate(book, asked, "alpha", 0, 2, CLASSES, net=net).minor or 0 for net in (False, True)
    ]
    place = {"cluster": "alpha", "account": "nlp", "qos": "high",
             "partition": data.draw(st.sampled_from(("big", "small")))}  # fmt: skip
    level = data.draw(st.integers(0, 1))
    piece = Piece(NEVER, data.draw(st.sampled_from(CLASSES)), (("t", level),) if tiers else ())
    seconds = data.draw(st.integers(1, minutes * 60))
    for cost, said in zip(ticks(book, tres, place, piece, seconds), most, strict=True):
        assert Fraction(cost, TICKS) * 100 <= said


def most(book: PriceBook, minutes: int = 60, net: bool = False, of_class: str = "") -> Estimate:
    asked = Request({"cpu": 2, H100: 1}, minutes, 1, ("big",))
    return estimate(book, asked, "alpha", 0, 2, [of_class], net=net)


def test_subsidies_are_in_the_cost_and_not_in_what_is_billed() -> None:
    book = PriceBook(RATES)
    assert most(book).minor == 700
    assert most(book, net=True).minor == 320


def test_what_a_group_leaves_out_is_named() -> None:
    book = PriceBook(RATES, Charging(groups=(Group("node", ("cpu", "gres/gpu")),)))
    found = most(book)
    assert (found.minor, found.outdone) == (400, (("cpu", "node"),))


def test_booked_time_counts_and_the_limit_is_kept() -> None:
    book = PriceBook(RATES, Charging(rounding=(Rounding("hours", 3600),)))
    found = most(book, 61)
    assert (found.request.minutes, found.limit, found.minor) == (120, 61, 1400)


def test_a_price_says_what_it_is_times() -> None:
    price = Price(31_360_000, 8, (Fraction(3, 2), Fraction(1, 3)), True)
    assert price_text(price, 2) == "31.36/h for 8 after subsidy × 3/2 × 1/3"
