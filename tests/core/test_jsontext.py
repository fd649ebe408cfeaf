"""Why a text is not JSON: silent exactly where Python's own strict reading is content."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from slurm_finops.core.jsontext import explain


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected a value at character 1"),
        ("team=nlp", "expected a value at character 1"),
        ("{team:nlp}", "expected a key in double quotes at character 2"),
        ("{'team':'nlp'}", "expected a key in double quotes at character 2"),
        ('{"team" "nlp"}', 'expected ":" at character 9'),
        ('{"team":nlp}', "expected a value at character 9"),
        ('{"team":"nlp"', 'expected "," or "}" at character 14'),
        ('{"team":"nlp",}', "expected a key in double quotes at character 15"),
        ('{"team":"nlp"}}', "something follows it at character 15"),
        ('{"team":"nlp}', "a text without its closing quote at character 9"),
        ('{"a":"b\nc"}', "a control character (U+000A) inside a text at character 8"),
        ('{"a":"\\u00"}', r"\u without four hexadecimal digits at character 7"),
        ("[1 2]", 'expected "," or "]" at character 4'),
        ('{"a":01}', 'expected "," or "}" at character 7'),
        ('{"é":NaN}', "expected a value at character 6"),
    ],
)
def test_what_is_wrong_and_where(text: str, said: str) -> None:
    assert explain(text) == said


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)  # fmt: skip
SIGNS = st.text('{}[]":,\\/ \t\n0123456789.eE+-tfnurlase\x00\x7fé', max_size=24)


def refuse(name: str) -> None:
    raise ValueError(name)


def is_json(text: str) -> bool:
    try:
        json.loads(text, parse_constant=refuse)
    except ValueError:
        return False
    return True


@given(VALUES, st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_json_is_never_faulted(value: object, ascii_only: bool, indent: object) -> None:
    assert explain(json.dumps(value, ensure_ascii=ascii_only, indent=indent)) is None


@given(SIGNS)
@example('{"a":1e5}')
@example("-")
@example("1.")
@example("\v1")
def test_any_text_is_faulted_exactly_if_it_is_not_json(text: str) -> None:
    assert (explain(text) is None) == is_json(text)


@given(VALUES, st.data())
def test_one_character_changed_is_faulted_exactly_if_it_must_be(value: object, data) -> None:  # type: ignore[no-untyped-def]
    text = json.dumps(value)
    at = data.draw(st.integers(0, len(text)))
    changed = text[:at] + data.draw(st.sampled_from([*'{}[]":,\\ 0-.e', ""])) + text[at + 1 :]
    assert (explain(changed) is None) == is_json(changed)
