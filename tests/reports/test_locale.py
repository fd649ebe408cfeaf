"""Figures and dates as a locale writes them, exact to the last digit."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from babel.numbers import parse_decimal
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.reports import locale
from slurm_finops.reports.format import day_name, figure, gpu_hours, money, period_name, share
from tests.reports.test_render import HEADER

LOCALES = ["en_US", "de_DE", "de_CH", "fr_FR", "hi_IN", "sv_SE", "pt_BR", "ja_JP", "fa_IR"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("en", ("9,031.68 USD", "2,304.0", "62.0%", "8 June", "week 24 of 2026 (8–14 June)")),
        ("de_DE", ("9.031,68 USD", "2.304,0", "62,0\u00a0%", "8. Juni",
                   "week 24 of 2026 (8.–14. Juni)")),
        ("sv_SE", ("9\u00a0031,68 USD", "2\u00a0304,0", "62,0\u00a0%", "8 juni",
                   "week 24 of 2026 (8–14 juni)")),
    ],
)  # fmt: skip
def test_a_locale_writes_figures_and_dates_its_way(name: str, told: tuple[str, ...]) -> None:
    header = replace(HEADER, locale=name, label="2026-W24", first_day=date(2026, 6, 8),
                     last_day=date(2026, 6, 14))  # fmt: skip
    assert told == (
        money(903_168, header), gpu_hours(8_294_400, header), share(62, 100, header),
        day_name(date(2026, 6, 8), header), period_name(header),
    )  # fmt: skip


@given(st.integers(-(10**24), 10**24), st.integers(0, 3), st.sampled_from(LOCALES))
def test_every_digit_is_there(minor: int, digits: int, name: str) -> None:
    header = replace(HEADER, locale=name, digits=digits)
    assert parse_decimal(figure(minor, header), locale=name) == Decimal(minor).scaleb(-digits)


def test_the_order_of_a_date_is_the_locales() -> None:
    assert day_name(date(2026, 6, 8), replace(HEADER, locale="en_US")) == "June 8"


def test_lakhs_are_grouped_in_twos() -> None:
    assert locale.number(1_234_567_890, 2, "hi_IN") == "1,23,45,678.90"
