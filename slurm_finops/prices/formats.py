"""The formats of other people's price lists, described: which column says what."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from functools import partial

from slurm_finops.core.rates import ON_DEMAND
from slurm_finops.core.rows import Files, Row, csv_rows
from slurm_finops.prices.rows import json_pages


@dataclass(frozen=True)
class Format:
    """One format.  Prices in it are per instance and hour.

    ``picks`` are the options that choose among rows, each with the columns that
    may hold its value; ``only`` are values that a row must have to be a rate at
    all.  A column that the format has not is "".
    """

    name: str
    read: Callable[[Files], Iterator[Row]]
    item: str
    price: str
    pricing: str
    picks: Mapping[str, tuple[str, ...]]
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: when a price begins, and the zone of such a time; None where each has its offset
    time: str = ""
    zone: tzinfo | None = UTC
    #: how many devices an instance has, and what they are called
    count: str = ""
    kind: str = ""
    #: where a row has none, prices are in US dollars
    currency: str = ""


#: aws ec2 describe-spot-price-history (EC2 API, DescribeSpotPriceHistory): newest first.
_SPOT = ("InstanceType", "SpotPrice", "Timestamp", "AvailabilityZone", "ProductDescription")
AWS_SPOT = Format(
    name="aws-spot",
    read=partial(json_pages, key="SpotPriceHistory", item="InstanceType", needed=_SPOT),
    item="InstanceType",
    price="SpotPrice",
    pricing="spot",
    picks={"zone": ("AvailabilityZone",), "product": ("ProductDescription",)},
    time="Timestamp",
    zone=None,
)

#: The offer file of AmazonEC2 as CSV (AWS Price List Bulk API): five rows, then the header.
_PRICELIST = (
    "TermType", "EffectiveDate", "Unit", "PricePerUnit", "Currency", "Instance Type", "Tenancy",
    "Operating System", "Pre Installed S/W", "GPU",
)  # fmt: skip
AWS_PRICELIST = Format(
    name="aws-pricelist",
    read=partial(csv_rows, item="Instance Type", needed=_PRICELIST, above=5),
    item="Instance Type",
    price="PricePerUnit",
    pricing=ON_DEMAND,
    picks={
        "region": ("Region Code", "Location"), "os": ("Operating System",),
        "tenancy": ("Tenancy",), "software": ("Pre Installed S/W",),
        "capacity": ("CapacityStatus",), "market": ("MarketOption",), "operation": ("operation",),
    },
    only={"TermType": ("OnDemand",), "Unit": ("Hrs", "Hours")},
    time="EffectiveDate",
    count="GPU",
    currency="Currency",
)  # fmt: skip

#: SkyPilot's service catalogue (skypilot-catalog, one vms.csv a cloud): no dates in it.
_SKYPILOT = ("InstanceType", "AcceleratorName", "AcceleratorCount", "Region")
SKYPILOT = Format(
    name="skypilot",
    read=partial(csv_rows, item="InstanceType", needed=(*_SKYPILOT, "Price")),
    item="InstanceType",
    price="Price",
    pricing=ON_DEMAND,
    picks={"region": ("Region",), "zone": ("AvailabilityZone",)},
    count="AcceleratorCount",
    kind="AcceleratorName",
)
SKYPILOT_SPOT = replace(
    SKYPILOT,
    read=partial(csv_rows, item="InstanceType", needed=(*_SKYPILOT, "SpotPrice")),
    price="SpotPrice",
    pricing="spot",
)

FORMATS = {one.name: one for one in (AWS_SPOT, AWS_PRICELIST, SKYPILOT)}
#: Our own, which is read by `prices.own`.
OWN = "csv"
NAMES = (*FORMATS, OWN)
#: Every option that chooses among rows of any format.
PICKS = tuple(dict.fromkeys(option for one in FORMATS.values() for option in one.picks))
