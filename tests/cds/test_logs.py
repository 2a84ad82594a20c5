"""A log line tells what was called and how it went, and of whom nothing."""

from __future__ import annotations

import json
import logging

import pytest
from starlette.types import Receive, Scope, Send

import fhir_bundles as fhir
from cds_calls import VIEW, app_with, body, record, send
from corrin.shells.logs import Access, JsonLines, wanted


def test_a_request_is_logged_by_its_route_alone(caplog: pytest.LogCaptureFixture) -> None:
    app = app_with()
    app.add_middleware(Access)
    with caplog.at_level(logging.INFO, logger="corrin.access"):
        send(app, "POST", f"/cds-services/{VIEW}?patient=Invented", json=body(record(fhir.medicine("A10BA02"))))
        send(app, "GET", "/people/Invented?born=1950")
    rows = [json.loads(JsonLines().format(item)) for item in caplog.records if item.name == "corrin.access"]
    assert [(row["method"], row["route"], row["status"]) for row in rows] == [
        ("POST", "/cds-services/{service_id}", 200),
        ("GET", "none", 404),
    ]
    assert all(row["ms"] >= 0 for row in rows)
    assert "Invented" not in json.dumps(rows)
    assert set(rows[0]) == {"time", "level", "logger", "message", "method", "route", "status", "ms"}


def test_an_exception_is_logged_by_its_kind() -> None:
    try:
        raise ValueError("Mrs Invented")
    except ValueError:
        import sys

        record = logging.LogRecord("corrin", logging.ERROR, __file__, 1, "failed", (), sys.exc_info())
    line = JsonLines().format(record)
    assert "\n" not in line
    assert json.loads(line)["exception"] == "ValueError"
    assert "Invented" not in line


def test_what_is_no_request_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    import asyncio

    async def nothing(*_: object) -> None:
        return None

    asyncio.run(Access(app)({"type": "lifespan"}, nothing, nothing))  # type: ignore[arg-type]
    assert seen == ["lifespan"]
    monkeypatch.setenv("CORRIN_LOG", "JSON")
    assert wanted()
    monkeypatch.delenv("CORRIN_LOG")
    assert not wanted()
