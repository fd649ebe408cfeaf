"""Charts: exact labels, hostile names as they are, the same bytes every time."""

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from slurm_finops.reports import charts
from slurm_finops.reports.format import shown
from slurm_finops.reports.view import Daily, Day, Header, Row, Spend

HEADER = Header("USD", 2, "UTC", "2026-06", "", "", date(2026, 6, 1), date(2026, 6, 30))
HOSTILE = [
    "_begins with an underscore", "$x^2$", "$\\frac{1}{0}$", "\\$", "$", "a\nb\r\n\x00\x1b[31m",
    "\u202etxt.exe", "日本語プロジェクト 🤖", "שלום مرحبا", "x" * 5000, "", " ", "\ud800",
    "%s {0} {{x}}", None,
]  # fmt: skip


def a_daily(names: list[str | None], days: int = 30, cost: int = 1234) -> Daily:
    first = date(2026, 6, 1)
    return Daily(
        tuple(names),
        tuple(Day(first + timedelta(d), tuple(cost * (i + d) for i in range(len(names))))
              for d in range(days)),
    )  # fmt: skip


def a_spend(names: list[str | None], cost: int = 1234) -> Spend:
    rows = tuple(Row((n,), 1, 3600, cost * i, cost * i, cost * i) for i, n in enumerate(names))
    total = sum(row.billed_minor for row in rows)
    return Spend(("project",), rows, Row((), 1, 3600, total, total, total))


