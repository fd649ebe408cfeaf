"""Jobs as people name them, and what is said of those that are not there."""

import pytest

from slurm_finops.errors import InputError
from slurm_finops.ledger.named import Job, job
from slurm_finops.ledger.store import Ledger
from tests.billing.pools import CALENDAR, DAY
from tests.ledger.giving import ran
from tests.support import JUNE, a_ledger, write


@pytest.fixture
def ledger() -> Ledger:
    """A plain job, a requeued one, an array, a het job; another cluster."""
    made = a_ledger()
    write(
        made, ran(100), ran(110), ran(110, 9), ran(120, job_id="120_2"), ran(121, job_id="120_1"),
        ran(122, job_id="120_10"), ran(130, job_id="130+0"), ran(131, job_id="130+1"),
        ran(500, cluster="beta"),
    )  # fmt: skip
    return made


@pytest.mark.parametrize(("name", "raw"), [
    ("100", 100), ("110", 110), ("120_1", 121), ("120_2", 120), ("130+1", 131),
    # a whole array, although one of its tasks has its number
    ("120", None), ("130", None),
])  # fmt: skip
def test_a_name_is_a_job(ledger: Ledger, name: str, raw: int | None) -> None:
    assert job(ledger.db, CALENDAR, "alpha", name) == Job(name, raw, "nlp1", None)


def test_one_run_of_a_requeued_job_is_named_by_its_submit(ledger: Ledger) -> None:
    assert job(ledger.db, CALENDAR, "alpha", "110", JUNE + 9).submit == JUNE + 9
    with pytest.raises(InputError) as error:
        job(ledger.db, CALENDAR, "alpha", "110", JUNE + 1)
    assert str(error.value) == (
        "no run of 110 on alpha was submitted at 2026-06-01T00:00:01+00:00; --submit may be "
        "2026-06-01T00:00:00+00:00, 2026-06-01T00:00:09+00:00"
    )


def test_a_number_that_two_users_have_had_needs_a_submit(ledger: Ledger) -> None:
    write(ledger, ran(100, 40 * DAY, user="cv1"))
    with pytest.raises(InputError, match=r"several users: .*\(nlp1\), .*\(cv1\).  --submit says"):
        job(ledger.db, CALENDAR, "alpha", "100")
    assert job(ledger.db, CALENDAR, "alpha", "100", JUNE + 40 * DAY).user == "cv1"


def test_a_task_that_was_also_collected_without_its_raw_id_is_found_by_its_name(
    ledger: Ledger
) -> None:
    write(ledger, ran("120_1"))
    assert job(ledger.db, CALENDAR, "alpha", "120_1").job_id_raw is None


@pytest.mark.parametrize(("cluster", "name", "said"), [
    ("alpha", "105", "the ledger has no run 105 of alpha; the nearest there: 100, 110.  What ran "
     "lately is collected by: slurm-finops collect sacct"),
    ("alpha", "9", "the nearest there: 100.  What"),
    ("alpha", "9999999999", "the nearest there: 130+1.  What"),
    ("alpha", "500", "there is one of beta: --cluster beta"),
    ("alpha", "121", "Slurm keeps 120_1 under that number: --run 120_1"),
    ("alpha", "120_7", "of that job it has 120_1 to 120_10, 3 in all.  What"),
    ("alpha", "100_7", "of that job it has 100.  What"),
    ("alhpa", "100", "the ledger has no run of a cluster 'alhpa'; the nearest is 'alpha' of 2"),
    ("alpha", "100.batch", "'100.batch' is no job: expected 4711, 4711_3 (of an array) or 4711+1"),
    ("alpha", "16_[1-3]", "is no job"), ("alpha", "", "is no job"),
    ("alpha", "9" * 30, "is no job"), ("alpha", "٣", "is no job"),
])  # fmt: skip
def test_a_job_that_is_not_there_is_refused_with_the_next_step(
    ledger: Ledger, cluster: str, name: str, said: str
) -> None:
    with pytest.raises(InputError) as error:
        job(ledger.db, CALENDAR, cluster, name)
    assert said in str(error.value)


def test_an_empty_ledger_has_no_cluster() -> None:
    with pytest.raises(InputError, match="no run of a cluster 'alpha'; there is none"):
        job(a_ledger().db, CALENDAR, "alpha", "1")
