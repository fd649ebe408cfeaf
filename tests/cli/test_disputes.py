"""period hold, release, credit, uncredit and disputes, as administrators meet them."""

import shlex

import pytest

from tests.cli.periods import DAY, JULY, JUNE, WHY, Site, ran, site

__all__ = ["site"]
NOT_OURS = ("--reason", "not ours")


def held(site: Site, *words: str) -> str:
    return site.done("period", "hold", "2026-05", "--team", "cv", *words, *NOT_OURS)


def credited(site: Site, *words: str, month: str = "2026-05", amount: str = "25.50") -> str:
    return site.done("period", "credit", month, "--team", "nlp", "--amount", amount, *words, *WHY)


# ---- holds


def test_what_is_held_is_stated_when_it_is_released(site: Site) -> None:
    assert held(site) == (
        "hold 1: cv of 2026-05 is not stated until it is released (10.00 USD as it is priced now)\n"
    )
    assert site.close().endswith("\nheld back: 10.00 USD of cv of 2026-05 (hold 1)\n")
    assert site.done("period", "release", "1", "--reason", "it was") == (
        "hold 1 released: cv of 2026-05 is stated as a correction when 2026-06 closes\n"
    )
    site.close("2026-06")
    assert site.months() == {"2026-05": "100.00", "2026-06": "30.00"}
    assert site.stated("2026-06")["cv", "suspense", True] == "10.00"
    assert site.audited("period hold") == ["ops: 1: cv of 2026-05; not ours"]
    assert site.audited("period release") == ["ops: 1: cv of 2026-05; it was"]


def test_what_is_released_before_the_close_is_stated_with_its_month(site: Site) -> None:
    held(site)
    assert site.done("period", "release", "1", "--reason", "it was") == (
        "hold 1 released: cv of 2026-05 is stated when 2026-05 closes\n"
    )
    site.close()
    assert site.months() == {"2026-05": "110.00"}


def test_one_project_is_held_and_the_others_are_not(site: Site) -> None:
    site.collect(ran(11, "cv", JUNE - DAY, 5, Comment='{"team":"cv","project":"other"}'))
    held(site, "--project", "cv-p")
    site.close()
    assert site.stated("2026-05")["cv", "suspense", False] == "5.00"


def test_what_names_no_team_is_held_too(site: Site) -> None:
    site.collect(ran(12, "", JUNE - DAY, 3))
    said = site.done("period", "hold", "2026-05", "--team", "(untagged)", *NOT_OURS)
    assert said.startswith("hold 1: (untagged) of 2026-05 is not stated until it is released (3.00")
    site.close("2026-05", "--waive", "readiness=known")
    assert site.months() == {"2026-05": "110.00"}


def test_a_hold_of_a_month_that_goes_on_holds_what_is_still_to_come(site: Site) -> None:
    site.done("period", "hold", "2026-07", "--team", "cv", *NOT_OURS)
    site.collect(ran(40, "cv", JULY + DAY, 1), ran(41, "nlp", JULY + DAY, 2))
    site.close()
    site.close("2026-06")
    site.at(JULY + 40 * DAY)
    site.close("2026-07", "--waive", "readiness=known")
    assert site.months()["2026-07"] == "2.00"


def test_the_same_is_not_held_twice(site: Site) -> None:
    held(site)
    for more in ((), ("--project", "cv-p")):
        words = ("period", "hold", "2026-05", "--team", "cv", *more, *NOT_OURS)
        assert site.refused(*words, code=2) == (
            "error: hold 1 holds cv of 2026-05 already: not ours\n"
        )
    # of another month it is another
    site.done("period", "hold", "2026-06", "--team", "cv", *NOT_OURS)


def test_what_is_closed_cannot_be_held_and_the_next_step_is_said(site: Site) -> None:
    site.close()
    assert site.refused("period", "hold", "2026-05", "--team", "cv", *NOT_OURS) == (
        "error: 2026-05 is closed: it was stated, and cannot be held.  Credit it in the next open "
        "month: slurm-finops period credit 2026-06 --team cv --amount … --reason … --approver …  "
        "What is another team's is tagged anew: slurm-finops retag\n"
    )


def test_a_month_before_the_first_that_was_closed_takes_nothing(site: Site) -> None:
    site.close("2026-06")
    said = site.refused("period", "hold", "2026-05", "--team", "cv", *NOT_OURS)
    assert "2026-05 is before the first month that was closed" in said
    assert "period credit 2026-07 --team cv" in said


# ---- credits


def test_a_credit_is_a_line_of_the_months_statement(site: Site) -> None:
    assert credited(site) == "adjustment 1: −25.50 USD for nlp on the statement of 2026-05\n"
    credited(site, "--charge", "--project", "nlp-p", amount="5")
    site.close()
    assert site.months() == {"2026-05": "89.50"}
    assert site.stated("2026-05")["nlp", "GRANT", False] == "79.50"
    assert site.audited("period credit") == [
        "ops: 1: -25.50 USD for nlp on 2026-05; slow disk; approved by dean",
        "ops: 2: 5.00 USD for nlp / nlp-p on 2026-05; slow disk; approved by dean",
    ]


