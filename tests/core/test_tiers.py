"""A team's levels of tiers on its classes over time, and the factor of each piece."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.core.charging import ALWAYS, Charging, Piece, Tier, Timeline, merged
from slurm_finops.core.price_book import PriceBook
from slurm_finops.core.rates import NEVER, Rate

CLASSES: Timeline = (Piece(NEVER, "internal"), Piece(100, "industry"))


def test_without_levels_a_timeline_stays_as_it_is() -> None:
    assert merged(CLASSES, {}) == CLASSES
    assert merged(ALWAYS, {"volume": []}) == ALWAYS


def test_levels_cut_a_timeline_and_classes_cut_levels() -> None:
    assert merged(CLASSES, {"volume": [(50, 1), (150, 2), (200, 0)]}) == (
        Piece(NEVER, "internal"), Piece(50, "internal", (("volume", 1),)),
        Piece(100, "industry", (("volume", 1),)), Piece(150, "industry", (("volume", 2),)),
        Piece(200, "industry"),
    )  # fmt: skip


def test_what_changes_nothing_makes_no_piece() -> None:
    assert merged(ALWAYS, {"a": [(10, 1), (20, 1)], "b": [(15, 0)]}) == (
        *ALWAYS, Piece(10, "", (("a", 1),)),
    )  # fmt: skip


def test_tiers_of_one_piece_stand_in_order_of_their_names() -> None:
    found = merged(ALWAYS, {"b": [(10, 2)], "a": [(10, 1)]})
    assert found == (*ALWAYS, Piece(10, "", (("a", 1), ("b", 2))))


steps = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 3)), max_size=5, unique_by=lambda one: one[0]
).map(sorted)
timelines = st.lists(
    st.tuples(st.integers(1, 30), st.sampled_from("xy")), max_size=3, unique_by=lambda one: one[0]
).map(lambda pieces: (Piece(NEVER, "x"), *(Piece(*one) for one in sorted(pieces))))


@given(timelines, steps, steps)
def test_at_every_instant_it_is_what_both_say(  # type: ignore[no-untyped-def]
    classes: Timeline, one, two
) -> None:
    found = merged(classes, {"one": one, "two": two})
    for instant in range(-1, 32):
        piece = [piece for piece in found if piece.start <= instant][-1]
        of_class = [piece.of_class for piece in classes if piece.start <= instant][-1]
        levels = {
            name: ([0] + [level for start, level in told if start <= instant])[-1]
            for name, told in (("one", one), ("two", two))
        }
        assert piece.of_class == of_class
        assert dict(piece.tiers) == {name: level for name, level in levels.items() if level}


RATE = Rate("gres/gpu:h100", 3_600_000_000, 0, where="1")
VOLUME = Tier("volume", ("gres/gpu",), (
    (0, Fraction(1)), (10, Fraction(1, 2)), (20, Fraction(1, 3)),
), (("qos", "high"),), start=100, end=400)  # fmt: skip
TIMELINE = merged(ALWAYS, {"volume": [(50, 1), (200, 2), (300, 0)]})


def prices(sku: str, qos: str) -> list[tuple[int, object]]:
    """From when on a SKU has which price, in units a second."""
    rates = (RATE, RATE._replace(sku="cpu"))
    segments = PriceBook(rates, Charging(tiers=(VOLUME,))).segments(sku, {"qos": qos}, TIMELINE)
    times = {time for one in segments if one.curve for time in one.curve.times}
    cuts = sorted(times | {one.start for one in segments})
    found: list[tuple[int, object]] = []
    for cut in (c for c in cuts if c >= 0):
        segment = [one for one in segments if one.start <= cut][-1]
        assert segment.curve is not None
        price = Fraction(segment.curve.price_at(cut), segment.curve.per) / 3_600_000_000
        if not found or found[-1][1] != price:
            found.append((cut, price))
    return found


def test_each_piece_has_the_factor_of_its_level_while_the_tier_is_in_force() -> None:
    assert prices("gres/gpu:h100", "high") == [
        (0, 1), (100, Fraction(1, 2)), (200, Fraction(1, 3)), (300, 1),
    ]  # fmt: skip


def test_what_is_not_counted_keeps_its_price() -> None:
    assert prices("gres/gpu:h100", "low") == prices("cpu", "high") == [(0, 1)]


def test_a_card_says_which_level_made_it() -> None:
    book = PriceBook((RATE,), Charging(tiers=(VOLUME,)))
    said = {
        one.start: one.card.policy for one in book.segments(RATE.sku, {"qos": "high"}, TIMELINE)
        if one.card and one.start >= 0
    }  # fmt: skip
    assert '["volume", "1/2"]' in said[100]
    assert '["volume", "1/3"]' in said[200]
    assert said[300] == ""
