"""What can become of something that was not taken, by what is to be done next."""

from slurm_finops.errors import OutsideError


class Temporary(OutsideError):
    """It may be taken later; ``after``: not before so many seconds, where that was said."""

    def __init__(self, text: str, after: int = 0) -> None:
        super().__init__(text)
        self.after = after


class Unreachable(Temporary):
    """It was not even asked: no connection, no TLS or no login.  All wait for the same."""


class Permanent(OutsideError):
    """It will never be taken."""


class Unknown(OutsideError):
    """The connection broke after it was handed over: it may or may not be on its way."""
