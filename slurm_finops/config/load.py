"""finops.toml -> frozen dataclasses; every error names file, key and remedy."""

from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from slurm_finops.config.alerts import alerts_of
from slurm_finops.config.budgets import budgets_of
from slurm_finops.config.charging import charging, timeline_of
from slurm_finops.config.fields import decimal, month_day, rate_of, unique
from slurm_finops.config.funds import funding_of, funds_of, payers_of
from slurm_finops.config.journal import journal_of
from slurm_finops.config.mail import (
    addresses,
    cost_centers_of,
    locale_of,
    mail_of,
    privacy_of,
    slack_of,
    webhook_file_of,
)
from slurm_finops.config.model import Config, Gate, Hook, Project, Team
from slurm_finops.config.pools import Reader
from slurm_finops.config.readiness import readiness_of
from slurm_finops.config.statements import entities_of, statements_of
from slurm_finops.config.table import Table, read_toml
from slurm_finops.core.funds import Fund
from slurm_finops.core.money import CURRENCIES, minor_digits
from slurm_finops.core.near import nearest
from slurm_finops.core.period import Calendar
from slurm_finops.core.policy import Default, Exempt, Policy, TeamRule
from slurm_finops.core.pools import check_names
from slurm_finops.core.rates import Rate, RateBook, RateError
from slurm_finops.core.tags import ALIASES, KEYS, Tags, make_comment, parse_comment
from slurm_finops.errors import ConfigError


def load(path: Path) -> Config:
    """Read a configuration.  Raises `ConfigError`."""
    hint = "-c or SLURM_FINOPS_CONFIG names it, and slurm-finops init writes one"
    top = read_toml(path, hint)
    return replace(_config(top), document=top.whole)


def load_instead(path: Path, config: Config) -> Config:
    """``config`` with another file's prices: its rates, pools, overhead, lines and reservations.

    What the file does not give stays: of rates and lines those that ``config`` has,
    imported ones with them.  Raises `ConfigError`.
    """
    tables = "[[rates]], [[pools]], [[overhead]], [[lines]]"
    top = read_toml(path, f"expected a file of {tables} or [[reservations]]")
    given = [key for key in ("rates", "pools", "overhead", "lines", "reservations") if top.has(key)]
    if not given:
        raise top.fail("", f"gives none of {tables} and [[reservations]]")
    rates = tuple(rate_of(table, config.calendar) for table in top.tables("rates"))
    teams = frozenset(team.name for team in config.teams)
    found = Reader(config.calendar, teams).allocation(top)
    top.done()
    kinds = {
        "pools": "pools", "credits": "pools", "recharge": "pools", "overhead": "overhead",
        "lines": "lines", "reservations": "reservations",
    }  # fmt: skip
    allocation = replace(config.allocation, **{
        kind: getattr(found, kind) for kind, key in kinds.items() if key in given
    })  # fmt: skip
    changed = replace(
        config, rates=rates if "rates" in given else config.rates, allocation=allocation
    )
    try:
        check_names(allocation.named)
    except RateError as error:
        raise ConfigError(f"{top.path}: {error}") from None
    _check_rates(top, changed.all_rates)
    return changed


