"""What if: another price of the past, in a ledger of its own that leaves nothing."""

import hashlib
from pathlib import Path

import pytest

from slurm_finops.billing.pricing import price
from slurm_finops.billing.rehearsal import rehearsed
from slurm_finops.core.money import TICKS
from slurm_finops.ledger.shares import spend
from slurm_finops.ledger.spend import Scope
from slurm_finops.ledger.store import Ledger
from slurm_finops.reports.rehearsal import rehearsal, rehearsal_json, rehearsal_text
from tests.billing.pools import CALENDAR, DAY, FIRST, HOUR, RATE, a_line, a_pool, run, terms
from tests.support import JUNE, a_ledger, write

NOW = JUNE + 40 * DAY
PERIOD = CALENDAR.period("2026-06")
RUNS = (
    run(1, "nlp", 0, 10 * HOUR, 4), run(2, "cv", DAY, 5 * HOUR, 2),
    run(3, "cv", -40 * DAY, HOUR), run(4, "nlp", -HOUR, 2 * HOUR, 1),
)  # fmt: skip


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    made = a_ledger(tmp_path / "ledger.db")
    write(made, *RUNS)
    price(made, terms(lines=(a_line(50 * TICKS),)), NOW)
    return made


def costs(ledger: Ledger) -> dict:  # type: ignore[type-arg]
    rows = spend(ledger.db, Scope(PERIOD.first, PERIOD.last), ("team",))
    return {row.key[0]: row.effective_ticks for row in rows}


def test_it_is_what_pricing_by_those_terms_comes_to(ledger: Ledger, tmp_path: Path) -> None:
    other = terms(a_pool(kind="owned"), rates=(RATE._replace(price=5_000_000),))
    fresh = a_ledger()
    write(fresh, *RUNS)
    price(fresh, other, NOW)
    with rehearsed(ledger, other, PERIOD, NOW, tmp_path) as then:
        assert costs(then) == costs(fresh)


def test_the_same_terms_come_to_the_same(ledger: Ledger, tmp_path: Path) -> None:
    with rehearsed(ledger, terms(lines=(a_line(50 * TICKS),)), PERIOD, NOW, tmp_path) as then:
        assert costs(then) == costs(ledger)
        found = rehearsal(ledger, then, PERIOD, ("team", "project"), 2)
    assert all(row.now_minor == row.then_minor for row in found.rows)


def test_nothing_is_written_and_nothing_left_even_when_it_fails(
    ledger: Ledger, tmp_path: Path
) -> None:
    ledger.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = hashlib.sha256((tmp_path / "ledger.db").read_bytes()).digest()
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(RuntimeError), rehearsed(ledger, terms(), PERIOD, NOW, folder) as then:
        assert Path(then.path).stat().st_mode & 0o077 in (0, 0o040)
        assert folder.stat().st_nlink == 3
        raise RuntimeError
    assert list(folder.iterdir()) == []
    assert hashlib.sha256((tmp_path / "ledger.db").read_bytes()).digest() == before


def test_runs_of_other_months_stay_where_they_are(ledger: Ledger, tmp_path: Path) -> None:
    with rehearsed(ledger, terms(), PERIOD, NOW, tmp_path) as then:
        ids = [row[0] for row in then.db.execute("SELECT job_id_raw FROM jobs ORDER BY 1")]
    assert ids == [1, 2, 4]
    assert PERIOD.first == FIRST


def test_the_answer_says_both_and_the_difference(ledger: Ledger, tmp_path: Path) -> None:
    other = terms(rates=(RATE._replace(price=1_960_000),))
    with rehearsed(ledger, other, PERIOD, NOW, tmp_path) as then:
        found = rehearsal(ledger, then, PERIOD, ("team",), 2)
    told = rehearsal_json(found, "USD", 2)
    # 41 GPU-hours of nlp and 10 of cv at half the price, and without the line of 50.00
    assert told["total"] == {
        "effective_cost": "249.92", "what_if_cost": "99.96", "difference": "-149.96",
    }  # fmt: skip
    assert [row["team"] for row in told["rows"]] == ["nlp", "cv"]
    text = rehearsal_text(found, "USD", 2)
    assert "249.92" in text
    assert "−149.96" in text


def test_what_would_have_no_rate_is_said(ledger: Ledger, tmp_path: Path) -> None:
    with rehearsed(ledger, terms(rates=()), PERIOD, NOW, tmp_path) as then:
        found = rehearsal(ledger, then, PERIOD, ("team",), 2)
    assert found.total.then_minor == 0
    assert "no rate for gres/gpu:h100: 3 runs, 51.0 unit-hours" in rehearsal_text(found, "USD", 2)
