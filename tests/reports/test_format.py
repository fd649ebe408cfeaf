"""How figures and names look: exact, grouped, on one line."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.core.characters import is_control
from slurm_finops.reports import format as f
from slurm_finops.reports.view import Header

HEADER = Header("USD", 2, "UTC", "2026-06", "", "", date(2026, 6, 1), date(2026, 6, 30))


def a_header(label: str, first: date, last: date) -> Header:
    return replace(HEADER, label=label, first_day=first, last_day=last)


@pytest.mark.parametrize(
    ("minor", "digits", "currency", "text"),
    [
        (2257920, 2, "USD", "22,579.20 USD"),
        (3386880, 0, "JPY", "3,386,880 JPY"),
        (-5, 2, "USD", "−0.05 USD"),
        (12345, 3, "KWD", "12.345 KWD"),
        (10**27, 0, "KRW", "1,000,000,000,000,000,000,000,000,000 KRW"),
    ],
)
def test_money(minor: int, digits: int, currency: str, text: str) -> None:
    assert f.money(minor, replace(HEADER, digits=digits, currency=currency)) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(8_294_400, "2,304.0"), (179, "0.0"), (180, "0.1"), (-180, "−0.1"), (0, "0.0")],
)
def test_gpu_hours(seconds: int, text: str) -> None:
    assert f.gpu_hours(seconds) == text


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (40, 100, "40.0%"), (1, 3, "33.3%"), (5, 10_000, "0.1%"), (4, 10_000, "0.0%"),
        (-5, 10_000, "−0.1%"), (3, 2, "150.0%"), (1, 0, "–"), (1, -2, "–"),
    ],
)  # fmt: skip
def test_shares_have_one_decimal_halves_away_from_zero(part: int, whole: int, text: str) -> None:
    assert f.share(part, whole) == text


@pytest.mark.parametrize(
    ("label", "first", "last", "text"),
    [
        ("2026-06", date(2026, 6, 1), date(2026, 6, 30), "in June 2026"),
        ("2026-W23", date(2026, 6, 1), date(2026, 6, 7), "in week 23 of 2026 (1–7 June)"),
        ("2026-W27", date(2026, 6, 29), date(2026, 7, 5), "in week 27 of 2026 (29 June – 5 July)"),
        ("2026-W01", date(2025, 12, 29), date(2026, 1, 4),
         "in week 1 of 2026 (29 December 2025 – 4 January 2026)"),
        ("2026-06-01", date(2026, 6, 1), date(2026, 6, 1), "on 1 June 2026"),
        ("2026-06-01..2026-06-15", date(2026, 6, 1), date(2026, 6, 14), "in 1–14 June 2026"),
        ("a..b", date(2026, 5, 20), date(2026, 6, 14), "in 20 May – 14 June 2026"),
        ("a..b", date(2025, 5, 20), date(2026, 6, 14), "in 20 May 2025 – 14 June 2026"),
    ],
)  # fmt: skip
def test_periods_by_name(label: str, first: date, last: date, text: str) -> None:
    assert f.in_period(a_header(label, first, last)) == text


def test_every_week_of_a_long_year_is_called_a_week() -> None:
    monday = date(2026, 1, 5)
    for _ in range(60):
        year, week, _day = monday.isocalendar()
        header = a_header(f"{year}-W{week:02d}", monday, monday + timedelta(6))
        assert f.period_name(header).startswith(f"week {week} of {year} (")
        monday += timedelta(7)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [("team", None, "(untagged)"), ("account", None, "(none)"), ("team", "nlp", "nlp"),
     ("team", "a\r\nb\x1b[31m\u202e", "a��b�[31m�"), ("team", "\ud800", "�")],
)  # fmt: skip
def test_values_stay_on_their_line(name: str, value: str | None, text: str) -> None:
    assert f.shown(name, value) == text


@given(st.text())
def test_nothing_invisible_is_shown(text: str) -> None:
    seen = f.visible(text)
    assert len(seen) == len(text)
    assert not any(is_control(char) for char in seen)
    seen.encode()


@given(st.text(alphabet=st.characters(exclude_categories=("Cc", "Cs"))), st.integers(4, 60))
def test_a_shortened_text_fits_and_a_padded_one_fills(text: str, width: int) -> None:
    assert f.columns(f.shortened(text, width)) <= width
    assert f.columns(f.padded(text, width)) == width
    if f.columns(text) <= width:
        assert f.shortened(text, width) == text


def test_names_that_differ_at_their_end_still_differ_when_shortened() -> None:
    names = [f"{'experiment' * 9}-{i}" for i in range(100)]
    assert len({f.shortened(name, 20) for name in names}) == 100