def _config(top: Table) -> Config:
    cluster = top.text("cluster", "the cluster's name")
    currency = top.text("currency", 'an ISO 4217 code such as "USD"')
    if currency not in CURRENCIES:
        raise top.fail("currency", f'is {currency!r}; expected an ISO 4217 code such as "USD"')
    timezone = top.text("timezone", 'a zone such as "Europe/Zurich"', "UTC")
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        known = 'expected one such as "UTC" or "Europe/Zurich"'
        raise top.fail("timezone", f"{timezone!r} is no known zone; {known}") from None
    database = top.path.parent / top.text("database", "a file name", "ledger.db")
    calendar, digits = Calendar(zone), minor_digits(currency)
    rates = tuple(rate_of(table, calendar) for table in top.tables("rates"))
    billing = top.table("billing") or Table(top.path, "billing", {})
    suspended = billing.choice("suspended", ("free", "charge"), "free")
    otherwise = billing.text("class", "a class of customers", None) or ""
    tables = top.tables("teams")
    timelines = [timeline_of(table, calendar, otherwise) for table in tables]
    entities = entities_of(top)
    funds = funds_of(top, digits, entities)
    teams = tuple(_team(table, digits, funds) for table in tables)
    unique(top, "teams", [team.name for team in teams])
    classes = tuple(
        (team.name, timeline) for team, timeline in zip(teams, timelines, strict=True) if timeline
    )
    fiscal_year = month_day(billing, "fiscal_year", "01-01")
    charges_by = charging(
        top, calendar, [team.name for team in teams], classes, otherwise, fiscal_year
    )
    allocation = Reader(calendar, frozenset(team.name for team in teams)).allocation(top)
    tags = top.table("tags") or Table(top.path, "tags", {})
    policy, gate = _tags(tags, teams)
    mail, slack = top.table("mail"), top.table("slack")
    mails = mail_of(mail) if mail else None
    alerts = top.table("alerts") or Table(top.path, "alerts", {})
    statements = statements_of(top, entities)
    hook = top.table("hook")
    reports = top.table("reports") or Table(top.path, "reports", {})
    site = reports.text("site", 'a folder such as "/srv/finops/site"', None)
    config = Config(
        path=top.path, cluster=cluster, currency=currency, timezone=timezone,
        database=database.absolute(), zone=zone, policy=policy, gate=gate,
        rates=rates, allocation=allocation, charging=charges_by, teams=teams,
        cost_centers=cost_centers_of(top, teams),
        mail=mails, slack=slack_of(slack, mails),
        alerts=alerts_of(alerts, digits, addresses(alerts, "to")),
        privacy=privacy_of(top.table("privacy") or Table(top.path, "privacy", {})),
        readiness=readiness_of(top.table("readiness") or Table(top.path, "readiness", {})),
        funding=funding_of(billing, funds, teams, statements.entity),
        statements=statements,
        journal=journal_of(top.table("journal") or Table(top.path, "journal", {})),
        locale=locale_of(top),
        hook=_hook(hook) if hook else Hook(),
        charge_suspended=suspended == "charge",
        fiscal_year=fiscal_year,
        site_folder=(top.path.parent / site).absolute() if site else None,
    )  # fmt: skip
    for table in (billing, reports, top):
        table.done()
    _check_rates(top, config.all_rates)
    return config


def _check_rates(top: Table, rates: tuple[Rate, ...]) -> None:
    try:
        RateBook(rates)
    except RateError as error:
        raise ConfigError(f"{top.path}: {error}") from None


def _tags(table: Table, teams: tuple[Team, ...]) -> tuple[Policy, Gate]:
    required = table.texts("required", "a list of tags", ("team", "project", "experiment"))
    for key in required:
        if key not in KEYS:
            raise table.fail("required", f"{key!r} is no tag; {_nearest_tag(key)}")
    max_length = table.take("max_length", int, "a number of bytes", 64)
    if not 1 <= max_length <= 1024:
        raise table.fail("max_length", f"is {max_length}; expected 1 to 1024 bytes")
    policy = Policy(
        required=required,
        max_length=max_length,
        registry=table.take("registry", bool, "true or false", False),
        allowed=_allowed(table),
        teams=tuple(
            TeamRule(
                t.name, t.cost_center, tuple(p.name for p in t.projects), t.accounts, t.users,
                t.wckeys,
            )
            for t in teams
        ),
        exempt=_exempt(table),
        defaults=_defaults(table, max_length),
    )  # fmt: skip
    gate = Gate(
        mode=table.choice("mode", ("off", "warn", "enforce"), "warn"),
        on_error=table.choice("on_error", ("accept", "reject"), "accept"),
        help=table.text("help", "a line for researchers, such as a link", None) or "",
    )
    table.done()
    return policy, gate


