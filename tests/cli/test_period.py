"""period status, draft, close and verify, as who closes months meets them."""

import json

import pytest

from tests.cli.periods import DAY, HOUR, JULY, JUNE, MAY, Site, ran, site

__all__ = ["site"]
TORN = "torn|line"


# ---- status and draft


def test_an_empty_ledger_says_what_is_missing(site: Site) -> None:
    site.database.unlink()
    assert "is not there yet: slurm-finops collect makes it" in site.run("period", "status").stderr
    site.done("price")
    assert site.done("period", "status") == (
        "nothing is priced yet: slurm-finops collect sacct, then slurm-finops price\n"
    )


def test_status_says_what_is_open_drafted_and_closed(site: Site) -> None:
    site.close("2026-05")
    site.by("eve")
    site.done("period", "draft", "2026-06", "--file", str(site.file))
    head = site.json("period", "verify")["head"]
    assert site.done("period", "status") == (
        "period   state   by   statements  head                 USD\n"
        f"2026-05  closed  ops  2           {head[:16]}  110.00\n"
        "2026-06  draft   eve  –           –                  20.00\n"
    )
    may, june = site.json("period", "status")["periods"]
    assert may == {
        "period": "2026-05", "state": "closed", "amount": "110.00", "by": "ops",
        "at": "2026-07-02T00:00:00+00:00", "statements": 2, "lines": 9, "changed_days": 0,
        "holds": 0, "head": head,
    }  # fmt: skip
    assert (june["state"], june["amount"], june["head"]) == ("draft", "20.00", None)


def test_days_that_changed_since_are_counted(site: Site) -> None:
    site.close()
    site.collect(ran(30, "nlp", JUNE - 3 * HOUR, 1))
    assert site.done("period", "status").endswith(
        "1 day of 2026-05 changed since it was closed: the next month that closes corrects that\n"
    )


def test_what_is_held_back_is_not_said_to_have_changed(site: Site) -> None:
    site.done("period", "hold", "2026-05", "--team", "cv", "--reason", "x")
    site.close()
    assert site.done("period", "status").endswith(
        "20.00\n1 part of 2026-05 held back: slurm-finops period disputes\n"
    )
    assert site.json("period", "status")["periods"][0]["holds"] == 1


def test_a_draft_says_what_would_be_stated_and_freezes_nothing(site: Site) -> None:
    words = ("period", "draft", "2026-05", "--file", str(site.file))
    assert site.done(*words).startswith(
        "DRAFT of 2026-05: nothing is frozen\n"
        "team   entity     USD\n"
        "cv     –        10.00\n"
        "nlp    –       100.00\n"
        "total          110.00\n"
        "\n"
        "ok   readiness: every signal is good\n"
    )
    found = site.json(*words)
    assert (found["period"], found["amount"], found["state"]) == ("2026-05", "110.00", "draft")
    assert found["statements"][0] == {
        "entity": None, "kind": "team", "owner": "cv", "amount": "10.00",
    }  # fmt: skip
    assert [(one["check"], one["passes"]) for one in found["checks"]] == [
        ("readiness", True), ("unpriced", True), ("reconcile", True), ("provisional", True),
        ("problems", True),
    ]  # fmt: skip
    assert site.months() == {}
    assert site.audited("period draft") == ["ops: 2026-05: 110.00 USD"] * 2


def test_a_draft_lists_what_does_not_pass_and_is_noted_all_the_same(site: Site) -> None:
    site.collect(TORN)
    said = site.done("period", "draft", "2026-05", "--file", str(site.file))
    assert "NO   problems: 1 record could not be read\n     slurm-finops problems lists" in said


def test_a_closed_month_has_no_draft(site: Site) -> None:
    site.close()
    assert site.refused("period", "draft", "2026-05", "--file", str(site.file)) == (
        "error: 2026-05 is closed: slurm-finops statement 2026-05 shows what was stated\n"
    )


# ---- close


def test_a_close_says_what_it_stated(site: Site) -> None:
    said = site.close()
    head = site.json("period", "verify")["head"]
    assert said == (
        "statement  team  entity     USD\n"
        "000001     cv    –        10.00\n"
        "000002     nlp   –       100.00\n"
        "2026-05 closed: 110.00 USD on 2 statements\n"
        f"head {head}\n"
        "suspense pays 10.00 USD: no fund is named for it\n"
    )
    assert site.audited("period close") == [
        f"ops: 2026-05: 2 statements, 9 lines, 110.00 USD, head {head}"
    ]


