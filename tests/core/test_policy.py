"""What a site asks of tags, and who may charge whom."""

import pytest

from slurm_finops.core.faults import Fault
from slurm_finops.core.globs import Globs
from slurm_finops.core.policy import MAX_TOLD, MAX_TOLD_BYTES, Exempt, Policy, TeamRule, Who
from slurm_finops.core.tags import NO_CLAIM, UNTAGGED, Claim, Tags, parse_comment

NLP = TeamRule("nlp", "product-ai", ("llama", "moe"), ("nlp-*", "shared"))
CV = TeamRule("cv", "vision", ("segment",), ("cv",))
OPEN = TeamRule("platform", None, ("infra",), None)
REGISTRY = Policy(required=("team",), registry=True, teams=(NLP, CV, OPEN))
RIGHT = Tags("nlp", "llama", "run-1")


def codes(faults: tuple[Fault, ...]) -> list[tuple[str, str]]:
    return [(fault.code, fault.key) for fault in faults]


def allowing(*globs: str, key: str = "team") -> Policy:
    return Policy(required=(), allowed={key: globs})


def claimed(**tags: str) -> Claim:
    return Claim(Tags(**tags), (), "comment")


# ---- what must be there


def test_right_tags_have_no_faults():
    assert Policy().judge(RIGHT) == ()


@pytest.mark.parametrize("key", ["team", "project", "experiment"])
def test_a_required_tag_is_missed(key):
    assert codes(Policy().judge(RIGHT._replace(**{key: None}))) == [("missing", key)]


def test_only_what_is_required_is_missed():
    assert Policy(required=("model",)).judge(Tags(model="m")) == ()
    assert codes(Policy().judge(UNTAGGED)) == [
        ("missing", "team"), ("missing", "project"), ("missing", "experiment"),
    ]  # fmt: skip


# ---- what a value may be


@pytest.mark.parametrize(
    ("glob", "value"),
    [
        ("nlp", "nlp"),
        ("llama-*", "llama-"),
        ("llama-*", "llama-3-70b"),
        ("*-prod", "a-prod"),
        ("r?n", "r-n"),
        ("a.b", "a.b"),
        ("a+(b)[c]|^$", "a+(b)[c]|^$"),
        ("back\\slash*", "back\\slash and more"),
        ("?", "é"),
        ("?", "😀"),
    ],
)
def test_a_glob_allows(glob, value):
    assert allowing(glob).judge(Tags(team=value)) == ()


@pytest.mark.parametrize(
    ("glob", "value"),
    [
        ("nlp", "nlp2"),
        ("nlp", "xnlp"),
        ("nlp", "NLP"),
        ("nlp", "nlp\n"),
        ("nlp", "cv\nnlp"),
        ("nlp", "nlp\ncv"),
        ("llama-*", "x\nllama-3"),
        ("*-prod", "a-prod\n"),
        ("a.b", "axb"),
        ("r?n", "rn"),
        ("?", "ab"),
        ("[ab]", "a"),
        ("a|b", "a"),
    ],
)
def test_a_glob_is_matched_whole(glob, value):
    (fault,) = allowing(glob).judge(Tags(team=value), hint=False)
    assert (fault.code, fault.key) == ("unknown", "team")


def test_a_newline_never_slips_into_a_value():
    claim = parse_comment('{"team":"llama-1\\nllama-2"}')
    assert claim.tags.team is None
    assert allowing("llama-*").status(claim) == "invalid"


def test_no_globs_allow_nothing():
    assert codes(allowing().judge(Tags(team="nlp"))) == [("unknown", "team")]
    assert not Globs(()).match("")


def test_a_tag_without_a_list_may_be_anything():
    assert allowing("nlp").judge(Tags(team="nlp", model="whatever")) == ()


