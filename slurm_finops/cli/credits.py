"""credits: forgive what a run, or an outage's runs, would be billed; by hand, and audited."""

from __future__ import annotations

import click

from slurm_finops.cli.app import FORMAT, App, actor, echo_json, now, pass_app


@click.group()
def credits() -> None:
    """Forgive what a run, or an outage, would be billed; list credits, revoke one.

    \b
    Examples:
      slurm-finops credits add --nodes 'gpu[01-04]' --from 2026-06-03T08:00 \\
        --until 2026-06-03T14:00 --reason "cooling failed" --ticket OPS-17 --approver pi@example.org
      slurm-finops credits list
      slurm-finops credits revoke 3 --reason "the wrong rack"
    """


@credits.command()
@click.option("--run", "job_id", metavar="JOB", help="Credit this job: 4711, 4711_3 of an array, "
              "4711+1 of a het job.  The number of an array is all its tasks.")
@click.option("--submit", metavar="TIME", help="Of a job that was requeued only the run that was "
              "submitted then.  [default: all its runs]")
@click.option("--nodes", metavar="NODES", help="Credit what ran on these nodes, as Slurm writes "
              "them: 'gpu[01-04,7],login1'.  Needs --from and --until.")
@click.option("--cluster", metavar="NAME", help="[default: the configured one]")
@click.option("--from", "since", metavar="TIME", help="A date or an ISO time, in the billing zone "
              "unless it has an offset.")
@click.option("--until", metavar="TIME", help="The first moment after it; a date is its midnight.")
@click.option("--part", metavar="PART", default="1", show_default=True,
              help="How much is forgiven: 1/2, 0.25, 25%; 1 is all.")
@click.option("--reason", metavar="TEXT", required=True, help="Why; kept, and shown by list.")
@click.option("--ticket", metavar="TEXT", default="", help="Where it was asked for.")
@click.option("--approver", metavar="TEXT", required=True, help="Who allowed it.")
@click.option("--again", is_flag=True, help="Add it although one in force forgives the same.")
@click.option("--dry-run", is_flag=True, help="Say which runs it is for, and change nothing.")
@FORMAT
@pass_app
def add(
    app: App, job_id: str | None, submit: str | None, nodes: str | None, cluster: str | None,
    since: str | None, until: str | None, part: str, reason: str, ticket: str, approver: str,
    again: bool, dry_run: bool, style: str,
) -> None:  # fmt: skip
    """Forgive (part of) what a run is billed, or every run on some nodes for a time.

    An outage credits each run that held one of the nodes, for all its nodes: where
    one breaks, the others wait.  Runs that are collected later are credited, too.
    Several credits of one second each take their part of what those before left.

    Bills change once "slurm-finops price" has applied it.

    \b
    Examples:
      slurm-finops credits add --run 4711 --reason "disk full" --approver pi@example.org
      slurm-finops credits add --run 4711_3 --part 1/2 --reason "slow network" \\
        --ticket OPS-17 --approver pi@example.org --dry-run
      slurm-finops credits add --nodes 'gpu[01-04]' --from 2026-06-03T08:00 \\
        --until 2026-06-03T14:00 --reason "cooling failed" --approver pi@example.org
    """
    from slurm_finops.cli import crediting
    from slurm_finops.ledger.credits import add as store

    asked = crediting.Asked(job_id, submit, nodes, cluster, since, until, part, reason, ticket,
                            approver)  # fmt: skip
    ready = crediting.checked(app.config, asked)
    # one who has no ledger is told so, and none is made
    there = app.config.database.exists()
    opened = app.writing("credits add") if there and not dry_run else app.reading()
    with opened as ledger:
        wanted = crediting.resolved(app.config, ledger, asked, ready)
        if dry_run:
            granted = crediting.as_if(app.config, ledger, wanted, now(), actor(), again)
        else:
            granted = store(ledger, wanted, app.config.calendar, now(), actor(), again)
        found = crediting.look(app.config, ledger, granted, now())
    if style == "json":
        echo_json(crediting.as_json(app.config, found, dry_run))
    else:
        click.echo("\n".join(crediting.told(app.config, found, dry_run)))
    for line in found.notes:
        click.echo(line, err=True)


@credits.command("list")
@click.option("--all", "revoked", is_flag=True, help="Those that were revoked, too.")
@FORMAT
@pass_app
def list_credits(app: App, revoked: bool, style: str) -> None:
    """List the credits in force, by number.

    \b
    Examples:
      slurm-finops credits list
      slurm-finops credits list --all --format json
    """
    from slurm_finops.cli import credits_list
    from slurm_finops.ledger.credits import listed

    with app.reading() as ledger:
        found = listed(ledger.db, revoked)
    if style == "json":
        echo_json({"credits": [credits_list.as_json(app.config, one) for one in found]})
    elif found:
        click.echo("\n".join(credits_list.table(app.config, found, revoked)))
    else:
        ever = "was ever given" if revoked else "is in force"
        click.echo(f"no credit {ever}: slurm-finops credits add gives one")


@credits.command()
@click.argument("number", metavar="ID", type=click.IntRange(1, 1 << 62))
@click.option("--reason", metavar="TEXT", required=True, help="Why; kept, and shown by list --all.")
@FORMAT
@pass_app
def revoke(app: App, number: int, reason: str, style: str) -> None:
    """Revoke a credit: what it forgave is billed again once "slurm-finops price" has run.

    The credit stays in the ledger, with who revoked it, when and why.

    \b
    Examples:
      slurm-finops credits revoke 3 --reason "the wrong rack"
    """
    from slurm_finops.cli import crediting, credits_list
    from slurm_finops.ledger.credits import revoke as store
    from slurm_finops.ledger.credits import told

    why = crediting.words(reason, "--reason")
    there = app.config.database.exists()
    with app.writing("credits revoke") if there else app.reading() as ledger:
        found = store(ledger, number, why, app.config.calendar, now(), actor())
    if style == "json":
        echo_json({"credit": credits_list.as_json(app.config, found)})
    else:
        click.echo(f"credit {number} revoked: {told(app.config.calendar, found.wanted)}")
        click.echo(crediting.THEN)
