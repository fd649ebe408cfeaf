"""All rates of a site: those of finops.toml and those that were imported."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from slurm_finops.errors import ConfigError, FinopsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slurm_finops.config import Config
    from slurm_finops.core.rates import Rate
    from slurm_finops.ledger.store import Ledger


def configured(config: Config) -> tuple[Rate, ...]:
    """The rates of finops.toml; where each stands says so, beside imports."""
    name = config.path.name
    return tuple(rate._replace(where=f"{name} {rate.where}") for rate in config.rates)


def all_rates(config: Config, ledger: Ledger) -> tuple[Rate, ...]:
    """The rates by which runs are to be priced now."""
    from slurm_finops.ledger.imports import imported_rates

    return (*configured(config), *imported_rates(ledger.db))


def with_pools(config: Config, rates: Sequence[Rate]) -> tuple[Rate, ...]:
    """These rates, and those by which use that a pool may cover costs nothing."""
    from slurm_finops.core.pools import pool_rates

    return (*rates, *pool_rates(config.allocation.pools, config.calendar))


def rates_here(config: Config) -> tuple[tuple[Rate, ...], str]:
    """The same for who has opened no ledger; with why those that were imported are not seen."""
    from slurm_finops.ledger.store import Ledger

    try:
        if config.database.exists():
            with Ledger.read(config.database, config.currency, config.timezone) as ledger:
                return all_rates(config, ledger), ""
    except FinopsError as error:
        return configured(config), str(error)
    except OSError as error:
        return configured(config), f"{error.filename}: {error.strerror}"
    return configured(config), ""


@contextmanager
def together(hint: str) -> Iterator[None]:
    """Rates that cannot stand together, as an error that ends with what to do."""
    from slurm_finops.core.rates import RateError

    try:
        yield
    except RateError as error:
        raise ConfigError(f"{error}.  {hint}") from None
