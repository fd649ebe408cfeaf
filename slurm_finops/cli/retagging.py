"""A retag that is asked for: what was typed checked, and what it moves told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import click

from slurm_finops.cli.crediting import THEN, moment_of, words
from slurm_finops.core.words import count, shown, storable
from slurm_finops.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slurm_finops.billing.retags import Effect, Move
    from slurm_finops.billing.terms import Terms
    from slurm_finops.config import Config
    from slurm_finops.core.faults import Fault
    from slurm_finops.core.retags import Pairs, Retag, Wanted
    from slurm_finops.ledger.store import Ledger

_LISTED = 20
_SAID = 3


class Asked(NamedTuple):
    """The options as they were typed."""

    job_id: str | None
    submit: str | None
    match: tuple[str, ...]
    since: str | None
    until: str | None
    cluster: str | None
    sets: tuple[str, ...]
    clear: tuple[str, ...]
    reason: str
    ticket: str
    approver: str


def checked(config: Config, asked: Asked) -> Wanted:
    """What can be read without a ledger: a retag whose job is not looked up yet.

    Raises click's errors, which name the option.
    """
    from slurm_finops.billing.retags import faults
    from slurm_finops.core.retags import Wanted

    if (asked.job_id is None) == (not asked.match):
        raise click.UsageError(
            "a retag is for a job (--run 4711) or for all runs that match a rule (--match "
            "account=nlp): give one of the two"
        )
    if asked.job_id is not None and (asked.since is not None or asked.until is not None):
        raise click.UsageError(
            "--from and --until are for --match; of a job --submit takes one run"
        )
    if asked.match and asked.submit is not None:
        raise click.UsageError("--submit is for --run: it says which run of a job")
    submit, since, until = (
        moment_of(config, text, option) for text, option in
        ((asked.submit, "--submit"), (asked.since, "--from"), (asked.until, "--until"))
    )  # fmt: skip
    if since is not None and until is not None and since >= until:
        raise click.UsageError(
            f"--until {asked.until} is not after --from {asked.since}: no run starts then"
        )
    wanted = Wanted(
        "rule" if asked.match else "run", asked.cluster, asked.job_id, None, None, submit,
        _match(asked.match), since, until, _sets(asked), words(asked.reason, "--reason"),
        storable(asked.ticket.strip()), storable(asked.approver.strip()),
    )  # fmt: skip
    _refuse(faults(config.policy, wanted), config)
    return wanted


def _match(texts: Sequence[str]) -> Pairs:
    from slurm_finops.core.retags import MATCH_KEYS, NONE

    found: dict[str, str | None] = {}
    for text in texts:
        key, value = _pair(text, "--match", MATCH_KEYS)
        if key in found:
            raise click.BadParameter(
                f"{key} is given twice, and a run has but one", param_hint="'--match'"
            )
        found[key] = None if value in ("", NONE) else value
    return tuple(sorted(found.items()))


def _sets(asked: Asked) -> Pairs:
    from slurm_finops.core.tags import KEYS

    found: dict[str, str | None] = {}
    for text, option in [(text, "--set") for text in asked.sets] + [
        (f"{key}=", "--clear") for key in asked.clear
    ]:
        key, value = _pair(text, option, KEYS)
        if key in found:
            raise click.BadParameter(f"{key} is set or cleared twice", param_hint=f"'{option}'")
        if option == "--set" and not value:
            raise click.BadParameter(
                f"it gives {key} no value; --clear {key} takes it away", param_hint="'--set'"
            )
        found[key] = value or None
    if not found:
        raise click.UsageError("nothing is set: --set project=bert, or --clear project")
    return tuple((key, found[key]) for key in KEYS if key in found)


def _pair(text: str, option: str, keys: Sequence[str]) -> tuple[str, str]:
    from slurm_finops.core.near import nearest
    from slurm_finops.core.tags import ALIASES

    given, equals, value = text.partition("=")
    key = ALIASES.get(given.strip(), given.strip())
    if not equals:
        raise click.BadParameter(f"{shown(text)} is not KEY=VALUE", param_hint=f"'{option}'")
    if key not in keys:
        near = nearest(key, keys)
        hint = f"did you mean {near!r}?" if near else f"expected {', '.join(keys)}"
        raise click.BadParameter(f"{shown(key)} is none of its keys; {hint}",
                                 param_hint=f"'{option}'")  # fmt: skip
    return key, storable(value.strip())


def _refuse(faults: Sequence[Fault], config: Config) -> None:
    if faults:
        raise click.BadParameter(
            f"{'; '.join(fault.message for fault in faults[:_SAID])}  ([tags] and [[teams]] in "
            f"{config.path} say what is allowed)",
            param_hint="'--set'",
        )


def resolved(config: Config, ledger: Ledger, asked: Asked, ready: Wanted) -> Wanted:
    """The retag, its job looked up in the ledger; raises `InputError` where there is none."""
    from slurm_finops.ledger.named import check_cluster, job

    if asked.job_id is None:
        if asked.cluster is not None:
            check_cluster(ledger.db, asked.cluster)
        return ready
    cluster = asked.cluster or config.cluster
    found = job(ledger.db, config.calendar, cluster, asked.job_id.strip(), ready.submit)
    return ready._replace(cluster=cluster, **found._asdict())


def as_if(
    ledger: Ledger, terms: Terms, wanted: Wanted, at: int, actor: str
) -> tuple[Retag, Effect]:
    """The retag as it would be made, and what it would move.

    Raises `InputError` where one in force does the same, and click's error where what it
    sets would be wrong of its runs: a project that their team does not have.
    """
    from slurm_finops.billing.retags import faults_of_runs, of_adding
    from slurm_finops.core.retags import Retag
    from slurm_finops.ledger.retags import check_new, next_id

    check_new(ledger.db, wanted, terms.calendar)
    retag = Retag(next_id(ledger.db), wanted, at, actor)
    effect = of_adding(ledger, terms, retag)
    wrong = faults_of_runs(terms.policy, wanted, effect)
    if wrong:
        raise click.BadParameter(
            f"{'; '.join(wrong[:_SAID])}  (--set team as well, or --match the runs of one team)",
            param_hint="'--set'",
        )
    return retag, effect


def notes(
    config: Config, ledger: Ledger, retag: Retag, effect: Effect, at: int
) -> Iterator[str]:
    """What a person should know of it."""
    from slurm_finops.billing.retags import still_wrong
    from slurm_finops.ledger.retags import never_seen
    from slurm_finops.reports.format import visible

    wanted = retag.wanted
    for said in never_seen(ledger.db, wanted.match):
        yield f"warning: no run ever had {visible(said)}"
    if not effect.touched:
        later = "; one that is collected later will be" if wanted.kind == "rule" else ""
        yield f"warning: it is for no run that is collected{later}"
    for said, runs in still_wrong(config.policy, effect)[:_SAID]:
        yield f"note: {count(runs, 'run')} will still be wrong: {visible(said)}"
    if effect.unpriced:
        yield f"note: {count(effect.unpriced, 'run')} of them {_were(effect.unpriced)} never priced"
    if wanted.until is not None and wanted.until > at:
        yield "note: --until is still to come: what starts up to then is retagged, too"


def check_stated(
    config: Config, ledger: Ledger, effect: Effect, approver: str, at: int
) -> str:  # fmt: skip
    """What is to be known where runs are on statements already, "" where none is.

    Raises `RefusedError` where nobody else approved it: what was stated goes from one payer to
    another.
    """
    from slurm_finops.billing.staging import LATE_DAYS
    from slurm_finops.cli.moving import check_approver
    from slurm_finops.ledger.stated import stated_runs

    runs, months = stated_runs(ledger.db, effect.changed, config.calendar)
    if not runs:
        return ""
    said = f"{count(runs, 'run')} {_is(runs)} on statements of {', '.join(months)}"
    if not approver:
        raise RefusedError(f"{said}, so this takes from one payer and gives to another: somebody "
                           "else has to approve it: --approver LOGIN")  # fmt: skip
    check_approver(approver)
    late = config.calendar.day_of(at) - config.calendar.period(months[0]).last
    more = f", {late} DAYS AFTER {months[0]} ENDED" if late >= LATE_DAYS else ""
    return f"note: {said}: the next month that closes corrects them{more}"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


def told(
    config: Config, retag: Retag, effect: Effect, dry_run: bool, undo: bool = False
) -> Iterator[str]:
    """What a retag is and what it moves, in words."""
    from slurm_finops.ledger.retags import told as what
    from slurm_finops.reports.format import visible

    said = visible(what(config.calendar, retag.wanted))
    if undo:
        number = f"would undo retag {retag.id}" if dry_run else f"retag {retag.id} undone"
        yield f"{number}: {said}"
    else:
        yield f"would set {said}" if dry_run else f"retag {retag.id}: {said}"
    if effect.moves:
        yield from _table(config, effect)
    if effect.same:
        yield f"{count(effect.same, 'run')} that it is for {_is(effect.same)} tagged so already"
    if not effect.moves:
        yield "no run moves"
    yield "nothing was changed (--dry-run)" if dry_run else THEN


def _is(number: int) -> str:
    return "is" if number == 1 else "are"


def _table(config: Config, effect: Effect) -> Iterator[str]:
    from slurm_finops.core.money import grouped
    from slurm_finops.reports.format import gpu_hours
    from slurm_finops.reports.tables import aligned

    names = " / ".join(key.replace("_", " ") for key, _ in effect.moves[0].before)
    rows = [(f"from {names}", "to", "runs", "GPU-hours", f"billed so far ({config.currency})")]
    money = _billed(config, effect.moves)
    for move, minor in zip(effect.moves[:_LISTED], money, strict=False):
        before, after = map(_owner, move[:2])
        rows.append((before, after, f"{move.runs:,}", gpu_hours(move.gpu_seconds),
                     grouped(minor, config.digits)))  # fmt: skip
    if len(effect.moves) > 1:
        rows.append((
            "total", "", f"{sum(move.runs for move in effect.moves):,}",
            gpu_hours(sum(move.gpu_seconds for move in effect.moves)),
            grouped(sum(money), config.digits),
        ))  # fmt: skip
    yield from aligned(rows, 2)
    if len(effect.moves) > _LISTED:
        yield f"and {len(effect.moves) - _LISTED:,} more moves: --format json has all"


def _owner(tags: Pairs) -> str:
    from slurm_finops.reports.format import shortened, visible

    return " / ".join("–" if value is None else shortened(visible(value), 32) for _, value in tags)


def _billed(config: Config, moves: Sequence[Move]) -> list[int]:
    """Minor units of each move, which sum to those of all."""
    from slurm_finops.core.money import apportion_ticks

    keys = list(range(len(moves)))
    return apportion_ticks([move.billed_ticks for move in moves], config.digits, keys)


def as_json(
    config: Config, retag: Retag, effect: Effect, dry_run: bool, stored: bool = True
) -> dict[str, Any]:
    """The same for programs; an id only where the retag is ``stored``."""
    from slurm_finops.cli.retags_list import as_json
    from slurm_finops.core.money import minor_text

    one = as_json(config, retag)
    return {
        "retag": one if stored else one | {"id": None},
        "dry_run": dry_run, "currency": config.currency,
        "runs": len(effect.touched), "same": effect.same, "unpriced": effect.unpriced,
        "moves": [
            {"from": dict(move.before), "to": dict(move.after), "runs": move.runs,
             "gpu_seconds": move.gpu_seconds, "billed": minor_text(minor, config.digits)}
            for move, minor in zip(effect.moves, _billed(config, effect.moves), strict=True)
        ],
    }  # fmt: skip
