"""Classes, factors, groups, rounding, forgiveness: what they mean, and what is said of slips."""

from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import pytest

from slurm_finops.config import Config, load
from slurm_finops.config.charging import STATES
from slurm_finops.core.charging import Factor, Forgiven, Group, Piece, Rounding, Tier
from slurm_finops.core.rates import EVER, NEVER
from slurm_finops.errors import ConfigError
from tests.support import CONFIG, a_config

NLP = '[[teams]]\nname = "nlp"\n'
DATED = NLP + """\
[[teams.classes]]
name = "academic"
from = 2026-01-01
[[teams.classes]]
name = "industry"
from = 2026-07-01
"""
FACTOR = '[[factors]]\nname = "priority"\nfactor = "3/2"\n'
FORGIVE = '[[forgive]]\nname = "lost nodes"\nstates = ["NODE_FAIL", "BOOT_FAIL"]\n'
ROUNDING = '[[rounding]]\nname = "by the minute"\n'
GROUP = '[[groups]]\nname = "node share"\nskus = ["cpu", "gres/gpu"]\n'
TIER = '[[tiers]]\nname = "volume"\nskus = ["gres/gpu"]\n'
STEPS = """\
steps = [ { from = "0", to = "10000", factor = "1" }, { from = "10000", factor = "0.9" } ]
"""
SUBSIDISED = '[[rates]]\nsku = "cpu"\nprice = "0.05"\nfrom = 2026-01-01\n'


def loaded(folder: Path, text: str) -> Config:
    return load(a_config(folder, CONFIG + text))


def instant(*date: int) -> int:
    return int(datetime(*date, tzinfo=UTC).timestamp())  # type: ignore[arg-type, misc]


def test_without_any_rule_there_is_no_policy(tmp_path: Path) -> None:
    assert not loaded(tmp_path, NLP).charging


def test_a_factor_is_an_exact_ratio_for_some_runs_and_skus(tmp_path: Path) -> None:
    text = FACTOR + 'match = { qos = "high", class = "industry" }\nskus = ["gres/gpu"]\n'
    text += "from = 2026-01-01\nuntil = 2026-07-01T12:00:00\n"
    (found,) = loaded(tmp_path, text).charging.factors
    assert found == Factor(
        "priority", Fraction(3, 2), (("class", "industry"), ("qos", "high")), ("gres/gpu",),
        instant(2026, 1, 1), instant(2026, 7, 1, 12), "factors[1]",
    )  # fmt: skip


@pytest.mark.parametrize(("text", "ratio"), [
    ("0", Fraction(0)), ("1.5", Fraction(3, 2)), ("2", Fraction(2)), ("7/3", Fraction(7, 3)),
    ("0.000001", Fraction(1, 10**6)),
])  # fmt: skip
def test_a_factor_may_be_a_decimal_or_a_fraction(
    tmp_path: Path, text: str, ratio: Fraction
) -> None:
    config = loaded(tmp_path, FACTOR.replace("3/2", text))
    assert config.charging.factors[0].ratio == ratio


def test_without_more_words_a_rule_is_for_all_and_for_ever(tmp_path: Path) -> None:
    policy = loaded(tmp_path, FACTOR + FORGIVE + ROUNDING + GROUP + TIER + STEPS).charging
    assert policy.factors == (Factor("priority", Fraction(3, 2), where="factors[1]"),)
    assert policy.forgiven == (
        Forgiven("lost nodes", ("NODE_FAIL", "BOOT_FAIL"), where="forgive[1]"),
    )
    assert policy.rounding == (Rounding("by the minute", where="rounding[1]"),)
    assert policy.groups == (Group("node share", ("cpu", "gres/gpu"), where="groups[1]"),)
    steps = ((0, Fraction(1)), (10_000 * 3600, Fraction(9, 10)))
    assert policy.tiers == (Tier("volume", ("gres/gpu",), steps, where="tiers[1]"),)
    assert {(rule.start, rule.end) for rule in policy.rules} == {(NEVER, EVER)}


def test_rounding_and_what_is_forgiven_have_a_rank_and_their_own_words(tmp_path: Path) -> None:
    text = ROUNDING + 'granularity = "hour"\nminimum = 90\nrank = 2\n'
    text += FORGIVE + 'part = "1/2"\nrank = -1\n'
    policy = loaded(tmp_path, text).charging
    assert policy.rounding[0].step == 3600
    assert (policy.rounding[0].minimum, policy.rounding[0].rank) == (90, 2)
    assert (policy.forgiven[0].part, policy.forgiven[0].rank) == (Fraction(1, 2), -1)


