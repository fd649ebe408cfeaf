"""The complete policies of docs/examples, on the demo's November: what each team is billed."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from slurm_finops.cli import main

ROOT = Path(__file__).parent.parent
RUNS = ROOT / "tests" / "sacct" / "beta-2026-11.txt.gz"
#: A run of each in which much of the policy has a part.
EXPLAINED = {"university": "1204337", "ai-lab": "1205473", "condo": "1204763"}
STATEMENT = {
    "university": ("team", "class", "origin,category"),
    "ai-lab": ("team", "pricing", "origin,category"),
    "condo": ("team", "class", "origin,category"),
}


@pytest.fixture(scope="module", params=sorted(EXPLAINED))
def example(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    """A site of an example, its runs collected and priced: its name, and how to ask it."""
    folder = tmp_path_factory.mktemp(request.param)
    text = (ROOT / "docs" / "examples" / f"{request.param}.toml").read_text()
    (folder / "finops.toml").write_text(text)

    def asked(*words: str) -> str:
        found = CliRunner().invoke(main, ["-c", str(folder / "finops.toml"), *words])
        assert found.exit_code == 0, found.output
        return found.stdout

    asked("collect", "sacct", "--delimiter", "|", "--file", str(RUNS))
    asked("price")
    return request.param, asked


def test_the_month_of_an_example(example, golden: Callable[[str, str], None]) -> None:  # type: ignore[no-untyped-def]
    name, asked = example
    tables = [asked("report", "--period", "2026-11", "--by", by) for by in STATEMENT[name]]
    golden(f"example-{name}.txt", "\n".join(tables))


def test_the_bill_of_one_run_of_an_example(example, golden: Callable[[str, str], None]) -> None:  # type: ignore[no-untyped-def]
    name, asked = example
    golden(f"explain-{name}.txt", asked("report", "--explain", EXPLAINED[name]))


def test_a_months_columns_add_up(example) -> None:  # type: ignore[no-untyped-def]
    """To the cent where no pool has a part in it, and billed over all owners is the total."""
    import json
    from decimal import Decimal

    name, asked = example
    found = json.loads(asked("report", "--period", "2026-11", "--by", "team", "--format", "json"))
    rows, total = found["rows"], found["total"]
    for column in (key for key in total if key.endswith("_cost")):
        assert sum(Decimal(row[column]) for row in rows) == Decimal(total[column])
    if name != "condo":  # an owner's share of what it bought is billed to nobody
        taken = ("billed", "forgiven", "subsidised", "credited")
        for row in [*rows, total]:
            parts = sum(Decimal(row[f"{part}_cost"]) for part in taken)
            assert parts == Decimal(row["effective_cost"])


@pytest.mark.parametrize("name", sorted(EXPLAINED))
def test_the_page_shows_the_run_of_each(name: str) -> None:
    page = (ROOT / "docs" / "charging.md").read_text()
    shown = re.findall(rf"<!-- {name} -->\n```\n(.*?)```", page, re.DOTALL)
    assert shown == [(ROOT / "tests" / "golden" / f"explain-{name}.txt").read_text()]
