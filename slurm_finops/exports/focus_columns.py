"""The columns of FOCUS 1.2 and 1.4 and our own: what each holds, or why a file has it not.

docs/focus.md is made of this table, and files have its columns in its order.
"""

from typing import Literal, NamedTuple

Version = Literal["1.2", "1.4"]
VERSIONS: tuple[Version, ...] = ("1.2", "1.4")

#: Digits after the point in amounts, prices and quantities.  A tick is 1/3,600,000,000 of a
#: currency unit and mostly has no end as a decimal.  Ten digits are the fewest that keep
#: any two amounts in ticks apart; twelve keep a sum of a million rows within 0.0000005.
DIGITS = 12
#: No currency has more digits in its minor unit (ISO 4217: CLF, UYW).
MINOR_DIGITS = 4

Kind = Literal["text", "json", "time", "decimal", "minor", "integer"]
Level = Literal["mandatory", "conditional", "recommended", "own"]


class Column(NamedTuple):
    """A column.  ``absent`` is why it is in no file of ours, "" if it is in one.

    ``kind``: ``decimal`` has `DIGITS`, ``minor`` those of the currency, ``integer`` is of any
    size.  ``only``: the one version that knows it, "" for both.
    """

    name: str
    level: Level
    kind: Kind
    says: str
    absent: str = ""
    only: str = ""


_NO_ZONES = "a cluster has no availability zones"
_NO_CAPACITY = "Slurm's reservations are not sold; what is, is a commitment"
_PROVIDER = "who runs the clusters"