def test_dates_are_midnights_of_the_billing_zone(tmp_path: Path) -> None:
    text = CONFIG.replace('"UTC"', '"Europe/Zurich"') + DATED + FACTOR + "from = 2026-07-01\n"
    policy = load(a_config(tmp_path, text)).charging
    assert policy.factors[0].start == instant(2026, 6, 30, 22)
    assert policy.timeline("nlp")[1:] == (
        Piece(instant(2025, 12, 31, 23), "academic"), Piece(instant(2026, 6, 30, 22), "industry"),
    )  # fmt: skip


def test_before_its_first_class_a_team_is_what_all_others_are(tmp_path: Path) -> None:
    policy = loaded(tmp_path, DATED + '[billing]\nclass = "external"\n').charging
    assert [piece.of_class for piece in policy.timeline("nlp")] == [
        "external", "academic", "industry",
    ]  # fmt: skip
    assert policy.timeline("cv") == policy.timeline(None) == (Piece(NEVER, "external"),)
    assert loaded(tmp_path, DATED).charging.timeline("nlp")[0] == Piece(NEVER, "")


def test_a_team_may_be_of_one_class_for_ever(tmp_path: Path) -> None:
    policy = loaded(tmp_path, NLP + 'class = "academic"\n').charging
    assert policy.timeline("nlp") == (Piece(NEVER, "academic"),)


def test_a_rate_may_be_subsidised_in_whole(tmp_path: Path) -> None:
    (_, rate) = loaded(tmp_path, SUBSIDISED + 'subsidy = "0.05"\n').rates
    assert (rate.price, rate.subsidy) == (50_000, 50_000)


@pytest.mark.parametrize("state", STATES)
def test_every_state_in_which_a_run_ends_may_be_forgiven(tmp_path: Path, state: str) -> None:
    text = FORGIVE.replace('["NODE_FAIL", "BOOT_FAIL"]', f'["{state}"]')
    assert loaded(tmp_path, text).charging.states == {state}


def steps(text: str) -> str:
    return f"{TIER}steps = [ {text} ]\n"


