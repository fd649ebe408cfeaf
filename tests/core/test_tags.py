"""From a comment to tags or faults: strict, and never an exception."""

import json
import sys
import unicodedata

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from slurm_finops.core.characters import is_control, refused
from slurm_finops.core.faults import MESSAGES, Fault
from slurm_finops.core.tags import (
    ALIASES,
    KEYS,
    NO_CLAIM,
    UNTAGGED,
    Claim,
    Tags,
    claim_of,
    make_comment,
    parse_comment,
    parse_seal,
)

law = settings(deadline=None)


def said(text: str) -> list[tuple[str, str]]:
    return [(fault.code, fault.key) for fault in parse_comment(text).faults]


def nested(levels: int, opening: str = "[") -> str:
    """A comment of so many levels, its own braces among them."""
    kinds = (opening * levels)[: levels - 1]
    closing = "".join("]" if kind == "[" else "}" for kind in reversed(kinds))
    value = kinds.replace("{", '{"a":')
    return f'{{"team":"nlp","x":{value}1{closing}}}'


def test_a_comment_says_who_a_run_is_for():
    text = (
        '{"team":"nlp","project":"llama","experiment":"run-1","environment":"dev",'
        '"model":"llama-3-70b","cost_center":"product-ai"}'
    )
    tags = Tags("nlp", "llama", "run-1", "dev", "llama-3-70b", "product-ai")
    assert parse_comment(text) == Claim(tags, (), "comment")


def test_a_comment_may_be_laid_out_freely():
    assert parse_comment('\n\t{ "team" :\r\n "nlp" } ') == Claim(Tags("nlp"), (), "comment")


def test_unknown_keys_are_no_concern_of_ours():
    text = '{"note":null,"n":[1,2,{"team":"cv"}],"team":"nlp","note":3,"u":"\\ud800"}'
    assert parse_comment(text) == Claim(Tags("nlp"), (), "comment")


def test_an_empty_object_claims_nothing_and_is_no_fault():
    assert parse_comment("{}") == Claim(UNTAGGED, (), "comment")


def test_no_comment_is_no_claim():
    assert parse_comment("") == NO_CLAIM


