"""The runs of a report as CSV: whose, how much, and what no name may do to a spreadsheet."""

import csv
import io
import json
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slurm_finops.core.characters import is_control
from slurm_finops.core.tags import KEYS
from slurm_finops.ledger.store import Ledger
from slurm_finops.reports.build import page, report
from slurm_finops.reports.runs_csv import runs_csv
from slurm_finops.reports.site import EVERYBODY, Owner, Site
from slurm_finops.reports.tables import report_json
from tests.billing.pools import CALENDAR, DAY, HOUR, POLICY, run
from tests.billing.test_drawing import hours, priced
from tests.reports.test_render import HOSTILE

JUNE_2026 = CALENDAR.period("2026-06")
SITE = Site("USD", 2, "UTC", CALENDAR, POLICY)
MOST = 5_000_000


def a_file(
    ledger: Ledger, owner: Owner = EVERYBODY, site: Site = SITE, label: str = "2026-06"
) -> str:
    data = runs_csv(ledger, site, CALENDAR.period(label), owner, 1, MOST)
    assert data is not None
    return data.decode()


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_a_run_is_a_line_with_all_that_is_asked_for() -> None:
    ledger = priced(runs=[run(7, "nlp", 60, HOUR, 2, job_name="train", suspended=0)])
    text = a_file(ledger)
    assert text.startswith("\ufeffcluster,job_id,user,job_name,partition,qos,state,start,end,team,")
    assert text.count("\r\n") == text.count("\n") == 2
    (row,) = rows_of(text)
    assert row == {
        "cluster": "alpha", "job_id": "7", "user": "nlp1", "job_name": "train",
        "partition": "h100", "qos": "normal", "state": "COMPLETED",
        "start": "2026-06-01T00:01:00+00:00", "end": "2026-06-01T01:01:00+00:00",
        **dict.fromkeys(KEYS, ""), "team": "nlp", "project": "nlp-p", "cost_center": "cc-nlp",
        "gpu_seconds": "7200", "list_cost": "8.00", "effective_cost": "8.00",
        "billed_cost": "8.00", "currency": "USD",
    }  # fmt: skip


def test_an_owner_gets_their_own_runs_the_costliest_first() -> None:
    ledger = priced(
        runs=[run(1, "nlp", 0, HOUR), run(2, "cv", 0, HOUR), run(3, "nlp", 0, 2 * HOUR)]
    )
    assert [row["job_id"] for row in rows_of(a_file(ledger, Owner("nlp")))] == ["3", "1"]
    assert [r["job_id"] for r in rows_of(a_file(ledger, Owner(cost_center="cc-cv")))] == ["2"]
    assert len(rows_of(a_file(ledger))) == 3


def test_of_a_run_only_what_is_in_the_period() -> None:
    ledger = priced(runs=[run(1, "nlp", DAY - HOUR, 3 * HOUR)])
    (row,) = rows_of(a_file(ledger, label="2026-06-01"))
    assert (row["gpu_seconds"], row["effective_cost"]) == ("3600", "4.00")


def test_what_still_runs_has_no_end_and_what_has_no_price_no_cost() -> None:
    ledger = priced(
        runs=[
            run(1, "nlp", 0, HOUR, state="RUNNING", provisional=True, end=None),
            run(2, "nlp", 0, HOUR, alloc_tres="gres/gpu=1,gres/gpu:v100=1"),
        ]
    )
    first, second = sorted(rows_of(a_file(ledger)), key=lambda row: row["job_id"])
    assert (first["state"], first["end"], first["effective_cost"]) == ("RUNNING", "", "4.00")
    assert (second["gpu_seconds"], second["effective_cost"], second["billed_cost"]) == (
        "3600", "", "",
    )  # fmt: skip


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(1, 9999), st.integers(1, 8), st.integers(0, 2)),
                min_size=1, max_size=12), st.integers(0, 6))  # fmt: skip
def test_costs_sum_to_those_of_the_report(
    made: list[tuple[int, int, int]], granted: int
) -> None:
    teams = ("nlp", "cv", "ops")
    runs = [run(i, teams[t], i * HOUR, s, g) for i, (s, g, t) in enumerate(made, 1)]
    ledger = priced(*([hours(granted)] if granted else []), runs=runs)
    for owner in (EVERYBODY, Owner("nlp")):
        total = report_json(report(ledger, SITE, JUNE_2026, ("team",), owner))["total"]
        rows = rows_of(a_file(ledger, owner))
        for cost in ("list_cost", "effective_cost", "billed_cost"):
            assert sum(Decimal(row[cost]) for row in rows) == Decimal(total[cost])


@pytest.mark.parametrize("name", [*HOSTILE, "+1", "-1+2", "\t=1", "＝1+1", "a\x00b", "\r", "'=1"])
def test_no_name_is_a_formula_a_line_or_a_book(name: str) -> None:
    comment = json.dumps({"team": "nlp", "experiment": name})
    ledger = priced(runs=[run(1, "nlp", 0, HOUR, job_name=name, comment=comment, user=name,
                              partition=name, qos=name, state="COMPLETED")])  # fmt: skip
    text = a_file(ledger)
    (row,) = rows_of(text)
    assert text.count("\r\n") == 2
    for cell in row.values():
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"))
        assert not any(map(is_control, cell))
        assert len(cell) <= 210


# --- people


def of_people(people: str) -> tuple[Ledger, Site]:
    runs = [run(number, "nlp", 0, HOUR * (number % 5), 1) for number in range(1, 12)]
    runs.append(run(12, "nlp", 0, 60, 1, user="", alloc_tres="gres/gpu=1,gres/gpu:v100=1"))
    return priced(runs=runs), replace(SITE, people=people)


def test_pseudonyms_are_those_of_the_mail_itself() -> None:
    ledger, site = of_people("pseudonyms")
    text = a_file(ledger, Owner("nlp"), site)
    assert "nlp0" not in text
    costs: dict[str, Decimal] = {}
    for row in rows_of(text):
        costs[row["user"]] = costs.get(row["user"], Decimal()) + Decimal(row["effective_cost"] or 0)
    tables = page(ledger, site, JUNE_2026, Owner("nlp")).tables
    (by_user,) = [one for one in tables if one.by == ("user",)]
    assert costs == {row.key[0]: Decimal(row.effective_minor) / 100 for row in by_user.rows}


def test_where_nothing_stands_for_people_there_is_no_such_column() -> None:
    ledger, site = of_people("none")
    assert "user" not in rows_of(a_file(ledger, site=site))[0]


# --- size


def test_a_file_that_is_too_large_is_none_and_is_not_begun() -> None:
    ledger = priced(runs=[run(1, "nlp", 0, HOUR)])
    whole = runs_csv(ledger, SITE, JUNE_2026, EVERYBODY, 1, MOST)
    assert whole is not None
    assert runs_csv(ledger, SITE, JUNE_2026, EVERYBODY, 1, len(whole)) == whole
    assert runs_csv(ledger, SITE, JUNE_2026, EVERYBODY, 1, len(whole) - 1) is None
    ledger.close()  # asked for so many, it does not look at them
    assert runs_csv(ledger, SITE, JUNE_2026, EVERYBODY, 1_000_000, MOST) is None


def test_a_period_without_runs_is_a_header() -> None:
    ledger = priced(runs=[run(1, "nlp", 0, HOUR)])
    data = runs_csv(ledger, SITE, CALENDAR.period("2026-07"), EVERYBODY, 0, MOST)
    assert data is not None
    assert data.decode().count("\r\n") == 1
