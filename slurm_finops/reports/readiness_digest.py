"""Whether chargeback may begin, as a block of the digest: figures, verdicts, what to mend first."""

from collections.abc import Iterator
from textwrap import wrap

from slurm_finops.core.period import day_date
from slurm_finops.core.words import count
from slurm_finops.reports.format import (
    money,
    number,
    padded,
    short_date,
    shortened,
    visible,
    whole_number,
)
from slurm_finops.reports.readiness import MONEY, PERCENT, Readiness, Signal
from slurm_finops.reports.readiness_tables import HEADS
from slurm_finops.reports.view import Header, Page, Ready

TITLE = "Ready for chargeback?"
#: What of a name a mail shows.
_NAME, _WIDTH = 48, 76


def in_short(found: Readiness, header: Header) -> Ready:
    """The four signals in words; ``header`` says how figures are written."""
    first, last = day_date(found.weeks[0].first), day_date(found.weeks[-1].last - 1)
    return Ready(
        found.ready,
        f"{count(len(found.weeks), 'whole week')}, {short_date(first, header)} to "
        f"{short_date(last, header)}",
        tuple((HEADS[one.name], _figure(one, header), one.ok) for one in found.signals),
        next((_mend(one, header) for one in found.signals if not one.ok), ""),
    )  # fmt: skip


def _figure(signal: Signal, header: Header) -> str:
    if signal.figure is None:
        return "–"
    if signal.unit == PERCENT:
        return f"{number(signal.figure, 2, header)}%"
    if signal.unit == MONEY:
        return money(signal.figure, header)
    return whole_number(signal.figure, header)


def _mend(signal: Signal, header: Header) -> str:
    """``teams to mend: give each its lines in finops.toml; the costliest: npl, 92.26 USD``."""
    most = ""
    if signal.behind:
        one = signal.behind[0]
        most = f"; the costliest: {shortened(visible(one.name), _NAME)}, {money(one.minor, header)}"
    return f"{HEADS[signal.name]}: {signal.mend}{most}"


def ready_text(page: Page) -> Iterator[str]:
    """For who reads no HTML; nothing where it is not asked."""
    if page.ready is None:
        return
    said = "yes" if page.ready.ready else "not yet"
    yield from ("", f"{TITLE} {said}, by {page.ready.weeks}")
    for name, found, ok in page.ready.signals:
        yield f"  {padded(name, 39)}{found:>15}{'ok' if ok else 'not yet':>20}"
    if page.ready.first:
        yield from wrap(f"To mend first: {page.ready.first}", _WIDTH, initial_indent="  ",
                        subsequent_indent="    ")  # fmt: skip
        yield "  More: slurm-finops readiness"
