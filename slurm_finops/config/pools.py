"""[[pools]], [[overhead]], [[lines]] and [[reservations]] of finops.toml: what is apportioned."""

from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from math import lcm
from typing import Any, Literal

from slurm_finops.config.fields import MICRO_DIGITS, day_of, decimal, match_of, part, unique
from slurm_finops.config.table import Table
from slurm_finops.core.accrual import EVERY, HOUR, MONTH, ONCE, YEAR, Cost
from slurm_finops.core.money import SECONDS_PER_HOUR
from slurm_finops.core.near import nearest
from slurm_finops.core.period import Calendar, day_date, day_number
from slurm_finops.core.pools import (
    BASES,
    BUYER_FIRST,
    CARRIED,
    METHODS,
    RATIOS,
    SLURM,
    STEPS,
    WINDOWS,
    Allocation,
    Credit,
    Line,
    Overhead,
    Pool,
    Recharge,
    Spread,
    check_names,
    check_pools,
    check_recharge,
)
from slurm_finops.core.rates import EVER, MAX_RANK, RateError
from slurm_finops.core.reservations import HOLDERS, IdleRule
from slurm_finops.core.tags import KEYS, Tags
from slurm_finops.errors import ConfigError

_AMOUNT = 'a text such as "1200.00"'
_SHARE = 'a part of the unused time from "0" to "1", such as "0.5" or "1/2"'
CATEGORIES = ("storage", "egress", "support", "licence", "other")
_KINDS = ("reserved", "owned", "credit", "recharge")


