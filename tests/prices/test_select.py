"""Which rows of other people's price lists become rates, and what is refused."""

import pytest

from slurm_finops.core.rates import Rate
from slurm_finops.errors import InputError
from tests.prices.samples import JUNE, P5, example, prices, read, spot

MATCH = (("partition", "spot"),)


def refused(kind: str, *texts: str, **more: object) -> str:
    with pytest.raises(InputError) as caught:
        read(kind, *texts, **more)  # type: ignore[arg-type]
    return str(caught.value)


# ---- aws-spot


def test_a_spot_price_of_an_instance_is_that_of_its_gpus_together() -> None:
    found = read("aws-spot", example("spot.json"), picks={"zone": "us-east-1a"}, match=MATCH,
                 rank=2)  # fmt: skip
    assert [one.rate for one in found] == [
        Rate("gres/gpu:h100", 23_280_000, JUNE, 8, "spot", MATCH, 2, "a.x entry 4"),
        Rate("gres/gpu:h100", 31_360_000, JUNE + 18 * 3600, 8, "spot", MATCH, 2, "a.x entry 3"),
        Rate("gres/gpu:h100", 25_120_000, JUNE + 30 * 3600, 8, "spot", MATCH, 2, "a.x entry 1"),
    ]
    assert {one.origin for one in found} == {"aws-spot p5.48xlarge us-east-1a Linux/UNIX"}


def test_pages_make_one_series_in_any_order() -> None:
    one, two = spot((9, "3"), (8, "2"), NextToken="x"), spot((8, "2"), (1, "1"))
    assert read("aws-spot", one, two)[0].rate.price == 1_000_000
    assert prices(read("aws-spot", one, two)) == prices(read("aws-spot", two, one))
    assert len(read("aws-spot", one, two)) == 3


def test_a_page_after_the_last_one_given_is_missed() -> None:
    said = refused("aws-spot", spot((2, "1"), NextToken="abc"))
    assert "another page follows" in said


def test_zones_that_differ_must_be_chosen_from() -> None:
    said = refused("aws-spot", example("spot.json"))
    assert said == ("2 prices are left for gres/gpu:h100 at one moment; choose one of each: "
                    "--zone 'us-east-1a' | 'us-east-1b'")  # fmt: skip


def test_zones_that_say_the_same_need_no_choice() -> None:
    found = read("aws-spot", spot((1, "3")), spot((1, "3"), zone="us-east-1b"))
    assert prices(found) == [(1, 3_000_000, 8)]


def test_what_is_asked_for_and_not_there_names_the_nearest() -> None:
    text = example("spot.json")
    said = refused("aws-spot", text, instance="p5.48xlarg=gres/gpu:h100*8")
    assert said == "--instance p5.48xlarg: no file has it; the nearest is 'p5.48xlarge' of 1"
    said = refused("aws-spot", text, picks={"zone": "us-east-1z"})
    assert "no price of 'p5.48xlarge' has AvailabilityZone 'us-east-1z'; the nearest is" in said
    said = refused("aws-spot", text, columns={"Zone": "x"})
    assert "a.x has no column 'Zone'; the nearest is" in said
    said = refused("aws-spot", text, picks={"os": "Linux"})
    assert said == "--os chooses nothing in aws-spot; it has --zone, --product"


