"""statement: whose, of which month, in which form, and to whom by mail."""

import email
import json
import sqlite3
from email import policy
from pathlib import Path

import pytest

from tests.cli.periods import HOUR, JUNE, Site, ran, site

__all__ = ["site"]
MAIL = """
[mail]
from = "finops@example.org"
smtp = "smtp://localhost:25"
"""
TO_NLP = ('name        = "nlp"\n', 'name        = "nlp"\nemail = ["nlp-pi@example.org"]\n')


def totals(site: Site, *words: str) -> dict[str | None, str]:
    found = site.json("statement", *words)
    return {one["owner"]: one["total"] for one in found["statements"]}


def test_an_open_month_is_a_draft_and_a_closed_one_is_numbered(site: Site) -> None:
    draft = site.json("statement", "2026-05")
    assert (draft["state"], draft["total"]) == ("draft", "110.00")
    assert [one["number"] for one in draft["statements"]] == [None, None]
    site.close()
    closed = site.json("statement", "2026-05")
    assert (closed["state"], closed["total"]) == ("closed", "110.00")
    assert [(one["number"], one["owner"], one["total"]) for one in closed["statements"]] == [
        ("000001", "cv", "10.00"), ("000002", "nlp", "100.00"),
    ]  # fmt: skip


def test_a_draft_may_be_seen_by_who_may_only_read(site: Site) -> None:
    site.database.chmod(0o440)
    before = site.content()
    assert totals(site, "2026-05") == {"cv": "10.00", "nlp": "100.00"}
    assert site.content() == before


@pytest.mark.parametrize(
    ("words", "owners"),
    [
        (("--per", "project"), {"cv / cv-p": "10.00", "nlp / nlp-p": "100.00"}),
        (("--per", "cost_center"), {"4711": "100.00", "4712": "10.00"}),
        (("--per", "fund"), {"GRANT": "100.00", "suspense": "10.00"}),
        (("--team", "nlp"), {"nlp": "100.00"}),
        (("--project", "cv / cv-p"), {"cv / cv-p": "10.00"}),
        (("--cost-center", "4711"), {"4711": "100.00"}),
        (("--fund", "suspense"), {"suspense": "10.00"}),
    ],
)
def test_the_same_lines_are_shown_by_whoever_is_asked_for(site: Site, words, owners) -> None:
    assert totals(site, "2026-05", *words) == owners
    site.close()
    assert totals(site, "2026-05", *words) == owners


def test_what_is_another_view_of_statements_has_no_number_and_says_whose_lines_it_has(
    site: Site,
) -> None:
    site.close()
    (found,) = site.json("statement", "2026-05", "--fund", "GRANT")["statements"]
    assert found["number"] is None
    assert "its lines are on 000002" in site.done("statement", "2026-05", "--fund", "GRANT")


def test_a_number_is_one_statement(site: Site) -> None:
    site.close()
    assert totals(site, "000002") == {"nlp": "100.00"}
    assert "is of a team" in site.refused("statement", "000002", "--per", "fund", code=2)


def test_what_was_stated_earlier_this_year_is_brought_forward(site: Site) -> None:
    site.close()
    site.collect(ran(30, "nlp", JUNE - 3 * HOUR, 1))
    site.close("2026-06")
    (found,) = site.json("statement", "2026-06", "--team", "nlp")["statements"]
    assert (found["opening"], found["total"], found["closing"]) == ("100.00", "21.00", "121.00")
    (corrections,) = (one for one in found["sections"] if one["section"] == "corrections")
    assert corrections["billed_cost"] == "1.00"
    assert corrections["rows"][0]["original"] == "000002"


