"""Funds, and who pays from which, as tables and JSON."""

from collections.abc import Iterator, Mapping
from typing import Any

from slurm_finops.core.funds import SUSPENSE, WHOLE, Fund, Funding, Owner, Split
from slurm_finops.core.money import exact_text, grouped, minor_text, to_minor
from slurm_finops.core.period import day_date
from slurm_finops.core.rates import NEVER
from slurm_finops.reports.format import visible
from slurm_finops.reports.tables import aligned

_HEAD = ("fund", "account", "sponsor", "entity", "fallback", "from", "until", "cap", "posted")
_PAYERS = ("team", "project", "from", "fund", "pays")
_NONE = "–"


def funds_text(funding: Funding, spent: Mapping[str, int], currency: str, digits: int) -> str:
    """Two tables for a terminal: funds, with the ticks ``spent`` of each, and who pays for whom."""
    rows = [_HEAD, *(_row(fund, spent, digits) for fund in funding.funds)]
    lines = [f"amounts in {currency}", *aligned(rows, 7)]
    if funding.payers:
        lines += ["", *aligned([_PAYERS, *_payer_rows(funding)], 4)]
    suspense = f"is in suspense, account {visible(funding.suspense_account)}"
    untagged = "what names no team or has no payer "
    if funding.untagged is not None:
        untagged = f"{visible(funding.untagged)} pays for what names no team; what has no payer "
    if spent.get(SUSPENSE):
        suspense += f", {_posted(spent[SUSPENSE], digits)} posted"
    lines += ["", untagged + suspense]
    for name, ticks in former(funding, spent).items():
        lines.append(f"{visible(name)} is a fund no more, {_posted(ticks, digits)} posted")
    return "\n".join(lines) + "\n"


def former(funding: Funding, spent: Mapping[str, int]) -> dict[str, int]:
    """Funds that something was posted to and that are not configured any more; ticks, by name."""
    known = {*(fund.name for fund in funding.funds), SUSPENSE}
    return {name: ticks for name, ticks in sorted(spent.items()) if ticks and name not in known}


def _posted(ticks: int, digits: int) -> str:
    return grouped(to_minor(ticks, digits), digits)


def _row(fund: Fund, spent: Mapping[str, int], digits: int) -> tuple[str, ...]:
    texts = fund.name, fund.account, fund.sponsor, fund.entity, fund.fallback
    cap = _NONE if fund.cap_ticks is None else grouped(to_minor(fund.cap_ticks, digits), digits)
    return (
        *(visible(text) if text else _NONE for text in texts),
        _day(fund.first) or _NONE, _day(fund.last) or _NONE,
        cap, _posted(spent.get(fund.name, 0), digits),
    )  # fmt: skip


def _payer_rows(funding: Funding) -> Iterator[tuple[str, ...]]:
    for (team, project), splits in funding.payers:
        for split in splits:
            for fund, parts in split.parts:
                yield (
                    visible(team), _NONE if project is None else visible(project),
                    _from(split) or "always", visible(fund), f"{_percent(parts)}%",
                )  # fmt: skip


def funds_json(funding: Funding, spent: Mapping[str, int], digits: int) -> dict[str, Any]:
    """The same for programs; money and per cent are decimal texts, days are half-open."""
    return {
        "funds": [_as_json(fund, spent, digits) for fund in funding.funds],
        "payers": [
            _payer_json(owner, split) for owner, splits in funding.payers for split in splits
        ],
        "untagged_fund": funding.untagged,
        "suspense": {
            "account": funding.suspense_account, "entity": funding.entity or None,
            "posted": minor_text(to_minor(spent.get(SUSPENSE, 0), digits), digits),
        },
        "former_funds": {
            name: minor_text(to_minor(ticks, digits), digits)
            for name, ticks in former(funding, spent).items()
        },
    }


def _as_json(fund: Fund, spent: Mapping[str, int], digits: int) -> dict[str, Any]:
    cap = fund.cap_ticks
    return {
        "name": fund.name, "account": fund.account, "from": _day(fund.first),
        "until": _day(fund.last),
        "cap": None if cap is None else minor_text(to_minor(cap, digits), digits),
        "posted": minor_text(to_minor(spent.get(fund.name, 0), digits), digits),
        "fallback": fund.fallback, "sponsor": fund.sponsor or None, "entity": fund.entity or None,
    }  # fmt: skip


def _payer_json(owner: Owner, split: Split) -> dict[str, Any]:
    team, project = owner
    return {
        "team": team, "project": project, "from": _from(split),
        "funds": {fund: _percent(parts) for fund, parts in split.parts},
    }  # fmt: skip


def _from(split: Split) -> str | None:
    return None if split.first == NEVER else _day(split.first)


def _day(day: int | None) -> str | None:
    return None if day is None else str(day_date(day))


def _percent(parts: int) -> str:
    return exact_text(parts, WHOLE // 100)