@contextmanager
def drawn(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Every text that is drawn and not empty, as the reader sees it."""
    from matplotlib.backends.backend_agg import RendererAgg

    texts: list[str] = []
    kept: Any = RendererAgg.draw_text

    def draw_text(self: Any, gc: Any, x: Any, y: Any, s: str, prop: Any, angle: Any,
                  ismath: Any = False, mtext: Any = None) -> None:  # fmt: skip
        assert ismath is False, s
        texts.append(s)
        kept(self, gc, x, y, s, prop, angle, ismath=ismath, mtext=mtext)

    with monkeypatch.context() as patch:
        patch.setattr(RendererAgg, "draw_text", draw_text)
        yield texts


def size(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", png[16:24])


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_drawn_and_never_interpreted(
    name: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with drawn(monkeypatch) as texts:
        charts.draw_daily(a_daily([name, "cv"]), HEADER, "project")
        charts.draw_top(a_spend([name, "cv"]), HEADER)
    assert texts.count("cv") == 2
    wanted = charts.label(shown("project", name), 18)
    assert not wanted.strip() or wanted in texts


def test_all_hostile_names_at_once_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    with drawn(monkeypatch) as texts:
        png = charts.draw_daily(a_daily(HOSTILE), HEADER, "project")
        assert size(png)[0] == 825
        assert size(charts.draw_top(a_spend(HOSTILE), HEADER))[0] == 825
    assert "other" in texts


LONG = ["multimodal-foundation-model-one-with-long-context",
        "multimodal-foundation-model-two-with-long-context", "cv"]  # fmt: skip


def test_names_that_differ_in_the_middle_stay_apart() -> None:
    assert charts.labels(LONG, 18) == ["…one-with…-context", "…two-with…-context", "cv"]
    assert charts.labels(["x" * 40, "x" * 40, "a"], 18)[:2] == [charts.label("x" * 40, 18)] * 2


@contextmanager
def placed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, float, float]]]:
    """Every text with where it begins and ends, in pixels from the left."""
    from matplotlib.backends.backend_agg import RendererAgg

    found: list[tuple[str, float, float]] = []
    kept: Any = RendererAgg.draw_text

    def draw_text(self: Any, gc: Any, x: Any, y: Any, s: str, prop: Any, angle: Any,
                  ismath: Any = False, mtext: Any = None) -> None:  # fmt: skip
        if not angle:
            long = self.get_text_width_height_descent(s, prop, False)[0]
            found.append((s, x, x + long))
        kept(self, gc, x, y, s, prop, angle, ismath=ismath, mtext=mtext)

    with monkeypatch.context() as patch:
        patch.setattr(RendererAgg, "draw_text", draw_text)
        yield found


@pytest.mark.parametrize("cost", [1234, 110_231_409_591])
def test_no_text_is_cut_at_the_edge(cost: int, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["prod_inference_eu", "eval_harness", *LONG, "a", "bb", "ccc"]
    with placed(monkeypatch) as found:
        charts.draw_daily(a_daily(names, 31, cost), HEADER, "project")
        charts.draw_top(a_spend(names, cost), HEADER)
    assert len(found) > 30
    assert [text for text, begins, ends in found if begins < 0 or ends > 825] == []


def test_at_most_eight_parts_and_the_last_is_the_sum_of_the_rest() -> None:
    merged = charts._merged(a_daily([f"p{i}" for i in range(20)]))
    assert merged.names == (*(f"p{i}" for i in range(7)), "other")
    before = a_daily([f"p{i}" for i in range(20)])
    assert [sum(d.parts) for d in merged.days] == [sum(d.parts) for d in before.days]


@pytest.mark.parametrize(
    ("digits", "highest", "labels"),
    [
        (2, 115_473, ["0", "500", "1,000"]),
        (2, 120, ["0.00", "0.50", "1.00"]),
        (2, 3, ["0.00", "0.01", "0.02", "0.03"]),
        (0, 750_000_000_000, ["0", "200,000 M", "400,000 M", "600,000 M"]),
        (0, 3, ["0", "1", "2", "3"]),
        (3, 1, ["0.000", "0.001"]),
    ],
)
def test_the_axis_is_written_from_integers(
    digits: int, highest: int, labels: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    daily = Daily(("a",), (Day(date(2026, 6, 1), (highest,)),))
    with drawn(monkeypatch) as texts:
        charts.draw_daily(daily, replace(HEADER, digits=digits), "project")
    wanted = ["0" if not label.strip("0.") else label for label in labels]
    assert [text for text in texts if text in wanted] == wanted


def test_bars_carry_cost_and_share(monkeypatch: pytest.MonkeyPatch) -> None:
    spend = Spend(
        ("team",), (Row(("nlp",), 1, 1, 903168, 903168, 903168),),
        Row((), 1, 1, 2257920, 2257920, 2257920),
    )  # fmt: skip
    with drawn(monkeypatch) as texts:
        charts.draw_top(spend, HEADER)
    assert texts == ["nlp", "9,031.68  40.0%"]


def test_what_was_given_back_hangs_below_the_line() -> None:
    from matplotlib.figure import Figure

    axes = Figure().add_subplot()
    daily = Daily(("a", "b", "c"), (Day(date(2026, 6, 1), (500, -300, 200)),))
    charts._stack(axes, daily, charts.LIGHT)
    shapes = [one.get_paths()[0].get_extents() for one in axes.collections]
    assert [(shape.y0, shape.y1) for shape in shapes] == [(0, 500), (-300, 0), (500, 700)]


@pytest.mark.parametrize("names", [[], ["a"]])
@pytest.mark.parametrize("days", [0, 1, 31, 366])
@pytest.mark.parametrize("cost", [0, 1, -7])
def test_any_length_and_any_sign_can_be_drawn(
    names: list[str | None], days: int, cost: int
) -> None:
    charts.draw_daily(a_daily(names, days, cost), HEADER, "project")
    charts.draw_top(a_spend(names, cost), HEADER)


def test_the_same_figures_are_the_same_bytes_whatever_matplotlibrc_says() -> None:
    import matplotlib

    daily, spend = a_daily(["a", "$b$"]), a_spend(["a", "$b$"])
    before = charts.draw_daily(daily, HEADER, "project"), charts.draw_top(spend, HEADER)
    with matplotlib.rc_context({"text.usetex": True, "font.size": 40, "axes.facecolor": "red"}):
        again = charts.draw_daily(daily, HEADER, "project"), charts.draw_top(spend, HEADER)
        assert matplotlib.rcParams["font.size"] == 40
    assert again == before
    assert b"Software" not in before[0]


def test_a_dark_chart_is_dark() -> None:
    from matplotlib.image import imread

    for dark, low, high in ((False, 0.9, 1.0), (True, 0.0, 0.1)):
        png = charts.draw_daily(a_daily(["a"]), HEADER, "project", dark=dark)
        corner = imread(io.BytesIO(png))[0, 0, :3]
        assert low <= corner.min() <= corner.max() <= high


def test_words_say_what_the_pictures_show() -> None:
    assert charts.daily_alt(a_daily(["a"]), HEADER) == (
        "Cost by day in June 2026: the highest is 357.86 USD on 30 June."
    )
    assert charts.daily_alt(a_daily(["a"], cost=0), HEADER) == "No cost on any day in June 2026."
    assert charts.top_alt(a_spend(["a", "b"]), HEADER) == (
        "The costliest project is a: 0.00 USD, 0.0% of all."
    )
    assert charts.top_alt(a_spend([]), HEADER) == "Nothing was spent in June 2026."
