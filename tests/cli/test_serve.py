"""serve: what it says where it cannot, before it has made anything."""

import importlib.util
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from slurm_finops.cli import main
from tests.serving.served import run_command
from tests.support import a_config


def refused(config: Path, *words: str) -> tuple[int, str]:
    """The exit code, and what was said on one line."""
    result = CliRunner().invoke(main, ["-c", str(config), "serve", *words])
    return result.exit_code, " ".join(result.output.split())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "login.example.org"])
def test_what_others_can_reach_needs_a_proxy(tmp_path: Path, host: str) -> None:
    code, said = refused(a_config(tmp_path), "--host", host)
    assert code == 2
    assert f"{host} can be reached from other machines" in said
    assert "--behind-proxy" in said


def test_a_port_in_use_is_said(tmp_path: Path) -> None:
    config = a_config(tmp_path)
    run_command(config, "price")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        code, said = refused(config, "--port", str(port))
    assert code == 3
    assert said.startswith(f"error: cannot listen on 127.0.0.1 port {port}: Address already in use")
    assert said.endswith("name another --port")


def test_an_address_of_another_machine_is_said(tmp_path: Path) -> None:
    # 192.0.2.0/24 is nobody's (RFC 5737)
    code, said = refused(a_config(tmp_path), "--host", "192.0.2.1", "--behind-proxy")
    assert code == 3
    assert said.endswith("this machine has no such address")


def test_without_a_ledger_there_is_nothing_to_serve(tmp_path: Path) -> None:
    code, said = refused(a_config(tmp_path), "--port", "0")
    assert code == 2
    assert "is not there yet: slurm-finops collect makes it" in said


def test_without_datasette_it_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.util.find_spec

    def without(name: str, *more: Any) -> Any:
        return None if name == "datasette" else real(name, *more)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    code, said = refused(a_config(tmp_path))
    assert code == 2
    pip = Path(sys.executable).with_name("pip")
    assert said == f"error: serve needs Datasette: in the clone, {pip} install '.[serve]'"


@pytest.mark.parametrize("base", ["/a b/", "/x?y", 'x"><script>', "/é/"])
def test_a_base_url_is_a_path(tmp_path: Path, base: str) -> None:
    code, said = refused(a_config(tmp_path), "--base-url", base)
    assert code == 2
    assert "is no path such as /spend/" in said


@pytest.mark.parametrize("what", ["file", "in use"])
def test_a_path_that_is_taken_stays_as_it_is(tmp_path: Path, what: str) -> None:
    config, path = a_config(tmp_path), tmp_path / "serve.sock"
    run_command(config, "price")
    if what == "file":
        path.write_text("mine")
        code, said = refused(config, "--socket", str(path))
        assert path.read_text() == "mine"
        assert "there is a file, and it is no socket" in said
    else:
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(path))
            other.listen()
            code, said = refused(config, "--socket", str(path))
        assert "another program listens there" in said
    assert code == 3
