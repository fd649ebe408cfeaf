"""What a configuration states, and how a change of it is said."""

import tomllib
from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.core.stated import MOST_CHARACTERS, MOST_LINES, bounded, changes, restated, stated

BEFORE = """
cluster = "alpha"
[tags]
required = ["team", "project"]
[tags.defaults."nlp-*"]
team = "nlp"
[[rates]]
sku = "gres/gpu:h100"
price = "3.92"
from = 2026-01-01
match = { partition = "h100", qos = "high prio" }
[[teams]]
name = "nlp"
budget = "5000"
[[teams.projects]]
name = "llama"
budget = "100"
[[tiers]]
name = "volume"
steps = [ { from = "0", factor = "1" }, { from = "10", factor = "0.9" } ]
"""


def said(before: str, after: str) -> dict[str, list[str]]:
    return restated(stated(tomllib.loads(before)), stated(tomllib.loads(after)))


def edited(*edits: tuple[str, str]) -> dict[str, list[str]]:
    """What is said of these edits of `BEFORE`."""
    after = BEFORE
    for old, new in edits:
        assert old in after
        after = after.replace(old, new)
    return said(BEFORE, after)


def test_a_change_is_called_as_it_stands_in_the_file() -> None:
    assert edited(
        ('"3.92"', '"4.10"'), ('"5000"', '"6000"'), ('budget = "100"\n', ""), ('"alpha"', '"beta"'),
        ('team = "nlp"', 'team = "cv"'), ('"0.9"', '"0.8"'),
    ) == {
        "": ['cluster: "alpha" -> "beta"'],
        "rates": ['rates gres/gpu:h100 partition=h100 qos="high prio" from 2026-01-01 price: '
                  '"3.92" -> "4.10"'],
        "tags": ['tags defaults."nlp-*".team: "nlp" -> "cv"'],
        "teams": ['teams nlp budget: "5000" -> "6000"',
                  'teams nlp / projects llama budget: "100" -> not set'],
        "tiers": ['tiers volume steps: [{factor = "1", from = "0"}, {factor = "0.9", from = "10"}]'
                  ' -> [{factor = "1", from = "0"}, {factor = "0.8", from = "10"}]'],
    }  # fmt: skip


def test_what_is_new_or_gone_is_one_line_with_all_that_it_says() -> None:
    new = '[[teams]]\nname = "cv"\nemail = ["pi@example.org"]\n[alerts]\n'
    line = 'teams cv: none -> name = "cv", email = ["pi@example.org"]'
    assert said(BEFORE, BEFORE + new) == {"teams": [line], "alerts": ["alerts: none -> no keys"]}
    assert said(BEFORE + new, BEFORE)["teams"] == [
        'teams cv: name = "cv", email = ["pi@example.org"] -> none'
    ]


def test_of_two_with_one_name_neither_hides_the_other() -> None:
    two = '[[lines]]\nname = "disk"\namount = "1"\n[[lines]]\nname = "disk"\namount = "2"\n'
    assert said(two, two.replace('"2"', '"3"')) == {"lines": ["lines disk' amount: \"2\" -> \"3\""]}


def test_of_a_long_list_what_differs_is_said() -> None:
    users = [f"user{i:03}" for i in range(300)]
    one, two = ({"teams": [{"name": "nlp", "users": names}]} for names in
                (users, [*users[:150], "eve", *users[150:]]))  # fmt: skip
    ((line,),) = restated(stated(one), stated(two)).values()
    assert '"eve"' in line.partition(" -> ")[2]
    assert '"eve"' not in line.partition(" -> ")[0]
    assert len(line) < 150


def test_a_password_that_was_put_into_a_url_is_kept_nowhere() -> None:
    for text in ("smtp://me:hunter2@mail.example.org", "smtp://:hunter2@/x@mail.example.org"):
        keys = stated({"mail": {"smtp": text}})["mail"]
        assert "hunter2" not in keys["smtp"]
        assert keys["smtp"].endswith(':…@mail.example.org"')
    kept = "smtp://me@mail.example.org:587"
    assert stated({"mail": {"smtp": kept}})["mail"] == {"smtp": f'"{kept}"'}


