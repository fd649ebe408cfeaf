"""Which fund pays: the dates, the caps, what follows, and that nothing is lost or made."""

from dataclasses import replace

import pytest

from slurm_finops.core.funds import (
    EXHAUSTED,
    EXPIRED,
    NO_PAYER,
    NOT_BEGUN,
    SUSPENSE,
    UNTAGGED,
    WHOLE,
    Fund,
    Funding,
    Part,
    Payers,
    Split,
    cycle,
    heir,
    named_on,
)

GRANT = Fund("grant", "4711-01", first=100, last=200, fallback="dept")
DEPT = Fund("dept", "0815-00")
ALWAYS = -(10**9)
BOTH = Split(ALWAYS, (("grant", 600_000), ("dept", 400_000)))
SITE = Funding((GRANT, DEPT), ((("nlp", None), (BOTH,)),))


def split(
    funding: Funding = SITE, *, team: str | None = "nlp", project: str | None = None,
    day: int = 150, ticks: int = 100, **spent: int,
) -> list[tuple[str, int, str]]:  # fmt: skip
    return [tuple(part) for part in Payers(funding, spent).split(team, project, day, ticks)]


def capped(cap: int, fund: Fund = GRANT) -> Funding:
    return replace(SITE, funds=(fund._replace(cap_ticks=cap), DEPT))


def test_costs_go_by_the_percentages() -> None:
    assert split() == [("dept", 40, ""), ("grant", 60, "")]
    assert split(ticks=-100) == [("dept", -40, ""), ("grant", -60, "")]
    assert split(ticks=0) == []


def test_what_is_left_over_goes_to_the_largest_remainder_and_then_by_name() -> None:
    thirds = Split(ALWAYS, (("grant", 333_333), ("dept", 333_333), ("x", 333_334)))
    site = replace(SITE, funds=(*SITE.funds, Fund("x", "x")), payers=((("nlp", None), (thirds,)),))
    assert split(site, ticks=1) == [("x", 1, "")]
    assert split(site, ticks=2) == [("dept", 1, ""), ("x", 1, "")]


@pytest.mark.parametrize(("day", "found"), [
    (99, [("dept", 40, ""), ("dept", 60, NOT_BEGUN)]),
    (100, [("dept", 40, ""), ("grant", 60, "")]),
    (199, [("dept", 40, ""), ("grant", 60, "")]),
    (200, [("dept", 40, ""), ("dept", 60, EXPIRED)]),
])  # fmt: skip
def test_a_fund_pays_on_its_days_and_else_its_fallback(
    day: int, found: list[tuple[str, int, str]]
) -> None:
    assert split(day=day) == found
    assert split(day=day, ticks=-100) == [(fund, -ticks, why) for fund, ticks, why in found]


def test_a_chain_without_an_end_is_suspense_and_says_why_it_began() -> None:
    gone = replace(SITE, funds=(GRANT, DEPT._replace(first=300)))
    assert split(gone, day=250) == [(SUSPENSE, 60, EXPIRED), (SUSPENSE, 40, NOT_BEGUN)]


def test_a_cap_is_never_exceeded_and_the_rest_falls_back() -> None:
    assert split(capped(60)) == [("dept", 40, ""), ("grant", 60, "")]
    assert split(capped(59)) == [("dept", 40, ""), ("dept", 1, EXHAUSTED), ("grant", 59, "")]
    assert split(capped(59), grant=59) == [("dept", 40, ""), ("dept", 60, EXHAUSTED)]
    # a cap that was lowered afterwards takes nothing back
    assert split(capped(59), grant=70) == [("dept", 40, ""), ("dept", 60, EXHAUSTED)]


def test_without_a_fallback_what_a_cap_leaves_is_in_suspense() -> None:
    alone = capped(10, GRANT._replace(fallback=None))
    assert split(alone) == [("dept", 40, ""), ("grant", 10, ""), (SUSPENSE, 50, EXHAUSTED)]


def test_the_fallback_has_days_and_a_cap_of_its_own() -> None:
    chain = Funding(
        (
            GRANT._replace(cap_ticks=10, fallback="bridge"),
            Fund("bridge", "b", cap_ticks=5, fallback="dept"),
            DEPT,
        ),
        ((("nlp", None), (Split(ALWAYS, (("grant", WHOLE),)),)),),
    )
    assert split(chain, ticks=20) == [
        ("bridge", 5, EXHAUSTED), ("dept", 5, EXHAUSTED), ("grant", 10, ""),
    ]  # fmt: skip


def test_a_funds_own_part_comes_before_what_falls_back_to_it() -> None:
    halves = Split(ALWAYS, (("gone", 500_000), ("dept", 500_000)))
    gone = Fund("gone", "x", last=0, fallback="dept")
    site = Funding((gone, DEPT._replace(cap_ticks=50)), ((("nlp", None), (halves,)),))
    assert split(site) == [("dept", 50, ""), (SUSPENSE, 50, EXPIRED)]


