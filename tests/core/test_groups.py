"""Groups of SKUs: at each moment a run pays the dearest of them, and no two."""

from fractions import Fraction

from slurm_finops.core.charging import SUM, Applied, Charging, Factor, Group
from slurm_finops.core.price_book import PriceBook, Priced
from slurm_finops.core.rates import NEVER, POOL_RANK, Rate

CPU, GPU, H100, BILLING = "cpu", "gres/gpu", "gres/gpu:h100", "billing"
NODE = Group("node", (CPU, GPU))


def book(*rates: Rate, group: Group = NODE, **policy: object) -> PriceBook:
    return PriceBook(rates, Charging(groups=(group,), **policy))  # type: ignore[arg-type]


def rate(sku: str, price: int, start: int = 0, **more: object) -> Rate:
    return Rate(sku, price, start, **more)  # type: ignore[arg-type]


def pool(sku: str) -> Rate:
    return rate(sku, 0, pricing="committed", rank=POOL_RANK)


def lines(of: PriceBook, run: dict[str, str] | None = None, **held: int) -> dict[str, Priced]:
    skus = {"cpu": CPU, "h100": H100, "gpu": GPU, "billing": BILLING}
    made = [Priced(skus[name], n, of.segments(skus[name], run or {})) for name, n in held.items()]
    return {line.sku: line for line in of.combined(made, run or {})}


def paying(found: dict[str, Priced], second: int = 0) -> set[str]:
    """The SKUs that are priced at a moment and not outdone by another."""
    segments = {
        sku: [s for s in line.segments if s.start <= second][-1] for sku, line in found.items()
    }
    return {
        sku for sku, s in segments.items() if s.card and not Applied.of(s.card.policy).outdone
    }


def cost(found: dict[str, Priced], sku: str, start: int, end: int) -> Fraction:
    """Ticks of a SKU over seconds that lie in one segment."""
    segment = [s for s in found[sku].segments if s.start <= start][-1]
    return Fraction(found[sku].quantity * segment.curve.between(start, end), segment.curve.per)


def test_the_dearest_of_a_run_pays_and_the_others_nothing() -> None:
    of = book(rate(CPU, 1), rate(H100, 10))
    found = lines(of, cpu=8, h100=1)
    assert paying(found) == {H100}
    assert (cost(found, CPU, 0, 100), cost(found, H100, 0, 100)) == (0, 1000)
    found = lines(of, cpu=16, h100=1)
    assert paying(found) == {CPU}
    assert (cost(found, CPU, 0, 100), cost(found, H100, 0, 100)) == (1600, 0)


def test_what_is_outdone_is_listed_at_nothing_and_says_by_what() -> None:
    found = lines(book(rate(CPU, 1), rate(H100, 10)), cpu=8, h100=1)
    segment = found[CPU].segments[-1]
    assert Applied.of(segment.card.policy).outdone == "node"
    assert segment.list_curve.between(0, 100) == 0
    assert segment.rest is None


def test_of_two_that_cost_the_same_the_device_pays_or_else_the_first() -> None:
    of = book(rate(CPU, 1), rate(H100, 8))
    assert paying(lines(of, cpu=8, h100=1)) == {H100}
    assert paying(lines(of, h100=1, cpu=8)) == {H100}
    of = book(rate(CPU, 1), rate(BILLING, 1), group=Group("node", (CPU, BILLING)))
    assert paying(lines(of, cpu=8, billing=8)) == {CPU}
    assert paying(lines(of, billing=8, cpu=8)) == {BILLING}


def test_it_is_looked_at_moment_by_moment() -> None:
    of = book(rate(CPU, 1), rate(H100, 10), rate(H100, 4, 100), rate(CPU, 1, 200, match=()),
              rate(H100, 9, 300))  # fmt: skip
    found = lines(of, cpu=8, h100=1)
    assert [paying(found, second) for second in (0, 99, 100, 299, 300)] == [
        {H100}, {H100}, {CPU}, {CPU}, {H100},
    ]  # fmt: skip
    # no more cuts than changes of who pays
    assert [len(line.segments) for line in found.values()] == [4, 4]


