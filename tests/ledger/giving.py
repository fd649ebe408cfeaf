"""Credits and runs for the tests of credits."""

from slurm_finops.core.runs import Run
from slurm_finops.ledger.credits import Granted, Wanted, add
from slurm_finops.ledger.store import Ledger
from tests.billing.pools import CALENDAR, HOUR
from tests.support import JUNE, a_run

AT = JUNE + 40 * 86_400


def outage(nodes: str, since: int, until: int, **more: object) -> Wanted:
    """All of what ran on some nodes over seconds of June."""
    wanted = Wanted("outage", "alpha", None, None, None, None, nodes, JUNE + since, JUNE + until,
                    1, 1, "cooling failed", "OPS-17", "pi@example.org")  # fmt: skip
    return wanted._replace(**more)  # type: ignore[arg-type]


def of_run(job_id: str, raw: int | str | None, user: str = "nlp1", **more: object) -> Wanted:
    """All of a run."""
    wanted = Wanted("run", "alpha", job_id, raw, user, None, None, None, None, 1, 1, "disk full",
                    "", "pi@example.org")  # fmt: skip
    return wanted._replace(**more)  # type: ignore[arg-type]


def give(ledger: Ledger, wanted: Wanted, **more: bool) -> Granted:
    return add(ledger, wanted, CALENDAR, AT, "root", **more)


def ran(raw: int | str, start: int = 0, elapsed: int = HOUR, **more: object) -> Run:
    """A run from ``start`` seconds into June, submitted then."""
    return a_run(**{
        "job_id_raw": raw, "job_id": str(raw), "submit": JUNE + start, "start": JUNE + start,
        "elapsed": elapsed, "end": JUNE + start + elapsed,
    } | more)  # fmt: skip