_FOCUS = (
    Column("AllocatedMethodDetails", "recommended", "json", "",
           "a line does not say what part of the whole it is; `x_slurm_method` says how it was "
           "found", only="1.4"),
    Column("AllocatedMethodId", "conditional", "text",
           "how a share was found, as `x_slurm_method`; null for what is no share", only="1.4"),
    Column("AllocatedResourceId", "conditional", "text",
           "of a share: the team that it falls on, and its project after a slash", only="1.4"),
    Column("AllocatedResourceName", "conditional", "text", "as AllocatedResourceId", only="1.4"),
    Column("AllocatedTags", "conditional", "json", "",
           "may be null: Tags has all tags of the team that a share falls on, also in 1.4",
           only="1.4"),
    Column("AvailabilityZone", "recommended", "text", "", _NO_ZONES),
    Column("BilledCost", "mandatory", "minor",
           "what the line books, to the minor unit; lines sum to their statement"),
    Column("BillingAccountId", "mandatory", "text",
           "the legal entity whose books the fund is in, else the organisation's own name"),
    Column("BillingAccountName", "mandatory", "text", "as BillingAccountId"),
    Column("BillingAccountType", "conditional", "text", "", "there is one type"),
    Column("BillingCurrency", "mandatory", "text", "`currency` of the configuration"),
    Column("BillingPeriodEnd", "mandatory", "time", "exclusive: the start of the next"),
    Column("BillingPeriodStart", "mandatory", "time",
           "of the month the line is stated in, in UTC: the midnight of `timezone`"),
    Column("CapacityReservationId", "conditional", "text", "", _NO_CAPACITY),
    Column("CapacityReservationStatus", "conditional", "text", "", _NO_CAPACITY),
    Column("ChargeCategory", "mandatory", "text", "by category: see Categories"),
    Column("ChargeClass", "mandatory", "text",
           "`Correction` where a period that was closed is corrected, else null"),
    Column("ChargeDescription", "mandatory", "text", "what the line is for, in words"),
    Column("ChargeFrequency", "recommended", "text",
           "`Usage-Based` for use, `Recurring` for purchases and lines, else `One-Time`"),
    Column("ChargePeriodEnd", "mandatory", "time", "exclusive: the start of the next day"),
    Column("ChargePeriodStart", "mandatory", "time",
           "of the billing day the cost is of; of a correction, the day corrected"),
    Column("CommitmentDiscountCategory", "conditional", "text", "`Usage` where there is an id"),
    Column("CommitmentDiscountId", "conditional", "text",
           "`pool/` and the name of a pool of reserved capacity: of its shares, of what nobody "
           "used and of its purchase; use that it covers does not name it"),
    Column("CommitmentDiscountName", "conditional", "text", "the pool's name"),
    Column("CommitmentDiscountQuantity", "conditional", "decimal",
           "0: the hours stand on the use; null of corrections and where there is no id"),
    Column("CommitmentDiscountStatus", "conditional", "text",
           "`Used` of a pool's shares, `Unused` of what nobody used, else null"),
    Column("CommitmentDiscountType", "conditional", "text", "the kind of the pool"),
    Column("CommitmentDiscountUnit", "conditional", "text", "as PricingUnit, of the pool's SKU"),
    Column("CommitmentProgramEligibilityDetails", "conditional", "json", "",
           "pools are a site's own, and which use they may cover is in its configuration",
           only="1.4"),
    Column("ConsumedQuantity", "conditional", "decimal",
           "hours held; of a correction, by how many they change; null of what is no use"),
    Column("ConsumedUnit", "conditional", "text", "as PricingUnit"),
    Column("ContractApplied", "conditional", "json", "", "contracts are not recorded", only="1.4"),
    Column("ContractedCost", "mandatory", "decimal",
           "at the payer's own rate; see above for credits"),
    Column("ContractedUnitPrice", "conditional", "decimal",
           "ContractedCost by PricingQuantity: the mean price of the line"),
    Column("EffectiveCost", "mandatory", "decimal",
           "the same, with the share of a pool instead of its price; see above for credits"),
    Column("HostProviderName", "mandatory", "text", _PROVIDER, only="1.4"),
    Column("InvoiceDetailId", "mandatory", "text",
           "the statement and the line's number on it; null in a draft", only="1.4"),
    Column("InvoiceId", "recommended", "text", "the statement's number; null in a draft"),
    Column("InvoiceIssuerName", "mandatory", "text", _PROVIDER),
    Column("ListCost", "mandatory", "decimal",
           "at the rate on demand that is for anybody; see above for credits"),
    Column("ListUnitPrice", "conditional", "decimal",
           "ListCost by PricingQuantity; null of corrections and of what is no use"),
    Column("PricingCategory", "conditional", "text",
           "`Standard` on demand, `Dynamic` spot, `Committed` under a commitment, else `Other`; "
           "null of what is neither use nor purchase"),
    Column("PricingCurrency", "conditional", "text", "as BillingCurrency: prices are in it too"),
    Column("PricingCurrencyContractedUnitPrice", "conditional", "decimal",
           "as ContractedUnitPrice"),
    Column("PricingCurrencyEffectiveCost", "conditional", "decimal", "as EffectiveCost"),
    Column("PricingCurrencyListUnitPrice", "conditional", "decimal", "as ListUnitPrice"),
    Column("PricingQuantity", "mandatory", "decimal",
           "hours; 1 of a line with an amount and no hours; null of what is neither use nor "
           "purchase"),
    Column("PricingUnit", "mandatory", "text",
           "`GPU-Hours`, `CPU-Hours`, `GiB-Hours` of memory, by SKU; `Units` of an amount"),
    Column("ProviderName", "mandatory", "text", _PROVIDER, only="1.2"),
    Column("PublisherName", "mandatory", "text", _PROVIDER, only="1.2"),
    Column("RegionId", "conditional", "text", "", "a cluster has no regions"),
    Column("RegionName", "conditional", "text", "", "a cluster has no regions"),
    Column("ResourceId", "conditional", "text",
           "of a run `slurm://CLUSTER/jobs/ID`, of a commitment its id; null by day"),
    Column("ResourceName", "conditional", "text", "the job's name, the pool's name"),
    Column("ResourceType", "conditional", "text", "`Slurm job` or `Commitment`"),
    Column("ServiceCategory", "mandatory", "text", "`Compute`"),
    Column("ServiceName", "mandatory", "text", "`Slurm`"),
    Column("ServiceProviderName", "mandatory", "text", _PROVIDER, only="1.4"),
    Column("ServiceSubcategory", "recommended", "text", "`Other (Compute)`"),
    Column("SkuId", "conditional", "text", "the SKU, else the pool or line; null of the rest"),
    Column("SkuMeter", "conditional", "text", "what is measured, by PricingUnit"),
    Column("SkuPriceDetails", "conditional", "json",
           "`GpuCount` 1 of a GPU, `x_Pricing` as `x_slurm_pricing`"),
    Column("SkuPriceId", "conditional", "text", "SkuId, a slash, and `x_slurm_pricing`"),
    Column("SubAccountId", "conditional", "text",
           "the team; `(untagged)` where nobody said, because it has a payer too"),
    Column("SubAccountName", "conditional", "text", "as SubAccountId"),
    Column("SubAccountType", "conditional", "text", "", "there is one type"),
    Column("Tags", "conditional", "json",
           "tags that are set, as a JSON object, keys as in a job's comment; null without any"),
)  # fmt: skip

