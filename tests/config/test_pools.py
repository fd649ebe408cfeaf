"""[[pools]], [[overhead]] and [[lines]]: what they mean, and what is said of slips."""

from datetime import date
from pathlib import Path

import pytest

from slurm_finops.config import load
from slurm_finops.config.load import load_instead
from slurm_finops.core.accrual import accrued
from slurm_finops.core.money import TICKS
from slurm_finops.core.period import day_number
from slurm_finops.core.pools import SLURM, Pool
from slurm_finops.core.rates import EVER
from slurm_finops.errors import ConfigError
from tests.support import CONFIG, a_config

TEAMS = """
[[teams]]
name = "nlp"
[[teams]]
name = "platform"
"""
RESERVED = """
[[pools]]
name = "h100-reserved"
sku = "gres/gpu:h100"
units = 8
from = 2026-06-01
until = 2027-06-01
hourly = "19.60"
"""
BY_SLURM = RESERVED.replace("units = 8", 'units = "slurm"')
RATE = """
[[rates]]
sku = "gres/gpu:a100"
price = "1"
from = 2026-01-01
"""
OWNED = """
[[pools]]
name = "dgx"
kind = "owned"
sku = "gres/gpu:a100"
from = 2026-01-01
purchase = "250000.00"
granted  = "50000.00"
residual = "20000.00"
life     = 5
yearly   = "3650.00"
"""
LINE = """
[[lines]]
name = "egress"
amount = "900.00"
from = 2026-06-01
"""
OVERHEAD = """
[[overhead]]
name = "services"
partitions = ["monitoring"]
"""
RATIOS = OVERHEAD + 'spread = "ratios"\n'
RECHARGE = """
[[pools]]
name = "h100 service"
kind = "recharge"
sku = "gres/gpu"
from = 2026-06-01
monthly = "14000.00"
"""
SPOT = 'match = { partition = "spot" }\n'
CREDIT = """
[[pools]]
kind = "credit"
name = "cloud credit"
amount = "2800.00"
from = 2026-06-01
"""


def loaded(folder: Path, text: str):  # type: ignore[no-untyped-def]
    return load(a_config(folder, CONFIG + TEAMS + text))


