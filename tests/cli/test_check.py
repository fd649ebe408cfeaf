"""check: each thing that can be wrong is seen, named, and mended as it says."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slurm_finops.cli import main
from slurm_finops.core.runs import Problem
from slurm_finops.ledger import ingest
from slurm_finops.ledger.held import hold
from slurm_finops.ledger.problems import write_problems
from slurm_finops.sources import slurm as clients
from tests.fake_slurm import FakeSlurm, no_slurm, slurm
from tests.support import CONFIG, JUNE, a_config, a_ledger, a_run, write

__all__ = ["no_slurm", "slurm"]
NOW = JUNE + 20 * 86_400


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("SLURM_FINOPS_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    for module in ("app", "check", "price"):
        monkeypatch.setattr(f"slurm_finops.cli.{module}.now", lambda: NOW)
    a_config(tmp_path)
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def findings(*words: str, code: int = 0) -> dict[str, dict[str, str]]:
    done = run("check", "--format", "json", *words)
    assert done.exit_code == code, done.output
    found = json.loads(done.stdout)["findings"]
    assert all(set(item) == {"name", "verdict", "what", "mend"} for item in found)
    # what is wrong always says how to mend it
    assert all(item["mend"] for item in found if item["verdict"] in ("warn", "fail"))
    return {item["name"]: item for item in found}


def verdicts(found: dict[str, dict[str, str]], verdict: str) -> list[str]:
    return [name for name, item in found.items() if item["verdict"] == verdict]


@pytest.fixture
def ledger(here: Path):  # type: ignore[no-untyped-def]
    made = a_ledger(here / "ledger.db")
    yield made
    made.close()


@pytest.mark.usefixtures("slurm")
def test_a_whole_cluster_and_no_ledger_yet() -> None:
    found = findings()
    assert verdicts(found, "fail") == verdicts(found, "warn") == []
    assert verdicts(found, "skip") == ["ledger", "mail"]
    assert found["sacct"]["what"] == "Slurm 22.05.8, with all 23 fields"


@pytest.mark.usefixtures("slurm")
def test_a_collected_and_priced_ledger_is_ok(ledger) -> None:  # type: ignore[no-untyped-def]
    write(ledger, a_run())
    tally = ingest.Tally()
    ingest.finish(ledger, ingest.begin(ledger, "sacct", "alpha", NOW, JUNE, NOW), NOW, tally)
    assert run("price").exit_code == 0
    found = findings()
    assert verdicts(found, "fail") == verdicts(found, "warn") == []
    assert verdicts(found, "skip") == ["mail"]
    assert found["ledger"]["what"].endswith("whole, 1 run")


@pytest.mark.parametrize(("changed", "name", "mend"), [
    ({"AccountingStoreFlags": "(null)"}, "job comments", "AccountingStoreFlags=job_comment,"),
    ({"AccountingStoreFlags": "job_script"}, "job comments", "job_script,job_comment"),
    ({"AccountingStorageType": "accounting_storage/none"}, "accounting storage", "slurmdbd"),
    ({"AccountingStorageTRES": "cpu,mem"}, "GPU accounting", "=gres/gpu,gres/gpu:h100,"),
    ({"AccountingStorageTRES": "cpu,gres/gpu"}, "GPU accounting", "=gres/gpu,gres/gpu:h100,"),
    ({"ClusterName": "beta"}, "cluster", "set cluster = 'beta'"),
])  # fmt: skip
def test_a_setting_of_slurm_that_loses_money(
    slurm: FakeSlurm, changed: dict[str, str], name: str, mend: str
) -> None:
    slurm.config(**changed)
    found = findings(code=1)
    assert verdicts(found, "fail") == [name]
    assert mend in found[name]["mend"]


def test_an_untyped_count_of_one_unpriced_type_is_only_looked_at(
    slurm: FakeSlurm, here: Path
) -> None:
    a_config(here, CONFIG.replace("gpu:h100", "gpu"))
    slurm.config(AccountingStorageTRES="cpu,gres/gpu")
    assert verdicts(findings(), "warn") == ["GPU accounting"]


def test_old_releases_keep_comments_by_another_name(slurm: FakeSlurm) -> None:
    slurm.config(AccountingStoreFlags="(null)", AccountingStoreJobComment="Yes")
    assert verdicts(findings(), "fail") == []


def test_a_sacct_that_lacks_a_field(slurm: FakeSlurm) -> None:
    slurm.say("sacct", "--helpformat", out="JobID JobIDRaw State Submit Start End\n")
    assert "sacct has no JobName" in findings(code=1)["sacct"]["what"]


@pytest.mark.parametrize(("ctld", "dbd", "verdict"), [
    ("jobs", "none", "warn"), ("none", "jobs", "fail"), ("none", "none", "ok"),
])  # fmt: skip
def test_whose_jobs_are_seen(
    slurm: FakeSlurm, monkeypatch: pytest.MonkeyPatch, ctld: str, dbd: str, verdict: str
) -> None:
    monkeypatch.setattr(clients, "_me", lambda: ("bob", 1234))
    slurm.config(PrivateData=ctld)
    slurm.say("sacctmgr", "config", out=f"SlurmDBD configuration:\nPrivateData = {dbd}\n")
    found = findings(code=int(verdict == "fail"))["whose jobs"]
    assert found["verdict"] == verdict
    if verdict != "ok":
        assert "bob has AdminLevel=None" in found["what"]
        assert "AdminLevel=Operator" in found["mend"]


def test_a_controller_that_is_down(slurm: FakeSlurm) -> None:
    slurm.down()
    found = findings(code=1)
    assert verdicts(found, "fail") == ["cluster"]
    assert "Unable to contact slurm controller" in found["cluster"]["what"]
    assert found["whose jobs"]["verdict"] == "skip"


@pytest.mark.usefixtures("no_slurm")
def test_without_slurm_a_ledger_of_files_is_fine(ledger) -> None:  # type: ignore[no-untyped-def]
    ingest.finish(ledger, ingest.begin(ledger, "file:june.txt", "alpha", NOW), NOW, ingest.Tally())
    found = findings()
    slurms = ["sacct", "cluster", "accounting storage", "job comments", "GPU accounting",
              "whose jobs"]  # fmt: skip
    assert verdicts(found, "skip") == [*slurms, "collection", "mail"]
    assert "slurm-client" in found["sacct"]["what"]


@pytest.mark.usefixtures("no_slurm")
def test_without_slurm_a_ledger_that_sacct_fed_is_not(ledger) -> None:  # type: ignore[no-untyped-def]
    run_id = ingest.begin(ledger, "sacct", "alpha", NOW, NOW - 60, NOW)
    ingest.finish(ledger, run_id, NOW, ingest.Tally())
    assert verdicts(findings(code=1), "fail") == ["sacct"]


@pytest.mark.usefixtures("no_slurm")
def test_no_configuration_and_a_broken_one(here: Path) -> None:
    a_config(here, CONFIG.replace('"3.92"', "3.92"))
    found = findings(code=1)["configuration"]
    assert "rates[1].price" in found["what"]
    (here / "finops.toml").unlink()
    found = findings(code=1)["configuration"]
    assert found["mend"] == "slurm-finops init"


def test_with_a_broken_configuration_slurm_is_still_asked(slurm: FakeSlurm, here: Path) -> None:
    a_config(here, "cluster = 3\n")
    slurm.config(AccountingStoreFlags="(null)")
    assert verdicts(findings(code=1), "fail") == ["configuration", "job comments"]


# --- the ledger --------------------------------------------------------------------------------

@pytest.mark.usefixtures("no_slurm")
class TestLedger:
    def test_a_file_that_is_none(self, here: Path) -> None:
        (here / "ledger.db").write_text("not a database, but long enough to be looked at" * 9)
        found = findings(code=1)["ledger"]
        assert (found["verdict"], "backup" in found["mend"]) == ("fail", True)

    def test_damage(self, here: Path) -> None:
        ledger = a_ledger(here / "ledger.db")
        write(ledger, *(a_run(job_id_raw=i) for i in range(2000)))
        ledger.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        ledger.close()
        with (here / "ledger.db").open("r+b") as file:
            file.seek(-40_000, 2)
            file.write(b"\xa5" * 9000)
        found = findings(code=1)["ledger"]
        assert found["verdict"] == "fail"
        assert "backup" in found["mend"]

    def test_a_reference_to_nothing(self, ledger) -> None:  # type: ignore[no-untyped-def]
        write(ledger, a_run())
        with ledger.bulk():
            ledger.db.execute("DELETE FROM contexts")
        found = findings(code=1)["ledger"]
        assert "row 1 of jobs names a row of contexts that is not there" in found["what"]

    def test_another_currency(self, ledger, here: Path) -> None:  # type: ignore[no-untyped-def]
        write(ledger, a_run())
        a_config(here, CONFIG.replace("USD", "EUR"))
        found = findings(code=1)["ledger"]
        assert "was made with 'USD'" in found["what"]

    def test_it_changes_nothing(self, ledger, here: Path) -> None:  # type: ignore[no-untyped-def]
        write(ledger, a_run())
        before = list(ledger.db.iterdump())
        files = sorted(path.name for path in here.iterdir())
        findings()
        assert list(ledger.db.iterdump()) == before
        assert sorted(path.name for path in here.iterdir()) == files

    def test_a_sku_without_a_rate_in_the_period_asked_for(self, ledger) -> None:  # type: ignore[no-untyped-def]
        tres = "cpu=8,gres/gpu:a100=2,gres/gpu=2"
        write(ledger, a_run(), a_run(job_id_raw=101, alloc_tres=tres))
        run("price")
        found = findings(code=1)
        assert verdicts(found, "fail") == ["rates"]
        assert "gres/gpu:a100 (1 run, 2.0 unit-hours)" in found["rates"]["what"]
        assert verdicts(findings("--period", "2026-07"), "fail") == []

    @pytest.mark.parametrize(("rate", "said"), [
        ('match = { class = "external" }', "no team is of class 'external' yet"),
        ('match = { partition = "h10" }', "nothing has run with partition 'h10' yet; did you mean"),
        ('match = { account = "x" }', "nothing has run with account 'x' yet"),
    ])  # fmt: skip
    def test_rates_that_match_nothing(self, ledger, here: Path, rate: str, said: str) -> None:  # type: ignore[no-untyped-def]
        write(ledger, a_run())
        a_config(here, f"{CONFIG}{rate}\n")
        found = findings()["rates without use"]
        assert (found["verdict"], said in found["what"]) == ("warn", True)

    @pytest.mark.parametrize("sku", ["gpu:h100", "gres/gpu:h1000"])
    def test_a_sku_that_nothing_held(self, ledger, here: Path, sku: str) -> None:  # type: ignore[no-untyped-def]
        write(ledger, a_run())
        a_config(here, CONFIG.replace("gres/gpu:h100", sku))
        assert f"has held {sku} yet; did you mean 'gres/gpu:h100'?" in (
            findings()["rates without use"]["what"]
        )

    def test_tags_that_are_missing_and_teams_nobody_knows(self, ledger, here: Path) -> None:  # type: ignore[no-untyped-def]
        a_config(here, CONFIG + '[[teams]]\nname = "nlp"\n')
        npl = '{"team":"npl","project":"p","experiment":"e"}'
        write(ledger, a_run(), a_run(job_id_raw=2, comment=npl), a_run(job_id_raw=3, comment=""))
        run("price")
        found = findings()["tags"]
        assert found["verdict"] == "warn"
        assert found["what"] == (
            "66.7% of the cost of 2026-06 has all of them; 7.84 USD has not; teams that are not in "
            "[[teams]]: npl (7.84 USD)"
        )

    def test_a_ledger_that_everybody_may_read(self, ledger, here: Path) -> None:  # type: ignore[no-untyped-def]
        (here / "ledger.db").chmod(0o644)
        found = findings()["ledger readers"]
        assert (found["verdict"], found["mend"]) == ("warn", f"chmod o= {here / 'ledger.db'}")

    def test_no_rates_at_all(self, here: Path) -> None:
        a_config(here, CONFIG.partition("[[rates]]")[0])
        assert findings()["rates"]["verdict"] == "warn"

    def test_runs_and_rates_not_priced_yet(self, ledger, here: Path) -> None:  # type: ignore[no-untyped-def]
        write(ledger, a_run())
        assert "1 run not priced yet" in findings()["pricing"]["what"]
        run("price")
        assert findings()["pricing"]["verdict"] == "ok"
        a_config(here, CONFIG.replace("3.92", "4.00"))
        found = findings()["pricing"]
        assert (found["verdict"], found["mend"]) == ("warn", "slurm-finops price")

    @pytest.mark.usefixtures("slurm")
    def test_a_collection_that_stopped(self, ledger) -> None:  # type: ignore[no-untyped-def]
        until = NOW - 3 * 86_400
        tally = ingest.Tally()
        ingest.finish(ledger, ingest.begin(ledger, "sacct", "alpha", NOW, JUNE, until), NOW, tally)
        failed = ingest.begin(ledger, "sacct", "alpha", NOW, until, NOW)
        ingest.finish(ledger, failed, NOW, tally, "sacct failed (exit 1): no slurmdbd")
        found = findings(code=1)["collection"]
        assert "3 days behind" in found["what"]
        assert "no slurmdbd" in found["what"]

    def test_records_that_could_not_be_read(self, ledger) -> None:  # type: ignore[no-untyped-def]
        with ledger.transaction():
            bad = [Problem("x", "no Submit time"), Problem("y", "no Submit time"),
                   Problem("z", "torn")]  # fmt: skip
            write_problems(ledger, "sacct", bad, NOW)
        found = findings()["problems"]
        assert found["what"] == "3 records could not be read; 2 of them: no Submit time"

    def test_runs_held_and_runs_not_ended(self, ledger) -> None:  # type: ignore[no-untyped-def]
        write(ledger, a_run(), a_run(job_id_raw=101, job_id="7_0", end=None, provisional=True))
        hold(ledger.db, {2: "runaway"})
        found = findings()
        assert "alpha/7_0 (runaway)" in found["held runs"]["what"]
        assert found["provisional"]["what"].startswith("1 run had not ended")


# --- what is printed ---------------------------------------------------------------------------


def test_the_table_says_what_to_do_under_what_was_seen(slurm: FakeSlurm) -> None:
    slurm.config(AccountingStoreFlags="(null)")
    done = run("check")
    lines = done.stdout.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("fail  job comments"))
    assert any(line.strip().startswith("→ slurm.conf: Acc") for line in lines[at + 1 : at + 4])
    assert lines[-1] == "10 ok, 1 to mend, 2 skipped"
    assert all(line == line.rstrip() and len(line) <= 100 for line in lines)


@pytest.mark.usefixtures("slurm")
def test_wrong_usage() -> None:
    done = run("check", "--period", "June")
    assert done.exit_code == 2
    assert "'June' is not a period" in done.stderr
