"""init: a commented finops.toml from what the cluster says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from slurm_finops.cli.app import App, now, program
from slurm_finops.cli.files import save
from slurm_finops.core.words import count
from slurm_finops.errors import ConfigError, OutsideError

if TYPE_CHECKING:
    from collections.abc import Callable

_UNKNOWN_CLUSTER = "mycluster"
_ACCOUNTS = 20
T = TypeVar("T")


@click.command()
@click.option("--out", metavar="FILE", help="Write here; - is the terminal.  [default: the file "
              "that -c names, else ./finops.toml]")
@click.option("--currency", default="USD", show_default=True, metavar="CODE",
              help="Of all prices, as ISO 4217 names it.")
@click.option("--timezone", metavar="ZONE", help="Where billing days begin.  [default: this "
              "machine's zone]")
@click.option("--force", is_flag=True, help="Overwrite a file that is there.")
def init(out: str | None, currency: str, timezone: str | None, force: bool) -> None:
    """Write a finops.toml for this cluster, with comments to go on from.

    Asks scontrol for the cluster's name and its GPUs, sacctmgr for its accounts.
    Without Slurm on this machine it writes the same file with placeholders.

    \b
    Examples:
      slurm-finops init
      slurm-finops -c /etc/slurm-finops/finops.toml init --currency EUR --timezone Europe/Zurich
      slurm-finops init --out -
    """
    zone = _zone(timezone) if timezone else machine_zone()
    code = _currency(currency)
    path = None if out == "-" else Path(out or _configured() or "finops.toml")
    if path is not None:
        _check_free(path, force)
    answers, troubles = ask_slurm()
    text = _render(answers | {"currency": code, "timezone": zone, "from_date": _new_year()})
    for trouble in troubles:
        click.echo(f"warning: {trouble}", err=True)
    if path is None:
        click.echo(text, nl=False)
        return
    # readable by all: nothing in it is secret
    save(path, text.encode(), 0o644)
    click.echo(f"{path}: cluster {answers['cluster']}, {code}, days in {zone}; "
               f"{_found(answers)}\n\n{_next_steps(path)}")  # fmt: skip


def ask_slurm() -> tuple[dict[str, Any], list[str]]:
    """What the template needs to know of the cluster, and what could not be asked."""
    from slurm_finops.sources import slurm

    troubles: list[str] = []
    cluster = skus = accounts = None
    try:
        # a controller that is down takes seconds to say so: it is asked once more only if it is up
        cluster = _ask("the cluster's name and GPUs", slurm.cluster_name, troubles)
        skus = _ask("the GPU types", slurm.gres_types, troubles) if cluster else None
        accounts = _ask("the accounts", slurm.accounts, troubles)
    except slurm.NoSlurm as error:
        troubles = [f"the cluster could not be asked: {error}"]
    return {
        "cluster": cluster or _UNKNOWN_CLUSTER,
        "cluster_asked": bool(cluster),
        "skus": skus or ["gres/gpu"],
        "skus_asked": skus is not None,
        "skus_found": skus or [],
        "accounts": (accounts or [])[:_ACCOUNTS],
        "more": max(0, len(accounts or ()) - _ACCOUNTS),
        "accounts_asked": accounts is not None,
    }, troubles


def _ask(what: str, question: Callable[[], T], troubles: list[str]) -> T | None:
    from slurm_finops.sources.slurm import NoSlurm

    try:
        return question()
    except NoSlurm:
        raise
    except OutsideError as error:
        troubles.append(f"could not ask for {what}: {error}")
        return None


def _found(answers: dict[str, Any]) -> str:
    skus = ", ".join(answers["skus_found"]) or "no GPUs found"
    accounts = count(len(answers["accounts"]) + answers["more"], "account")
    return (
        f"{skus if answers['skus_asked'] else 'GPU types unknown'}; "
        f"{accounts if answers['accounts_asked'] else 'accounts unknown'}"
    )


def _render(values: dict[str, Any]) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("slurm_finops"), undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, keep_trailing_newline=True, autoescape=False,
    )  # fmt: skip
    made.filters["toml"] = _toml
    return made.get_template("finops.toml.j2").render(values)


def _toml(text: str) -> str:
    """A TOML basic string: JSON's escapes are among its own."""
    import json

    return json.dumps(text, ensure_ascii=False)


def _new_year() -> str:
    """From when prices hold: this year's first day, so that its past is priced too."""
    from datetime import UTC, datetime

    return f"{datetime.fromtimestamp(now(), UTC):%Y}-01-01"


def machine_zone() -> str:
    """This machine's zone by name: TZ, else where /etc/localtime points, else UTC."""
    import os

    link = str(Path("/etc/localtime").resolve())
    for name in (os.environ.get("TZ", "").lstrip(":"), link.partition("/zoneinfo/")[2]):
        if name and _is_zone(name):
            return "UTC" if name in ("Etc/UTC", "UCT", "Etc/UCT", "Zulu", "Universal") else name
    return "UTC"


def _is_zone(name: str) -> bool:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _zone(name: str) -> str:
    if not _is_zone(name):
        raise click.BadParameter(
            f'{name!r} is no known zone; expected one such as "UTC" or "Europe/Zurich"',
            param_hint="'--timezone'",
        )
    return name


def _currency(code: str) -> str:
    if len(code) != 3 or not code.isascii() or not code.isupper() or not code.isalpha():
        raise click.BadParameter(
            f"{code!r} is no ISO 4217 code; expected three capitals such as USD",
            param_hint="'--currency'",
        )
    return code


def _configured() -> str | None:
    """What -c (or its variable) names, whether or not it is there yet."""
    return click.get_current_context().find_root().params.get("path")


def _check_free(path: Path, force: bool) -> None:
    """Before Slurm is asked: that may take a while."""
    if not path.parent.is_dir():
        raise ConfigError(f"the folder {path.parent} does not exist: mkdir -p {path.parent}")
    if path.is_dir():
        raise ConfigError(f"{path} is a folder; name a file: --out {path / 'finops.toml'}")
    if path.exists() and not force:
        raise ConfigError(
            f"{path} is there already and was left as it is; write elsewhere with --out FILE, or "
            "overwrite it with --force"
        )


def _next_steps(path: Path) -> str:
    """What to type next; with -c where the file would not be found without."""
    name = program()
    try:
        found = App(None).path
    except ConfigError:
        found = None
    if found is None or found.resolve() != path.resolve():
        name += f" -c {path}"
    steps = [
        (f"edit {path}", "put in your prices; collecting works without"),
        (f"{name} check", "what is missing, and how to mend it"),
        (f"{name} collect sacct --since {_new_year()}", "this year's runs, once"),
        (f"{name} price", "and a list of what has no price"),
        (f"{name} report --by team,project", "who held what, and for how much"),
    ]
    width = max(len(command) for command, _ in steps)
    return "\n".join([
        "Next:", *(f"  {command:{width}}   {why}" for command, why in steps),
        "Then, for crontab -e of the user who collects:", f"  {_cron_line(path)}",
    ])  # fmt: skip


def _cron_line(path: Path) -> str:
    """Whole paths, and SLURM_CONF where this shell needs it: cron has neither."""
    import os

    conf = os.environ.get("SLURM_CONF")
    where = f"SLURM_CONF={conf} " if conf else ""
    return f"15 3 * * *  {where}{program(whole=True)} -c {path.resolve()} nightly"
