"""What the gate at sbatch answers: accepted, exempt, or what is wrong and what to type.

The command line and the job-submit hook give the same answer in the same words;
the hook's twin of this file is ``verdict.lua``.
"""

import re
from collections.abc import Sequence
from shlex import quote
from typing import NamedTuple

from slurm_finops.core.faults import Fault
from slurm_finops.core.globs import is_glob
from slurm_finops.core.near import nearest
from slurm_finops.core.policy import Policy, Who
from slurm_finops.core.tags import (
    ALIASES,
    KEYS,
    Claim,
    Tags,
    make_comment,
    parse_comment,
    unknown_keys,
)

HEADER = "the tags of this job need mending:"


class Verdict(NamedTuple):
    """``kind`` is ``accept``, ``exempt`` or ``fault``; ``claim`` is what would be sealed."""

    kind: str
    claim: Claim
    faults: tuple[Fault, ...] = ()
    lines: tuple[str, ...] = ()


def verdict(policy: Policy, comment: str, who: Who, help_text: str = "") -> Verdict:
    """What the gate says of a job with this comment; ``help_text`` is the site's own last line."""
    claim = parse_comment(comment)
    billed = policy.attribute(claim, who)
    if policy.exempt.covers(who):
        return Verdict("exempt", billed)
    faults = _with_slips(policy.faults(billed), comment)
    if not faults:
        return Verdict("accept", billed)
    lines = [HEADER, *(f"  {fault.message}" for fault in faults)]
    lines += example_lines(policy, claim, faults, who, comment)
    lines += _other_accounts(policy, faults)
    if help_text:
        lines.append(f"  {help_text}")
    return Verdict("fault", billed, faults, tuple(lines))


#: So many accounts of a team that may not be charged are named.
MAX_ACCOUNTS = 3


def _other_accounts(policy: Policy, faults: Sequence[Fault]) -> list[str]:
    """Whoever meant the team may have forgotten the account that pays for it."""
    for fault in faults:
        if fault.code == "not_yours":
            plain = [name for name in policy.team(fault.detail).accounts or () if not is_glob(name)]
            if plain:
                named = " or ".join(f"--account={name}" for name in plain[:MAX_ACCOUNTS])
                return [f'  or charge team "{fault.detail}" with {named}, if you may use it']
    return []


def _with_slips(faults: Sequence[Fault], comment: str) -> tuple[Fault, ...]:
    """A tag that is missing because its name was mistyped says so."""
    if not any(fault.code == "missing" for fault in faults):
        return tuple(faults)
    others = unknown_keys(comment)
    slips = {fault.key: nearest(fault.key, others) for fault in faults if fault.code == "missing"}
    return tuple(
        Fault("misspelt", fault.key, slips[fault.key] or "")
        if fault.code == "missing" and slips[fault.key] else fault
        for fault in faults
    )  # fmt: skip


def example_lines(
    policy: Policy, claim: Claim, faults: Sequence[Fault], who: Who, comment: str = ""
) -> list[str]:
    """A whole right comment to start from, as a shell takes it, in a line or two."""
    tags = example(policy, claim, faults, who, comment)
    open_ = [value for key, value in zip(KEYS, tags, strict=True) if value == f"<{key}>"]
    lines = [f"  type: --comment={quote(make_comment(tags))}"]
    if open_:
        lines.append(f"  with your own value for {', '.join(open_)}")
    return lines


def example(
    policy: Policy, claim: Claim, faults: Sequence[Fault], who: Who, comment: str = ""
) -> Tags:
    """These tags, mended: a near name for a wrong one, ``<key>`` where only the user can say."""
    if any(fault.code in ("not_json", "unquoted") for fault in faults):
        claim = Claim(salvage(comment), (), "comment")
        faults = policy.faults(policy.attribute(claim, who))
    wrong = {ALIASES.get(fault.key, fault.key): fault for fault in faults}
    billed = policy.attribute(claim, who).tags
    values: dict[str, str | None] = {}
    for key, value in zip(KEYS, claim.tags, strict=True):
        fault = wrong.get(key)
        if fault is None:
            needed = key in policy.required and getattr(billed, key) is None
            values[key] = value if value is not None or not needed else f"<{key}>"
        elif fault.code == "unknown_near":
            values[key] = fault.hint
        elif key in policy.required or value is not None:
            values[key] = f"<{key}>"
    if values.get("team") == "<team>" or _is_contested(policy, Tags(**values), who):
        owner = policy.owner(who)
        values["team"] = owner.name if owner else "<team>"
    # what was right for the team that was named may be wrong for another
    for fault in policy.judge(Tags(**values)):
        if fault.code == "unknown_near":
            values[fault.key] = fault.hint
        elif fault.code in ("unknown", "unknown_of"):
            values[fault.key] = f"<{fault.key}>"
    return Tags(**values)


def _is_contested(policy: Policy, tags: Tags, who: Who) -> bool:
    faults = policy.attribute(Claim(tags, (), "comment"), who).faults
    return any(fault.code == "not_yours" for fault in faults)


#: A key, then a value of plain characters, whatever a shell has left between them.
_PAIR = re.compile(r"([A-Za-z_-]+)[\"']?[ \t]*[:=][ \t]*[\"']?([A-Za-z0-9._-]+)")


def salvage(comment: str) -> Tags:
    """What can be guessed from a comment that is not JSON: ``{team:nlp}``, ``team=nlp``."""
    found: dict[str, str] = {}
    for key, value in _PAIR.findall(comment):
        name = ALIASES.get(key, key)
        if name in KEYS and name not in found:
            found[name] = value
    return Tags(**found)
