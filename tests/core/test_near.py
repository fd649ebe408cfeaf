"""Did you mean …?  Held against slips that were really made, and a full table of distances."""

from itertools import combinations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from slurm_finops.core.near import MAX_LENGTH, MAX_NAMES, near_pairs, nearest


@pytest.mark.parametrize(
    ("text", "names", "found"),
    [
        ("llama-finetun", ["prod", "llama-finetune"], "llama-finetune"),
        ("lalma", ["llama"], "llama"),
        ("lr_sweep", ["lr-sweep"], "lr-sweep"),
        ("NLP", ["cv", "nlp"], "nlp"),
        ("nlpp", ["nlp"], "nlp"),
        ("nl", ["nlp"], None),  # too short for a slip
        ("abcd", ["axyd"], None),
        ("visoin", ["visions", "vision"], "vision"),
        ("aaaaab", ["aaaaaa", "aaaaac"], "aaaaaa"),  # the first of equals
        ("", [""], ""),
        ("x" * (MAX_LENGTH + 1), ["x" * (MAX_LENGTH + 1)], None),
        ("nlp", ["x"] * MAX_NAMES + ["nlp"], None),
        ("équipe", ["equipe"], "equipe"),
    ],
)
def test_the_nearest_name(text: str, names: list[str], found: str | None) -> None:
    assert nearest(text, names) == found


def distance(one: str, two: str) -> int:
    """Optimal string alignment, by its definition."""
    table = {}
    for i in range(len(one) + 1):
        for j in range(len(two) + 1):
            if not i or not j:
                table[i, j] = i + j
                continue
            same = one[i - 1] == two[j - 1]
            ways = [table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (not same)]
            if i > 1 and j > 1 and one[i - 1] == two[j - 2] and one[i - 2] == two[j - 1]:
                ways.append(table[i - 2, j - 2] + 1)
            table[i, j] = min(ways)
    return table[len(one), len(two)]


WORDS = st.text("abé-", max_size=9)


@given(WORDS, st.lists(WORDS, max_size=6))
def test_it_is_the_first_of_the_least_distance(text: str, names: list[str]) -> None:
    allowed = min(2, len(text) // 3)
    within = [(distance(text, name), i) for i, name in enumerate(names)]
    best = min((pair for pair in within if pair[0] <= allowed), default=None)
    assert nearest(text, names) == (None if best is None else names[best[1]])


@given(st.sets(st.text("abBé", max_size=7), max_size=8), st.integers(0, 2))
@example({"abb", "bb"}, 1)  # it is the shorter that counts
def test_pairs_are_all_that_are_near(names: set[str], most: int) -> None:
    expected = [
        (one, two)
        for one, two in combinations(sorted(names), 2)
        if distance(one.lower(), two.lower()) <= min(most, len(one) // 3, len(two) // 3)
    ]
    assert near_pairs(names, most) == expected


def test_pairs_of_thousands_of_names_are_found_at_once() -> None:
    names = [f"project-{chr(97 + i % 26)}{i:05}" for i in range(5_000)]
    assert ("project-A00000", "project-a00000") in near_pairs([*names, "project-A00000"], 1)


def test_names_too_long_to_be_mistyped_are_no_pair() -> None:
    assert near_pairs(["x" * MAX_LENGTH, "y" + "x" * (MAX_LENGTH - 1)], 1)
    assert not near_pairs(["x" * (MAX_LENGTH + 1), "y" + "x" * MAX_LENGTH], 1)
