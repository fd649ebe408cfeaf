"""period hold, release, credit, uncredit, disputes: what owners dispute of a month."""

from __future__ import annotations

import click

from slurm_finops.cli.app import FORMAT, App, actor, echo_json, now, pass_app

_TEAM = click.option("--team", metavar="TEAM", required=True,
                     help="Whose it is; '(untagged)' is what names no team.")
_PROJECT = click.option("--project", metavar="PROJECT", help="Only of this project of the team.")
_NUMBER = click.argument("number", metavar="ID", type=click.IntRange(1, 1 << 62))


@click.command()
@click.argument("label", metavar="PERIOD")
@_TEAM
@_PROJECT
@click.option("--reason", metavar="TEXT", required=True, help="Why it is disputed; kept.")
@FORMAT
@pass_app
def hold(
    app: App, label: str, team: str, project: str | None, reason: str, style: str
) -> None:
    """Hold back what an owner disputes: it is not stated until it is released.

    The month can close without it, and what is released later is a correction in the
    next month that closes.  What is closed cannot be held: it was stated.

    \b
    Examples:
      slurm-finops period hold 2026-06 --team cv --reason "not our nodes, asked ops"
      slurm-finops period hold 2026-06 --team cv --project vision --reason "see OPS-17"
    """
    from slurm_finops.cli import disputing
    from slurm_finops.cli.crediting import words
    from slurm_finops.cli.owners import whose
    from slurm_finops.ledger.disputes import Hold, put

    why = words(reason, "--reason")
    with disputing.opened(app, "period hold") as ledger:
        owner = whose(app, ledger, team, project)
        month = disputing.to_hold(app, ledger, label, owner)
        one = Hold(0, month.label, *owner, why, now(), actor())
        costs = disputing.costs_of(app, ledger, month, owner)
        one = one._replace(id=put(ledger, one, f"{disputing.of(one)}; {why}"))
    if style == "json":
        echo_json({"hold": disputing.hold_json(app, one, None)})
        return
    click.echo(f"hold {one.id}: {disputing.shown_of(one)} is not stated until it is released "
               f"({costs} as it is priced now)")  # fmt: skip


@click.command()
@_NUMBER
@click.option("--reason", metavar="TEXT", required=True, help="How it was settled; kept.")
@FORMAT
@pass_app
def release(app: App, number: int, reason: str, style: str) -> None:
    """Release what is held: it is stated when its month closes, or the next one if it is closed.

    \b
    Examples:
      slurm-finops period release 3 --reason "it was theirs"
    """
    from slurm_finops.cli import disputing
    from slurm_finops.cli.crediting import words
    from slurm_finops.ledger.disputes import Ended, Hold, end, hold_in_force

    ended = Ended(now(), actor(), words(reason, "--reason"))
    with disputing.opened(app, "period release") as ledger:
        one = hold_in_force(ledger.db, number)
        end(ledger, Hold, number, disputing.of(one), ended)
        when = disputing.stated_in(app, ledger, one.period)
    if style == "json":
        echo_json({"hold": disputing.hold_json(app, one, ended)})
    else:
        click.echo(f"hold {number} released: {disputing.shown_of(one)} is stated {when}")


@click.command()
@click.argument("label", metavar="PERIOD")
@_TEAM
@_PROJECT
@click.option("--amount", metavar="AMOUNT", required=True, help="How much, such as 25.50.")
@click.option("--charge", is_flag=True, help="Put it on the statement instead of taking it off.")
@click.option("--reason", metavar="TEXT", required=True, help="Why; kept.")
@click.option("--approver", metavar="LOGIN", required=True, help="Who allowed it.")
@click.option("--again", is_flag=True, help="Although one in force says the same.")
@FORMAT
@pass_app
def credit(
    app: App, label: str, team: str, project: str | None, amount: str, charge: bool, reason: str,
    approver: str, again: bool, style: str,
) -> None:  # fmt: skip
    """Credit an owner on a month's statement, as a line of its own; --charge adds to it instead.

    It is of the month's last day, and paid as other costs of that day are.  A month that is
    closed takes none: give it in the next open one.  What single runs or an outage should
    not cost is forgiven with "slurm-finops credits add", which every report then shows.

    \b
    Examples:
      slurm-finops period credit 2026-06 --team cv --amount 25.50 \\
        --reason "slow disk, OPS-17" --approver pi@example.org
      slurm-finops period credit 2026-06 --team nlp --project llama --amount 40 --charge \\
        --reason "tapes that were bought for it" --approver pi@example.org
    """
    from slurm_finops.cli import disputing
    from slurm_finops.cli.crediting import words
    from slurm_finops.cli.moving import check_approver
    from slurm_finops.cli.owners import whose
    from slurm_finops.ledger.disputes import Adjustment, put

    minor = disputing.amount(app, amount) * (1 if charge else -1)
    why, who = words(reason, "--reason"), words(approver, "--approver")
    check_approver(who)
    with disputing.opened(app, "period credit") as ledger:
        owner = whose(app, ledger, team, project)
        one = Adjustment(0, label, *owner, minor, why, who, now(), actor())
        month = disputing.to_credit(app, ledger, one, again)
        notes = list(disputing.notes(app, ledger, month, one))
        said = f"{disputing.adjusted(app, one)}; {why}; approved by {who}"
        one = one._replace(id=put(ledger, one, said))
    if style == "json":
        echo_json({"credit": disputing.credit_json(app, one, None, False)})
    else:
        click.echo(f"adjustment {one.id}: {disputing.shown_adjusted(app, one)}")
    for note in notes:
        click.echo(note, err=True)


@click.command()
@_NUMBER
@click.option("--reason", metavar="TEXT", required=True, help="Why; kept.")
@FORMAT
@pass_app
def uncredit(app: App, number: int, reason: str, style: str) -> None:
    """Revoke a credit or charge that was put on a month, as long as the month is open.

    \b
    Examples:
      slurm-finops period uncredit 3 --reason "the wrong team"
    """
    from slurm_finops.cli import disputing
    from slurm_finops.cli.crediting import words
    from slurm_finops.ledger.disputes import Adjustment, Ended, adjustment_in_force, end

    ended = Ended(now(), actor(), words(reason, "--reason"))
    with disputing.opened(app, "period uncredit") as ledger:
        one = adjustment_in_force(ledger.db, number)
        disputing.check_unstated(app, ledger, one)
        end(ledger, Adjustment, number, disputing.adjusted(app, one), ended)
    if style == "json":
        echo_json({"credit": disputing.credit_json(app, one, ended, False)})
    else:
        click.echo(f"adjustment {number} revoked: {disputing.shown_adjusted(app, one)}")


@click.command()
@click.option("--all", "everything", is_flag=True,
              help="What is stated, released or revoked, too.")
@FORMAT
@pass_app
def disputes(app: App, everything: bool, style: str) -> None:
    """List what is held, credited or moved, and not stated yet.

    \b
    Examples:
      slurm-finops period disputes
      slurm-finops period disputes --all --format json
    """
    from slurm_finops.cli import disputes_list

    with app.reading() as ledger:
        found = disputes_list.found(app, ledger, everything)
    if style == "json":
        echo_json({"currency": app.config.currency, **disputes_list.as_json(app, found)})
    else:
        click.echo("\n".join(disputes_list.tables(app, found, everything)))


COMMANDS = (hold, release, credit, uncredit, disputes)
