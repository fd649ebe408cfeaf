"""Retags in bills: applied by the next pricing, whatever came first, and undone without a trace."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slurm_finops.billing.pricing import price
from slurm_finops.billing.rehearsal import rehearsed
from slurm_finops.billing.retags import add, applied, of_adding, touched, undo
from slurm_finops.billing.terms import Terms
from slurm_finops.core.charging import Charging, Piece
from slurm_finops.core.policy import Policy, TeamRule
from slurm_finops.core.rates import NEVER, Rate
from slurm_finops.core.retags import Retag, Wanted
from slurm_finops.core.runs import Run
from slurm_finops.ledger.audited import entries
from slurm_finops.ledger.pricing import waiting
from slurm_finops.ledger.retags import in_force
from slurm_finops.ledger.store import Ledger
from tests.billing.pools import CALENDAR, DAY, HOUR, RATE, run
from tests.billing.test_pricing import truth
from tests.core.test_retags import a_retag
from tests.support import JUNE, a_ledger, write

TEAMS = tuple(TeamRule(name, f"cc-{name}") for name in ("cv", "nlp", "ops"))
CLOSED = (TeamRule("cv", "cc-cv", accounts=("cv",)), TeamRule("nlp", "cc-new"))
SITE = Terms((RATE,), Policy(required=("team",), teams=TEAMS), CALENDAR)
OTHER = Terms((RATE,), Policy(required=("team",), teams=CLOSED), CALENDAR)


def a_rule(match: dict[str, str | None], sets: dict[str, str | None], **more: Any) -> Wanted:
    return a_retag(match=match, sets=sets, **more).wanted


def retag(ledger: Ledger, wanted: Wanted, terms: Terms = SITE) -> Retag:
    return add(ledger, terms, wanted, JUNE, "root")[0]


def billed(ledger: Ledger) -> list[tuple[Any, ...]]:
    return ledger.db.execute(
        "SELECT DISTINCT job_id, team, project, cost_center, source FROM charges "
        "JOIN jobs ON jobs.id = usage_id JOIN tag_sets ON tag_sets.id = charges.tag_set_id "
        "ORDER BY job_id"
    ).fetchall()


def a_site(*runs: Run) -> Ledger:
    ledger = a_ledger()
    write(ledger, *runs)
    price(ledger, SITE, JUNE)
    return ledger


def test_bills_change_with_the_next_pricing_and_only_of_what_it_is_for() -> None:
    ledger = a_site(run(1, "nlp", 0, HOUR), run(2, "cv", 0, HOUR))
    retag(ledger, a_rule({"team": "nlp"}, {"team": "ops"}))
    assert [row[1] for row in billed(ledger)] == ["nlp", "cv"]
    assert waiting(ledger) == 1
    found = price(ledger, SITE, JUNE)
    assert (found.again, found.before) == (1, found.after)
    assert billed(ledger) == [("1", "ops", "nlp-p", "cc-ops", "retag"),
                              ("2", "cv", "cv-p", "cc-cv", "comment")]  # fmt: skip
    assert price(ledger, SITE, JUNE).again == 0


def test_what_comes_later_is_retagged_and_what_it_says_then_does_not_matter() -> None:
    ledger = a_site()
    retag(ledger, a_rule({"account": "nlp"}, {"project": "p"}))
    going = run(1, "nlp", 0, HOUR, provisional=True, state="RUNNING", end=None)
    write(ledger, going)
    price(ledger, SITE, JUNE)
    assert billed(ledger) == [("1", "nlp", "p", "cc-nlp", "retag")]
    write(ledger, going._replace(elapsed=2 * HOUR, comment='{"team": "cv", "project": "x"}'))
    price(ledger, SITE, JUNE)
    assert billed(ledger) == [("1", "cv", "p", "cc-cv", "retag")]


def test_a_rule_that_goes_by_names_follows_a_name_that_changes() -> None:
    going = run(1, "nlp", 0, HOUR, provisional=True, state="RUNNING", end=None, job_name="train")
    ledger = a_site(going)
    retag(ledger, a_rule({"name": "sweep-*"}, {"project": "sweeps"}))
    assert price(ledger, SITE, JUNE).again == 0
    write(ledger, going._replace(job_name="sweep-4"))
    price(ledger, SITE, JUNE)
    assert billed(ledger)[0][2] == "sweeps"


def test_of_an_array_each_task_and_those_to_come() -> None:
    tasks = [run(20 + i, "nlp", 0, HOUR, job_id=f"16_{i}", user="nlp1") for i in range(3)]
    ledger = a_site(*tasks[:2], run(30, "nlp", 0, HOUR, job_id="17_0", user="nlp1"))
    job = {"kind": "run", "cluster": "alpha", "job_id": "16", "user": "nlp1"}
    whole = a_rule({}, {"team": "cv"}, **job)
    assert touched(ledger, SITE, Retag(9, whole, 0, "")) == [1, 2]
    retag(ledger, whole)
    write(ledger, tasks[2])
    price(ledger, SITE, JUNE)
    assert [row[:2] for row in billed(ledger)] == [
        ("16_0", "cv"), ("16_1", "cv"), ("16_2", "cv"), ("17_0", "nlp"),
    ]  # fmt: skip


def test_what_would_move_is_told_and_nothing_is_written() -> None:
    ledger = a_site(run(1, "nlp", 0, HOUR, gpus=2), run(2, "nlp", 0, HOUR), run(3, "cv", 0, HOUR))
    write(ledger, run(4, "nlp", 0, HOUR))
    before = list(ledger.db.iterdump())
    effect = of_adding(ledger, SITE, Retag(1, a_rule({"project": "nlp-p"}, {"team": "cv"}), 0, ""))
    assert list(ledger.db.iterdump()) == before
    (move,) = effect.moves
    assert dict(move.before) == {"team": "nlp", "project": "nlp-p", "cost_center": "cc-nlp"}
    assert dict(move.after) == {"team": "cv", "project": "nlp-p", "cost_center": "cc-cv"}
    assert (move.runs, move.gpu_seconds, effect.unpriced) == (3, 4 * HOUR, 1)
    whole = ledger.db.execute("SELECT sum(billed_ticks) FROM charges WHERE usage_id < 3").fetchone()
    assert (move.billed_ticks,) == whole
    assert (effect.touched, effect.same) == ([1, 2, 4], 0)


def test_the_audit_says_who_when_why_and_from_what_to_what() -> None:
    ledger = a_site(run(1, "nlp", 0, HOUR), run(2, "nlp", 0, HOUR))
    retag(ledger, a_rule({"team": "nlp"}, {"project": "p"}, ticket="OPS-1", approver="pi"))
    undo(ledger, SITE, 1, "was right", JUNE + 9, "ops")
    assert [tuple(one) for one in entries(ledger.db)][-2:] == [
        (JUNE, "root", "retag add", "1: project=p for runs with team=nlp: project=nlp-p -> "
         "project=p (2 runs); why; ticket OPS-1; approved by pi"),
        (JUNE + 9, "ops", "retag undo", "1: project=p for runs with team=nlp: project=p -> "
         "project=nlp-p (2 runs); was right"),
    ]  # fmt: skip


def test_which_retags_a_run_has_is_told() -> None:
    ledger = a_site(run(1, "nlp", 0, HOUR), run(2, "cv", 0, HOUR))
    assert applied(ledger.db, SITE.policy, 1) == []
    made = retag(ledger, a_rule({"team": "nlp"}, {"project": "p"}))
    assert applied(ledger.db, SITE.policy, 1) == [made] == in_force(ledger.db)
    assert applied(ledger.db, SITE.policy, 2) == []


def test_a_class_of_customers_follows_the_team_that_is_set() -> None:
    dear = Rate("gres/gpu:h100", 5_000_000, 0, match=(("class", "industry"),), rank=1)
    def terms(of_class: str) -> Terms:
        classes = (("ops", (Piece(NEVER, of_class),)),)
        return Terms((RATE, dear), SITE.policy, CALENDAR,
                     charging=Charging(classes, "internal"))  # fmt: skip

    ledger = a_ledger()
    write(ledger, run(1, "nlp", 0, HOUR))
    price(ledger, terms("internal"), JUNE)
    retag(ledger, a_rule({"team": "nlp"}, {"team": "ops"}))
    assert price(ledger, terms("internal"), JUNE).again == 1
    found = price(ledger, terms("industry"), JUNE)
    assert (found.again, found.after > found.before) == (1, True)


def test_a_changed_policy_prices_no_more_than_it_moves() -> None:
    ledger = a_site(run(1, "nlp", 0, HOUR), run(2, "nlp", 0, HOUR, partition="spot"))
    retag(ledger, a_rule({"partition": "spot"}, {"team": "ops"}))
    price(ledger, SITE, JUNE)
    teams = tuple(team if team.name != "nlp" else CLOSED[1] for team in TEAMS)
    changed = Terms((RATE,), Policy(required=("team",), teams=teams), CALENDAR)
    assert price(ledger, changed, JUNE).again == 1
    assert [row[1:4:2] for row in billed(ledger)] == [("nlp", "cc-new"), ("ops", "cc-ops")]


def test_a_rehearsal_bills_the_same() -> None:
    ledger = a_site(run(1, "nlp", 0, HOUR), run(2, "cv", DAY, HOUR))
    retag(ledger, a_rule({"team": "nlp"}, {"team": "ops"}))
    price(ledger, SITE, JUNE)
    with rehearsed(ledger, SITE, CALENDAR.period("2026-06"), JUNE) as copy:
        assert truth(copy) == truth(ledger)


# ---- laws

some = st.sampled_from(["nlp", "cv", "ops", None])
matches = st.fixed_dictionaries({}, optional={
    "team": some, "account": st.sampled_from(["nlp", "cv"]), "name": st.sampled_from(["s*", "t?"]),
    "partition": st.sampled_from(["h100", "spot"]), "cost_center": st.just("cc-nlp"),
}).filter(bool)  # fmt: skip
rules = st.builds(
    a_rule, matches,
    st.dictionaries(st.sampled_from(["team", "project", "cost_center"]), some, min_size=1),
    since=st.sampled_from([None, None, JUNE + HOUR]),
    until=st.sampled_from([None, JUNE + 2 * HOUR]),
)  # fmt: skip
runs = st.lists(st.tuples(
    st.sampled_from(["nlp", "cv", ""]), st.integers(0, 3), st.sampled_from(["s1", "t2", "x"]),
    st.sampled_from(["h100", "spot"]),
), min_size=1, max_size=5).map(lambda rows: [
    run(i, team, start * HOUR, HOUR, job_name=name, partition=partition)
    for i, (team, start, name, partition) in enumerate(rows)
])  # fmt: skip
#: What may happen to a ledger, in any order.
steps = st.lists(st.one_of(
    st.just(("price", SITE)), st.just(("price", OTHER)),
    st.integers(0, 3).map(lambda i: ("undo", i)),
    rules.map(lambda rule: ("add", rule)), runs.map(lambda some: ("write", some)),
), min_size=3, max_size=9)  # fmt: skip


def take(ledger: Ledger, step: tuple[str, Any], terms: Terms) -> Terms:
    what, value = step
    if what == "price":
        price(ledger, value, JUNE)
        return value  # type: ignore[no-any-return]
    if what == "write":
        write(ledger, *value)
    elif what == "add":
        if value not in [one.wanted for one in in_force(ledger.db)]:
            retag(ledger, value, terms)
    elif value < len(in_force(ledger.db)):
        undo(ledger, terms, in_force(ledger.db)[value].id, "wrong", JUNE, "ops")
    return terms


@settings(max_examples=60, deadline=None)
@given(runs, steps)
def test_whatever_came_first_bills_are_those_of_a_ledger_priced_once(
    first: list[Run], many: list[tuple[str, Any]]
) -> None:
    ledger, terms = a_ledger(), SITE
    write(ledger, *first)
    for step in many:
        terms = take(ledger, step, terms)
    price(ledger, terms, JUNE)
    fresh = a_ledger()
    for made in in_force(ledger.db):
        retag(fresh, made.wanted, terms)
    write(fresh, *first)
    for what, value in many:
        if what == "write":
            write(fresh, *value)
    price(fresh, terms, JUNE)
    assert truth(ledger) == truth(fresh)


@settings(max_examples=40, deadline=None)
@given(runs, st.lists(rules, min_size=1, max_size=3, unique=True))
def test_what_is_undone_leaves_bills_as_they_were(first: list[Run], many: list[Wanted]) -> None:
    ledger = a_site(*first)
    before = truth(ledger)
    for wanted in many:
        retag(ledger, wanted)
    price(ledger, SITE, JUNE)
    for made in in_force(ledger.db):
        undo(ledger, SITE, made.id, "wrong", JUNE, "ops")
    price(ledger, SITE, JUNE)
    assert truth(ledger) == before


def test_a_retag_that_cannot_be_stored_changes_nothing() -> None:
    ledger = a_site(run(1, "nlp", 0, HOUR))
    before = list(ledger.db.iterdump())
    with pytest.raises(Exception, match="CHECK"):
        retag(ledger, a_rule({"team": "nlp"}, {"project": "p"}, reason=" "))
    assert list(ledger.db.iterdump()) == before
