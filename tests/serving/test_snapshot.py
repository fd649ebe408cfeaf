"""What a snapshot holds: the figures of the reports, and nobody whom the site does not show."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from slurm_finops.billing.pricing import price
from slurm_finops.billing.standings import Standing
from slurm_finops.core.money import TICKS, minor_text
from slurm_finops.core.period import Calendar, Period
from slurm_finops.core.pools import Spread
from slurm_finops.core.tags import Tags
from slurm_finops.ledger.shares import spend
from slurm_finops.ledger.spend import Scope
from slurm_finops.ledger.store import Ledger
from slurm_finops.reports import build
from slurm_finops.reports.build import Site
from slurm_finops.reports.faults import tag_faults
from slurm_finops.reports.format import shown
from slurm_finops.serving.layout import FIGURES, SPEND, TABLES, tables
from slurm_finops.serving.snapshot import make
from tests.billing.pools import CALENDAR, DAY, HOUR, POLICY, a_line, a_pool, run, terms
from tests.support import JUNE, a_ledger, write

SITE = Site("USD", 2, "UTC", CALENDAR, POLICY, as_of=JUNE + 40 * DAY)
Made = Callable[..., sqlite3.Connection]


def nobodys(months: Sequence[Period]) -> list[list[Standing]]:
    """No budget in any month."""
    return [[] for _ in months]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """``made(ledger, **site)``: the snapshot of a ledger at a site."""

    def snapshot(ledger: Ledger, months: int = 13, **site: object) -> sqlite3.Connection:
        path = tmp_path / "snapshot.db"
        path.unlink(missing_ok=True)
        make(ledger, replace(SITE, **site), nobodys, path, months)  # type: ignore[arg-type]
        db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        db.row_factory = sqlite3.Row
        return db

    return snapshot


def a_pooled_ledger() -> Ledger:
    """Two teams in a pool of eight, one run beyond it, one untagged; a line; three users."""
    ledger = a_ledger()
    write(
        ledger,
        run(1, "nlp", 0, HOUR, 3, user="ann", state="FAILED"),
        run(2, "nlp", 1800, 2 * HOUR, 1, user="bob"),
        run(3, "cv", 0, HOUR, 7, user="cyd", state="TIMEOUT"),
        run(4, "", 600, 777, 1, user="ann"),
        run(5, "cv", 5 * DAY, HOUR, 1, user="cyd"),
    )
    pool = a_pool(unused=Spread(), hourly=TICKS, days=3)
    line = a_line(10 * TICKS + 1, tags=Tags(team="nlp"))
    price(ledger, terms(pool, lines=(line,)), JUNE + 40 * DAY)
    return ledger


def rows(db: sqlite3.Connection, sql: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in db.execute(sql)]


# ---- figures


@pytest.mark.parametrize("name", SPEND)
def test_a_table_is_the_report_by_its_dimensions(made: Made, name: str) -> None:
    ledger, by = a_pooled_ledger(), SPEND[name]
    june = CALENDAR.period("2026-06")
    expected = build.report(ledger, SITE, june, by).spend
    figures = ", ".join(column.name for column in FIGURES if column.name != "gpu_hours")
    found = rows(made(ledger), f"SELECT {', '.join(by)}, {figures} FROM {name} ORDER BY rowid")
    assert found == [
        (*(shown(n, v, row.runs) for n, v in zip(by, row.key, strict=True)), row.runs,
         *(minor_text(minor, 2) for minor in (
             row.effective_minor, row.list_minor, row.forgiven_minor, row.subsidised_minor,
             row.credited_minor, row.billed_minor)), row.effective_minor)
        for row in expected.rows
    ]  # fmt: skip
    assert len(found) > 2


def test_shares_of_pools_and_lines_are_in_what_teams_spend(made: Made) -> None:
    db = made(a_pooled_ledger())
    costs = dict(rows(db, "SELECT team, effective_cost FROM teams"))
    # three days of the pool at 1.00 an hour, what did not fit in it, and the line
    total = spend(a_pooled_ledger().db, Scope(0, 99_999), ())[0].effective_ticks
    assert sum(round(float(cost) * 100) for cost in costs.values()) == round(total * 100 / TICKS)
    assert float(costs["nlp"]) > 10
    assert db.execute("SELECT sum(effective_minor) FROM runs WHERE team = 'nlp'").fetchone()[0] == 0


def test_a_month_says_what_of_it_is_tagged(made: Made) -> None:
    (month,) = made(a_pooled_ledger()).execute("SELECT * FROM months").fetchall()
    tagged, untagged = 3 * 3600 + 7200 + 7 * 3600 + 3600, 777
    assert month["tagged_share"] == f"{tagged / (tagged + untagged):.1%}"
    # it was in the pool: nothing was charged for it but its share, and idle time is no fault
    assert month["to_mend_cost"] == "0.00"
    assert (month["month"], month["runs"], month["so_far"]) == ("2026-06", 5, 0)


def test_what_is_to_mend_is_the_sum_of_the_kinds_as_a_page_says_it(made: Made) -> None:
    ledger = a_ledger()
    # 5 seconds of an H100 are 0.0054: a cent each, and not two cents together
    write(ledger, run(1, "", 0, 5), run(2, "", 60, 5, comment='{"team":'))
    price(ledger, terms(), JUNE + DAY)
    db, june = made(ledger), CALENDAR.period("2026-06")
    kinds = tag_faults(ledger, SITE, Scope(june.first, june.last))
    assert [kind.effective_minor for kind in kinds] == [1, 1]
    assert rows(db, "SELECT effective_cost FROM to_mend") == [("0.01",), ("0.01",)]
    assert rows(db, "SELECT to_mend_cost FROM months") == [("0.02",)]


def test_a_run_has_its_cost_its_tags_and_what_to_type(made: Made) -> None:
    ledger = a_ledger()
    write(ledger, run(1, "nlp", 60, HOUR, 2, user="ann"), run(2, "", 0, 100, 1, user="bob"))
    price(ledger, terms(), JUNE + DAY)
    good, bad = made(ledger).execute("SELECT * FROM runs ORDER BY run").fetchall()
    assert (good["effective_cost"], good["effective_minor"], good["gpus"]) == ("7.84", 784, 2)
    assert (good["start"], good["month"]) == ("2026-06-01 00:01:00", "2026-06")
    assert (good["tag_status"], good["wrong"], good["type"]) == ("valid", None, None)
    assert (bad["team"], bad["tag_status"], bad["user"]) == (None, "untagged", "bob")
    assert bad["type"] == """--comment='{"team":"<team>"}'"""


def test_times_are_those_of_the_billing_zone(made: Made) -> None:
    ledger = a_ledger(zone="Asia/Tokyo")
    tokyo = Calendar(ZoneInfo("Asia/Tokyo"))
    write(ledger, run(1, "nlp", -6 * HOUR, HOUR))
    price(ledger, replace(terms(), calendar=tokyo), JUNE + DAY)
    db = made(ledger, calendar=tokyo, timezone="Asia/Tokyo")
    # 18:00 UTC on 31 May is June in Tokyo
    assert rows(db, "SELECT month, start FROM runs") == [("2026-06", "2026-06-01 03:00:00")]


def test_what_has_no_rate_has_no_cost_and_not_a_cost_of_zero(made: Made) -> None:
    ledger = a_ledger()
    write(ledger, run(1, "nlp", 0, HOUR))
    price(ledger, replace(terms(), rates=()), JUNE + DAY)
    db = made(ledger)
    for table in ("teams", "runs"):
        assert rows(db, f"SELECT effective_cost, effective_minor FROM {table}") == [(None, None)]
    assert rows(db, "SELECT unpriced_gpu_hours FROM months") == [(1.0,)]


def test_older_months_are_left_out(made: Made) -> None:
    ledger = a_ledger()
    write(ledger, run(1, "nlp", -40 * DAY, HOUR), run(2, "nlp", 0, HOUR))
    price(ledger, terms(), JUNE + DAY)
    assert len(rows(made(ledger), "SELECT * FROM months")) == 2
    db = made(ledger, months=1)
    assert rows(db, "SELECT month FROM months") == [("2026-06",)]
    assert rows(db, "SELECT job_id FROM runs") == [("2",)]


def test_a_ledger_without_runs_has_a_snapshot_without_months(made: Made) -> None:
    db = made(a_ledger())
    assert rows(db, "SELECT * FROM months") == []
    assert rows(db, "SELECT currency, today FROM about") == [("USD", "2026-07-11")]


# ---- who is in it

WHO = "zora-of-the-users"


def a_ledger_with_people() -> Ledger:
    ledger = a_ledger()
    comment = f'{{"team":"nlp"}} {WHO} wrote this'
    write(
        ledger,
        run(1, "nlp", 0, HOUR, user=WHO, job_name=f"{WHO}-job", admin_comment=WHO),
        run(2, "", 0, HOUR, user=WHO, comment=comment),
        run(3, "cv", 0, HOUR, 2, user="other"),
    )
    with ledger.transaction():
        ledger.audit(JUNE + DAY, WHO, "credits add", f"for a run of {WHO}")
    price(ledger, terms(), JUNE + DAY)
    return ledger


def everything(db: sqlite3.Connection) -> str:
    return "\n".join(db.iterdump())


def test_names_are_shown_where_the_site_shows_names(made: Made) -> None:
    db = made(a_ledger_with_people())
    assert rows(db, "SELECT user FROM runs ORDER BY run") == [(WHO,), (WHO,), ("other",)]
    assert set(rows(db, "SELECT user, runs FROM users")) == {("other", 1), (WHO, 2)}
    assert WHO in str(rows(db, "SELECT actor, detail FROM log"))


@pytest.mark.parametrize("people", ["pseudonyms", "none"])
def test_nobody_is_in_a_snapshot_of_a_site_that_shows_nobody(made: Made, people: str) -> None:
    db = made(a_ledger_with_people(), people=people)
    assert WHO not in everything(db)
    assert len(rows(db, "SELECT * FROM runs")) == 3
    assert ("credits add", None) in rows(db, "SELECT action, detail FROM log")
    names = {
        row[1] for table in tables(people) if table.name != "about"
        for row in db.execute(f"PRAGMA table_info({table.name})")
    }  # fmt: skip
    assert names & {"job_name", "comment", "actor", "people"} == set()


def test_a_pseudonym_is_a_place_in_a_month(made: Made) -> None:
    db = made(a_ledger_with_people(), people="pseudonyms")
    assert rows(db, "SELECT user FROM users") == [("person 1",), ("person 2",)]
    # no run leads from one to a job, and from there to a name
    assert "user" not in {row[1] for row in db.execute("PRAGMA table_info(runs)")}
    assert "users" not in {t.name for t in tables("none")}


def test_mails_and_seals_are_in_no_snapshot(made: Made) -> None:
    ledger = a_ledger_with_people()
    with ledger.transaction() as db:
        db.execute(
            "INSERT INTO outbox (report, period, recipient, status, message_id, subject, message, "
            "queued_at) VALUES ('r', 'p', 'pi@example.org', 'sent', '<1@x>', 'secret', x'00', 0)"
        )
    found = made(ledger)
    text = everything(found)
    assert "pi@example.org" not in text
    assert "admin_comment" not in text
    assert {row[0] for row in found.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if not row[0].startswith("sqlite_")} == {table.name for table in TABLES}  # fmt: skip


def test_only_its_user_may_read_it(made: Made, tmp_path: Path) -> None:
    made(a_ledger_with_people())
    assert (tmp_path / "snapshot.db").stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        make(a_ledger(), SITE, nobodys, tmp_path / "snapshot.db")


def test_what_cannot_be_seen_is_not_in_it(made: Made) -> None:
    ledger = a_ledger()
    name = "a\x1b[2J\r\nb\u202ec\u200bd"
    write(ledger, run(1, "nlp", 0, HOUR, job_name=name, user=name, comment=name))
    price(ledger, terms(), JUNE + DAY)
    text = everything(made(ledger))
    assert not set(text) & {"\x1b", "\r", "\u202e", "\u200b"}
    assert "a\ufffd[2J\ufffd\ufffdb\ufffdc\ufffdd" in text


def test_every_table_and_column_is_told_of() -> None:
    for table in TABLES:
        assert table.title and table.says
        assert all(column.says for column in table.columns)
        assert {table.order, *(table.key and [table.key])} <= {c.name for c in table.columns}
        assert table.people <= {c.name for c in table.columns}
