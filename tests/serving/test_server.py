"""What the server answers, what it refuses, and how it keeps up with the ledger."""

import csv
import html
import http.client
import io
import json
import re
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from slurm_finops.ledger.spend import Scope
from slurm_finops.ledger.store import Ledger
from slurm_finops.reports.insight import CAUSES, waste
from slurm_finops.serving.queries import queries
from tests.billing.pools import FIRST
from tests.serving.served import Served, a_priced_ledger, run_command, served
from tests.serving.test_snapshot import SITE
from tests.support import CONFIG, JUNE, a_config, record, saved

GOLDEN = "alpha-2026-06.txt.gz"
ATTACK = "=HYPERLINK(A1)"
BUDGETS = """
[tags]
required = ["team"]
[[teams]]
name = "cv"
budget = "100.00"
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The golden month, a hostile name, a failed and an untagged run; behind a proxy's path."""
    folder, snapshots = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("snapshots")
    file = folder / "more.txt"
    file.write_text(saved(record(
        JobIDRaw=999_999, JobID=999_999, JobName=ATTACK, User="+mallory",
        Comment=json.dumps({"team": "=1+1", "project": "@SUM(A1)", "experiment": "-2"}),
    ), record(JobIDRaw=999_998, JobID=999_998, User="zed", State="OUT_OF_MEMORY"),
       record(JobIDRaw=999_997, JobID=999_997, User="zed", Comment="")))  # fmt: skip
    config = a_priced_ledger(folder, CONFIG + BUDGETS, GOLDEN)
    run_command(config, "collect", "sacct", "--delimiter", "|", "--file", str(file))
    run_command(config, "price")
    with served(config, snapshots, "--base-url", "spend") as found:
        yield found


def test_a_named_query_is_the_report(site: Served) -> None:
    config = site_config(site)
    report = json.loads(run_command(config, "report", "--period", "2026-06", "--format", "json"))
    found = site.rows("spend_by_team?month=2026-06")
    for name in ("team", "runs", "effective_cost", "list_cost", "billed_cost"):
        assert [row[name] for row in found] == [
            "(untagged)" if row[name] is None else row[name] for row in report["rows"]
        ]
    assert found[0] | {"month": ""} == {
        "month": "", "team": "nlp", "runs": 486, "gpu_hours": 2306.0, "list_cost": "9039.52",
        "effective_cost": "9039.52", "billed_cost": "9039.52",
    }  # fmt: skip


def site_config(site: Served) -> Path:
    words = site.process.args
    assert isinstance(words, list)
    return Path(words[2])


@pytest.mark.parametrize(
    "query",
    [
        "spend_by_team", "spend_by_project?team=nlp", "costliest_experiments", "waste",
        "what_to_type", "untagged_runs", "runs_of_user?user=nlp1", "since_yesterday?day=2026-06-10",
        "what_changed?since=2026", "budgets_of_month",
    ],
)  # fmt: skip
def test_every_named_query_answers(site: Served, query: str) -> None:
    assert site.rows(query)


def test_waste_is_what_a_page_calls_so(site: Served) -> None:
    found = site.rows("waste?month=2026-06")
    assert {row["state"] for row in found} <= set(CAUSES)
    ledger = Ledger.open(site_config(site).with_name("ledger.db"), "USD", "UTC")
    told = waste(ledger, SITE, Scope(FIRST, FIRST + 30))
    assert sum(cents(row["effective_cost"]) for row in found) == sum(
        one.effective_minor for one in told
    )
    assert ("OUT_OF_MEMORY", "nlp") in {(row["state"], row["team"]) for row in found}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("spend_by_team?month=2026-13", "months are 2026-06."),
        ("waste?month=2026-05&team=nlp", "months are 2026-06."),
        ("waste?month=2026-06&team=npl", "months are 2026-06; no team is called npl (did you "
         "mean nlp?)."),
        ("runs_of_user", "name a user; months are 2026-06."),
        ("runs_of_user?user=zedd", "no user is called zedd (did you mean zed?); months are "
         "2026-06."),
        ("runs_of_user?user=zed&month=2026-05", "zed has started runs in 2026-06; months are "
         "2026-06."),
        ("since_yesterday?day=2027-01-01", "days are 2026-06-01 … 2026-06-30."),
    ],
)  # fmt: skip
def test_a_query_that_found_nothing_says_what_is_there(
    site: Served, query: str, said: str
) -> None:
    text = site.get(f"finops/{query}").text
    assert f"Nothing was found: {said}" in html.unescape(text)
    assert site.rows(query) == []