def _allowed(table: Table) -> dict[str, tuple[str, ...]]:
    allowed = table.table("allowed")
    if allowed is None:
        return {}
    found = {key: allowed.texts(key, "a list of values or globs", None) for key in KEYS}
    for key in allowed.rest():
        raise allowed.fail(key, f"is no tag; {_nearest_tag(key)}")
    return {key: globs for key, globs in found.items() if globs is not None}


def _exempt(table: Table) -> Exempt:
    exempt = table.table("exempt")
    if exempt is None:
        return Exempt()
    names = ("users", "accounts", "partitions", "qos")
    found = Exempt(*(exempt.texts(name, "a list of names or globs") for name in names))
    exempt.done()
    return replace(found, accounts=_lower(found.accounts))


def _lower(accounts: tuple[str, ...]) -> tuple[str, ...]:
    """Slurm keeps the names of accounts in lower case."""
    return tuple(account.lower() for account in accounts)


def _defaults(table: Table, max_length: int) -> tuple[Default, ...]:
    """``[tags.defaults."nlp-*"]``: tags for jobs of an account that say nothing."""
    defaults = table.table("defaults")
    found = []
    for account, tags in defaults.named() if defaults else ():
        values = {key: tags.text(key, "a value", None) for key in KEYS}
        for key in tags.rest():
            raise tags.fail(key, f"is no tag; {_nearest_tag(key)}")
        _as_in_a_comment(tags, values, max_length)
        found.append((account.lower(), tuple((k, v) for k, v in values.items() if v is not None)))
    return tuple(found)


def _as_in_a_comment(table: Table, values: dict[str, str | None], max_length: int) -> None:
    """A default is sealed like a tag that was typed, so it must be one that may be typed."""
    tags = Tags(**values)
    claim = parse_comment(make_comment(tags))
    faults = (*claim.faults, *Policy(required=(), max_length=max_length).judge(tags))
    for fault in faults:
        raise table.fail(fault.key, fault.message)


def _nearest_tag(key: str) -> str:
    if key in ALIASES:
        return f"its name here is {ALIASES[key]!r}"
    near = nearest(key, KEYS)
    return f"did you mean {near!r}?" if near else f"known: {', '.join(KEYS)}"


def _accounts(table: Table) -> tuple[str, ...] | None:
    found = table.texts("accounts", "a list of Slurm accounts or globs", None)
    return None if found is None else _lower(found)


def _team(table: Table, digits: int, funds: tuple[Fund, ...]) -> Team:
    name = table.text("name", "the team's name")
    team = Team(
        name=name,
        cost_center=table.text("cost_center", "a cost centre", None),
        accounts=_accounts(table),
        users=table.texts("users", "a list of users or globs", None),
        wckeys=table.texts("wckeys", "a list of WCKeys or globs", None),
        email=addresses(table),
        budget_minor=decimal(table, "budget", digits, 'a text such as "10000"', None),
        budgets=budgets_of(table, digits, name),
        projects=tuple(
            _project(project, digits, name, funds) for project in table.tables("projects")
        ),
        delegates=addresses(table, "delegates"),
        payers=payers_of(table, funds),
        slack_webhook_file=webhook_file_of(table, "slack_webhook_file"),
    )
    table.done()
    unique(table, "projects", [project.name for project in team.projects])
    return team


def _project(table: Table, digits: int, team: str, funds: tuple[Fund, ...]) -> Project:
    name = table.text("name", "the project's name")
    project = Project(
        name=name,
        email=addresses(table),
        budget_minor=decimal(table, "budget", digits, 'a text such as "4000"', None),
        budgets=budgets_of(table, digits, team, name),
        delegates=addresses(table, "delegates"),
        payers=payers_of(table, funds),
    )
    table.done()
    return project


def _hook(table: Table) -> Hook:
    budget = table.text("budget_file", "a file on a local disk of slurmctld's machine", None)
    hook = Hook(
        table.take("show_cost", bool, "true or false", False),
        table.path.parent / budget if budget else None,
    )
    table.done()
    return hook