_OWN = (
    Column("x_slurm_cluster", "own", "text", "the cluster; null of what is of none"),
    Column("x_slurm_project", "own", "text", "the tag"),
    Column("x_slurm_experiment", "own", "text", "the tag"),
    Column("x_slurm_environment", "own", "text", "the tag"),
    Column("x_slurm_model", "own", "text", "the tag"),
    Column("x_slurm_cost_center", "own", "text", "the tag"),
    Column("x_slurm_class", "own", "text", "class of customer"),
    Column("x_slurm_category", "own", "text", "what the line is for: see Categories"),
    Column("x_slurm_sku", "own", "text", "the SKU, pool or line, whatever the ChargeCategory"),
    Column("x_slurm_pricing", "own", "text", "`on_demand`, `spot`, `committed`, as reports say"),
    Column("x_slurm_origin", "own", "text", "the pool, rule, line, credit or surcharge"),
    Column("x_slurm_method", "own", "text", "how a share was found"),
    Column("x_slurm_fund", "own", "text", "who pays"),
    Column("x_slurm_account", "own", "text", "the fund's account string"),
    Column("x_slurm_entity", "own", "text", "the legal entity whose books the fund is in"),
    Column("x_slurm_period", "own", "text", "the billing period, `2026-06`"),
    Column("x_slurm_line", "own", "integer", "the line's number on its statement; null in a draft"),
    Column("x_slurm_statement", "own", "text", "the statement's number; null in a draft"),
    Column("x_slurm_original_statement", "own", "text",
           "of a correction: the number of the statement that it corrects"),
    Column("x_slurm_unit_seconds", "own", "integer", "units times seconds, exact"),
    Column("x_slurm_list_ticks", "own", "integer", "exact, in 1/3,600,000,000 of a unit"),
    Column("x_slurm_contracted_ticks", "own", "integer", "the same"),
    Column("x_slurm_effective_ticks", "own", "integer", "the same"),
    Column("x_slurm_billed_ticks", "own", "integer", "the same, before it is rounded"),
    Column("x_slurm_job_id", "own", "text", "by run: as Slurm shows it, `1204337_5` of an array"),
    Column("x_slurm_submit", "own", "time", "by run: an id that comes again has another"),
    Column("x_slurm_user", "own", "text", "by run: as `[privacy]` shows people"),
)  # fmt: skip

#: Every column there is, FOCUS's in the order of their names and then our own.
COLUMNS = (*_FOCUS, *_OWN)


def columns(version: Version) -> tuple[Column, ...]:
    """The columns of a file, in their order."""
    return tuple(one for one in known(version) if not one.absent)


def known(version: Version) -> tuple[Column, ...]:
    """The columns that a version knows, and our own."""
    return tuple(one for one in COLUMNS if one.only in ("", version))
