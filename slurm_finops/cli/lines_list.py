"""Lines of a bill as lines of a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from slurm_finops.errors import ConfigError, FinopsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slurm_finops.config import Config
    from slurm_finops.core.period import Period
    from slurm_finops.core.pools import Line
    from slurm_finops.ledger.lines import Dated
    from slurm_finops.ledger.store import Ledger

_HEAD = ("name", "category", "amount", "every", "days", "carried by", "source")


class Listed(NamedTuple):
    """A line with where it comes from and what of it fell into a period.

    ``ticks`` is None where the ledger is not priced by this line.
    """

    dated: Dated
    source: str
    ticks: int | None
    origin: str = ""


def listed(config: Config, period: Period) -> tuple[list[Listed], list[str]]:
    """Every line by name and time, and what must be known of the list."""
    from slurm_finops.ledger.lines import dated, imported_lines, origins
    from slurm_finops.ledger.store import Ledger

    mine = [dated(line, config.calendar) for line in config.allocation.lines]
    found = [_configured(config, one) for one in mine]
    notes: list[str] = []
    if config.database.exists():
        try:
            with Ledger.read(config.database, config.currency, config.timezone) as ledger:
                stored = imported_lines(ledger.db, config.calendar)
                found += [
                    Listed(one, one.line.where, None, line.name)
                    for one, line in zip(stored, origins(stored), strict=True)
                ]
                found = _with_costs(config, ledger, period, found)
        except ConfigError as error:
            notes = [f"warning: nothing can be priced: {error}"]
        except FinopsError as error:
            notes = [f"note: lines that were imported are not seen here: {error}"]
    return sorted(found, key=lambda one: (one.dated.name, one.dated.first)), notes


def _configured(config: Config, one: Dated) -> Listed:
    return Listed(one, f"{config.path.name} {one.line.where}", None, one.name)


def _with_costs(
    config: Config, ledger: Ledger, period: Period, found: Sequence[Listed]
) -> list[Listed]:
    from slurm_finops.billing.allocation import definitions
    from slurm_finops.cli.all_lines import all_allocation
    from slurm_finops.ledger.allocation import by_origin, origins

    wanted = definitions(all_allocation(config, ledger), config.policy, config.calendar)
    stored = {name: origin for name, (_, origin) in origins(ledger.db).items()}
    sums = by_origin(ledger.db, period.first, period.last)
    return [
        one._replace(ticks=sums.get((one.origin, "line"), (0, 0, 0))[0])
        if stored.get(one.origin) == wanted[one.origin] else one
        for one in found
    ]  # fmt: skip


def rule(line: Line) -> str:
    """Who carries a line, in a few words: ``nlp / llama``, ``even``, ``ratios nlp 3, cv 2``."""
    if line.tags is not None:
        return ", ".join(f"{key}={value}" for key, value in line.tags._asdict().items() if value)
    spread = line.spread
    words = [spread.method]
    if spread.ratios:
        whole = sum(part for _, part in spread.ratios)
        words = [", ".join(f"{part}/{whole} {team}" for team, part in spread.ratios)]
    elif spread.method == "proportional":
        words.append(f"by {spread.by}")
    if spread.over == "day":
        words.append("of the day")
    if spread.to is not None:
        words.append(f"to {spread.to}" if spread.method == "carried" else f"else {spread.to}")
    return " ".join(words)


def table(config: Config, found: Sequence[Listed], label: str = "") -> Iterator[str]:
    """A line of text each, aligned, under one of names; costs where there is a ``label``."""
    from slurm_finops.core.money import grouped, to_minor
    from slurm_finops.ledger.lines import days_text
    from slurm_finops.reports.format import visible
    from slurm_finops.reports.tables import aligned

    rows: list[tuple[str, ...]] = [(*_HEAD, f"in {label}") if label else _HEAD]
    for one in found:
        line, digits = one.dated.line, config.digits
        cost = "–" if one.ticks is None else grouped(to_minor(one.ticks, digits), digits)
        texts = (line.name, line.category, _amount(config, line), line.cost.every,
                 days_text(one.dated), rule(line), one.source)  # fmt: skip
        rows.append((*map(visible, texts), cost) if label else tuple(map(visible, texts)))
    yield from aligned(rows, len(_HEAD))
    if label and any(one.ticks is None for one in found):
        yield "–: not priced by this line yet; run: slurm-finops price"


def _amount(config: Config, line: Line) -> str:
    from slurm_finops.core.money import TICKS, exact_text

    return exact_text(line.cost.ticks, TICKS, config.digits)


def as_json(config: Config, one: Listed) -> dict[str, Any]:
    """A line; money is a decimal text."""
    from slurm_finops.core.money import minor_text, to_minor
    from slurm_finops.core.period import day_date

    line, last, digits = one.dated.line, one.dated.last, config.digits
    return {
        "name": line.name, "origin": one.origin, "category": line.category,
        "amount": _amount(config, line), "every": line.cost.every,
        "from": str(day_date(one.dated.first)), "until": None if last is None
        else str(day_date(last)),
        **_rule_json(line), "source": one.source,
        "cost": None if one.ticks is None else minor_text(to_minor(one.ticks, digits), digits),
    }  # fmt: skip


def _rule_json(line: Line) -> dict[str, Any]:
    if line.tags is not None:
        return {"tags": {key: value for key, value in line.tags._asdict().items() if value},
                "spread": None}  # fmt: skip
    spread = line.spread
    return {"tags": None, "spread": {
        "spread": spread.method, "by": spread.by, "to": spread.to, "over": spread.over,
        "ratios": dict(spread.ratios),
    }}  # fmt: skip
