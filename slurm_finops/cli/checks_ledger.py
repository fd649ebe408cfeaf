"""What `check` finds in the ledger: damage, prices, collection, tags, mails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from slurm_finops.cli.checks import FAIL, OK, SKIP, WARN, Finding
from slurm_finops.core.words import count
from slurm_finops.errors import ConfigError, InputError, OutsideError

if TYPE_CHECKING:
    from slurm_finops.config import Config
    from slurm_finops.core.period import Period
    from slurm_finops.core.rates import Rate
    from slurm_finops.ledger.store import Ledger

_FRESH_SECONDS = 2 * 86_400
_NAMED = 5
_RESTORE = "restore it from a backup, or move it away and collect anew"


def ledger(config: Config, period: Period, as_of: int) -> Iterator[Finding]:
    """The ledger's own state; nothing in it is changed."""
    from slurm_finops.cli.checks_charging import paid_twice
    from slurm_finops.cli.checks_rates import approvals
    from slurm_finops.ledger.store import Ledger

    if not config.database.exists():
        yield Finding("ledger", SKIP, f"{config.database} is not there yet: the first collection "
                      "makes it")  # fmt: skip
        yield _rates(config, config.rates)
        yield from approvals(config, config.rates, as_of)
        yield from paid_twice(config, config.rates, as_of)
        return
    try:
        with Ledger.read(config.database, config.currency, config.timezone) as opened:
            yield from _look(opened, config, period, as_of)
    except ConfigError as error:
        yield Finding("ledger", FAIL, str(error), "put the old value back, name a new database, "
                      "or upgrade, as it says")  # fmt: skip
    except InputError as error:
        yield Finding("ledger", FAIL, str(error), _RESTORE)
    except OutsideError as error:
        yield Finding("ledger", FAIL, str(error), f"run this as {_owner(config)}, who collects")


def _owner(config: Config) -> str:
    try:
        return config.database.owner()
    except (KeyError, OSError):
        return "the user"


def was_live(config: Config) -> bool:
    """Whether the ledger was ever fed by sacct itself; False where it cannot be read."""
    from slurm_finops.errors import FinopsError
    from slurm_finops.ledger import health
    from slurm_finops.ledger.store import Ledger

    try:
        with Ledger.read(config.database, config.currency, config.timezone) as opened:
            return health.was_live(opened.db)
    except FinopsError:
        return False


def _look(opened: Ledger, config: Config, period: Period, as_of: int) -> Iterator[Finding]:
    from slurm_finops.cli.all_rates import all_rates, with_pools
    from slurm_finops.cli.checks_charging import allotted, paid_twice
    from slurm_finops.cli.checks_claims import claims
    from slurm_finops.cli.checks_funds import funded
    from slurm_finops.cli.checks_outbox import outbox
    from slurm_finops.cli.checks_periods import periods
    from slurm_finops.cli.checks_pools import shared
    from slurm_finops.cli.checks_rates import approvals
    from slurm_finops.ledger import health

    said = health.damage(opened.db)
    if said:
        what = f"{config.database} is damaged: {'; '.join(said)}"
        yield Finding("ledger", FAIL, what, _RESTORE)
        return
    runs = health.count_runs(opened.db)
    yield Finding("ledger", OK, f"{config.database}: whole, {count(runs, 'run')}")
    rates = all_rates(config, opened)
    priced = with_pools(config, rates)
    yield from _contrary(priced)
    yield from _same_name(config, opened)
    pricing = Finding("pricing", OK, "no run to price yet")
    if runs:
        pricing = _pricing(opened, config, priced)
    yield pricing
    yield _unpriced(opened, config, rates, period) if pricing.verdict == OK else Finding(
        "rates", SKIP, "not looked at until every run is priced by them")  # fmt: skip
    yield from _useless_rates(opened, config, priced)
    yield from approvals(config, rates, as_of)
    yield from paid_twice(config, rates, as_of)
    yield from shared(opened, config, period)
    yield from allotted(opened, config, as_of)
    yield from funded(opened, config, period, as_of)
    yield from periods(opened, config, as_of)
    yield _tags(opened, config, period)
    yield from claims(opened.db, config, period)
    yield _collection(opened, config, as_of)
    yield _problems(opened)
    yield _held(opened)
    yield _provisional(opened)
    yield from outbox(opened, config)


