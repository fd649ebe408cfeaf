"""The tables of docs/forecast.md; see scripts/backtest."""

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # the groups are the tests'

from slurm_finops.core.forecast import forecast  # noqa: E402
from slurm_finops.core.unusual import unusual  # noqa: E402
from tests.core.spending import GROUPS, UNIT  # noqa: E402

PAGE = ROOT / "docs" / "forecast.md"
TRIALS = 400
SPANS = ((28, 15), (56, 15), (120, 7), (120, 15), (120, 30), (120, 180))
YEARS = 40
Row = tuple[str, ...]


def last_28(history: Sequence[int], days: int) -> int:
    """The mean of the last 28 days, so many times."""
    return sum(history[-28:]) * days // len(history[-28:])


def same_days(history: Sequence[int], days: int) -> int:
    """What the same days of the month before cost, 30 days a month."""
    month = history[-30:]
    return sum(month[day % len(month)] for day in range(days))


def trials(name: str, past: int, days: int) -> Iterator[tuple[list[int], int]]:
    """Histories, each with what came after it."""
    chance = Random(f"{name} {past} {days}")
    for _ in range(TRIALS):
        group = GROUPS[name](chance, past, days)
        yield group[:past], sum(group[past:])


def of_span(past: int, days: int) -> Iterator[Row]:
    for name in GROUPS:
        within = below = width = actual = 0
        off = [0, 0, 0]
        for history, came in trials(name, past, days):
            found = forecast(history, days)
            assert found is not None
            within += found.low <= came <= found.high
            below += came < found.low
            width, actual = width + found.high - found.low, actual + came
            guesses = found.middle, last_28(history, days), same_days(history, days)
            off = [a + abs(guess - came) for a, guess in zip(off, guesses, strict=True)]
        above = TRIALS - within - below
        yield (name, percent(within, TRIALS), percent(below, TRIALS), percent(above, TRIALS),
               percent(width, actual), *(percent(one, actual) for one in off))  # fmt: skip


def percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %"


def false_alarms() -> Iterator[Row]:
    for name in list(GROUPS)[:-2]:
        chance, count = Random(name), 0
        for _ in range(YEARS):
            group = GROUPS[name](chance, 56, 365)
            count += sum(
                unusual(group[day - 56 : day], group[day], 50 * UNIT) is not None
                for day in range(56, 56 + 365)
            )
        yield name, f"{count / YEARS:.1f}", caught(name, 3), caught(name, 10)


def caught(name: str, times: int) -> str:
    """Of days to which so many average days were added, how many are told."""
    chance, told = Random(f"{name} {times}"), 0
    for _ in range(TRIALS):
        *history, day = GROUPS[name](chance, 120, 1)
        more = times * sum(history[-56:]) // 56
        told += unusual(history, day + more, 50 * UNIT) is not None
    return percent(told, TRIALS)


def table(head: str, rows: Iterable[Row]) -> str:
    names = head.split(" | ")
    lines = [names, ["---", *["---:"] * (len(names) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def ranges() -> str:
    head = ("group | in the range | below | above | width | off by | last 28 days off by | "
            "same days last month off by")  # fmt: skip
    parts = [
        f"**{days} days ahead, {past} days of history**\n\n{table(head, of_span(past, days))}"
        for past, days in SPANS
    ]
    return "\n".join(parts)


def alarms() -> str:
    head = "group | alarms a year | told with 3 average days more | with 10"
    return table(head, false_alarms())


TABLES: dict[str, Callable[[], str]] = {"ranges": ranges, "alarms": alarms}


def filled(text: str) -> str:
    """The page with each table made anew between its two comments."""
    for name, made in TABLES.items():
        mark = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        text = mark.sub(lambda found, made=made: f"{found[1]}{made()}{found[2]}", text)  # type: ignore[misc]
    return text


if __name__ == "__main__":
    if "--print" in sys.argv:
        print("\n".join(made() for made in TABLES.values()))
    else:
        PAGE.write_text(filled(PAGE.read_text()))
