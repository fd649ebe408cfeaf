"""serve: the figures in a browser, from a snapshot that nobody can change."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slurm_finops.cli.app import App, now, pass_app
from slurm_finops.errors import ConfigError, OutsideError

if TYPE_CHECKING:
    import socket

    from slurm_finops.serving.settings import Serving


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8001, show_default=True,
              help="Where to listen; 0 takes a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS",
              help="The address to listen on.  Any but this machine's own needs --behind-proxy.")
@click.option("--socket", "path", metavar="PATH", help="Listen on a Unix socket instead: only who "
              "may enter its folder can ask.")
@click.option("--behind-proxy", is_flag=True, help="A proxy asks who is asking; this does not.")
@click.option("--base-url", default="/", metavar="PATH", show_default=True,
              help="Where a proxy shows it, such as /spend/.")
@click.option("--every", type=click.FloatRange(0.05), default=15.0, metavar="MINUTES",
              help="How often to look whether the ledger has changed.  [default: 15]")
@click.option("--months", type=click.IntRange(1, 1200), default=13, show_default=True,
              help="How many billing months to show.")
@click.option("--sql", is_flag=True, help="Let readers ask questions of their own in SQL, "
              "read-only, a second each.")
@pass_app
def serve(
    app: App, port: int, host: str, path: str | None, behind_proxy: bool, base_url: str,
    every: float, months: int, sql: bool,
) -> None:  # fmt: skip
    """Show the figures in a browser: a dashboard, named queries, tables to filter.

    Datasette serves a read-only snapshot of the ledger, which holds what
    [privacy] lets people see and is made anew when the ledger has changed.
    It asks nobody who they are: docs/serve.md puts a proxy before it that does.

    \b
    Examples:
      slurm-finops serve
      slurm-finops serve --socket /run/slurm-finops/serve.sock --base-url /spend/
    """
    from slurm_finops.serving.running import Source, changed_since, keep_serving, listening

    _check(host, path, behind_proxy, base_url)
    config = app.config
    base = f"/{base_url.strip('/')}/" if base_url.strip("/") else "/"

    def make(place: Path) -> Serving:
        return snapshot_at(app, place, months, sql, base)

    def mark() -> object:
        return changed_since(config.database), config.calendar.day_of(now())

    with listening(host, port, Path(path) if path else None) as listener:
        keep_serving(
            listener, Source(make, mark), every * 60, lambda said: click.echo(said, err=True),
            lambda: click.echo(f"{_where(listener, path, base)}   (Ctrl-C ends it)"),
        )  # fmt: skip


def _check(host: str, path: str | None, behind_proxy: bool, base_url: str) -> None:
    """Raise an error that says what to do before anything is made."""
    from importlib.util import find_spec

    if find_spec("datasette") is None:
        pip = Path(sys.executable).with_name("pip")
        raise ConfigError(f"serve needs Datasette: in the clone, {pip} install '.[serve]'")
    if not base_url.isascii() or any(char in base_url for char in "?#\\ \"'<>"):
        raise click.BadParameter(f"{base_url!r} is no path such as /spend/",
                                 param_hint="'--base-url'")  # fmt: skip
    if path is None and not behind_proxy and not _is_loopback(host):
        raise click.BadParameter(
            f"{host} can be reached from other machines, and serve asks nobody who they are: "
            "put an authenticating proxy before it (docs/serve.md) and say --behind-proxy",
            param_hint="'--host'",
        )


def _is_loopback(host: str) -> bool:
    from ipaddress import ip_address

    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def snapshot_at(app: App, place: Path, months: int, sql: bool, base_url: str) -> Serving:
    """Make a snapshot, and say what is in it."""
    import sqlite3
    import time
    from functools import partial

    from slurm_finops.cli.standing import stand_in
    from slurm_finops.core.words import count
    from slurm_finops.serving.settings import Serving
    from slurm_finops.serving.snapshot import make

    config, since = app.config, time.monotonic()
    click.echo(f"reading {config.database} …")
    with app.reading() as ledger:
        try:
            stand = partial(stand_in, app, ledger)
            made = make(ledger, app.site_for("serve"), stand, place, months)
        except sqlite3.OperationalError as error:
            raise OutsideError(f"cannot make a snapshot at {place}: {error}.  TMPDIR names "
                               "another folder for it") from None  # fmt: skip
    click.echo(
        f"snapshot of {count(made.runs, 'run')} in {count(made.months, 'month')}, "
        f"{place.stat().st_size / 1e6:,.1f} MB, in {time.monotonic() - since:.1f} s"
    )
    return Serving(str(place), config.privacy.serve, config.digits, sql, base_url)


def _where(listener: socket.socket, path: str | None, base_url: str) -> str:
    if path:
        return f"serving on {path}"
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{base_url}"