@pytest.mark.parametrize(
    ("text", "code", "key", "words"),
    [
        ('{"team":"n"', "not_json", "", "character 12"),
        ("team=nlp", "unquoted", "", "expected a value at character 1"),
        ('{"team":}', "not_json", "", "character 9"),
        ('{"team":"nlp",}', "not_json", "", "character"),
        ("{'team':'nlp'}", "unquoted", "", "double quotes"),
        ('{"team":"n\nlp"}', "not_json", "", "control character"),
        ('{"team":"\\x"}', "not_json", "", "a \\ that escapes nothing"),
        ('{"team":"nlp"}x', "not_json", "", "something follows it at character 15"),
        ('{"team":"nlp"}{"team":"cv"}', "not_json", "", "something follows"),
        ('{"x":NaN}', "not_json", "", "expected a value at character 6"),
        ('{"x":Infinity}', "not_json", "", "expected a value at character 6"),
        ('{"x":[-Infinity]}', "not_json", "", "expected a value at character 7"),
        ("\ufeff{}", "unquoted", "", "character 1"),
        ("\u00a0{}", "unquoted", "", "character 1"),
        ("   ", "unquoted", "", "character 4"),
        ("[]", "not_object", "", '{"team": "..."}'),
        ('"team"', "not_object", "", "not a JSON object"),
        ("null", "not_object", "", "not a JSON object"),
        ("7", "not_object", "", "not a JSON object"),
        ('{"team":5}', "not_string", "team", '"team" is a number; put its value in double quotes'),
        ('{"team":1.5e3}', "not_string", "team", "a number"),
        ('{"team":null}', "not_string", "team", "null"),
        ('{"team":true}', "not_string", "team", "true or false"),
        ('{"team":[]}', "not_string", "team", "a list"),
        ('{"team":{}}', "not_string", "team", "an object"),
        ('{"team":""}', "empty", "team", "give it a value or leave it out"),
        ('{"cc":""}', "empty", "cc", '"cc" is empty'),
        ('{"team":"a\\nb"}', "control", "team", "U+000A"),
        ('{"team":"a\\u202eb"}', "control", "team", "U+202E"),
        ('{"team":"a\u202eb"}', "control", "team", "U+202E"),
        ('{"team":"nlp\u3164"}', "control", "team", "U+3164"),
        ('{"team":"nlp\ufe0f"}', "control", "team", "U+FE0F"),
        ('{"team":"nlp\u200b"}', "control", "team", "U+200B"),
        ('{"team":"a\u2003b"}', "lookalike", "team", "U+2003"),
        ('{"team":"e\u0301"}', "lookalike", "team", "U+0301"),
        ('{"team":"\\u2800"}', "lookalike", "team", "U+2800"),
        ('{"team":"\\ud800"}', "surrogate", "team", "surrogate pair"),
        ('{"team":"\udcff"}', "not_utf8", "", "0xff at byte 10"),
        ('{"té":"\udce2\udc82"}', "not_utf8", "", "0xe2 at byte 9"),
        ('{"team":"\ud83d\\ude00"}', "not_utf8", "", "0xed at byte 10"),
        ('{"team":"a","team":"b"}', "duplicate", "team", '"team" is given twice'),
        ('{"team":"a","team":"a"}', "duplicate", "team", "give it once"),
        ('{"cc":"a","cost_center":"b"}', "disagree", "cost_center", '"cc" and "cost_center"'),
        (nested(33), "too_deep", "", "more than 32 deep"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(text, code, key, words):
    claim = parse_comment(text)
    assert [(fault.code, fault.key) for fault in claim.faults] == [(code, key)]
    assert words in claim.faults[0].message
    assert "\n" not in claim.faults[0].message
    assert claim.tags == UNTAGGED
    assert claim.source == "comment"


def test_every_fault_has_its_words():
    for code in MESSAGES:
        message = Fault(code, "team", "x", "y").message
        assert "{" not in message.replace('{"team": "..."}', "")


def test_what_a_user_typed_is_no_place_to_fill():
    assert Fault("unknown_near", "team", "{hint}{key}", "nlp").message == (
        'unknown team "{hint}{key}"; did you mean "nlp"?'
    )


def test_what_is_right_stands_beside_what_is_wrong():
    claim = parse_comment('{"team":"nlp","project":"","model":3,"cc":"a"}')
    assert claim.tags == Tags(team="nlp", cost_center="a")
    assert [fault.code for fault in claim.faults] == ["empty", "not_string"]


# ---- size and depth


def sized(size: int, filler: str) -> str:
    """A comment of so many bytes."""
    empty = '{"team":"nlp","x":""}'
    room = size - len(empty)
    fill = filler * (room // len(filler.encode()))
    fill += "a" * (room - len(fill.encode()))
    return empty.replace('""', f'"{fill}"')


@pytest.mark.parametrize("filler", ["a", "é", "日", "😀"])
def test_a_comment_has_1024_bytes_and_not_one_more(filler):
    assert len(sized(1024, filler).encode()) == 1024
    assert parse_comment(sized(1024, filler)).tags.team == "nlp"
    assert said(sized(1025, filler)) == [("too_long", "")]
    assert "1025 bytes" in parse_comment(sized(1025, filler)).faults[0].message


@pytest.mark.parametrize("opening", ["[", "{", "[{", "{["])
def test_a_comment_is_32_deep_and_not_one_level_more(opening):
    assert parse_comment(nested(32, opening)).tags == Tags("nlp")
    assert said(nested(33, opening)) == [("too_deep", "")]


def test_brackets_in_texts_nest_nothing():
    many = "[{" * 40
    assert parse_comment(f'{{"team":"{many}","x":"\\"[{{"}}').tags.team == many
    assert parse_comment(f'{{"team":"a","x":[{"[]," * 60}1]}}').tags.team == "a"


@pytest.mark.parametrize("text", ["[" * 1024, "{" * 1024, '{"a":' * 204, "[{" * 500, '["' * 500])
def test_a_hostile_nest_is_a_fault(text):
    assert parse_comment(text).faults


# ---- aliases


@pytest.mark.parametrize(("alias", "key"), ALIASES.items())
def test_an_alias_is_its_key(alias, key):
    assert parse_comment(json.dumps({alias: "v"})).tags == Tags(**{key: "v"})


def test_aliases_that_agree_are_one():
    claim = parse_comment('{"model":"m","model-name":"m","model_name":"m"}')
    assert claim == Claim(Tags(model="m"), (), "comment")


@pytest.mark.parametrize("values", ["aab", "aba", "baa", "abb", "abc"])
def test_aliases_that_disagree_are_one_fault_and_no_tag(values):
    keys = ("model", "model-name", "model_name")
    text = json.dumps(dict(zip(keys, values, strict=True)))
    assert parse_comment(text).tags == UNTAGGED
    assert said(text) == [("disagree", "model")]


def test_the_names_that_disagree_are_those_that_do():
    fault = parse_comment('{"model":"a","model-name":"a","model_name":"b"}').faults[0]
    assert fault.detail == '"model" and "model_name"'


# ---- what nobody can see

UNSEEN = """
NULL-like|0000 UNIT-SEPARATOR|001F DELETE|007F NEXT-LINE|0085 SOFT-HYPHEN|00AD
COMBINING-GRAPHEME-JOINER|034F ARABIC-LETTER-MARK|061C HANGUL-CHOSEONG-FILLER|115F
HANGUL-JUNGSEONG-FILLER|1160 KHMER-VOWEL-INHERENT-AQ|17B4 MONGOLIAN-VARIATION|180B
MONGOLIAN-VOWEL-SEPARATOR|180E ZERO-WIDTH-SPACE|200B ZERO-WIDTH-NON-JOINER|200C
ZERO-WIDTH-JOINER|200D LEFT-TO-RIGHT-MARK|200E RIGHT-TO-LEFT-MARK|200F LINE-SEPARATOR|2028
PARAGRAPH-SEPARATOR|2029 LEFT-TO-RIGHT-EMBEDDING|202A RIGHT-TO-LEFT-OVERRIDE|202E
WORD-JOINER|2060 INVISIBLE-TIMES|2062 UNASSIGNED-IGNORABLE|2065 LEFT-TO-RIGHT-ISOLATE|2066
POP-DIRECTIONAL-ISOLATE|2069 NOMINAL-DIGIT-SHAPES|206F HANGUL-FILLER|3164
VARIATION-SELECTOR-1|FE00 VARIATION-SELECTOR-16|FE0F ZERO-WIDTH-NO-BREAK-SPACE|FEFF
HALFWIDTH-HANGUL-FILLER|FFA0 INTERLINEAR-ANNOTATION-ANCHOR|FFF9 SHORTHAND-OVERLAP|1BCA0
MUSICAL-BEGIN-BEAM|1D173 LANGUAGE-TAG|E0001 TAG-LATIN-SMALL-LETTER-A|E0061
VARIATION-SELECTOR-17|E0100 VARIATION-SELECTOR-256|E01EF
""".split()
REORDERING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI", "BN", "B", "S"}


@pytest.mark.parametrize("name", UNSEEN)
def test_what_nobody_can_see_is_refused_written_or_escaped(name):
    char = chr(int(name.partition("|")[2], 16))
    assert is_control(char)
    for ascii_only in (True, False):
        text = json.dumps({"team": f"nlp{char}"}, ensure_ascii=ascii_only)
        assert said(text) == [("control", "team")]


def test_whatever_reorders_or_breaks_text_is_refused():
    every = map(chr, range(sys.maxunicode + 1))
    assert all(
        is_control(char)
        for char in every
        if unicodedata.bidirectional(char) in REORDERING
        or unicodedata.category(char) in ("Cc", "Zl", "Zp")
    )


@pytest.mark.parametrize("value", ["a b", "NLP_2.0~", "é", "日本語", "فريق", "Ω", "😀"])
def test_what_people_write_is_kept(value):
    for ascii_only in (True, False):
        text = json.dumps({"team": value}, ensure_ascii=ascii_only)
        assert parse_comment(text) == Claim(Tags(value), (), "comment")


# ---- against a naive reading

HIDDEN = "\n\x85\u200b\u202e\u3164\ufe0f"
TEXTS = st.text(st.sampled_from([*'ab"\\é日😀 \ud800\udcff', *HIDDEN]), max_size=4)
VALUES = st.one_of(
    TEXTS,
    st.sampled_from(["v", "w"]),
    st.none() | st.booleans() | st.integers() | st.just(1.5),
    st.lists(st.none(), max_size=2) | st.dictionaries(st.sampled_from(KEYS), TEXTS, max_size=2),
)
PAIRS = st.lists(
    st.tuples(st.sampled_from([*KEYS, *ALIASES, "x", "TEAM", "", "\u200b"]), VALUES), max_size=9
)

class Pairs(list):
    pass


def refuse(name):
    raise ValueError(name)


def ill(value):
    """The fault of one value, read off the rules."""
    if type(value) is not str:
        return "not_string"
    marks = [c for c in value if c in HIDDEN or "\ud800" <= c <= "\udfff"]
    if marks:
        return "control" if marks[0] in HIDDEN else "surrogate"
    return None if value else "empty"


def read_naively(text):
    """Tags and (code, key) of faults, tag by tag."""
    pairs = json.loads(text, object_pairs_hook=Pairs, parse_constant=refuse)
    names = [key for key, _ in pairs]
    faults, tags = set(), {}
    for tag in KEYS:
        mine = [tag, *(alias for alias, key in ALIASES.items() if key == tag)]
        faults |= {("duplicate", name) for name in mine if names.count(name) > 1}
        once = [(k, v) for k, v in pairs if k in mine and names.count(k) == 1]
        faults |= {(ill(v), k) for k, v in once if ill(v)}
        good = {v for _, v in once if not ill(v)}
        if len(good) == 1:
            tags[tag] = good.pop()
        elif good:
            faults.add(("disagree", tag))
    return Tags(**tags), faults


@law
@given(PAIRS, st.booleans(), st.sampled_from(["", " ", "\n"]))
@example([("team", "v"), ("x", None)], True, "")
@example([("team", "nlp\ufe0f")], False, "")
def test_the_fast_reading_and_the_slow_are_the_naive_one(pairs, ascii_only, gap):
    body = f",{gap}".join(
        f"{json.dumps(key)}:{gap}{json.dumps(value, ensure_ascii=ascii_only)}"
        for key, value in pairs
    )
    text = f"{gap}{{{body}}}{gap}"
    assume(text.encode("utf-8", "replace").decode() == text)  # else it is no comment of anybody's
    claim = parse_comment(text)
    tags, faults = read_naively(text)
    assert claim.tags == tags
    assert sorted((f.code, f.key) for f in claim.faults) == sorted(faults)
    sealed = parse_seal(json.dumps({"slurm_finops": 0})[:-2] + f'{{"tags":{text}}}}}')
    assert sealed == claim._replace(source="seal")


ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=200)
SIGNS = '{}[]":,\\ /tufalsen0123456789.eE+-NaI\ud800\u202e\n'
JSON_LIKE = st.text(st.sampled_from(SIGNS), max_size=80)
NESTS = st.builds(
    lambda a, n, b, m: a * n + b * m,
    st.sampled_from(["[", "{", '{"a":', '[{"a":', '"', '\\"']), st.integers(0, 600),
    st.sampled_from(["]", "}", "1", '"', "\\"]), st.integers(0, 600),
)  # fmt: skip


@settings(deadline=None, max_examples=500)
@given(st.one_of(ANY_TEXT, JSON_LIKE, NESTS, JSON_LIKE.map('{{"slurm_finops":{}'.format)))
def test_no_text_at_all_raises(text):
    claim = parse_comment(text)
    assert claim.faults or not text or text.strip().startswith("{")
    assert all(isinstance(fault.message, str) for fault in claim.faults)
    parse_seal(text)
    assert claim_of(text, text).source in ("seal", "comment", "none")


SEEN = st.characters(exclude_categories=("Cs",)).filter(lambda char: not refused(char))
VALID = st.text(SEEN, min_size=1, max_size=30)


@given(st.tuples(*[st.none() | VALID] * len(KEYS)))
def test_a_comment_that_we_make_reads_back(values):
    tags = Tags(*values)
    comment = make_comment(tags)
    if len(comment.encode()) <= 1024:
        assert parse_comment(comment) == Claim(tags, (), "comment")


def test_a_comment_that_we_make_is_short():
    assert make_comment(Tags(team="é", model="m")) == '{"team":"é","model":"m"}'


# ---- seals

SEAL = '{"slurm_finops":{"v":1,"policy":"p","user":"u","tags":{"team":"nlp"}}}'


def test_a_seal_is_read_before_the_comment():
    assert parse_seal(SEAL) == Claim(Tags("nlp"), (), "seal")
    assert claim_of('{"team":"cv"}', SEAL) == Claim(Tags("nlp"), (), "seal")
    assert claim_of("not json", SEAL).faults == ()


def test_a_seal_stands_among_the_keys_of_others():
    text = f'{{"jobstats":"JS1:abc",{SEAL[1:-1]},"other":"x"}}'
    assert parse_seal(text) == Claim(Tags("nlp"), (), "seal")


def test_a_seal_of_no_tags_is_still_a_seal():
    assert claim_of('{"team":"cv"}', '{"slurm_finops":{"tags":{}}}') == Claim(source="seal")


def test_a_seal_is_longer_than_a_comment_may_be():
    assert parse_seal(f'{SEAL[:-1]},"other":"{"x" * 5000}"}}') == Claim(Tags("nlp"), (), "seal")


@pytest.mark.parametrize(
    "text",
    ["", "JS1:H4sIAAAA", "slurm_finops", "{}", '{"team":"nlp"}', SEAL[:-1], SEAL + "x", f"[{SEAL}]",
     '{"slurm_finops":null}', '{"slurm_finops":[]}', '{"slurm_finops":{}}',
     '{"slurm_finops":{"tags":null}}', '{"slurm_finops":{"tags":["team"]}}',
     '{"other":{"slurm_finops":{"tags":{"team":"nlp"}}}}',
     '{"slurm_finops":%s}' % ("[" * 99)],
)  # fmt: skip
def test_what_others_write_is_no_seal(text):
    assert parse_seal(text) is None
    assert claim_of('{"team":"cv"}', text) == Claim(Tags("cv"), (), "comment")
    assert claim_of("", text) == NO_CLAIM


def test_a_bad_value_in_a_seal_is_a_fault_of_the_seal():
    claim = parse_seal('{"slurm_finops":{"tags":{"team":"a\u202eb","project":"p"}}}')
    assert claim == Claim(Tags(project="p"), (Fault("control", "team", "U+202E"),), "seal")
