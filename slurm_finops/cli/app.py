"""What every command shares: the configuration, the ledger, errors as exit codes."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager, suppress
from importlib import import_module
from keyword import iskeyword
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from slurm_finops.errors import ConfigError, FinopsError, OutsideError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from slurm_finops.billing.terms import Terms
    from slurm_finops.config import Config
    from slurm_finops.core.period import Period
    from slurm_finops.core.pools import Allocation
    from slurm_finops.core.rates import Rate
    from slurm_finops.ledger.store import Ledger
    from slurm_finops.reports.site import Site

_DEFAULTS = (Path("/etc/slurm-finops/finops.toml"), Path("finops.toml"))
#: How long a command that writes waits for another to finish.
WAIT_SECONDS = 60.0


class FinopsGroup(click.Group):
    """A group whose commands end with our exit codes and one message on stderr.

    ``modules`` are its commands: each is loaded from the module of its name
    when it is asked for.
    """

    def __init__(self, *args: Any, modules: tuple[str, ...] = (), **more: Any) -> None:
        super().__init__(*args, **more)
        self._modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's shape
        return list(self._modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in self._modules:
            return None
        # as PEP 8 spells what Python keeps for itself: import_
        name = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name
        module = import_module(f"slurm_finops.cli.{name}")
        command: click.Command = getattr(module, name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from slurm_finops.core.near import nearest

            near = nearest(args[0], self._modules)
            hint = f"  Did you mean {near!r}?" if near else ""
            raise click.UsageError(f"{error.message}{hint}", ctx) from None

    def invoke(self, ctx: click.Context) -> Any:
        for stream in (sys.stdout, sys.stderr):
            # names are in any script, and a terminal's encoding may not have it
            if stream is not None and hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
        try:
            answer = super().invoke(ctx)
            if sys.stdout is not None:
                sys.stdout.flush()  # a full disk shows only here
        except FinopsError as error:
            click.echo(f"error: {error}", err=True)
            ctx.exit(error.exit_code)
        except BrokenPipeError:
            raise  # click's own: whoever read the output has had enough
        except OSError as error:
            _write_no_more()
            click.echo(f"error: {error.strerror or error}: {error.filename or 'output'}", err=True)
            ctx.exit(OutsideError.exit_code)
        return answer


def _write_no_more() -> None:
    """What could not be written is not tried again at the end, whose failure would be exit 120."""
    if sys.stdout is not None:
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _is_there(path: Path) -> bool:
    """Whether this user can see a file: a folder of another's may not be entered."""
    try:
        return path.exists()
    except OSError:
        return False


