"""Keys of owners: another for each, and as they always were for plain names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.core.owner_key import named_by, owner_key, shown_key

NAMES = st.text(st.sampled_from("a/%2F5:é "), min_size=1)


@pytest.mark.parametrize(("owner", "key"), [
    (("nlp",), "team:nlp"),
    (("nlp", "llama"), "project:nlp/llama"),
    (("", "", "product"), "cost_center:product"),
    (("",), "site"),
    (("100 %", "50%"), "project:100 %/50%"),
    (("a/b",), "team:a/b"),
    (("a", "b/c"), "project:a/b%2Fc"),
    (("a/b", "c"), "project:a%2Fb/c"),
    (("a", "b%2Fc"), "project:a/b%252Fc"),
])  # fmt: skip
def test_a_key_is_plain_but_for_a_slash(owner: tuple[str, ...], key: str) -> None:
    assert owner_key(*owner) == key


@given(NAMES, st.one_of(st.just(""), NAMES))
def test_a_key_names_one_owner(team: str, project: str) -> None:
    assert named_by(owner_key(team, project)) == (team, project)


@given(NAMES)
def test_a_project_without_a_slash_or_an_escape_is_written_as_it_is(name: str) -> None:
    if "/" not in name and "%2F" not in name and "%25" not in name:
        assert owner_key("a", name) == f"project:a/{name}"


def test_people_are_shown_names_as_they_are() -> None:
    assert shown_key("project:a/b%2Fc") == "project:a/b/c"
    assert shown_key("alert:project:a/b%252Fc") == "alert:project:a/b%2Fc"
    assert shown_key("team:a%2Fb") == "team:a%2Fb"


def test_a_centre_and_the_site_are_of_no_team() -> None:
    assert named_by("cost_center:a") == named_by("site") == ("", "")
