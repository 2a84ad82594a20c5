"""The guard: names, senders, sizes, depth, tokens, headers. Anchored in what an attacker's page can make a browser do."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from corrin.errors import InputError
from corrin.shells.web.app import Serving, create_app
from corrin.shells.web.run import read_token
from corrin.shells.web.security import MAX_BODY, is_local, name_of, too_deep
from web_client import CASE, DRAWS, TestClient, send, token

PATHS = ("/", "/health", "/ready", "/diary", "/static/page.css", "/api/v1/openapi.json", "/answer/x", "/nowhere")
SCRIPT = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


@pytest.mark.parametrize("path", PATHS)
def test_a_foreign_name_is_refused_on_every_route(client: TestClient, path: str) -> None:
    for host in ("evil.example", "localhost.evil.example", "evil.example:8765", "", "localhost@evil.example", "127.0.0.1.nip.io"):
        assert client.get(path, headers={"host": host}).status_code == 421


@pytest.mark.parametrize("path", PATHS)
def test_headers_that_protect_stand_on_every_answer(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://localhost:9999"},
        {"origin": "null", "sec-fetch-site": "cross-site"},
    ],
)
def test_what_another_site_sends_is_refused(client: TestClient, headers: dict[str, str]) -> None:
    assert client.post("/api/v1/assess", json={"case": CASE}, headers=headers).status_code == 403
    assert client.post("/answer", data={"example": "turner2009"}, headers=headers).status_code == 403


def test_a_site_that_may_call_the_hooks_may_not_send_to_the_page(client: TestClient) -> None:
    app = create_app(Serving(draws=DRAWS))
    guard = next(item for item in app.user_middleware if item.cls.__name__ == "Guard")
    guard.kwargs["origins"] = ("https://records.example",)
    with TestClient(app, base_url="http://localhost:8765") as other:
        headers = {"origin": "https://records.example", "sec-fetch-site": "cross-site"}
        assert other.post("/api/v1/assess", json={"case": CASE}, headers=headers).status_code == 403
        assert other.post("/answer", data={"example": "turner2009"}, headers=headers).status_code == 403


def test_a_form_needs_the_token_of_its_page(client: TestClient) -> None:
    answer = client.post("/answer", data={"age": "57", "token": "0" * 64}, follow_redirects=False)
    assert answer.status_code == 403
    assert 'value="57"' in answer.text  # nothing that was typed is lost
    other = TestClient(client.app, base_url="http://localhost:8765")
    assert other.post("/answer", data={"example": "turner2009", "token": token(client)}, follow_redirects=False).status_code == 403


def test_a_form_cannot_be_sent_to_the_api(client: TestClient) -> None:
    assert client.post("/api/v1/assess", content=json.dumps({"case": CASE}), headers={"content-type": "text/plain"}).status_code == 415


def test_sizes_and_depths_are_limited(client: TestClient) -> None:
    assert (
        client.post(
            "/api/v1/claim", content=b'{"text": "' + b"a" * MAX_BODY + b'"}', headers={"content-type": "application/json"}
        ).status_code
        == 413
    )
    for deep in (b'{"a":' * 20000 + b"1" + b"}" * 20000, b"[" * 2_000_000):
        answer = client.post("/api/v1/assess", content=deep, headers={"content-type": "application/json"})
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
    assert client.post("/api/v1/assess", content=b"{", headers={"content-type": "application/json"}).status_code == 422


def test_depth_counts_brackets_and_not_text() -> None:
    assert not too_deep(json.dumps({"a": "[" * 1000, 'b"': '\\"{' * 100}).encode())
    assert too_deep(b"[" * 65)
    assert not too_deep(b"[" * 64)


def test_a_path_leads_nowhere_else(client: TestClient) -> None:
    for path in (
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/answer/..%2f..%2fetc",
        "/api/v1/explain/..%2f..%2fetc%2fpasswd",
    ):
        answer = client.get(path)
        assert answer.status_code in (404, 422)
        assert "import" not in answer.text
    for plan in ("/etc/passwd", "pyproject.toml", "../case.json"):
        answer = client.post("/api/v1/forecast", json={"case": CASE, "plans": [plan]})
        assert answer.status_code == 422
        assert "is not a built-in plan" in answer.json()["detail"]
    for document in ("/etc/passwd", "pyproject.toml"):
        answer = send(client, "/answer", {"document": document})
        assert answer.status_code == 422
        assert "root:" not in answer.text


def test_script_in_every_field_stays_text(client: TestClient) -> None:
    page = client.get("/").text
    import re

    names = set(re.findall(r'name="([\w]+)"', page)) - {"token", "example", "file"}
    assert len(names) > 60
    answer = send(client, "/answer", dict.fromkeys(names, SCRIPT))
    assert answer.status_code == 422
    assert "<script>alert" not in answer.text
    assert "<img src=x" not in answer.text
    case = {
        **CASE,
        "id": None,
        "note": SCRIPT,
        "citation": SCRIPT,
        "history": {"other_drugs": [SCRIPT[:150]], "other_conditions": [SCRIPT[:150]]},
    }
    case = {key: value for key, value in case.items() if value is not None}
    seen = send(client, "/answer", {"document": json.dumps(case)})
    assert seen.status_code == 303
    for view in ("plain", "clinician", SCRIPT):
        text = client.get(seen.headers["location"], params={"view": view}).text
        assert "<script>alert" not in text
        assert "<img src=x" not in text


def test_no_page_holds_a_script_or_style_of_its_own(client: TestClient) -> None:
    import re

    for path in ("/", "/diary", "/enter", "/nowhere", "/number/mma"):
        text = client.get(path, headers={"accept": "text/html"}).text
        assert re.findall(r"<script(?![^>]*\bsrc=)", text) == []
        assert "<style" not in text
        assert not re.search(r"\son\w+=|\sstyle=", text)


def test_beyond_this_machine_a_token_is_demanded(tmp_path, monkeypatch) -> None:
    secret = "a-token-of-many-signs"
    served = TestClient(
        create_app(Serving(host="0.0.0.0", hosts=("clinic.local",), token=secret, draws=DRAWS)), base_url="http://clinic.local"
    )
    assert served.get("/health").status_code == 200
    refused = served.get("/")
    assert refused.status_code == 401
    assert "Others than this machine can reach this service" in refused.json()["detail"]
    assert served.get("/", headers={"authorization": f"Bearer {secret}"}).status_code == 200
    assert served.get("/", headers={"authorization": "Bearer wrong"}).status_code == 401
    assert served.post("/enter", data={"given": "wrong", "token": token(served, "/enter")}).status_code == 403
    assert served.post("/enter", data={"given": secret, "token": token(served, "/enter")}, follow_redirects=False).status_code == 303
    assert served.get("/").status_code == 200
    monkeypatch.delenv("CORRIN_TOKEN", raising=False)
    assert read_token(None) is None
    (tmp_path / "token").write_text("short")
    with pytest.raises(InputError, match="at least 16"):
        read_token(tmp_path / "token")


def test_the_command_refuses_to_listen_beyond_this_machine_without_one() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "corrin", "serve", "--host", "0.0.0.0", "--port", "0"], capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 2
    assert "no token is set" in ran.stderr
    assert "People's results are shown here" in ran.stderr


def test_names_of_hosts() -> None:
    assert [name_of(host) for host in ("localhost:8765", "[::1]:80", "LOCALHOST", "a b", "x:y", "user@localhost")] == [
        "localhost",
        "[::1]",
        "localhost",
        "",
        "",
        "",
    ]
    assert [is_local(host) for host in ("127.0.0.1", "::1", "localhost", "127.8.8.8", "0.0.0.0", "192.168.1.2", "example.org")] == [
        True
    ] * 4 + [False] * 3


def test_a_fault_of_ours_says_nothing_of_the_request(client: TestClient, monkeypatch, caplog) -> None:
    from corrin.shells.web import form

    def broken(values):
        raise RuntimeError(f"secret {values['age']}")

    monkeypatch.setattr(form, "read_form", broken)
    answer = send(client, "/check", {"age": "57 and a name"})
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text + caplog.text
    assert "57 and a name" not in answer.text + caplog.text
