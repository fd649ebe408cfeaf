"""Other people's programs that read what we write: bean-check, hledger, FOCUS's validator."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

#: what leaves out the tests of a mark
LEFT_OUT = {
    "ledger_checkers": "SLURM_FINOPS_NO_LEDGER_CHECKERS",
    "focus_validator": "SLURM_FINOPS_NO_FOCUS_VALIDATOR",
}
SCRIPTS = Path(__file__).parents[2] / "scripts"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Left out only where somebody says so: a program that is not there is a failure."""
    for mark, name in LEFT_OUT.items():
        if os.environ.get(name) == "1":
            for item in items:
                if item.get_closest_marker(mark):
                    item.add_marker(pytest.mark.skip(reason=f"{name}=1"))


def _checker(path: Path, *command: str | Path) -> Callable[[str], str]:
    def check(journal: str) -> str:
        path.write_text(journal)
        ran = subprocess.run([*command, path], capture_output=True, text=True, check=False)
        assert bool(ran.returncode) == bool(ran.stderr), ran
        return ran.stderr

    return check


@pytest.fixture
def bean_check(tmp_path: Path) -> Callable[[str], str]:
    """``bean_check(journal)``: what beancount has against it, "" for nothing."""
    return _checker(tmp_path / "j.beancount", Path(sys.executable).with_name("bean-check"))


@pytest.fixture
def hledger_check(tmp_path: Path) -> Callable[[str], str]:
    """``hledger_check(journal)``: what hledger, strict, has against it, "" for nothing."""
    return _checker(tmp_path / "j.journal", "hledger", "check", "--strict", "-f")


@pytest.fixture
def focus_validator() -> Callable[[Path], tuple[int, str]]:
    """``focus_validator(file)``: 0 if it is FOCUS 1.2 and 1 if not, and what was said."""

    def check(path: Path) -> tuple[int, str]:
        command = [SCRIPTS / "focus-validator", "run", path]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ran.returncode in (0, 1), ran.stderr
        return ran.returncode, ran.stdout

    return check
