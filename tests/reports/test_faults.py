"""Tags to mend: which runs, what is wrong with them, and the line to type next time."""

from slurm_finops.billing.pricing import price
from slurm_finops.billing.terms import Terms
from slurm_finops.core.policy import Policy, TeamRule
from slurm_finops.ledger.spend import Scope
from slurm_finops.reports.faults import tag_faults
from slurm_finops.reports.site import Site
from tests.billing.pools import CALENDAR, DAY, FIRST, HOUR, RATE, run
from tests.support import JUNE, a_ledger, write

#: Both teams are closed: their accounts alone may charge them.
POLICY = Policy(required=("team",), teams=(
    TeamRule("nlp", None, (), ("nlp",), None, None), TeamRule("cv", None, (), ("cv",), None, None),
))  # fmt: skip
SITE = Site("USD", 2, "UTC", CALENDAR, POLICY, as_of=JUNE + 40 * DAY)


def test_untagged_invalid_and_contested_runs_are_told_the_costliest_kind_first() -> None:
    ledger = a_ledger()
    write(
        ledger, run(1, "nlp", 0, 9 * HOUR, account="nlp", user="ann"),
        run(2, "cv", 0, 3 * HOUR, account="nlp", user="bob"),  # contested: it falls to nlp
        run(3, "", 0, 2 * HOUR, account="nlp", user="zoe"),
        run(4, "nlp", 0, HOUR, account="nlp", user="kim", comment='{"team": "nlp", "team": "x"}'),
    )  # fmt: skip
    price(ledger, Terms((RATE,), POLICY, CALENDAR), JUNE + 40 * DAY)
    found = tag_faults(ledger, SITE, Scope(FIRST, FIRST + 30))
    assert [(one.runs, one.effective_minor, one.people) for one in found] == [
        (1, 1176, ("bob",)), (1, 784, ("zoe",)), (1, 392, ("kim",)),
    ]  # fmt: skip
    contested, untagged, invalid = found
    assert (contested.team, untagged.team) == ("nlp", None)
    assert 'account nlp may not charge team "cv"' in contested.status
    assert '"team":"nlp"' in contested.example
    assert "--comment" in untagged.status
    assert '"<team>"' in untagged.example
    assert invalid.example.startswith('{"team":')
