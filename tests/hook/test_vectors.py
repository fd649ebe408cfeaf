"""The vectors: one comment for everything that can be wrong, and what is right."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from slurm_finops.core.faults import MESSAGES
from slurm_finops.core.policy import Exempt, Policy, TeamRule, Who
from slurm_finops.core.verdict import verdict
from slurm_finops.hook.build import policy_data
from slurm_finops.hook.engine import VERSIONS, Engine
from slurm_finops.hook.vectors import load
from tests.hook.test_twins import engine_of

FILE = Path(__file__).parents[1] / "vectors" / "tags.json"
HELP = "How to tag: https://wiki.example.org/tags"
POLICY = Policy(
    registry=True,
    allowed={"environment": ("dev", "prod-*")},
    teams=(
        TeamRule("nlp", "product-ai", ("llama-finetune", "moe"), accounts=("nlp", "nlp-*")),
        TeamRule("cv", None, ("segment",), accounts=("cv",), users=("postdoc",)),
        TeamRule("many", None, tuple(f"project-{i}" for i in range(9))),
        TeamRule("größe", None, ("größte",), wckeys=("wc*",)),
    ),
    exempt=Exempt(users=("root",), accounts=("ops-*",), partitions=("debug",), qos=("free",)),
    defaults=(("cv", (("team", "cv"), ("project", "segment"))),),
)
NLP, CV, OTHER = Who("nlp-a", "a-user"), Who("cv", "a-user"), Who("guests", "a-user")
GOOD = '{"team":"nlp","project":"moe","experiment":"run-1"}'


def of(**tags: object) -> str:
    return json.dumps({"team": "nlp", "project": "moe", "experiment": "run-1"} | tags)


COMMENTS: list[tuple[str | bytes, Who]] = [
    (GOOD, NLP),
    (f" {GOOD}\n", NLP),
    (of(cc="x.1", env="prod-3"), NLP),
    (of(cc="x.1", **{"cost-center": "x.1"}), NLP),
    (of(anything=["else", 1]), NLP),
    ('{"experiment":"run-1"}', CV),
    ('{"team":"cv","project":"segment","experiment":"run-1"}', Who("x", "postdoc")),
    ('{"team":"größe","project":"größte","experiment":"é"}', Who("x", "a-user", "wc-1")),
    ("", Who("x", "root")),
    ("not JSON", Who("ops-1", "a-user")),
    ("", Who("x", "a-user", "", "debug")),
    ("", Who("x", "a-user", "", "debug,main")),
    ("", Who("x", "a-user", "", "main", "free")),
    ("", NLP),
    ("", CV),
    ("{team:nlp,project:moe}", NLP),
    ("team=nlp project=moe", NLP),
    ("[]", NLP),
    ('"nlp"', NLP),
    ("{" + '"a":[' * 33 + "]" * 33 + "}", NLP),
    (of(x="y" * 1000), NLP),
    (b'{"team":"\xff"}', NLP),
    (b"\xff", NLP),
    (GOOD + "x", NLP),
    (GOOD[:-1], NLP),
    ('{"team":"n\nlp"}', NLP),
    ('{"team":"\\x"}', NLP),
    ('{"team":"\\u12"}', NLP),
    ('{"team":NaN}', NLP),
    ('{"team":"nlp","team":"cv","project":"moe","experiment":"run-1"}', NLP),
    (of(cc="x", cost_center="y"), NLP),
    (of(experiment=7), NLP),
    (of(experiment=None), NLP),
    (of(experiment=True), NLP),
    (of(experiment=["a"]), NLP),
    (of(experiment={"a": 1}), NLP),
    (of(experiment=""), NLP),
    (of(experiment=" a"), NLP),
    (of(experiment="a\u0007"), NLP),
    (of(experiment="a\u202eb"), NLP),
    (of(experiment="a\u00a0b"), NLP),
    ('{"team":"nlp","project":"moe","experiment":"\\ud800"}', NLP),
    (of(experiment="y" * 65), NLP),
    (of(experiment="<experiment>"), NLP),
    ('{"team":"nlp","project":"moe"}', NLP),
    ('{"team":"nlp","projct":"moe","experiment":"run-1"}', NLP),
    (of(team="nlpp"), NLP),
    (of(team="quux"), NLP),
    (of(project="llama-finetun"), NLP),
    (of(project="segment"), NLP),
    (of(team="many", project="other"), NLP),
    (of(environment="prd-1"), NLP),
    (of(environment="de"), NLP),
    (of(), CV),
    (of(), OTHER),
    (of(experiment="%s %d {key}"), NLP),
    (of(experiment="it's"), OTHER),
]


def data() -> dict[str, Any]:
    wanted = ("required", "max_length", "registry", "allowed", "teams", "exempt", "defaults")
    policy = {key: value for key, value in policy_data(POLICY, "", "", "").items() if key in wanted}
    return {"policy": policy, "help": HELP, "cases": [case(*pair) for pair in COMMENTS]}


def written() -> str:
    """One line a case, so that a change can be looked at."""
    parts, as_json = data(), partial(json.dumps, ensure_ascii=False)
    lines = [f'"{key}": {as_json(parts[key])},' for key in ("policy", "help")]
    cases = ",\n".join(map(as_json, parts["cases"]))
    return "\n".join(["{", *lines, '"cases": [', cases, "]}", ""])


def case(comment: str | bytes, who: Who) -> dict[str, Any]:
    raw = comment.encode() if isinstance(comment, str) else comment
    answer = verdict(POLICY, raw.decode("utf-8", "surrogateescape"), who, HELP)
    shown = {"hex": raw.hex()} if isinstance(comment, bytes) else {"comment": comment}
    plain = {key: value for key, value in who._asdict().items() if value}
    return shown | {"who": plain, "kind": answer.kind, "lines": answer.lines}


def test_what_python_answers(request: pytest.FixtureRequest) -> None:
    text = written()
    if request.config.getoption("--refresh-golden"):
        FILE.write_text(text)
    assert text == FILE.read_text("utf-8"), "look at it, then --refresh-golden"


def test_every_fault_is_in_one() -> None:
    said = "\n".join(line for vector in load().cases for line in vector.lines)
    for code, message in MESSAGES.items():
        assert message.partition("{")[0].strip('"') in said, code
    codes = {
        fault.code
        for vector in load().cases
        for fault in verdict(
            POLICY, vector.comment.decode("utf-8", "surrogateescape"), vector.who
        ).faults
    }
    assert codes == set(MESSAGES)


@pytest.mark.parametrize("version", VERSIONS)
def test_what_lua_answers(tmp_path: Path, version: str) -> None:
    vectors = load()
    assert vectors.policy == POLICY
    lua: Engine = engine_of(tmp_path, vectors.policy, version, vectors.help)
    for vector in vectors.cases:
        answer = lua.judge(vector.comment, vector.who)
        assert (answer.kind, answer.lines) == (vector.kind, vector.lines), vector.comment
