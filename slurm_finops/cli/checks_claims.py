"""What `check` finds in the ledger's claims: changed comments, runs without a seal, contests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from slurm_finops.cli.checks import OK, SKIP, WARN, Finding
from slurm_finops.core.words import count

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from slurm_finops.config import Config
    from slurm_finops.core.period import Period
    from slurm_finops.core.policy import Who
    from slurm_finops.core.tags import Claim, Tags

#: So many of the runs that were collected last are looked at: a second's work.
NEWEST = 100_000
_NAMED = 5


def claims(db: sqlite3.Connection, config: Config, period: Period) -> Iterator[Finding]:
    """Whether what runs say of themselves is what the gate accepted, and theirs to say."""
    from slurm_finops.ledger.health import newest_from, sealed_since

    above = newest_from(db, NEWEST)
    gated = sealed_since(db)
    if not gated:
        yield Finding("seals", OK, "no run has one: the gate at sbatch is not in use (slurm-finops "
                      "hook)")  # fmt: skip
    else:
        yield _seals(db, config, gated, above)
        yield _changed(db, config, above)
    yield _contested(db, config, period)


def _among(above: int) -> str:
    return f" of the newest {NEWEST:,}" if above else ""


def _seals(
    db: sqlite3.Connection, config: Config, gated: dict[int, int], above: int
) -> Finding:
    """Runs that came past the gate: those it would have sealed, and those it would not."""
    from slurm_finops.ledger.health import unsealed

    mode = config.gate.mode
    if mode == "off":
        return Finding("seals", SKIP, "mode = \"off\" in [tags]: the gate seals nothing")
    right, wrong = _Named(above), _Named(above)
    accepts = _accepts(db, config)
    for run in unsealed(db, above):
        # a cluster that never had the gate has no seals to miss
        if run.submit > gated.get(run.cluster, run.submit):
            (right if accepts(run.tag_set, run.who) else wrong).add(run.job_id)
    if right.number:
        also = f"; {_wrong(wrong)}" if wrong.number else ""
        return Finding(
            "seals", WARN,
            f"right tags and no seal, submitted since the first seal: {right}.  "
            "The gate seals such in every mode, so it was off or failed, or an epilog wrote over "
            f"AdminComment{also}", _TRY,
        )  # fmt: skip
    if wrong.number and mode == "enforce":
        return Finding(
            "seals", WARN,
            f"{_wrong(wrong)}.  mode = \"enforce\" refuses such, so they came before it "
            "was set, or while the gate was off or failed", _TRY,
        )  # fmt: skip
    if wrong.number:
        return Finding("seals", OK, f"{_wrong(wrong)}; mode = \"warn\" lets such pass")
    return Finding("seals", OK, f"every run{_among(above)} since the first seal has one")


_TRY = "slurm-finops hook test; grep slurm-finops in slurmctld's log"


def _wrong(runs: _Named) -> str:
    return f"wrong or no tags, and so no seal: {runs}"


class _Named:
    """Runs counted, the latest few by name: ``7 of the newest 100,000 runs (the latest: 9, 8)``."""

    def __init__(self, above: int, number: int = 0, latest: Sequence[str] = ()) -> None:
        self._above = above
        self.number = number
        self.latest = list(latest)

    def add(self, job_id: str) -> None:
        """The next run, from the newest to the oldest."""
        self.number += 1
        if len(self.latest) < _NAMED:
            self.latest.append(job_id)

    def __str__(self) -> str:
        from slurm_finops.reports.format import visible

        runs = (f"{self.number:,} of the newest {NEWEST:,} runs" if self._above
                else count(self.number, "run"))  # fmt: skip
        latest = "the latest: " if self.number > len(self.latest) else ""
        return f"{runs} ({latest}{', '.join(map(visible, self.latest))})"


def _accepts(db: sqlite3.Connection, config: Config) -> Callable[[int, Who], bool]:
    """Whether the policy, as it is now, accepts a claim (by its tag set) that comes from there."""
    from slurm_finops.ledger.tag_sets import TagSets

    policy, tag_sets = config.policy, TagSets(db)
    known: dict[tuple[int, Who], bool] = {}

    def accepts(tag_set: int, who: Who) -> bool:
        found = known.get((tag_set, who))
        if found is None:
            billed = policy.attribute(tag_sets.claim(tag_set), who)
            found = policy.exempt.covers(who) or not policy.faults(billed, hint=False)
            known[tag_set, who] = found
        return found

    return accepts


def _changed(db: sqlite3.Connection, config: Config, above: int) -> Finding:
    """Sealed runs whose Comment is not what it was when the gate accepted it."""
    from slurm_finops.core.seals import was_changed
    from slurm_finops.ledger.health import sealed_runs

    runs = _Named(above)
    for job_id, comment, admin_comment, account in sealed_runs(db, above):
        if was_changed(comment, admin_comment, partial(_filled, config, account)):
            runs.add(job_id)
    if not runs.number:
        return Finding("changed comments", OK, f"no sealed run{_among(above)} has another Comment "
                       "than its seal")  # fmt: skip
    return Finding(
        "changed comments", WARN,
        f"changed after submission: {runs}.  They are billed by their seals",
        "look at them: sacct -X -P -o JobID,User,Account,Comment,AdminComment -j "
        f"{','.join(runs.latest)}",
    )  # fmt: skip


def _filled(config: Config, account: str, claim: Claim) -> Tags:
    from slurm_finops.core.policy import Who

    policy = config.policy
    return policy.filled(claim, Who(account)) if policy.defaults else claim.tags


def _contested(db: sqlite3.Connection, config: Config, period: Period) -> Finding:
    """Runs that name a team which their account, user or WCKey may not charge."""
    from slurm_finops.ledger.health import contested

    number, latest = contested(db, period.first, period.last, _NAMED)
    if not number:
        return Finding("contested claims", OK, f"none in {period.label}")
    named = _Named(0, number, [_contest(*each) for each in latest])
    return Finding(
        "contested claims", WARN,
        f"a team that they may not charge was named by {named} of "
        f"{period.label}.  They are billed to the team of their account, if it has one",
        f"slurm-finops report --period {period.label} --by tag_source,account,user says who; who "
        f"may charge a team stands in [[teams]] in {config.path}",
    )  # fmt: skip


def _contest(job_id: str, account: str, faults: str) -> str:
    team = next((detail for code, _, detail, _ in json.loads(faults) if code == "not_yours"), "")
    return f"{job_id} by account {account} for team {team}"
