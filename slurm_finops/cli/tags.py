"""tags: make a comment, check comments and scripts before they are submitted."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from slurm_finops.cli.app import FORMAT, App, echo_json, pass_app
from slurm_finops.errors import ConfigError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slurm_finops.config import Gate
    from slurm_finops.core.policy import Policy, Who
    from slurm_finops.core.verdict import Verdict


@click.group()
def tags() -> None:
    """Make and check the tags in a job's --comment."""


_ACCOUNT = click.option("--account", default="", help="The Slurm account it would be charged to.")
_USER = click.option("--user", default="", help="Who would submit it.")


@tags.command()
@click.argument("pairs", nargs=-1, metavar="KEY=VALUE...")
@_ACCOUNT
@_USER
@pass_app
def make(app: App, pairs: tuple[str, ...], account: str, user: str) -> None:
    """Print a comment for these tags, or say what is wrong with them.

    \b
    Example:
      c=$(slurm-finops tags make team=nlp project=llama experiment=run-42) &&
        sbatch --comment="$c" job.sh
    """
    from slurm_finops.core.near import nearest
    from slurm_finops.core.policy import Who
    from slurm_finops.core.tags import ALIASES, KEYS, Tags, make_comment
    from slurm_finops.core.verdict import verdict

    given: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        name = ALIASES.get(key, key)
        if not equals:
            raise click.UsageError(f"{pair!r} is not KEY=VALUE, such as team=nlp")
        if name not in KEYS:
            near = nearest(key, (*KEYS, *ALIASES))
            hint = f"did you mean {near!r}?" if near else f"the tags are {', '.join(KEYS)}"
            raise click.UsageError(f"{key!r} is no tag; {hint}")
        if name in given:
            raise click.UsageError(f"{name} is given twice")
        given[name] = value
    policy, gate = _gate(app)
    comment = make_comment(Tags(**given))
    answer = verdict(policy, comment, Who(account.lower() or None, user), gate.help)
    if answer.kind == "fault":
        raise InputError("\n".join(answer.lines))
    click.echo(comment)


@tags.command("check")
@click.argument("scripts", nargs=-1, type=click.Path())
@click.option("--comment", "comments", multiple=True, metavar="TEXT", help="Check this comment.")
@_ACCOUNT
@_USER
@click.option("--strict", is_flag=True, help="Exit 1 on any fault, whatever the configured mode.")
@FORMAT
@pass_app
def check_tags(
    app: App, scripts: tuple[str, ...], comments: tuple[str, ...], account: str, user: str,
    strict: bool, style: str,
) -> None:  # fmt: skip
    """Check comments: given here, in the #SBATCH lines of scripts, or on standard input (-).

    Says what the gate at sbatch would say, and exits as it would answer in the
    configured mode: 1 if it would refuse, else 0.

    \b
    Examples:
      slurm-finops tags check --comment '{"team":"nlp","project":"llama","experiment":"run-42"}'
      slurm-finops tags check train.sbatch
      printf '%s' "$COMMENT" | slurm-finops tags check -
    """
    from slurm_finops.core.verdict import verdict

    policy, gate = _gate(app)
    if not scripts and not comments:
        raise click.UsageError("nothing to check: give a script, --comment TEXT, or - for stdin")
    refuses = strict or gate.mode == "enforce"
    answers = []
    for name, comment, who in _given(scripts, comments, account, user):
        answer = verdict(policy, comment, who, gate.help)
        answers.append((name, answer))
    if style == "json":
        echo_json([_as_json(name, answer) for name, answer in answers])
    else:
        for name, answer in answers:
            click.echo(f"{name}: " + "\n".join(_told(answer, refuses)))
    if refuses and any(answer.kind == "fault" for _, answer in answers):
        raise click.exceptions.Exit(1)


def _gate(app: App) -> tuple[Policy, Gate]:
    """The site's policy and what its gate does; without a configuration, what every site asks."""
    from slurm_finops.config import Gate
    from slurm_finops.core.policy import Policy

    try:
        app.path  # noqa: B018 - raises where there is no configuration
    except ConfigError:
        click.echo("note: no configuration can be read here, so nothing of the site's own is "
                   "checked", err=True)  # fmt: skip
        return Policy(), Gate()
    return app.config.policy, app.config.gate


def _as_json(name: str, answer: Verdict) -> dict[str, Any]:
    return {
        "name": name,
        "verdict": answer.kind,
        "valid": answer.kind != "fault",
        "tags": {key: value for key, value in answer.claim.tags._asdict().items() if value},
        "faults": [fault._asdict() | {"message": fault.message} for fault in answer.faults],
        "message": "\n".join(answer.lines) or _SAID[answer.kind],
    }


_SAID = {"accept": "ok", "exempt": "exempt: the site asks no tags of this job"}


def _told(answer: Verdict, refuses: bool) -> list[str]:
    if answer.kind != "fault":
        return [_SAID[answer.kind]]
    return [*answer.lines, "  sbatch would refuse it" if refuses else "  sbatch would accept it"]


def _given(
    scripts: tuple[str, ...], comments: tuple[str, ...], account: str, user: str
) -> Iterator[tuple[str, str, Who]]:
    """``(name, comment, who)`` of everything there is to check."""
    from slurm_finops.core.policy import Who
    from slurm_finops.core.sbatch import header_components

    account = account.lower()  # as Slurm keeps it
    who = Who(account or None, user)
    for i, comment in enumerate(comments, 1):
        yield f"comment {i}" if len(comments) > 1 else "comment", comment, who
    for path in scripts:
        text = _read(path)
        if path == "-":
            yield "stdin", text.rstrip("\n"), who
            continue
        components = header_components(text)
        for number, options in enumerate(components):
            name = f"{path}, component {number}" if len(components) > 1 else path
            # a component that has none carries the first one's
            comment = options.get("comment", components[0].get("comment", ""))
            charged = account or options.get("account", "").lower()
            yield name, comment, Who(
                charged or None, user, options.get("wckey", ""),
                options.get("partition", ""), options.get("qos", ""),
            )  # fmt: skip


def _read(path: str) -> str:
    from pathlib import Path

    try:
        if path == "-":
            return sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
        return Path(path).read_text("utf-8", "surrogateescape")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
