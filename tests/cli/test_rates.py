"""rates import, list and remove, as an administrator meets them."""

import gzip
import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slurm_finops.cli import main
from tests.prices.samples import EXAMPLES, spot
from tests.support import CONFIG, a_config

P5 = "p5.48xlarge=gres/gpu:h100*8"
ZONE_A = ("--instance", P5, "--zone", "us-east-1a", "--match", "partition=spot")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for sample in EXAMPLES.iterdir():
        shutil.copy(sample, tmp_path)
    monkeypatch.chdir(tmp_path)
    a_config(tmp_path)
    return tmp_path


def finops(*words: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["-c", "finops.toml", *words], input=stdin)


def imported(*words: str, **more: bytes) -> str:
    result = finops("rates", "import", *words, **more)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*words: str) -> str:
    result = finops("rates", "import", *words)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    return result.stderr


def listed(*words: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(
        finops("rates", "list", "--format", "json", *words).stdout
    )["rates"]
    return found


def test_an_import_says_what_it_brought(site: Path) -> None:
    assert imported("aws-spot", "spot.json", *ZONE_A) == (
        "aws-spot:spot.json: 3 rates new, 0 as before\n"
        "sku            price  per  unit-hour  from                       pricing  match           "
        "rank  source\n"
        "gres/gpu:h100  23.28  8    2.91       2026-06-01                 spot     partition=spot  "
        "0     import aws-spot:spot.json\n"
        "gres/gpu:h100  31.36  8    3.92       2026-06-01T18:00:00+00:00  spot     partition=spot  "
        "0     import aws-spot:spot.json\n"
        "gres/gpu:h100  25.12  8    3.14       2026-06-02T06:00:00+00:00  spot     partition=spot  "
        "0     import aws-spot:spot.json\n"
        "then: slurm-finops price\n"
    )
    again = imported("aws-spot", "spot.json", *ZONE_A)
    assert again == "aws-spot:spot.json: 0 rates new, 3 as before; nothing to import\n"


def test_a_dry_run_changes_nothing_and_makes_no_ledger(site: Path) -> None:
    said = imported("aws-spot", "spot.json", *ZONE_A, "--dry-run")
    assert "3 rates new, 0 as before; nothing was changed (--dry-run)" in said
    assert not (site / "ledger.db").exists()
    imported("aws-spot", "spot.json", *ZONE_A)
    before = (site / "ledger.db").read_bytes()
    (site / "more.json").write_text(spot((72, "1.5")))
    said = imported("aws-spot", "more.json", *ZONE_A, "--dry-run", "--format", "json")
    answer = json.loads(said)
    assert (answer["added"], answer["unchanged"], answer["dry_run"]) == (1, 0, True)
    assert (site / "ledger.db").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("aws-sport", "spot.json"), "'aws-sport' is no format; they are aws-spot, aws-pricelist"),
        (("aws-spot", "none.json", "--instance", P5), "cannot read none.json: No such file"),
        (("aws-spot", "prices.csv", "--instance", P5), "prices.csv line 1: no JSON"),
        (("csv", "spot.json"), "spot.json line 1 is no header with the column 'sku'"),
        (("csv", "prices.csv", "--match", "patition=x"), "did you mean 'partition'?"),
        (("csv", "prices.csv", "--match", "qos"), "'qos' is not KEY=VALUE"),
        (("csv", "prices.csv", "--match", "qos=a", "--match", "qos=b"), "qos is given twice"),
        (("csv", "prices.csv", "--spot"), "--spot is for skypilot"),
        (("skypilot", "vms.csv", "--from", "soon"), "'soon' is no time such as 2026-06-01"),
        (("skypilot", "vms.csv", "--where", "Region"), "'Region' is not COLUMN=VALUE"),
    ],
)
def test_what_cannot_be_imported_is_said_and_nothing_is_made(
    site: Path, words: tuple[str, ...], said: str
) -> None:
    assert said in " ".join(refused(*words).split())
    assert not (site / "ledger.db").exists()


def test_gz_and_standard_input_are_read_and_are_the_same_file(site: Path) -> None:
    packed = gzip.compress((site / "prices.csv").read_bytes())
    (site / "prices.csv.gz").write_bytes(packed)
    digests = set()
    for name, stdin in (("prices.csv", None), ("prices.csv.gz", None), ("-", packed)):
        more = {"stdin": stdin} if stdin else {}
        answer = json.loads(imported("csv", name, "--dry-run", "--format", "json", **more))
        (file,) = answer["files"]
        assert file["name"] == name
        digests.add(file["sha256"])
    assert len(digests) == 1
    (site / "torn.csv.gz").write_bytes(packed[:-12])
    assert "cannot read torn.csv.gz: Compressed file ended before" in refused("csv", "torn.csv.gz")


def test_a_price_beside_one_of_finops_toml_for_the_same_moment_is_refused(site: Path) -> None:
    (site / "p.csv").write_text("sku,price,from\ngres/gpu:h100,1,2026-01-01\n")
    assert refused("csv", "p.csv") == (
        "error: finops.toml rates[1] (gres/gpu:h100) and p.csv line 2 both price gres/gpu:h100 "
        "from the same moment for the same match; remove one, or give one a higher rank.  Nothing "
        "was imported\n"
    )
    assert listed() == [one for one in listed() if one["source"] == "finops.toml rates[1]"]