def test_a_close_for_other_programs(site: Site) -> None:
    found = site.json("period", "close", "2026-05", "--yes", "--file", str(site.file))
    assert [(one["number"], one["owner"], one["amount"]) for one in found.pop("statements")] == [
        ("000001", "cv", "10.00"), ("000002", "nlp", "100.00"),
    ]  # fmt: skip
    assert len(found.pop("head")) == 64
    assert found == {
        "period": "2026-05", "currency": "USD", "state": "closed", "amount": "110.00", "lines": 9,
        "closed_by": "ops", "closed_at": "2026-07-02T00:00:00+00:00", "drafted_by": None,
        "previous": "0" * 64, "notes": ["suspense pays 10.00 USD: no fund is named for it"],
    }  # fmt: skip


def test_closing_twice_says_so_and_changes_nothing(site: Site) -> None:
    site.close()
    before = site.content()
    site.by("eve")
    assert site.close().startswith(
        "2026-05 is closed since 2026-07-02 00:00 UTC, by ops: nothing was changed\n"
    )
    assert site.content() == before


def test_a_month_that_has_not_ended_stays_open(site: Site) -> None:
    site.at(JULY - 1)
    assert site.unclosed("2026-06") == (
        "error: 2026-06 has not ended: it can be closed from 2026-07-01 on\n"
    )


def test_months_close_in_order(site: Site) -> None:
    site.collect(ran(40, "nlp", JULY + HOUR, 1))
    site.close()
    site.at(JULY + 40 * DAY)
    assert site.unclosed("2026-07") == (
        "error: 2026-06 comes first: months close in order.  slurm-finops period close 2026-06\n"
    )


def test_a_month_before_the_first_that_was_closed_stays_out(site: Site) -> None:
    site.close("2026-06")
    site.collect(ran(30, "nlp", JUNE + DAY, 1))
    assert site.unclosed("2026-05") == (
        "error: 2026-05 is before 2026-06, the first month that was closed: months close in order\n"
    )


def test_months_in_between_that_cost_nothing_are_closed_with_it(site: Site) -> None:
    site.close()
    site.close("2026-06")
    site.at(JULY + 100 * DAY)
    site.collect(ran(40, "nlp", JULY + 63 * DAY, 1))
    site.close("2026-09", "--waive", "readiness=a month of one run")
    assert site.months() == {
        "2026-05": "110.00", "2026-06": "20.00", "2026-07": "0.00", "2026-08": "0.00",
        "2026-09": "1.00",
    }  # fmt: skip
    assert site.json("period", "verify")["periods"] == 5


@pytest.mark.parametrize(("words", "said"), [
    (("2026-05-01",), "'2026-05-01' is no month; expected such as 2026-06"),
    (("2026-W20",), "is no month"), (("May",), "'May' is not a period"),
    (("2026-05", "--waive", "problems"), 'says no reason: problems="why this is no obstacle"'),
    (("2026-05", "--waive", "problems= "), "says no reason"),
    (("2026-05", "--waive", "problem=x"), "'problem' is no check; did you mean 'problems'?"),
    (("2026-05", "--waive", "all=x"), "known: readiness, unpriced, reconcile, provisional,"),
])  # fmt: skip
def test_what_is_typed_wrong_is_named(site: Site, words: tuple[str, ...], said: str) -> None:
    assert said in site.unclosed(*words, code=2)


def test_nobody_closes_by_accident(site: Site) -> None:
    said = site.refused("period", "close", "2026-05", "--file", str(site.file), code=2)
    assert "closing 2026-05 cannot be undone: say so with --yes" in said


# ---- a second person


def asked_for_two(site: Site) -> None:
    site.config("[statements]\nsecond_person = true\n")


def drafted(site: Site, login: str) -> None:
    site.by(login)
    site.done("period", "draft", "2026-05", "--file", str(site.file))


def test_where_two_are_asked_for_somebody_draws_it_up_first(site: Site) -> None:
    asked_for_two(site)
    assert "2026-05 has no draft, and [statements] second_person asks for one" in (
        site.unclosed("2026-05")
    )


