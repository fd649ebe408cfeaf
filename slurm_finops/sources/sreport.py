"""sreport: slurmdbd's own hourly roll-up of what was used, an independent control total.

Every function raises what `sources.slurm.run` raises, and `OutsideError` for an
answer that is not understood.  Hours are whole ones of slurmdbd's clock.
"""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

from slurm_finops.errors import OutsideError
from slurm_finops.sources.slurm import run

HOUR = 3600


def used(cluster: str, since: int, until: int) -> Counter[tuple[str, str]]:
    """TRES-seconds in ``[since, until)``, whole hours, by (account, TRES).

    Summed from the lines of users: an account's own line has that of the accounts
    below it in it, and idle time of reservations made for whole accounts.
    """
    text = _ask(
        "cluster", "AccountUtilizationByUser", cluster, since, until,
        "Account,Login,TresName,Used",
    )  # fmt: skip
    found = Counter[tuple[str, str]]()
    for account, login, tres, seconds in _rows(text, 4):
        if login:
            found[account, tres] += _seconds(seconds)
    return found


def idle_reserved(cluster: str, since: int, until: int) -> Counter[str]:
    """Idle TRES-seconds of every reservation that touches ``[since, until)``, each as a whole."""
    text = _ask("reservation", "Utilization", cluster, since, until, "TresName,Idle")
    found = Counter[str]()
    for tres, seconds in _rows(text, 2):
        found[tres] += _seconds(seconds)
    return found


def rolled_up_through(cluster: str, since: int, until: int) -> int:
    """The end of the last hour of ``[since, until)`` that is rolled up; ``since`` for none.

    An hour that is rolled up has a line for what the cluster could have given.
    """
    hours = (until - since) // HOUR
    return since + HOUR * first_ones(hours, lambda i: _is_rolled_up(cluster, since + HOUR * i))


def first_ones(count: int, holds: Callable[[int], bool]) -> int:
    """How many of ``range(count)`` hold, where those that do come first; the last is tried first.

    So one question answers the usual case, and a long outage takes few.
    """
    least, most, step = count, count, 1
    while least > 0 and not holds(least - 1):
        most = least - 1
        least, step = max(0, least - step), step * 2
    while least < most:
        middle = (least + most + 1) // 2
        if holds(middle - 1):
            least = middle
        else:
            most = middle - 1
    return least


def _is_rolled_up(cluster: str, hour: int) -> bool:
    text = _ask("cluster", "Utilization", cluster, hour, hour + HOUR, "TresName,Reported")
    return any(_seconds(seconds) for _, seconds in _rows(text, 2))


def _ask(kind: str, report: str, cluster: str, since: int, until: int, columns: str) -> str:
    start, end = (f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S}" for at in (since, until))
    return run([
        "sreport", "-n", "-P", "-t", "Seconds", "-T", "ALL", kind, report,
        f"Clusters={cluster}", f"Start={start}", f"End={end}", f"Format={columns}",
    ])  # fmt: skip


def _rows(text: str, width: int) -> list[list[str]]:
    rows = [line.split("|") for line in text.splitlines() if line]
    for row in rows:
        if len(row) != width:
            raise OutsideError(f"sreport printed a line that is not understood: {row!r}")
    return rows


def _seconds(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise OutsideError(f"sreport printed {text[:40]!r} where seconds were asked for") from None
