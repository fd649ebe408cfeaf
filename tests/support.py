"""What several tests build: runs, saved files, ledgers, a configuration."""

import io
from datetime import UTC, tzinfo
from pathlib import Path

from slurm_finops.core.runs import Problem, Run
from slurm_finops.ledger.runs import RunWriter
from slurm_finops.ledger.store import Ledger
from slurm_finops.sources.sacct.record import FIELDS
from slurm_finops.sources.sacct.saved import SavedFile

JUNE = 1_780_272_000  # 2026-06-01T00:00:00Z
TAGGED = '{"team":"nlp","project":"llama","experiment":"run-1"}'

_RECORD = {
    "JobIDRaw": "100", "JobID": "100", "JobName": "train", "User": "nlp1", "Account": "nlp",
    "Partition": "h100", "QOS": "normal", "WCKey": "", "Cluster": "alpha", "State": "COMPLETED",
    "Submit": str(JUNE), "Start": str(JUNE + 60), "End": str(JUNE + 3660), "ElapsedRaw": "3600",
    "Suspended": "00:00:00", "TimelimitRaw": "1440",
    "AllocTRES": "billing=8,cpu=8,gres/gpu:h100=2,gres/gpu=2,mem=64G,node=1", "NodeList": "n1",
    "Reservation": "", "ReservationId": "", "ExitCode": "0:0", "AdminComment": "",
    "Comment": TAGGED,
}  # fmt: skip


def record(**fields: object) -> dict[str, str]:
    """A record of sacct, with these columns changed."""
    return _RECORD | {name: str(value) for name, value in fields.items()}


def saved(
    *records: dict[str, str] | str, delimiter: str = "|", columns: list[str] | None = None,
    trailing: bool = False,
) -> str:  # fmt: skip
    """A saved file of these records; a text stands as it is."""
    names = columns or FIELDS
    end = delimiter if trailing else ""
    lines = [delimiter.join(names) + end]
    for item in records:
        if isinstance(item, str):
            lines.append(item)
        else:
            lines.append(delimiter.join(item[name] for name in names) + end)
    return "\n".join(lines) + "\n"


def read(
    text: str, delimiter: str = "|", zone: tzinfo = UTC
) -> tuple[list[Run], list[Problem], SavedFile]:
    """What a saved file holds."""
    file = SavedFile(io.StringIO(text, newline="\n"), delimiter, "default", zone)
    runs = [run for block in file.blocks() for run in block]
    return runs, file.problems, file


def a_run(**fields: object) -> Run:
    """A run of two H100s for an hour, with these fields changed."""
    (run,), _, _ = read(saved(record()))
    return run._replace(**fields)  # type: ignore[arg-type]


def a_ledger(path: Path | str = ":memory:", currency: str = "USD", zone: str = "UTC") -> Ledger:
    return Ledger.open(path, currency, zone)


def write(ledger: Ledger, *runs: Run) -> tuple[int, int]:
    """Store runs in one transaction: how many were new, how many changed."""
    with ledger.transaction():
        return tuple(RunWriter(ledger).write(runs))


def jobs(ledger: Ledger, columns: str = "*") -> list[tuple[object, ...]]:
    return ledger.db.execute(f"SELECT {columns} FROM jobs ORDER BY id").fetchall()


CONFIG = """\
cluster  = "alpha"
currency = "USD"
timezone = "UTC"

[[rates]]
sku   = "gres/gpu:h100"
price = "3.92"
from  = 2026-01-01
"""


def a_config(folder: Path, text: str = CONFIG) -> Path:
    path = folder / "finops.toml"
    path.write_text(text)
    return path
