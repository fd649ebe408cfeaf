"""Golden files: what people see, kept as it was last looked at."""

import os
import pkgutil
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import settings

import slurm_finops.cli as commands

# A machine that is busy makes nothing wrong.
settings.register_profile("busy", deadline=None)
settings.load_profile("busy")

# A shell that was set up for something else must not hide what users see: with
# PYTHONUNBUFFERED a full disk shows earlier.
for name in [name for name in os.environ if name.startswith("PYTHON")]:
    del os.environ[name]

# Commands are loaded when they are asked for.  One that was loaded first while a test had
# changed the clock would keep that clock.
for module in pkgutil.iter_modules(commands.__path__):
    import_module(f"{commands.__name__}.{module.name}")

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--refresh-golden", action="store_true", help="Write the golden files anew.")
    parser.addoption("--full", action="store_true", help="Fuzz for as long as a release does.")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """``golden(name, text)``: the text is that of the file, or becomes it with --refresh-golden."""

    def check(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--refresh-golden"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        assert text == path.read_text(), f"{name}: look at it, then --refresh-golden"

    return check
