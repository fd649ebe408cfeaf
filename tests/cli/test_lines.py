"""lines import, list and remove, as an administrator meets them, to the cent of a report."""

import csv
import gzip
import json
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slurm_finops.cli import main
from tests.support import CONFIG, a_config
from tests.test_golden_month import SACCT

SAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "lines.csv"
PAGE = SAMPLE.parents[1] / "pools.md"
AT_6_88 = CONFIG.replace("3.92", "6.88")
HEAD = "name,amount,from,spread\n"
EGRESS = HEAD + "egress,1900.00,2026-06-01,proportional\n"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(SAMPLE, tmp_path)
    monkeypatch.chdir(tmp_path)
    a_config(tmp_path, AT_6_88)
    return tmp_path


@pytest.fixture
def june(site: Path) -> Path:
    done("collect", "sacct", "--file", str(SACCT / "alpha-2026-06.txt.gz"))
    return site


def finops(*words: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["-c", "finops.toml", *words], input=stdin)


def done(*words: str, stdin: bytes | None = None) -> str:
    result = finops(*words, stdin=stdin)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*words: str) -> str:
    result = finops(*words)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    return result.stderr


def costs(by: str = "origin", period: str = "2026-06") -> dict[str | None, str]:
    """Effective cost by a column, with that of all under ``total``."""
    answer = json.loads(done("report", "--period", period, "--by", by, "--format", "json"))
    found = {row[by]: row["effective_cost"] for row in answer["rows"]}
    return found | {"total": answer["total"]["effective_cost"]}


def listed(*words: str) -> dict[str, str | None]:
    period = words or ("--period", "2026-06")
    answer = json.loads(done("lines", "list", *period, "--format", "json"))
    return {line["origin"]: line["cost"] for line in answer["lines"]}


def test_a_months_egress_and_storage_stand_beside_its_runs_to_the_cent(june: Path) -> None:
    done("lines", "import", "lines.csv")
    done("price")
    assert costs() == {
        None: "39628.80", "egress": "1900.00", "storage": "2000.00", "total": "43528.80",
    }  # fmt: skip
    # nlp: 15,851.52 + 40 % of the egress + 60 % of the storage
    assert costs("team") == {
        "nlp": "17811.52", "cv": "10382.20", "platform": "7029.32", "research": "4983.46",
        "product": "3322.30", "total": "43528.80",
    }  # fmt: skip
    assert listed() == {
        "egress": "1900.00", "storage": "2000.00", "support": "0.00", "compiler": "0.00",
    }  # fmt: skip


def test_what_is_taken_back_leaves_nothing_behind(june: Path) -> None:
    done("price")
    without = costs("team")
    done("lines", "import", "lines.csv", "--name", "bill")
    done("price")
    assert done("lines", "remove", "bill") == "4 lines of bill would go; --yes does it\n"
    assert "4 lines of bill taken back" in done("lines", "remove", "bill", "--yes")
    assert costs("team")["total"] == "43528.80"
    done("price")
    assert costs("team") == without
    assert listed() == {}
    said = refused("lines", "remove", "bill", "--yes")
    assert said == "error: no import is called 'bill'; there is none\n"


def test_a_corrected_line_takes_the_place_of_the_old_one(june: Path) -> None:
    done("lines", "import", "lines.csv")
    done("price")
    Path("new.csv").write_text(EGRESS.replace("1900", "1950"))
    assert "'egress' is there already for 2026-06-01 to 2026-07-01, from import lines.csv (" in (
        refused("lines", "import", "new.csv")
    )
    assert "0 lines new, 1 replaced, 0 as before" in done("lines", "import", "new.csv", "--replace")
    assert listed()["egress"] is None
    done("price")
    assert listed()["egress"] == costs()["egress"] == "1950.00"


def test_a_second_month_of_a_name_is_an_origin_of_its_own(june: Path) -> None:
    for month in ("06", "07"):
        Path("bill.csv").write_text(EGRESS.replace("-06-", f"-{month}-"))
        done("lines", "import", "bill.csv", "--name", month)
        done("price")
    assert costs() == {None: "39628.80", "egress 2026-06-01": "1900.00", "total": "41528.80"}
    assert costs(period="2026-07") == {"egress 2026-07-01": "1900.00", "total": "1900.00"}
    done("lines", "remove", "07", "--yes")
    done("price")
    assert costs() == {None: "39628.80", "egress": "1900.00", "total": "41528.80"}
    assert costs(period="2026-07") == {"total": "0.00"}


def test_an_import_says_what_it_brought_and_again_that_it_is_there(site: Path) -> None:
    Path("e.csv").write_text(EGRESS)
    assert done("lines", "import", "e.csv") == (
        "e.csv: 1 line new, 0 as before\n"
        "name    category  amount   every  days                      carried by                 "
        "source\n"
        "egress  other     1900.00  once   2026-06-01 to 2026-07-01  proportional by gpu_hours  "
        "e.csv line 2\n"
        "then: slurm-finops price\n"
    )
    before = (site / "ledger.db").read_bytes()
    assert done("lines", "import", "e.csv") == (
        "e.csv: 0 lines new, 1 as before; nothing to import\n"
    )
    assert (site / "ledger.db").read_bytes() == before


