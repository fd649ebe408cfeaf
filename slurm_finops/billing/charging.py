"""Keeping the ledger's charges by the charging policy: what a change of it touches."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from slurm_finops.billing.names import Names
from slurm_finops.billing.owners import Owners
from slurm_finops.billing.pricer import TOO_LARGE
from slurm_finops.billing.terms import Terms
from slurm_finops.core.charging import Charging, Forgiven, Tier, Timeline
from slurm_finops.core.rates import CLASS, EVER, NEVER
from slurm_finops.ledger import pricing as table
from slurm_finops.ledger.held import free
from slurm_finops.ledger.store import Ledger

_SETTING = "charging"
#: What a setting says where no policy was ever stored.
_NONE = "[]"
_ORDERED = ("factor", "tier")


def has_changed(ledger: Ledger, charging: Charging) -> bool:
    """Whether the ledger's charges were made by another policy."""
    return (ledger.setting(_SETTING) or _NONE) != _text(charging)


def sync(ledger: Ledger, terms: Terms, as_of: int, actor: str) -> None:
    """Store the policy; where it differs from the one that is stored, queue what it touches."""
    now, before = _text(terms.charging), ledger.setting(_SETTING) or _NONE
    if now == before:
        return
    old, new = json.loads(before), json.loads(now)
    changed = [rule for rule in (*old, *new) if (rule in old) != (rule in new)]
    changed += _moved(old, new)
    # booked time has the prices of its own moments, which may be past a run's end
    beyond = terms.charging.longest_beyond
    with ledger.transaction() as db:
        through = table.priced_through(ledger)
        queued = sum(
            table.queue_ruled(
                db, rule["from"] - beyond, rule["until"], rule["match"], rule["states"], through
            )
            for rule in changed if rule["kind"] != CLASS
        )  # fmt: skip
        since = {
            rule["team"]: _first_difference(rule, old if rule in new else new) - beyond
            for rule in changed if rule["kind"] == CLASS
        }  # fmt: skip
        if since:
            named = {rule["team"] for rule in (*old, *new) if rule["kind"] == CLASS}
            queued += _queue_teams(ledger, terms, named, since)
        free(db, TOO_LARGE)
        ledger.set(_SETTING, now)
        names = ", ".join(dict.fromkeys(_called(rule) for rule in changed))
        said = names or "written in another order"
        ledger.audit(as_of, actor, "charging", f"{said}: {queued} runs to price again")


def _queue_teams(
    ledger: Ledger, terms: Terms, named: set[str], since: Mapping[str, int]
) -> int:
    """Queue the runs of teams from some moment each; "" is whoever has no class of its own.

    By whose they are and not by their charges: what had no price may get one.
    """
    if not table.priced_through(ledger):  # all of them are new
        return 0
    owners, names = Owners(ledger, terms.policy), Names(ledger.db)

    def since_when(owner: int) -> int | None:
        team = names.team(owner) or ""
        return since.get(team if team in named else "")

    if owners.retags:
        return table.queue_runs(ledger.db, [
            run.id for run in table.all_runs(ledger.db)
            if (first := since_when(owners.of_held(run))) is not None
            and run.start + run.elapsed + run.suspended > first
        ], table.priced_through(ledger))  # fmt: skip
    found: dict[int, list[tuple[int, int]]] = {}
    for claimed, context in list(table.claims(ledger.db)):
        if (first := since_when(owners.of_run(claimed, context))) is not None:
            found.setdefault(first, []).append((claimed, context))
    return sum(table.queue_owners(ledger.db, whose, first) for first, whose in found.items())


def _moved(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The factors that come in another order now: a charge's card names them in theirs."""
    kept = [[rule for rule in one if rule["kind"] in _ORDERED and rule in other]
            for one, other in ((old, new), (new, old))]  # fmt: skip
    return [one for one, two in zip(*kept, strict=True) if one != two]


def _first_difference(rule: dict[str, Any], others: list[dict[str, Any]]) -> int:
    """From when on a team's classes differ from those that it had, or is to have."""
    other = next((o for o in others if o["kind"] == CLASS and o["team"] == rule["team"]), None)
    if other is None:
        return NEVER
    mine, theirs = ([tuple(piece) for piece in one["pieces"]] for one in (rule, other))
    return int(min(set(mine) ^ set(theirs))[0])


def _called(rule: dict[str, Any]) -> str:
    if rule["kind"] == CLASS:
        return f"class of {rule['team']}" if rule["team"] else "class of all others"
    return f"{rule['kind']} {rule['name']}"


def _text(charging: Charging) -> str:
    """A policy as the ledger keeps it: a rule of JSON each, with what it can touch."""
    found: list[dict[str, Any]] = [
        {
            "kind": type(rule).__name__.lower(), "name": rule.name,
            "from": rule.start, "until": min(rule.end, EVER),
            # a class is no word of the ledger's runs: all classes are looked at again
            "match": {key: value for key, value in rule.match if key != CLASS},
            "states": list(rule.states) if isinstance(rule, Forgiven) else [],
            "is": repr(replace(cast(Any, rule), where="")),
            **({"year": charging.fiscal_year} if isinstance(rule, Tier) else {}),
        }
        for rule in charging.rules
    ]  # fmt: skip
    if charging.default_class:
        found.append(_of_class("", charging.otherwise))
    found += [_of_class(team, timeline) for team, timeline in charging.classes]
    return json.dumps(found, ensure_ascii=False)


def _of_class(team: str, timeline: Timeline) -> dict[str, Any]:
    return {"kind": CLASS, "team": team, "pieces": [[p.start, p.of_class] for p in timeline]}
