"""The Lua and the Python give one verdict, in the same words, whatever is typed."""

from collections import Counter
from pathlib import Path

import pytest

from slurm_finops.core.faults import MESSAGES, Fault
from slurm_finops.core.policy import Policy, Who
from slurm_finops.core.tags import ALIASES, claim_of, parse_seal
from slurm_finops.core.verdict import verdict
from slurm_finops.hook.build import build
from slurm_finops.hook.engine import VERSIONS, Engine
from tests.hook.comments import BARE, SITE, comments

HELP = "How to tag: https://wiki.example.org/tags"
SEED = 20261125


def engine_of(
    folder: Path, policy: Policy, version: str = "5.1", help_text: str = HELP
) -> Engine:
    """A Lua with the hook of this policy in it."""
    for name, text in build(policy, "enforce", "accept", help_text).items():
        (folder / name).write_text(text)
    return Engine(folder, version)


def keys(faults: tuple[Fault, ...]) -> list[tuple[str, str]]:
    return [(fault.code, ALIASES.get(fault.key, fault.key)) for fault in faults]


def differences(policy: Policy, lua: Engine, comment: bytes, who: Who) -> list[str]:
    """What the two say of a comment that is not the same."""
    text = comment.decode("utf-8", "surrogateescape")
    py, other = verdict(policy, text, who, HELP), lua.judge(comment, who)
    found = []
    if other[:3] != (py.kind, tuple(tuple(fault) for fault in py.faults), py.lines):
        found.append(f"{py.kind} {py.lines} {py.faults}\n{other.kind} {other.lines} {other.faults}")
    if other.seal is not None:
        sealed, said = parse_seal(other.seal), claim_of(text, "")
        # sealed are the tags and the account's defaults, and what was wrong with the comment
        if sealed is None or policy.attribute(sealed, who).tags != py.claim.tags:
            found.append(f"{py.claim}\n{other.seal}")
        elif keys(sealed.faults) != keys(said.faults):
            found.append(f"{said.faults}\n{other.seal}")
    return found


@pytest.mark.parametrize("policy", [SITE, BARE], ids=["site", "bare"])
@pytest.mark.parametrize("version", VERSIONS)
def test_ten_thousand_comments(
    tmp_path: Path, policy: Policy, version: str, request: pytest.FixtureRequest
) -> None:
    full = request.config.getoption("--full")
    count = (200_000 if full else 10_000) if policy is SITE and version == "5.1" else 2_000
    lua, kinds = engine_of(tmp_path, policy, version), Counter[str]()
    for comment, who in comments(count, SEED):
        wrong = differences(policy, lua, comment, who)
        assert not wrong, (comment, who, wrong)
        text = comment.decode("utf-8", "surrogateescape")
        kinds.update(fault.code for fault in verdict(policy, text, who).faults)
        kinds[verdict(policy, text, who).kind] += 1
    if policy is SITE:  # nothing that can be wrong was left out
        assert set(MESSAGES) | {"accept", "exempt", "fault"} <= set(kinds), kinds
