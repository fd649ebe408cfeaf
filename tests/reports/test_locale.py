"""Figures and dates as a locale writes them, exact to the last digit."""

import json
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from babel.numbers import parse_decimal
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.reports import blocks, locale, render, tables
from slurm_finops.reports.format import day_name, figure, gpu_hours, money, period_name, share
from slurm_finops.reports.view import Allotment, Row, Spend, TagFault, Unpriced
from tests.reports.test_render import HEADER, a_budget, a_page

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


def test_no_figure_of_a_mail_or_page_is_left_in_english() -> None:
    rows = tuple(Row((f"p{i}",), 1500, 36_000_000, 9_000_000, 9_000_000, 9_000_000)
                 for i in range(1200))  # fmt: skip
    total = Row((), 1_800_000, 36_000_000 * 1200, *[9_000_000 * 1200] * 3)
    page = a_page(budgets=(a_budget(900_000_000, 450_000_000, by=14),), faults=(
        TagFault("nlp", "untagged", "{}", 4400, 990_000),), allotments=(
        Allotment("grant", True, 123_456, 12_345, date(2026, 6, 30), low=True),))  # fmt: skip
    header = replace(page.report.header, locale="de_DE")
    report = replace(page.report, header=header, spend=Spend(("project",), rows, total),
                     provisional_runs=1250, provisional_minor=1_250_000,
                     unpriced=(Unpriced("gres/shard", 1111, 72_000_000),),
                     problems=3333)  # fmt: skip
    page = replace(page, report=report)
    for text in (
        render.mail_text(page), without_style(render.mail_html(page)),
        without_style(render.page_html(page)), json.dumps(blocks.payload(page)),
    ):  # fmt: skip
        assert re.findall(r"\d,\d{3}\b|\d\.\d\d\b(?!\d)", text) == []
    table = tables.table_text(report)
    assert re.findall(r"\d\.\d{3}\b", table) == []


def without_style(html: str) -> str:
    """The text that is read, with what describes pictures."""
    html = re.sub(r"<(style|script|svg).*?</\1>", "", html, flags=re.S)
    alts = " ".join(re.findall(r'alt="([^"]*)"', html))
    return re.sub(r"<[^>]*>", " ", html) + alts
