"""The configuration as the ledger last saw it, so that a change of it is in the audit.

Much of it is in no table (budgets, owners, who is told), and of the rest a table has
only what holds now.
"""

import json

from slurm_finops.core.stated import Stated, bounded, restated
from slurm_finops.core.words import count
from slurm_finops.ledger.store import Ledger

_SETTING = "configuration"
#: What an entry of the audit is called; with the table it is about: ``configuration rates``.
ACTION = "configuration"


def note(ledger: Ledger, now: Stated, at: int, actor: str) -> None:
    """Keep what a configuration states, and audit what it states otherwise than the last.

    Each table has its own bound, so that no flood of one hides a change of another.
    """
    text = json.dumps(now, ensure_ascii=False)
    before = ledger.setting(_SETTING)
    if before == text:
        return
    with ledger.transaction():
        ledger.set(_SETTING, text)
        if before is None:
            said = count(sum(map(len, now.values())), "key")
            ledger.audit(at, actor, ACTION, f"first seen, with {said}")
            return
        for kind, lines in restated(json.loads(before), now).items():
            for line in bounded(lines):
                ledger.audit(at, actor, f"{ACTION} {kind}".strip(), line)
