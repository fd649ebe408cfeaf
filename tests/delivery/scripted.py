"""An SMTP server that answers what a test says, right or wrong, and can hang up anywhere."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

HANG_UP = b""
#: What a plain server answers; a test replaces single answers.
ANSWERS = {
    "connect": b"220 ready", "EHLO": b"250 localhost", "MAIL": b"250 OK", "RCPT": b"250 OK",
    "DATA": b"354 go on", ".": b"250 taken", "NOOP": b"250 OK", "QUIT": b"221 bye",
}  # fmt: skip


class Scripted:
    """What the server heard."""

    def __init__(self, **answers: bytes) -> None:
        self.answers = ANSWERS | {name.replace("dot", "."): said for name, said in answers.items()}
        self.port = 0
        self.connections = 0
        self.heard: list[bytes] = []
        self.mail = b""
        #: instead of these answers the event is set, and nothing is said any more
        self.stalls: dict[str, threading.Event] = {}

    def serve(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            with connection, connection.makefile("rb") as lines:
                self._talk(connection, lines)

    def _talk(self, connection: socket.socket, lines: BinaryIO) -> None:
        name = "connect"
        while True:
            answer = self.answers.get(name, b"500 what?")
            if name in self.stalls:
                self.stalls[name].set()
                lines.read()  # until the other end is gone
                return
            if answer == HANG_UP:
                return
            connection.sendall(answer + b"\r\n")
            if name == "DATA" and answer.startswith(b"354"):
                self.mail = b"".join(iter(lambda: next(lines), b".\r\n"))
                name = "."
                continue
            line = next(lines, b"")
            if not line or name == "QUIT":
                return
            self.heard.append(line)
            name = line.split()[0].decode().upper()


@contextmanager
def scripted(**answers: bytes) -> Iterator[Scripted]:
    """A server on loopback; ``dot`` is its answer to the end of the mail."""
    server = Scripted(**answers)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server.port = listener.getsockname()[1]
        thread = threading.Thread(target=server.serve, args=(listener,), daemon=True)
        thread.start()
        yield server
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)
