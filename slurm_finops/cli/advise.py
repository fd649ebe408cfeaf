"""advise: what should have been bought, and how each workload should be paid."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from slurm_finops.cli.advising import answer, ended, question, typed
from slurm_finops.cli.app import FORMAT, App, echo_json, pass_app

if TYPE_CHECKING:
    from slurm_finops.reports.advice import Advice


@click.command()
@click.option("--period", metavar="PERIOD", help="2026-06, 2026-W23 or A..B (half-open), that has "
              "ended.  [default: the last complete billing month]")
@click.option("--sku", metavar="TRES", help="What would be committed, such as gres/gpu:h100.  "
              "[default: the GPU that was held most]")
@click.option("--partition", metavar="NAME", help="Only use of this partition.")
@click.option("--committed", metavar="PRICE", help="An hour of a unit under a commitment.  "
              "[default: the committed rate of [[rates]]]")
@click.option("--on-demand", metavar="PRICE", help="An hour of a unit on demand.  "
              "[default: the on_demand rate of [[rates]]]")
@click.option("--capacity", metavar="N", type=click.IntRange(min=1),
              help="Units that stood there: say what of them was idle.")
@click.option("--picture", metavar="FILE.png", help="Draw hours by use, with both levels.")
@click.option("--limit", metavar="N", type=click.IntRange(min=0), default=10, show_default=True,
              help="Workloads shown, those that held most first; JSON has all.")
@click.option("--what-if", "other", metavar="FILE", help="Instead: what the period would have cost "
              "by the [[rates]], [[pools]], [[overhead]] and [[lines]] of this file.")
@click.option("--by", "names", metavar="NAMES", help="With --what-if: dimensions as of report.  "
              "[default: team]")
@FORMAT
@pass_app
@click.pass_context
def advise(
    context: click.Context, app: App, period: str | None, sku: str | None, partition: str | None,
    committed: str | None, on_demand: str | None, capacity: int | None, picture: str | None,
    limit: int, other: str | None, names: str | None, style: str,
) -> None:  # fmt: skip
    """Say what should have been bought: the commitment, and how to pay for each workload.

    From the use of each hour of the period: the level of a commitment that would
    have cost least, and the floor that was in use 95% of the time.  Prices are
    those in force at the period's end.  Changes nothing.

    \b
    Examples:
      slurm-finops advise --committed 2.35
      slurm-finops advise --period 2026-06 --committed 2.35 --on-demand 3.92
      slurm-finops advise --period 2026-06 --committed 2.35 --capacity 8 --picture june.png
      slurm-finops advise --period 2026-06 --sku gres/gpu:a100 --committed 1.10 --format json
      slurm-finops advise --period 2026-06 --what-if reserved.toml --by team,project
    """
    over = ended(app, period)
    if other is not None:
        from slurm_finops.cli.rehearsing import show

        _only(context, "other", {"period", "other", "names", "style"})
        show(app, over, Path(other), names, style)
        return
    if names is not None:
        raise click.UsageError("--by goes with --what-if; workloads are by team, project and "
                               "environment")  # fmt: skip
    given = {"committed": typed(committed, "--committed"),
             "on_demand": typed(on_demand, "--on-demand")}  # fmt: skip
    if picture is not None and not picture.endswith(".png"):
        raise click.BadParameter(f"{picture!r} does not end in .png", param_hint="'--picture'")
    with app.reading() as ledger:
        asked = question(app, ledger, over, sku, partition)
        found = answer(app, ledger, asked, given, capacity)
    if picture is not None:
        _draw(found, Path(picture))
    if style == "json":
        from slurm_finops.reports.advice import advice_json

        echo_json(advice_json(found))
        return
    from slurm_finops.reports.advice_text import advice_text

    click.echo(advice_text(found, limit), nl=False)


def _only(context: click.Context, option: str, may: set[str]) -> None:
    """An option that stands for a question of its own takes no part of another."""
    from click.core import ParameterSource

    flags = {str(one.name): one.opts[0] for one in context.command.params}
    for name in sorted(flags.keys() - may):
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{flags[name]} does not go with {flags[option]}")


def _draw(found: Advice, path: Path) -> None:
    from slurm_finops.cli.files import save
    from slurm_finops.core.usage import is_gpu
    from slurm_finops.reports.charts_beside import duration_png
    from slurm_finops.reports.format import visible

    unit = visible(found.sku) if is_gpu(found.sku) else f"units of {visible(found.sku)}"
    levels = [("cheapest", found.cheapest.units), ("floor (P5)", found.floor.units)]
    save(path, duration_png(found.hours, levels, unit))
