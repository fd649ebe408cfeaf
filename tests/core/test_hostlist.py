"""Lists of hosts as Slurm writes them."""

import pytest

from slurm_finops.core.hostlist import hosts


@pytest.mark.parametrize("text, names", [
    ("", ()),
    ("n1", ("n1",)),
    ("n[1-3]", ("n1", "n2", "n3")),
    ("n[1,3],login", ("n1", "n3", "login")),
    ("gpu[008-010]-ib", ("gpu008-ib", "gpu009-ib", "gpu010-ib")),
    ("n[9-11]", ("n9", "n10", "n11")),
    ("r[1-2]n[1,2]", ("r1n1", "r1n2", "r2n1", "r2n2")),
])  # fmt: skip
def test_a_list_is_its_names(text: str, names: tuple[str, ...]) -> None:
    assert hosts(text) == names


@pytest.mark.parametrize("text", [
    "n[1-", "n]1", "n[]", "n[a-b]", "n[3-1]", "n[1-99999999]", "n[1-9999]m[1-9999]",
    ",".join(["n[1-60000]"] * 2),
])  # fmt: skip
def test_what_is_none_is_refused_in_bounded_work(text: str) -> None:
    with pytest.raises(ValueError, match="hosts"):
        hosts(text)