def test_a_list_that_knows_no_devices_must_be_told_them() -> None:
    assert "name the instance types" in refused("aws-spot", spot((1, "3")), instance="")
    for typed in ("p5.48xlarge", "p5.48xlarge=gres/gpu:h100"):
        said = refused("aws-spot", spot((1, "3")), instance=typed)
        assert f"write --instance {P5}" in said
    for typed in ("=x*8", "p5=x*0", "p5=x*", "p5=*8", "p5=x y*8", f"{P5} {P5}"):
        assert "--instance" in refused("aws-spot", spot((1, "3")), instance=typed)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (spot((1, "0.0000001")), "a.x entry 1: '0.0000001' has more than 6 decimals"),
        (spot((3, "3"), (1, "-3")), "a.x entry 2: the price '-3' is negative"),
        (spot((1, "")), "a.x entry 1: the price is empty"),
        (spot((1, "NaN")), "a.x entry 1: 'NaN' is not a plain decimal"),
        ('{"SpotPriceHistory": [{}]}', "a.x entry 1 has no text as its InstanceType"),
        (spot((1, "3")).replace('"3"', "NaN"), "'NaN' is not a plain decimal"),
        (spot((1, "3")).replace('"3"', "null"), "a.x entry 1 has no text as its SpotPrice"),
        ('{"SpotPriceHistory": [7]}', "a.x entry 1 is no object"),
        ('{"SpotPriceHistory": []}', "no file has it; there is none"),
        ("[]", 'a.x is no object {"SpotPriceHistory"'),
        ('{"SpotPriceHistory":\n[', "a.x line 2: no JSON"),
        ("[" * 100_000, "nested too deeply"),
        (spot((1, "3")).replace(":00Z", ":00"), "is no time such as 2026-06-01T12:00:00Z"),
    ],
)  # fmt: skip
def test_a_damaged_entry_is_named(text: str, said: str) -> None:
    assert said in refused("aws-spot", text)


def test_a_number_without_quotes_is_read_as_it_is_written() -> None:
    assert prices(read("aws-spot", spot((1, "3")).replace('"3"', "23.280000"))) == [
        (1, 23_280_000, 8)
    ]


def test_only_the_ledgers_currency_is_imported() -> None:
    from slurm_finops.prices.formats import AWS_SPOT
    from slurm_finops.prices.select import steps
    from slurm_finops.prices.wanted import Wanted, instances
    from tests.prices.samples import files

    with pytest.raises(InputError, match=r"a\.x entry 1: the price is in 'USD', and the ledger in"):
        steps(AWS_SPOT, Wanted("EUR", instances([P5])), files(spot((1, "3"))))


# ---- aws-pricelist

SHARED = {
    "region": "us-east-1", "os": "Linux", "tenancy": "Shared", "capacity": "Used",
    "market": "OnDemand",
}  # fmt: skip


def test_of_the_price_list_only_on_demand_hours_are_rates() -> None:
    found = read("aws-pricelist", example("pricelist.csv"), instance="p5.48xlarge=gres/gpu:h100",
                 picks=SHARED)  # fmt: skip
    assert [one.rate for one in found] == [
        Rate("gres/gpu:h100", 31_360_000, JUNE, 8, "on_demand", (), 0, "a.x line 7")
    ]


def test_a_region_may_be_called_by_its_name() -> None:
    picks = SHARED | {"region": "US West (Oregon)"}
    found = read("aws-pricelist", example("pricelist.csv"), picks=picks)
    assert prices(found) == [(0, 32_000_000, 8)]


def test_what_is_left_open_is_named_with_its_option() -> None:
    said = refused("aws-pricelist", example("pricelist.csv"))
    assert "--region 'us-east-1' | 'us-west-2'" in said
    assert "--tenancy 'Dedicated' | 'Shared'" in said
    assert "--capacity 'AllocatedCapacityReservation' | 'Used'" in said
    assert "--market 'CapacityBlock' | 'OnDemand'" in said
    assert "--software" not in said


def test_rows_that_only_another_column_tells_apart_are_chosen_by_it() -> None:
    text = example("pricelist.csv")
    line = next(line for line in text.splitlines() if '"Linux"' in line)
    own = line.replace("No License required", "Bring your own license").replace("31.36", "30.00")
    said = refused("aws-pricelist", text + own + "\n", picks=SHARED)
    assert "a.x line 7 and a.x line 16 give gres/gpu:h100 two prices from 2026-06-01T00:00:00Z" in (
        said
    )
    chosen = {"License Model": "No License required"}
    assert prices(read("aws-pricelist", text + own + "\n", picks=SHARED, columns=chosen)) == [
        (0, 31_360_000, 8)
    ]


def test_an_instance_without_an_hourly_rate_is_not_called_unknown() -> None:
    text = example("pricelist.csv").replace('"OnDemand"', '"Reserved"')
    assert "it is there, but not with TermType OnDemand and Unit Hrs" in refused(
        "aws-pricelist", text
    )


