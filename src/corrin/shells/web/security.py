"""The guard before every route: who is called, who calls, how much is sent and how slowly, and what the browser may do with the answer.

A page on this machine can be reached by any web page the user has open: by a name that is made to point here (so the Host is checked on
every route) and by a form that posts here (so what writes must come from this page, and forms carry a token). Nothing of a request is
logged.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from corrin.shells.web.problems import problem_bytes

LOCAL = ("localhost", "127.0.0.1", "[::1]")
"""Names under which a browser on this machine calls it. Any other Host is refused: a foreign name that points here is an attack."""
MAX_BODY = 4_000_000
MAX_DEPTH = 64
BODY_SECONDS = 20.0
"""How long a caller may take to send what it announced."""
SAFE = ("GET", "HEAD", "OPTIONS")
OPEN = ("/health", "/ready", "/enter", "/static/")
"""What needs no token: it tells nothing of anybody."""
CALLED = "/cds-services"
"""Where other sites that were named may call, and nowhere else."""
COOKIE, FORM_COOKIE = "corrin-token", "corrin-form"
HEADERS = {
    "content-security-policy": (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; object-src 'none'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
log = logging.getLogger("corrin.serve")
_SIGNS = re.compile(rb'\\.|["\[{\]}]', re.DOTALL)


def is_local(host: str) -> bool:
    """Whether only this machine can reach an address that is bound."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def too_deep(body: bytes, limit: int = MAX_DEPTH) -> bool:
    """Whether JSON is nested deeper than the limit, found in one pass before any parser sees it; brackets in text do not count."""
    depth, quoted = 0, False
    for found in _SIGNS.finditer(body):
        sign = found.group()
        if sign == b'"':
            quoted = not quoted
        elif quoted or sign[:1] == b"\\":
            continue
        elif sign in b"[{":
            depth += 1
            if depth > limit:
                return True
        else:
            depth -= 1
    return False


@dataclass
class Seal:
    """Secrets of this process: of the forms it sends out, and of the cookie that stands for the token."""

    key: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def of(self, text: str) -> str:
        """What only this process can make of a text."""
        return hmac.new(self.key, text.encode(), sha256).hexdigest()

    def fits(self, text: str, seal: str) -> bool:
        """Whether a seal is that of the text."""
        return bool(text) and hmac.compare_digest(self.of(text).encode(), seal.encode())


def cookies_of(scope: Scope) -> dict[str, str]:
    """The cookies of a request; none where they cannot be read."""
    raw = b"; ".join(value for name, value in scope["headers"] if name == b"cookie").decode("latin-1")
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(raw).items()}
    except CookieError:
        return {}


