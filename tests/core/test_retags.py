"""What retags make of a claim, against a plain reading of the rules."""

import json

from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.core.policy import Policy, TeamRule, Who
from slurm_finops.core.retags import Named, Place, Retag, Retags, Wanted, of_run, retagged, shown
from slurm_finops.core.tags import KEYS, NO_CLAIM, Claim, Tags, parse_comment

PLAIN = Policy(required=())
SITE = Policy(
    required=("team",), registry=True, defaults=(("nlp*", (("team", "nlp"), ("project", "p0"))),),
    teams=(TeamRule("nlp", "cc-nlp", ("p0", "p1"), accounts=("nlp*",)),
           TeamRule("cv", "cc-cv", ("p2",), accounts=("cv",))),
)  # fmt: skip
WHO = Who("nlp-a", "ada", "")
HERE = Place("alpha", "ada", "nlp-a", "h100", "normal", "")


def a_retag(number: int = 1, match: dict[str, str | None] | None = None, *,
            sets: dict[str, str | None], **more: object) -> Retag:  # fmt: skip
    wanted = Wanted("rule", None, None, None, None, None, tuple((match or {}).items()), None, None,
                    tuple(sets.items()), "why", "", "")  # fmt: skip
    return Retag(number, wanted._replace(**more), 0, "root")  # type: ignore[arg-type]


def said(**tags: str) -> Claim:
    return parse_comment(json.dumps(tags))


values = st.sampled_from(["a", "b", "c", None])
pairs = st.dictionaries(st.sampled_from(KEYS), values, max_size=3)
retag_lists = st.lists(st.tuples(pairs, pairs.filter(bool)), max_size=6)


@given(st.fixed_dictionaries(dict.fromkeys(KEYS, values)), retag_lists)
def test_the_later_wins_key_by_key_and_each_looks_at_what_those_before_left(
    tags: dict[str, str | None], many: list[tuple[dict[str, str | None], dict[str, str | None]]]
) -> None:
    retags = [a_retag(i, match, sets=sets) for i, (match, sets) in enumerate(many)]
    now, ids, centre_said = dict(tags), [], False
    for i, (match, sets) in enumerate(many):
        if any(now[key] != value for key, value in match.items()):
            continue
        ids.append(i)
        moves = "team" in sets and sets["team"] != now["team"]
        now |= sets
        centre_said = centre_said or "cost_center" in sets
        if moves and not centre_said:
            now["cost_center"] = None
    found = retagged(PLAIN, Claim(Tags(**tags), (), "comment"), WHO, retags)
    assert found.claim.tags._asdict() == now
    assert list(found.applied) == ids
    assert found.claim.source == ("retag" if ids else "comment")


def test_a_team_that_is_set_is_not_contested_and_brings_its_cost_centre() -> None:
    claim = said(team="nlp", project="p1", cost_center="cc-x")
    found = retagged(SITE, claim, WHO, [a_retag(sets={"team": "cv", "project": "p2"})]).claim
    assert found == Claim(Tags("cv", "p2", cost_center="cc-cv"), (), "retag")
    # what comes from a comment is contested, and a retag of another tag leaves that so
    contested = said(team="cv", project="p2")
    found = retagged(SITE, contested, WHO, [a_retag(sets={"project": "p1"})]).claim
    assert (found.tags.team, found.tags.project, found.source) == ("nlp", "p1", "retag")
    assert [fault.code for fault in found.faults] == ["not_yours"]


def test_a_cost_centre_that_is_set_stands_whatever_the_registry_says() -> None:
    for claim in (said(team="nlp"), said(team="cv"), NO_CLAIM):
        found = retagged(SITE, claim, WHO, [a_retag(sets={"cost_center": "cc-9"})]).claim
        assert (found.tags.team, found.tags.cost_center) == ("nlp", "cc-9")
    cleared = a_retag(sets={"cost_center": None})
    own = said(team="nlp", cost_center="cc-x")
    assert retagged(SITE, own, WHO, [cleared]).claim.tags.cost_center == "cc-nlp"


def test_what_is_cleared_no_default_brings_back() -> None:
    for claim in (NO_CLAIM, said(project="p1")):
        found = retagged(SITE, claim, WHO, [a_retag(sets={"project": None})]).claim
        assert found.tags == Tags("nlp", cost_center="cc-nlp")


def test_what_is_set_is_no_longer_wrong_nor_is_what_could_not_be_read() -> None:
    whole = a_retag(sets={"team": "nlp", "project": "p1"})
    for comment in ('{"team": 7, "project": ""}', "team=nlp", '{"team": "nlp", "team": "cv"}'):
        found = retagged(SITE, parse_comment(comment), WHO, [whole]).claim
        assert SITE.status(found) == "valid"
    other = retagged(SITE, parse_comment('{"team": 7}'), WHO, [a_retag(sets={"model": "m"})]).claim
    assert [fault.code for fault in other.faults] == ["not_string"]


def test_a_rule_matches_tags_as_they_are_billed() -> None:
    by_rule = a_retag(match={"team": "nlp", "project": "p0"}, sets={"project": "p1"})
    assert retagged(SITE, NO_CLAIM, WHO, [by_rule]).applied == (1,)
    assert retagged(SITE, NO_CLAIM, Who("cv"), [by_rule]).applied == ()
    nothing = a_retag(match={"team": None}, sets={"team": "cv"})
    assert retagged(SITE, NO_CLAIM, Who("physics"), [nothing]).claim.tags.team == "cv"


def applied(retag: Retag, place: Place = HERE, start: int | None = 50, **named: object) -> bool:
    run = Named("100_3", 103, 10, "sweep-7")._replace(**named)  # type: ignore[arg-type]
    return bool(of_run(Retags([retag]).of_place(place), start, lambda: run))


def test_a_rule_is_for_runs_from_there_that_started_then() -> None:
    def rule(match: dict[str, str | None], **more: object) -> Retag:
        return a_retag(match=match, sets={"team": "x"}, **more)

    assert applied(rule({"account": "nlp-a", "wckey": None, "qos": "normal"}))
    for key in ("account", "user", "partition", "qos", "wckey"):
        assert not applied(rule({key: "another"}))
        assert applied(rule({key: None})) is (key == "wckey")
    assert applied(rule({"name": "sweep-*"}))
    assert not applied(rule({"name": "sweep"}))
    assert not applied(rule({"name": None}))
    assert applied(rule({"user": "ada"}, cluster="alpha"))
    assert not applied(rule({"user": "ada"}, cluster="beta"))
    for since, until, whether in ((50, 51, True), (51, None, False), (None, 50, False)):
        assert applied(rule({"user": "ada"}, since=since, until=until)) is whether
    assert not applied(rule({"user": "ada"}, since=0), start=None)


def test_a_job_is_its_number_its_cluster_and_its_user() -> None:
    def job(**more: object) -> Retag:
        given = {"kind": "run", "cluster": "alpha", "user": "ada", "job_id": "100_3",
                 "job_id_raw": 103} | more  # fmt: skip
        return a_retag(sets={"team": "x"}, **given)

    assert applied(job())
    assert applied(job(job_id="100", job_id_raw=None))
    assert not applied(job(job_id="10", job_id_raw=None))
    assert not applied(job(job_id_raw=104))
    assert applied(job(submit=10))
    assert not applied(job(submit=11))
    assert not applied(job(), HERE._replace(user="eve"))
    assert not applied(job(), HERE._replace(cluster="beta"))


def test_pairs_are_shown_as_they_are_typed() -> None:
    assert shown((("account", "nlp"), ("project", None))) == "account=nlp, project=-"
