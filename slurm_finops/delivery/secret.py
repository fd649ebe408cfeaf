"""Files that hold one secret, for their owner's eyes only."""

import os
import stat
from pathlib import Path

from slurm_finops.errors import ConfigError


def secret(path: Path, key: str, what: str) -> str:
    """A file's only line, ``what`` it is; raises `ConfigError` that names the ``key``."""
    try:
        with path.open("rb") as file:
            # of the open file: a path may lead elsewhere a moment later
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            text = file.read(4096).rstrip(b"\r\n")
    except OSError as error:
        raise ConfigError(f"{key}: cannot read {path}: {error.strerror}") from None
    if mode & 0o077:
        raise ConfigError(
            f"{key}: {path} can be read by others (mode {mode:04o}); chmod 600 {path}"
        )
    if not text or not text.isascii() or b"\n" in text:
        # smtplib can send nothing else as a password (RFC 4616 would allow UTF-8)
        raise ConfigError(f"{key}: {path} must hold one line of ASCII, {what}")
    return text.decode("ascii")
