"""Which reservations a rule takes, and what of one is left unused."""

from slurm_finops.core.reservations import Holder, IdleRule, unused

NLP = (Holder("nlp", ""), Holder("cv-lab", "alice"))


def test_a_rule_without_a_match_takes_all() -> None:
    assert IdleRule("idle").matches("anything", ())


def test_a_rule_goes_by_the_name_and_by_any_holders_account() -> None:
    rule = IdleRule("idle", "course-*", "cv-*")
    assert rule.matches("course-1", NLP)
    assert not rule.matches("exam", NLP)
    assert not rule.matches("course-1", NLP[:1])


def test_what_is_left_is_never_below_zero() -> None:
    assert unused({"gres/gpu:h100": 10, "cpu": 5}, {"gres/gpu:h100": 4, "cpu": 7}) == {
        "gres/gpu:h100": 6, "cpu": 0,
    }  # fmt: skip


def test_gpus_that_accounting_has_no_type_of_are_taken_off_whatever_is_left() -> None:
    held_back = {"cpu": 4, "gres/gpu:a100": 10, "gres/gpu:h100": 10}
    assert unused(held_back, {"gres/gpu:a100": 8, "gres/gpu": 5, "mem": 9}) == {
        "cpu": 4, "gres/gpu:a100": 0, "gres/gpu:h100": 7,
    }  # fmt: skip
    assert unused({"gres/gpu": 10}, {"gres/gpu:h100": 3}) == {"gres/gpu": 7}
