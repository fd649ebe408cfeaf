"""compare: the golden month under other price lists, to the cent, and what a stranger may type."""

import csv
import gzip
import io
import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slurm_finops.cli import main
from slurm_finops.core.money import round_half_away
from tests.support import CONFIG, JUNE, a_config, record, saved
from tests.test_golden_month import AT_3_92, AT_6_88, IN_YEN, SACCT, SECONDS, priced

PRICES = Path(__file__).parents[2] / "docs" / "examples" / "prices.toml"
#: At 2.91: research 2,011.392, product 1,340.928.
AT_2_91 = {
    "nlp": "6704.64", "cv": "4190.40", "platform": "2514.24", "research": "2011.39",
    "product": "1340.93", "total": "16761.60",
}  # fmt: skip
JULY = JUNE + 30 * 86_400


def a_list(name: str, price: str, more: str = "") -> str:
    rate = f'[[rates]]\nsku = "gres/gpu:h100"\nprice = "{price}"\nfrom = 2026-01-01\n'
    return f'name = "{name}"\n{more}{rate}'


def finops(config: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["-c", str(config), "compare", *words])


def compared(config: Path, *texts: str, by: str = "team", period: str = "2026-06") -> dict:  # type: ignore[type-arg]
    """The answer in JSON, its lists by their names."""
    files: list[str] = []
    for i, text in enumerate(texts):
        path = config.parent / f"list{i}.toml"
        path.write_text(text)
        files += ["--with", str(path)]
    ran = finops(config, "--period", period, *files, "--by", by, "--format", "json")
    assert ran.exit_code == 0, ran.output
    answer: dict = json.loads(ran.stdout)  # type: ignore[type-arg]
    return answer | {"lists": {one["name"]: one for one in answer["lists"]}}


def costs(one: dict) -> dict:  # type: ignore[type-arg]
    return {row["team"]: row["cost"] for row in one["rows"]} | {"total": one["total"]["usage"]}


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return priced(tmp_path_factory.mktemp("golden"), CONFIG)


def test_five_teams_under_three_price_lists(month: Path) -> None:
    answer = compared(month, PRICES.read_text())
    assert list(answer["lists"]) == ["as charged", "provider A", "A by the hour", "spot"]
    assert answer["by"] == ["team"]
    assert (answer["currency"], answer["period"]) == ("USD", {
        "start": "2026-06-01T00:00:00+00:00", "end": "2026-07-01T00:00:00+00:00",
    })  # fmt: skip
    for name, expected in (("as charged", AT_3_92), ("provider A", AT_6_88), ("spot", AT_2_91)):
        one = answer["lists"][name]
        assert costs(one) == expected
        seconds = {row["team"]: row["gpu_seconds"] for row in one["rows"]}
        assert seconds == SECONDS
        assert seconds == {row["team"]: row["booked_gpu_seconds"] for row in one["rows"]}
        assert one["unpriced"] == {"runs": 0, "skus": []}


def test_lines_are_in_the_total_and_in_no_owner(month: Path) -> None:
    one = compared(month, PRICES.read_text())["lists"]["provider A"]
    assert one["lines"] == [
        {"name": "egress", "amount": "1900.00"}, {"name": "storage", "amount": "2000.00"},
    ]  # fmt: skip
    assert one["total"] == {"usage": "39628.80", "lines": "3900.00", "all": "43528.80"}
    assert costs(one) == AT_6_88


