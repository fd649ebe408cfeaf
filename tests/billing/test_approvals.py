"""The ledger knows who approved the prices it charges by, and prices nothing again for it."""

from slurm_finops.billing.pricing import Terms, price
from slurm_finops.core.approval import Approval
from slurm_finops.core.rates import Rate
from slurm_finops.ledger.rates import stored_rates
from slurm_finops.ledger.store import Ledger
from tests.billing.pools import CALENDAR, HOUR, POLICY, RATE, run
from tests.support import JUNE, a_ledger, write

BOARD = Approval("board", "B-1", JUNE // 86_400)


def priced(ledger: Ledger, *rates: Rate) -> tuple[int, int]:
    return price(ledger, Terms(rates, POLICY, CALENDAR), JUNE + 40 * 86_400, "root")[:2]


def audited(ledger: Ledger, action: str) -> list[str]:
    rows = ledger.db.execute("SELECT detail FROM audit WHERE action = ?", (action,))
    return [row[0] for row in rows]


def test_an_approval_alone_is_kept_and_audited_and_nothing_is_priced_again() -> None:
    ledger = a_ledger()
    write(ledger, run(1, "nlp", 0, HOUR))
    assert priced(ledger, RATE) == (1, 0)
    charges = ledger.db.execute("SELECT * FROM charges").fetchall()
    assert priced(ledger, RATE._replace(approval=BOARD)) == (0, 0)
    assert [rate.approval for rate in stored_rates(ledger.db)] == [BOARD]
    assert ledger.db.execute("SELECT * FROM charges").fetchall() == charges
    assert len(audited(ledger, "rates")) == 1
    assert audited(ledger, "approval") == [
        "gres/gpu:h100 from 1970-01-01T00:00:00Z on (1 rate): board (B-1, review 2026-06-01); "
        "before: not approved"
    ]
    before = list(ledger.db.iterdump())
    assert priced(ledger, RATE._replace(approval=BOARD, where="elsewhere")) == (0, 0)
    assert list(ledger.db.iterdump()) == before


def test_with_a_price_its_approval_is_audited_too() -> None:
    ledger = a_ledger()
    write(ledger, run(1, "nlp", 0, HOUR))
    priced(ledger, RATE)
    dearer = RATE._replace(price=5_000_000, approval=BOARD)
    assert priced(ledger, dearer) == (0, 1)
    assert stored_rates(ledger.db) == [dearer._replace(where="")]
    assert len(audited(ledger, "approval")) == 1
    # and who had approved a price that is gone, the audit keeps
    priced(ledger)
    assert audited(ledger, "approval")[-1].endswith(
        "not approved; before: board (B-1, review 2026-06-01)"
    )