def test_a_bound_counts_what_it_leaves_out() -> None:
    assert bounded(["a"] * 3) == ["a"] * 3
    assert bounded(["a"] * 3, 2) == ["a", "a", "a", "and 2 more"]
    assert bounded(["a"] * (MOST_LINES + 5)) == ["a"] * MOST_LINES + ["and 5 more"]
    assert bounded(["a" * MOST_CHARACTERS, "b"]) == ["a" * MOST_CHARACTERS, "and 1 more"]
    # one that is too long alone is kept: of nothing nobody could tell what it was
    assert bounded(["a" * (MOST_CHARACTERS + 1)]) == ["a" * (MOST_CHARACTERS + 1)]


texts = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["1", "2", "ü"]))


@given(texts, texts)
def test_each_line_has_its_key_what_was_and_what_is(
    before: dict[str, str], after: dict[str, str]
) -> None:
    expected = [
        f"{key}: {before.get(key, 'none')} -> {after.get(key, 'none')}"
        for there in (True, False) for key in "abcdef" if (key in before) is there
        if (key in before, before.get(key)) != (key in after, after.get(key))
    ]  # fmt: skip
    assert changes(before, after) == expected
    assert changes(before, before) == []


@given(st.text("ab", max_size=600), st.text("ab", max_size=600))
def test_long_texts_that_differ_are_told_apart(one: str, two: str) -> None:
    for line in changes({"k": one}, {"k": two}):
        old, _, new = line.removeprefix("k: ").partition(" -> ")
        assert old != new
        assert len(line) < 1000


keys = st.sampled_from(["a", "b c", 'd"', "e.f", "e"])
scalars = st.one_of(
    st.sampled_from(["", "1", "x y", "a / b", '"', "2026-01-01"]), st.sampled_from([0, 1]),
    st.booleans(), st.just(date(2026, 1, 1)),
)  # fmt: skip
plain = scalars | st.lists(scalars, max_size=2)
tables = st.dictionaries(keys, plain | st.dictionaries(keys, plain, max_size=2), max_size=3)


def named(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[list[dict[str, Any]]]:
    each = st.builds(lambda table, name: table | {"name": name}, inner,
                     st.sampled_from(["x", "x y", "x / e", "'", ""]))  # fmt: skip
    return st.lists(each, min_size=1, max_size=2, unique_by=lambda table: table["name"])


deep = st.builds(lambda table, more: table | more, tables,
                 st.dictionaries(st.just("projects"), named(tables), max_size=1))  # fmt: skip
documents = st.dictionaries(
    st.sampled_from(["tags", "teams", "rates"]), plain | tables | named(deep), max_size=2
)


def meaning(value: Any) -> Any:
    """A document such that only what has no meaning, the order of its tables, is left out."""
    if isinstance(value, dict):
        return frozenset((key, meaning(one)) for key, one in value.items())
    if isinstance(value, list):
        found = [meaning(one) for one in value]
        is_tables = bool(value) and all(isinstance(one, dict) for one in value)
        return ("tables", frozenset(found)) if is_tables else tuple(found)
    return type(value).__name__, value


@given(documents, documents)
def test_nothing_is_said_exactly_where_two_documents_mean_the_same(
    one: dict[str, Any], two: dict[str, Any]
) -> None:
    assert (restated(stated(one), stated(two)) == {}) == (meaning(one) == meaning(two))


def turned(value: Any) -> Any:
    is_tables = isinstance(value, list) and {type(one) for one in value} == {dict}
    return value[::-1] if is_tables else value


@given(documents)
def test_the_order_of_keys_and_tables_is_no_change(document: dict[str, Any]) -> None:
    other = {key: turned(value) for key, value in reversed(document.items())}
    assert restated(stated(document), stated(other)) == {}
