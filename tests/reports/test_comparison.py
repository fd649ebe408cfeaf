"""A comparison as people and programs read it: order, rounding, hostile names, bars."""

import csv
import io
import struct
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.billing.compare import Bare, Cell, Costs
from slurm_finops.core.compare import MonthlyLine
from slurm_finops.core.money import TICKS, to_minor
from slurm_finops.reports import charts_beside as charts
from slurm_finops.reports.comparison import Column, Comparison, Cost, _column, _ordered
from slurm_finops.reports.comparison_tables import (
    comparison_csv,
    comparison_json,
    comparison_text,
    notes,
)
from slurm_finops.reports.view import Header
from tests.reports.test_charts import HOSTILE, drawn

HEADER = Header("USD", 2, "UTC", "2026-06", "", "", date(2026, 6, 1), date(2026, 6, 30))


def a_column(name: str, costs: dict[str | None, int | None], *lines: MonthlyLine) -> Column:
    return Column(name, "second", 0, {(k,): Cost(v, 3600, 7200) for k, v in costs.items()}, lines)


def of(*columns: Column) -> Comparison:
    return Comparison(HEADER, ("team",), _ordered(columns), columns)


@given(st.dictionaries(st.text(max_size=3), st.integers(0, 10**18), max_size=9),
       st.sampled_from([0, 2, 3]))  # fmt: skip
def test_a_list_is_rounded_once_and_its_owners_sum_to_it(
    ticks: dict[str, int], digits: int
) -> None:
    cells = {(name,): Cell(amount, 1, 1, True) for name, amount in ticks.items()}
    column = _column("x", "second", 0, Costs(cells), (), digits)
    assert column.usage_minor == to_minor(sum(ticks.values()), digits)
    for (name,), cost in column.costs.items():
        assert cost.minor is not None
        assert abs(cost.minor * TICKS - ticks[name] * 10**digits) < TICKS


def test_owners_stand_by_what_was_charged_then_by_the_lists_then_by_name() -> None:
    found = of(
        a_column("own", {"b": 5, "a": 5, None: 9, "z": 5}), a_column("x", {"z": 7, "new": 1})
    )
    assert [key[0] for key in found.keys] == [None, "z", "a", "b", "new"]


def test_what_has_no_price_is_a_dash_null_and_empty_and_never_nought() -> None:
    found = of(a_column("own", {"a": 0, "b": None}), a_column("x", {"a": None}))
    assert comparison_text(found).splitlines()[2:4] == [
        "a                 0.00     –", "b                    –     –",
    ]  # fmt: skip
    own, other = comparison_json(found)["lists"]
    assert [row["cost"] for row in own["rows"]] == ["0.00", None]
    assert [row["team"] for row in other["rows"]] == ["a"]
    rows = list(csv.DictReader(io.StringIO(comparison_csv(found))))
    assert [row["cost"] for row in rows] == ["0.00", "", ""]


def test_lines_of_one_name_share_a_row_and_totals_hold_them() -> None:
    found = of(
        a_column("own", {"a": 100}), a_column("x", {"a": 50}, MonthlyLine("egress", 60)),
        a_column("y", {"a": 90}, MonthlyLine("disk", 5), MonthlyLine("egress", 5)),
    )  # fmt: skip
    assert comparison_text(found) == (
        "2026-06 by team, USD\n"
        "team               own      x     y\n"
        "a                 1.00   0.50  0.90\n"
        "usage             1.00   0.50  0.90\n"
        "egress               –   0.60  0.05\n"
        "disk                 –      –  0.05\n"
        "total             1.00   1.10  1.00\n"
        "difference              +0.10  0.00\n"
        "GPU-hours booked   2.0    2.0   2.0\n"
    )


def test_a_note_names_the_list_and_what_it_has_no_rate_for() -> None:
    bare = Column("x\x1b[31m", "hour", 0, {}, (), 2, (Bare("gres/gpu:b200", 2, 7200),))
    assert notes(of(a_column("own", {"a": 1}), bare)) == [
        "warning: x\ufffd[31m: no rate for gres/gpu:b200: 2 runs, 2.0 unit-hours are in no cost "
        "of it",
        "the lists do not price the same usage: a difference is also of what one leaves out",
    ]
    assert not [note for note in notes(of(bare, bare)) if note.startswith("the lists")]


def test_names_are_harmless_in_a_table_and_in_a_spreadsheet() -> None:
    found = of(a_column("own", {"=1+1": 1}), a_column("=x\n", {"\x1b[31m": 1}, MonthlyLine("@", 1)))
    assert "\x1b" not in comparison_text(found)
    assert len(comparison_text(found).splitlines()) == 9
    rows = list(csv.reader(io.StringIO(comparison_csv(found))))[1:]
    assert [row[:3] for row in rows] == [
        ["own", "'=1+1", ""], ["'=x\ufffd", "\ufffd[31m", ""], ["'=x\ufffd", "", "'@"],
    ]  # fmt: skip


# ---- the picture


def test_bars_and_legend_carry_exact_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    found = of(
        a_column("as charged", {"nlp": 903_168, "cv": 564_480}),
        a_column("A", {"nlp": 1_585_152, "cv": None}, MonthlyLine("egress", 190_000)),
    )
    with drawn(monkeypatch) as texts:
        charts.comparison_png(found)
    assert sorted(texts) == sorted([
        "nlp", "cv", "lines", "9,031.68", "5,644.80", "–", "15,851.52", "–", "1,900.00",
        "USD by team in June 2026", "as charged: 14,676.48", "A: 17,751.52",
    ])  # fmt: skip


def test_owners_past_the_eighth_are_one_bar_and_bars_sum_to_the_totals() -> None:
    many = {f"t{i:02}": 100 - i for i in range(12)}
    found = of(a_column("own", many), a_column("x", dict.fromkeys(many)),
               a_column("y", {"t00": 1}, MonthlyLine("egress", 7)))  # fmt: skip
    groups = charts._owners(found)
    assert [name for name, _ in groups] == [*sorted(many)[:7], "5 others", "lines"]
    assert groups[-2][1] == [sum(100 - i for i in range(7, 12)), None, None]
    for i, column in enumerate(found.columns):
        assert sum(costs[i] or 0 for _, costs in groups) == column.all_minor


def test_any_names_and_any_number_of_lists_can_be_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    with drawn(monkeypatch) as texts:
        for lists in (1, 8):
            png = charts.comparison_png(
                of(*(a_column(str(name), dict.fromkeys(HOSTILE[:6], 10**i))
                     for i, name in enumerate(HOSTILE[:lists])))
            )  # fmt: skip
            assert struct.unpack(">II", png[16:24])[0] == 825
    assert charts.label("$x^2$") in texts


def test_nothing_held_is_drawn_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    with drawn(monkeypatch) as texts:
        charts.comparison_png(of(a_column("own", {}), a_column("x", {})))
    assert texts.count("0.00") == 2
    assert {"nothing held", "own: 0.00", "x: 0.00"} <= set(texts)
