"""hook: build the gate at sbatch from the policy, install it, try it."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slurm_finops.cli.app import App, actor, now, pass_app
from slurm_finops.errors import FinopsError, InputError, OutsideError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slurm_finops.hook.place import Placed

_DIR = click.option(
    "--dir", "folder", type=click.Path(path_type=Path), metavar="DIR",
    help="The folder of slurm.conf.  [default: as slurmctld says, else as $SLURM_CONF says, "
    "else /etc/slurm]",
)  # fmt: skip


#: Seconds that the audit of an install waits for another who writes the ledger.
_WAIT = 5.0


@click.group()
def hook() -> None:
    """The gate at sbatch: job_submit.lua for slurmctld, made from [tags] and [[teams]].

    \b
    First steps:
      slurm-finops hook test            try the policy in Lua, before anything is installed
      slurm-finops hook install         put it beside slurm.conf, and say how to enable it
    """


def _files(app: App) -> dict[str, str]:
    from slurm_finops.hook.build import build

    config, money = app.config, None
    if config.hook.show_cost:
        from slurm_finops.hook.money import money_data

        money = money_data(
            app.terms.list_book, config.cluster, config.currency, config.digits, now(),
            config.hook.budget_file,
        )  # fmt: skip
    return build(config.policy, config.gate.mode, config.gate.on_error, config.gate.help, money)


@hook.command()
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="DIR",
              help="Where the files are written; it is made where it is not there.")  # fmt: skip
@pass_app
def build(app: App, out: Path) -> None:
    """Write the hook's files into a folder, to look at or to carry to slurmctld's machine.

    \b
    Examples:
      slurm-finops hook build --out hook
      diff -r hook /etc/slurm
    """
    from slurm_finops.cli.files import make_folder, save
    from slurm_finops.hook.place import MODE

    files = _files(app)
    make_folder(out)
    for name, text in files.items():
        save(out / name, text.encode(), MODE)
        click.echo(str(out / name))


@hook.command()
@_DIR
@click.option("--rollback", is_flag=True, help="Exchange what is there with what was before it.")
@pass_app
def install(app: App, folder: Path | None, rollback: bool) -> None:
    """Put the hook beside slurm.conf, where slurmctld runs, and say how to enable it.

    Each file is replaced whole, and the one before it is kept as NAME.previous.
    A job_submit.lua of your own is never touched.  slurmctld reads a changed
    policy with the next job; nothing has to be restarted for it.

    \b
    Examples:
      slurm-finops hook install
      slurm-finops hook install --dir /etc/slurm
      slurm-finops hook install --rollback
    """
    from slurm_finops.hook import place

    folder = (folder or _slurm_folder()).absolute()
    _local(folder)
    with _audited(app, folder, "hook rollback" if rollback else "hook install"):
        placed = place.rollback(folder) if rollback else place.install(folder, _files(app))
    if rollback:
        _tell_placed(folder, placed)
        return
    _tell_placed(folder, placed)
    click.echo(f"mode: {app.config.gate.mode}; when the hook itself breaks: "
               f"{app.config.gate.on_error}")  # fmt: skip
    _tell_next(folder, placed)


@contextmanager
def _audited(app: App, folder: Path, action: str) -> Iterator[None]:
    """Put into the audit what becomes of the files, where this machine has the ledger.

    A gate that is mended must not wait for one that cannot be written.
    """
    from slurm_finops.core.stated import changes
    from slurm_finops.hook.place import digests

    before = digests(folder)
    yield
    said = changes(before, digests(folder))
    try:
        if said and app.config.database.exists():
            with app.writing(action, wait=_WAIT) as ledger, ledger.transaction():
                for line in said:
                    ledger.audit(now(), actor(), action, f"{folder}/{line}")
    except (FinopsError, OSError) as error:
        click.echo(f"note: this is not in the audit: {error}", err=True)


def _slurm_folder() -> Path:
    from slurm_finops.sources import slurm

    try:
        said = slurm.show_config().get("SLURM_CONF", "")
    except OutsideError:
        said = os.environ.get("SLURM_CONF", "")
    path = Path(said) if said else Path("/etc/slurm/slurm.conf")
    if not path.exists():
        raise InputError(f"there is no {path}: run this on the machine of slurmctld, or name the "
                         "folder with --dir")  # fmt: skip
    return path.parent


def _local(folder: Path) -> None:
    """slurmctld waits for each read of the policy: its file must not lie on a network."""
    from slurm_finops.cli.checks import filesystem_of, is_network

    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; name that of slurm.conf with --dir")
    try:
        mounts = Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape")
    except OSError:
        return
    mount, kind = filesystem_of(folder.resolve(), mounts)
    if is_network(kind):
        raise InputError(
            f"{folder} is on {kind}, mounted at {mount}: slurmctld would wait for that server "
            "with every job; keep slurm.conf's folder of the machine of slurmctld on a local disk"
        )


_OUTCOMES = {
    "new": "new",
    "replaced": "replaced; the one before is {name}.previous",
    "same": "as it was",
    "left": "left alone: it is your own",
}


def _tell_placed(folder: Path, placed: list[Placed]) -> None:
    width = max(len(str(folder / one.name)) for one in placed)
    for one in placed:
        said = _OUTCOMES[one.outcome].format(name=one.name)
        click.echo(f"{folder / one.name!s:{width}}  {said}")


def _tell_next(folder: Path, placed: list[Placed]) -> None:
    """What is still to be done by hand, if anything."""
    from slurm_finops.hook.build import MODULE, SUBMIT
    from slurm_finops.sources import slurm

    steps = []
    own = dict(placed)[SUBMIT] == "left"
    if own and MODULE not in (folder / SUBMIT).read_text("utf-8", "surrogateescape"):
        steps.append(_CHAIN.format(path=folder / MODULE))
    try:
        plugins = slurm.show_config().get("JobSubmitPlugins", "")
    except OutsideError as error:
        click.echo(f"note: {str(error).splitlines()[0]}", err=True)
        plugins = ""
    if "lua" not in plugins.split(","):
        value = ",".join(filter(None, [plugins, "lua"]))
        steps.append(f"in slurm.conf:\n     JobSubmitPlugins={value}\n   then: systemctl restart "
                     "slurmctld   (running jobs go on)")  # fmt: skip
    if steps:
        click.echo("\nstill to do:")
        for number, step in enumerate(steps, 1):
            click.echo(f"{number}. {step}")
    elif _is_slurms(folder):
        click.echo("slurmctld uses it from the next job on")


def _is_slurms(folder: Path) -> bool:
    """Whether slurm.conf lies there: a folder to be carried elsewhere is used by nobody."""
    try:
        return folder.samefile(_slurm_folder())
    except (InputError, OSError):
        return False


_CHAIN = """in your job_submit.lua, once:
     local loaded, finops = pcall(dofile, "{path}")
   at the end of slurm_job_submit:
     return loaded and finops.submit(job_desc, part_list, submit_uid) or slurm.SUCCESS
   at the end of slurm_job_modify:
     return loaded and finops.modify(job_desc, job_rec, part_list, modify_uid) or slurm.SUCCESS"""


@hook.command("test")
@_DIR
@pass_app
def try_hook(app: App, folder: Path | None) -> None:
    """Try the hook: in plain Lua, what is installed, and through slurmctld where one answers.

    Runs the vectors that come with slurm-finops and comments of your own policy
    in Lua 5.1 to 5.4, beside the Python that judges after the fact.  Through
    slurmctld goes "sbatch --test-only", which submits nothing.
    """
    from slurm_finops.cli.hook_trial import Report, controller, in_lua, installed

    report = Report()
    in_lua(report, app.config)
    try:
        installed(report, folder or _slurm_folder(), _files(app))
    except InputError as error:
        report.say("skip", str(error))
    controller(report, app.config)
    for finding in report.lines:
        click.echo(finding)
    if report.failed:
        raise RefusedError("the gate does not answer as it should: see above")