def test_by_the_hour_each_run_of_the_saved_file_is_rounded_up(month: Path) -> None:
    """Worked out from sacct's own text, run by run."""
    micros: dict[str, int] = {}
    with gzip.open(SACCT / "alpha-2026-06.txt.gz", "rt") as text:
        for row in csv.DictReader(text, delimiter="|", quoting=csv.QUOTE_NONE):
            team = json.loads(row["Comment"])["team"]
            gpus = int(row["AllocTRES"].split("gres/gpu=")[1].split(",")[0])
            start, elapsed = int(row["Start"]), int(row["ElapsedRaw"])
            end = min(JULY, start + -(-elapsed // 3600) * 3600)
            micros[team] = micros.get(team, 0) + gpus * (end - start) * 6_880_000
    one = compared(month, PRICES.read_text())["lists"]["A by the hour"]
    whole = Fraction(sum(micros.values()), 3600 * 10**4)
    assert one["total"]["usage"] == "47880.93"
    assert round_half_away(whole.numerator, whole.denominator) == 4_788_093
    for row in one["rows"]:
        exact = Fraction(micros[row["team"]], 3600 * 10**4)
        assert abs(int(row["cost"].replace(".", "")) - exact) < 1
        assert row["booked_gpu_seconds"] > row["gpu_seconds"]


def test_the_ledgers_own_prices_come_to_its_own_charges(month: Path) -> None:
    for by in ("project", "user,state", "day", "sku,pricing"):
        lists = compared(month, a_list("own", "3.92"), by=by)["lists"]
        assert lists["own"]["rows"] == lists["as charged"]["rows"]
        assert lists["own"]["total"] == lists["as charged"]["total"]


def test_weeks_of_a_list_sum_to_its_month_with_lines_and_rounding(month: Path) -> None:
    seconds, lines = 0, 0
    for part in ("2026-06-01..2026-06-08", "2026-06-08..2026-06-23", "2026-06-23..2026-07-01"):
        lists = compared(month, PRICES.read_text(), period=part)["lists"]
        seconds += sum(row["booked_gpu_seconds"] for row in lists["A by the hour"]["rows"])
        lines += int(lists["provider A"]["total"]["lines"].replace(".", ""))
    whole = compared(month, PRICES.read_text())["lists"]["A by the hour"]
    assert seconds == sum(row["booked_gpu_seconds"] for row in whole["rows"])
    assert lines == 390_000


def test_yen_have_no_minor_digits(tmp_path: Path) -> None:
    config = priced(tmp_path, CONFIG.replace("3.92", "588").replace("USD", "JPY"))
    line = "[[lines]]\nname = 'egress'\namount = '900'\n"
    lists = compared(config, a_list("half", "294") + line, a_list("own", "588"))["lists"]
    assert costs(lists["own"]) == costs(lists["as charged"]) == IN_YEN
    assert lists["half"]["total"] == {"usage": "1693440", "lines": "900", "all": "1694340"}


@pytest.mark.parametrize(
    ("elapsed", "cents"), [(2400, ("2.00", "3.00", "2.00")), (30, ("0.03", "3.00", "0.05"))]
)
def test_one_gpu_at_three_an_hour(tmp_path: Path, elapsed: int, cents: tuple[str, ...]) -> None:
    config = a_config(tmp_path, CONFIG)
    one = record(ElapsedRaw=elapsed, End=JUNE + 60 + elapsed, AllocTRES="gres/gpu:h100=1")
    (tmp_path / "june.txt").write_text(saved(one))
    for words in (["collect", "sacct", "--file", str(tmp_path / "june.txt")], ["price"]):
        assert CliRunner().invoke(main, ["-c", str(config), *words]).exit_code == 0
    lists = compared(
        config, a_list("second", "3.00"), a_list("hour", "3.00", 'granularity = "hour"\n'),
        a_list("minute", "3.00", 'granularity = "minute"\nminimum = 60\n'),
    )["lists"]  # fmt: skip
    found = [lists[name]["total"]["usage"] for name in ("second", "hour", "minute")]
    assert tuple(found) == cents


# ---- as it is read


def test_the_table(month: Path, golden: Callable[[str, str], None]) -> None:
    ran = finops(month, "--period", "2026-06", "--with", str(PRICES))
    assert (ran.exit_code, ran.stderr) == (0, "")
    golden("compare.txt", ran.stdout)


def test_the_costs_of_a_csv_sum_to_the_whole_total(month: Path) -> None:
    ran = finops(month, "--period", "2026-06", "--with", str(PRICES), "--by", "team,project",
                 "--format", "csv")  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(ran.stdout)))
    assert list(rows[0]) == [
        "list", "team", "project", "line", "gpu_seconds", "booked_gpu_seconds", "cost", "currency",
    ]  # fmt: skip
    cents = [int(row["cost"].replace(".", "")) for row in rows if row["list"] == "provider A"]
    assert sum(cents) == 4_352_880


def test_the_picture_is_a_png_beside_the_answer(month: Path, tmp_path: Path) -> None:
    words = ("--period", "2026-06", "--with", str(PRICES))
    path = tmp_path / "june.png"
    ran = finops(month, *words, "--picture", str(path))
    assert ran.stdout == finops(month, *words).stdout
    assert path.read_bytes().startswith(b"\x89PNG")


