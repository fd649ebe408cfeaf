"""A seal beside the Comment it was made of: do they still say the same?"""

from collections.abc import Callable

from slurm_finops.core.faults import UNREADABLE
from slurm_finops.core.tags import ALIASES, Claim, Tags, parse_comment, parse_seal


def was_changed(
    comment: str, admin_comment: str, fill: Callable[[Claim], Tags] = lambda claim: claim.tags
) -> bool:
    """Whether a sealed run's Comment has other tags, or other faults, than its seal.

    ``fill`` gives a comment's tags with the site's defaults, as the gate sealed them.
    An empty Comment says nothing: slurmdbd may be set not to keep any.
    """
    if not comment or _is_copy(comment, admin_comment):
        return False
    seal = parse_seal(admin_comment)
    if seal is None:
        return False
    claim = parse_comment(comment)
    return fill(claim) != seal.tags or _faults(claim) != _faults(seal)


def _is_copy(comment: str, admin_comment: str) -> bool:
    """Whether the seal holds this very text; what `slurm-finops tags make` prints does."""
    # without a backslash, "} ends an object and never stands in a value
    return (
        comment.endswith('"}') and "\\" not in comment
        and f'"tags":{comment}}}' in admin_comment
    )  # fmt: skip


def _faults(claim: Claim) -> set[tuple[str, str]]:
    """Codes and keys; that a comment cannot be read is one, for accounting writes bytes anew."""
    return {
        ("unreadable", "") if fault.code in UNREADABLE
        else (fault.code, ALIASES.get(fault.key, fault.key))
        for fault in claim.faults
    }  # fmt: skip
