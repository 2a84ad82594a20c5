"""The HTTP API: the library's own answers, typed errors, work that is followed and stopped."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import corrin
from corrin.shells.web.app import Serving, create_app
from corrin.shells.web.work import Engine, Full, Gone
from web_client import BUNDLE, CASE, DRAWS, TestClient


def test_answers_are_those_of_the_library(client: TestClient) -> None:
    case = corrin.read_case(CASE)
    assert client.post("/api/v1/assess", json={"case": CASE}).json() == corrin.assess(case).to_dict()
    text = "A homocysteine above 15 nmol/L is high."
    assert client.post("/api/v1/claim", json={"text": text}).json() == corrin.claim(text).to_dict()
    foods = "milk 250 ml daily"
    assert (
        client.post("/api/v1/diet", json={"foods": foods, "age_y": 40, "sex": "female"}).json()
        == corrin.diet(foods, age_y=40, sex="female").to_dict()
    )
    assert client.get("/api/v1/explain/mma").json() == corrin.explain("mma").to_dict()
    assert client.post("/api/v1/assess", json={"case": BUNDLE}).json()["person"]["sex"] == "female"


@pytest.mark.parametrize(
    ("path", "body", "kind", "said"),
    [
        ("assess", {"case": {**CASE, "labs": [{"analyte": "mma", "value": 1, "unit": "mmHg", "date": "0"}]}}, "input", "unit"),
        ("assess", {"case": {"format": "corrin.case/1"}}, "input", "person"),
        ("assess", {"case": CASE, "guides": ["nobody"]}, "input", "nobody"),
        ("assess", {"case": CASE, "extra": 1}, "input", "extra"),
        ("forecast", {"case": {**CASE, "person": {"age_y": 9}}}, "not-covered", "16"),
        ("forecast", {"case": CASE, "draws": 10**9}, "input", "draws"),
        ("forecast", {"case": CASE, "years": 1000}, "input", "years"),
        ("forecast", {"case": CASE, "plans": ["oral-1000-dialy"]}, "input", "oral-1000-daily"),
        ("delay", {"case": CASE, "months": [-1]}, "input", "months"),
    ],
)
def test_errors_are_problem_details(client: TestClient, path: str, body: dict, kind: str, said: str) -> None:
    answer = client.post(f"/api/v1/{path}", json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    held = answer.json()
    assert held["type"] == f"urn:corrin:problem:{kind}"
    assert said in json.dumps(held)


def test_the_messages_are_those_of_the_command_line(client: TestClient) -> None:
    bad = {**CASE, "labs": [{"analyte": "serum_b12", "value": 20500000, "unit": "pg/mL", "date": "0"}]}
    with pytest.raises(corrin.InputError) as raised:
        corrin.read_case(bad)
    assert client.post("/api/v1/assess", json={"case": bad}).json()["detail"] == str(raised.value)


def test_a_forecast_is_work_that_ends_in_the_answer(client: TestClient) -> None:
    asked = client.post("/api/v1/forecast", json={"case": CASE, "plans": ["oral-1000-daily"], "draws": 20, "years": 0.5})
    assert asked.status_code == 202
    address = asked.headers["location"]
    with client.stream("GET", f"{address}/events") as events:
        assert events.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in events.iter_lines() if line]
    assert lines[-2] == "event: end"
    held = client.get(address).json()
    assert held["state"] == "done"
    assert held["answer"]["format"] == "corrin.answer/1"
    assert held["answer"]["made"]["draws"] == 20
    assert client.get("/api/v1/work/unknown").status_code == 404


def test_the_queue_has_a_limit_and_work_can_be_stopped() -> None:
    engine, go = Engine(waiting=2), threading.Event()

    def slow(tell):
        for step in range(200):
            tell("waiting", step / 200)
            if go.wait(0.02):
                return "done"
        return "late"

    first, second = engine.submit("a", slow), engine.submit("b", slow)
    with pytest.raises(Full):
        engine.submit("c", slow)
    second.stop()
    first.stop()
    assert first.wait(5)
    assert second.wait(5)
    assert (first.state, second.state) == ("cancelled", "cancelled")
    go.set()
    third = engine.submit("c", slow)
    assert third.wait(5)
    assert third.found == "done"
    with pytest.raises(Gone):
        engine.get("nobody")
    engine.close()


@pytest.mark.slow
def test_work_that_is_stopped_ends_within_seconds(client: TestClient) -> None:
    """In the middle of learning, where no progress is told for seconds: the engine itself looks at the flag."""
    client.post("/api/v1/forecast", params={"wait": 20}, json={"case": CASE, "draws": 10, "years": 0.1, "plans": ["none"]})  # compiled
    asked = client.post("/api/v1/forecast", json={"case": CASE, "draws": 2000, "years": 20})
    address = asked.headers["location"]
    for _ in range(600):
        if client.get(address).json()["share"] > 0.04:
            break
        time.sleep(0.05)
    time.sleep(0.3)
    begun = time.monotonic()
    client.delete(address)
    assert client.get(address, params={"wait": 20}).json()["state"] == "cancelled"
    assert time.monotonic() - begun < 6.0  # one or two where nothing else runs


def test_work_of_a_page_nobody_looks_at_is_stopped_and_begun_again(monkeypatch) -> None:
    from corrin.shells.web import desk

    app = create_app(Serving(draws=DRAWS))
    with TestClient(app, base_url="http://localhost:8765"):
        held, go = app.state.desk, threading.Event()
        monkeypatch.setattr(type(held), "_people", lambda self, visit, tell: [tell("slow", 0.1) for _ in iter(lambda: go.wait(0.02), True)])
        visit = held.open(corrin.read_case(CASE))
        visit.touched -= desk.ABANDONED_SECONDS + 1.0
        assert visit.job.wait(10)
        assert visit.job.state == "cancelled"
        first = visit.job
        assert held.get(visit.id).job is not first
        visit.job.stop()
        assert visit.job.wait(10)


def test_a_full_queue_is_said_and_the_page_still_answers() -> None:
    app = create_app(Serving(waiting=1, draws=20))
    hold = threading.Event()
    with TestClient(app, base_url="http://localhost:8765") as client:
        app.state.engine.submit("busy", lambda tell: hold.wait(20))
        answer = client.post("/api/v1/forecast", json={"case": CASE, "draws": 20})
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert client.get("/ready").status_code == 503
        begun = time.monotonic()
        assert client.post("/api/v1/assess", json={"case": CASE}).status_code == 200
        assert time.monotonic() - begun < 5.0
        hold.set()


def test_assess_never_loads_the_engine() -> None:
    program = (
        "import sys; from web_client import TestClient; from corrin.shells.web.app import create_app\n"
        f"c = TestClient(create_app(), base_url='http://localhost'); case = {CASE!r}\n"
        "assert c.post('/api/v1/assess', json={'case': case}).status_code == 200\n"
        "assert c.get('/').status_code == 200 and c.get('/api/v1/openapi.json').status_code == 200\n"
        "bad = {'numba', 'scipy', 'jax', 'altair', 'vl_convert'} & set(sys.modules); assert not bad, bad"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, cwd=Path(__file__).parents[1])
    assert ran.returncode == 0, ran.stderr
