"""Hostlist expressions against names made without reading any text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.core.hostlist import MOST, expand


@pytest.mark.parametrize(("text", "names"), [
    ("gpu[01-04,7],login1", "gpu01 gpu02 gpu03 gpu04 gpu7 login1"),
    ("rack[1-2]node[1-3]", "rack1node1 rack1node2 rack1node3 rack2node1 rack2node2 rack2node3"),
    ("n[1-2][3-4]", "n13 n14 n23 n24"),
    ("n[1-2]-ib,m", "n1-ib n2-ib m"),
    ("n[099-101]", "n099 n100 n101"),
    ("n[9-11]", "n9 n10 n11"),
    # the first number's width counts, as in Slurm
    ("n[1-002]", "n1 n2"),
    ("n[1,1],n1", "n1 n1 n1"),
    ("n1 n2\tn3\nn4", "n1 n2 n3 n4"),
    (",n1,,n2, ", "n1 n2"),
    ("[1-2]", "1 2"),
    ("", ""),
    ("n1-3", "n1-3"),
])  # fmt: skip
def test_an_expression_is_the_names_in_its_order(text: str, names: str) -> None:
    assert expand(text) == names.split()


@pytest.mark.parametrize(("text", "why"), [
    ("n[1", "'n[1': no ] closes the [ at character 2"),
    ("m,n[1-2]x[3", "no ] closes the [ at character 10"),
    ("n1]", "'n1]': the ] at character 3 closes no ["),
    ("n[1-3]]", "the ] at character 7 closes no ["),
    ("n[[1-2]]", "the [ at character 2 has another within it"),
    ("n[3-1]", "'[3-1]': the range 3-1 runs backwards"),
    ("n[]", "'[]': '' is no number and no range such as 01-04"),
    ("n[1,]", "'[1,]': '' is no number"),
    ("n[1-2-3]", "'1-2-3' is no number"),
    ("n[3-]", "'3-' is no number"),
    ("n[1 - 2]", "'1 - 2' is no number"),
    ("n[a-b]", "'a-b' is no number"),
    ("n[٣]", "'٣' is no number"),
    ("n[1-99999999999999999999]", "is no number"),
])  # fmt: skip
def test_what_is_none_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(ValueError) as error:
        expand(text)
    assert why in str(error.value)


@pytest.mark.parametrize("text", [
    "n[1-999999999999999999]", "n[1-1001][1-1000]", "n[1-1000000],m",
    "n[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]",
])  # fmt: skip
def test_more_names_than_any_cluster_has_are_counted_and_not_made(text: str) -> None:
    with pytest.raises(ValueError, match="stands for more than 1,000,000 names"):
        expand(text)


def test_the_bound_is_the_last_that_is_allowed() -> None:
    assert len(expand(f"n[1-{MOST}]")) == MOST
    assert expand("n[1-2],m", 3) == ["n1", "n2", "m"]
    with pytest.raises(ValueError, match="more than 2 names"):
        expand("n[1-2],m", 2)


literals = st.text("abzA-._0123456789", min_size=1, max_size=4)
# (first, how many more, width)
ranges = st.lists(st.tuples(st.integers(0, 120), st.integers(0, 12), st.integers(1, 4)),
                  min_size=1, max_size=3)  # fmt: skip
pieces = st.lists(st.one_of(literals, ranges), min_size=1, max_size=4)


def written(piece: list) -> str:  # type: ignore[type-arg]
    """A piece as a person writes it."""
    text = ""
    for part in piece:
        if isinstance(part, str):
            text += part
        else:
            items = [f"{a:0{w}d}-{a + n}" if n else f"{a:0{w}d}" for a, n, w in part]
            text += f"[{','.join(items)}]"
    return text


def named(piece: list) -> list[str]:  # type: ignore[type-arg]
    """Its names, counted up one by one."""
    if not piece:
        return [""]
    rest = named(piece[1:])
    if isinstance(piece[0], str):
        return [piece[0] + tail for tail in rest]
    numbers = []
    for first, more, width in piece[0]:
        wide = max(width, len(str(first)))
        for number in range(first, first + more + 1):
            numbers.append("0" * (wide - len(str(number))) + str(number))
    return [number + tail for number in numbers for tail in rest]


@given(st.lists(pieces, max_size=3).filter(
    lambda many: sum(len(named(piece)) for piece in many) < 20_000
))  # fmt: skip
def test_any_expression_is_the_names_that_it_was_written_of(many: list) -> None:  # type: ignore[type-arg]
    assert expand(",".join(map(written, many))) == [name for one in many for name in named(one)]
