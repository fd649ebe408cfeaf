"""The conformance vectors: comments of one policy, and what is answered to each.

They hold for every implementation of the gate; ours in Python made them, and a
person has looked at each.
"""

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any, NamedTuple

from slurm_finops.core.policy import Exempt, Policy, TeamRule, Who


class Vector(NamedTuple):
    """A comment (bytes, as Slurm holds it), whose job it is on, and the whole answer."""

    comment: bytes
    who: Who
    kind: str
    lines: tuple[str, ...]


class Vectors(NamedTuple):
    policy: Policy
    help: str
    cases: tuple[Vector, ...]


def load() -> Vectors:
    """Those that come with this release."""
    path = files("slurm_finops") / "hook" / "vectors.json"
    data = json.loads(path.read_text("utf-8"))
    return Vectors(policy_of(data["policy"]), data["help"], tuple(_cases(data["cases"])))


def _cases(cases: list[dict[str, Any]]) -> Iterator[Vector]:
    for case in cases:
        comment = bytes.fromhex(case["hex"]) if "hex" in case else case["comment"].encode()
        yield Vector(comment, Who(**case["who"]), case["kind"], tuple(case["lines"]))


def policy_of(data: dict[str, Any]) -> Policy:
    """A `Policy` of plain data."""
    teams = tuple(TeamRule(**_hashable(team)) for team in data["teams"])
    exempt = Exempt(**{key: tuple(value) for key, value in data["exempt"].items()})
    defaults = tuple((item["account"], tuple(item["tags"].items())) for item in data["defaults"])
    allowed = {key: tuple(value) for key, value in data["allowed"].items()}
    plain = {key: data[key] for key in ("max_length", "registry")}
    return Policy(
        **plain, required=tuple(data["required"]), allowed=allowed, teams=teams, exempt=exempt,
        defaults=defaults,
    )  # fmt: skip


def _hashable(data: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
