"""The process that serves one snapshot: Datasette, with what we add to it.

    python -m slurm_finops.serving.server

reads a line of JSON from standard input: a `Serving`, and ``socket``, the number of a
listening socket that it was given.  Says ``ready`` once it answers, and ends when its
standard input does: so it outlives nobody who started it.
"""

import json
import os
import socket
import sys
import threading
from typing import Any

from slurm_finops.serving.settings import Serving

#: How long requests that are being answered may take when the server is to end.
_GRACE_SECONDS = 5


def main() -> None:
    """Serve until standard input ends."""
    # with it Datasette prints a page of locals for every address that does not exist
    sys.modules["rich"] = None  # type: ignore[assignment]
    import uvicorn
    from datasette.app import Datasette
    from datasette.plugins import pm

    from slurm_finops.serving.plugin import Plugin

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            print("ready", flush=True)
            # nobody reads on: what else is said belongs where errors go
            os.dup2(2, 1)

    asked: dict[str, Any] = json.loads(sys.stdin.buffer.readline())
    listening = socket.socket(fileno=asked.pop("socket"))
    serving = Serving(**asked)
    pm.register(Plugin(serving), name="slurm-finops")
    app = Datasette(**serving.datasette()).app()
    server = Server(uvicorn.Config(
        app, log_level="warning", lifespan="on", access_log=False, server_header=False,
        # who the proxy says is asking is in no page
        proxy_headers=False, timeout_graceful_shutdown=_GRACE_SECONDS,
    ))  # fmt: skip

    def end() -> None:
        while os.read(0, 4096):
            pass
        server.should_exit = True

    threading.Thread(target=end, daemon=True).start()
    server.run(sockets=[listening])


if __name__ == "__main__":
    main()
