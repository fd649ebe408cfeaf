"""The line on acceptance under a charging policy: what a team is billed at most, as `estimate`."""

import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slurm_finops.core.charging import Charging, Factor, Group, Piece, Rounding, Tier
from slurm_finops.core.estimate import estimate, sum_text
from slurm_finops.core.money import grouped
from slurm_finops.core.price_book import PriceBook
from slurm_finops.core.rates import NEVER, Rate
from slurm_finops.core.request import request
from slurm_finops.hook.engine import VERSIONS, Engine
from tests.hook.test_cost import engine, job, said

NOW = int(time.time())
YEAR = 365 * 86400
H100 = "gres/gpu:h100"
RATES = [
    Rate(H100, 4_000_000, 0),
    Rate(H100, 2_800_000, 0, match=(("class", "academic"),), subsidy=1_400_000),
    Rate(H100, 6_000_000, 0, match=(("class", "industry"),)),
    Rate("gres/gpu:a100", 16_000_000, 0, per=8, subsidy=4_000_000),
    Rate("gres/shard", 300_000, 0),
]
CLASSES = (
    ("nlp", (Piece(NEVER, "academic"),)),
    ("acme", (Piece(NEVER, "academic"), Piece(NOW - YEAR, "industry"))),
    ("later", (Piece(NEVER, "industry"), Piece(NOW + YEAR, "academic"))),
)
HIGH = Factor("priority", Fraction(3, 2), (("qos", "high"),))


def book(**rules: Any) -> PriceBook:
    return PriceBook(RATES, Charging(**{"classes": CLASSES, **rules}))


def line(folder: Path, version: str, ask: dict[str, Any], **rules: Any) -> str:
    lua = engine(folder, version, book(**rules), budgets=False)
    return said(lua, **{"tres_per_job": "gres:gpu:h100:2", "time_limit": 90, **ask})


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize(
    ("team", "told"),
    [
        ("nlp", "up to 4.20 USD (2 × h100 × 01:30:00 at 1.40/h after subsidy)"),
        ("acme", "up to 18.00 USD (2 × h100 × 01:30:00 at 6.00/h)"),
        ("later", "up to 18.00 USD (2 × h100 × 01:30:00 at 6.00/h)"),
        ("", "up to 12.00 USD (2 × h100 × 01:30:00 at 4.00/h)"),
    ],
)
def test_a_team_pays_the_price_of_its_class(
    tmp_path: Path, version: str, team: str, told: str
) -> None:
    comment = f'{{"team":"{team}"}}' if team else ""
    assert line(tmp_path, version, {"comment": comment}) == told


def test_who_is_no_team_is_of_the_sites_own_class(tmp_path: Path, version: str) -> None:
    assert line(tmp_path, version, {}, default_class="industry").startswith("up to 18.00 USD")
    assert line(tmp_path, version, {"comment": '{"team":"unknown"}'}, default_class="industry")


def test_factors_are_said(tmp_path: Path, version: str) -> None:
    reserved = Factor("reserved", Fraction(1, 3), (("reservation", "course"),), (H100,))
    over = Factor("over", Fraction(9), end=NOW - 1)
    tier = Tier("more", ("gres/gpu",), ((0, Fraction(1)), (10, Fraction(2))))
    rules = {"factors": (HIGH, reserved, over), "tiers": (tier,)}
    assert line(tmp_path, version, {"qos": "high", "reservation": "course"}, **rules) == (
        "up to 12.00 USD (2 × h100 × 01:30:00 at 4.00/h × 2 × 3/2 × 1/3)"
    )
    # of two reservations the dearer counts
    assert line(tmp_path, version, {"reservation": "course,other"}, **rules) == (
        "up to 24.00 USD (2 × h100 × 01:30:00 at 4.00/h × 2)"
    )


def test_booked_time_is_what_is_paid(tmp_path: Path, version: str) -> None:
    rules = (Rounding("hours", 3600), Rounding("short", 1, 86_400, (("partition", "long"),)))
    assert line(tmp_path, version, {}, rounding=rules) == (
        "up to 16.00 USD (2 × h100 × 02:00:00 at 4.00/h)"
    )
    assert line(tmp_path, version, {"partition": "long"}, rounding=rules) == (
        "up to 192.00 USD (2 × h100 × 24:00:00 at 4.00/h)"
    )