def test_who_drew_it_up_last_does_not_close_it(site: Site) -> None:
    asked_for_two(site)
    drafted(site, "eve")
    drafted(site, "ops")
    assert site.unclosed("2026-05") == (
        "error: ops drew 2026-05 up, and [statements] second_person asks for somebody else to "
        "close it\n"
    )
    site.by("eve")
    site.close()
    assert site.sql("SELECT drafted_by, closed_by FROM periods") == [("ops", "eve")]


def test_what_closes_is_what_another_person_reviewed(site: Site) -> None:
    """Also where only the owners changed, and not the total."""
    site.config("[statements]\nsecond_person = true\n")
    drafted(site, "eve")
    site.by("ops")
    site.collect(ran(10, "nlp", MAY + 10 * DAY, 10, Account="cv"))
    assert site.unclosed("2026-05").endswith(
        "error: 2026-05 is not what eve drew up at 2026-07-02 00:00 UTC, and [statements] "
        "second_person asks that it is:\n  cv: 10.00 -> 0.00\n  nlp: 100.00 -> 110.00\n"
        "draw it up again: slurm-finops period draft 2026-05\n"
    )
    drafted(site, "eve")
    site.by("ops")
    site.close()
    assert site.months() == {"2026-05": "110.00"}


def test_a_draft_from_before_the_months_end_is_no_review(site: Site) -> None:
    site.config("[statements]\nsecond_person = true\n")
    site.at(JUNE - DAY)
    site.by("eve")
    site.run("period", "draft", "2026-05", "--file", str(site.file))
    site.by("ops")
    site.at(JULY + DAY)
    assert "before it had ended" in site.unclosed("2026-05")


def test_what_changed_since_it_was_drawn_up_is_told(site: Site) -> None:
    drafted(site, "ops")
    site.collect(ran(30, "nlp", JUNE - DAY, 1))
    assert site.close().endswith(
        "\nsince ops drew it up at 2026-07-02 00:00 UTC:\n  nlp: 100.00 -> 101.00\n"
    )


def test_where_one_is_enough_who_drew_it_up_is_kept_too(site: Site) -> None:
    drafted(site, "ops")
    site.close()
    assert site.sql("SELECT drafted_by, closed_by FROM periods") == [("ops", "ops")]


# ---- what keeps a month open, and is waived


def unready(site: Site) -> None:
    site.config(old='budget      = "500"\n')


def unpriced(site: Site) -> None:
    tres = "cpu=1,gres/gpu:a100=1,gres/gpu=1,mem=1G,node=1"
    site.collect(ran(50, "nlp", JUNE - DAY, 1, AllocTRES=tres))


def unreconciled(site: Site) -> None:
    site.file.write_text("\n".join(site.file.read_text().splitlines()[:-6]) + "\n")


def provisional(site: Site) -> None:
    running = ran(60, "nlp", JUNE - DAY, 1, State="RUNNING", End="Unknown")
    site.collect(running)


def torn(site: Site) -> None:
    site.collect(TORN)


@pytest.mark.parametrize(("name", "make", "said"), [
    ("readiness", unready, "readiness: chargeback is premature (teams)\n    slurm-finops"),
    ("unpriced", unpriced, "unpriced: no rate for gres/gpu:a100 (1 run)\n    add it to [[rates]]"),
    ("reconcile", unreconciled, "reconcile: the ledger and Slurm differ\n    slurm-finops"),
    ("provisional", provisional, "provisional: 1 run had not ended when last collected\n"),
    ("problems", torn, "problems: 1 record could not be read\n    slurm-finops problems lists"),
])  # fmt: skip
def test_what_does_not_pass_keeps_it_open_until_it_is_waived(site: Site, name, make, said) -> None:  # type: ignore[no-untyped-def]
    make(site)
    refusal = site.unclosed("2026-05")
    assert f"error: 2026-05 cannot be closed yet:\n  {said}" in refusal
    assert refusal.endswith(f'or say why it does not matter: --waive {name}="…"\n')
    site.close("2026-05", "--waive", f"{name}=it is known")
    basis = json.loads(site.sql("SELECT basis FROM periods")[0][0])
    assert basis["waived"] == {name: "it is known"}
    assert site.audited("period close")[0].endswith(f"; waived {name}: it is known")
    # and what does not pass is kept, too
    assert basis["checks"][name].startswith(said.partition(": ")[2].partition("\n")[0])


