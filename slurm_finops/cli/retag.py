"""retag: correct, by hand, what runs say of themselves; shown before and after, and audited."""

from __future__ import annotations

import click

from slurm_finops.cli.app import FORMAT, App, actor, echo_json, now, pass_app


@click.group()
def retag() -> None:
    """Correct the tags of runs, of one or by a rule; list such retags, undo one.

    \b
    Examples:
      slurm-finops retag add --run 4711 --set project=bert --reason "typed the wrong one"
      slurm-finops retag list
      slurm-finops retag undo 3 --reason "it was theirs after all"
    """


@retag.command()
@click.option("--run", "job_id", metavar="JOB", help="Retag this job: 4711, 4711_3 of an array, "
              "4711+1 of a het job.  The number of an array is all its tasks.")
@click.option("--submit", metavar="TIME", help="Of a job that was requeued only the run that was "
              "submitted then.  [default: all its runs]")
@click.option("--match", "match", metavar="KEY=VALUE", multiple=True,
              help="Retag all runs that have this; given several times, all of it.  account, user, "
              "partition, qos, wckey, name (of the job, with * and ?), or a tag as it is billed "
              "before; - for none.")
@click.option("--from", "since", metavar="TIME", help="Of --match only runs that started from then "
              "on: a date or an ISO time, in the billing zone unless it has an offset.")
@click.option("--until", metavar="TIME", help="And before then; a date is its midnight.")
@click.option("--cluster", metavar="NAME", help="[default: of --run the configured one, of --match "
              "all]")
@click.option("--set", "sets", metavar="KEY=VALUE", multiple=True, help="Give them this tag.")
@click.option("--clear", metavar="KEY", multiple=True, help="Take this tag away.")
@click.option("--reason", metavar="TEXT", required=True, help="Why; kept, and shown by list.")
@click.option("--ticket", metavar="TEXT", default="", help="Where it was asked for.")
@click.option("--approver", metavar="LOGIN", default="", help="Who allowed it; needed where runs "
              "are of a month that is closed.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Say what it would move, and change nothing.")
@FORMAT
@pass_app
def add(
    app: App, job_id: str | None, submit: str | None, match: tuple[str, ...], since: str | None,
    until: str | None, cluster: str | None, sets: tuple[str, ...], clear: tuple[str, ...],
    reason: str, ticket: str, approver: str, dry_run: bool, style: str,
) -> None:  # fmt: skip
    """Set tags of a job, or of every run that matches, whatever they say themselves.

    A retag comes before a run's seal and Comment, and before its account's defaults; a
    team that it sets is not contested.  Where it moves a run to another team and says
    no cost centre, the run has that team's.  Runs that are collected later are retagged,
    too.  Several retags are applied in order, and the later wins, tag by tag.

    What moves is shown, before and after.  Bills change once "slurm-finops price" has
    applied it.

    \b
    Examples:
      slurm-finops retag add --run 4711 --set project=bert --reason "typed the wrong one"
      slurm-finops retag add --match account=nlp --match project=- --set project=bert \\
        --from 2026-06-01 --until 2026-07-01 --reason "nobody named it" --dry-run
      slurm-finops retag add --match 'name=sweep-*' --set team=cv --clear experiment \\
        --reason "the sweep is theirs" --ticket OPS-21 --approver pi@example.org
    """
    from slurm_finops.billing import retags
    from slurm_finops.cli import retagging

    asked = retagging.Asked(job_id, submit, match, since, until, cluster, sets, clear, reason,
                            ticket, approver)  # fmt: skip
    ready = retagging.checked(app.config, asked)
    # one who has no ledger is told so, and none is made
    there = app.config.database.exists()
    opened = app.writing("retag add") if there and not dry_run else app.reading()
    with opened as ledger:
        wanted = retagging.resolved(app.config, ledger, asked, ready)
        made, effect = retagging.as_if(ledger, app.terms, wanted, now(), actor())
        stated = retagging.check_stated(app.config, ledger, effect, wanted.approver, now())
        if not dry_run:
            made, effect = retags.add(ledger, app.terms, wanted, now(), actor())
        notes = list(retagging.notes(app.config, ledger, made, effect, now()))
        notes += [stated] if stated else []
    if style == "json":
        echo_json(retagging.as_json(app.config, made, effect, dry_run, stored=not dry_run))
    else:
        click.echo("\n".join(retagging.told(app.config, made, effect, dry_run)))
    for line in notes:
        click.echo(line, err=True)


@retag.command("list")
@click.option("--all", "undone", is_flag=True, help="Those that were undone, too.")
@FORMAT
@pass_app
def list_retags(app: App, undone: bool, style: str) -> None:
    """List the retags in force, by number.

    \b
    Examples:
      slurm-finops retag list
      slurm-finops retag list --all --format json
    """
    from slurm_finops.cli import retags_list
    from slurm_finops.ledger.retags import in_force, listed

    with app.reading() as ledger:
        found = listed(ledger.db) if undone else in_force(ledger.db)
    if style == "json":
        echo_json({"retags": [retags_list.as_json(app.config, one) for one in found]})
    elif found:
        click.echo("\n".join(retags_list.table(app.config, found, undone)))
    else:
        ever = "was ever made" if undone else "is in force"
        click.echo(f"no retag {ever}: slurm-finops retag add makes one")


@retag.command()
@click.argument("number", metavar="ID", type=click.IntRange(1, 1 << 62))
@click.option("--reason", metavar="TEXT", required=True, help="Why; kept, and shown by list --all.")
@click.option("--approver", metavar="LOGIN", default="", help="Who allowed it; needed where runs "
              "are of a month that is closed.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Say what it would move, and change nothing.")
@FORMAT
@pass_app
def undo(
    app: App, number: int, reason: str, approver: str, dry_run: bool, style: str
) -> None:  # fmt: skip
    """Undo a retag: its runs are billed to whom they say, once "slurm-finops price" has run.

    The retag stays in the ledger, with who undid it, when and why.

    \b
    Examples:
      slurm-finops retag undo 3 --reason "it was theirs after all"
    """
    from slurm_finops.billing import retags
    from slurm_finops.cli import retagging
    from slurm_finops.cli.crediting import words
    from slurm_finops.ledger.retags import find

    why = words(reason, "--reason")
    who = words(approver, "--approver") if approver else ""
    there = app.config.database.exists()
    opened = app.writing("retag undo") if there and not dry_run else app.reading()
    with opened as ledger:
        made = find(ledger.db, number, app.config.calendar)
        effect = retags.of_undoing(ledger, app.terms, made)
        stated = retagging.check_stated(app.config, ledger, effect, who, now())
        if not dry_run:
            why += f" (approved by {who})" if who else ""
            made, effect = retags.undo(ledger, app.terms, number, why, now(), actor())
    if style == "json":
        echo_json(retagging.as_json(app.config, made, effect, dry_run))
    else:
        click.echo("\n".join(retagging.told(app.config, made, effect, dry_run, undo=True)))
    if stated:
        click.echo(stated, err=True)