def test_prices_for_several_units_are_compared_by_the_one() -> None:
    of = book(rate(CPU, 15, per=16), rate(H100, 63, per=8))
    assert paying(lines(of, cpu=8, h100=1)) == {H100}  # 7.5 and 7.875
    assert paying(lines(of, cpu=9, h100=1)) == {CPU}  # 8.4375
    of = book(rate(CPU, 1), rate(H100, 56, per=7))
    assert paying(lines(of, cpu=8, h100=1)) == {H100}  # the same
    assert paying(lines(of, cpu=9, h100=1)) == {CPU}


def test_factors_count_in_what_is_dearest() -> None:
    half = Factor("half", Fraction(1, 2), skus=(GPU,), start=100)
    of = book(rate(CPU, 1), rate(H100, 10), factors=(half,))
    found = lines(of, cpu=8, h100=1)
    assert (paying(found, 0), paying(found, 100)) == ({H100}, {CPU})


def test_what_has_no_price_is_unpriced_and_outdoes_nothing() -> None:
    found = lines(book(rate(CPU, 1)), cpu=8, h100=1)
    assert paying(found) == {CPU}
    assert found[H100].segments[-1].card is None
    # and a price of nothing is one
    found = lines(book(rate(CPU, 0), rate(H100, 0, 50)), cpu=8, h100=1)
    assert (paying(found, 0), paying(found, 50)) == ({CPU}, {H100})
    assert Applied.of(found[CPU].segments[-1].card.policy).outdone == "node"


def test_a_dated_group_is_one_while_it_lasts() -> None:
    dated = Group("node", (CPU, GPU), start=100, end=200)
    found = lines(book(rate(CPU, 1), rate(H100, 10), group=dated), cpu=8, h100=1)
    assert [paying(found, second) for second in (99, 100, 199, 200)] == [
        {CPU, H100}, {H100}, {H100}, {CPU, H100},
    ]  # fmt: skip


def test_a_group_is_for_the_runs_that_match() -> None:
    of = book(rate(CPU, 1), rate(H100, 10), group=Group("node", (CPU, GPU), match=(("qos", "x"),)))
    assert paying(lines(of, {"qos": "y"}, cpu=8, h100=1)) == {CPU, H100}
    assert paying(lines(of, {"qos": "x"}, cpu=8, h100=1)) == {H100}


def test_a_group_that_sums_is_as_if_there_were_none() -> None:
    of = book(rate(CPU, 1), rate(H100, 10), group=Group("node", (CPU, GPU), SUM))
    assert paying(lines(of, cpu=8, h100=1)) == {CPU, H100}


def test_what_is_not_of_the_group_pays_beside_it() -> None:
    found = lines(book(rate(CPU, 1), rate(H100, 10), rate(BILLING, 3)), billing=1, cpu=8, h100=1)
    assert paying(found) == {BILLING, H100}


def test_what_a_pool_covers_is_compared_by_what_it_would_cost_without() -> None:
    of = book(rate(CPU, 1), rate(H100, 10), pool(H100))
    found = lines(of, cpu=8, h100=1)
    assert paying(found) == {H100}
    segment = found[H100].segments[-1]
    assert segment.card.rank == POOL_RANK
    assert segment.rest.contracted.between(0, 100) == 1000
    # who takes the CPUs of six GPUs pays for those, and takes nothing of the pool
    assert paying(lines(of, cpu=64, h100=1)) == {CPU}


def test_where_no_rate_is_behind_a_pool_nothing_outdoes_it() -> None:
    assert paying(lines(book(rate(CPU, 1), pool(H100)), cpu=64, h100=1)) == {H100}


def test_after_the_pool_the_dearest_pays_again() -> None:
    ended = rate(H100, 0, 100, pricing="", rank=POOL_RANK)
    found = lines(book(rate(CPU, 1), pool(H100), ended, rate(H100, 10, 200)), cpu=64, h100=1)
    assert (paying(found, 99), paying(found, 100)) == ({H100}, {CPU})


def test_before_all_rates_nothing_is_paid_and_nothing_outdone() -> None:
    found = lines(book(rate(CPU, 1, 50), rate(H100, 10, 80)), cpu=8, h100=1)
    assert [paying(found, second) for second in (NEVER, 49, 50, 79, 80)] == [
        set(), set(), {CPU}, {CPU}, {H100},
    ]  # fmt: skip
