"""Names and globs, in work bounded by their length."""

from fnmatch import translate
from re import fullmatch

from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.core.globs import MAX_BYTES, Globs


@given(
    st.lists(st.text("ab*?\\.|\n", max_size=5), max_size=4), st.text("ab*?\\.|\n", max_size=6)
)  # fmt: skip
def test_globs_mean_what_a_shell_means_by_them(globs, value):
    ours = Globs([glob for glob in globs if glob]).match(value)
    shells = (fullmatch(translate(glob), value) for glob in globs if glob)
    assert ours == any(shell is not None for shell in shells)


def test_many_stars_are_no_more_work_than_their_length():
    assert not Globs(["*-" * 40 + "x"]).match("-" * 900)
    assert Globs(["*-" * 40 + "x"]).match("-" * (MAX_BYTES - 1) + "x")


def test_no_glob_fits_what_is_too_long():
    assert not Globs(["*"]).match("x" * (MAX_BYTES + 1))
    assert not Globs(["*"]).match("é" * (MAX_BYTES // 2 + 1))
    assert Globs(["x" * 300]).match("x" * 300)
