"""The four signals of a small site: what is behind each, and that mending them makes it ready."""

import json
from collections.abc import Callable
from dataclasses import replace

from slurm_finops.billing.pricing import price
from slurm_finops.billing.terms import Terms
from slurm_finops.core.policy import Policy, TeamRule
from slurm_finops.core.pools import Allocation, Pool, Spread
from slurm_finops.ledger.store import Ledger
from slurm_finops.reports.readiness import Asked, Readiness, Signal, readiness
from slurm_finops.reports.readiness_tables import notes, readiness_json, readiness_text
from slurm_finops.reports.site import Site
from tests.billing.pools import CALENDAR, DAY, HOUR, RATE, a_pool, run
from tests.support import JUNE, a_ledger, write

#: Monday 29 June: the four weeks from 1 June have ended.
NOW = JUNE + 28 * DAY
WEEK = 7 * DAY
POLICY = Policy(required=("team", "project"), teams=(
    TeamRule("nlp", "cc-nlp", ("llama",)), TeamRule("vision", None, ("segmenter",)),
))  # fmt: skip
ASKED = Asked(8_000, 4, 1, frozenset({"nlp"}))
POOL = a_pool("a100 nodes", use=(("gres/gpu:a100", 1),))


def tagged(team: str, project: str, environment: str, **more: str) -> str:
    return json.dumps({"team": team, "project": project, "environment": environment} | more)


def a_site(policy: Policy = POLICY, pool: Pool = POOL, people: str = "names") -> Site:
    return Site("USD", 2, "UTC", CALENDAR, policy, people, (RATE, *_rates(pool)),
                Allocation((pool,)), as_of=NOW)  # fmt: skip


def _rates(pool: Pool) -> tuple:  # type: ignore[type-arg]
    from slurm_finops.core.pools import pool_rates

    return tuple(pool_rates((pool,), CALENDAR))


def a_month(bad: bool = True) -> Ledger:
    """Each week 100 hours of nlp; and what is wrong, in some of the weeks."""
    ledger, number = a_ledger(), 0
    for week in range(4):
        start = week * WEEK
        write(ledger, run(number := number + 1, "nlp", start, 100 * HOUR,
                          comment=tagged("nlp", "llama", "prod")))  # fmt: skip
        if bad and week:
            write(ledger, run(number := number + 1, "", start, week * 10 * HOUR, account="guests"),
                  run(number := number + 1, "vision", start, 2 * HOUR,
                      comment=tagged("vision", "segmenter", "dev")),
                  run(number := number + 1, "visoin", start, HOUR,
                      comment=tagged("visoin", "segmenter", "prod")))  # fmt: skip
    return ledger


def judged(ledger: Ledger, site: Site, asked: Asked = ASKED) -> Readiness:
    terms = Terms((RATE,), site.policy, CALENDAR, allocation=site.allocation)
    price(ledger, terms, NOW)
    return readiness(ledger, site, asked)


def signals(found: Readiness) -> dict[str, Signal]:
    return {signal.name: signal for signal in found.signals}


def test_what_is_wrong_is_told_with_what_mends_it(golden: Callable[[str, str], None]) -> None:
    found = judged(a_month(), a_site())
    assert not found.ready
    assert notes(found) == []
    golden("readiness.txt", readiness_text(found))


def test_each_signal_has_its_figure_and_its_trend() -> None:
    found = signals(judged(a_month(), a_site()))
    # 100 hours, and 103 of 113, 123 and 133; cut down, not rounded up
    assert found["coverage"].trend == (10_000, 9_115, 8_373, 7_744)
    assert (found["coverage"].figure, found["coverage"].ok) == (7_744, False)
    assert found["teams"].trend == (0, 2, 2, 2)
    assert found["tags"].trend == (0, 2, 2, 2)
    # the pool of 8 an hour is used by nobody; guests had 10, 20 and 30 hours at 3.92
    assert found["unowned"].trend == (134_400, 138_320, 142_240, 146_160)
    assert found["unowned"].figure == 28 * 24 * 8_00 + 60 * 3_92


def test_a_site_that_is_mended_is_ready() -> None:
    policy = replace(POLICY, teams=(POLICY.teams[0],), defaults=(("guests", (("team", "nlp"),)),))
    pool = replace(POOL, unused=Spread("carried", to="nlp"))
    found = judged(a_month(bad=False), a_site(policy, pool))
    assert found.ready
    assert readiness_text(found) == (
        "ready: chargeback may begin\n"
        "4 whole weeks, 1 June 2026 to 28 June 2026, USD\n"
        "\n"
        "week      coverage  teams to mend  on nobody  tags that differ\n"
        "2026-W23   100.00%              0       0.00                 0\n"
        "2026-W24   100.00%              0       0.00                 0\n"
        "2026-W25   100.00%              0       0.00                 0\n"
        "2026-W26   100.00%              0       0.00                 0\n"
        "decides    100.00%              0       0.00                 0\n"
        "wanted      80.00%              0       0.00                 0\n"
        "verdict         ok             ok         ok                ok\n"
    )