def test_a_dry_run_changes_nothing_and_makes_no_ledger(site: Path) -> None:
    assert "4 lines new, 0 as before; nothing was changed (--dry-run)" in done(
        "lines", "import", "lines.csv", "--dry-run"
    )
    assert not (site / "ledger.db").exists()
    done("lines", "import", "lines.csv")
    before = (site / "ledger.db").read_bytes()
    Path("e.csv").write_text(EGRESS.replace("egress", "more"))
    answer = json.loads(done("lines", "import", "e.csv", "--dry-run", "--format", "json"))
    assert (answer["added"], answer["unchanged"], answer["dry_run"]) == (1, 0, True)
    assert (site / "ledger.db").read_bytes() == before


def test_gz_and_standard_input_are_read_and_are_the_same_file(site: Path) -> None:
    packed = gzip.compress(SAMPLE.read_bytes())
    Path("lines.csv.gz").write_bytes(packed)
    digests = set()
    for name, stdin in (("lines.csv", None), ("lines.csv.gz", None), ("-", packed)):
        words = ("lines", "import", name, "--dry-run", "--format", "json")
        (file,) = json.loads(done(*words, stdin=stdin))["files"]
        assert file["name"] == name
        digests.add(file["sha256"])
    assert len(digests) == 1
    Path("torn.csv.gz").write_bytes(packed[:-12])
    assert "cannot read torn.csv.gz: Compressed file ended" in (
        refused("lines", "import", "torn.csv.gz")
    )


@pytest.mark.parametrize(("text", "said"), [
    (EGRESS + "storage,-1,2026-06-01,even\n", "b.csv line 3: amount: is '-1', below zero"),
    (EGRESS + "egress,1,2026-06-30,even\n", "b.csv line 3: b.csv line 2 is called 'egress', too"),
    (EGRESS + "storage,1,soon,even\n", "b.csv line 3: from: is 'soon'; expected a date"),
    (HEAD, "b.csv has no line: there is no row under the header"),
    ("", "b.csv ends before its header"),
])  # fmt: skip
def test_a_slip_anywhere_is_named_and_nothing_is_imported(
    site: Path, text: str, said: str
) -> None:
    Path("b.csv").write_text(text)
    assert said in refused("lines", "import", "b.csv")
    assert not (site / "ledger.db").exists()
    assert "cannot read none.csv" in refused("lines", "import", "none.csv")


TAKEN = {
    "lines": 'amount = "1"\nfrom = 2026-06-01\nspread = "even"\n',
    "overhead": 'users = ["root"]\nspread = "even"\n',
    "pools": 'kind = "credit"\namount = "1"\nfrom = 2026-06-01\n',
    "reservations": "",
}


@pytest.mark.parametrize("kind", TAKEN)
def test_a_name_that_finops_toml_has_is_refused_and_both_are_named(site: Path, kind: str) -> None:
    a_config(site, AT_6_88 + f'\n[[{kind}]]\nname = "egress"\n{TAKEN[kind]}')
    assert refused("lines", "import", "lines.csv") == (
        "error: 'egress' names 2 of [[pools]], [[overhead]], [[lines]], [[reservations]] and "
        f"imported lines: finops.toml {kind}[1] and lines.csv line 2; give each a name of its "
        "own.  Nothing was imported\n"
    )
    assert listed() == ({"egress": None} if kind == "lines" else {})


def test_a_name_that_another_import_has_as_an_origin_is_refused(site: Path) -> None:
    (site / "a").mkdir()
    Path("a/e.csv").write_text(EGRESS.replace("egress", "egress 2026-06-01"))
    done("lines", "import", "a/e.csv")
    Path("two.csv").write_text(EGRESS + "egress,5,2026-07-01,even\n")
    said = refused("lines", "import", "two.csv")
    # of where a file lay its base name is kept
    assert "import e.csv (e.csv line 2) and two.csv line 2; give each a name of its own" in said


@pytest.mark.parametrize("name", ["egress", "egress 2026-07-01"])
def test_a_name_that_comes_into_finops_toml_later_stops_price_until_it_is_mended(
    june: Path, name: str
) -> None:
    Path("e.csv").write_text(EGRESS + "egress,5,2026-07-01,even\n")
    done("lines", "import", "e.csv")
    a_config(june, AT_6_88 + f'\n[[lines]]\nname = "{name}"\n{TAKEN["lines"]}')
    for command in ("price", "report --period 2026-06"):
        said = finops(*command.split())
        assert said.exit_code == 2
        assert f"{name!r} names 2 of" in said.output
        assert "finops.toml lines[1] and import e.csv (e.csv line " in said.output
    assert "lines together" in finops("check").stdout
    shown = finops("lines", "list")
    assert (shown.exit_code, shown.stdout.count("\n")) == (0, 5)
    assert "warning: nothing can be priced: " in shown.stderr
    done("lines", "remove", "e.csv", "--yes")
    done("price")


