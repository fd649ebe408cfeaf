"""How fast things go out."""

import time
from collections import deque
from collections.abc import Callable


class Pace:
    """At most ``most`` in any ``seconds``: as many as that go at once, and then it waits.

    ``clock`` counts nanoseconds and never goes back.
    """

    def __init__(
        self, most: int, seconds: int, clock: Callable[[], int] = time.monotonic_ns,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        self._window = seconds * 1_000_000_000
        self._clock = clock
        self._sleep = sleep
        #: when the last of them went
        self._gone: deque[int] = deque(maxlen=most)

    def wait(self) -> None:
        """Return as soon as the next may go; it is counted as gone then."""
        if len(self._gone) == self._gone.maxlen:
            # a sleep may end early
            while (left := self._gone[0] + self._window - self._clock()) > 0:
                self._sleep(left / 1_000_000_000)
        self._gone.append(self._clock())
