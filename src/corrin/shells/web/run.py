"""Starting and stopping the service: what it binds to, the token, slow callers, logs without a word of anybody."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
import threading
import webbrowser
from importlib.util import find_spec
from pathlib import Path

from corrin.errors import EnvironmentProblem, InputError

NEEDED = ("fastapi", "jinja2", "multipart", "uvicorn")
TOKEN, SHORTEST = "CORRIN_TOKEN", 16
HEAD_SECONDS = 10.0
"""How long a caller may take to send the head of a request."""


def run(host: str, port: int, open_page: bool, token_file: Path | None, hosts: tuple[str, ...], waiting: int, draws: int) -> None:
    """Serve until interrupted. Raises `CorrinError` where it cannot begin."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise EnvironmentProblem('The page needs the extra "web": pip install "corrin[web]".')
    import uvicorn
    from uvicorn.protocols.http.h11_impl import H11Protocol

    from corrin.shells import logs
    from corrin.shells.web.app import Serving, create_app
    from corrin.shells.web.security import is_local

    token = read_token(token_file)
    if not is_local(host) and token is None:
        raise InputError(
            "--host", f"{host} can be reached by other machines, and no token is set", f"{TOKEN} or --token-file with a token",
            "People's results are shown here; so whoever calls from elsewhere must know a secret.",
        )  # fmt: skip
    listening = bound(host, port)
    address, port = listening.getsockname()[:2]
    named = hosts if is_local(host) or address in ("0.0.0.0", "::") else (*hosts, f"[{address}]" if ":" in address else address)

    class Patient(H11Protocol):
        """Ends connections on which the head of a request, the first or a later one, does not arrive in time."""

        late: asyncio.TimerHandle | None = None

        def connection_made(self, transport: object) -> None:
            super().connection_made(transport)  # type: ignore[arg-type]
            self.late = self.loop.call_later(HEAD_SECONDS, self._hang_up)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            waits = (self.cycle is None or self.cycle.response_complete) and self.conn.trailing_data[0]
            if waits and self.late is None:
                self.late = self.loop.call_later(HEAD_SECONDS, self._hang_up)
            elif not waits and self.late is not None:
                self.late.cancel()
                self.late = None

        def _hang_up(self) -> None:
            if not self.transport.is_closing():
                self.transport.close()

    serving = Serving(host=host, port=port, hosts=named, token=token, waiting=waiting, draws=draws)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
    app = create_app(serving)
    if logs.wanted():
        logs.structured()
        app.add_middleware(logs.Access)
    config = uvicorn.Config(
        app, http=Patient, ws="none", access_log=False, log_config=None, log_level="warning", server_header=False,
        proxy_headers=False, limit_concurrency=200, timeout_keep_alive=15, timeout_graceful_shutdown=5, h11_max_incomplete_event_size=32768,
    )  # fmt: skip
    shown = f"http://{'localhost' if is_local(host) else host}:{port}/"
    sys.stderr.write(f"corrin: {shown}  (Ctrl-C stops it; nothing is stored)\n")
    if token is not None:
        sys.stderr.write("corrin: it asks for its token; browsers give it at /enter.\n")
    if open_page:
        threading.Timer(0.7, webbrowser.open, (shown,)).start()
    uvicorn.Server(config).run(sockets=[listening])


def read_token(file: Path | None) -> str | None:
    """The token of a file, or of `CORRIN_TOKEN`. Raises `InputError` for one that can be guessed."""
    origin = str(file) if file is not None else TOKEN
    try:
        text = file.read_text(encoding="utf-8").strip() if file is not None else os.environ.get(TOKEN, "").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("--token-file", f"{file} cannot be read", "a text file that holds the token") from error
    if not text and file is None:
        return None
    if len(text) < SHORTEST:
        raise InputError(
            origin,
            f"a token of {len(text)} characters",
            f"at least {SHORTEST}",
            "Make one: python -c 'import secrets; print(secrets.token_urlsafe())'",
        )
    return text


def bound(host: str, port: int) -> socket.socket:
    """A listening socket. Raises `EnvironmentProblem` where the port is taken."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError as error:
        raise EnvironmentProblem(
            f"{host} port {port} cannot be listened on: {error.strerror or error}. Try another with --port."
        ) from error
    return listening