@pytest.mark.parametrize(("value", "size"), [("a" * 9, 9), ("ééééa", 9), ("日日日", 9)])
def test_length_is_counted_in_bytes(value, size):
    assert Policy(required=(), max_length=size).judge(Tags(team=value)) == ()
    (fault,) = Policy(required=(), max_length=size - 1).judge(Tags(team=value))
    assert fault.code == "value_too_long"
    assert fault.message == f'"team" is 9 bytes long; at most {size - 1} are allowed'


@pytest.mark.parametrize("value", [" nlp", "nlp ", "  "])
def test_a_space_at_an_end_is_a_fault(value):
    assert codes(Policy(required=()).judge(Tags(team=value))) == [("spaces", "team")]


def test_one_value_may_have_several_faults():
    faults = allowing("cv").judge(Tags(team="nlp "))
    assert codes(faults) == [("spaces", "team"), ("unknown_of", "team")]


def test_a_value_that_is_too_long_is_not_looked_at_further():
    faults = Policy(required=(), max_length=3, allowed={"team": ("cv",)}).judge(Tags(team="nlp "))
    assert codes(faults) == [("value_too_long", "team")]


def test_a_placeholder_that_was_left_in_is_no_value():
    faults = Policy(required=()).judge(Tags(team="<team>", project="<team>", model="<b>"))
    assert codes(faults) == [("placeholder", "team")]


# ---- did you mean


@pytest.mark.parametrize(
    ("value", "hint"),
    [("nlpp", 'did you mean "nlp"?'), ("platfrom", 'did you mean "platform"?')],
)
def test_the_nearest_name_is_suggested(value, hint):
    for policy in (allowing("nlp", "cv", "platform", "x-*"), REGISTRY):
        (fault,) = policy.judge(Tags(team=value))
        assert fault.message == f'unknown team "{value}"; {hint}'


def test_a_stranger_is_named_without_a_suggestion():
    (fault,) = REGISTRY.judge(Tags(team="geophysics"))
    assert fault.message == 'unknown team "geophysics"; known: nlp, cv, platform'
    many = allowing(*(f"team-{i}" for i in range(MAX_TOLD + 1)))
    (fault,) = many.judge(Tags(team="geophysics"))
    assert fault.message == 'unknown team "geophysics"'
    (fault,) = allowing("x" * (MAX_TOLD_BYTES + 1)).judge(Tags(team="geophysics"))
    assert fault.message == 'unknown team "geophysics"'


def test_a_glob_is_never_suggested():
    (fault,) = allowing("nlp-*").judge(Tags(team="nlp_*"))
    assert "did you mean" not in fault.message


# ---- the registry


@pytest.mark.parametrize(
    "tags",
    [Tags("nlp", "llama"), Tags("nlp"), Tags("platform", "infra"), Tags("cv", model="any")],
)
def test_registered_teams_and_projects_are_right(tags):
    assert REGISTRY.judge(tags) == ()


def test_a_project_must_be_one_of_its_own_team():
    assert codes(REGISTRY.judge(Tags("cv", "llama"))) == [("unknown_of", "project")]


def test_the_projects_of_an_unknown_team_are_not_judged():
    assert codes(REGISTRY.judge(Tags("nobody", "llama"))) == [("unknown_of", "team")]


def test_a_list_and_the_registry_must_both_allow():
    both = Policy(required=(), registry=True, teams=(NLP, CV), allowed={"team": ("nlp", "bio")})
    assert both.judge(Tags("nlp")) == ()
    assert codes(both.judge(Tags("cv"))) == [("unknown_of", "team")]
    assert codes(both.judge(Tags("bio"))) == [("unknown_of", "team")]


def test_without_the_registry_any_team_is_right():
    assert Policy(required=(), teams=(NLP,)).judge(Tags("bio", "any")) == ()


# ---- who may charge whom


def test_a_claim_by_a_listed_account_stands():
    for account in ("nlp-train", "nlp-", "shared"):
        found = REGISTRY.attribute(claimed(team="nlp", project="llama"), Who(account))
        assert found == claimed(team="nlp", project="llama", cost_center="product-ai")


