"""What the rows of FOCUS say of stated lines."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.core.money import TICKS
from slurm_finops.core.tags import UNTAGGED, Tags
from slurm_finops.exports.focus import Row, money, rows
from slurm_finops.exports.focus_columns import DIGITS, VERSIONS, columns, known
from slurm_finops.exports.focus_words import CATEGORIES, unit_of
from tests.exports.stated import ABOUT, JUNE_1, MAY_31, USE, a_line, by_run, month, of


def the_row(line, version="1.2", about=ABOUT) -> Row:
    (row,) = rows([line], about, version)
    return row


def picked(row: Row, *names: str) -> dict[str, object]:
    return {name: row[name] for name in names}


COSTS = ("ListCost", "ContractedCost", "EffectiveCost", "BilledCost")


@pytest.mark.parametrize("version", VERSIONS)
def test_all_rows_have_the_columns_of_the_version_in_their_order(version):
    names = [column.name for column in columns(version)]
    for row in rows([*month(), *by_run()], ABOUT, version):
        assert list(row) == names


def test_focus_columns_come_first_and_in_the_order_of_their_names():
    for version in VERSIONS:
        names = [column.name for column in known(version)]
        first = [name for name in names if not name.startswith("x_")]
        assert first == sorted(first) == names[: len(first)]


def test_versions_differ_in_what_1_3_and_1_4_put_in_and_took_out():
    names = {version: {one.name for one in columns(version)} for version in VERSIONS}
    assert names["1.2"] - names["1.4"] == {"ProviderName", "PublisherName"}
    assert names["1.4"] - names["1.2"] == {
        "AllocatedMethodId", "AllocatedResourceId", "AllocatedResourceName", "HostProviderName",
        "InvoiceDetailId", "ServiceProviderName",
    }  # fmt: skip


def test_use_has_a_quantity_and_a_price_that_make_its_cost():
    row = the_row(a_line())
    assert picked(row, "ChargeCategory", "ChargeClass", "PricingUnit", "PricingCategory") == {
        "ChargeCategory": "Usage", "ChargeClass": None, "PricingUnit": "GPU-Hours",
        "PricingCategory": "Standard",
    }  # fmt: skip
    assert row["PricingQuantity"] == row["ConsumedQuantity"] == 10
    assert row["ListUnitPrice"] == Decimal("3.92")
    assert row["ContractedUnitPrice"] == Decimal("2.91")
    assert [row[name] for name in COSTS] == [Decimal("39.2"), *[Decimal("29.1")] * 3]


def test_billing_and_charge_periods_are_midnights_of_the_zone_in_utc():
    row = the_row(a_line(day=MAY_31, correction=True, original="S-2026-0001"))
    assert row["BillingPeriodStart"] == datetime(2026, 5, 31, 22, tzinfo=UTC)
    assert row["BillingPeriodEnd"] == datetime(2026, 6, 30, 22, tzinfo=UTC)
    assert row["ChargePeriodStart"] == datetime(2026, 5, 30, 22, tzinfo=UTC)
    assert row["ChargePeriodEnd"] == datetime(2026, 5, 31, 22, tzinfo=UTC)


def test_a_correction_has_a_class_a_quantity_and_no_price():
    row = the_row(a_line(day=MAY_31, correction=True, original="S-2026-0001", list_ticks=-TICKS))
    assert row["ChargeClass"] == "Correction"
    assert row["x_slurm_original_statement"] == "S-2026-0001"
    assert row["PricingQuantity"] == 10
    assert row["ListUnitPrice"] is row["ContractedUnitPrice"] is None
    assert row["ListCost"] == -1


def test_what_nobody_tagged_has_a_sub_account_too():
    row = the_row(a_line(tags=UNTAGGED))
    assert picked(row, "SubAccountId", "SubAccountName", "Tags") == {
        "SubAccountId": "(untagged)", "SubAccountName": "(untagged)", "Tags": None,
    }  # fmt: skip


def test_tags_are_those_that_are_set():
    row = the_row(a_line(tags=Tags("nlp", project='say "hi"')))
    assert json.loads(row["Tags"]) == {"team": "nlp", "project": 'say "hi"'}
    assert row["x_slurm_project"] == 'say "hi"'
    assert row["x_slurm_model"] is None


def test_a_credit_has_what_is_billed_in_every_cost():
    row = the_row(of("credit", -3 * TICKS))
    assert {row[name] for name in COSTS} == {-3}
    assert row["ChargeCategory"] == "Credit"
    assert row["x_slurm_effective_ticks"] == 0
    assert row["SkuId"] is row["PricingQuantity"] is row["ConsumedQuantity"] is None


def test_an_adjustment_that_has_costs_of_its_own_keeps_them():
    row = the_row(of("shared", 0, effective=-5 * TICKS))
    assert [row[name] for name in COSTS] == [0, 0, -5, 0]


def test_a_commitment_is_named_by_use_that_it_covers_by_shares_and_by_what_it_bills():
    pool = {"sku": "h100-2026", "origin": "h100-2026", "pricing": "committed"}
    used = the_row(a_line(item=USE._replace(pricing="committed", origin="h100-2026")))
    share = the_row(of("share", 0, effective=5, **pool))
    unused = the_row(of("unused", 0, effective=5, unit_seconds=3600, **pool))
    bought = the_row(of("purchase", TICKS, unit_seconds=7200, **pool))
    for row in used, share, unused, bought:
        assert row["CommitmentDiscountId"] == "pool/h100-2026"
        assert row["CommitmentDiscountUnit"] == "GPU-Hours"
    assert [row["CommitmentDiscountStatus"] for row in (used, share, unused, bought)] == [
        "Used", "Used", "Unused", None,
    ]  # fmt: skip
    assert [row["CommitmentDiscountQuantity"] for row in (used, share, unused, bought)] == [
        10, 0, 1, 2,
    ]  # fmt: skip
    assert [row["PricingCategory"] for row in (used, share, unused, bought)] == [
        "Committed", "Committed", "Committed", "Standard",
    ]  # fmt: skip
    assert [row["ConsumedQuantity"] for row in (used, share, unused, bought)] == [
        10, 0, None, None,
    ]  # fmt: skip
    assert [row["ResourceId"] for row in (used, share, unused, bought)] == [
        None, None, "pool/h100-2026", "pool/h100-2026",
    ]  # fmt: skip


def test_a_pool_that_is_no_commitment_has_no_discount():
    row = the_row(of("share", 0, effective=5, sku="own", origin="own", pricing="committed"))
    assert row["CommitmentDiscountId"] is row["CommitmentDiscountStatus"] is None


def test_an_amount_without_hours_is_one_unit():
    row = the_row(of("line", 41 * TICKS, effective=41 * TICKS, list_ticks=41 * TICKS, sku="disk"))
    assert picked(row, "PricingQuantity", "PricingUnit", "ListUnitPrice", "SkuId") == {
        "PricingQuantity": 1, "PricingUnit": "Units", "ListUnitPrice": 41, "SkuId": "disk",
    }  # fmt: skip


def test_memory_is_in_gibibyte_hours():
    row = the_row(a_line(item=USE._replace(sku="mem"), unit_seconds=1024 * 3600))
    assert (row["PricingQuantity"], row["PricingUnit"]) == (1, "GiB-Hours")


@pytest.mark.parametrize(
    ("sku", "unit"),
    [("gres/gpu", "GPU-Hours"), ("gres/gpu:a100_1g.5gb", "GPU-Hours"), ("cpu", "CPU-Hours"),
     ("license/matlab@flex", "License-Hours"), ("billing", "Billing Unit-Hours"),
     ("a pool", "Unit-Hours")],
)  # fmt: skip
def test_a_sku_has_a_unit_that_focus_knows_the_form_of(sku, unit):
    assert unit_of(sku).name == unit


def test_a_share_says_how_it_was_found_and_on_whom_it_falls_from_1_4():
    row = the_row(of("overhead", 5, method="even teams day", tags=Tags("cv", "seg")), "1.4")
    assert picked(row, "AllocatedMethodId", "AllocatedResourceId", "AllocatedResourceName") == {
        "AllocatedMethodId": "even teams day", "AllocatedResourceId": "cv/seg",
        "AllocatedResourceName": "cv/seg",
    }  # fmt: skip
    assert the_row(a_line(), "1.4")["AllocatedMethodId"] is None
    assert the_row(of("tax", 5, method="19 %"), "1.4")["AllocatedMethodId"] is None


def test_a_draft_is_of_no_invoice():
    draft = the_row(a_line(statement="", line=0), "1.4")
    assert set(picked(draft, "InvoiceId", "InvoiceDetailId", "x_slurm_line").values()) == {None}
    stated = the_row(a_line(line=17), "1.4")
    assert picked(stated, "InvoiceId", "InvoiceDetailId") == {
        "InvoiceId": "S-2026-0007", "InvoiceDetailId": "S-2026-0007/17",
    }  # fmt: skip


def test_by_run_there_is_a_resource_and_else_the_same():
    first, second = rows(by_run(), ABOUT, "1.2")
    assert picked(first, "ResourceId", "ResourceName", "ResourceType", "x_slurm_user") == {
        "ResourceId": "slurm://alpha/jobs/1204337", "ResourceName": "train llama",
        "ResourceType": "Slurm job", "x_slurm_user": "nlp1",
    }  # fmt: skip
    # of no cluster: the default; without a name: none
    assert picked(second, "ResourceId", "ResourceName", "x_slurm_job_id") == {
        "ResourceId": "slurm://alpha/jobs/1204343", "ResourceName": None,
        "x_slurm_job_id": "1204338_5",
    }  # fmt: skip
    assert {name for name, value in the_row(a_line()).items() if value != first[name]} == {
        "ResourceId", "ResourceName", "ResourceType", "x_slurm_job_id", "x_slurm_submit",
        "x_slurm_user",
    }  # fmt: skip


def test_values_of_a_list_are_of_that_list():
    # the public validator lets other values pass as long as one row has one of the list
    allowed = {
        "ChargeCategory": {"Usage", "Purchase", "Tax", "Credit", "Adjustment"},
        "ChargeClass": {None, "Correction"},
        "ChargeFrequency": {"One-Time", "Recurring", "Usage-Based"},
        "CommitmentDiscountStatus": {None, "Used", "Unused"},
        "CommitmentDiscountCategory": {None, "Usage"},
        "PricingCategory": {None, "Standard", "Dynamic", "Committed", "Other"},
    }
    lines = month()
    assert {line.item.category for line in lines} == set(CATEGORIES)
    for row in rows(lines, ABOUT, "1.2"):
        for name, values in allowed.items():
            assert row[name] in values


def test_no_row_holds_a_float():
    values = [value for row in rows([*month(), *by_run()], ABOUT, "1.4") for value in row.values()]
    assert not any(isinstance(value, float) for value in values)


@given(st.integers(-(10**24), 10**24))
def test_amounts_are_the_nearest_of_twelve_digits_and_tell_ticks_apart(ticks):
    amount = money(ticks)
    scaled = int(amount.scaleb(DIGITS).to_integral_exact()) if abs(ticks) < 10**20 else None
    if scaled is not None:
        assert 2 * abs(scaled * TICKS - ticks * 10**DIGITS) <= TICKS
    assert money(ticks + 1) > amount


def test_a_day_that_the_clocks_shorten_is_one_of_23_hours():
    row = the_row(a_line(day=JUNE_1 - 64))  # 2026-03-29 in Berlin
    assert (row["ChargePeriodEnd"] - row["ChargePeriodStart"]).total_seconds() == 23 * 3600
