"""What `check` says of mails and posts that did not go out, and of Slack's webhooks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slurm_finops.cli.checks import FAIL, OK, WARN, Finding
from slurm_finops.core.owner_key import shown_key
from slurm_finops.core.words import count
from slurm_finops.errors import ConfigError

if TYPE_CHECKING:
    from slurm_finops.config import Config
    from slurm_finops.ledger.outbox import Listed
    from slurm_finops.ledger.store import Ledger

_NAMED = 5
_MEANING = {"unknown": "may or may not have arrived", "failed": "was refused"}
#: What the outbox adds to a server's words; here it is said once for all.
_HINT = "; to send it again"


def outbox(opened: Ledger, config: Config) -> Iterator[Finding]:
    """Those that need a decision, each with its id; and those that are tried again."""
    from slurm_finops.ledger.outbox import LedgerOutbox

    store = LedgerOutbox(opened)
    undecided = store.listed("failed", "unknown")
    late = [one for one in store.listed("queued") if one.tried_at is not None]
    if undecided:
        yield _undecided(undecided)
    if late:
        yield _late(late, config)
    if not undecided and not late:
        yield Finding("outbox", OK, "no mail waits for a decision")


def _undecided(rows: list[Listed]) -> Finding:
    named = "; ".join(_named(one) for one in rows[:_NAMED])
    more = f"; and {len(rows) - _NAMED:,} more" if len(rows) > _NAMED else ""
    ask = "once you know that it did not arrive: " if rows[0].status == "unknown" else ""
    return Finding(
        "outbox", WARN, f"{count(len(rows), 'mail')} not known to be delivered: {named}{more}",
        f"{ask}slurm-finops send --resend {rows[0].id}",
    )  # fmt: skip


def _named(one: Listed) -> str:
    said = (one.detail or "").partition(_HINT)[0]
    about = f"{one.id} ({shown_key(one.report)} {one.period}) to {one.recipient}"
    return f"{about} {_MEANING[one.status]}" + (f" ({said})" if said else "")


def _late(rows: list[Listed], config: Config) -> Finding:
    from slurm_finops.core.period import day_date

    first = rows[0]
    since = day_date(config.calendar.day_of(first.queued_at))
    due = min((one.due_at for one in rows if one.due_at is not None), default=None)
    again = f", not before {config.calendar.isoformat(due)}" if due is not None else ""
    return Finding(
        "late mails", WARN, f"{count(len(rows), 'mail')} not delivered yet, the first since "
        f"{since} ({first.detail or 'refused for now'})",
        f"the next send tries again{again}; at once: slurm-finops send --now",
    )  # fmt: skip


def slack(config: Config) -> Iterator[Finding]:
    """The files of webhooks; nothing is posted, and so no webhook is known to work."""
    from slurm_finops.cli.due import webhook_files
    from slurm_finops.delivery.slack import Webhook

    files = webhook_files(config)
    wrong = []
    for path, key in files.values():
        try:
            Webhook.read(path, key)
        except ConfigError as error:
            wrong.append(str(error))
    for said in wrong:
        yield Finding("slack", FAIL, said, f"mend that file, or take its key out of {config.path}")
    if files and not wrong:
        what = f"{count(len(files), 'webhook')} in files for this user's eyes only; none is asked"
        yield Finding("slack", OK, what)
