"""A credit that is asked for: what was typed checked, and what it comes to told."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from slurm_finops.core.words import count, shown, storable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from fractions import Fraction

    from slurm_finops.config import Config
    from slurm_finops.ledger.credited import Credited
    from slurm_finops.ledger.credits import Granted, Wanted
    from slurm_finops.ledger.store import Ledger

#: What makes a difference to bills.
THEN = "then: slurm-finops price"
_LISTED = 20
_NAMED = 5
_PART = re.compile(r"(\d{1,9})/(\d{1,9})|(\d{1,3})(?:\.(\d{1,6}))?(%?)", re.ASCII)
_HEAD = ("run", "user", "from", "until", "GPUs", "GPU-hours")


class Asked(NamedTuple):
    """The options as they were typed."""

    job_id: str | None
    submit: str | None
    nodes: str | None
    cluster: str | None
    since: str | None
    until: str | None
    part: str
    reason: str
    ticket: str
    approver: str


class Checked(NamedTuple):
    """What of them can be read without a ledger."""

    submit: int | None
    since: int | None
    until: int | None
    part: Fraction
    reason: str
    ticket: str
    approver: str


class Found(NamedTuple):
    """A credit with the runs it is for, and what a person should know of it."""

    granted: Granted
    runs: list[Credited]
    notes: list[str]

    @property
    def gpu_seconds(self) -> int:
        return sum(run.gpu_seconds for run in self.runs)

    @property
    def forgiven(self) -> int:
        """GPU-seconds, whole: rounded here and nowhere before."""
        from fractions import Fraction

        from slurm_finops.core.money import round_half_away

        total = sum((run.forgiven for run in self.runs), Fraction(0))
        return round_half_away(total.numerator, total.denominator)


def checked(config: Config, asked: Asked) -> Checked:
    """Raises click's errors, which name the option."""
    if (asked.job_id is None) == (asked.nodes is None):
        raise click.UsageError(
            "a credit is for a job (--run 4711) or for an outage (--nodes 'gpu[01-04]' with --from "
            "and --until): give one of the two"
        )
    if asked.nodes is not None:
        if asked.since is None or asked.until is None:
            raise click.UsageError("--nodes needs --from and --until: an outage has both")
        if asked.submit is not None:
            raise click.UsageError("--submit is for --run: it says which run of a job")
        _check_nodes(asked.nodes)
    since, until, submit = (
        moment_of(config, text, option) for text, option in
        ((asked.since, "--from"), (asked.until, "--until"), (asked.submit, "--submit"))
    )  # fmt: skip
    if since is not None and until is not None and since >= until:
        raise click.UsageError(
            f"--until {asked.until} is not after --from {asked.since}: the window is empty"
        )
    return Checked(
        submit, since, until, _part(asked.part), words(asked.reason, "--reason"),
        storable(asked.ticket.strip()), words(asked.approver, "--approver"),
    )  # fmt: skip


def words(text: str, option: str) -> str:
    """A text that says something, as the ledger takes it."""
    found = storable(text.strip())
    if not found:
        raise click.BadParameter("it is empty, and it is kept for good", param_hint=f"'{option}'")
    return found


def _check_nodes(text: str) -> None:
    from slurm_finops.core.hostlist import expand

    try:
        if not expand(text):
            raise ValueError("it names no node")
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="'--nodes'") from None


def moment_of(config: Config, text: str | None, option: str) -> int | None:
    """A time as typed for an option, as epoch seconds; raises click's error."""
    from slurm_finops.prices.text import moment

    try:
        return None if text is None else moment(text, config.zone)
    except ValueError as error:
        raise click.BadParameter(f"{error} or 2026-06-01T08:00", param_hint=f"'{option}'") from None


def _part(text: str) -> Fraction:
    from fractions import Fraction

    found = _PART.fullmatch(text.strip())
    value = Fraction(0)
    if found and found[1]:
        value = Fraction(int(found[1]), int(found[2])) if int(found[2]) else value
    elif found:
        decimals = found[4] or ""
        scale = 10 ** len(decimals) * (100 if found[5] else 1)
        value = Fraction(int(found[3] + decimals), scale)
    if not 0 < value <= 1:
        raise click.BadParameter(
            f"{shown(text)} is no part above 0 and up to 1, such as 1/2, 0.25 or 25%",
            param_hint="'--part'",
        )
    return value


def resolved(config: Config, ledger: Ledger, asked: Asked, ready: Checked) -> Wanted:
    """The credit, its job looked up in the ledger; raises `InputError` where there is none."""
    from slurm_finops.ledger.credits import Wanted
    from slurm_finops.ledger.named import check_cluster, job

    cluster = asked.cluster or config.cluster
    wanted = Wanted(
        "outage", cluster, None, None, None, None, None, ready.since, ready.until,
        ready.part.numerator, ready.part.denominator, ready.reason, ready.ticket, ready.approver,
    )  # fmt: skip
    if asked.nodes is not None:
        check_cluster(ledger.db, cluster)
        return wanted._replace(nodes=storable(asked.nodes.strip()))
    found = job(ledger.db, config.calendar, cluster, (asked.job_id or "").strip(), ready.submit)
    return wanted._replace(kind="run", **found._asdict())


