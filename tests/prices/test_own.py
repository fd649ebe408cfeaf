"""Our own CSV: the keys of [[rates]] as columns."""

from zoneinfo import ZoneInfo

import pytest

from slurm_finops.core.approval import Approval
from slurm_finops.core.rates import Rate
from slurm_finops.errors import InputError
from slurm_finops.prices.own import steps
from slurm_finops.prices.series import Imported, series
from slurm_finops.prices.wanted import Unit, Wanted
from tests.prices.samples import JUNE, example, files

ZURICH = ZoneInfo("Europe/Zurich")


def read(*texts: str, zone: str = "UTC", **wanted: object) -> list[Imported]:
    found = steps(Wanted("USD", **wanted), files(*texts), ZoneInfo(zone))  # type: ignore[arg-type]
    return series("csv", found, ascending=True)


def refused(text: str, **wanted: object) -> str:
    with pytest.raises(InputError) as caught:
        read(text, **wanted)
    return str(caught.value)


def test_every_row_is_a_rate() -> None:
    rates = [one.rate for one in read(example("prices.csv"))]
    assert Rate("gres/gpu:h100", 23_280_000, JUNE + 43_200, 8, "spot", (("partition", "spot"),),
                0, "a.x line 4") in rates  # fmt: skip
    assert [rate.price for rate in rates] == [45_000, 31_360_000, 29_600_000, 23_280_000]
    assert rates[0]._replace(where="", start=0) == Rate("cpu", 45_000, 0)


def test_only_sku_and_price_are_needed() -> None:
    (one,) = read("price,sku\r\n1.50,cpu\r\n", start=7)
    assert one.rate == Rate("cpu", 1_500_000, 7, where="a.x line 2")


def test_a_date_is_midnight_in_the_billing_zone() -> None:
    (one,) = read("sku,price,from\ncpu,1,2026-06-01\n", zone="Europe/Zurich")
    assert one.rate.start == JUNE - 7200


def test_match_is_of_columns_and_options_together() -> None:
    text = "\ufeffsku,price,partition,qos\ncpu,1,spot,\n\ncpu,2,,high\n"
    found = read(text, start=0, match=(("cluster", "alpha"),), rank=3)
    assert [one.rate.match for one in found] == [
        (("cluster", "alpha"), ("partition", "spot")), (("cluster", "alpha"), ("qos", "high"))
    ]  # fmt: skip
    assert {one.rate.rank for one in found} == {3}
    assert "partition is 'spot', and --match says 'h100'" in refused(
        text, start=0, match=(("partition", "h100"),)
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sku,cost\ncpu,1\n", "a.x line 1 is no header with the column 'price'; the nearest is"),
        ("sku,price,patition\ncpu,1,x\n", "a column 'patition'; the nearest is 'partition'"),
        ("sku,price,qos,qos\ncpu,1,x,y\n", "a.x has a column twice"),
        ("sku,sku,price\ncpu,cpu,1\n", "the column 'sku' is there twice"),
        ("sku,price\ncpu\n", "a.x line 2: 1 field, but the header has 2"),
        ("sku,price\n", "no price was found"),
        ("", "a.x ends before its header"),
        ("sku,price\ncpu,\n", "a.x line 2: the price is empty"),
        ("sku,price\ncpu,0.0000001\n", "a.x line 2: '0.0000001' has more than 6 decimals"),
        ("sku,price\n\ncpu,-1\n", "a.x line 3: the price '-1' is negative"),
        ("sku,price\n8 gpus,1\n", "a.x line 2: the SKU '8 gpus' is no TRES"),
        ("sku,price,per\ncpu,1,0\n", "a.x line 2: per is '0'"),
        ("sku,price,pricing\ncpu,1,cheap\n", "pricing is 'cheap'; expected on_demand or spot"),
        ("sku,price,currency\ncpu,1,EUR\n", "the price is in 'EUR', and the ledger in USD"),
        ("sku,price,from\ncpu,1,soon\n", "'soon' is no time such as 2026-06-01"),
        ("sku,price,from\ncpu,1,\n", "from is empty"),
        ('sku,price\n"cpu"x,1\n', "a.x line 2: no CSV"),
        ("sku,price\ncpu,1\0\n", r"a.x line 2: '1\x00' is not a plain decimal"),
    ],
)
def test_a_damaged_row_is_named(text: str, said: str) -> None:
    start = None if ",from" in text else 0
    assert said in refused(text, start=start)


def test_two_dates_and_choices_that_choose_nothing_are_refused() -> None:
    text = "sku,price,from\ncpu,1,2026-06-01\n"
    assert "take --from away" in refused(text, start=7)
    assert "every row is a rate" in refused(text, picks={"zone": "x"})
    assert "every row is a rate" in refused(text, instances={"x": Unit()})


def test_who_approved_a_row_stands_in_it_or_is_said_for_all() -> None:
    text = "sku,price,from,approved_by,document,review\ncpu,1,2026-06-01,{}\n"
    board = Approval("board", "B-1", JUNE // 86_400)
    assert read(text.format("board,B-1,2026-06-01"))[0].rate.approval == board
    assert read(text.format(",,"))[0].rate.approval is None
    assert read(text.format(",,"), approval=board)[0].rate.approval == board
    assert refused(text.format("dean,,"), approval=board) == (
        "a.x line 2: it has an approval of its own; take --approved-by away"
    )
    assert "line 2: review is 'soon'; expected a day" in refused(text.format("board,,soon"))
    assert "line 2: document and review belong to an approval" in refused(text.format(",B-1,"))


def test_one_price_with_two_approvals_is_refused() -> None:
    text = "sku,price,from,approved_by\ncpu,1,2026-06-01,board\ncpu,1,2026-06-01,dean\n"
    assert "line 2 and a.x line 3 give cpu one price from 2026-06-01T00:00:00Z with two" in refused(
        text
    )


def test_a_subsidy_is_a_part_of_the_price() -> None:
    text = "sku,price,subsidy,class\ncpu,1.50,0.50,internal\ncpu,1.50,,external\n"
    found = [(one.rate.subsidy, one.rate.match) for one in read(text, start=7)]
    assert sorted(found) == [(0, (("class", "external"),)), (500_000, (("class", "internal"),))]
    assert "a.x line 2: the subsidy is more than the price" in refused(
        "sku,price,subsidy\ncpu,1.50,2\n", start=7
    )
