"""A seal and its Comment: told apart only where somebody changed one."""

from pathlib import Path

import pytest

from slurm_finops.core.policy import Policy
from slurm_finops.core.seals import was_changed
from slurm_finops.core.tags import Tags, make_comment, parse_comment
from tests.hook.comments import BARE, SITE, comments
from tests.hook.test_twins import engine_of

TAGS = '{"team":"nlp","project":"moe"}'


def sealed(tags: str, more: str = "") -> str:
    return f'{{"slurm_finops":{{"v":1,"user":"ann","tags":{tags}{more}}}}}'


@pytest.mark.parametrize("policy", [SITE, BARE], ids=["site", "bare"])
def test_what_the_gate_sealed_is_unchanged_and_another_comment_is_not(
    tmp_path: Path, policy: Policy
) -> None:
    gate = engine_of(tmp_path, policy)
    seen = 0
    earlier = ""
    for comment, who in comments(3_000, 7):
        seal = gate.judge(comment, who).seal if len(comment) <= 1024 else None
        if seal is None:
            continue
        seen += 1
        # as accounting has it: bytes that are no text are written out
        text = comment.decode("utf-8", "backslashreplace")
        assert not was_changed(text, seal, lambda claim, who=who: policy.filled(claim, who)), text
        one, other = parse_comment(text), parse_comment(earlier)
        if one.tags != other.tags and policy is BARE:
            assert was_changed(earlier, seal) == bool(earlier), (earlier, seal)
        earlier = text
    assert seen > 300


@pytest.mark.parametrize("comment", [
    TAGS, '{"team": "nlp", "project": "moe"}', '{"project":"moe","team":"nlp","x":7}',
    '{"team":"nlp","project":"m\\u006fe"}', "",
])  # fmt: skip
def test_the_same_tags_in_other_words_are_unchanged(comment: str) -> None:
    assert not was_changed(comment, sealed(TAGS))


@pytest.mark.parametrize("comment", [
    '{"team":"cv","project":"moe"}', '{"team":"nlp"}', "{}", "hello",
    # as sacctmgr writes JSON
    "{`team`:`nlp`,`project`:`moe`}",
    '{"team":"nlp","project":"moe","model":"x"}', '{"team":"nlp","project":"moe","model":7}',
    '{"team":"nlp","project":"moe"', '{"team":"nlp","project":"moe"}}',
])  # fmt: skip
def test_other_tags_are_a_change(comment: str) -> None:
    assert was_changed(comment, sealed(TAGS))


def test_tags_that_the_site_filled_in_are_no_change() -> None:
    assert was_changed('{"project":"moe"}', sealed(TAGS))
    assert not was_changed(
        '{"project":"moe"}', sealed(TAGS), lambda claim: claim.tags._replace(team="nlp")
    )


def test_faults_that_were_let_pass_are_no_change() -> None:
    comment = '{"team":"nlp","project":"moe","model":7}'
    assert not was_changed(comment, sealed(TAGS, ',"faults":[["not_string","model"]]'))
    assert was_changed(TAGS, sealed(TAGS, ',"faults":[["not_string","model"]]'))


def test_a_comment_cut_inside_a_value_is_no_copy() -> None:
    tags = make_comment(Tags(team='a"}}', project="moe"))
    assert not was_changed(tags, sealed(tags))
    assert was_changed(tags[: tags.index("}}") + 1], sealed(tags))


def test_an_admin_comment_that_is_no_seal_says_nothing() -> None:
    assert not was_changed(TAGS, "JS1:abc")
