"""Who may import whom, held by reading the imports."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "slurm_finops"
MODULES = sorted(PACKAGE.rglob("*.py"))

#: Each room, and the rooms it may import beside itself and errors.
MAY_IMPORT = {
    "errors": set(),
    "core": set(),
    "config": {"core"},
    "sources": {"core"},
    "prices": {"core"},
    "hook": {"core"},
    "ledger": {"core"},
    "billing": {"core", "ledger"},
    "reports": {"core", "ledger", "billing"},
    "exports": {"core", "ledger", "billing"},
    "metrics": {"core", "ledger", "billing"},
    "scale": {"core", "ledger", "billing"},
    "delivery": set(),
    "serving": {"core", "ledger", "billing", "reports"},
}
#: Joins everything; the package itself is only a docstring and a version.
SEES_ALL = "cli"
#: What the core may not touch although it is the standard library's: I/O and the clock.
OUTSIDE = {
    "asyncio", "http", "io", "logging", "os", "pathlib", "shutil", "signal", "socket", "sqlite3",
    "subprocess", "sys", "tempfile", "threading", "time", "urllib",
}  # fmt: skip
HEAVY = ("datasette", "jinja2", "matplotlib", "numpy", "pyarrow", "rich", "sqlite_utils", "uvicorn")


def imported(source: str, module: str) -> Iterator[str]:
    """Every module that the source of ``module`` imports anywhere, by its full name."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[: -node.level] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            yield base
            # `from slurm_finops import config` imports a module, not a name of one
            yield from (f"{base}.{alias.name}" for alias in node.names)


def breaches(source: str, module: str) -> set[str]:
    """The rooms that the source of ``module`` imports and may not."""
    room = module.split(".")[1]
    if room == SEES_ALL:
        return set()
    parts = [name.split(".") for name in imported(source, module)]
    rooms = {p[1] for p in parts if p[0] == "slurm_finops" and len(p) > 1}
    return rooms - MAY_IMPORT[room] - {room, "errors", "__version__"}


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


IN_ROOMS = [path for path in MODULES if path.parent != PACKAGE or path.stem != "__init__"]


@pytest.mark.parametrize("path", IN_ROOMS, ids=name_of)
def test_a_room_imports_only_the_rooms_below_it(path):
    assert breaches(path.read_text("utf-8"), module_of(path)) == set()


def test_the_package_itself_imports_nothing():
    assert list(imported((PACKAGE / "__init__.py").read_text("utf-8"), "slurm_finops")) == []


def test_every_room_is_known():
    rooms = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in IN_ROOMS}
    assert rooms <= {*MAY_IMPORT, SEES_ALL}
    assert {"core", "ledger", "cli"} <= rooms


@pytest.mark.parametrize("path", sorted((PACKAGE / "core").rglob("*.py")), ids=name_of)
def test_the_core_is_pure(path):
    tops = {name.split(".")[0] for name in imported(path.read_text("utf-8"), module_of(path))}
    assert tops <= sys.stdlib_module_names | {"slurm_finops"}
    assert tops & OUTSIDE == set()


@pytest.mark.parametrize("path", sorted((PACKAGE / "core").rglob("*.py")), ids=name_of)
def test_the_core_reads_no_clock_and_opens_nothing(path):
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    methods = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    assert methods & {"now", "today", "utcnow"} == set()
    assert names & {"open", "print", "input"} == set()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_pandas_is_imported_nowhere(path):
    tops = {name.split(".")[0] for name in imported(path.read_text("utf-8"), "slurm_finops.x")}
    assert "pandas" not in tops


def test_the_command_line_starts_without_what_only_some_commands_need():
    code = "import sys, slurm_finops.cli; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    ran = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {code}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    loaded = set(ran.stdout.split())
    assert {"click", "slurm_finops"} <= loaded
    assert loaded & {*HEAVY, "pandas"} == set()


def texts() -> list[Path]:
    """All that people read and edit; the templates' symlink leads out of the package."""
    found = [*PACKAGE.rglob("*"), *(ROOT / "scripts").rglob("*"), *(ROOT / "tests").rglob("*.py")]
    return sorted(p for p in found if p.is_file() and "__pycache__" not in p.parts)


@pytest.mark.parametrize("path", texts(), ids=name_of)
def test_a_file_is_shorter_than_400_lines(path):
    assert len(path.read_text("utf-8").splitlines()) < 400


# ---- the reader of imports sees what it must


@pytest.mark.parametrize(
    ("source", "module", "found"),
    [
        ("import slurm_finops.ledger.store", "slurm_finops.core.x", {"ledger"}),
        ("from slurm_finops.ledger import store", "slurm_finops.core.x", {"ledger"}),
        ("from slurm_finops import config", "slurm_finops.core.x", {"config"}),
        ("from .. import config", "slurm_finops.core.x", {"config"}),
        ("from ..cli.app import App", "slurm_finops.reports.x", {"cli"}),
        ("from ...cli import app", "slurm_finops.sources.sacct.x", {"cli"}),
        ("def f():\n    from slurm_finops.billing import pricing", "slurm_finops.delivery.x",
         {"billing"}),
        ("if TYPE_CHECKING:\n    import slurm_finops.reports as r", "slurm_finops.ledger.x",
         {"reports"}),
        ("from slurm_finops.ledger import store", "slurm_finops.sources.sacct.x", {"ledger"}),
        ("from slurm_finops.core.tags import KEYS", "slurm_finops.delivery.x", {"core"}),
        ("from slurm_finops.core.tags import KEYS", "slurm_finops.ledger.x", set()),
        ("from . import money", "slurm_finops.core.x", set()),
        ("from . import money", "slurm_finops.core.__init__", set()),
        ("from . import cli", "slurm_finops.config", {"cli"}),
        ("from slurm_finops.errors import FinopsError", "slurm_finops.core.x", set()),
        ("from slurm_finops import __version__", "slurm_finops.exports.x", set()),
        ("from slurm_finops.reports import build", "slurm_finops.cli.x", set()),
    ],
)  # fmt: skip
def test_an_import_that_a_room_may_not_make_is_seen(source, module, found):
    assert breaches(source, module) == found
