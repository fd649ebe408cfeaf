"""estimate: the most a job can cost, before it runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from slurm_finops.cli.app import FORMAT, App, echo_json, now, pass_app
from slurm_finops.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slurm_finops.core.estimate import Estimate


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED,
                metavar="SCRIPT... [SBATCH OPTIONS]")  # fmt: skip
@click.option("--at", "day", metavar="DATE", help="At the prices of this day.  [default: now]")
@FORMAT
@pass_app
def estimate(app: App, words: tuple[str, ...], day: str | None, style: str) -> None:
    """Print the most a job can cost: its #SBATCH lines, and options as sbatch takes them.

    Needs no Slurm.  A job that ends before its time limit costs less; where it
    may land in several partitions, or on GPUs of several types, the dearest
    counts.  Where the options leave open how many nodes a job takes, or it takes
    whole ones, it says "at least".  It cannot know partitions that hand out
    whole nodes, options in the environment (SBATCH_GPUS), a site's OverTimeLimit,
    or how often a job is requeued.

    Of the charging policy it knows classes of teams (by --comment, or the
    account's defaults), factors, groups, rounding and subsidies.  Of a tier the
    dearest step counts, and what an allocation pays is in no figure: both hang
    on what a team will have used by then.

    \b
    Examples:
      slurm-finops estimate train.sbatch
      slurm-finops estimate train.sbatch --gpus=8 --time=1-0
      slurm-finops estimate --gres=gpu:h100:8 --time=12:00:00 --array=0-9
    """
    from slurm_finops.core.sbatch import options_of

    given, scripts = options_of(words)
    jobs: list[tuple[str, list[dict[str, str]]]] = [
        (script, [options | given for options in _components(script)]) for script in scripts
    ] or [("this job", [given])]
    moment = app.period(day, "--at").start if day else now()
    found = [
        (name, [[_estimate(app, options, moment, net=net) for options in components]
                for net in (False, True)])
        for name, components in jobs
    ]  # fmt: skip
    if style == "json":
        echo_json([_as_json(app, name, *both) for name, both in found])
        return
    for name, both in found:
        click.echo("\n".join(_text(app, name, *both)))


def _components(path: str) -> list[dict[str, str]]:
    from slurm_finops.core.sbatch import header_components

    try:
        return header_components(Path(path).read_text("utf-8", "surrogateescape"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None


def _estimate(app: App, options: dict[str, str], moment: int, *, net: bool) -> Estimate:
    """What a component costs at most; ``net``: what of it its team is billed."""
    from slurm_finops.core.estimate import estimate as most
    from slurm_finops.core.request import RequestError, request

    config = app.config
    try:
        asked = request(options)
    except RequestError as error:
        raise InputError(str(error)) from None
    cluster = options.get("clusters", config.cluster)
    classes = _classes(app, options, moment)
    return most(app.terms.list_book, asked, cluster, moment, config.digits, classes, net=net)


def _classes(app: App, options: dict[str, str], moment: int) -> list[str]:
    """The classes of who may pay: of a team that is named its own, else all there are."""
    from slurm_finops.core.policy import Who
    from slurm_finops.core.rates import CLASS
    from slurm_finops.core.tags import parse_comment

    charging = app.config.charging
    if CLASS not in app.terms.list_book.match_keys:
        return [""]
    who = Who(account=options.get("account", "").lower() or None)
    team = app.config.policy.filled(parse_comment(options.get("comment", "")), who).team
    if team:
        return [charging.class_at(team, moment)]
    return sorted({charging.default_class, *charging.named_classes})


def _text(
    app: App, name: str, parts: Sequence[Estimate], billed: Sequence[Estimate]
) -> list[str]:
    from slurm_finops.core.estimate import clock, sum_text
    from slurm_finops.core.money import grouped

    config = app.config
    digits, several = config.digits, len(parts) > 1
    lines = [f"{name}: {_figure(app, parts)}"]
    for number, part in enumerate(parts):
        of = f"component {number}: " if several else ""
        if part.parts:
            made_of = sum_text(part.request, part.parts, digits)
            whole = f"  {grouped(part.minor, digits)}" if several and part.minor else ""
            lines.append(f"  {of}{made_of}{whole}")
        elif several:
            lines.append(f"  {of}nothing that has a price")
        notes = [f"{sku} has no rate: it is in no figure" for sku in part.unpriced]
        if len(part.classes) > 1:
            classes = ", ".join(filter(None, part.classes))
            notes.append(f"no team is named: of the classes {classes} the dearest counts")
        notes += [f"{sku} is not paid: of group {group} the dearest alone is"
                  for sku, group in part.outdone]
        if part.request.minutes is None and part.parts:
            notes.append("no limit of time: the figure is for an hour; the partition may have one")
        if part.request.minutes != part.limit and part.limit and part.request.minutes:
            notes.append(f"{clock(part.limit)} is booked as {clock(part.request.minutes)}")
        lines += [f"  {of}note: {note}" for note in (*notes, *part.request.notes)]
    if sum(part.hourly(digits) for part in billed) < sum(part.hourly(digits) for part in parts):
        lines.append(f"  after subsidies its team pays {_figure(app, billed)}")
    return lines


def _figure(app: App, parts: Sequence[Estimate]) -> str:
    """``up to 752.64 USD``, or for an hour where one has no limit."""
    from slurm_finops.core.money import grouped

    digits, currency = app.config.digits, app.config.currency
    if not any(part.parts for part in parts):
        return "nothing that has a price"
    upto = "at least" if any(part.request.notes for part in parts) else "up to"
    if all(part.minor is not None for part in parts):
        return f"{upto} {grouped(sum(part.minor or 0 for part in parts), digits)} {currency}"
    hourly = sum(part.hourly(digits) for part in parts)
    return f"{grouped(hourly, digits)} {currency} an hour, without a limit of time"


def _as_json(
    app: App, name: str, parts: Sequence[Estimate], billed: Sequence[Estimate]
) -> dict[str, Any]:
    from slurm_finops.core.money import minor_text

    digits = app.config.digits

    def money(minor: int | None) -> str | None:
        return None if minor is None else minor_text(minor, digits)

    def most(parts: Sequence[Estimate]) -> str | None:
        whole = [part.minor for part in parts]
        return None if None in whole else money(sum(minor or 0 for minor in whole))

    return {
        "name": name,
        "currency": app.config.currency,
        "most": most(parts),
        "an_hour": money(sum(part.hourly(digits) for part in parts)),
        "billed_most": most(billed),
        "billed_an_hour": money(sum(part.hourly(digits) for part in billed)),
        "components": [
            {
                "most": money(part.minor),
                "minutes": part.limit,
                "booked_minutes": part.request.minutes,
                "tasks": part.request.tasks,
                "parts": [
                    {"sku": one.sku, "quantity": one.quantity,
                     "price": minor_text(one.price.micros, 6), "per": one.price.per,
                     "factors": [str(ratio) for ratio in one.price.factors],
                     "most": money(one.minor)}
                    for one in part.parts
                ],
                "unpriced": list(part.unpriced),
                "outdone": [sku for sku, _ in part.outdone],
                "notes": list(part.request.notes),
            }
            for part in parts
        ],
    }  # fmt: skip