def test_what_is_revoked_is_on_no_statement(site: Site) -> None:
    credited(site)
    assert site.done("period", "uncredit", "1", "--reason", "wrong team") == (
        "adjustment 1 revoked: −25.50 USD for nlp on the statement of 2026-05\n"
    )
    site.close()
    assert site.months() == {"2026-05": "110.00"}
    assert site.audited("period uncredit") == [
        "ops: 1: -25.50 USD for nlp on 2026-05; wrong team"
    ]


def test_a_closed_month_takes_no_credit_and_what_to_type_is_said(site: Site) -> None:
    site.close()
    words = ("--team", "nlp", "--project", "nlp-p", "--amount", "0.5", "--charge",
             "--reason", "it's slow", "--approver", "dean")  # fmt: skip
    said = site.refused("period", "credit", "2026-05", *words)
    first, _, typed = said.partition("the next open month: slurm-finops ")
    assert first == "error: 2026-05 is closed: what was stated stays.  It goes into "
    # which works as it is
    assert site.done(*shlex.split(typed)) == (
        "adjustment 1: 0.50 USD for nlp / nlp-p on the statement of 2026-06\n"
    )
    (one,) = site.json("period", "disputes")["credits"]
    assert (one["reason"], one["project"]) == ("it's slow", "nlp-p")


def test_what_is_on_a_closed_statement_is_not_revoked_but_put_back(site: Site) -> None:
    credited(site)
    site.close()
    assert site.refused("period", "uncredit", "1", "--reason", "x") == (
        "error: 2026-05 is closed, with adjustment 1 on its statement: what was stated stays.  The "
        "contrary goes into the next open month: slurm-finops period credit 2026-06 --team nlp "
        "--amount 25.50 --charge --reason … --approver …\n"
    )


def test_the_same_again_is_taken_for_a_slip(site: Site) -> None:
    credited(site)
    again = ("period", "credit", "2026-05", "--team", "nlp", "--amount", "25.50", *WHY)
    assert site.refused(*again, code=2) == (
        "error: adjustment 1 says the same already (slow disk).  Nothing was changed; --again adds "
        "another\n"
    )
    assert site.done(*again, "--again").startswith("adjustment 2: ")
    # and the contrary, or another amount, is no slip
    credited(site, "--charge")
    credited(site, amount="25.51")


def test_more_than_there_is_and_what_is_held_is_noted(site: Site) -> None:
    held(site)
    words = ("period", "credit", "2026-05", "--team", "cv", "--amount", "10.01", *WHY)
    assert site.noted(*words) == (
        "note: hold 1 holds it back, too\n"
        "note: that is more than the 10.00 USD that 2026-05 bills there as it is priced now\n"
    )
    assert "more than" not in site.noted(*words[:6], "10", *WHY)


# ---- slips


@pytest.mark.parametrize(("words", "code", "said"), [
    ("hold 2026-05 --team npl --reason x", 2, "did you mean 'nlp'?"),
    ("hold 2026-05 --team (untaged) --reason x", 2, "'(untaged)' is no team of the config"),
    ("hold 2026-05 --team cv --project cv-q --reason x", 2, "'cv-q' is no project of cv of the"),
    ("hold 2026-05 --team cv --project nlp-p --reason x", 2, "ledger; known: cv-p\n"),
    ("hold 2026-05 --team cv --reason ", 2, "requires an argument"),
    ("hold 2026-05 --team cv", 2, "Missing option '--reason'"),
    ("hold 2026-05 --reason x", 2, "Missing option '--team'"),
    ("hold 2026-05-01 --team cv --reason x", 2, "'2026-05-01' is no month"),
    ("hold 2026-08 --team cv --reason x", 2, "2026-08 has not begun: is the month right?"),
    ("hold 2026-04 --team cv --reason x", 2, "nothing cost anything before 2026-05: is 2026-04"),
    ("release 1 --reason x", 2, "there is no hold 1: slurm-finops period disputes --all lists"),
    ("release one --reason x", 2, "'one' is not a valid integer"),
    ("uncredit 7 --reason x", 2, "there is no adjustment 7: slurm-finops period disputes"),
    ("credit 2026-05 --team nlp --amount 5 --reason x", 2, "Missing option '--approver'"),
    ("credit 2026-05 --team nlp --amount 5 --reason x --approver \t", 2, "argument"),
    *(
        (f"credit 2026-05 --team nlp --amount {amount} --reason x --approver dean", 2, said)
        for amount, said in [
            ("-5", "--charge puts it on the statement"), ("0", "is not above 0"),
            ("0.00", "is not above 0"), ("1.234", "more than 2 decimals"), ("1e3", "plain decimal"),
            ("1,000", "plain decimal"), ("1234567890123", "at most 12 digits"),
        ]
    ),
    ("credit 2026-08 --team nlp --amount 5 --reason x --approver dean", 2, "has not begun"),
])  # fmt: skip
def test_a_slip_is_named_and_nothing_is_changed(
    site: Site, words: str, code: int, said: str
) -> None:
    assert said in site.refused("period", *words.split(), code=code)


