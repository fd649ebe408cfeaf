"""tags: make a comment, check comments and scripts before they are submitted."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from slurm_finops.cli.app import FORMAT, App, echo_json, pass_app
from slurm_finops.errors import ConfigError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slurm_finops.core.policy import Policy
    from slurm_finops.core.tags import Fault, Tags


@click.group()
def tags() -> None:
    """Make and check the tags in a job's --comment."""


@tags.command()
@click.argument("pairs", nargs=-1, metavar="KEY=VALUE...")
@pass_app
def make(app: App, pairs: tuple[str, ...]) -> None:
    """Print a comment for these tags, quoted for the shell.

    \b
    Example:
      sbatch --comment="$(slurm-finops tags make team=nlp project=llama experiment=run-42)" job.sh
    """
    from slurm_finops.core.tags import ALIASES, KEYS, make_comment, parse_comment

    given: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        name = ALIASES.get(key, key)
        if not equals or name not in KEYS:
            raise click.UsageError(f"{pair!r} is not KEY=VALUE; the keys are {', '.join(KEYS)}")
        if name in given:
            raise click.UsageError(f"{name} is given twice")
        given[name] = value
    wanted = _as_tags(given)
    comment = make_comment(wanted)
    policy = _policy(app)
    faults = parse_comment(comment).faults or policy.judge(wanted)
    if faults:
        raise InputError(_told(faults, policy, wanted))
    click.echo(comment)


@tags.command("check")
@click.argument("scripts", nargs=-1, type=click.Path())
@click.option("--comment", "comments", multiple=True, metavar="TEXT", help="Check this comment.")
@click.option("--account", default="", help="The Slurm account it would be charged to.")
@click.option("--strict", is_flag=True, help="Exit 1 on any fault, whatever the configured mode.")
@FORMAT
@pass_app
def check_tags(
    app: App, scripts: tuple[str, ...], comments: tuple[str, ...], account: str, strict: bool,
    style: str,
) -> None:  # fmt: skip
    """Check comments: given here, in the #SBATCH lines of scripts, or on standard input (-).

    Exits as the gate at sbatch would answer in the configured mode: 1 if it
    would refuse, else 0.

    \b
    Examples:
      slurm-finops tags check --comment '{"team":"nlp","project":"llama","experiment":"run-42"}'
      slurm-finops tags check train.sbatch
      printf '%s' "$COMMENT" | slurm-finops tags check -
    """
    policy = _policy(app)
    if not scripts and not comments:
        raise click.UsageError("nothing to check: give a script, --comment TEXT, or - for stdin")
    answers = []
    for name, comment, of_account in _given(scripts, comments, account):
        found, told = _judged(policy, comment, of_account)
        answers.append({
            "name": name,
            "valid": not found,
            "faults": [fault._asdict() | {"message": fault.message} for fault in found],
            "message": told,
        })  # fmt: skip
    if style == "json":
        echo_json(answers)
    else:
        for answer in answers:
            click.echo(f"{answer['name']}: {answer['message']}")
    bad = any(not answer["valid"] for answer in answers)
    if bad and (strict or _mode(app) == "enforce"):
        raise click.exceptions.Exit(1)


def _policy(app: App) -> Policy:
    """The site's policy; without a configuration, what every site asks."""
    from slurm_finops.core.policy import Policy

    try:
        app.path  # noqa: B018 - raises where there is no configuration
    except ConfigError:
        return Policy()
    return app.config.policy


def _mode(app: App) -> str:
    try:
        app.path  # noqa: B018 - raises where there is no configuration
    except ConfigError:
        return "warn"
    return app.config.tags_mode


def _judged(policy: Policy, comment: str, account: str) -> tuple[tuple[Fault, ...], str]:
    """The faults of a comment and what is said of it."""
    from slurm_finops.core.tags import parse_comment

    claim = parse_comment(comment)
    if account:
        claim = policy.attribute(claim, account)
    faults = policy.faults(claim)
    return faults, _told(faults, policy, claim.tags) if faults else "ok"


def _told(faults: tuple[Fault, ...], policy: Policy, given: Tags) -> str:
    """A line a fault, and a whole right comment to start from."""
    from shlex import quote

    from slurm_finops.core.tags import make_comment

    missing = {key: f"<{key}>" for key in policy.required if getattr(given, key) is None}
    lines = [fault.message for fault in faults]
    comment = make_comment(given._replace(**missing))
    lines.append(f"a right one looks like: --comment={quote(comment)}")
    return "\n  ".join(lines)


def _as_tags(given: dict[str, str]) -> Tags:
    from slurm_finops.core.tags import Tags

    return Tags(**given)


def _given(
    scripts: tuple[str, ...], comments: tuple[str, ...], account: str
) -> Iterator[tuple[str, str, str]]:
    """``(name, comment, account)`` of everything there is to check."""
    for i, comment in enumerate(comments, 1):
        yield f"comment {i}" if len(comments) > 1 else "comment", comment, account
    for path in scripts:
        text = _read(path)
        if path == "-":
            yield "stdin", text.rstrip("\n"), account
            continue
        from slurm_finops.core.sbatch import header_options

        options = header_options(text)
        yield path, options.get("comment", ""), account or options.get("account", "")


def _read(path: str) -> str:
    from pathlib import Path

    try:
        if path == "-":
            return sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
        return Path(path).read_text("utf-8", "surrogateescape")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
