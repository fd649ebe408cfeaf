"""Whatever changes what is billed: until `price` has run, no figure passes for the truth."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slurm_finops.cli import main
from tests.support import CONFIG, a_config, record, saved

TEAMS = '\n[[teams]]\nname = "nlp"\n[[teams]]\nname = "cv"\n'
MAIL = '[mail]\nfrom = "finops@example.org"\nsmtp = "smtp://mail.example.org:587"\n'
CHANGES = {
    "an allocation": CONFIG + TEAMS + """
[[allocations]]
name = "grant"
team = "nlp"
gpu_hours = "1"
from = 2026-06-01
until = 2026-07-01
""",
    "suspended time": CONFIG + TEAMS + '[billing]\nsuspended = "charge"\n',
    "whose runs are": CONFIG + TEAMS.replace('"nlp"', '"nlp"\naccounts = ["other"]'),
    "a factor": CONFIG + TEAMS + '[[factors]]\nname = "all"\nfactor = "2"\n',
}  # fmt: skip


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = a_config(tmp_path, CONFIG + TEAMS + MAIL)
    (tmp_path / "june.txt").write_text(saved(record()))
    ask(path, "collect", "sacct", "--file", str(tmp_path / "june.txt"))
    assert ask(path, "price").exit_code == 0
    assert not is_said(path)
    return path


def ask(path: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["-c", str(path), *words])


def is_said(path: Path) -> bool:
    """That a report, one run's explanation, check and a mail say it, or none of them."""
    report = ask(path, "report", "--period", "2026-06").output
    told = ask(path, "report", "--explain", "100").output
    refused = "not applied as they are now" in ask(path, "send", "--period", "2026-06").output
    found = {
        "pools or lines have changed" in report, "pools or lines have changed" in told,
        "since the last pricing" in ask(path, "check").output, refused,
    }  # fmt: skip
    assert len(found) == 1, (report, told, refused)
    return found.pop()


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_what_is_charged_is_said_until_it_is_applied(site: Path, change: str) -> None:
    site.write_text(CHANGES[change] + MAIL)
    assert is_said(site)
    assert ask(site, "price").exit_code == 0
    assert not is_said(site)


def test_a_credit_is_said_until_it_is_applied(site: Path) -> None:
    given = "credits", "add", "--run", "100", "--reason", "disk", "--approver", "pi@example.org"
    assert ask(site, *given).exit_code == 0
    assert is_said(site)
    ask(site, "price")
    assert not is_said(site)
    assert ask(site, "credits", "revoke", "1", "--reason", "a slip").exit_code == 0
    assert is_said(site)