class App:
    """One invocation: where the configuration is, and what is opened from it."""

    def __init__(self, path: str | None) -> None:
        self._given = path
        self._config: Config | None = None
        self._opened: Ledger | None = None
        self._terms: Terms | None = None

    @property
    def path(self) -> Path:
        """The configuration file; raises `ConfigError` if there is none."""
        if self._given:
            return Path(self._given)
        for path in _DEFAULTS:
            if _is_there(path):
                return path
        raise ConfigError(
            f"no configuration: looked for {' and '.join(map(str, _DEFAULTS))}.  "
            "Write one with: slurm-finops init"
        )

    @property
    def config(self) -> Config:
        if self._config is None:
            from slurm_finops.config import load

            self._config = load(self.path)
        return self._config

    @contextmanager
    def reading(self) -> Iterator[Ledger]:
        """The ledger, for commands that only read it."""
        from slurm_finops.ledger.store import Ledger

        config = self.config
        with Ledger.read(config.database, config.currency, config.timezone) as ledger:
            self._opened = ledger
            try:
                yield ledger
            finally:
                self._opened = None

    @contextmanager
    def _ledger(self) -> Iterator[Ledger]:
        """The ledger, made if there is none."""
        from slurm_finops.ledger.store import Ledger

        config = self.config
        if not config.database.parent.is_dir():
            raise ConfigError(
                f"{config.path}: database: the folder {config.database.parent} does not exist"
            )
        ledger = self._opened = Ledger.open(config.database, config.currency, config.timezone)
        try:
            yield ledger
        finally:
            self._opened = None
            ledger.close()

    @contextmanager
    def writing(self, what: str, wait: float = WAIT_SECONDS) -> Iterator[Ledger]:
        """The ledger, with nobody else writing it."""
        from slurm_finops.ledger.lock import writer_lock
        from slurm_finops.ledger.store import translated

        database = self.config.database
        lock = writer_lock(database, f"slurm-finops {what}", wait, _say_waiting)
        with lock, self._ledger() as ledger, translated(str(database)):
            yield ledger

    @property
    def rates(self) -> tuple[Rate, ...]:
        """All rates: of the configuration, and those that the ledger has imported.

        Who has opened no ledger is shown what this user can read of it.
        """
        from slurm_finops.cli.all_rates import all_rates, rates_here

        if self._opened is not None:
            return all_rates(self.config, self._opened)
        found, why = rates_here(self.config)
        if why:
            click.echo(f"note: rates that were imported are not seen here: {why}", err=True)
        return found

    @property
    def allocation(self) -> Allocation:
        """All that is apportioned: what finops.toml says, and lines that were imported.

        Who has opened no ledger shares out nothing, and sees finops.toml alone.
        """
        from slurm_finops.cli.all_lines import all_allocation

        if self._opened is None:
            return self.config.allocation
        return all_allocation(self.config, self._opened)

    @property
    def terms(self) -> Terms:
        """By what runs are priced; raises `ConfigError` where rates cannot stand together."""
        from slurm_finops.billing.terms import Terms
        from slurm_finops.cli.all_rates import together

        if self._terms is not None and self._opened is None:
            return self._terms
        config = self.config
        terms = Terms(
            self.rates, config.policy, config.calendar, config.charge_suspended,
            self.allocation, config.charging,
        )  # fmt: skip
        with together("Both are in: slurm-finops rates list"):
            terms.book  # noqa: B018 - made once, and kept
        if self._opened is None:
            self._terms = terms
        return terms

    @property
    def site(self) -> Site:
        """What pages know beside the ledger."""
        return self.site_for("page")

    def site_for(self, channel: str) -> Site:
        """The same for a channel of ``[privacy]``, which shows people as it says."""
        from slurm_finops.reports.site import Site

        config = self.config
        return Site(
            config.currency, config.digits, config.timezone, config.calendar, config.policy,
            getattr(config.privacy, channel), self.terms.all_rates, self.terms.allocation,
            config.charging, now(), config.charge_suspended, config.locale,
        )  # fmt: skip

    def said_now(self) -> str:
        """The time as the foot of a page says it."""
        return self.said(now())

    def said(self, instant: int) -> str:
        """Epoch seconds in the billing zone, for people."""
        from datetime import datetime

        return f"{datetime.fromtimestamp(instant, self.config.zone):%Y-%m-%d %H:%M %Z}"

    def period(self, text: str | None, option: str = "--period") -> Period:
        """A period as typed for an option, or this billing month."""
        calendar = self.config.calendar
        if text is None:
            from slurm_finops.core.period import day_date

            text = f"{day_date(calendar.day_of(now())):%Y-%m}"
        try:
            return calendar.period(text)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint=f"'{option}'") from None


def _say_waiting(holder: str) -> None:
    click.echo(f"waiting for {holder} to finish …", err=True)


def now() -> int:
    """The only clock: everything below is told the time."""
    return int(time.time())


def actor() -> str:
    """Who runs this, for the audit."""
    import getpass
    import os

    from slurm_finops.core.words import storable

    try:
        name = os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
    return storable(name)


def program(whole: bool = False) -> str:
    """How this program is called: its name where PATH finds it, else (or if ``whole``) its path."""
    import shutil

    found = shutil.which("slurm-finops")
    if found and not whole:
        return "slurm-finops"
    return found or str(Path(sys.argv[0]).resolve())


@contextmanager
def progress(label: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal's stderr; nothing where nobody looks.

    Gives a function that takes how much more is done.
    """
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda done: bar.advance(task, done)


def echo_json(value: Any) -> None:
    import json

    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


pass_app = click.make_pass_decorator(App)
FORMAT = click.option(
    "--format", "style", type=click.Choice(["table", "json"]), default="table",
    show_default=True, help="How the answer is printed.",
)  # fmt: skip