def test_the_last_ticks_of_a_cap_go_to_who_comes_first_by_name() -> None:
    into = [Fund("a", "a", last=0, fallback="dept"), Fund("b", "b", cap_ticks=0, fallback="dept")]
    for parts in ((("a", 500_000), ("b", 500_000)), (("b", 500_000), ("a", 500_000))):
        site = Funding(
            (*into, DEPT._replace(cap_ticks=60)), ((("nlp", None), (Split(ALWAYS, parts),)),)
        )
        assert split(site) == [
            ("dept", 10, EXHAUSTED), ("dept", 50, EXPIRED), (SUSPENSE, 40, EXHAUSTED),
        ]  # fmt: skip


def test_what_is_given_back_makes_room() -> None:
    payers = Payers(capped(60), {"grant": 60})
    payers.split("nlp", None, 150, -50)
    assert payers.split("nlp", None, 150, 50) == [Part("dept", 20, ""), Part("grant", 30, "")]
    assert payers.split("nlp", None, 150, 5) == [Part("dept", 2, ""), Part("dept", 3, EXHAUSTED)]
    payers.paid("grant", -1)
    assert payers.split("nlp", None, 150, 5)[-1] == Part("grant", 1, "")
    payers.paid("grant", -10)
    payers.paid("grant", 10)
    assert payers.split("nlp", None, 150, 5)[-1] == Part("dept", 3, EXHAUSTED)


def test_a_project_has_payers_of_its_own_from_a_day_on() -> None:
    own = (("nlp", "llama"), (Split(120, (("grant", WHOLE),)), Split(140, (("dept", WHOLE),))))
    site = replace(SITE, payers=(*SITE.payers, own))
    assert split(site, project="other") == split(site)
    assert split(site, project="llama", day=119) == split(site)
    assert split(site, project="llama", day=120) == [("grant", 100, "")]
    assert split(site, project="llama", day=139) == [("grant", 100, "")]
    assert split(site, project="llama", day=140) == [("dept", 100, "")]


def test_what_has_no_payer_is_in_suspense() -> None:
    assert split(team="cv") == [(SUSPENSE, 100, NO_PAYER)]
    late = replace(SITE, payers=((("nlp", None), (Split(151, BOTH.parts),)),))
    assert split(late) == [(SUSPENSE, 100, NO_PAYER)]
    assert split(Funding(), ticks=-100) == [(SUSPENSE, -100, NO_PAYER)]


def test_what_names_no_team_has_a_fund_of_its_own() -> None:
    assert split(team=None) == [(SUSPENSE, 100, UNTAGGED)]
    paid = replace(SITE, untagged="grant")
    assert split(paid, team=None) == [("grant", 100, UNTAGGED)]
    assert split(paid, team=None, day=300) == [("dept", 100, EXPIRED)]
    assert Payers(paid, {}).shares(None, None, 300) == [("dept", WHOLE)]


def test_shares_know_days_and_no_caps() -> None:
    payers = Payers(capped(0), {})
    assert payers.shares("nlp", None, 150) == [("dept", 400_000), ("grant", 600_000)]
    assert payers.shares("nlp", None, 200) == [("dept", WHOLE)]
    assert payers.shares("cv", None, 150) == [(SUSPENSE, WHOLE)]


def test_who_is_named_on_a_day_and_who_pays_in_its_place() -> None:
    own = (("nlp", "llama"), (Split(140, (("dept", WHOLE),)), Split(120, (("grant", WHOLE),))))
    site = replace(SITE, payers=(*SITE.payers, own), untagged="grant")
    assert named_on(site, 119) == {"grant": [None, ("nlp", None)], "dept": [("nlp", None)]}
    assert named_on(site, 120)["grant"][-1] == ("nlp", "llama")
    assert named_on(site, 140)["dept"] == [("nlp", None), ("nlp", "llama")]
    funds = {fund.name: fund for fund in site.funds}
    assert [heir(funds, "grant", day) for day in (199, 200)] == ["grant", "dept"]
    assert heir({"grant": GRANT._replace(fallback=None)}, "grant", 200) == SUSPENSE


def test_fallbacks_that_lead_back_are_found() -> None:
    into = Fund("a", "a", fallback="grant")
    assert cycle([GRANT, DEPT, into]) == []
    back = DEPT._replace(fallback="grant")
    assert cycle([into, GRANT, back]) == ["grant", "dept"]
    assert cycle([DEPT._replace(fallback="dept")]) == ["dept"]
    with pytest.raises(ValueError, match="the fallbacks lead back: grant, dept"):
        Payers(Funding((into, GRANT, back)), {})


def test_amounts_have_any_size() -> None:
    huge = 10**30 + 1
    assert sum(ticks for _, ticks, _ in split(ticks=huge)) == huge
