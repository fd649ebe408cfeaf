"""The load-duration curve: hours by use, and levels that are told apart."""

import pytest

from slurm_finops.core.advice import Hour
from slurm_finops.reports import charts_beside as charts
from tests.reports.test_charts import drawn, size

HOURS = [Hour(3600, 3600 * units) for units in (0, 2, 2, 3, 4, 4, 6, 6, 8, 9)]
LEVELS = [("cheapest", 4), ("floor (P5)", 2)]


def texts_of(monkeypatch: pytest.MonkeyPatch, *args: object) -> list[str]:
    with drawn(monkeypatch) as texts:
        charts.duration_png(*args)  # type: ignore[arg-type]
    return texts


def test_levels_and_axes_are_written_from_integers(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = texts_of(monkeypatch, HOURS, LEVELS, "gres/gpu:h100")
    scale = ["0", "2", "4", "6", "8", "10"]
    assert sorted(texts) == sorted([
        *scale, *scale, "hours, those of most use first", "gres/gpu:h100 in use", "cheapest: 4",
        "floor (P5): 2",
    ])  # fmt: skip


def test_levels_of_the_same_units_share_a_label(monkeypatch: pytest.MonkeyPatch) -> None:
    levels = [("cheapest", 12_000), ("floor (P5)", 12_000)]
    texts = texts_of(monkeypatch, HOURS, levels, "gres/gpu:h100")
    assert [text for text in texts if "12,000" in text and ":" in text] == [
        "cheapest: 12,000, floor (P5): 12,000"
    ]


def test_the_curve_falls_hour_by_hour_and_is_as_high_as_use(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from matplotlib.axes import Axes

    curves = []
    kept = Axes.stairs

    def stairs(self, values, edges, **more):  # type: ignore[no-untyped-def]
        curves.append((values, edges))
        return kept(self, values, edges, **more)

    monkeypatch.setattr(Axes, "stairs", stairs)
    charts.duration_png([*HOURS, Hour(1800, 9000)], LEVELS, "x")
    values, edges = curves[-1]
    assert values == [9, 8, 6, 6, 5, 4, 4, 3, 2, 2, 0]
    assert edges == [0, 1, 2, 3, 4, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5, 10.5]


@pytest.mark.parametrize("unit", ["$x^2$", "_a", "\x1b[31m", "x" * 500])
def test_a_name_is_drawn_and_never_interpreted(
    unit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert f"{charts.label(unit)} in use" in texts_of(monkeypatch, HOURS, LEVELS, unit)


@pytest.mark.parametrize("hours", [[Hour(3600, 0)], [Hour(1800, 1)], HOURS * 900])
@pytest.mark.parametrize("levels", [(0, 0), (1, 0), (9, 8), (10**9, 1)])
@pytest.mark.parametrize("width", [390, 1200])
def test_any_use_and_any_levels_can_be_drawn(
    hours: list[Hour], levels: tuple[int, int], width: int
) -> None:
    named = list(zip(("cheapest", "floor"), levels, strict=True))
    for dark in (False, True):
        png = charts.duration_png(hours, named, "x", width_px=width, dark=dark)
        assert size(png) == (width * 25 // 10, 625)


def test_the_same_figures_are_the_same_bytes() -> None:
    assert charts.duration_png(HOURS, LEVELS, "x") == charts.duration_png(HOURS, LEVELS, "x")