@pytest.mark.parametrize("account", ["cv", "nlp", "xnlp-train", "NLP-train", "shared2", ""])
def test_a_list_names_accounts_whole(account):
    assert not NLP.names(Who(account))


def test_a_contested_claim_is_billed_to_the_team_of_the_account_and_told():
    found = REGISTRY.attribute(claimed(team="nlp", project="llama", experiment="e"), Who("cv"))
    assert found.tags == Tags("cv", "llama", "e", cost_center="vision")
    assert found.source == "account"
    (fault,) = found.faults
    assert (fault.code, fault.key) == ("not_yours", "team")
    assert fault.message == 'account cv may not charge team "nlp"'


def test_a_contested_claim_takes_its_cost_center_with_it():
    found = REGISTRY.attribute(claimed(team="nlp", cost_center="product-ai"), Who("cv"))
    assert found.tags == Tags("cv", cost_center="vision")


def test_a_contested_claim_of_an_account_without_a_team_is_nobodys():
    found = REGISTRY.attribute(claimed(team="nlp", cost_center="product-ai"), Who("guest"))
    assert (found.tags, found.source) == (UNTAGGED, "account")
    assert codes(found.faults) == [("not_yours", "team")]
    assert REGISTRY.status(found) == "invalid"


def test_a_contested_claim_keeps_its_other_faults():
    found = REGISTRY.attribute(parse_comment('{"team":"nlp","model":3}'), Who("cv"))
    assert codes(found.faults) == [("not_string", "model"), ("not_yours", "team")]


def test_a_contested_seal_is_contested_too():
    found = REGISTRY.attribute(Claim(Tags("nlp"), (), "seal"), Who("cv"))
    assert (found.tags.team, found.source) == ("cv", "account")


def test_an_empty_list_lets_nobody_charge():
    closed = Policy(teams=(TeamRule("closed", accounts=()),))
    found = closed.attribute(claimed(team="closed"), Who("any"))
    assert codes(found.faults) == [("not_yours", "team")]


@pytest.mark.parametrize("tags", [{"team": "platform"}, {"team": "bio"}, {"project": "llama"}, {}])
def test_a_team_without_a_list_or_a_rule_may_be_charged_by_anyone(tags):
    assert REGISTRY.attribute(claimed(**tags), Who("guest")) == claimed(**tags)


def test_an_account_does_not_lend_its_team_to_the_untagged():
    assert REGISTRY.attribute(NO_CLAIM, Who("cv")) == NO_CLAIM


def test_a_cost_center_that_was_given_stands():
    found = REGISTRY.attribute(claimed(team="nlp", cost_center="other"), Who("shared"))
    assert found.tags.cost_center == "other"


@pytest.mark.parametrize(
    ("who", "may"),
    [
        (Who("nlp-a", "ann"), True),
        (Who("x", "carl"), True),
        (Who("x", "ann", "wk-1"), True),
        (Who("x", "ann", "wk"), False),
        (Who(""), False),
        (Who(None), True),  # nobody knows yet
    ],
)
def test_any_list_that_names_the_run_lets_it_charge(who, may):
    team = TeamRule("nlp", accounts=("nlp-*",), users=("carl",), wckeys=("wk-*",))
    found = Policy(teams=(team,)).attribute(claimed(team="nlp"), who)
    assert (found.tags.team == "nlp") == may


# ---- the site's own rules

DEFAULTS = Policy(
    required=("team", "project"), teams=(NLP, CV),
    defaults=(("cv", (("team", "cv"), ("project", "segment"))), ("*", (("project", "misc"),))),
)  # fmt: skip


def test_an_account_says_what_a_job_leaves_out():
    found = DEFAULTS.attribute(claimed(project="p"), Who("cv"))
    assert found == Claim(Tags("cv", "p", cost_center="vision"), (), "comment")