def test_a_rate_of_finops_toml_that_gives_way_is_noted(site: Path) -> None:
    (site / "p.csv").write_text("sku,price,from\ngres/gpu:h100,1,2026-02-01\n")
    assert ("note: finops.toml rates[1] (gres/gpu:h100) gives way from 2026-02-01T00:00:00Z on"
            ) in imported("csv", "p.csv")  # fmt: skip


def test_a_finops_toml_that_comes_to_stand_against_an_import_names_both(site: Path) -> None:
    imported("csv", "prices.csv", "--name", "list")
    (site / "finops.toml").write_text(CONFIG + 'match = { partition = "h100" }\n')
    for command in ("price", "estimate --gpus=h100:1", "nightly --no-send"):
        result = finops(*command.split())
        assert (
            "finops.toml rates[1] (gres/gpu:h100) and import list (gres/gpu:h100) both price"
            in result.output
        )
        assert isinstance(result.exception, SystemExit)
    assert "rates together" in finops("check").stdout
    assert len(listed()) == 5


def test_what_needs_prices_sees_those_that_were_imported(site: Path) -> None:
    imported("csv", "prices.csv")
    said = finops("estimate", "--gpus=h100:8", "-t", "60", "-p", "h100", "--at", "2026-07-01")
    assert said.stdout.startswith("this job: up to 29.65 USD\n")
    assert "5 rates, 4 of them imported" in finops("check").stdout


def test_a_ledger_that_cannot_be_read_is_noted_and_the_rest_goes_on(site: Path) -> None:
    (site / "ledger.db").write_text("not a ledger " * 100)
    said = finops("estimate", "--gpus=h100:8", "-t", "60")
    assert said.exit_code == 0
    assert "note: rates that were imported are not seen here: " in said.stderr


def test_the_list_has_all_rates_with_their_sources(site: Path) -> None:
    imported("csv", "prices.csv", "--name", "list")
    assert finops("rates", "list").stdout == (
        "sku            price  per  unit-hour  from                       pricing    match         "
        "  rank  source\n"
        "cpu            0.045  1    0.045      2026-01-01                 on_demand  –             "
        "  0     import list\n"
        "gres/gpu:h100  3.92   1    3.92       2026-01-01                 on_demand  –             "
        "  0     finops.toml rates[1]\n"
        "gres/gpu:h100  31.36  8    3.92       2026-01-01                 on_demand  partition=h100"
        "  0     import list\n"
        "gres/gpu:h100  29.60  8    3.70       2026-06-01                 on_demand  partition=h100"
        "  0     import list\n"
        "gres/gpu:h100  23.28  8    2.91       2026-06-01T12:00:00+00:00  spot       partition=spot"
        "  0     import list\n"
    )
    at = listed("--sku", "gres/gpu:h100", "--at", "2026-05-31")
    assert [one["price"] for one in at] == ["3.92", "31.36"]
    assert [one["unit_price"] for one in at] == ["3.92", "3.92"]
    assert "the nearest is 'gres/gpu:h100'" in finops("rates", "list", "--sku", "h100").stderr


def test_a_long_series_is_one_line_unless_its_steps_are_asked_for(site: Path) -> None:
    points = [(hour, f"{20 + hour}.28") for hour in range(9)]
    (site / "long.json").write_text(spot(*points))
    imported("aws-spot", "long.json", *ZONE_A)
    one = listed()[-1]
    assert (one["steps"], one["from"], one["to"]) == (
        9, "2026-06-01T00:00:00+00:00", "2026-06-01T08:00:00+00:00"
    )  # fmt: skip
    assert one["lowest"] == {"price": "20.28", "per": 8, "unit_price": "2.535"}
    assert one["highest"] == {"price": "28.28", "per": 8, "unit_price": "3.535"}
    assert "20.28 – 28.28" in finops("rates", "list").stdout
    assert len(listed("--steps")) == 10


def test_a_price_that_has_no_end_as_a_decimal_is_a_fraction(site: Path) -> None:
    (site / "p.csv").write_text("sku,price,per,from\ncpu,10,3,2026-01-01\n")
    imported("csv", "p.csv")
    assert listed("--sku", "cpu")[0]["unit_price"] == "10/3"


def test_an_import_is_taken_back_by_its_name(site: Path) -> None:
    imported("csv", "prices.csv", "--name", "list")
    said = finops("rates", "remove", "lists", "--yes")
    assert said.exit_code == 2
    assert said.stderr == "error: no import is called 'lists'; the nearest is 'list' of 1\n"
    assert finops("rates", "remove", "list").stdout == "4 rates of list would go; --yes does it\n"
    assert len(listed()) == 5
    assert "4 rates of list taken back" in finops("rates", "remove", "list", "--yes").stdout
    assert len(listed()) == 1


def test_another_price_is_refused_until_it_is_to_replace(site: Path) -> None:
    imported("csv", "prices.csv")
    text = (site / "prices.csv").read_text()
    (site / "new.csv").write_text(text.replace("29.60", "29.70"))
    said = refused("csv", "new.csv")
    assert "29.70/h for 8 on_demand in new.csv line 3, and 29.60/h for 8" in said
    assert "1 replaced" in imported("csv", "new.csv", "--replace")
    assert [one["price"] for one in listed("--at", "2026-06-01")][2:] == ["29.70"]