def test_gpus_are_counted_by_the_list_or_by_whoever_asks() -> None:
    text = example("pricelist.csv")
    said = refused("aws-pricelist", text, instance="m5.large=cpu")
    assert "'m5.large' has '' as its GPU, which is no whole number" in said
    assert prices(read("aws-pricelist", text, instance="m5.large=cpu*2")) == [(0, 96_000, 2)]


def test_a_header_elsewhere_a_torn_row_and_another_currency_are_refused() -> None:
    text = example("pricelist.csv")
    shifted = text.partition("\n")[2]
    assert "a.x line 6 is no header with the column" in refused("aws-pricelist", shifted)
    torn = text.rstrip("\n").rpartition(",")[0]
    assert "23 fields, but the header has 24: was the file copied whole?" in refused(
        "aws-pricelist", torn
    )
    assert "the price is in 'CNY'" in refused(
        "aws-pricelist", text.replace('"USD"', '"CNY"'), picks=SHARED
    )
    assert "--from is for lists without dates" in refused("aws-pricelist", text, start=JUNE)
    assert "a.x line 6: no CSV" in refused("aws-pricelist", text.replace('"SKU"', '"SK"U', 1))


# ---- skypilot


def test_skypilot_knows_what_an_instance_has_but_not_since_when() -> None:
    text = example("vms.csv")
    found = read("skypilot", text, instance="p5.48xlarge", picks={"region": "us-east-1"},
                 start=JUNE)  # fmt: skip
    assert [one.rate._replace(where="") for one in found] == [
        Rate("gres/gpu:h100", 31_360_000, JUNE, 8)
    ]
    assert "say with --from" in refused("skypilot", text, instance="p5.48xlarge")


def test_a_whole_region_may_be_imported_at_once() -> None:
    found = read("skypilot", example("vms.csv"), instance="", picks={"region": "us-east-1"},
                 start=JUNE)  # fmt: skip
    assert {one.rate.sku for one in found} == {"gres/gpu:a100", "gres/gpu:h100"}


def test_spot_prices_are_another_column_with_a_price_a_zone() -> None:
    text, asked = example("vms.csv"), {"instance": "p5.48xlarge", "start": JUNE}
    (one,) = read("skypilot --spot", text, picks={"zone": "us-east-1b"}, **asked)  # type: ignore[arg-type]
    assert (one.rate.price, one.rate.pricing) == (24_800_000, "spot")
    said = refused("skypilot --spot", text, picks={"region": "us-west-2"}, **asked)
    assert said == "a.x line 4: the price is empty"


def test_gpuinfo_is_never_looked_at() -> None:
    text = example("vms.csv").replace("{'Gpus'", "__import__('os').abort() or {'Gpus'")
    assert read("skypilot", text, instance="p5.48xlarge", picks={"region": "us-west-2"}, start=0)


def test_a_name_that_is_no_sku_and_a_part_of_a_gpu_must_be_said_otherwise() -> None:
    text = example("vms.csv").replace("p4d.24xlarge,A100,8.0", "g.x,RTX 6000,0.5")
    asked = {"picks": {"zone": "us-east-1a"}, "start": JUNE}
    said = refused("skypilot", text, instance="g.x", **asked)
    assert "'g.x' has 'RTX 6000' as its AcceleratorName, which is no GPU's name here" in said
    said = refused("skypilot", text, instance="g.x=gres/gpu:rtx", **asked)
    assert "'g.x' has '0.5' as its AcceleratorCount" in said
    found = read("skypilot", text, instance="g.x=gres/gpu:rtx*1", **asked)  # type: ignore[arg-type]
    assert prices(found) == [(0, 32_772_600, 1)]
    said = refused("skypilot", text, instance="m5.large", **asked)
    assert "'m5.large' has '' as its AcceleratorName" in said


def test_instances_of_one_gpu_must_be_chosen_from() -> None:
    text = example("vms.csv").replace("A100", "H100")
    said = refused("skypilot", text, instance="", picks={"zone": "us-east-1a"}, start=JUNE)
    assert "--instance 'p4d.24xlarge' | 'p5.48xlarge'" in said