def test_a_reservation_costs_upfront_and_by_the_hour(tmp_path: Path) -> None:
    config = loaded(tmp_path, RESERVED + 'upfront = "36500.00"\nbuyer = "nlp"\n')
    (pool,) = config.allocation.pools
    day = config.calendar.period("2026-06-01")
    costs = [accrued(cost, day.start, day.end, config.calendar) for cost in pool.costs]
    assert costs == [100 * TICKS, 24 * 1960 * TICKS // 100]
    assert (pool.beyond, pool.step, pool.unused.to) == ("error", "hour", "nlp")


def test_units_may_be_those_of_slurm(tmp_path: Path) -> None:
    text = BY_SLURM + 'match = { cluster = "alpha", partition = "h100" }\n'
    (pool,) = loaded(tmp_path, text).allocation.pools
    assert pool.units == SLURM


def test_owned_hardware_is_written_off_without_what_a_grant_paid(tmp_path: Path) -> None:
    config = loaded(tmp_path, OWNED)
    (pool,) = config.allocation.pools
    assert (pool.units, pool.last) == (None, day_number(date(2031, 1, 1)))
    start, end = (config.calendar.midnight(day) for day in (pool.first, pool.last))
    yearly, purchase = (accrued(cost, start, end, config.calendar) for cost in pool.costs)
    assert purchase == 180_000 * TICKS
    assert yearly == 5 * 3650 * TICKS


def test_more_costs_of_a_pool_have_their_own_days(tmp_path: Path) -> None:
    text = RESERVED + '[[pools.costs]]\nname = "power"\namount = "300.00"\nfrom = 2026-07-01\n'
    config = loaded(tmp_path, text)
    (pool,) = config.allocation.pools
    june, july = (config.calendar.period(name) for name in ("2026-06", "2026-07"))
    power = pool.costs[-1]
    assert accrued(power, june.start, june.end, config.calendar) == 0
    assert accrued(power, july.start, july.end, config.calendar) == 300 * TICKS


def test_a_mig_profile_takes_a_part_of_a_gpu(tmp_path: Path) -> None:
    use = 'use = { "gres/gpu:a100" = 7, "gres/gpu:a100_1g.5gb" = 1 }'
    config = loaded(tmp_path, RESERVED.replace('sku = "gres/gpu:h100"', use))
    (pool,) = config.allocation.pools
    assert dict(pool.use) == {"gres/gpu:a100": 7, "gres/gpu:a100_1g.5gb": 1}


def test_a_line_is_for_its_billing_month_unless_it_says_otherwise(tmp_path: Path) -> None:
    config = loaded(tmp_path, LINE + 'spread = "even"\n')
    (line,) = config.allocation.lines
    june = config.calendar.period("2026-06")
    assert (line.cost.start, line.cost.end) == (june.start, june.end)
    assert (line.category, line.spread.over) == ("other", "month")
    config = loaded(tmp_path, LINE + 'every = "month"\nspread = "even"\n')
    assert config.allocation.lines[0].cost.end == EVER


def test_a_line_may_have_an_owner_of_its_own(tmp_path: Path) -> None:
    config = loaded(tmp_path, LINE + 'tags = { team = "nlp", project = "llama" }\n')
    assert config.allocation.lines[0].tags.project == "llama"


def test_ratios_become_whole_numbers(tmp_path: Path) -> None:
    text = OVERHEAD + 'spread = "ratios"\nratios = { nlp = "1/3", platform = "2/3" }\n'
    assert loaded(tmp_path, text).allocation.overhead[0].spread.ratios == (
        ("nlp", 1), ("platform", 2),
    )  # fmt: skip
    text = OVERHEAD + 'spread = "ratios"\nratios = { nlp = "0.4", platform = "0.60" }\n'
    assert loaded(tmp_path, text).allocation.overhead[0].spread.ratios == (
        ("nlp", 2), ("platform", 3),
    )  # fmt: skip


def test_a_credit_goes_by_use_or_to_its_buyer_first(tmp_path: Path) -> None:
    (credit,) = loaded(tmp_path, CREDIT).allocation.credits
    assert (credit.cost.ticks, credit.buyer) == (-2800 * TICKS, None)
    text = CREDIT + 'buyer = "platform"\nshare = "buyer_first"\n'
    assert loaded(tmp_path, text).allocation.credits[0].buyer == "platform"


def test_what_rates_recover_covers_no_use(tmp_path: Path) -> None:
    text = RECHARGE + 'upfront = "10"\npurchase = "900"\ngranted = "300"\nlife = 5\n' + SPOT
    config = loaded(tmp_path, text + '[[pools.costs]]\nname = "staff"\namount = "5"\n')
    (pool,) = config.allocation.recharge
    assert (config.allocation.pools, bool(config.allocation)) == ((), False)
    assert config.all_rates == config.rates
    assert [cost.name for cost in pool.costs] == ["upfront", "monthly", "purchase", "staff"]
    assert (pool.use, pool.match) == ((("gres/gpu", 1),), (("partition", "spot"),))
    assert (pool.takes("gres/gpu:h100"), pool.takes("cpu")) == (1, 0)


def test_pools_of_another_file_take_the_place_of_those_that_rates_recover_too(
    tmp_path: Path,
) -> None:
    config = loaded(tmp_path, RECHARGE)
    other = tmp_path / "other.toml"
    other.write_text(RESERVED.replace("h100-reserved", "h100 service"))
    found = load_instead(other, config).allocation
    assert ([pool.name for pool in found.pools], found.recharge) == (["h100 service"], ())


def test_several_skus_may_recover_a_pool_and_several_pools_be_recovered_apart(
    tmp_path: Path,
) -> None:
    several = RECHARGE.replace('sku = "gres/gpu"', 'use = ["mem", "cpu"]').replace("h100", "cpu")
    others = (
        several, RECHARGE.replace("h100", "spot") + SPOT,
        RECHARGE.replace("h100", "old").replace("2026-06-01", "2025-01-01\nuntil = 2026-06-01"),
    )
    main = RECHARGE + 'match = { partition = "h100" }\n'
    found = loaded(tmp_path, "".join((main, *others))).allocation.recharge
    assert [pool.use for pool in found][1] == (("cpu", 1), ("mem", 1))
    # and beside one that covers the same use
    assert loaded(tmp_path, main + RESERVED).allocation.pools


@pytest.mark.parametrize(("text", "said"), [
    (RECHARGE + RECHARGE.replace("h100 service", "more"), "pools[1] (h100 service) and pools[2] "
     "(more) would both be recovered by the same charges; give them other SKUs or matches"),
    (RECHARGE.replace("/gpu", "/gpu:h100") + RECHARGE.replace("h100 service", "more") + SPOT,
     "would both be recovered by the same charges"),
    (RECHARGE + RECHARGE, "'h100 service' names 2 of"),
    (RECHARGE.replace('monthly = "14000.00"', ""), "pools[1]: costs nothing"),
    (RECHARGE.replace('sku = "gres/gpu"', ""), "give either sku or a list use of SKUs"),
    (RECHARGE.replace('sku = "gres/gpu"', "use = []"), "pools[1].use: names no SKU"),
    (RECHARGE.replace('sku = "gres/gpu"', 'use = ["cpu", "cpu"]'), "'cpu' is given twice"),
    (RECHARGE.replace('sku = "gres/gpu"', "use = { cpu = 2 }"), "expected a list of TRES such as"),
    (RECHARGE + "units = 8\n", "units: is no key here"),
    (RECHARGE + 'purchase = "5"\n', "give life (years) or until"),
    (RESERVED.replace("8", "0", 1).replace("units = 8", "units = 0"), "units: is 0"),
    (RESERVED.replace("units = 8", 'units = "slrum"'), "is 'slrum'; expected a whole number of"),
    (RESERVED.replace("units = 8", "units = true"), "units: is True; expected a whole number of"),
    (BY_SLURM + 'match = { account = "nlp" }\n', "match: has account, and units is"),
    (BY_SLURM + RESERVED.replace("h100-reserved", "more") + "rank = 1\n", "would be counted for"),
    (RESERVED.replace('hourly = "19.60"', ""), "pools[1]: costs nothing"),
    (RESERVED.replace("19.60", "19.6000001"), "hourly: '19.6000001' has more than 6 decimals"),
    (RESERVED.replace("19.60", "-1"), "hourly: '-1' is not a plain decimal number"),
    (RESERVED.replace("2027", "2025"), "until: is not after from"),
    (RESERVED.replace("2026-06-01", "0206-06-01"), "from: is 0206-06-01; expected a day of 2000"),
    (RATE + "rank = 20260601120000\n", "rank: is 20260601120000; expected"),
    (RESERVED.replace("2026-06-01", "2026-06-01T12:00:00"), "expected a date without a time"),
    (RESERVED.replace("until = 2027-06-01", 'upfront = "5"'), "give until"),
    (RESERVED + 'buyer = "npl"\n', "'npl' is no team of [[teams]]; did you mean 'nlp'?"),
    (RESERVED + 'share = "buyer_first"\n', "no buyer is named"),
    (RESERVED + 'purchase = "5"\n', "purchase: is no key here"),
    (RESERVED + "rank = -1\n", "rank: is -1"),
    (RESERVED + 'use = { "gres/gpu:h100" = 1 }\n', "give either sku or a table use"),
    (BY_SLURM + 'match = { class = "internal" }\n', "match: has class, and units is"),
    (RESERVED + RESERVED, "'h100-reserved' names 2 of"),
    (RESERVED + RESERVED.replace("h100-reserved", "h100-more"), "could both cover one run"),
    (RESERVED + '[pools.unused]\nspread = "carried"\n', "to: is missing"),
    (OWNED.replace("life     = 5", ""), "give life (years) or until"),
    (OWNED.replace('= "50', '= "240'), "more than the purchase price"),
    (OWNED.replace("2026-01-01", "2026-01-01\nuntil = 2027-01-01"), "both say when it ends"),
    (OWNED.replace('purchase = "250000.00"', ""), "granted and residual are parts of it"),
    (LINE, "spread: is missing; expected proportional or even"),
    (LINE + 'spread = "proportion"\n', "expected proportional or even or ratios or carried"),
    (LINE + 'tags = { team = "npl" }\n', "tags.team: 'npl' is no team of [[teams]]; did you mean"),
    (LINE + 'tags = { }\n', "names nobody"),
    (LINE + 'tags = { team = "nlp" }\nspread = "even"\n', "spread: is no key here"),
    (OVERHEAD.replace('partitions = ["monitoring"]', 'spread = "even"'), "whose runs are overhead"),
    (OVERHEAD + 'spread = "ratios"\n', "belong together"),
    (RATIOS + 'ratios = { nlp = "0.5", platform = "0.4" }\n', "add to 9/10"),
    (RATIOS + 'ratios = { nlp = 0.5, platform = "0.5" }\n', "is 0.5; expected"),
    (RATIOS + 'ratios = { nlp = "1e-999999999", platform = "1" }\n', "nlp: is '1e-999999999'"),
    (RATIOS + 'ratios = { nlp = "2", platform = "-1" }\n', "not below 0"),
    (CREDIT + 'share = "buyer_first"\n', "no buyer is named"),
])  # fmt: skip
def test_what_cannot_be_meant_is_named_with_its_key(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        loaded(tmp_path, text)
    assert said in str(error.value)
    assert str(tmp_path / "finops.toml") in str(error.value)


def test_accounts_of_shared_services_are_kept_as_slurm_keeps_them(tmp_path: Path) -> None:
    text = OVERHEAD.replace('partitions = ["monitoring"]', 'accounts = ["OPS-*"]')
    (rule,) = loaded(tmp_path, text + 'spread = "even"\n').allocation.overhead
    assert rule.matches("ops-web", "", "")


def test_without_a_registry_any_team_may_be_named(tmp_path: Path) -> None:
    config = load(a_config(tmp_path, CONFIG + RESERVED + 'buyer = "anybody"\n'))
    assert isinstance(config.allocation.pools[0], Pool)
