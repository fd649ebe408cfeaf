"""What comes after a close is corrected in the next month, and the closed one stays."""

import json

from tests.cli.periods import DAY, HOUR, JULY, JUNE, MAY, WHY, Site, ran, site
from tests.support import saved

__all__ = ["site"]


def test_a_late_run_leaves_may_at_100_and_june_carries_one(site: Site) -> None:
    site.done("period", "hold", "2026-05", "--team", "cv", "--reason", "not of this test")
    site.close()
    site.collect(ran(30, "nlp", JUNE - 3 * HOUR, 1))
    site.close("2026-06")
    assert site.months() == {"2026-05": "100.00", "2026-06": "21.00"}
    assert site.stated("2026-06") == {
        ("nlp", "GRANT", False): "20.00", ("nlp", "GRANT", True): "1.00",
    }  # fmt: skip
    # and it says what it corrects
    assert site.sql(
        "SELECT DISTINCT number FROM statement_lines JOIN statements ON statements.id = original_id"
    ) == [("000001",)]


def test_a_comment_that_a_later_collect_changes_moves_a_run_between_teams(site: Site) -> None:
    site.close()
    comment = json.dumps({"team": "nlp", "project": "nlp-p"})
    site.collect(ran(10, "cv", MAY + 10 * DAY, 10, Comment=comment))
    site.close("2026-06")
    assert site.months() == {"2026-05": "110.00", "2026-06": "20.00"}
    assert site.stated("2026-06") == {
        ("nlp", "GRANT", False): "20.00", ("nlp", "GRANT", True): "10.00",
        ("cv", "suspense", True): "-10.00",
    }  # fmt: skip


def test_a_price_that_is_corrected_corrects_all_it_was_of(site: Site) -> None:
    site.close()
    site.config(old='price = "1.00"', new='price = "0.90"')
    site.close("2026-06")
    assert site.months() == {"2026-05": "110.00", "2026-06": "7.00"}
    assert site.stated("2026-06") == {
        ("nlp", "GRANT", False): "18.00", ("nlp", "GRANT", True): "-10.00",
        ("cv", "suspense", True): "-1.00",
    }  # fmt: skip


def test_all_of_it_at_once_is_todays_truth(site: Site) -> None:
    site.done("period", "credit", "2026-05", "--team", "nlp", "--amount", "0.10", *WHY)
    site.close()
    site.collect(
        ran(30, "nlp", JUNE - 3 * HOUR, 1), ran(31, "", JUNE - 5 * HOUR, 2),
        ran(10, "cv", MAY + 10 * DAY, 10, Comment='{"team":"nlp","project":"nlp-p"}'),
    )  # fmt: skip
    site.config(old='price = "1.00"', new='price = "1.10"')
    site.close("2026-06")
    # 113 hours of May and 20 of June at 1.10, less what was credited
    assert site.months() == {"2026-05": "109.90", "2026-06": "36.30"}
    assert site.stated("2026-06") == {
        ("nlp", "GRANT", False): "22.00", ("nlp", "GRANT", True): "22.10",
        ("cv", "suspense", True): "-10.00", (None, "suspense", True): "2.20",
    }  # fmt: skip
    assert site.json("period", "verify")["intact"]


def test_a_month_that_nothing_came_after_says_nothing_of_the_one_before(site: Site) -> None:
    site.close()
    site.collect()
    site.close("2026-06")
    assert site.stated("2026-06") == {("nlp", "GRANT", False): "20.00"}


def test_what_changes_after_both_is_corrected_in_the_third(site: Site) -> None:
    site.close()
    site.close("2026-06")
    site.collect(ran(30, "nlp", JUNE - 3 * HOUR, 1), ran(31, "nlp", JUNE + DAY, 2))
    site.at(JUNE + 70 * DAY)
    assert site.done("period", "status").endswith(
        "1 day of 2026-05 changed since it was closed: the next month that closes corrects that\n"
        "1 day of 2026-06 changed since it was closed: the next month that closes corrects that\n"
    )
    site.close("2026-07", "--waive", "readiness=nothing ran")
    assert site.months() == {"2026-05": "110.00", "2026-06": "20.00", "2026-07": "3.00"}


def test_what_loses_its_price_after_it_was_stated_keeps_the_next_month_open(site: Site) -> None:
    site.close()
    site.config(old="from  = 2026-01-01", new="from  = 2026-06-01")
    said = site.unclosed("2026-06")
    assert "unpriced: no rate for gres/gpu:h100 (5 runs), on days that were stated before" in said
    site.close("2026-06", "--waive", "unpriced=May was free after all")
    assert site.months() == {"2026-05": "110.00", "2026-06": "-90.00"}


def test_what_is_held_unbilled_after_it_was_stated_keeps_the_next_month_open(site: Site) -> None:
    site.close()
    site.config(
        old='price = "1.00"\nfrom  = 2026-01-01',
        new='price = "99999999999"\nfrom  = 2026-01-01\n[[rates]]\nsku = "gres/gpu:h100"\n'
        'price = "1.00"\nfrom = 2026-06-01',
    )
    assert "provisional: 5 runs held unbilled" in site.unclosed("2026-06")


def test_a_month_in_between_that_only_a_credit_is_of_is_closed_by_itself(site: Site) -> None:
    site.close()
    site.close("2026-06")
    site.at(JULY + 70 * DAY)
    site.done("period", "credit", "2026-07", "--team", "nlp", "--amount", "500", *WHY)
    assert "2026-07 comes first" in site.unclosed("2026-08")


def test_a_month_in_between_that_was_never_collected_is_not_closed_with_it(site: Site) -> None:
    site.close()
    site.close("2026-06")
    site.collect(ran(50, "nlp", JULY + 40 * DAY, 1))
    site.file.write_text(saved(*site.runs, ran(51, "nlp", JULY + DAY, 1)))
    site.at(JULY + 70 * DAY)
    site.done("price")
    assert "reconcile: the ledger and Slurm differ" in site.unclosed("2026-08")


def test_an_entity_that_is_named_no_more_keeps_its_series(site: Site) -> None:
    bills = '\n[[entities]]\nname = "%s"\nseries = "U-"\n[statements]\nentity = "%s"\n'
    site.config(more=bills % ("Old", "Old"))
    site.close()
    site.config(more=bills % ("New", "New"), old='price = "1.00"', new='price = "0.90"')
    site.close("2026-06")
    assert site.sql("SELECT number, entity, owner FROM statements WHERE period_id = 2") == [
        ("U-000003", "New", "nlp"), ("U-000004", "Old", "cv"), ("U-000005", "Old", "nlp"),
    ]  # fmt: skip