@pytest.mark.parametrize(("text", "said"), [
    (FACTOR.replace("3/2", "-1"), "factors[1].factor: is -1; it is not below 0"),
    (FACTOR.replace('"3/2"', "1.5"), 'factors[1].factor: is 1.5; expected a text such as "1.5"'),
    (FACTOR.replace("3/2", "3/0"), "factors[1].factor: is '3/0'; expected a text"),
    (FACTOR.replace("3/2", "1e9"), "factors[1].factor: is '1e9'; expected a text"),
    (FACTOR.replace('factor = "3/2"', ""), "factors[1].factor: is missing; expected a text"),
    (FACTOR.replace('name = "priority"', ""), "factors[1].name: is missing"),
    (FACTOR + "skus = []\n", "factors[1].skus: is empty; leave it out if the factor is for all"),
    (FACTOR + 'sku = "cpu"\n', "factors[1].sku: is no key here; did you mean 'skus'?"),
    (FACTOR + "rank = 1\n", "factors[1].rank: is no key here; known: name, factor"),
    (FACTOR + 'match = { qoss = "x" }\n', "match.qoss: is no key here; did you mean 'qos'?"),
    (FACTOR + "from = 2026-02-01\nuntil = 2026-01-01\n", "factors[1].until: is not after from"),
    (FACTOR + "from = 2026-01-01\nuntil = 2026-01-01\n", "factors[1].until: is not after from"),
    (FACTOR + 'until = "2026-01-01"\n', "until: is '2026-01-01'; expected a date such as"),
    (FACTOR + FACTOR, "factors: 'priority' is given twice"),
    (FORGIVE.replace("BOOT_FAIL", "BOOT_FIAL"), "'BOOT_FIAL' is no state that a run ends in; "
     "did you mean 'BOOT_FAIL'?"),
    (FORGIVE.replace("BOOT_FAIL", "node_fail"), "did you mean 'NODE_FAIL'?"),
    (FORGIVE.replace("BOOT_FAIL", "RUNNING"), "forgive[1].states: 'RUNNING' is no state"),
    (FORGIVE.replace("BOOT_FAIL", "xyz"), "known: BOOT_FAIL, CANCELLED, COMPLETED, DEADLINE"),
    (FORGIVE.replace('"NODE_FAIL", "BOOT_FAIL"', ""), "forgive[1].states: is empty; expected some"),
    (FORGIVE.replace("states", "state"), "forgive[1].states: is missing; expected a list"),
    (FORGIVE + 'part = "0"\n', "forgive[1].part: is 0; expected more than 0, and 1 at most"),
    (FORGIVE + 'part = "1.01"\n', "forgive[1].part: is 101/100; expected more than 0, and 1"),
    (FORGIVE + "part = 1\n", "forgive[1].part: is 1; expected a text such as"),
    (FORGIVE + "rank = 9999999\n", "forgive[1].rank: is 9999999; expected -1048575 to 1048575"),
    (FORGIVE + FORGIVE.replace("lost nodes", "lost"), "forgive[1] (lost nodes) and forgive[2] "
     "(lost) could both forgive one run; give one of them a higher rank, or one more match key"),
    (FORGIVE + FORGIVE + "rank = 1\n", "forgive: 'lost nodes' is given twice"),
    (ROUNDING + 'granularity = "hours"\n', "granularity: is 'hours'; expected second or minute"),
    (ROUNDING + "minimum = -1\n", "rounding[1].minimum: is -1; expected 0 to 31536000 seconds"),
    (ROUNDING + "minimum = 31536001\n", "expected 0 to 31536000 seconds"),
    (ROUNDING + 'minimum = "60"\n', "minimum: is '60'; expected a whole number of seconds"),
    (ROUNDING + "rank = -1048576\n", "rounding[1].rank: is -1048576; expected"),
    (ROUNDING + ROUNDING.replace("minute", "hour"), "could both book one run's time"),
    (GROUP.replace('"cpu", ', ""), "groups[1].skus: is ['gres/gpu']; a group has two or more"),
    (GROUP.replace('"cpu", ', '"gres/gpu", '), "groups[1].skus: 'gres/gpu' is given twice"),
    (GROUP + 'match = { class = "industry" }\n', "groups[1].match: has class; a group goes by"),
    (GROUP + 'combine = "mean"\n', "groups[1].combine: is 'mean'; expected sum or max"),
    (GROUP + GROUP.replace("node", "cpu"), "groups[1] (node share) and groups[2] (cpu share) both "
     "have cpu and could both apply to one run: which is first matters; put it in one group"),
    (TIER, "tiers[1].steps: is missing; expected some { from"),
    (TIER.replace('"gres/gpu"', "") + STEPS, "tiers[1].skus: names nothing to count"),
    (steps('{ from = "0", to = "5", factor = "1" }, { from = "6.50", factor = "1" }'),
     "steps[2].from: is 6.50, which leaves a hole: the step before ends at 5"),
    (steps('{ from = "0", to = "5", factor = "1" }, { from = "4", factor = "1" }'),
     "steps[2].from: is 4, which overlaps: the step before ends at 5"),
    (steps('{ from = "0.25", factor = "1" }'),
     "steps[1].from: is 0.25, which leaves a hole: the first begins at 0"),
    (steps('{ from = "0", to = "5", factor = "1" }'),
     "tiers[1].steps: has an end; leave out the last step's to"),
    (steps('{ from = "0", factor = "1" }, { from = "5", factor = "1" }'),
     "steps[2].from: comes after a step that has no end"),
    (steps('{ from = "0", to = "0", factor = "1" }'), "steps[1].to: is not more than from"),
    (steps('{ from = "0", to = 5, factor = "1" }'), "steps[1].to: is 5; expected a text such as"),
    (steps('{ from = "0", to = "5.001", factor = "1" }'), "has more than 2 decimals"),
    (steps('{ from = "0", factor = "-1" }'), "steps[1].factor: is -1; it is not below 0"),
    (steps('{ from = "0", ratio = "1" }'), "steps[1].factor: is missing"),
    (SUBSIDISED + 'subsidy = "0.06"\n', "rates[2].subsidy: is more than the price, of which"),
    (SUBSIDISED + "subsidy = 0.01\n", "rates[2].subsidy: is a number; write it as a text, "
     'subsidy = "0.01"'),
    (DATED.replace("[[", 'class = "internal"\n[[', 2).replace('class = "internal"\n', "", 1),
     "teams[1].class: and [[teams.classes]] both say what the team is; give one"),
    (DATED.replace("2026-07-01", "2025-07-01"), "teams[1].classes: 'industry' does not begin "
     "after 'academic'"),
    (DATED.replace("2026-07-01", "2026-01-01"), "'industry' does not begin after 'academic'"),
    (DATED.replace("2026-07-01", "2026-07-01T12:00:00"), "this is for whole billing days"),
    (DATED.replace("from = 2026-07-01", ""), "teams[1].classes[2].from: is missing"),
    (DATED + 'unitl = 2027-01-01\n', "teams[1].classes[2].unitl: is no key here"),
    (NLP + 'class = ""\n', "teams[1].class: is empty; expected a class of customers"),
    ("[billing]\nclass = 1\n", "billing.class: is 1; expected a class of customers"),
])  # fmt: skip
def test_what_cannot_be_meant_is_named_with_its_key(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        loaded(tmp_path, text)
    assert said in str(error.value)
    assert str(tmp_path / "finops.toml") in str(error.value)


@pytest.mark.parametrize("kind", ["factors", "forgive", "rounding", "groups", "tiers"])
def test_a_rule_is_a_table(tmp_path: Path, kind: str) -> None:
    with pytest.raises(ConfigError, match=rf"{kind}: "):
        loaded(tmp_path, f"[{kind}]\nname = 'x'\n")
