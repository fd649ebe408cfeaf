"""The examples of docs/journal.md are what the programs write."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from slurm_finops.cli import main
from slurm_finops.cli.app import App
from slurm_finops.cli.exporting_journal import write
from slurm_finops.config import load
from slurm_finops.core.journal import CATEGORIES
from slurm_finops.core.journal_layout import FIELDS, FORMATS
from tests.core.posting import posted
from tests.support import CONFIG, a_config

PAGE = (Path(__file__).parents[2] / "docs" / "journal.md").read_text()
ACCOUNTS, COLUMNS = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


def block(mark: str) -> str:
    found = re.search(rf"<!-- {mark} -->\n```text\n(.*?)```", PAGE, re.DOTALL)
    assert found, mark
    return found[1]


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> App:
    monkeypatch.chdir(tmp_path)
    # as one [journal]: keys, columns, then its table of accounts
    keys, accounts = ACCOUNTS.split("[journal.accounts]")
    both = COLUMNS.replace("[journal]\n", keys, 1) + "[journal.accounts]" + accounts
    a_config(tmp_path, CONFIG + both)
    return App("finops.toml")


def test_the_files_are_as_the_page_has_them(app: App) -> None:
    for style, mark in (("csv", "the file that this makes"), ("beancount", "beancount")):
        write(app, [posted(123_456)], "2026-06", style, "june")
        assert Path("june").read_text() == block(mark)


def test_the_answer_is_as_the_page_has_it(app: App) -> None:
    write(app, [posted(123_456)], "2026-06", "csv", "june")
    Path("answer.csv").write_text(block("an answer"))
    done = CliRunner().invoke(main, ["-c", "finops.toml", "import", "journal-status", "answer.csv"])
    assert done.stdout == block("what is said of it")


def test_every_field_format_and_category_is_on_the_page(app: App) -> None:
    for name in (*FIELDS, *FORMATS, *CATEGORIES):
        assert f"`{name}`" in PAGE, name


def test_each_example_is_a_configuration(tmp_path: Path) -> None:
    for text in (ACCOUNTS, COLUMNS):
        load(a_config(tmp_path, CONFIG + text))
