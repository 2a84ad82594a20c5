"""What an attacker sends by hand, past every client library: to a running service, over a bare socket."""

from __future__ import annotations

import json
import re
import socket
import time
from urllib.parse import urlsplit

import pytest

from web_client import CASE, TestClient, send

HEAD = b"Host: localhost\r\nConnection: close\r\n"
JSON = b"Content-Type: application/json\r\n"
BREAK = "\r\nX-Injected: yes\r\n\r\n<script>alert(1)</script>"


def told(service: str, sent: bytes, seconds: float = 30.0) -> bytes:
    """Everything that comes back until the connection ends; nothing where it is broken off."""
    port = urlsplit(service).port
    assert port is not None
    found = b""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as line:
        try:
            line.sendall(sent)
            while part := line.recv(65536):
                found += part
        except (ConnectionResetError, BrokenPipeError):
            pass
    return found


def status(answer: bytes) -> int:
    """The status, or 0 where the connection ended without an answer."""
    return int(answer.split(b" ", 2)[1]) if answer else 0


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", {400}),
        (b"GET / HTTP/1.0\r\n\r\n", {421}),
        (b"GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", {421}),
        (b"GET / HTTP/1.1\r\nHost: localhost.\r\nConnection: close\r\n\r\n", {421}),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Host: evil.example\r\nConnection: close\r\n\r\n", {200}),
        (b"POST /answer HTTP/1.1\r\n" + HEAD + b"Origin: null\r\nContent-Length: 0\r\n\r\n", {403}),
        (b"POST /answer HTTP/1.1\r\n" + HEAD + b"Origin: null\r\nSec-Fetch-Site: cross-site\r\nContent-Length: 0\r\n\r\n", {403}),
        (b"POST /answer HTTP/1.1\r\n" + HEAD + b"Origin: http://localhost:1\r\nContent-Length: 0\r\n\r\n", {403}),
        (b"POST /api/v1/claim HTTP/1.1\r\n" + HEAD + JSON + b"Content-Length: 1\r\nContent-Length: 5\r\n\r\n{", {400}),
        (b"POST /api/v1/claim HTTP/1.1\r\n" + HEAD + JSON + b"Content-Length: 99999999\r\n\r\n", {413}),
        (b"POST /api/v1/claim HTTP/1.1\r\n" + HEAD + JSON + b"Content-Length: -1\r\n\r\n", {400}),
        (b"GET / HTTP/1.1\r\n" + HEAD + b"X: " + b"a" * 3_000_000 + b"\r\n\r\n", {0, 400, 431}),
    ],
)  # fmt: skip
def test_a_request_made_by_hand_is_refused(service: str, sent: bytes, expected: set[int]) -> None:
    assert status(told(service, sent)) in expected


def test_a_body_in_pieces_has_the_same_limit(service: str) -> None:
    piece = b"%x\r\n" % 65536 + b"a" * 65536 + b"\r\n"
    answer = told(service, b"POST /api/v1/claim HTTP/1.1\r\n" + HEAD + JSON + b"Transfer-Encoding: chunked\r\n\r\n" + piece * 80)
    assert status(answer) in (0, 413)


@pytest.mark.parametrize(
    "path",
    [
        b"/static/%2e%2e/app.py", b"/static/%2e%2e%2f%2e%2e%2fapp.py", b"/static/..%5capp.py", b"/static//etc/passwd",
        b"/static/vega/../../app.py", b"/answer/%00", b"/answer/x/save/..%2f..%2fetc%2fpasswd", b"/number/%0d%0aX-Injected:%20yes",
        b"/api%2fv1%2f..%2fstatic/page.css", b"//evil.example/",
    ],
)  # fmt: skip
def test_tricks_in_a_path_lead_nowhere(service: str, path: bytes) -> None:
    answer = told(service, b"GET " + path + b" HTTP/1.1\r\n" + HEAD + b"\r\n")
    assert status(answer) in (400, 404, 422)
    assert b"import " not in answer
    assert b"root:" not in answer
    assert b"\nx-injected" not in answer.lower()


@pytest.mark.parametrize(
    "deep", ["[" * 200_000, '{"a":' * 100_000, '{"resourceType": "Bundle", "x":' + "[" * 100_000, "a = " + "[" * 100_000]
)
def test_depth_in_a_form_or_a_file_is_a_fault_of_the_sender(client: TestClient, deep: str) -> None:
    """It is no JSON body that the guard could count, so the reader of cases must bear it."""
    for answer in (
        send(client, "/answer", {"document": deep}),
        send(client, "/answer", {}, files={"file": ("case.json", deep, "application/json")}),
        send(client, "/diary", {"do": "save", "diary": deep}),
    ):
        assert answer.status_code == 422


def test_a_file_name_is_never_used(client: TestClient) -> None:
    name = f'../../x"{BREAK}'
    answer = send(client, "/answer", {}, files={"file": (name, "no case", "application/json")})
    assert answer.status_code == 422
    assert "x-injected" not in answer.headers
    assert "alert(1)" not in answer.text


def test_nothing_typed_reaches_a_header_or_a_calendar(client: TestClient) -> None:
    case = {**CASE, "person": {"age_y": 40}, "note": BREAK}
    base = send(client, "/answer", {"document": json.dumps(case)}).headers["location"]
    saved = client.get(f"{base}/save/case.json")
    assert saved.headers["content-disposition"] == 'attachment; filename="corrin-case.json"'
    assert "x-injected" not in saved.headers
    for field in ("product", "dose_ug", "every_days", "stop_months"):
        send(client, f"{base}/plan", {"product": "cyanocobalamin-oral", "dose_ug": "50", "every_days": "7", field: BREAK})
    send(client, f"{base}/plan", {"product": "cyanocobalamin-oral", "dose_ug": "50", "every_days": "7", "name": BREAK, "title": BREAK})
    calendar = client.get(f"{base}/save/plan.ics").text
    assert "Injected" not in calendar
    assert all(re.match(r"[A-Z][A-Z-]*[:;]| ", line) for line in calendar.split("\r\n")[:-1])
    assert client.get(f"{base}/save/plan.ics", params={"start": BREAK}).status_code == 422
    send(client, f"{base}/forget", {})


@pytest.mark.slow
def test_slow_callers_are_hung_up_on(service: str) -> None:
    """No head: cut off. A second head on a line that already had an answer: cut off. A body that does not come: 408."""
    port = urlsplit(service).port
    assert port is not None
    begun = time.monotonic()
    lines = [socket.create_connection(("127.0.0.1", port), timeout=60) for _ in range(3)]
    silent, later, half = lines
    try:
        half.sendall(b"POST /api/v1/assess HTTP/1.1\r\nHost: localhost\r\n" + JSON + b"Content-Length: 100\r\n\r\n{")
        later.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert later.recv(1000).startswith(b"HTTP/1.1 200")
        later.sendall(b"GET /heal")
        assert silent.recv(100) == b""
        while later.recv(1000):
            pass
        assert half.recv(100).startswith(b"HTTP/1.1 408")
        assert time.monotonic() - begun < 50.0
    finally:
        for line in lines:
            line.close()
