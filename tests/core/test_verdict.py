"""The gate's answer: what is said, and that what it says to type is right."""

import json
import shlex

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from slurm_finops.core.policy import Exempt, Policy, TeamRule, Who
from slurm_finops.core.tags import KEYS, Tags
from slurm_finops.core.verdict import HEADER, salvage, verdict

NLP = TeamRule("nlp", "product-ai", ("llama-finetune", "moe"), ("nlp-*",))
CV = TeamRule("cv", None, ("segment",), ("cv",))
SITE = Policy(registry=True, teams=(NLP, CV), exempt=Exempt(partitions=("debug",)))
ANN = Who("nlp-a", "ann")
GOOD = '{"team":"nlp","project":"moe","experiment":"run-1"}'


def typed(comment: str) -> str:
    return f"  type: --comment={shlex.quote(comment)}"


def said(comment: str, who: Who = ANN, policy: Policy = SITE) -> str:
    return "\n".join(verdict(policy, comment, who).lines)


def test_right_tags_are_accepted_in_silence() -> None:
    answer = verdict(SITE, GOOD, ANN)
    assert (answer.kind, answer.lines) == ("accept", ())
    assert answer.claim.tags == Tags("nlp", "moe", "run-1", cost_center="product-ai")


def test_an_exempt_job_is_asked_for_nothing() -> None:
    answer = verdict(SITE, "nonsense", ANN._replace(partition="debug"))
    assert (answer.kind, answer.lines) == ("exempt", ())


@pytest.mark.parametrize(
    ("comment", "lines"),
    [
        (
            '{"team":"nlp","project":"llama-finetun","experiment":"run-1"}',
            ['  unknown project "llama-finetun"; did you mean "llama-finetune"?',
             typed('{"team":"nlp","project":"llama-finetune","experiment":"run-1"}')],
        ),
        (
            "",
            ["  the job has no --comment",
             typed('{"team":"nlp","project":"<project>","experiment":"<experiment>"}'),
             "  with your own value for <project>, <experiment>"],
        ),
        (
            "{team:nlp,project:moe}",
            ["  the comment is not JSON: expected a key in double quotes at character 2; in a "
             "shell, put single quotes around it",
             typed('{"team":"nlp","project":"moe","experiment":"<experiment>"}'),
             "  with your own value for <experiment>"],
        ),
        (
            '{"team":"nlp","projct":"moe","experiment":"a\'b"}',
            ['  "project" is missing; the comment has "projct" instead',
             typed('{"team":"nlp","project":"<project>","experiment":"a\'b"}'),
             "  with your own value for <project>"],
        ),
        (
            '{"team":"cv","project":"segment","experiment":"e","cc":7}',
            ['  "cc" is a number; put its value in double quotes',
             '  account nlp-a may not charge team "cv"',
             '  unknown project "segment"; known: llama-finetune, moe',
             typed('{"team":"nlp","project":"<project>","experiment":"e"}'),
             "  with your own value for <project>",
             '  or charge team "cv" with --account=cv, if you may use it'],
        ),
    ],
)  # fmt: skip
def test_what_is_said(comment: str, lines: list[str]) -> None:
    assert said(comment).split("\n") == [HEADER, *lines]


def test_the_sites_own_line_comes_last() -> None:
    answer = verdict(SITE, "", ANN, "How to tag: https://wiki.example.org/tags")
    assert answer.lines[-1] == "  How to tag: https://wiki.example.org/tags"


@pytest.mark.parametrize(
    ("comment", "tags"),
    [
        ("{team:nlp,project:moe}", Tags("nlp", "moe")),
        ("team=nlp project=moe", Tags("nlp", "moe")),
        ("{'team': 'nlp', 'cc': 'x.y'}", Tags("nlp", cost_center="x.y")),
        ("project:moe", Tags(project="moe")),
        ("hello", Tags()),
        ("steam=x", Tags()),
    ],
)
def test_what_a_shell_has_left_of_a_comment(comment: str, tags: Tags) -> None:
    assert salvage(comment) == tags


COMMENTS = st.one_of(
    st.text(max_size=40),
    st.dictionaries(
        st.sampled_from([*KEYS, "cc", "env", "projct", "x"]),
        st.sampled_from(["nlp", "nlpp", "cv", "moe", "", "a'b", "é", " x", 7, None, "y" * 80]),
    ).map(json.dumps),
    st.text("{}:,= 'teamproj\"nlp", max_size=40),
)
WHOS = st.sampled_from([ANN, Who("cv", "bob"), Who("x", "x"), Who(None)])


@given(COMMENTS, WHOS)
@example('{"team":"nlpp","project":"moe"}', Who("cv", "bob"))  # near, and not theirs
def test_what_it_says_to_type_is_right_once_it_is_filled_in(comment: str, who: Who) -> None:
    answer = verdict(SITE, comment, who)
    if answer.kind == "accept":
        return
    (line,) = [line for line in answer.lines if line.startswith("  type: ")]
    (word,) = shlex.split(line.removeprefix("  type: "))
    tags = json.loads(word.removeprefix("--comment="))
    if tags["team"] == "<team>":
        # which project is right, nobody can say before there is a team
        tags |= {"team": "cv" if who.account == "cv" else "nlp", "project": "<project>"}
    if tags["project"] == "<project>":
        tags["project"] = {"nlp": "moe", "cv": "segment"}[tags["team"]]
    filled = {key: "mine" if value == f"<{key}>" else value for key, value in tags.items()}
    again = verdict(SITE, json.dumps(filled), who)
    if who.account == "x":  # no team lists it: whatever it names is contested
        assert {fault.code for fault in again.faults} <= {"not_yours", "unknown_of", "missing"}
    else:
        assert again.faults == (), (comment, filled)


@given(COMMENTS, WHOS)
def test_nothing_that_cannot_be_seen_is_shown(comment: str, who: Who) -> None:
    for line in verdict(SITE, comment, who).lines:
        assert line.isprintable(), line