def test_tags_of_rules_alone_are_told_apart():
    found = DEFAULTS.attribute(NO_CLAIM, Who("cv"))
    assert found == Claim(Tags("cv", "segment", cost_center="vision"), (), "rule")
    assert DEFAULTS.faults(found) == ()
    assert DEFAULTS.status(found) == "valid"


def test_the_first_rule_that_names_the_account_holds():
    assert DEFAULTS.attribute(NO_CLAIM, Who("other")).tags == Tags(project="misc")
    assert codes(DEFAULTS.faults(DEFAULTS.attribute(NO_CLAIM, Who("other")))) == [
        ("missing", "team"),
    ]  # fmt: skip


def test_a_rule_does_not_mend_what_was_said_wrongly():
    found = DEFAULTS.attribute(parse_comment('{"team":5}'), Who("cv"))
    assert (found.tags.team, codes(found.faults)) == (None, [("not_string", "team")])


@pytest.mark.parametrize(
    ("who", "exempt"),
    [
        (Who("a", "root"), True),
        (Who("ops-1", "ann"), True),
        (Who("a", "ann", "", "debug"), True),
        (Who("a", "ann", "", "debug,main"), False),
        (Who("a", "ann", "", "debug,test-1"), True),
        (Who("a", "ann", "", "", "interactive"), True),
        (Who("a", "ann"), False),
        (Who(), False),
    ],
)
def test_whose_jobs_are_asked_for_nothing(who, exempt):
    rule = Exempt(("root",), ("ops-*",), ("debug", "test-*"), ("interactive",))
    assert rule.covers(who) == exempt
    assert not Exempt().covers(who)


def test_attributing_twice_says_it_once():
    once = REGISTRY.attribute(claimed(team="nlp"), Who("cv"))
    assert REGISTRY.attribute(once, Who("cv")) == once


# ---- what counts as covered


@pytest.mark.parametrize(
    ("claim", "status"),
    [
        (claimed(team="nlp", project="llama", experiment="e"), "valid"),
        (claimed(team="nlp"), "invalid"),
        (parse_comment('{"team":"nlp","project":"p","experiment":"e","model":1}'), "invalid"),
        (parse_comment("not json"), "invalid"),
        (parse_comment("{}"), "untagged"),
        (parse_comment('{"note":"x"}'), "untagged"),
        (parse_comment(""), "untagged"),
        (NO_CLAIM, "untagged"),
        (Claim(UNTAGGED, (), "seal"), "untagged"),
    ],
)
def test_only_right_tags_are_valid(claim, status):
    assert Policy().status(claim) == status


def test_nothing_said_is_untagged_even_where_nothing_is_required():
    assert Policy(required=()).status(NO_CLAIM) == "untagged"
    assert Policy(required=()).status(claimed(model="m")) == "valid"


# ---- all that is wrong, each tag once


@pytest.mark.parametrize(
    ("text", "codes_of_all"),
    [
        ('{"team":"nlp","project":"llama"}', []),
        ('{"project":"llama"}', [("missing", "team")]),
        ('{"team":""}', [("empty", "team")]),
        ('{"cc":5}', [("not_string", "cc"), ("missing", "team")]),
        ('{"team":"cv","project":"llama","cc":""}', [("empty", "cc"), ("unknown_of", "project")]),
        ("not json", [("unquoted", "")]),
        ("[]", [("not_object", "")]),
        ("", [("absent", "")]),
    ],
)
def test_each_tag_is_faulted_once(text, codes_of_all):
    asked = Policy(required=("team",), registry=True, teams=(NLP, CV), allowed={"model": ()})
    assert codes(asked.faults(parse_comment(text))) == codes_of_all


def test_a_fault_under_an_alias_is_the_fault_of_its_tag():
    asked = Policy(required=("cost_center",))
    assert codes(asked.faults(parse_comment('{"cc":5}'))) == [("not_string", "cc")]


def test_a_contested_team_is_not_faulted_again():
    found = REGISTRY.attribute(claimed(team="nlp"), Who("guest"))
    assert codes(REGISTRY.faults(found)) == [("not_yours", "team")]
