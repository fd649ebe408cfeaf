"""Stated lines as rows of FOCUS's Cost and Usage: one row a line, one after the other."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple
from urllib.parse import quote

from slurm_finops.core.money import TICKS, minor_text, round_half_away
from slurm_finops.core.period import Calendar
from slurm_finops.core.posted import Item, Posted
from slurm_finops.core.tags import Tags
from slurm_finops.core.usage import is_gpu
from slurm_finops.exports.focus_columns import DIGITS, Version, columns
from slurm_finops.exports.focus_words import (
    AMOUNT,
    CATEGORIES,
    PRICINGS,
    PURCHASE,
    SPLIT,
    USAGE,
    Unit,
    unit_of,
)

#: A charge that nobody tagged has a payer too, and so a sub-account.
UNTAGGED = "(untagged)"
_SCALE = 10**DIGITS
#: Owners remembered at once: those of some projects, and an end to memory.
_REMEMBERED = 20_000

Row = dict[str, object]


class Commitment(NamedTuple):
    """Capacity that was bought for a term: what ``kind`` of thing it is, and of what SKU."""

    kind: str
    sku: str


class About(NamedTuple):
    """What is the same for all rows.

    ``provider`` runs the clusters and states what they cost; ``billing_account`` is whose
    books a payer without a legal entity is in; ``cluster`` that of runs which name none.
    ``commitments`` are the pools of reserved capacity, by name.
    """

    calendar: Calendar
    currency: str
    digits: int
    provider: str
    billing_account: str
    cluster: str
    commitments: Mapping[str, Commitment] = {}
    service: str = "Slurm"


class PerRun(NamedTuple):
    """The part of a stated line that is of one run.

    ``job_id`` is what Slurm shows, ``job_id_raw`` the number; ``submit`` in epoch seconds
    tells runs of one number apart.  ``name`` and ``user`` as the site shows them, "" for not.
    """

    posted: Posted
    job_id: str
    job_id_raw: int
    submit: int
    name: str = ""
    user: str = ""


def rows(posted: Iterable[Posted | PerRun], about: About, version: Version) -> Iterator[Row]:
    """A row for each line, with the columns of the version in their order.

    Values are texts, `Decimal`, integers of any size, datetimes in UTC, or None; never floats.
    """
    made = _Rows(about, version)
    for one in posted:
        if isinstance(one, PerRun):
            row = made.row(one.posted)
            row.update(_run_columns(one, about))
        else:
            row = made.row(one)
        yield row


class _Kind(NamedTuple):
    """What all rows of a kind share: most columns, and how the others are worked out."""

    row: Row
    unit: Unit
    charge: str
    consumed: bool
    commitment: Unit | None
    shared: bool


class _Rows:
    def __init__(self, about: About, version: Version) -> None:
        self._about = about
        self._names = tuple(column.name for column in columns(version))
        self._has = frozenset(self._names)
        self._kinds: dict[tuple[object, ...], _Kind] = {}
        self._owners: dict[tuple[Tags, bool], Row] = {}
        self._times: dict[tuple[str, int], Row] = {}

    def row(self, posted: Posted) -> Row:
        key = (posted.cluster, posted.item, posted.payer, posted.correction)
        kind = self._kinds.get(key)
        if kind is None:
            kind = self._kinds[key] = self._kind(posted)
        row = kind.row.copy()
        row.update(self._owner(posted.tags, kind.shared))
        row.update(self._when(posted.period, posted.day))
        row.update(_costs(posted, kind, self._about.digits))
        row.update(_exact(posted))
        if kind.charge in (USAGE, PURCHASE):
            row.update(_quantities(posted, kind))
        # prices and bills are in one currency
        row["PricingCurrencyListUnitPrice"] = row["ListUnitPrice"]
        row["PricingCurrencyContractedUnitPrice"] = row["ContractedUnitPrice"]
        row["PricingCurrencyEffectiveCost"] = row["EffectiveCost"]
        if posted.statement:
            row["InvoiceId"] = row["x_slurm_statement"] = posted.statement
            if "InvoiceDetailId" in self._has:
                row["InvoiceDetailId"] = f"{posted.statement}/{posted.line}"
        return row

    def _kind(self, posted: Posted) -> _Kind:
        words = CATEGORIES[posted.item.category]
        found = _fixed(self._about) | _payer(posted, self._about) | _charge(posted)
        found |= _own(posted) | _sku(posted.item, words.charge)
        # a tax's method is its percentage
        shared = posted.item.category in SPLIT and bool(posted.item.method)
        if shared:
            found["AllocatedMethodId"] = posted.item.method
        bought = self._about.commitments.get(posted.item.origin)
        unit = unit_of(bought.sku if bought else posted.item.sku)
        if bought and words.charge in (USAGE, PURCHASE):
            found |= _commitment(posted.item, bought, words.charge)
        else:
            bought = None
        consumed = words.charge == USAGE and found.get("CommitmentDiscountStatus") != "Unused"
        row = {name: found.get(name) for name in self._names}
        return _Kind(row, unit, words.charge, consumed, unit if bought else None, shared)

    def _owner(self, tags: Tags, shared: bool) -> Row:
        """What a row has of whose it is; there are many owners, and few kinds of rows."""
        found = self._owners.get((tags, shared))
        if found is None:
            if len(self._owners) >= _REMEMBERED:
                self._owners.clear()
            whole = _tagged(tags) | (_share(tags) if shared else {})
            found = {name: value for name, value in whole.items() if name in self._has}
            self._owners[tags, shared] = found
        return found

    def _when(self, period: str, day: int) -> Row:
        found = self._times.get((period, day))
        if found is None:
            calendar = self._about.calendar
            month = calendar.period(period)
            found = self._times[period, day] = {
                "BillingPeriodStart": _instant(month.start),
                "BillingPeriodEnd": _instant(month.end),
                "ChargePeriodStart": _instant(calendar.midnight(day)),
                "ChargePeriodEnd": _instant(calendar.midnight(day + 1)),
            }
        return found


def _instant(epoch: int) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)


def _scaled(value: int) -> Decimal:
    # of a text: arithmetic on decimals rounds to the context's digits
    return Decimal(f"{value}e-{DIGITS}")


def money(ticks: int) -> Decimal:
    """Ticks as currency, to `DIGITS`, nearest (there are no halves: the divisor is odd)."""
    return _scaled(round_half_away(ticks * _SCALE, TICKS))


def _costs(posted: Posted, kind: _Kind, digits: int) -> Row:
    billed = Decimal(minor_text(posted.billed_minor, digits))
    ours = posted.list_ticks, posted.contracted_ticks, posted.effective_ticks
    if kind.charge not in (USAGE, PURCHASE) and not any(ours):
        # FOCUS: of a credit and its like, which has no price, they are what is billed
        at_list = contracted = effective = _scaled(posted.billed_minor * 10 ** (DIGITS - digits))
    else:
        at_list, contracted, effective = map(money, ours)
    return {"BilledCost": billed, "ListCost": at_list, "ContractedCost": contracted,
            "EffectiveCost": effective}  # fmt: skip


def _exact(posted: Posted) -> Row:
    return {
        "x_slurm_period": posted.period,
        "x_slurm_line": posted.line or None,
        "x_slurm_original_statement": posted.original or None,
        "x_slurm_unit_seconds": posted.unit_seconds,
        "x_slurm_list_ticks": posted.list_ticks,
        "x_slurm_contracted_ticks": posted.contracted_ticks,
        "x_slurm_effective_ticks": posted.effective_ticks,
        "x_slurm_billed_ticks": posted.billed_ticks,
    }


def _quantities(posted: Posted, kind: _Kind) -> Row:
    """Quantities and unit prices of use and purchases."""
    unit, number = kind.unit, posted.unit_seconds
    category = posted.item.category
    priced = posted.list_ticks or posted.contracted_ticks or category in ("line", PURCHASE.lower())
    if not number and priced:
        unit, number = AMOUNT, 0 if posted.correction else 1
    quantity = _scaled(round_half_away(number * _SCALE, unit.seconds))
    found: Row = {"PricingQuantity": quantity, "PricingUnit": unit.name, "SkuMeter": unit.meter}
    if kind.consumed:
        found |= {"ConsumedQuantity": quantity, "ConsumedUnit": unit.name}
    if posted.correction:
        return found  # a difference has no price
    found["ListUnitPrice"] = _price(posted.list_ticks, number, unit)
    found["ContractedUnitPrice"] = _price(posted.contracted_ticks, number, unit)
    if kind.commitment is not None:
        hours = round_half_away(posted.unit_seconds * _SCALE, kind.commitment.seconds)
        found |= {"CommitmentDiscountQuantity": _scaled(hours),
                  "CommitmentDiscountUnit": kind.commitment.name}  # fmt: skip
    return found


def _price(ticks: int, number: int, unit: Unit) -> Decimal:
    return _scaled(round_half_away(ticks * unit.seconds * _SCALE, number * TICKS) if number else 0)


def _fixed(about: About) -> Row:
    named = ("HostProviderName", "InvoiceIssuerName", "ProviderName", "PublisherName",
             "ServiceProviderName")  # fmt: skip
    return {
        **dict.fromkeys(named, about.provider),
        "BillingCurrency": about.currency,
        "PricingCurrency": about.currency,
        "ServiceCategory": "Compute",
        "ServiceSubcategory": "Other (Compute)",
        "ServiceName": about.service,
    }


def _payer(posted: Posted, about: About) -> Row:
    account = posted.payer.entity or about.billing_account
    return {
        "BillingAccountId": account,
        "BillingAccountName": account,
        "x_slurm_fund": posted.payer.fund or None,
        "x_slurm_account": posted.payer.account or None,
        "x_slurm_entity": posted.payer.entity or None,
    }


def _tagged(tags: Tags) -> Row:
    named = tags._asdict()
    return {
        "SubAccountId": tags.team or UNTAGGED,
        "SubAccountName": tags.team or UNTAGGED,
        "Tags": _json({key: tag for key, tag in named.items() if tag is not None}),
        **{f"x_slurm_{key}": tag for key, tag in named.items()},
    }


def _json(pairs: Mapping[str, object]) -> str | None:
    return json.dumps(pairs, ensure_ascii=False, separators=(",", ":")) if pairs else None


def _charge(posted: Posted) -> Row:
    words, item = CATEGORIES[posted.item.category], posted.item
    what = item.origin or item.sku
    said = f"{words.says}: {what}" if what else words.says
    return {
        "ChargeCategory": words.charge,
        "ChargeClass": "Correction" if posted.correction else None,
        "ChargeDescription": f"Correction. {said}" if posted.correction else said,
        "ChargeFrequency": words.frequency,
    }


def _own(posted: Posted) -> Row:
    item = posted.item
    return {
        "x_slurm_cluster": posted.cluster or None,
        "x_slurm_class": item.of_class or None,
        "x_slurm_category": item.category,
        "x_slurm_sku": item.sku or None,
        "x_slurm_pricing": item.pricing or None,
        "x_slurm_origin": item.origin or None,
        "x_slurm_method": item.method or None,
    }


def _sku(item: Item, charge: str) -> Row:
    if charge not in (USAGE, PURCHASE):
        return {}
    sku = item.sku or item.origin or item.category
    details: dict[str, object] = {"GpuCount": 1} if is_gpu(sku) else {}
    return {
        "SkuId": sku,
        "SkuPriceId": f"{sku}/{item.pricing}",
        "SkuPriceDetails": _json(details | {"x_Pricing": item.pricing}),
        "PricingCategory": PRICINGS.get(item.pricing, "Other"),
    }


def _commitment(item: Item, bought: Commitment, charge: str) -> Row:
    found: Row = {
        "CommitmentDiscountId": _commitment_id(item.origin),
        "CommitmentDiscountName": item.origin,
        "CommitmentDiscountCategory": USAGE,
        "CommitmentDiscountType": bought.kind,
    }
    if charge == USAGE:
        found["CommitmentDiscountStatus"] = "Unused" if item.category == "unused" else "Used"
        found["PricingCategory"] = "Committed"
    else:
        found["PricingCategory"] = "Standard"
    if charge == PURCHASE or item.category == "unused":
        # FOCUS: what is of the commitment itself has it as its resource
        found |= {"ResourceId": _commitment_id(item.origin), "ResourceName": item.origin,
                  "ResourceType": "Commitment"}  # fmt: skip
    return found


def _commitment_id(pool: str) -> str:
    return f"pool/{quote(pool, safe='')}"


def _share(tags: Tags) -> Row:
    owner = _owner(tags)
    return {"AllocatedResourceId": owner, "AllocatedResourceName": owner}


def _owner(tags: Tags) -> str:
    team = tags.team or UNTAGGED
    return f"{team}/{tags.project}" if tags.project else team


def _run_columns(run: PerRun, about: About) -> Row:
    cluster = quote(run.posted.cluster or about.cluster, safe="")
    return {
        "ResourceId": f"slurm://{cluster}/jobs/{run.job_id_raw}",
        "ResourceName": run.name or None,
        "ResourceType": "Slurm job",
        "x_slurm_job_id": run.job_id,
        "x_slurm_submit": _instant(run.submit),
        "x_slurm_user": run.user or None,
    }
