"""period status of months before the books begin; and what was stated, as people read the table."""

from tests.cli.periods import MAY, Site, ran, site

__all__ = ["site"]
DAY = 86_400


def test_what_is_before_the_first_closed_month_is_showback(site: Site) -> None:
    site.close("2026-06")
    may, june = site.json("period", "status")["periods"]
    assert (may["state"], june["state"]) == ("showback", "closed")
    assert site.done("period", "status").endswith(
        "\nwhat is before the first month that was closed is on no statement: showback\n"
    )


def test_the_view_of_what_was_stated_has_exact_decimals(site: Site) -> None:
    site.config("", 'price = "1.00"', 'price = "0.333333"')
    site.close()
    site.collect(ran(10, "nlp", MAY + 10 * DAY, 10, Account="cv"))
    site.close("2026-06")
    costs = site.sql("SELECT billed_cost FROM stated WHERE team = 'cv' ORDER BY period")
    assert costs == [("3.333330",), ("-3.333330",)]
