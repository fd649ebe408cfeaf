"""The hook in a Lua of its own, as slurmctld holds it: for tests, and before an install."""

from __future__ import annotations

import importlib
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from slurm_finops.core.policy import Who
from slurm_finops.hook.build import MODULE, SUBMIT

#: slurmctld is linked with 5.1 in most packages; the others are built against as well.
VERSIONS = ("5.1", "5.2", "5.3", "5.4")
#: What slurmctld gives a script (``slurm_lua.c``); the numbers are those of slurm_errno.h.
CODES = {
    "SUCCESS": 0, "ERROR": -1, "ESLURM_ACCESS_DENIED": 2002, "ESLURM_INVALID_ACCOUNT": 2045,
}  # fmt: skip


class Judged(NamedTuple):
    """What the Lua says of a comment; ``faults`` are ``(code, key, detail, hint)``."""

    kind: str
    faults: tuple[tuple[str, str, str, str], ...]
    lines: tuple[str, ...]
    seal: str | None


class Answer(NamedTuple):
    """What a call of the hook returned, what the user was told, and what the log says."""

    code: Any
    told: tuple[str, ...]
    log: tuple[str, ...]
    job: dict[str, Any]


def runtime(version: str = "5.1") -> Any:
    """A fresh Lua whose texts are bytes, with no way to Python."""
    lua = importlib.import_module(f"lupa.lua{version.replace('.', '')}")
    return lua.LuaRuntime(encoding=None, register_eval=False, register_builtins=False)


def syntax_error(text: str, name: str, version: str = "5.1") -> str | None:
    """Why a Lua cannot compile a text, or None if it can."""
    loader = runtime(version).execute(b"return loadstring or load")
    answer = loader(text.encode(), f"={name}".encode())
    return None if not isinstance(answer, tuple) else _text(answer[1])


class Engine:
    """A Lua that has loaded ``job_submit.lua`` of a folder."""

    def __init__(self, folder: Path, version: str = "5.1") -> None:
        self._lua = runtime(version)
        self._told: list[str] = []
        self._log: list[str] = []
        codes = {name.encode(): code for name, code in CODES.items()}
        slurm = self._lua.table_from(codes)
        # as slurmctld does: the first argument is a format
        form = self._lua.eval(b"string.format")
        slurm[b"log_user"] = lambda *words: self._told.append(_text(form(*words)))
        for name in (b"log_info", b"log_error", b"log_debug"):
            slurm[name] = lambda *words: self._log.append(_text(form(*words)))
        names = self._lua.globals()
        names[b"slurm"] = slurm
        names[b"dofile"](str(folder / SUBMIT).encode())
        self._submit, self._modify = names[b"slurm_job_submit"], names[b"slurm_job_modify"]
        self._names, self._module = names, str(folder / MODULE).encode()

    @cached_property
    def _gate(self) -> Any:
        return self._names[b"dofile"](self._module)

    def judge(self, comment: bytes, who: Who, before: bytes | None = None) -> Judged:
        """What the gate says of a comment.  Raises the Lua's own error."""
        fields = {key: (value or "") for key, value in who._asdict().items()}
        kind, faults, lines, seal = self._gate[b"judge"](comment, self._table(fields), before)
        found = tuple(
            tuple(_text(fault[key]) for key in (b"code", b"key", b"detail", b"hint"))
            for fault in faults.values()
        )
        told = tuple(_text(line) for line in lines.values())
        return Judged(_text(kind), found, told, None if seal is None else _text(seal))  # type: ignore[arg-type]

    def submit(self, job: dict[str, Any], partitions: Any = (), uid: int = 1000) -> Answer:
        """A job as slurmctld submits it; ``partitions`` are ``{name, flag_default}``."""
        table = self._table(job)
        parts = self._lua.table_from({
            part["name"].encode(): self._table(part) for part in partitions
        })  # fmt: skip
        return self._called(self._submit(table, parts, uid), table)

    def filter(self, options: dict[str, Any]) -> Answer:
        """What a client's cli_filter answers to these options."""
        table = self._table(options)
        return self._called(self._gate[b"filter"](table), table)

    def modify(self, change: dict[str, Any], job: dict[str, Any], uid: int) -> Answer:
        """A change of a job, by the user with this number."""
        table = self._table(change)
        parts = self._lua.table_from({})
        return self._called(self._modify(table, self._table(job), parts, uid), table)

    def _called(self, code: Any, table: Any) -> Answer:
        told, log = tuple(self._told), tuple(self._log)
        self._told.clear()
        self._log.clear()
        job = {_text(key): _text(value) if isinstance(value, bytes) else value
               for key, value in table.items()}  # fmt: skip
        return Answer(code, told, log, job)

    def _table(self, values: dict[str, Any]) -> Any:
        return self._lua.table_from({
            key.encode(): value.encode("utf-8", "surrogateescape")
            if isinstance(value, str) else value
            for key, value in values.items()
        })  # fmt: skip


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
