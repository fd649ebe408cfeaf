"""A real HTTP(S) server on loopback that stands for Slack: it answers what a test says."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

#: Instead of an answer: the connection is cut after the whole request was read.
CUT = (0, "")
#: Or something is said that is no HTTP.
BABBLE = (-1, "garbage\r\n\r\n")
OK = (200, "ok")
Answer = tuple[int, str] | tuple[int, str, dict[str, str]]


class Slack:
    """What was posted, and what is answered in turn; then ``ok``."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.bodies: list[bytes] = []
        self.paths: list[str] = []
        self.types: list[str | None] = []
        self.url = ""


def _handler(slack: Slack) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            slack.bodies.append(body)
            slack.paths.append(self.path)
            slack.types.append(self.headers["Content-Type"])
            code, text, *more = slack.answers.pop(0) if slack.answers else OK
            if code <= 0:
                self.wfile.write(text.encode())
                self.close_connection = True
                return
            self.send_response(code)
            for name, value in (more[0] if more else {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None: ...

    return Handler


@contextmanager
def slack_server(*answers: Answer, tls: Path | None = None) -> Iterator[Slack]:
    """A server, with TLS where a certificate is given; ``url`` is a webhook of it."""
    slack = Slack(*answers)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(slack))
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls, tls.with_name("key.pem"))
        server.socket = context.wrap_socket(server.socket, server_side=True)
    scheme, host = ("https", "localhost") if tls else ("http", "127.0.0.1")
    slack.url = f"{scheme}://{host}:{server.server_port}/services/T0/B0/s3cret"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield slack
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def webhook_file(folder: Path, url: str, mode: int = 0o600, name: str = "webhook") -> Path:
    """A file that holds a webhook's URL."""
    path = folder / name
    path.write_text(f"{url}\n")
    path.chmod(mode)
    return path
