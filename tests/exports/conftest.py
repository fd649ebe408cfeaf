"""Other people's programs that read what we write: bean-check and hledger."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

#: what leaves out the tests of a mark
LEFT_OUT = {"ledger_checkers": "SLURM_FINOPS_NO_LEDGER_CHECKERS"}


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