def _contrary(rates: Sequence[Rate]) -> Iterator[Finding]:
    """An import may have come to stand against what finops.toml says since."""
    from slurm_finops.core.rates import RateBook, RateError

    try:
        RateBook(rates)
    except RateError as error:
        yield Finding("rates together", FAIL, f"nothing can be priced: {error}",
                      "slurm-finops rates list shows both; slurm-finops rates remove takes an "
                      "import back")  # fmt: skip


def _same_name(config: Config, opened: Ledger) -> Iterator[Finding]:
    """The same of imported lines and names in finops.toml."""
    from slurm_finops.cli.all_lines import with_lines
    from slurm_finops.ledger.lines import imported_lines

    mend = "rename one in finops.toml, or: slurm-finops lines remove"
    try:
        with_lines(config, imported_lines(opened.db, config.calendar), "Rename one")
    except ConfigError as error:
        yield Finding("lines together", FAIL, f"nothing can be priced: {error}", mend)


def _pricing(opened: Ledger, config: Config, rates: Sequence[Rate]) -> Finding:
    from slurm_finops.billing.allocation import outdated
    from slurm_finops.billing.changed import charged_otherwise
    from slurm_finops.cli.all_lines import all_allocation
    from slurm_finops.core.rates import touched
    from slurm_finops.ledger.pricing import waiting
    from slurm_finops.ledger.rates import stored_rates

    mend = "slurm-finops price"
    number = waiting(opened)
    if number:
        return Finding("pricing", WARN, f"{count(number, 'run')} not priced yet", mend)
    if touched(stored_rates(opened.db), rates):
        return Finding("pricing", WARN, "the rates have changed since the last pricing", mend)
    if charged_otherwise(opened, config.policy, config.charge_suspended, config.charging):
        return Finding("pricing", WARN, "the charging policy, allocations, credits or whose runs "
                       "are have changed since the last pricing", mend)  # fmt: skip
    try:
        what = all_allocation(config, opened)
    except ConfigError:  # "lines together" says it
        what = config.allocation
    if outdated(opened, what, config.policy, config.calendar):
        return Finding("pricing", WARN, "pools, overhead, lines or credits have changed since they "
                       "were shared, or price did not end", mend)  # fmt: skip
    return Finding("pricing", OK, "every run is priced, by the rates as they are now")


def _unpriced(
    opened: Ledger, config: Config, rates: Sequence[Rate], period: Period
) -> Finding:
    from slurm_finops.ledger.spend import Scope, unpriced
    from slurm_finops.reports.format import visible

    missing = unpriced(opened.db, Scope(period.first, period.last))
    if missing:
        what = ", ".join(
            f"{visible(sku)} ({count(runs, 'run')}, {seconds / 3600:,.1f} unit-hours)"
            for sku, runs, seconds in missing
        )
        return Finding("rates", FAIL, f"in {period.label} no rate prices {what}: they are in no "
                       "cost", f"add them to [[rates]] in {config.path}, then: slurm-finops price"
                       )  # fmt: skip
    return _rates(config, rates, f"; all that was priced in {period.label} has one")


def _rates(config: Config, rates: Sequence[Rate], covered: str = "") -> Finding:
    if rates or config.allocation.pools:
        more = len(rates) - len(config.rates)
        imported = f", {more:,} of them imported" if more else ""
        return Finding("rates", OK, count(len(rates), "rate") + imported + covered)
    return Finding("rates", WARN, "there is no price yet: runs are collected, and cost nothing",
                   f"put prices into [[rates]] in {config.path}, or: slurm-finops rates import"
                   )  # fmt: skip


def _useless_rates(
    opened: Ledger, config: Config, rates: Sequence[Rate]
) -> Iterator[Finding]:
    """Rates that can price nothing that ever ran here: most are slips."""
    from slurm_finops.core.near import nearest
    from slurm_finops.core.rates import CLASS, MATCH_KEYS
    from slurm_finops.core.usage import GPU, is_gpu
    from slurm_finops.ledger import health

    skus = health.skus_seen(opened.db)
    values = health.values_seen(opened.db, [key for key in MATCH_KEYS if key != CLASS])
    values[CLASS] = config.charging.named_classes
    if not skus:
        return
    useless = {}
    # a series has one SKU and match, however long it is
    for rate in {rate.series: rate for rate in rates}.values():
        if rate.sku not in skus and not (rate.sku == GPU and any(map(is_gpu, skus))):
            near = nearest(rate.sku, sorted(skus)) or nearest(f"gres/{rate.sku}", sorted(skus))
            useless[rate.series] = f"{rate.where}: nothing has held {rate.sku} yet" + (
                f"; did you mean {near!r}?" if near else ""
            )
        for key, value in rate.match:
            if value not in values[key]:
                near = nearest(value, sorted(values[key]))
                none = "no team is of" if key == CLASS else "nothing has run with"
                useless[rate.series] = f"{rate.where}: {none} {key} {value!r} yet" + (
                    f"; did you mean {near!r}?" if near else ""
                )
    if useless:
        more = f"; and {len(useless) - _NAMED} more" if len(useless) > _NAMED else ""
        what = "; ".join([*useless.values()][:_NAMED]) + more
        yield Finding("rates without use", WARN, what, f"see [[rates]] in {config.path}, and: "
                      "slurm-finops rates list")  # fmt: skip