def test_of_a_group_the_dearest_is_paid(tmp_path: Path, version: str) -> None:
    group = Group("node", ("gres/gpu", "gres/shard"), match=(("partition", "h100"),))
    ask = {"tres_per_job": "gres:gpu:h100:2,gres:shard:9"}
    assert line(tmp_path, version, {**ask, "partition": "h100"}, groups=(group,)) == (
        "up to 12.00 USD (2 × h100 × 01:30:00 at 4.00/h)"
    )
    # where it may go without the group, both count
    for partition in ("other", "h100,other"):
        assert line(tmp_path, version, {**ask, "partition": partition}, groups=(group,)) == (
            "up to 16.05 USD (01:30:00: 2 × h100 at 4.00/h, 9 × shard at 0.30/h)"
        )


def test_a_factor_that_no_double_holds_leaves_it_unsaid(tmp_path: Path, version: str) -> None:
    odd = (Factor("a", Fraction(2**40 + 1, 2**40)), Factor("b", Fraction(3**30, 3**30 + 1)))
    assert line(tmp_path, version, {}, factors=odd) == ""


RULES = {
    "default_class": "industry",
    "factors": (
        HIGH,
        Factor("academic", Fraction(11, 10), (("class", "academic"),), ("gres/gpu",)),
        Factor("free", Fraction(0), (("reservation", "free"),), ("gres/shard",)),
        Factor("soon", Fraction(7), start=NOW + YEAR),
        Factor("spot", Fraction(1, 3), (("partition", "spot"),)),
    ),
    "rounding": (
        Rounding("hours", 3600, 0, (("class", "industry"),)),
        Rounding("minutes", 60, 5400, (("partition", "spot"),), 1),
        Rounding("all", 1, 90),
    ),
    "groups": (
        Group("node", ("gres/gpu", "gres/shard"), match=(("partition", "main"),)),
        Group("gone", ("gres/gpu", "gres/shard"), end=NOW - 1),
    ),
    "tiers": (
        Tier("volume", ("gres/gpu",), ((0, Fraction(1)), (10, Fraction(1, 2)))),
        Tier("surcharge", (H100,), ((0, Fraction(1)), (10, Fraction(5, 4))),
             (("class", "industry"),)),
    ),
}  # fmt: skip
_KEPT: dict[Path, Engine] = {}


@given(
    gpus=st.integers(0, 40), kind=st.sampled_from(["gpu", "gpu:h100", "gpu:a100"]),
    shards=st.integers(0, 200), minutes=st.integers(1, 5000), qos=st.sampled_from(["", "high"]),
    team=st.sampled_from(["", "nlp", "acme", "later", "unknown"]),
    partition=st.sampled_from(["main", "spot", "main,spot"]),
    reservation=st.sampled_from(["", "free", "free,course"]),
)  # fmt: skip
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_is_what_estimate_says_a_team_pays(
    tmp_path: Path, gpus: int, kind: str, shards: int, minutes: int, qos: str, team: str,
    partition: str, reservation: str,
) -> None:  # fmt: skip
    asked = {kind: gpus, "shard": shards}
    text = ",".join(f"{name}:{count}" for name, count in asked.items() if count)
    options = {"gres": text, "time": str(minutes), "partition": partition, "account": "research",
               "qos": qos, "reservation": reservation}  # fmt: skip
    prices = book(**RULES)
    of_class = prices.charging.class_at(team, NOW)
    found = estimate(prices, request(options), "alpha", NOW, 2, [of_class], net=True)
    words = f"up to {grouped(found.minor or 0, 2)} USD ({sum_text(found.request, found.parts, 2)})"
    if tmp_path not in _KEPT:
        _KEPT[tmp_path] = engine(tmp_path, "5.4", prices, budgets=False)
    answer = _KEPT[tmp_path].submit(job(
        tres_per_node=",".join(f"gres:{item}" for item in filter(None, text.split(","))),
        time_limit=minutes, qos=qos, partition=partition, reservation=reservation,
        comment=f'{{"team":"{team}"}}' if team else "",
    ))  # fmt: skip
    assert answer.log == ()
    assert "".join(answer.told) == (words if found.parts else "")