def test_nothing_is_written_to_the_ledger(month: Path) -> None:
    ledger = month.parent / "ledger.db"
    before = ledger.read_bytes()
    compared(month, PRICES.read_text(), by="day,user")
    assert ledger.read_bytes() == before


# ---- what a stranger may type


def test_a_period_without_usage(month: Path, tmp_path: Path) -> None:
    ran = finops(month, "--period", "2025-01", "--with", str(PRICES), "--picture",
                 str(tmp_path / "x.png"))  # fmt: skip
    assert ran.exit_code == 0
    assert ran.stdout.endswith("nothing was held in January 2025\n")
    one = compared(month, a_list("own", "3.92"), period="2025-01")["lists"]["own"]
    assert (one["rows"], one["total"]["all"]) == ([], "0.00")


def test_a_list_without_a_rate_for_what_was_held_says_so(month: Path) -> None:
    text = a_list("other", "1").replace("h100", "b200")
    one = compared(month, text)["lists"]["other"]
    assert {row["cost"] for row in one["rows"]} == {None}
    assert one["unpriced"] == {"runs": 1067, "skus": [
        {"sku": "gres/gpu:h100", "runs": 1067, "unit_seconds": 20_736_000},
    ]}  # fmt: skip
    (month.parent / "b200.toml").write_text(text)
    ran = finops(month, "--period", "2026-06", "--with", str(month.parent / "b200.toml"))
    assert "nlp                 9,031.68           –" in ran.stdout
    assert ran.stdout.endswith(
        "warning: other: no rate for gres/gpu:h100: 1,067 runs, 5,760.0 unit-hours are in no cost "
        "of it\n"
        "the lists do not price the same usage: a difference is also of what one leaves out\n"
    )


def test_what_is_not_priced_yet_or_at_other_prices_is_said(tmp_path: Path) -> None:
    config = priced(tmp_path, CONFIG)
    (tmp_path / "more.txt").write_text(saved(record(JobIDRaw=7, JobID=7)))
    words = ["-c", str(config), "collect", "sacct", "--file", str(tmp_path / "more.txt")]
    assert CliRunner().invoke(main, words).exit_code == 0
    config.write_text(CONFIG.replace("3.92", "4"))
    ran = finops(config, "--period", "2026-06", "--with", str(PRICES), "--format", "csv")
    assert "warning: 1 run is new or changed since pricing: the lists have them" in ran.stderr
    assert "warning: prices have changed since the ledger's own charges were made" in ran.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "Missing option '--with'"),
        (["--with", "no.toml"], "error: cannot read no.toml: No such file or directory; name a"),
        (["--with", str(SACCT / "README.md")], "README.md: not TOML: "),
        (["--with", str(SACCT / "alpha-2026-06.txt.gz")], "alpha-2026-06.txt.gz is not UTF-8 text"),
        (["--with", str(PRICES), "--with", str(PRICES)],
         "lists[1].name: 'provider A' is also the name of a list in"),
        (["--with", str(PRICES), "--by", "teem"], "'teem' is no dimension; did you mean 'team'?"),
        (["--with", str(PRICES), "--by", "team,class"], "a price list has no classes of customers"),
        (["--with", str(PRICES), "--period", "2026-13"], "period '2026-13' does not exist"),
        (["--with", str(PRICES), "--picture", "x.jpg"], "name a file that ends in .png"),
    ],
)  # fmt: skip
def test_a_slip_is_named(month: Path, words: list[str], said: str) -> None:
    ran = finops(month, *words)
    assert ran.exit_code == 2
    assert said in ran.stderr
    assert ran.stdout == ""


def test_a_picture_of_more_lists_than_colours_is_refused(month: Path, tmp_path: Path) -> None:
    words: list[str] = []
    for i in range(8):
        (tmp_path / f"{i}.toml").write_text(a_list(f"list {i}", "1"))
        words += ["--with", str(tmp_path / f"{i}.toml")]
    ran = finops(month, *words, "--picture", str(tmp_path / "x.png"))
    assert (ran.exit_code, "these are 8; name fewer" in ran.stderr) == (2, True)


def test_a_picture_that_cannot_be_written(month: Path, tmp_path: Path) -> None:
    ran = finops(month, "--with", str(PRICES), "--picture", str(tmp_path / "no" / "x.png"))
    assert ran.exit_code == 3
    assert "cannot write" in ran.stderr