def _tags(opened: Ledger, config: Config, period: Period) -> Finding:
    """How much of the period's cost has all its tags, and teams that nobody registered."""
    from slurm_finops.core.money import grouped, to_minor
    from slurm_finops.ledger.spend import Scope, charged
    from slurm_finops.reports.format import share, visible

    rows = charged(opened.db, Scope(period.first, period.last), ("team", "tag_status"))
    total = sum(row.effective_ticks for row in rows)
    right = sum(row.effective_ticks for row in rows if row.key[1] == "valid")
    if right == total:
        return Finding("tags", OK, f"all that was priced in {period.label} has them")

    def money(ticks: int) -> str:
        return f"{grouped(to_minor(ticks, config.digits), config.digits)} {config.currency}"

    what = (
        f"{share(right, total)} of the cost of {period.label} has all of them; "
        f"{money(total - right)} has not"
    )
    registered = {team.name for team in config.teams}
    strange = sorted(
        ((row.effective_ticks, row.key[0]) for row in rows
         if registered and row.key[0] is not None and row.key[0] not in registered),
        reverse=True,
    )  # fmt: skip
    if strange:
        names = ", ".join(
            f"{visible(str(name))} ({money(ticks)})" for ticks, name in strange[:_NAMED]
        )
        what += f"; teams that are not in [[teams]]: {names}"
    return Finding("tags", WARN, what, "slurm-finops report --out page.html says who, and what to "
                   "type")  # fmt: skip


def _collection(opened: Ledger, config: Config, as_of: int) -> Finding:
    from slurm_finops.ledger import health
    from slurm_finops.ledger.ingest import collected_through

    through = collected_through(opened, "sacct", config.cluster)
    failed = health.last_failure(opened.db, config.cluster)
    mend = "see that nightly runs (cron, its mail), then: slurm-finops collect sacct"
    last = f"; the last collection failed: {failed}" if failed else ""
    if through is None:
        if failed:
            return Finding("collection", FAIL, f"never whole{last}", mend)
        return Finding("collection", SKIP, f"nothing was collected live for {config.cluster}")
    what = f"whole up to {config.calendar.isoformat(through)}{last}"
    if as_of - through > _FRESH_SECONDS:
        days = (as_of - through) // 86_400
        return Finding("collection", FAIL, f"{what}: {count(days, 'day')} behind", mend)
    return Finding("collection", WARN if failed else OK, what, mend if failed else "")


def _problems(opened: Ledger) -> Finding:
    from slurm_finops.ledger.problems import commonest, count_open

    number = count_open(opened.db)
    if not number:
        return Finding("problems", OK, "every record could be read, or is settled")
    reason, most = commonest(opened.db)
    return Finding(
        "problems", WARN,
        f"{count(number, 'record')} could not be read; {most:,} of them: {reason}",
        "slurm-finops problems",
    )  # fmt: skip


def _held(opened: Ledger) -> Finding:
    from slurm_finops.ledger.held import held_runs
    from slurm_finops.reports.format import visible

    held = held_runs(opened.db)
    if not held:
        return Finding("held runs", OK, "none")
    names = ", ".join(f"{visible(run)} ({why})" for run, why in held[:_NAMED])
    more = f" and {len(held) - _NAMED:,} more" if len(held) > _NAMED else ""
    return Finding(
        "held runs", WARN, f"{count(len(held), 'run')} held unbilled: {names}{more}",
        "sacctmgr show runawayjobs lists and mends runaway ones; then: slurm-finops collect sacct",
    )  # fmt: skip


def _provisional(opened: Ledger) -> Finding:
    from slurm_finops.ledger.health import count_provisional

    number = count_provisional(opened.db)
    return Finding("provisional", OK, f"{count(number, 'run')} had not ended when seen last; "
                   "billed up to then" if number else "every run has ended")  # fmt: skip
