"""Joining files of prices to the ledger: read, compare, store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from slurm_finops.cli.app import actor, now
from slurm_finops.cli.from_files import head, opened
from slurm_finops.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from slurm_finops.cli.app import App
    from slurm_finops.config import Config
    from slurm_finops.core.approval import Approval
    from slurm_finops.core.rates import Match, Rate
    from slurm_finops.ledger.import_log import Changes, Source
    from slurm_finops.ledger.imports import Origin
    from slurm_finops.ledger.store import Ledger
    from slurm_finops.prices.wanted import Step, Wanted


class Asked(NamedTuple):
    """An import as typed."""

    kind: str
    files: tuple[str, ...]
    instances: tuple[str, ...]
    picks: Mapping[str, str]
    columns: tuple[str, ...]
    matches: tuple[str, ...]
    rank: int
    spot: bool
    start: str | None
    name: str | None
    replace: bool
    approved_by: str | None
    document: str | None
    review: str | None

    def options(self) -> dict[str, Any]:
        """What was chosen, as it is kept with the import."""
        kept = {
            "instance": list(self.instances), **self.picks, "where": list(self.columns),
            "match": list(self.matches), "rank": self.rank, "spot": self.spot, "from": self.start,
            "replace": self.replace, "approved_by": self.approved_by, "document": self.document,
            "review": self.review,
        }  # fmt: skip
        return {key: value for key, value in kept.items() if value}


class Found(NamedTuple):
    """What the files say, and where it comes from."""

    source: Source
    rates: list[Origin]
    replace: bool


def read(app: App, asked: Asked) -> Found:
    """The rates of the files.  Raises `InputError`; nothing is opened for writing."""
    from slurm_finops.core.words import storable
    from slurm_finops.ledger.import_log import Source
    from slurm_finops.ledger.imports import Origin
    from slurm_finops.prices.formats import NAMES, OWN
    from slurm_finops.prices.series import series

    if asked.kind not in NAMES:
        raise click.BadParameter(
            f"{asked.kind!r} is no format; they are {', '.join(NAMES)}", param_hint="'FORMAT'"
        )
    digests: list[tuple[str, str]] = []
    steps = _steps(app, asked, opened(asked.files, digests, "a list of prices"))
    found = series(asked.kind, steps, ascending=asked.kind == OWN)
    base = Path(asked.files[0]).name
    more = f"+{len(asked.files) - 1}" if len(asked.files) > 1 else ""
    name = storable(asked.name or f"{asked.kind}:{base}{more}")
    return Found(Source(name, asked.kind, asked.options(), digests),
                 [Origin(*one) for one in found], asked.replace)  # fmt: skip


def _steps(app: App, asked: Asked, files: Iterator[tuple[str, Iterable[str]]]) -> list[Step]:
    from slurm_finops.prices import own, select
    from slurm_finops.prices.formats import FORMATS, OWN, SKYPILOT, SKYPILOT_SPOT

    wanted = _wanted(app, asked)
    if asked.spot and asked.kind != SKYPILOT.name:
        raise InputError(f"--spot is for {SKYPILOT.name}")
    if asked.kind == OWN:
        return own.steps(wanted, files, app.config.zone)
    return select.steps(SKYPILOT_SPOT if asked.spot else FORMATS[asked.kind], wanted, files)


def _wanted(app: App, asked: Asked) -> Wanted:
    from slurm_finops.prices.text import moment
    from slurm_finops.prices.wanted import Wanted, instances

    start = None
    if asked.start:
        try:
            start = moment(asked.start, app.config.zone)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="'--from'") from None
    columns = dict(_pair(text, "--where", "COLUMN=VALUE") for text in asked.columns)
    return Wanted(
        app.config.currency, instances(asked.instances), asked.picks, columns,
        _match(asked.matches), asked.rank, start, _approval(asked),
    )  # fmt: skip


def _approval(asked: Asked) -> Approval | None:
    from slurm_finops.core.approval import approval_of
    from slurm_finops.core.words import storable

    said = (storable(text or "") for text in (asked.approved_by, asked.document, asked.review))
    try:
        return approval_of(*said)
    except ValueError as error:
        option = "--review" if asked.approved_by else "--approved-by"
        raise click.BadParameter(str(error), param_hint=f"'{option}'") from None


def _match(texts: Sequence[str]) -> Match:
    from slurm_finops.core.near import nearest
    from slurm_finops.core.rates import MATCH_KEYS

    found: dict[str, str] = {}
    for text in texts:
        key, value = _pair(text, "--match", "KEY=VALUE, such as partition=spot")
        if key not in MATCH_KEYS:
            near = nearest(key, MATCH_KEYS)
            hint = f"did you mean {near!r}?" if near else f"known: {', '.join(MATCH_KEYS)}"
            raise click.BadParameter(f"{key!r} is no key; {hint}", param_hint="'--match'")
        if key in found:
            raise click.BadParameter(f"{key} is given twice", param_hint="'--match'")
        found[key] = value
    return tuple(sorted(found.items()))


def _pair(text: str, option: str, shape: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (key and equals and value):
        raise click.BadParameter(f"{text!r} is not {shape}", param_hint=f"'{option}'")
    return key, value


def look(app: App, found: Found) -> Changes[Origin]:
    """What an import would change."""
    from slurm_finops.ledger.imports import changes

    if not app.config.database.exists():
        made = changes(None, found.rates, found.replace)
        _check_together(app, None, made)
        return made
    with app.reading() as ledger:
        made = changes(ledger.db, found.rates, found.replace)
        _check_together(app, ledger, made)
    return made


def store(app: App, found: Found) -> Changes[Origin]:
    """Import: all of it or nothing."""
    from slurm_finops.ledger import imports

    with app.writing("rates import") as ledger, ledger.transaction():
        made = imports.changes(ledger.db, found.rates, found.replace)
        if made:
            _check_together(app, ledger, made)
            imports.store(ledger, found.source, made, now(), actor())
    return made


def _check_together(app: App, ledger: Ledger | None, made: Changes[Origin]) -> None:
    """Raises `ConfigError` where the rates could not stand beside all others."""
    from slurm_finops.cli.all_rates import all_rates, configured, together
    from slurm_finops.core.rates import RateBook

    before = all_rates(app.config, ledger) if ledger else configured(app.config)
    moved = {(one.rate.series, one.rate.start) for one in (*made.replaced, *made.gone)}
    stay = [rate for rate in before if (rate.series, rate.start) not in moved]
    with together("Nothing was imported"):
        RateBook([*stay, *(one.rate for one in (*made.added, *made.replaced))])


def told(app: App, found: Found, made: Changes[Origin], dry_run: bool) -> Iterator[str]:
    """An import in words: what changed, and under it the rates that are new."""
    from slurm_finops.cli import rates_list
    from slurm_finops.ledger.imports import LOG

    yield head(found.source, LOG, made, dry_run)
    if not made:
        return
    new = [one.rate for one in (*made.added, *made.replaced, *made.approved)]
    where = f"import {found.source.name}"
    groups = rates_list.grouped([rate._replace(where=where) for rate in new], False)
    yield from rates_list.table(app.config, groups)
    yield from _givers_of_way(app.config, new)
    if not dry_run:
        yield "then: slurm-finops price"


def _givers_of_way(config: Config, new: Sequence[Rate]) -> Iterator[str]:
    """Rates of finops.toml in the same series end where an imported one begins: was that meant?"""
    from slurm_finops.cli.all_rates import configured
    from slurm_finops.core.words import utc

    begin = {rate.series: rate.start for rate in sorted(new, key=lambda r: r.start, reverse=True)}
    for rate in configured(config):
        later = begin.get(rate.series)
        if later is not None and rate.start < later:
            yield (f"note: {rate.where} gives way from {utc(later)} on, for it has the same SKU, "
                   "match and rank; --match or --rank keeps them apart")  # fmt: skip
