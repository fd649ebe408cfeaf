"""The index over months and teams, and the names of its files."""

import re
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.reports.archive import (
    Month,
    around,
    file_name,
    index_html,
    page_names,
    team_links,
    told,
)
from slurm_finops.reports.site import UNTAGGED_NAME
from slurm_finops.reports.view import Row, Spend
from tests.reports.test_render import HEADER, HOSTILE, Tags

NAMES = st.one_of(
    st.text(max_size=300), st.sampled_from(HOSTILE),
    st.from_regex(r"[A-Za-z0-9_.-]{1,45}", fullmatch=True),
    st.sampled_from(["index", "Index", "con", "nul", "com1", "..", ".", "", "a/b", "a-b", "nlp",
                     "NLP", "untagged", UNTAGGED_NAME, "ﬃ", "K"]),
)  # fmt: skip


def a_month(number: int, so_far: bool = False, **spent: int) -> Month:
    """A month of 2026 in which teams spent so many minor units; ``none`` is untagged."""
    rows = tuple(
        Row((None if team == "none" else team,), 1, 3600, minor, minor, minor)
        for team, minor in spent.items()
    )
    header = replace(
        HEADER, label=f"2026-{number:02d}", first_day=date(2026, number, 1),
        last_day=date(2026, number, 28), so_far=so_far,
    )  # fmt: skip
    whole = sum(spent.values())
    return Month(header, Spend(("team",), rows, Row((), len(rows), 1, whole, whole, whole)))


MONTHS = (
    a_month(6, True, nlp=50_00, none=1_00), a_month(5, nlp=120_00, cv=80_00), a_month(4, cv=100_00),
)  # fmt: skip


# ---- names of files


@given(st.lists(NAMES, unique=True, max_size=8))
def test_every_team_has_a_file_of_its_own_on_any_system(names: list[str]) -> None:
    files = [file_name(name) for name in names]
    assert len({name.casefold() for name in files}) == len(files)
    for name in files:
        assert re.fullmatch(r"[a-z0-9][a-z0-9_-]*\.html", name)
        assert len(name) <= 46
        assert name.removesuffix(".html") not in ("index", "con", "nul", "com1")


def test_a_plain_name_is_its_files() -> None:
    assert file_name("nlp") == "nlp.html"
    assert file_name("bio_chem-2") == "bio_chem-2.html"
    assert re.fullmatch(r"nlp-[0-9a-f]{10}\.html", file_name("NLP"))
    assert re.fullmatch(r"etc-passwd-[0-9a-f]{10}\.html", file_name("../../etc/passwd"))


def test_a_name_that_looks_like_anothers_file_is_not_its() -> None:
    taken = file_name("NLP").removesuffix(".html")
    assert file_name(taken) != f"{taken}.html"


# ---- the index


def test_the_index_leads_to_each_page_by_its_figure() -> None:
    html = index_html(MONTHS, MONTHS[0].header, "15 June 2026")
    links = [attrs["href"] for tag, attrs in Tags(html).seen if tag == "a"]
    assert sorted(set(links)) == sorted(set(page_names(MONTHS)) - {"index.html"})
    assert re.search(r'href="2026-05/nlp\.html">120\.00<', html)
    assert not [link for link in links if re.match(r"\w+:|/", str(link))]


def test_the_index_says_months_newest_first_and_how_they_changed() -> None:
    html = index_html(MONTHS, MONTHS[0].header, "")
    table = html.split("By month")[1].split("By team")[0]
    assert re.findall(r'href="[^"]+">([^<]+)</a>', table) == [
        "June 2026 so far", "May 2026", "April 2026",
    ]  # fmt: skip
    # of a month that goes on nothing is said
    assert re.findall(r"[+−±][\d.]+%", table) == ["+100.0%"]
    assert told(MONTHS) == "3 months, 3 teams"


def test_columns_of_the_index_sum() -> None:
    html = index_html(MONTHS, MONTHS[0].header, "")
    (foot,) = re.findall(r"<tfoot>(.*?)</tfoot>", html)
    assert re.findall(r'number">([\d.,]+)<', foot) == ["351.00", "51.00", "200.00", "100.00"]
    assert "By month: the most, 120.00 USD, in May 2026" in html


def test_a_team_that_calls_itself_untagged_is_in_the_sum() -> None:
    month = a_month(6, **{"none": 100, UNTAGGED_NAME: 50})
    assert month.teams == {UNTAGGED_NAME: 150}
    assert page_names([month]).count(f"2026-06/{file_name(UNTAGGED_NAME)}") == 1


def test_a_page_links_to_the_months_in_which_its_team_has_one() -> None:
    assert around(MONTHS, 1) == (
        ("All months", "../index.html"), ("← April 2026", "../2026-04/index.html"),
        ("June 2026 →", "../2026-06/index.html"),
    )  # fmt: skip
    assert around(MONTHS, 1, "nlp") == (
        ("All months", "../index.html"), ("May 2026, all teams", "index.html"),
        ("June 2026 →", "../2026-06/nlp.html"),
    )  # fmt: skip
    assert team_links(MONTHS[0]) == {"nlp": "nlp.html", None: file_name(UNTAGGED_NAME)}


def test_with_nothing_spent_the_index_says_so() -> None:
    html = index_html((), HEADER, "")
    assert "Nothing was held in these months." in html
    assert "<script" not in html


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_team_is_text_and_nothing_else(name: str) -> None:
    html = index_html((a_month(6, **{name: 100}),), HEADER, "")
    tags = Tags(html).seen
    assert [tag for tag, _ in tags].count("script") == 1
    assert not [a for _, attrs in tags for a in attrs if a.startswith("on")]
    assert "img" not in [tag for tag, _ in tags]
    assert len(html) < 40_000
