"""Hostlist expressions as the real scontrol expands them."""

import subprocess

import pytest

from slurm_finops.core.hostlist import expand
from tests.live.conftest import Cluster

pytestmark = pytest.mark.slurm

SAME = [
    "n1", "gpu[01-04,7],login1,rack[1-2]node[1-3]", "n[1-2][3-4]", "n[1-2]3[4-5]", "n[9-11]",
    "n[09-11]", "n[099-101]", "n[001-1000]", "n[1-01]", "n[1-001]", "n[00-0]", "n[0-0]", "n[1,1]",
    "n[7,01-03,2]", "a[1-2],a1", "n1,,n2", ",n1", "n1,", "n[1-2],", "n1 n2", "n1\tn2,n3\nn4",
    "[1-3]", "n1-3", "n{1-2}", "A-b.c_d[1-2]", "n[000001-000003]", "",
]  # fmt: skip
#: Of three brackets Slurm counts the first one up before the second; ours goes as it is read.
IN_ANOTHER_ORDER = ["rack[01-02]u[8-10]s[1,3]", "a[1-2]b[1-2]c[1-2]d[1-2]"]
#: Slurm has reasons of its own against a name that goes on after its last bracket; for us a
#: person may write one.
OURS = ["n[1-2]x", "n[1-2]-ib,m3", "n[1-2]3", "n[1-2]x[3-4]y"]
REFUSED_BY_BOTH = [
    "n[3-1]", "n[]", "n[1,]", "n[,1]", "n[a-b]", "n[1-2-3]", "n[-3]", "n[1-2;3]", "n[1-3]]",
    "n[[1-2]]", "n[0x1-0x3]",
]  # fmt: skip
#: What Slurm makes of a slip, with the names nobody meant.
SLIPS = {"n[1": ["n]"],
         "n[1-2": ["n]"], "n1]": ["n1]"], "n[3-]": ["n3"], "n[1 - 2]": ["n01", "n02"],
         "n[1, 2]": ["n1", "n02"]}  # fmt: skip


def slurms(expression: str) -> list[str] | None:
    """The names that scontrol prints; None where it refuses."""
    done = subprocess.run(
        ["scontrol", "show", "hostnames", expression], capture_output=True, text=True, timeout=60
    )
    return None if "Invalid hostlist" in done.stderr else done.stdout.split()


def ours(expression: str) -> list[str] | None:
    try:
        return expand(expression)
    except ValueError:
        return None


def test_names_are_those_of_scontrol(cluster: Cluster) -> None:
    for expression in SAME:
        names = slurms(expression)
        assert names is not None, expression
        assert ours(expression) == names, expression
    for expression in IN_ANOTHER_ORDER:
        assert sorted(expand(expression)) == sorted(slurms(expression) or []), expression


def test_what_scontrol_refuses_is_refused(cluster: Cluster) -> None:
    for expression in REFUSED_BY_BOTH:
        assert (ours(expression), slurms(expression)) == (None, None), expression


def test_where_we_are_not_like_scontrol_is_known(cluster: Cluster) -> None:
    for expression in OURS:
        assert slurms(expression) is None, expression
        assert ours(expression), expression
    for expression, names in SLIPS.items():
        assert (ours(expression), slurms(expression)) == (None, names), expression


def test_what_slurm_folds_is_what_it_stands_for(cluster: Cluster) -> None:
    for names in (["n1", "n2"], ["gpu01", "gpu02", "gpu4"], ["a1b1", "a1b2", "a2b1"], ["n9", "n10"],
                  [f"c{i:03d}" for i in range(1, 300, 2)]):  # fmt: skip
        folded = cluster.run("scontrol", "show", "hostlist", ",".join(names))
        assert sorted(expand(folded)) == sorted(names), folded
