"""The programs that check journals accept what balances, and refuse one cent."""

import pytest

pytestmark = pytest.mark.ledger_checkers

BEANCOUNT = """\
2026-01-01 open Expenses:Compute USD
2026-01-01 open Liabilities:Cluster USD

2026-06-30 * "GPU use of nlp"
  Expenses:Compute       {}
  Liabilities:Cluster  -9031.68 USD
"""
HLEDGER = """\
commodity 1000.00 USD
account expenses:compute
account liabilities:cluster

2026-06-30 GPU use of nlp
    expenses:compute       {}
    liabilities:cluster  -9031.68 USD
"""


def test_beancount_accepts_a_journal_that_balances_and_refuses_one_cent(bean_check):
    assert bean_check(BEANCOUNT.format("9031.68 USD")) == ""
    assert "does not balance: (0.01 USD)" in bean_check(BEANCOUNT.format("9031.69 USD"))


def test_hledger_accepts_a_journal_that_balances_and_refuses_one_cent(hledger_check):
    assert hledger_check(HLEDGER.format("9031.68 USD")) == ""
    assert "0.01 USD" in hledger_check(HLEDGER.format("9031.69 USD"))