def as_if(
    config: Config, ledger: Ledger, wanted: Wanted, at: int, actor: str, again: bool
) -> Granted:
    """The credit as it would be given; raises `InputError` where it would not."""
    from slurm_finops.ledger.credited import next_id
    from slurm_finops.ledger.credits import Granted, check_new

    if not again:
        check_new(ledger.db, wanted, config.calendar)
    return Granted(next_id(ledger.db), wanted, at, actor)


def look(config: Config, ledger: Ledger, granted: Granted, at: int) -> Found:
    """The runs that a credit is for, with what a person should know of them."""
    from slurm_finops.ledger.credited import credited

    unread: set[str] = set()
    runs = credited(ledger.db, granted, config.charge_suspended, unread)
    found = Found(granted, runs, [])
    found.notes.extend([
        *_slips(ledger, granted.wanted, runs, unread),
        *_of_runs(config, found),
        *_to_come(granted.wanted, runs, at),
    ])
    return found


def _slips(
    ledger: Ledger, wanted: Wanted, runs: Sequence[Credited], unread: set[str]
) -> Iterator[str]:
    from slurm_finops.core.hostlist import expand
    from slurm_finops.ledger.credited import never_seen

    if wanted.nodes is not None:
        strange = never_seen(ledger.db, wanted.cluster, expand(wanted.nodes))
        if strange:
            yield (f"warning: no run of {wanted.cluster} was ever on {_some(strange)}: is the "
                   "name right?")  # fmt: skip
    if unread:
        yield (f"warning: what nodes some runs had cannot be read, and they are not credited: "
               f"{_some(sorted(unread))}")  # fmt: skip
    if not runs and wanted.nodes is None:
        yield "warning: no run of it held anything in that time, so nothing is forgiven"
    elif not runs:
        yield ("warning: no run was on these nodes in that time, so nothing is forgiven; one that "
               "is collected later will be credited")  # fmt: skip


def _of_runs(config: Config, found: Found) -> Iterator[str]:
    wanted, when = found.granted.wanted, config.calendar.isoformat
    submits = list(dict.fromkeys(when(run.submit) for run in found.runs))
    if wanted.job_id is not None and wanted.submit is None and len(submits) > 1:
        yield (f"note: it was submitted {len(submits):,} times ({_some(submits)}); --submit "
               "credits what ran of one alone")  # fmt: skip
    part = wanted.part
    if any(run.forgiven < run.gpu_seconds * part for run in found.runs):
        yield ("note: credits given before forgive some of this time; this one forgives its part "
               "of what they leave")  # fmt: skip


def _to_come(wanted: Wanted, runs: Sequence[Credited], at: int) -> Iterator[str]:
    going = sum(run.provisional for run in runs)
    if going:
        yield (f"note: {count(going, 'run')} had not ended when collected: what more is used "
               "in the credit's time is forgiven, too")  # fmt: skip
    if wanted.until is not None and wanted.until > at:
        yield "note: --until is still to come: what runs up to then is forgiven, too"


def _some(names: Sequence[str]) -> str:
    from slurm_finops.reports.format import visible

    more = len(names) - _NAMED
    return ", ".join(map(visible, names[:_NAMED])) + (f" and {more:,} more" if more > 0 else "")


def told(config: Config, found: Found, dry_run: bool) -> Iterator[str]:
    """What a credit is and which runs it is for, in words."""
    from slurm_finops.ledger.credits import told as what
    from slurm_finops.reports.format import gpu_hours, visible
    from slurm_finops.reports.tables import aligned

    granted, runs, when = found.granted, found.runs, config.calendar.isoformat
    number = "would credit" if dry_run else f"credit {granted.id}:"
    yield f"{number} {visible(what(config.calendar, granted.wanted))}"
    if runs:
        rows = [
            (visible(run.job_id), visible(run.user), when(run.since), when(run.until),
             f"{run.gpus:,}", gpu_hours(run.gpu_seconds)) for run in runs[:_LISTED]
        ]  # fmt: skip
        yield from aligned([_HEAD, *rows], 4)
    if len(runs) > _LISTED:
        yield f"and {len(runs) - _LISTED:,} more: --format json has all"
    yield (f"{count(len(runs), 'run')}: {gpu_hours(found.forgiven)} of "
           f"{gpu_hours(found.gpu_seconds)} GPU-hours forgiven")  # fmt: skip
    yield "nothing was changed (--dry-run)" if dry_run else THEN


def as_json(config: Config, found: Found, dry_run: bool) -> dict[str, Any]:
    """The same for programs; an id only where the credit was given."""
    from slurm_finops.cli.credits_list import as_json

    when = config.calendar.isoformat
    credit = as_json(config, found.granted)
    return {
        "credit": credit | {"id": None} if dry_run else credit,
        "dry_run": dry_run,
        "gpu_seconds": found.gpu_seconds,
        "forgiven_gpu_seconds": found.forgiven,
        "runs": [
            {"job_id": run.job_id, "user": run.user, "submit": when(run.submit),
             "from": when(run.since), "until": when(run.until), "gpus": run.gpus,
             "gpu_seconds": run.gpu_seconds} for run in found.runs
        ],
    }  # fmt: skip