def test_a_stranger_is_told_of_so_many_users(site: Served) -> None:
    text = site.get("finops/runs_of_user?user=%3Cb%3E%1b" + "x" * 9999).text
    assert "no user is called &lt;b&gt;\ufffdxxx" in text
    assert re.search(r"x… \(users are .*, and \d+ more\)", text)


def test_a_month_that_is_not_here_is_said(site: Served) -> None:
    for asked in ("2026-13", "&lt;i&gt;"):
        text = site.get(f"?month={asked.replace('&lt;', '%3C').replace('&gt;', '%3E')}").text
        assert f"<bdi>{asked}</bdi> is not here; this is 2026-06." in text
    for asked in ("", "?month=", "?month=%202026-06"):
        assert "is not here" not in site.get(asked).text


def test_the_first_page_has_the_budgets_of_its_month(site: Served) -> None:
    (row,) = site.rows("budgets_of_month")
    text = site.get("").text
    assert '<bdi>cv</bdi> <span class="soft"><bdi>the month</bdi></span>' in text
    shown = re.findall(r'<td class="number[ a-z]*">([^<]*)', text.partition('class="budgets"')[2])
    assert [cell.replace(",", "") for cell in shown[:2]] == [row["budget"], row["spent"]]
    assert shown[2:] == [row["used"], row["used_up"]]


def test_what_is_no_waste_is_in_no_list_of_it() -> None:
    """Whoever fails at what, a state that no page counts is in no question about waste."""
    (sql,) = [query.sql for query in queries("names") if query.name == "waste"]
    assert set(re.findall(r"'([A-Z_]+)'", sql)) == set(CAUSES)


def test_tags_to_mend_say_whose_and_what_to_type(site: Served) -> None:
    (row,) = [row for row in site.rows("what_to_type") if row["people"] == "zed"]
    assert (row["wrong"], row["runs"]) == ("the job has no --comment", 1)
    assert row["type"].startswith("--comment=")
    assert "zed" in {row["user"] for row in site.rows("untagged_runs")}


def test_yesterday_stands_beside_the_days_before(site: Served) -> None:
    config = site_config(site)
    days = {
        day: {row["team"]: row["effective_cost"] for row in json.loads(run_command(
            config, "report", "--period", day, "--format", "json"))["rows"]}
        for day in ("2026-06-10", "2026-06-09", "2026-06-03")
    }  # fmt: skip
    found = {row["team"]: row for row in site.rows("since_yesterday?day=2026-06-10")}
    for team, cost in days["2026-06-10"].items():
        row = found[team]
        # a month's days are rounded together, a day alone by itself
        assert abs(cents(row["effective_cost"]) - cents(cost)) <= 1
        assert abs(cents(row["week_before_cost"]) - cents(days["2026-06-03"][team])) <= 1
        assert cents(row["effective_cost"]) - cents(row["day_before_cost"]) == cents(
            row["change_cost"]
        )


def cents(text: str) -> int:
    return round(float(text) * 100)


def test_a_spreadsheet_is_given_no_formula(site: Served) -> None:
    for path in ("finops/runs.csv?_search=&_size=max&user=%2Bmallory",
                 "finops/runs_of_user.csv?user=%2Bmallory&month=2026-06"):  # fmt: skip
        (row,) = csv.DictReader(io.StringIO(site.get(path).text))
        assert row["job_name"] == f"'{ATTACK}"
        assert (row["team"], row["project"], row["experiment"]) == ("'=1+1", "'@SUM(A1)", "-2")
        assert float(row["effective_cost"]) > 0


def test_a_page_loads_nothing_from_elsewhere_and_is_kept_nowhere(site: Served) -> None:
    for path in ("", "finops", "finops/spend_by_team", "finops/runs", "finops/runs/1", "finops/x"):
        answer = site.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert answer.headers["cache-control"] == "no-store"
        assert "<script>" not in answer.text
        assert "src=\"http" not in answer.text


@pytest.mark.parametrize(
    "path", ["-/metadata", "-/databases.json", "-/settings", "-/plugins", "-/messages", "-/logout",
             "finops.db", "_internal", "_memory"],
)  # fmt: skip
def test_what_is_no_spend_is_not_there(site: Served, path: str) -> None:
    assert site.get(path).status in (403, 404)


def test_nothing_can_be_written_and_nothing_asked_that_has_no_name(site: Served) -> None:
    assert site.get("finops/runs/1", method="POST").status == 404
    assert site.get("finops", method="DELETE").status == 404
    assert site.get("finops?sql=select+1").status == 403
    assert site.get("finops.json?sql=delete+from+runs").status == 400
    assert site.get("finops/runs.json?_where=1").status == 403


