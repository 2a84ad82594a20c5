"""Logs for a machine to read: one JSON object a line, and of a request only its method, the route it matched, status and time.

No path, query, header, body or address stands in a line, for any of them may tell who somebody is. Off unless `CORRIN_LOG=json`.
"""

from __future__ import annotations

import datetime
import json
import logging
import os
import sys
import time
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

VARIABLE = "CORRIN_LOG"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
log = logging.getLogger("corrin.access")


class JsonLines(logging.Formatter):
    """A record as one line of JSON. Of an exception only its kind: a message may hold a value."""

    def format(self, record: logging.LogRecord) -> str:
        """Time (UTC), level, logger, message, and the fields of an access."""
        made: dict[str, Any] = {
            "time": datetime.datetime.fromtimestamp(record.created, datetime.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0] is not None:
            made["exception"] = record.exc_info[0].__name__
        return json.dumps(made | getattr(record, "access", {}), ensure_ascii=True)


def wanted() -> bool:
    """Whether the environment asks for structured logs."""
    return os.environ.get(VARIABLE, "").strip().lower() == "json"


def structured() -> None:
    """All logs of this process as JSON lines on stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


class Access:
    """ASGI middleware that logs each request by the pattern of its route (`/cds-services/{service_id}`), never by its path."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and log when the answer is complete or has failed."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 500

        async def out(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, out)
        finally:
            pattern = getattr(scope.get("route"), "path", None)
            method = scope["method"] if scope["method"] in METHODS else "other"
            took = round(1000.0 * (time.perf_counter() - begun), 1)
            fields = {"method": method, "route": pattern if isinstance(pattern, str) else "none", "status": status, "ms": took}
            log.info("request", extra={"access": fields})
