"""[readiness] of finops.toml, and each slip in it."""

from pathlib import Path

import pytest

from slurm_finops.config import load
from slurm_finops.config.model import Readiness
from slurm_finops.errors import ConfigError
from tests.support import a_config


def loaded(tmp_path: Path, text: str) -> Readiness:
    return load(a_config(tmp_path, 'cluster = "alpha"\ncurrency = "USD"\n' + text)).readiness


def test_what_is_wanted_where_nothing_is_said(tmp_path: Path) -> None:
    assert loaded(tmp_path, "") == Readiness(coverage=8_000, weeks=6, edits=1)


def test_percentages_are_exact(tmp_path: Path) -> None:
    text = '[readiness]\ncoverage = "92.55"\nweeks = 26\nedits = 0\n'
    assert loaded(tmp_path, text) == Readiness(coverage=9_255, weeks=26, edits=0)
    assert loaded(tmp_path, '[readiness]\ncoverage = "100"\n').coverage == 10_000


@pytest.mark.parametrize(("text", "said"), [
    ("coverage = 80", 'readiness.coverage: is a number; write it as a text, coverage = "80"'),
    ('coverage = "0"', "readiness.coverage: is not above 0 and up to 100"),
    ('coverage = "100.01"', "readiness.coverage: is not above 0 and up to 100"),
    ('coverage = "80%"', "readiness.coverage: '80%' is not a plain decimal number"),
    ("weeks = 3", "readiness.weeks: is 3; expected 4 to 26"),
    ("weeks = 27", "readiness.weeks: is 27; expected 4 to 26"),
    ('weeks = "6"', "readiness.weeks: is '6'; expected a whole number from 4 to 26"),
    ("edits = 3", "readiness.edits: is 3; expected 0 to 2"),
    ("edits = -1", "readiness.edits: is -1; expected 0 to 2"),
    ("edits = true", "readiness.edits: is True; expected a whole number from 0 to 2"),
    ('coverge = "80"', "readiness.coverge: is no key here; did you mean 'coverage'?"),
])  # fmt: skip
def test_each_slip_names_the_key(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, f"[readiness]\n{text}\n")
    assert f"{tmp_path / 'finops.toml'}: {said}" in str(caught.value)