class Refused(Exception):
    """A request that goes no further: status, a short title, what to do."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(title)
        self.status, self.title, self.detail = status, title, detail


@dataclass
class Guard:
    """ASGI middleware around the whole application. `hosts`: names it answers to (without port); `origins`: other sites that may call."""

    app: ASGIApp
    hosts: tuple[str, ...] = LOCAL
    token: str | None = None
    origins: tuple[str, ...] = ()
    seal: Seal = field(default_factory=Seal)
    own_keys: tuple[str, ...] = ()
    """Paths that check a key of their own (the clinic's hooks)."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check, pass on, and put the protecting headers on whatever comes back; a fault of ours is told without a word of the request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        begun = False

        async def out(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                held = {name.lower() for name, _ in message["headers"]}
                extra = [(name.encode(), value.encode()) for name, value in HEADERS.items() if name.encode() not in held]
                if b"cache-control" not in held:
                    extra.append((b"cache-control", b"no-store"))
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        try:
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            self._host(scope, headers)
            self._origin(scope, headers)
            self._known(scope, headers)
            await self.app(scope, await self._body(scope, headers, receive), out)
        except Refused as refused:
            await _say(out, refused.status, refused.title, refused.detail)
        except Exception as error:
            place = error.__traceback__
            while place is not None and place.tb_next is not None:
                place = place.tb_next
            where = f"{place.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{place.tb_lineno}" if place is not None else "?"
            log.error("own fault: %s at %s", type(error).__name__, where)
            if not begun:
                await _say(out, 500, "Our own fault", f"{type(error).__name__} at {where}. Nothing of the request was kept.")

    def _host(self, scope: Scope, headers: Mapping[str, str]) -> None:
        named = [value for name, value in scope["headers"] if name == b"host"]
        host = headers.get("host", "")
        if len(named) != 1 or name_of(host) not in self.hosts:
            raise Refused(421, "Not a name of this service", "Call it by localhost, or by a name it was told with --allow-host.")

    def _origin(self, scope: Scope, headers: Mapping[str, str]) -> None:
        """What writes must come from this page: browsers say so themselves, and cannot be made to lie about it."""
        if scope["method"] in SAFE:
            return
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        own = origin is not None and urlsplit(origin).netloc == headers.get("host")
        if origin in self.origins and scope["path"].startswith(CALLED):
            return
        if site not in (None, "same-origin", "none") or (origin is not None and not own and (origin != "null" or site is None)):
            raise Refused(403, "Sent by another site", "Only this page may send here. Open it and send from there.")

    def _known(self, scope: Scope, headers: Mapping[str, str]) -> None:
        path: str = scope["path"]
        if self.token is None or any(path == place or (place.endswith("/") and path.startswith(place)) for place in OPEN):
            return
        if any(path.startswith(place) for place in self.own_keys):
            return
        given = headers.get("authorization", "")
        if given[:7].lower() == "bearer " and hmac.compare_digest(given[7:].strip().encode(), self.token.encode()):
            return
        if self.seal.fits(self.token, cookies_of(scope).get(COOKIE, "")):
            return
        raise Refused(
            401, "A token is needed",
            "Others than this machine can reach this service, and people's results are shown here; so it asks for its token: "
            "in the header `Authorization: Bearer ...`, or in a browser at /enter.",
        )  # fmt: skip

    async def _body(self, scope: Scope, headers: Mapping[str, str], receive: Receive) -> Receive:
        """The whole body within its limits, handed on in one piece."""
        if scope["method"] in ("GET", "HEAD"):
            return receive
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MAX_BODY:
            raise Refused(413, "Too much", f"At most {MAX_BODY:,} bytes.")
        body = bytearray()
        try:
            async with asyncio.timeout(BODY_SECONDS):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise Refused(400, "Broken off", "The connection ended before the request did.")
                    body += message.get("body", b"")
                    if len(body) > MAX_BODY:
                        raise Refused(413, "Too much", f"At most {MAX_BODY:,} bytes.")
                    if not message.get("more_body", False):
                        break
        except TimeoutError:
            raise Refused(408, "Too slow", f"A request is to arrive within {BODY_SECONDS:.0f} seconds.") from None
        kind = headers.get("content-type", "").split(";")[0].strip().lower()
        if body and scope["path"].startswith("/api/") and kind not in ("application/json", "application/fhir+json"):
            raise Refused(415, "Not JSON", "Send application/json.")
        if kind.endswith("json") and too_deep(bytes(body)):
            raise Refused(422, "Nested too deeply", f"At most {MAX_DEPTH} levels.")
        given: list[Message] = [{"type": "http.request", "body": bytes(body), "more_body": False}]

        async def again() -> Message:
            return given.pop() if given else await receive()

        return again


def name_of(host: str) -> str:
    """The name in a Host header, without its port; empty for what is not one."""
    found = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(?::\d{1,5})?", host)
    return found.group(1).lower() if found else ""


async def _say(send: Send, status: int, title: str, detail: str) -> None:
    body = problem_bytes(status, title, detail)
    kept = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": kept})
    await send({"type": "http.response.body", "body": body})