def test_why_is_more_than_blanks(site: Site) -> None:
    for words in (("hold", "2026-05", "--team", "cv"), ("release", "1"), ("uncredit", "1")):
        assert "it is empty, and it is kept for good" in (
            site.refused("period", *words, "--reason", " ", code=2)
        )


def test_what_is_over_is_over(site: Site) -> None:
    held(site)
    credited(site)
    site.by("eve")
    site.done("period", "release", "1", "--reason", "settled")
    site.done("period", "uncredit", "1", "--reason", "wrong")
    assert site.refused("period", "release", "1", "--reason", "x", code=2) == (
        "error: hold 1 is released already, by eve: settled\n"
    )
    assert site.refused("period", "uncredit", "1", "--reason", "x", code=2) == (
        "error: adjustment 1 is revoked already, by eve: wrong\n"
    )


def test_without_a_ledger_none_is_made(site: Site) -> None:
    site.database.unlink()
    for words in (
        ("hold", "2026-05", "--team", "cv", *NOT_OURS), ("release", "1", *NOT_OURS), ("disputes",),
        ("credit", "2026-05", "--team", "cv", "--amount", "1", *WHY), ("uncredit", "1", *NOT_OURS),
    ):  # fmt: skip
        done = site.run("period", *words)
        assert (done.exit_code, "slurm-finops collect makes it" in done.stderr) == (2, True)
    assert not site.database.exists()


# ---- the list


def test_the_list_has_what_waits_and_with_all_what_is_over(site: Site) -> None:
    assert site.done("period", "disputes") == (
        "nothing is held, credited or moved that is not stated yet\n"
    )
    assert site.done("period", "disputes", "--all") == (
        "nothing was ever held, credited or moved\n"
    )
    held(site)
    credited(site)
    credited(site, month="2026-06", amount="1.00")
    site.close()
    assert site.done("period", "disputes") == (
        "hold  period   whose  reason    held               released\n"
        "1     2026-05  cv     not ours  2026-07-02 by ops  –\n"
        "\n"
        "adjustment  period   whose  USD    reason     approver  given              stands\n"
        "2           2026-06  nlp    −1.00  slow disk  dean      2026-07-02 by ops  waits\n"
    )
    site.done("period", "release", "1", "--reason", "it was")
    site.done("period", "uncredit", "2", "--reason", "no")
    assert site.done("period", "disputes", "--all") == (
        "hold  period   whose  reason    held               released\n"
        "1     2026-05  cv     not ours  2026-07-02 by ops  2026-07-02 by ops: it was\n"
        "\n"
        "adjustment  period   whose  USD     reason     approver  given              stands\n"
        "1           2026-05  nlp    −25.50  slow disk  dean      2026-07-02 by ops  stated\n"
        "2           2026-06  nlp    −1.00   slow disk  dean      2026-07-02 by ops  "
        "revoked 2026-07-02 by ops: no\n"
    )


def test_what_programs_are_told(site: Site) -> None:
    hold = site.json("period", "hold", "2026-05", "--team", "cv", *NOT_OURS)["hold"]
    credit = site.json(
        "period", "credit", "2026-05", "--team", "(untagged)", "--amount", "3", "--charge", *WHY
    )["credit"]
    assert hold == {
        "id": 1, "period": "2026-05", "team": "cv", "project": None, "reason": "not ours",
        "at": "2026-07-02T00:00:00+00:00", "by": "ops", "released": None,
    }  # fmt: skip
    assert credit == {
        "id": 1, "period": "2026-05", "team": None, "project": None, "amount": "3.00",
        "currency": "USD", "reason": "slow disk", "approver": "dean",
        "at": "2026-07-02T00:00:00+00:00", "by": "ops", "stated": False, "revoked": None,
    }  # fmt: skip
    assert site.json("period", "disputes") == {
        "currency": "USD", "holds": [hold], "credits": [credit], "moves": [],
    }  # fmt: skip
    over = {"at": "2026-07-02T00:00:00+00:00", "by": "ops", "reason": "x"}
    words = ("1", "--reason", "x")
    assert site.json("period", "release", *words)["hold"] == hold | {"released": over}
    assert site.json("period", "uncredit", *words)["credit"] == credit | {"revoked": over}


def test_long_and_hostile_words_stay_on_their_line(site: Site) -> None:
    odd = "a\nb\x1b[31m" + "x" * 90
    site.done("period", "hold", "2026-05", "--team", "cv", "--reason", odd)
    again = site.refused("period", "hold", "2026-05", "--team", "cv", "--reason", "x", code=2)
    assert "\x1b" not in again
    assert len(again.splitlines()) == 1
    listed = site.done("period", "disputes")
    assert "\x1b" not in listed
    assert len(listed.splitlines()) == 2
    assert site.json("period", "disputes")["holds"][0]["reason"] == odd