def test_a_team_that_leaves_the_registry_keeps_its_lines(june: Path) -> None:
    Path("e.csv").write_text("name,amount,from,team\nstorage,5,2026-06-01,gone\n")
    done("lines", "import", "e.csv")
    a_config(june, AT_6_88 + '\n[[teams]]\nname = "nlp"\n')
    done("price")
    assert costs("team")["gone"] == "5.00"
    assert "storage: 'gone' is no team" not in finops("lines", "list").output


def test_the_list_has_every_line_with_its_source_and_what_fell_into_the_period(june: Path) -> None:
    a_config(june, AT_6_88 + f'\n[[lines]]\nname = "desk"\n{TAKEN["lines"]}')
    done("lines", "import", "lines.csv", "--name", "bill")
    before = done("lines", "list", "--period", "2026-06")
    assert "–: not priced by this line yet; run: slurm-finops price" in before
    done("price")
    table = done("lines", "list", "--period", "2026-06")
    rows = [re.split(r"  +", row) for row in table.splitlines()]
    assert rows[0][-2:] == ["source", "in 2026-06"]
    assert [(row[0], *row[4:]) for row in rows[1:]] == [
        ("compiler", "2026-07-01 on", "team=cv, project=detector", "import bill (lines.csv line 5)",
         "0.00"),
        ("desk", "2026-06-01 to 2026-07-01", "even", "finops.toml lines[1]", "1.00"),
        ("egress", "2026-06-01 to 2026-07-01", "proportional by gpu_hours else platform",
         "import bill (lines.csv line 2)", "1,900.00"),
        ("storage", "2026-06-01 to 2026-07-01", "3/5 nlp, 2/5 platform",
         "import bill (lines.csv line 3)", "2,000.00"),
        ("support", "2026-07-01 to 2027-07-01", "even", "import bill (lines.csv line 4)", "0.00"),
    ]  # fmt: skip
    answer = json.loads(done("lines", "list", "--period", "2026-06", "--format", "json"))
    assert answer["lines"][3] == {
        "name": "storage", "origin": "storage", "category": "storage", "amount": "2000.00",
        "every": "once", "from": "2026-06-01", "until": "2026-07-01", "tags": None,
        "spread": {"spread": "ratios", "by": "gpu_hours", "to": None, "over": "month",
                   "ratios": {"nlp": 3, "platform": 2}},
        "source": "import bill (lines.csv line 3)", "cost": "2000.00",
    }  # fmt: skip
    (one,) = answer["imports"]
    assert (one["name"], one["lines"], one["standing"]) == ("bill", 4, 4)
    assert one["files"][0]["name"] == "lines.csv"


def test_of_a_part_of_a_month_the_list_says_what_the_report_says_or_a_cent_beside(
    june: Path
) -> None:
    done("lines", "import", "lines.csv")
    done("price")
    said = costs(period="2026-06-01..2026-06-11")
    shown = listed("--period", "2026-06-01..2026-06-11")
    for name in ("egress", "storage"):
        # a report's rows are rounded to sum to its total, a line of the list by itself
        cents = [int(str(found[name]).replace(".", "")) for found in (said, shown)]
        assert min(cents) > 60_000
        assert max(cents) - min(cents) <= 1


def test_without_any_line_the_list_says_where_they_come_from(site: Path) -> None:
    assert done("lines", "list") == (
        "no line: [[lines]] in finops.toml takes them, and slurm-finops lines import\n"
    )


def what_if(text: str) -> str:
    Path("other.toml").write_text(text)
    words = ("advise", "--period", "2026-06", "--what-if", "other.toml", "--format", "json")
    total: str = json.loads(done(*words))["total"]["what_if_cost"]
    return total


RATE = CONFIG.partition("\n\n")[2]
OTHER_LINE = f'[[lines]]\nname = "egress"\n{TAKEN["lines"]}'


def test_a_what_if_keeps_imported_lines_unless_it_gives_lines_of_its_own(june: Path) -> None:
    done("lines", "import", "lines.csv")
    done("price")
    assert what_if(RATE) == "26479.20"
    assert what_if(OTHER_LINE) == "39629.80"
    assert what_if("lines = []\n") == "39628.80"
    Path("other.toml").write_text('[[overhead]]\nname = "egress"\n' + TAKEN["overhead"])
    said = refused("advise", "--period", "2026-06", "--what-if", "other.toml")
    assert "'egress' names 2 of" in said
    assert "overhead[1] and import lines.csv (lines.csv line 2)" in said


def test_the_sample_on_the_page_is_the_example_file() -> None:
    (block,) = re.findall(r"```csv\n(.*?)```", PAGE.read_text(), re.S)
    assert block == SAMPLE.read_text()
    assert len(list(csv.DictReader(block.splitlines()))) == 4