class Reader:
    """Reads the tables of one file; ``teams`` are those of its registry, if it has one."""

    def __init__(self, calendar: Calendar, teams: frozenset[str]) -> None:
        self._calendar = calendar
        self._teams = teams

    def allocation(self, top: Table) -> Allocation:
        """All of it.  Raises `ConfigError`."""
        found = [self._pool(table) for table in top.tables("pools")]
        what = Allocation(
            tuple(one for one in found if isinstance(one, Pool)),
            tuple(self._overhead(table) for table in top.tables("overhead")),
            tuple(self.line(table) for table in top.tables("lines")),
            tuple(one for one in found if isinstance(one, Credit)),
            tuple(self._reservations(table) for table in top.tables("reservations")),
            tuple(one for one in found if isinstance(one, Recharge)),
        )
        try:
            check_names(what.named)
            check_pools(what.pools)
            check_recharge(what.recharge)
        except RateError as error:
            raise ConfigError(f"{top.path}: {error}") from None
        return what

    def _pool(self, table: Table) -> Pool | Credit | Recharge:
        kind = table.choice("kind", _KINDS, "reserved")
        name = table.text("name", "a name of its own")
        if kind == "credit":
            return self._credit(table, name)
        first, last = self._days(table, "until" if kind == "reserved" else "life")
        costs = tuple(self._costs(table, kind, first, last))
        if not costs:
            raise table.fail("", "costs nothing: give upfront, hourly, monthly, yearly or purchase")
        if kind == "recharge":
            return self._recharge(table, name, costs, first, last)
        buyer = self._team(table, "buyer")
        share = table.choice("share", ("use", BUYER_FIRST), "use")
        if share == BUYER_FIRST and buyer is None:
            raise table.fail("share", "is buyer_first, and no buyer is named")
        pool = Pool(
            name, kind, self._use(table), self._units(table), costs, first, last,
            match=match_of(table), rank=self._rank(table),
            step=table.choice("step", STEPS, "hour"),
            beyond=table.choice("beyond", ("error", "rates"), "error"),
            buyer=buyer, buyer_first=share == BUYER_FIRST,
            unused=self._unused(table, buyer), where=table.name,
            bills_use=table.choice("billed", ("purchase", "use"), "purchase") == "use",
        )  # fmt: skip
        if pool.units is None and pool.buyer_first:
            raise table.fail("share", "is buyer_first, which needs units: what is beyond them?")
        others = dict(pool.match).keys() - {"cluster", "partition"}
        if pool.units == SLURM and others:
            raise table.fail("match", f'has {min(others)}, and units is "{SLURM}": nodes have '
                             "none; give a number of units")  # fmt: skip
        table.done()
        return pool

    def _recharge(
        self, table: Table, name: str, costs: tuple[Cost, ...], first: int, last: int | None
    ) -> Recharge:
        """What rates recover: of ``sku``, or of several in a list ``use``."""
        sku = table.text("sku", 'a TRES such as "gres/gpu:h100"', None)
        several = table.texts("use", 'a list of TRES such as ["cpu", "gres/gpu"]', None)
        if (sku is None) == (several is None):
            raise table.fail("sku", "give either sku or a list use of SKUs: whose charges recover "
                             "it?")  # fmt: skip
        unique(table, "use", several or ())
        if several == ():
            raise table.fail("use", "names no SKU")
        use = tuple((one, 1) for one in sorted(several or (sku,)))
        pool = Recharge(name, use, costs, first, last, match_of(table), table.name)
        table.done()
        return pool

    def _rank(self, table: Table) -> int:
        rank: int = table.take("rank", int, "a whole number", 0)
        if not 0 <= rank < MAX_RANK:
            raise table.fail("rank", f"is {rank}; expected 0 to {MAX_RANK - 1}")
        return rank

    def _units(self, table: Table) -> int | Literal["slurm"] | None:
        expected = f'a whole number of units, or "{SLURM}"'
        units: int | str | None = table.take("units", (int, str), expected, None)
        if isinstance(units, str):
            if units != SLURM:
                raise table.fail("units", f"is {units!r}; expected {expected}")
            return SLURM
        if units is not None and units < 1:
            raise table.fail("units", f"is {units}; expected 1 or more")
        return units

    def _use(self, table: Table) -> tuple[tuple[str, int], ...]:
        """``sku``, or ``use``: what a unit of each of several SKUs takes."""
        sku = table.text("sku", 'a TRES such as "gres/gpu:h100"', None)
        use = table.table("use")
        if (sku is None) == (use is None):
            raise table.fail("sku", "give either sku or a table use of SKUs, such as "
                             '{ "gres/gpu:a100" = 7, "gres/gpu:a100_1g.5gb" = 1 }')  # fmt: skip
        if use is None:
            return ((sku, 1),)
        found = use.rest()
        for name, weight in found.items():
            if not isinstance(weight, int) or isinstance(weight, bool) or weight < 1:
                raise use.fail(name, f"is {weight!r}; expected a whole number from 1")
        if not found:
            raise table.fail("use", "names no SKU")
        return tuple(sorted(found.items()))

    def _costs(self, table: Table, kind: str, first: int, last: int | None) -> Iterator[Cost]:
        start, end = self._span(first, last)
        keys = {"hourly": HOUR, "monthly": MONTH, "yearly": YEAR}
        if kind != "owned":
            keys = {"upfront": ONCE} | keys
        for key, every in keys.items():
            ticks = self._ticks(table, key, None)
            if ticks is not None:
                if every == ONCE and last is None:
                    raise table.fail(key, "is paid for a time that has an end: give until")
                yield Cost(key, ticks, every, start, end)
        if kind != "reserved":
            yield from self._purchase(table, start, end, last)
        for more in table.tables("costs"):
            yield self._cost(more, start, end)
            more.done()

    def _purchase(self, table: Table, start: int, end: int, last: int | None) -> Iterator[Cost]:
        """What is written off: the price less what a grant paid and what will be left."""
        price = self._ticks(table, "purchase", None)
        granted = self._ticks(table, "granted", None) or 0
        residual = self._ticks(table, "residual", None) or 0
        if price is None:
            if granted or residual:
                raise table.fail("purchase", "is missing: granted and residual are parts of it")
            return
        if last is None:
            raise table.fail("purchase", "is written off over a time: give life (years) or until")
        if granted + residual > price:
            raise table.fail("granted", "and residual are more than the purchase price")
        yield Cost("purchase", price - granted - residual, ONCE, start, end)

    def _cost(self, table: Table, start: int, end: int) -> Cost:
        """``amount`` for ``every``, over its own days or those of the pool."""
        name = table.text("name", "a name of its own")
        ticks = self._ticks(table, "amount")
        every = table.choice("every", EVERY, MONTH)
        since, until = day_of(table, "from", None), day_of(table, "until", None)
        start = start if since is None else max(start, self._calendar.midnight(since))
        end = end if until is None else min(end, self._calendar.midnight(until))
        if start >= end:
            raise table.fail("until", "lies not after from, or outside the pool's days")
        if every == ONCE and end == EVER:
            raise table.fail("until", "is missing: an amount that is paid once is for some days")
        return Cost(name, ticks, every, start, end)

    def _credit(self, table: Table, name: str) -> Credit:
        cost = self._dated(table, "credit")
        buyer = self._team(table, "buyer")
        share = table.choice("share", ("use", BUYER_FIRST), "use")
        if share == BUYER_FIRST and buyer is None:
            raise table.fail("share", "is buyer_first, and no buyer is named")
        over = table.choice("over", WINDOWS, "month")
        table.done()
        return Credit(
            name, cost._replace(ticks=-cost.ticks), buyer if share == BUYER_FIRST else None,
            Spread(by="cost", to=buyer, over=over), table.name,
        )  # fmt: skip

    def line(self, table: Table) -> Line:
        """One of ``[[lines]]``, or what says the same elsewhere.  Raises what the table does."""
        name = table.text("name", "a name of its own")
        category = table.choice("category", CATEGORIES, "other")
        cost = self._dated(table, name)
        tags = table.table("tags")
        values = {key: tags.text(key, "a value", None) for key in KEYS} if tags else {}
        if tags is not None:
            tags.done()
            if not any(values.values()):
                raise table.fail("tags", "names nobody; give at least a team, or a spread instead")
            if values["team"] is not None:
                self._check_team(tags, "team", values["team"])
        spread = Spread() if tags else self._spread(table)
        line = Line(name, category, cost, Tags(**values) if tags else None, spread, table.name)
        table.done()
        return line

    def _dated(self, table: Table, name: str) -> Cost:
        """``amount`` once, by default for the billing month of ``from``, or every month or year."""
        ticks = self._ticks(table, "amount")
        every = table.choice("every", (ONCE, MONTH, YEAR), ONCE)
        first, last = self._days(table, None)
        if last is None and every == ONCE:
            last = self._calendar.month_of(first).last
        start, end = self._span(first, last)
        return Cost(name, ticks, every, start, end)

    def _overhead(self, table: Table) -> Overhead:
        accounts, partitions, users = (
            table.texts(key, "a list of names or globs")
            for key in ("accounts", "partitions", "users")
        )
        if not accounts and not partitions and not users:
            raise table.fail("accounts", "or partitions or users must say whose runs are overhead")
        found = Overhead(
            table.text("name", "a name of its own"),
            # Slurm keeps the names of accounts in lower case
            tuple(account.lower() for account in accounts), partitions, users,
            self._spread(table), table.name,
        )  # fmt: skip
        table.done()
        return found

    def _reservations(self, table: Table) -> IdleRule:
        name = table.text("name", "a name of its own")
        match = table.table("match")
        named, account = (
            match.text(key, "a name or glob", None) if match else None
            for key in ("name", "account")
        )
        if match:
            match.done()
        share = part(table, "share", table.take("share", (str, int, float), _SHARE, "1"))
        if share > 1:
            raise table.fail("share", f"is {share}; {_SHARE}")
        found = IdleRule(
            name, named, account.lower() if account else None, share,
            table.choice("holders", HOLDERS, HOLDERS[0]), day_of(table, "from", None),
            table.text("partition", "a partition", None), table.name,
        )  # fmt: skip
        table.done()
        return found

    def _unused(self, table: Table, buyer: str | None) -> Spread:
        unused = table.table("unused")
        if unused is None:
            return Spread(to=buyer)
        spread = self._spread(unused)
        unused.done()
        return spread

    def _spread(self, table: Table) -> Spread:
        method = table.choice("spread", METHODS)
        to = self._team(table, "to")
        ratios = table.table("ratios")
        if (method == RATIOS) != (ratios is not None):
            raise table.fail("ratios", "and spread = \"ratios\" belong together")
        if method == CARRIED and to is None:
            raise table.fail("to", "is missing: which team carries it?")
        return Spread(
            method, table.choice("by", BASES, "gpu_hours"),
            self._ratios(ratios) if ratios else (), to,
            table.choice("over", WINDOWS, "month"),
        )  # fmt: skip

    def _ratios(self, table: Table) -> tuple[tuple[str, int], ...]:
        parts: dict[str, Fraction] = {}
        for team, text in table.rest().items():
            self._check_team(table, team, team)
            parts[team] = part(table, team, text)
        total = sum(parts.values(), Fraction(0))
        if total != 1:
            raise table.fail("", f"the parts add to {total}, not to 1")
        common = lcm(*(part.denominator for part in parts.values()))
        return tuple(sorted((team, int(part * common)) for team, part in parts.items()))

    def _team(self, table: Table, key: str) -> str | None:
        name: str | None = table.text(key, "a team", None)
        if name is not None:
            self._check_team(table, key, name)
        return name

    def _check_team(self, table: Table, key: str, name: str) -> None:
        if self._teams and name not in self._teams:
            near = nearest(name, sorted(self._teams))
            hint = f"did you mean {near!r}?" if near else f"known: {', '.join(sorted(self._teams))}"
            raise table.fail(key, f"{name!r} is no team of [[teams]]; {hint}")

    def _ticks(self, table: Table, key: str, default: Any = ...) -> Any:
        micros = decimal(table, key, MICRO_DIGITS, _AMOUNT, default)
        return None if micros is None else micros * SECONDS_PER_HOUR

    def _span(self, first: int, last: int | None) -> tuple[int, int]:
        midnight = self._calendar.midnight
        return midnight(first), EVER if last is None else midnight(last)

    def _days(self, table: Table, end: str | None) -> tuple[int, int | None]:
        """``from``, and ``until`` or after ``life`` years."""
        first = day_of(table, "from")
        assert first is not None
        last = day_of(table, "until", None)
        if end == "life":
            years = table.take("life", int, "a whole number of years", None)
            if years is not None and last is not None:
                raise table.fail("life", "and until both say when it ends; give one")
            if years is not None:
                if not 1 <= years <= 100:
                    raise table.fail("life", f"is {years}; expected 1 to 100 years")
                last = _years_after(first, years)
        if last is not None and last <= first:
            raise table.fail("until", "is not after from")
        return first, last


def _years_after(day: int, years: int) -> int:
    found = day_date(day)
    try:
        return day_number(found.replace(year=found.year + years))
    except ValueError:  # 29 February, in a year without one
        return day_number(date(found.year + years, 3, 1))
