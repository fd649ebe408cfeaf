"""funds by the real path: what the page shows, an empty site, and JSON."""

import json
import re
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slurm_finops.cli import main
from slurm_finops.config import load
from slurm_finops.core.funds import Payers
from slurm_finops.core.money import TICKS, minor_text, to_minor
from slurm_finops.core.period import day_number
from tests.support import CONFIG, a_config

PAGE = (Path(__file__).parents[2] / "docs" / "funds.md").read_text()


def finops(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["-c", str(folder / "finops.toml"), *words])


@pytest.fixture
def site(tmp_path: Path) -> Path:
    a_config(tmp_path, re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)[0])
    return tmp_path


def test_the_page_shows_the_list(site: Path) -> None:
    done = finops(site, "funds", "list")
    assert (done.exit_code, done.stderr) == (0, "")
    assert f"$ slurm-finops funds list\n{done.stdout}```" in PAGE
    assert finops(site, "funds").stdout == done.stdout


def test_the_page_shows_who_pays(site: Path) -> None:
    payers = Payers(load(site / "finops.toml").funding, {})
    made = []
    for day, whose in [
        ("2026-05-01", "nlp / llama"), ("2026-06-15", "nlp / llama"), ("2026-07-01", "nlp / llama"),
        ("2026-08-01", "nlp / vision"), ("2026-08-01", "cv / vision"), ("2026-08-01", ""),
    ]:  # fmt: skip
        team, _, project = whose.partition(" / ")
        number = day_number(date.fromisoformat(day))
        parts = payers.split(team or None, project or None, number, 100 * TICKS)
        paid = ", ".join(
            f"{part.fund} {minor_text(to_minor(part.ticks, 2), 2)}"
            + (f" ({part.why})" if part.why else "") for part in parts
        )  # fmt: skip
        made.append(f"| {day} | {whose or 'no team'} | {paid} |\n")
    assert f"|---|---|---|\n{''.join(made)}\n" in PAGE


def test_other_programs_get_texts_and_nulls(site: Path) -> None:
    found = json.loads(finops(site, "funds", "list", "--format", "json").stdout)
    grant, dept = found["funds"]
    assert grant == {
        "name": "NSF-1234", "account": "4711-01-2026", "from": "2026-01-01",
        "until": "2026-07-01", "cap": "50.00", "posted": "0.00", "fallback": "DEPT",
        "sponsor": "National Science Foundation", "entity": None,
    }  # fmt: skip
    assert (dept["cap"], dept["from"], dept["until"], dept["fallback"]) == (None,) * 4
    assert found["payers"][0] == {
        "team": "nlp", "project": None, "from": None, "funds": {"DEPT": "40", "NSF-1234": "60"},
    }  # fmt: skip
    assert found["payers"][-1]["from"] == "2026-06-15"
    assert (found["untagged_fund"], found["currency"]) == ("DEPT", "USD")
    assert found["suspense"] == {"account": "9999-00", "entity": None, "posted": "0.00"}
    assert found["former_funds"] == {}


def test_a_site_without_funds_is_told_where_they_stand(tmp_path: Path) -> None:
    path = a_config(tmp_path, CONFIG)
    assert finops(tmp_path, "funds").stdout == (
        f"no fund is configured: [[funds]] in {path} names them, and [[teams.payers]] who is paid "
        "for from which\n"
    )


def test_funds_that_pay_for_nobody_are_listed_alone(tmp_path: Path) -> None:
    a_config(tmp_path, CONFIG + '[[funds]]\nname = "a"\naccount = "1"\n')
    said = finops(tmp_path, "funds").stdout
    assert "project" not in said
    assert said.endswith(
        "\nwhat names no team or has no payer is in suspense, account suspense\n"
    )
