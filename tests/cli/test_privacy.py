"""What stands for people in reports that leave the terminal."""

import json
from pathlib import Path

import pytest

from tests.cli.test_send import collected, finops
from tests.support import a_config

BY_USER = ("report", "--period", "2026-06", "--by", "user,project", "--team", "nlp")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return collected(tmp_path_factory.mktemp("privacy"))


def shown(folder: Path, privacy: str, *words: str) -> tuple[int, str]:
    text = (folder / "finops.toml").read_text().partition("\n[privacy]")[0]
    a_config(folder, f"{text}\n[privacy]\n{privacy}\n")
    result = finops(folder, *BY_USER, *words)
    return result.exit_code, result.output


@pytest.mark.parametrize("style", ["json", "csv"])
def test_files_for_other_programs_go_by_export(folder: Path, style: str) -> None:
    code, text = shown(folder, 'people = "names"\nexport = "pseudonyms"', "--format", style)
    assert code == 0
    assert "nlp1" not in text
    assert "person 1" in text
    assert "nlp1" in shown(folder, 'people = "none"\nexport = "names"', "--format", style)[1]


def test_a_person_has_one_pseudonym_in_all_rows(folder: Path) -> None:
    named = json.loads(shown(folder, 'people = "names"', "--format", "json")[1])["rows"]
    hidden = json.loads(shown(folder, 'people = "pseudonyms"', "--format", "json")[1])["rows"]
    pairs = {(a["user"], b["user"]) for a, b in zip(named, hidden, strict=True)}
    assert len(pairs) == len({user for user, _ in pairs}) == len({name for _, name in pairs}) == 4


@pytest.mark.parametrize("style", ["json", "csv", "html"])
def test_where_nothing_stands_for_people_there_is_no_report_by_them(
    folder: Path, style: str
) -> None:
    code, text = shown(folder, 'people = "none"', "--format", style)
    assert code == 1
    assert "leave user out of --by" in text


def test_a_terminal_shows_names(folder: Path) -> None:
    assert "nlp1" in shown(folder, 'people = "none"')[1]


@pytest.mark.parametrize(("shown_as", "user"), [("names", "cv2"), ("pseudonyms", None)])
def test_the_json_of_one_run_names_its_user_only_where_export_does(
    folder: Path, shown_as: str, user: str | None
) -> None:
    shown(folder, f'people = "names"\nexport = "{shown_as}"')
    said = finops(folder, "report", "--explain", "480001", "--format", "json").stdout
    assert json.loads(said)["runs"][0]["run"]["user"] == user