def test_what_is_held_back_is_on_the_draft_and_in_no_total(site: Site) -> None:
    site.done("period", "hold", "2026-05", "--team", "cv", "--reason", "not ours")
    assert totals(site, "2026-05") == {"nlp": "100.00"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("2026-05", "--team", "nlpp"), "did you mean 'nlp'?"),
        (("2026-09",), "2026-09 has nothing to state"),
        (("2026-W23",), "is no billing month"),
        (("000077",), "neither a month such as 2026-06 nor a statement's number"),
        (("2026-05", "--team", "nlp", "--fund", "GRANT"), "each say whose"),
        (("2026-05", "--team", "nlp", "--per", "fund"), "do not go together"),
        (("2026-05", "--format", "html"), "2 statements are 2 pages"),
        (("2026-05", "--out", "june.doc"), "ends otherwise"),
        (("2026-05", "--dry-run"), "without it nothing is sent"),
        (("2026-05", "--mail"), "[mail] is missing"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_the_next_step(site: Site, words, said) -> None:
    assert said in site.refused("statement", *words, code=2)


def test_each_goes_into_a_file_of_its_own(site: Site) -> None:
    site.close()
    out = site.folder / "may"
    said = site.done("statement", "2026-05", "--out", f"{out}/", "--format", "html")
    assert said.split() == [f"{out}/statement-000001.html", f"{out}/statement-000002.html"]
    assert "<title>" in (out / "statement-000002.html").read_text()


def test_csv_of_several_has_one_head(site: Site) -> None:
    lines = site.done("statement", "2026-05", "--format", "csv").splitlines()
    statements = site.json("statement", "2026-05")["statements"]
    assert lines.count(lines[0]) == 1
    assert len(lines) == 1 + sum(len(one["lines"]) for one in statements)


def test_each_is_mailed_to_its_owner_and_whoever_has_no_address_is_named(
    site: Site, tmp_path: Path
) -> None:
    site.config(MAIL, *TO_NLP)
    site.close()
    out = tmp_path / "mails"
    said = site.done("statement", "2026-05", "--mail", "--dry-run", "--out", str(out))
    (path,) = out.iterdir()
    assert said.splitlines()[0] == str(path)
    assert said.endswith("1 statement went to nobody, for want of an address: cv\n")
    mail = email.message_from_bytes(path.read_bytes(), policy=policy.default)
    assert mail["To"] == "nlp-pi@example.org"
    assert mail["Subject"] == "Statement 000002: nlp, May 2026: 100.00 USD"
    head = site.json("period", "verify")["head"]
    body = mail.get_body(("plain",))
    assert body and head in body.get_content()


def test_a_mail_is_queued_once(site: Site) -> None:
    site.config(MAIL.replace("localhost:25", "localhost:9"), *TO_NLP)
    site.close()
    for _ in range(2):
        site.run("statement", "2026-05", "--mail", "--team", "nlp")
    with sqlite3.connect(site.database) as db:
        rows = db.execute("SELECT report, period, recipient FROM outbox").fetchall()
    assert rows == [("statement:team:nlp", "2026-05", "nlp-pi@example.org")]


def test_an_extract_of_a_closed_month_is_no_draft(site: Site, tmp_path: Path) -> None:
    site.config(MAIL, *TO_NLP)
    site.close()
    site.done("statement", "2026-05", "--per", "project", "--mail", "--dry-run", "--out",
              str(tmp_path / "mails"))  # fmt: skip
    assert [one.name for one in (tmp_path / "mails").iterdir()] == [
        "001-2026-05-statement-project-nlp-nlp-p-nlp-pi@example.org.eml"
    ]


def test_json_is_what_csv_sums_to(site: Site) -> None:
    import csv
    import io
    from decimal import Decimal

    rows = list(csv.DictReader(io.StringIO(site.done("statement", "2026-05", "--format", "csv"))))
    column = next(name for name in rows[0] if name.startswith("billed"))
    total = json.loads(site.done("statement", "2026-05", "--format", "json"))["total"]
    assert sum(Decimal(row[column]) for row in rows) == Decimal(total)


def test_a_closed_statement_says_what_was_held_back_from_it(site: Site) -> None:
    site.done("period", "hold", "2026-05", "--team", "nlp", "--project", "nlp-p", "--reason", "x")
    site.collect(ran(31, "nlp", JUNE - 9 * HOUR, 1, Comment='{"team":"nlp","project":"other"}'))
    site.close()
    (found,) = site.json("statement", "2026-05", "--team", "nlp")["statements"]
    assert (found["total"], found["held"]) == ("1.00", [{"why": "x", "billed_cost": "100.00"}])