def test_links_are_below_the_path_of_the_proxy(site: Served) -> None:
    assert site.url.endswith("/spend/")
    text = site.get("").text
    assert 'href="/spend/finops/spend_by_team?month=2026-06"' in text
    assert 'href="/finops' not in text
    for path in ("", "finops", "finops/spend_by_team", "finops/runs?_size=5&_sort=run"):
        assert "/spend/spend/" not in site.get(path).text
    runs = json.loads(site.get("finops/runs.json?_size=5").text)
    assert runs["next_url"].startswith(f"{site.url}finops/runs.json?")
    assert site.get(runs["next_url"].removeprefix(site.url)).status == 200
    assert site.get("-/finops/finops.css").status == 200


def test_who_may_ask_in_sql_may_only_read(tmp_path: Path) -> None:
    config = a_priced_ledger(tmp_path, CONFIG, GOLDEN)
    folder = tmp_path / "snapshots"
    folder.mkdir()
    with served(config, folder, "--sql") as found:
        sql = "select+money(sum(effective_minor))+as+cost+from+teams"
        answer = found.get(f"finops.json?_shape=array&sql={sql}")
        assert json.loads(answer.text) == [{"cost": "22579.20"}]
        for sql in ("delete+from+runs", "attach+'/tmp/x.db'+as+x", "pragma+journal_mode=wal",
                    "select+load_extension('x')"):  # fmt: skip
            assert found.get(f"finops.json?sql={sql}").status == 400
        endless = "with+recursive+n(i)+as+(select+1+union+all+select+i+from+n)+select+max(i)+from+n"
        began = time.monotonic()
        assert found.get(f"finops.json?sql={endless}").status == 400
        assert time.monotonic() - began < 10
        assert len(found.snapshots) == 1
        assert found.snapshots[0].stat().st_mode & 0o777 == 0o600


def test_what_the_ledger_learns_is_served_without_a_gap(tmp_path: Path) -> None:
    config = a_priced_ledger(tmp_path, CONFIG, GOLDEN)
    folder, file = tmp_path / "snapshots", tmp_path / "more.txt"
    folder.mkdir()
    with served(config, folder, "--every", "0.05") as found:
        before = found.rows("spend_by_team?month=2026-06")
        file.write_text(saved(record(JobIDRaw=999_999, JobID=999_999, Start=JUNE, Submit=JUNE)))
        run_command(config, "collect", "sacct", "--delimiter", "|", "--file", str(file))
        run_command(config, "price")
        until = time.monotonic() + 60
        # each of these answers, whichever server gives it
        while (now := found.rows("spend_by_team?month=2026-06")) == before:
            assert time.monotonic() < until
            time.sleep(0.05)
        assert now[0]["runs"] == before[0]["runs"] + 1
        time.sleep(1)
        assert len(found.snapshots) == 1


def test_a_ledger_that_cannot_be_read_leaves_the_figures_of_before(tmp_path: Path) -> None:
    config = a_priced_ledger(tmp_path, CONFIG, GOLDEN)
    folder = tmp_path / "snapshots"
    folder.mkdir()
    with served(config, folder, "--every", "0.05") as found:
        before = found.rows("spend_by_team")
        (tmp_path / "ledger.db").rename(tmp_path / "gone.db")
        time.sleep(5)
        assert found.rows("spend_by_team") == before


def test_a_socket_is_only_for_who_may_enter_its_folder(tmp_path: Path) -> None:
    config = a_priced_ledger(tmp_path, CONFIG, GOLDEN)
    folder, path = tmp_path / "snapshots", tmp_path / "serve.sock"
    folder.mkdir()
    for _ in range(2):
        with served(config, folder, "--socket", str(path)):
            assert path.stat().st_mode & 0o777 == 0o660
            connection = http.client.HTTPConnection("spend.example.org")
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.connect(str(path))
            connection.request("GET", "/")
            assert "22,579.20" in connection.getresponse().read().decode()
            connection.close()
        assert not path.exists()
        # as one is left behind by a machine that lost its power
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(str(path))


def test_a_server_outlives_nobody_who_started_it(tmp_path: Path) -> None:
    config = a_config(tmp_path)
    run_command(config, "price")
    folder = tmp_path / "snapshots"
    folder.mkdir()
    with pytest.raises(AssertionError), served(config, folder) as found:
        found.process.send_signal(signal.SIGKILL)
        found.process.wait()
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                found.get("")
            except OSError:
                break
            time.sleep(0.1)
        else:
            pytest.fail("it still answers")