def test_each_is_waived_by_its_name(site: Site) -> None:
    torn(site)
    unready(site)
    refusal = site.unclosed("2026-05", "--waive", "problems=a test node")
    assert "readiness: " in refusal
    assert "problems: " not in refusal
    site.close("2026-05", "--waive", "problems=a test node", "--waive", "readiness=agreed")


def test_where_slurm_does_not_answer_a_file_or_a_waiver_is_asked_for(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(site.folder))
    said = site.refused("period", "close", "2026-05", "--yes")
    assert "reconcile: Slurm was not asked: " in said
    assert "run this where sacct answers, or give --file with what it said" in said


def test_a_file_that_is_not_there_is_said(site: Site) -> None:
    assert "no-such.txt" in site.refused("period", "close", "2026-05", "--yes", "--file",
                                         "no-such.txt", code=2)  # fmt: skip


# ---- verify


def test_verify_of_nothing_and_of_all(site: Site) -> None:
    assert site.done("period", "verify") == (
        "no period is closed yet: slurm-finops period close closes the first\n"
    )
    site.close()
    site.close("2026-06")
    found = site.json("period", "verify")
    assert found == {"intact": True, "fault": None, "periods": 2, "lines": 13,
                     "head": found["head"]}  # fmt: skip
    assert site.done("period", "verify") == (
        f"2 periods, 13 lines: all as they were closed\nhead {found['head']}\n"
    )


def test_a_head_that_was_kept_is_looked_for(site: Site) -> None:
    site.close()
    head = site.json("period", "verify")["head"]
    site.close("2026-06")
    for kept in (head, head[:8], head.upper()):
        site.done("period", "verify", "--head", kept)
    other = site.run("period", "verify", "--head", "0badc0de")
    assert (other.exit_code, other.stdout.splitlines()[0]) == (
        1, "ALTERED: no period's head begins with 0badc0de: the chain is not the one it is of",
    )  # fmt: skip
    for slip in ("0badc0d", "no-hex-at-all"):
        assert f"'{slip}' is no head" in site.refused("period", "verify", "--head", slip, code=2)


LINE = "period 2026-05: statement 000001 (cv): line 1 was altered"
NOT_IT = "period 2026-05: what is kept of it is not what was closed"


@pytest.mark.parametrize(("sql", "fault"), [
    ("UPDATE statement_lines SET amount_minor = amount_minor + 1 WHERE id = 1", LINE),
    ("UPDATE statement_lines SET billed_units = billed_units + 1 WHERE id = 1", LINE),
    ("UPDATE statement_lines SET seal = seal + 1 WHERE id = 1", LINE),
    ("UPDATE statements SET amount_minor = 1001 WHERE id = 1",
     "period 2026-05: statement 000001: its lines sum to 1000, and it says 1001"),
    ("UPDATE statements SET entity = 'X' WHERE id = 1", NOT_IT),
    ("UPDATE periods SET closed_by = 'eve' WHERE id = 1", NOT_IT),
    ("UPDATE periods SET basis = replace(basis, '1000000', '1000001') WHERE id = 1", NOT_IT),
    ("UPDATE periods SET previous = replace(previous, '00', '01') WHERE id = 1",
     "period 2026-05: it does not follow the period before it"),
    ("UPDATE posted_tags SET cost_center = '4713' WHERE team = 'cv'", LINE),
    ("UPDATE posted_items SET category = 'line'", LINE),
    ("UPDATE posted_payers SET account = '1'", LINE),
])  # fmt: skip
def test_a_byte_that_was_changed_is_found_and_named(site: Site, sql: str, fault: str) -> None:
    site.close()
    site.close("2026-06")
    site.sql(sql)
    found = site.run("period", "verify")
    assert (found.exit_code, found.stdout) == (
        1, f"ALTERED: {fault}\n0 periods before it as they were closed\n",
    )  # fmt: skip
    told = site.json("period", "verify", code=1)
    assert (told["intact"], told["fault"]) == (False, fault)
