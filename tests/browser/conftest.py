"""The browser of all tests marked ``browser``: this machine's own chromium, started once."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

SCRIPT = Path(__file__).parents[2] / "scripts" / "browser"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Left out only where somebody says so: a browser that is not there is a failure."""
    if os.environ.get("SLURM_FINOPS_NO_BROWSER") == "1":
        skip = pytest.mark.skip(reason="SLURM_FINOPS_NO_BROWSER=1")
        for item in items:
            if item.get_closest_marker("browser"):
                item.add_marker(skip)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for the session; each page has a context of its own."""
    found = subprocess.run([SCRIPT, "where"], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    # in a container's root namespace the sandbox of chromium cannot be made
    options = ["--no-sandbox"] if os.getuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found.stdout.strip(), args=[*options, "--font-render-hinting=none"]
        )
        yield browser
        browser.close()
