"""The command line: parse, call, echo.  Everything but click is imported inside commands."""

import click

from slurm_finops import __version__
from slurm_finops.cli.app import App, FinopsGroup


@click.group(
    cls=FinopsGroup,
    modules=("init", "check", "collect", "price", "report", "send", "nightly", "problems",
             "reconcile", "tags", "hook", "estimate", "budgets", "alerts", "rates", "pools",
             "lines", "credits", "retag", "allocations", "funds", "readiness", "period",
             "statement", "export", "import", "advise", "compare", "serve", "audit"),
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "-c", "--config", "path", envvar="SLURM_FINOPS_CONFIG", metavar="FILE",
    help="The configuration.  [default: $SLURM_FINOPS_CONFIG, else "
    "/etc/slurm-finops/finops.toml, else ./finops.toml]",
)  # fmt: skip
@click.version_option(__version__, prog_name="slurm-finops")
@click.pass_context
def main(context: click.Context, path: str | None) -> None:
    """What each GPU-second on a Slurm cluster cost, and who it belongs to.

    \b
    First steps:
      slurm-finops init                 write a finops.toml for this cluster
      slurm-finops check                see what is missing, and how to mend it
      slurm-finops nightly              collect, price, report, send: the cron line
      slurm-finops report --period 2026-06 --by team,project
    """
    context.obj = App(path)
