"""check: the chain, days that changed since, months that are late, and what waits."""

import pytest

from tests.cli.periods import DAY, HOUR, JULY, JUNE, Site, ran, site
from tests.fake_slurm import no_slurm

__all__ = ["no_slurm", "site"]
pytestmark = pytest.mark.usefixtures("no_slurm")
NAMES = ("closed periods", "changed since", "open months", "disputes")


def said(site: Site, code: int = 0) -> dict[str, tuple[str, str]]:
    found = {one["name"]: one for one in site.json("check", code=code)["findings"]}
    assert all(one["mend"] for one in found.values() if one["verdict"] in ("warn", "fail"))
    return {name: (found[name]["verdict"], found[name]["what"]) for name in NAMES if name in found}


def test_where_no_month_is_closed_nothing_is_said(site: Site) -> None:
    site.at(JULY + 200 * DAY)
    assert said(site) == {}


def test_all_that_was_closed_is_as_it_was(site: Site) -> None:
    site.close()
    head = site.json("period", "verify")["head"]
    assert said(site) == {
        "closed periods": ("ok", f"1 period, 9 lines, as they were closed; head {head[:16]}"),
        "open months": ("ok", "closed up to 2026-05; no month that ended more than 45 days ago is "
                        "open"),
    }  # fmt: skip


def test_what_was_altered_is_to_be_mended(site: Site) -> None:
    site.close()
    site.sql("UPDATE statement_lines SET amount_minor = 1 WHERE id = 1")
    assert said(site, code=1)["closed periods"] == (
        "fail", "ALTERED: period 2026-05: statement 000001 (cv): line 1 was altered",
    )  # fmt: skip


def test_days_that_changed_since_are_told_with_the_month_that_corrects_them(site: Site) -> None:
    site.close()
    site.close("2026-06")
    site.collect(ran(30, "nlp", JUNE - 3 * HOUR, 1), ran(31, "nlp", JUNE + 12 * HOUR, 20))
    assert said(site)["changed since"] == (
        "ok", "1 day of 2026-05, 2 days of 2026-06 may have changed since they were stated: "
        "2026-07 corrects that when it closes",
    )  # fmt: skip


@pytest.mark.parametrize(("days", "verdict"), [(45, "ok"), (46, "warn")])
def test_a_month_that_cost_something_and_is_not_closed_is_late_after_45_days(
    site: Site, days: int, verdict: str
) -> None:
    site.close()
    site.at(JULY + days * DAY)
    found = said(site)["open months"]
    assert found[0] == verdict
    if verdict == "warn":
        assert found[1] == "not closed, and ended more than 45 days ago: 2026-06"


def test_a_month_that_cost_nothing_is_never_late(site: Site) -> None:
    site.close()
    site.close("2026-06")
    site.at(JULY + 300 * DAY)
    assert said(site)["open months"][0] == "ok"


def test_what_waits_is_counted_and_a_hold_of_a_closed_month_is_looked_at(site: Site) -> None:
    hold = ("period", "hold", "2026-05", "--team", "cv", "--reason", "x")
    site.done(*hold)
    assert said(site) == {"disputes": ("ok", "1 hold not stated yet")}
    site.close()
    assert "changed since" not in said(site)
    site.done("funds", "move", "2026-05", "--team", "nlp", "--from", "GRANT", "--to", "DEPT",
              "--justification", "x", "--approver", "dean")  # fmt: skip
    assert said(site)["disputes"] == (
        "warn", "1 hold and 1 move onto another fund not stated yet; hold 1 of 2026-05: the month "
        "closed without it",
    )  # fmt: skip
    site.done("period", "release", "1", "--reason", "x")
    assert said(site)["disputes"] == ("ok", "1 move onto another fund not stated yet")
    site.close("2026-06")
    assert "disputes" not in said(site)
