"""[[reservations]]: what they mean, and what is said of slips."""

from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from slurm_finops.config import load, load_instead
from slurm_finops.core.period import day_number
from slurm_finops.core.reservations import IdleRule
from slurm_finops.errors import ConfigError
from tests.config.test_pools import LINE, RESERVED
from tests.support import CONFIG, a_config

RULE = '[[reservations]]\nname = "idle"\n'
WHOLE = RULE + """\
match = { name = "course-*", account = "NLP-*" }
share = "1/2"
holders = "even"
from = 2026-06-02
partition = "h100"
"""


def rule(folder: Path, text: str) -> IdleRule:
    (found,) = load(a_config(folder, CONFIG + text)).allocation.reservations
    return found


def test_a_name_is_enough(tmp_path: Path) -> None:
    assert rule(tmp_path, RULE) == IdleRule("idle", where="reservations[1]")


def test_every_key_is_read_and_accounts_are_in_lower_case(tmp_path: Path) -> None:
    found = rule(tmp_path, WHOLE)
    day = day_number(date(2026, 6, 2))
    assert found == IdleRule(
        "idle", "course-*", "nlp-*", Fraction(1, 2), "even", day, "h100", "reservations[1]"
    )


@pytest.mark.parametrize("text, said", [
    ("[[reservations]]\n", "name: is missing"),
    (RULE + 'share = "1.5"\n', "share: is 3/2; a part of the unused time from"),
    (RULE + "share = 0.5\n", "share: is 0.5; expected a text"),
    (RULE + 'share = "half"\n', "share: is 'half'; expected a text"),
    (RULE + 'share = "-1"\n', "not below 0"),
    (RULE + 'holders = "first"\n', "holders: is 'first'; expected even"),
    (RULE + 'match = { user = "x" }\n', "match.user: is no key here"),
    (RULE + "from = 2026-06-01T12:00:00\n", "whole billing days"),
    (RULE + 'accounts = ["x"]\n', "accounts: is no key here"),
    (RULE + RULE, "'idle' names 2 of"),
    (RULE.replace("idle", "h100-reserved") + RESERVED, "pools[1] and reservations[1]"),
    (RULE.replace("idle", "egress") + LINE + 'spread = "even"\n', "lines[1] and reservations[1]"),
])  # fmt: skip
def test_a_slip_is_named_with_its_key(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        load(a_config(tmp_path, CONFIG + text))
    assert said in str(error.value)
    assert str(tmp_path / "finops.toml") in str(error.value)


def test_another_file_may_say_otherwise_of_reservations(tmp_path: Path) -> None:
    config = load(a_config(tmp_path, CONFIG + RULE))
    other = tmp_path / "other.toml"
    other.write_text("reservations = []\n")
    assert load_instead(other, config).allocation.reservations == ()
    other.write_text("lines = []\n")
    assert load_instead(other, config).allocation.reservations == config.allocation.reservations