def test_one_low_week_is_enough() -> None:
    """As a whole the month has 93 of 100."""
    ledger = a_month(bad=False)
    write(ledger, run(99, "", 0, 30 * HOUR))
    found = signals(judged(ledger, a_site()))["coverage"]
    assert (found.ok, found.figure) == (False, 7_692)
    assert found.says == "the lowest week, 2026-W23, has 76.92%; 80% are wanted of each"


def test_fewer_weeks_than_asked_are_premature_whatever_they_show() -> None:
    found = judged(a_month(bad=False), a_site(), replace(ASKED, weeks=6))
    coverage = signals(found)["coverage"]
    assert (found.known, coverage.ok, coverage.figure) == (4, False, 10_000)
    assert coverage.trend == (None, None, 10_000, 10_000, 10_000, 10_000)
    assert coverage.says.startswith("only 4 of 6 whole weeks are known; the lowest week")


def test_a_week_that_began_before_the_ledger_did_is_not_whole() -> None:
    ledger = a_ledger()
    for week in range(4):
        write(ledger, run(week + 1, "nlp", week * WEEK + (DAY if not week else 0), HOUR,
                          comment=tagged("nlp", "llama", "prod")))  # fmt: skip
    assert signals(judged(ledger, a_site()))["coverage"].trend[0] is None


def test_only_the_costliest_are_told_and_the_rest_are_counted() -> None:
    ledger = a_month(bad=False)
    write(ledger, *(run(100 + i, f"team{'abcdefg'[i] * 3}", 0, (i + 1) * HOUR) for i in range(7)))
    found = signals(judged(ledger, a_site()))["teams"]
    assert [one.name for one in found.behind] == [f"team{c * 3}" for c in "gfedc"]
    assert (found.figure, found.more) == (7, 2)


def test_people_stand_where_the_site_names_them() -> None:
    ledger = a_month()
    (first, *_) = signals(judged(ledger, a_site()))["coverage"].behind
    assert first.people
    (first, *_) = signals(judged(ledger, a_site(people="none")))["coverage"].behind
    assert first.people == ()


def test_what_untagged_use_bears_of_a_pool_is_in_what_is_behind_coverage() -> None:
    ledger = a_ledger()
    write(ledger, run(1, "", 0, 28 * DAY, gpus=8))
    pool = a_pool()
    found = signals(judged(ledger, a_site(pool=pool)))["coverage"]
    assert [one.minor for one in found.behind] == [28 * 24 * 8_00]


def test_programs_read_decimal_texts() -> None:
    answer = readiness_json(judged(a_month(), a_site()))
    assert (answer["ready"], answer["weeks_known"], answer["from"], answer["until"]) == (
        False, 4, "2026-06-01", "2026-06-29",
    )  # fmt: skip
    assert answer["wanted"] == {"coverage": "80.00", "weeks": 4, "edits": 1}
    by_name = {signal["name"]: signal for signal in answer["signals"]}
    assert by_name["coverage"]["trend"] == ["100.00", "91.15", "83.73", "77.44"]
    assert by_name["teams"]["trend"] == [0, 2, 2, 2]
    assert by_name["unowned"]["figure"] == "5611.20"
    assert by_name["teams"]["behind"][0] == {
        "name": "vision", "detail": "no budget and no cost centre", "cost": "23.52", "runs": 3,
        "people": [], "mend": 'in finops.toml, below [[teams]]: name = "vision", '
        'budget = "<amount a month>", cost_center = "<cost centre>"',
    }  # fmt: skip


def test_figures_that_are_not_of_today_say_so() -> None:
    ledger = a_month(bad=False)
    judged(ledger, a_site())
    write(ledger, run(77, "nlp", 0, HOUR))
    found = readiness(ledger, a_site(), ASKED)
    assert "1 run is not priced yet" in readiness_text(found)


def test_names_that_anybody_typed_reach_no_terminal_as_they_are() -> None:
    ledger = a_month(bad=False)
    write(ledger, run(78, "x", 0, HOUR, comment=json.dumps({"team": "a\u202eb\u200d\x9b"}),
                      user="kim\x1b[2J"))  # fmt: skip
    text = readiness_text(judged(ledger, a_site()))
    assert not set(text) & set("\u202e\x9b\x1b")
