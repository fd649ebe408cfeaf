"""report --site: an index and a page of every month and team, kept up to date."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slurm_finops.cli import main
from slurm_finops.cli.site_folder import MANIFEST
from tests.cli.test_send import at
from tests.support import CONFIG, JUNE, a_config, record, saved

A_DAY = 86_400
LATE_JUNE, JULY = JUNE + 28 * A_DAY, JUNE + 33 * A_DAY


def finops(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["-c", str(folder / "finops.toml"), *words])


def tagged(team: str) -> str:
    return json.dumps({"team": team, "project": "llama", "experiment": "e"}, ensure_ascii=False)


def a_job(number: int, start: int, team: str | None, hours: int = 1) -> dict[str, str]:
    end = start + hours * 3600
    return record(JobIDRaw=number, JobID=number, Submit=start, Start=start, End=end,
                  ElapsedRaw=hours * 3600, Comment=tagged(team) if team else "")  # fmt: skip


def collect(folder: Path, *records: dict[str, str]) -> None:
    (folder / "sacct.txt").write_text(saved(*records))
    assert finops(folder, "collect", "sacct", "--file", str(folder / "sacct.txt")).exit_code == 0
    assert finops(folder, "price").exit_code == 0


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """May and June with two teams and a run without tags; it is the end of June."""
    a_config(tmp_path)
    clock(monkeypatch, LATE_JUNE)
    collect(tmp_path, a_job(1, JUNE - 5 * A_DAY, "nlp"), a_job(2, JUNE + A_DAY, "nlp", 2),
            a_job(3, JUNE + A_DAY, "cv"), a_job(4, JUNE + A_DAY, None))  # fmt: skip
    return tmp_path


def clock(monkeypatch: pytest.MonkeyPatch, now: int) -> None:
    at(monkeypatch, now)
    monkeypatch.setattr("slurm_finops.cli.site_pages.now", lambda: now)


def write(folder: Path, *more: str) -> Result:
    return finops(folder, "report", "--site", str(folder / "site"), *more)


def files(folder: Path) -> list[str]:
    found = (folder / "site").rglob("*.html")
    return sorted(str(path.relative_to(folder / "site")) for path in found)


def test_each_month_and_team_has_a_page(site: Path) -> None:
    result = write(site)
    assert result.exit_code == 0, result.output
    assert result.output.endswith("2 months, 3 teams: 7 of 7 pages written anew\n")
    untagged = next(name for name in files(site) if "untagged" in name)
    assert files(site) == ["2026-05/index.html", "2026-05/nlp.html", "2026-06/cv.html",
                           "2026-06/index.html", "2026-06/nlp.html", untagged,
                           "index.html"]  # fmt: skip
    assert "15.68 <small>USD" in (site / "site/2026-06/nlp.html").read_text()
    assert not list((site / "site").rglob(".*.html.*"))


def test_every_link_leads_to_a_page_that_is_there(site: Path) -> None:
    write(site)
    for name in files(site):
        page = site / "site" / name
        html = page.read_text()
        for link in re.findall(r'<a [^>]*href="([^"#]+)"', html):
            assert (page.parent / link).is_file(), f"{name} -> {link}"
        assert "//" not in re.sub(r"(?s)<script>.*</script>", "", html)


def test_only_what_changed_is_written_anew(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(site)
    assert "0 of 7 pages" in write(site).output
    before = {name: (site / "site" / name).stat().st_mtime_ns for name in files(site)}
    collect(site, a_job(5, JUNE + 2 * A_DAY, "cv"))
    result = write(site)
    # the index, June's page and cv's of June
    assert "3 of 7 pages" in result.output
    after = {name: (site / "site" / name).stat().st_mtime_ns for name in files(site)}
    assert sorted(name for name in after if after[name] != before[name]) == [
        "2026-06/cv.html", "2026-06/index.html", "index.html",
    ]  # fmt: skip


def test_a_month_that_goes_on_says_as_of_when(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(site)
    clock(monkeypatch, LATE_JUNE + 600)
    assert "5 of 7 pages" in write(site).output
    assert "as of 2026-06-29 00:10 UTC" in (site / "site/2026-06/nlp.html").read_text()
    assert "as of 2026-06-29 00:00 UTC" in (site / "site/2026-05/nlp.html").read_text()


def test_a_page_that_was_changed_by_hand_is_written_anew(site: Path) -> None:
    write(site)
    page = site / "site" / "2026-05" / "nlp.html"
    drawn = page.read_bytes()
    page.write_text("cut off")
    (site / "site" / "2026-06" / "cv.html").unlink()
    assert "2 of 7 pages" in write(site).output
    assert page.read_bytes() == drawn


def test_what_a_run_that_was_killed_left_is_made_whole(site: Path) -> None:
    write(site)
    kept = json.loads((site / "site" / MANIFEST).read_text())
    kept["files"] = dict.fromkeys(kept["files"], "")
    (site / "site" / MANIFEST).write_text(json.dumps(kept))
    (site / "site" / "index.html").unlink()
    result = write(site)
    assert result.exit_code == 0
    # the others are drawn again, and are the same
    assert "1 of 7 pages" in result.output


def test_pages_of_teams_and_months_that_are_gone_are_taken_away(site: Path) -> None:
    write(site)
    mine = site / "site" / "2026-05" / "notes.html"
    mine.write_text("somebody's own")
    result = write(site, "--periods", "1")
    # beside the index the two that led to May
    assert result.output.endswith("1 month, 3 teams: 3 of 5 pages written anew, "
                                  "2 pages taken away\n")  # fmt: skip
    assert "2026-05/notes.html" in files(site)
    mine.unlink()
    assert len(files(site)) == 5


def test_a_folder_that_has_another_index_is_left_alone(site: Path) -> None:
    (site / "site").mkdir()
    (site / "site" / "index.html").write_text("the group's home page")
    result = write(site)
    assert result.exit_code == 3
    assert "index.html is there and no page of ours; name a folder for the site alone" in (
        result.output
    )
    assert files(site) == ["index.html"]
    assert (site / "site" / "index.html").read_text() == "the group's home page"


@pytest.mark.parametrize("text", ["", "[]", '{"files": 1}', "\x00"])
def test_a_manifest_that_cannot_be_read_stops_it(site: Path, text: str) -> None:
    (site / "site").mkdir()
    (site / "site" / MANIFEST).write_text(text)
    result = write(site)
    assert result.exit_code == 3
    assert "does not say which pages are ours: name another folder" in result.output


def test_a_manifest_takes_nothing_away_but_pages(site: Path) -> None:
    outside = site / "keep.html"
    outside.write_text("keep")
    write(site)
    kept = json.loads((site / "site" / MANIFEST).read_text())
    kept["files"] |= {"../keep.html": "", "/etc/hostname": "", "2026-05/../../keep.html": ""}
    (site / "site" / MANIFEST).write_text(json.dumps(kept))
    assert write(site).exit_code == 0
    assert outside.read_text() == "keep"


def test_hostile_names_have_files_of_their_own(site: Path) -> None:
    names = ["<script>alert(1)</script>", "../../up", "NLP", "Nlp", "日本語", "x" * 64]
    collect(site, *(a_job(10 + i, JUNE + A_DAY, name) for i, name in enumerate(names)))
    assert write(site).exit_code == 0
    found = [name for name in files(site) if name.startswith("2026-06/")]
    assert len({name.casefold() for name in found}) == 3 + 1 + len(names)
    assert all(re.fullmatch(r"2026-06/[a-z0-9_-]+\.html", name) for name in found)


@pytest.mark.parametrize("people", ["names", "pseudonyms", "none"])
def test_people_are_shown_as_the_site_says(site: Path, people: str) -> None:
    a_config(site, CONFIG + f'\n[privacy]\npeople = "{people}"\n')
    assert write(site).exit_code == 0
    texts = [(site / "site" / name).read_text() for name in files(site)]
    assert any("nlp1" in text for text in texts) == (people == "names")
    assert any("person 1" in text for text in texts) == (people == "pseudonyms")


def test_an_empty_ledger_has_an_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_config(tmp_path)
    collect(tmp_path)
    clock(monkeypatch, LATE_JUNE)
    result = write(tmp_path)
    assert result.exit_code == 0, result.output
    assert files(tmp_path) == ["index.html"]
    assert "Nothing was held" in (tmp_path / "site" / "index.html").read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--site", "x", "--period", "2026-06"], "of the other options it takes --periods alone"),
        (["--site", "x", "--team", "nlp"], "of the other options it takes --periods alone"),
        (["--site", ""], "is empty; name a folder"),
        (["--periods", "3"], "--periods belongs to --site; of a report, see --period"),
        (["--site", "x", "--periods", "0"], "0 is not in the range 1<=x<=120"),
    ],
)
def test_wrong_usage_is_exit_2(site: Path, words: list[str], said: str) -> None:
    result = finops(site, "report", *words)
    assert result.exit_code == 2
    assert said in " ".join(result.output.split())


def test_a_file_where_the_folder_should_be_is_exit_3(site: Path) -> None:
    (site / "site").write_text("")
    result = write(site)
    assert result.exit_code == 3
    assert f"cannot make the folder {site / 'site'}" in result.output


def test_nightly_keeps_the_site_that_is_configured(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slurm_finops.cli.nightly._collect", lambda app, ledger: "nothing")
    clock(monkeypatch, JULY)
    a_config(site, CONFIG + '\n[reports]\nsite = "pub/site"\n')
    result = finops(site, "nightly")
    assert result.exit_code == 0, result.output
    assert "site     2 months, 3 teams: 7 of 7 pages written anew (" in result.output
    assert (site / "pub" / "site" / "2026-06" / "index.html").is_file()
    assert sorted(path.name for path in (site / "reports").iterdir()) == [
        "2026-06.html", "2026-07.html",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("site = 3", 'reports.site: is 3; expected a folder such as "/srv/finops/site"'),
        ('site = ""', "reports.site: is empty; expected a folder"),
        ('sites = "x"', "reports.sites: is no key here; did you mean 'site'?"),
    ],
)
def test_a_wrong_key_names_the_remedy(tmp_path: Path, text: str, said: str) -> None:
    a_config(tmp_path, f"{CONFIG}\n[reports]\n{text}\n")
    result = finops(tmp_path, "report")
    assert result.exit_code == 2
    assert said in result.output
