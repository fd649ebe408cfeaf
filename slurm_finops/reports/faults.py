"""Tags that are missing or wrong: what they cost, whose runs they are, and what to type."""

import shlex
from collections.abc import Sequence

from slurm_finops.core.money import to_minor
from slurm_finops.core.policy import Policy, Who
from slurm_finops.core.tags import KEYS, Claim, make_comment
from slurm_finops.core.verdict import example
from slurm_finops.ledger.shares import OF_USE, spend
from slurm_finops.ledger.spend import Scope, Sums
from slurm_finops.ledger.store import Ledger
from slurm_finops.ledger.tag_sets import as_claim
from slurm_finops.reports.format import visible
from slurm_finops.reports.site import Site, name_order
from slurm_finops.reports.view import TagFault

#: Statuses of tags that somebody should mend.
TO_MEND = ("invalid", "untagged")


_BY = (*KEYS, "faults", "tag_source", "user", "category")


def tag_faults(
    ledger: Ledger, site: Site, scope: Scope, *, pools: bool = False
) -> tuple[TagFault, ...]:
    """Tags that are missing or wrong, the costliest kinds first, with a comment to type.

    ``pools``: with what their use bears of pools, and without what others carry of it.
    """
    kinds: dict[tuple[object, ...], list[Sums]] = {}
    for row in spend(ledger.db, to_mend(scope, usage=not pools), _BY):
        if row.key[-1] not in OF_USE:
            continue
        faults = site.policy.faults(as_claim(row.key[:-2]), hint=False)
        kind = row.key[0], tuple((fault.code, fault.key) for fault in faults)
        kinds.setdefault(kind, []).append(row)
    ordered = sorted(
        (sorted(rows, key=_costliest) for rows in kinds.values()),
        key=lambda rows: (-sum(row.effective_ticks for row in rows), name_order(rows[0].key)),
    )
    return tuple(_tag_fault(site, rows) for rows in ordered)


def to_mend(scope: Scope, *, usage: bool = True) -> Scope:
    """What of it is tagged wrongly or not at all; what nobody's use bears is no fault.

    Without ``usage`` what is shared is in it, too.
    """
    status = f"tag_sets.status IN ({', '.join(map(repr, TO_MEND))})"
    return scope.narrowed(status, tables=("tag_sets",), usage=usage)


def mended(policy: Policy, claim: Claim) -> tuple[str, str]:
    """What is wrong with a claim, in words, and a comment without it.

    A contested one was billed to the team of its account, which that may charge.
    """
    faults = policy.faults(claim)
    wrong = "; ".join(fault.message for fault in faults) or "no tags"
    tags = example(policy, claim, faults, Who())
    if claim.source == "account" and claim.tags.team is not None:
        tags = tags._replace(team=claim.tags.team)
    return wrong, make_comment(tags)


def typed(comment: str) -> str:
    """A comment as a shell takes it."""
    return f"--comment={shlex.quote(visible(comment))}"


def _costliest(row: Sums) -> tuple[int, tuple[tuple[bool, str], ...]]:
    return -row.effective_ticks, name_order(row.key)


def _tag_fault(site: Site, rows: Sequence[Sums]) -> TagFault:
    """One kind of fault, told by the costliest of its tag sets."""
    claim = as_claim(rows[0].key[:-2])
    wrong, comment = mended(site.policy, claim)
    return TagFault(
        team=claim.tags.team,
        status=wrong,
        example=comment,
        runs=sum(row.runs for row in rows),
        effective_minor=to_minor(sum(row.effective_ticks for row in rows), site.digits),
        people=_who_to_ask(rows) if site.people == "names" else (),
    )


def _who_to_ask(rows: Sequence[Sums]) -> tuple[str, ...]:
    """The users of these costs, the costliest first."""
    cost: dict[str, int] = {}
    for row in rows:
        user = row.key[-2] or ""
        cost[user] = cost.get(user, 0) + row.effective_ticks
    return tuple(sorted(filter(None, cost), key=lambda user: (-cost[user], user)))
