"""Which allocations cannot stand together: nobody could say which is used first."""

from dataclasses import replace

import pytest

from slurm_finops.core.lots import Lot, check_lots
from slurm_finops.core.rates import RateError

GRANT = Lot("grant", "nlp", None, True, 1, 100, 200, (("gres/gpu", 1),), where="allocations[1]")
OWN = replace(GRANT, project="llama")


def test_two_that_could_pay_for_one_run_and_expire_together_are_named() -> None:
    with pytest.raises(RateError, match=r"allocations\[1\] \(grant\) and allocations\[2\] \(too\)"):
        check_lots([GRANT, replace(GRANT, name="too", where="allocations[2]")])


@pytest.mark.parametrize("one", [GRANT, OWN])
@pytest.mark.parametrize("change", [
    {"amount": 2}, {"hours": False, "use": ()}, {"use": (("gres/gpu:h100", 7),)},
    {"match": (("qos", "high"),)}, {"first": 150},
])  # fmt: skip
def test_what_does_not_keep_them_apart(one: Lot, change: dict[str, object]) -> None:
    with pytest.raises(RateError, match="give the one that is to be used first a higher rank"):
        check_lots([replace(one, name="other", team="cv"), one, replace(one, name="too", **change)])


@pytest.mark.parametrize("change", [
    {"rank": 1}, {"team": "cv"}, {"project": "other"}, {"project": None}, {"last": 201},
    {"use": (("cpu", 1),)}, {"match": (("partition", "spot"),)},
])  # fmt: skip
def test_what_does(change: dict[str, object]) -> None:
    ours = replace(OWN, match=(("partition", "h100"),))
    check_lots([ours, replace(ours, name="too", **change)])
