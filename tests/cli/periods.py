"""A site whose months close: what ran, the clock, and its command line, in one process or more."""

import json
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from slurm_finops.cli import app, main
from tests.support import JUNE, a_config, record, saved

DAY, HOUR = 86_400, 3600
MAY, JULY = JUNE - 31 * DAY, JUNE + 30 * DAY
WHY = ("--reason", "slow disk", "--approver", "dean")
#: 1.00 an hour; readiness asks for a budget and a cost centre of each team, and for four weeks.
SITE = """\
cluster  = "alpha"
currency = "USD"
timezone = "UTC"

[[rates]]
sku   = "gres/gpu:h100"
price = "1.00"
from  = 2026-01-01

[tags]
required = ["team"]

[readiness]
weeks = 4

[[teams]]
name        = "nlp"
cost_center = "4711"
budget      = "5000"
[[teams.payers]]
funds = { GRANT = "100" }
[[teams]]
name        = "cv"
cost_center = "4712"
budget      = "500"

[[funds]]
name    = "GRANT"
account = "4711-01"
[[funds]]
name    = "DEPT"
account = "0815-00"
"""


def ran(number: int, team: str, start: int, hours: int, **more: object) -> dict[str, str]:
    """A run of one H100 of a team's project, such as nlp's nlp-p."""
    comment = json.dumps({"team": team, "project": f"{team}-p"}) if team else ""
    return record(**{
        "JobIDRaw": number, "JobID": number, "Account": team or "root", "User": "u",
        "Submit": start, "Start": start, "End": start + hours * HOUR, "ElapsedRaw": hours * HOUR,
        "AllocTRES": "billing=1,cpu=1,gres/gpu:h100=1,gres/gpu=1,mem=1G,node=1",
        "Comment": comment, **more,
    })  # fmt: skip


class Site:
    """100.00 of nlp's in May and 10.00 of cv's; 20.00 of nlp's in June; it is 2 July."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder, self._patch = folder, patch
        self.file, self.database = folder / "all.txt", folder / "ledger.db"
        self.runs = [
            *(ran(i, "nlp", MAY + (3 + 7 * i) * DAY, 25) for i in range(4)),
            ran(10, "cv", MAY + 10 * DAY, 10),
            *(ran(20 + i, "nlp", JUNE + 7 * i * DAY, 5) for i in range(4)),
        ]
        self.by("ops")
        self.at(JULY + DAY)
        self.config()
        self.collect()

    def by(self, login: str) -> None:
        """Who types."""
        self._patch.setenv("SUDO_USER", login)

    def at(self, instant: int) -> None:
        """What the clock says."""
        self.clock = instant
        self._patch.setattr(app.time, "time", lambda: instant)

    def config(self, more: str = "", old: str = "", new: str = "") -> None:
        """finops.toml with one thing another; priced by it."""
        assert old in SITE
        a_config(self.folder, SITE.replace(old, new, 1) + more)
        if self.database.exists():
            self.done("price")

    def collect(self, *more: dict[str, str] | str) -> None:
        """All that sacct has, with more."""
        for one in more:
            job = one["JobIDRaw"] if isinstance(one, dict) else None
            self.runs = [old for old in self.runs if job is None or old["JobIDRaw"] != job]
            if isinstance(one, dict):
                self.runs.append(one)
        lines = [*self.runs, *(one for one in more if isinstance(one, str))]
        self.file.write_text(saved(*lines))
        self.done("collect", "sacct", "--file", str(self.file))
        self.done("price")

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(main, ["-c", str(self.folder / "finops.toml"), *words])

    def done(self, *words: str) -> str:
        result = self.run(*words)
        assert result.exit_code == 0, result.output
        return result.stdout

    def noted(self, *words: str) -> str:
        result = self.run(*words)
        assert result.exit_code == 0, result.output
        return result.stderr

    def json(self, *words: str, code: int = 0) -> Any:
        result = self.run(*words, "--format", "json")
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)

    def refused(self, *words: str, code: int = 1) -> str:
        """What is said; and nothing in the ledger is another."""
        before = self.content()
        result = self.run(*words)
        assert (result.exit_code, result.stdout) == (code, ""), result.output
        assert self.content() == before
        return result.stderr

    def close(self, month: str = "2026-05", *words: str) -> str:
        return self.done("period", "close", month, "--yes", "--file", str(self.file), *words)

    def unclosed(self, month: str, *words: str, code: int = 1) -> str:
        return self.refused("period", "close", month, "--yes", "--file", str(self.file), *words,
                            code=code)  # fmt: skip

    def months(self) -> dict[str, str]:
        """Month -> what it states, of those that are closed."""
        return {
            one["period"]: one["amount"] for one in self.json("period", "status")["periods"]
            if one["state"] == "closed"
        }  # fmt: skip

    def sql(self, text: str) -> list[tuple[Any, ...]]:
        db = sqlite3.connect(self.database)
        with db:
            found = db.execute(text).fetchall()
        db.close()
        return found

    def content(self) -> str:
        db = sqlite3.connect(self.database)
        text = "\n".join(db.iterdump())
        db.close()
        return text

    def stated(self, month: str) -> dict[tuple[str | None, str, bool], str]:
        """Team, fund and whether it is a correction -> what a closed month says of it."""
        rows = self.sql(
            "SELECT team, fund, correction, sum(statement_lines.amount_minor) FROM statement_lines "
            "JOIN statements ON statements.id = statement_id "
            "JOIN periods ON periods.id = period_id "
            "JOIN posted_tags ON posted_tags.id = tags_id "
            "JOIN posted_payers ON posted_payers.id = payer_id "
            f"WHERE label = '{month}' GROUP BY 1, 2, 3"
        )
        return {(team, fund, bool(late)): f"{minor / 100:.2f}" for team, fund, late, minor in rows}

    def audited(self, action: str) -> list[str]:
        entries = self.json("audit", "--action", action)["entries"]
        return [f"{one['by']}: {one['detail']}" for one in entries]

    def words(self, *words: str) -> list[str]:
        """The same command as a process of its own, by the same clock."""
        program = (
            f"import time; time.time = lambda: {self.clock}\n"
            "from slurm_finops.cli import main; main(prog_name='slurm-finops')"
        )
        return [sys.executable, "-c", program, "-c", str(self.folder / "finops.toml"), *words]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(tmp_path, monkeypatch)
