"""The policy -> the files that lie beside slurm.conf.

What a person wrote becomes data in ``slurm_finops_policy.lua``; the code in
``slurm_finops.lua`` is the same for every site.
"""

import hashlib
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from slurm_finops import __version__
from slurm_finops.core.characters import CONTROLS, LOOKALIKES
from slurm_finops.core.faults import MESSAGES
from slurm_finops.core.policy import Policy, TeamRule
from slurm_finops.core.tags import ALIASES, KEYS
from slurm_finops.core.verdict import HEADER
from slurm_finops.hook.lua import literal

#: The shape of the data; the Lua refuses any other.
FORMAT = 1
SUBMIT, MODULE, POLICY = "job_submit.lua", "slurm_finops.lua", "slurm_finops_policy.lua"
#: A courtesy for submit hosts: built, and never installed beside slurmctld.
FILTER = "cli_filter.lua"
#: The parts of the module, each after what it needs; their twins in core have the same names.
PARTS = ("scan", "near", "globs", "claims", "policy", "verdict", "seal", "data", "cost",
         "gate")  # fmt: skip
_STAMP = re.compile(r"^-- intact: ([0-9a-f]{12})\n\Z", re.M)


def policy_data(
    policy: Policy, mode: str, on_error: str, help_text: str, money: dict[str, Any] | None = None
) -> dict[str, Any]:
    """All that the gate judges by, as plain data; ``money`` is that of ``money_data``."""
    return {
        "format": FORMAT,
        "mode": mode,
        "on_error": on_error,
        "help": help_text,
        "header": HEADER,
        "keys": KEYS,
        "aliases": ALIASES,
        "required": policy.required,
        "max_length": policy.max_length,
        "registry": policy.registry,
        "allowed": policy.allowed,
        "teams": [_team(team) for team in policy.teams],
        "exempt": {
            "users": policy.exempt.users,
            "accounts": policy.exempt.accounts,
            "partitions": policy.exempt.partitions,
            "qos": policy.exempt.qos,
        },
        "defaults": [
            {"account": account, "tags": dict(tags)} for account, tags in policy.defaults
        ],
        "messages": MESSAGES,
        "controls": CONTROLS,
        "lookalikes": LOOKALIKES,
        "money": money,
    }


def _team(team: TeamRule) -> dict[str, Any]:
    return {
        "name": team.name,
        "cost_center": team.cost_center,
        "projects": team.projects,
        "accounts": team.accounts,
        "users": team.users,
        "wckeys": team.wckeys,
    }


def data_file(data: Mapping[str, Any], what: str) -> str:
    """A file of data; its first line changes whenever anything in it does.

    ``digest`` is added to the data: a seal names the policy it was made by.
    """
    digest = _digest(literal(data))
    table = literal({"digest": digest, **data})
    return f"-- slurm-finops {what} {digest}: data, not to be edited\nreturn {table}\n"


def stamped(text: str) -> str:
    """A text that can be told from one that was edited since."""
    return f"{text}-- intact: {_digest(text)}\n"


def is_intact(text: str) -> bool:
    """Whether a text is as `stamped` made it."""
    found = _STAMP.search(text)
    return found is not None and _digest(text[: found.start()]) == found[1]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:12]


def module() -> str:
    """The Lua that judges, one file made of its parts."""
    text = [_part("module.lua").replace("RELEASE", __version__)]
    for name in PARTS:
        text.append(f"parts.{name} = function(...)\n{_part(f'{name}.lua')}end\n")
    text.append('return need("gate")\n')
    return "\n".join(text)


def build(
    policy: Policy, mode: str, on_error: str, help_text: str = "",
    money: dict[str, Any] | None = None,
) -> dict[str, str]:  # fmt: skip
    """File name -> text: the hook, its module and the policy."""
    data = policy_data(policy, mode, on_error, help_text, money)
    submit = _part("job_submit.lua").replace("ON_ERROR_HERE", on_error)
    return {POLICY: data_file(data, "policy"), MODULE: module(), SUBMIT: stamped(submit),
            FILTER: _part(FILTER)}  # fmt: skip


def _part(name: str) -> str:
    return (files("slurm_finops") / "templates" / "hook" / name).read_text("utf-8")
