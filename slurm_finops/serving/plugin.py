"""What is added to Datasette: figures as people read them, a dashboard, and headers.

Values are escaped by Datasette and by the templates; here none becomes markup but links
that are made of whole numbers.
"""

import csv
import io
import re
from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from typing import Any

from datasette import hookimpl
from markupsafe import Markup

from slurm_finops.core.money import minor_text
from slurm_finops.reports.tables import harmless
from slurm_finops.serving.dashboard import dashboard, figure
from slurm_finops.serving.layout import DATABASE
from slurm_finops.serving.nothing import why_nothing
from slurm_finops.serving.settings import Serving

Message = MutableMapping[str, Any]
App = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
               Awaitable[None]]  # fmt: skip

#: A page loads what is its own: no script within it, nothing from elsewhere.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]
#: Datasette's pages about itself: nothing of them is spend.
_OWN = re.compile(r"/-/(?!static/|finops/)")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_GROUPED = re.compile(
    r"runs|gpu_hours|unpriced_gpu_hours|budget|spent|left|pace|forecast(_low|_high)?|running|\w+_cost"
)


class Plugin:
    """Datasette's hooks; see its documentation for when each is called."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving
        # Datasette takes a plugin for a module
        self.__name__ = __name__

    @hookimpl
    def prepare_connection(self, conn: Any) -> None:
        """``money``: minor units as a decimal text."""
        digits = self._serving.digits
        conn.create_function(
            "money", 1, lambda minor: None if minor is None else minor_text(int(minor), digits),
            deterministic=True,
        )  # fmt: skip

    @hookimpl
    def render_cell(self, value: Any, column: str, table: str | None, datasette: Any) -> Any:
        """Figures with thousands apart; a run as a link to all that is known of it."""
        if column == "run" and isinstance(value, int) and table is None:
            path = datasette.urls.table(DATABASE, "runs")
            return Markup('<a href="{}/{}">{}</a>').format(path, value, value)
        text = str(value)
        if _GROUPED.fullmatch(column) and _NUMBER.fullmatch(text):
            return figure(text)
        return None

    @hookimpl
    def extra_template_vars(self, datasette: Any, view_name: str, request: Any) -> Any:
        """What the dashboard says, and why a query found nothing."""
        execute = datasette.get_database(DATABASE).execute
        if view_name != "index":
            return {"why_nothing": partial(why_nothing, execute)}
        month = (request.args.get("month") or "").strip() if request else ""

        async def values() -> dict[str, Any]:
            return {"board": await dashboard(execute, month, self._serving)}

        return values

    @hookimpl
    def asgi_wrapper(self) -> Callable[[App], App]:
        """Headers on every answer, CSV without formulas, and no pages about Datasette itself."""
        return lambda app: _guarded(app, self._serving.base_url)


def _guarded(app: App, base_url: str) -> App:
    async def answer(scope: Message, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        scope = _as_asked(scope, base_url)
        if scope["method"] not in ("GET", "HEAD") or _OWN.search(scope["path"]):
            await _refuse(send)
            return
        # one that is shown and not saved is called plain text
        is_csv = scope["path"].endswith(".csv")
        is_spend = "/-/" not in scope["path"]

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", []), *_HEADERS]
                if is_spend:
                    headers = [one for one in headers if one[0].lower() != b"cache-control"]
                    headers.append((b"cache-control", b"no-store"))
                message = {**message, "headers": headers}
            elif is_csv and message.get("body"):
                message = {**message, "body": _harmless(message["body"])}
            await send(message)

        await app(scope, receive, guarded)

    return answer


def _as_asked(scope: Message, base_url: str) -> Message:
    """A request below the base URL, as who is before the proxy made it.

    Datasette puts the base URL before the path that it was asked for, where it has links to
    pages like it; so it must not be in that path already.
    """
    asked = dict(scope)
    raw, base = scope.get("raw_path") or b"", base_url.encode()
    if scope["path"].startswith(base_url):
        asked["path"] = "/" + scope["path"].removeprefix(base_url)
    if raw.startswith(base):
        asked["raw_path"] = b"/" + raw.removeprefix(base)
    if (b"x-forwarded-proto", b"https") in scope["headers"]:
        asked["scheme"] = "https"
    return asked


async def _refuse(send: Any) -> None:
    plain = (b"content-type", b"text/plain; charset=utf-8")
    await send({"type": "http.response.start", "status": 404, "headers": [plain, *_HEADERS]})
    await send({"type": "http.response.body", "body": b"There is no such page.\n"})


def _harmless(body: bytes) -> bytes:
    """Whole rows of CSV, without what a spreadsheet takes for a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    for row in csv.reader(io.StringIO(body.decode(), newline="")):
        writer.writerow([c if _NUMBER.fullmatch(c) else harmless(c) for c in row])
    return out.getvalue().encode()
