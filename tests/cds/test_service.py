"""The service as CDS Hooks 2.0 describes it: discovery, calls, feedback, browsers; and that only what answers at once is loaded."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from typing import Any

import pytest

import fhir_bundles as fhir
from cds_calls import BASE, ORDER, TODAY, VIEW, app_with, ask, body, order, record, searchset, send, topics
from corrin.answers.assess import DISCLAIMER
from corrin.facts import reader as facts
from corrin.shells.cds import Clinic
from corrin.shells.cds.cards import OVERRIDES, TOPICS

METFORMIN = fhir.medicine("A10BA02", authoredOn="2018-01-01")
LOW = fhir.lab("2132-9", 150, "pg/mL", "2024-12-01")
GAIT = fhir.condition("R26.0", "http://hl7.org/fhir/sid/icd-10-cm")
CALLS: list[tuple[Any, tuple[Any, ...]]] = [
    ({}, ()), (record(), ()), (record(METFORMIN), ()), (record(METFORMIN, LOW), ()), (record(METFORMIN, GAIT), ()),
    *((record(METFORMIN, LOW), (order(code),)) for code in ("A10BA02", "A02BC01", "N01AX13", "B03BB01", "B03BA01")),
    (None, (order("B03BB01"),)),
]  # fmt: skip


def services() -> list[dict[str, Any]]:
    response = send(app_with(), "GET", "/cds-services")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    found: list[dict[str, Any]] = response.json()["services"]
    return found


def no_nulls(part: Any) -> bool:
    """No null and nothing empty anywhere."""
    if isinstance(part, dict):
        return bool(part) and all(no_nulls(value) for value in part.values())
    return bool(part) and all(map(no_nulls, part)) if isinstance(part, list) else part not in (None, "")


def test_discovery_describes_each_service() -> None:
    found = services()
    assert [(row["id"], row["hook"]) for row in found] == [(VIEW, "patient-view"), (ORDER, "order-select")]
    for row in found:
        assert all(isinstance(row[key], str) and row[key] for key in ("hook", "title", "description", "id", "usageRequirements"))
    assert no_nulls(found)


def test_prefetch_asks_by_equality_for_codes_of_the_table() -> None:
    known = {row.code for row in facts.codes() if row.source == "LOINC"}
    for row in services():
        for key, query in row["prefetch"].items():
            assert isinstance(query, str)
            tokens = [part.split("}}")[0] for part in query.split("{{")[1:]]
            assert tokens == ["context.patientId"], "only root-level fields with a plain value"
            assert not any(sign in query for sign in (":", "_include", "_has") if sign != ":") or key
            if key == "observations":
                codes = query.split("code=")[1].split("&")[0].split(",")
                assert {code.removeprefix("http://loinc.org|") for code in codes} <= known
                assert "http://loinc.org|2132-9" in codes


@pytest.mark.parametrize(("prefetch", "orders"), CALLS)
def test_every_card_has_the_shape_of_the_specification(prefetch: Any, orders: tuple[Any, ...]) -> None:
    cards = ask(prefetch, *orders)
    assert len(cards) <= 3, "a few cards, not a page"
    for card in cards:
        uuid.UUID(card["uuid"])
        assert 0 < len(card["summary"]) < 140
        assert card["indicator"] in ("info", "warning", "critical")
        assert card["source"]["label"]
        assert card["source"].get("url", "https://").startswith("https://")
        assert card["source"]["topic"]["code"] in TOPICS
        assert card["detail"].endswith(DISCLAIMER)
        assert all(set(row) == {"code", "system", "display"} for row in card["overrideReasons"])
        for link in card["links"]:
            assert (link["type"], link["url"]) == ("absolute", "http://127.0.0.1:8765/")
            assert "appContext" not in link
        assert ("suggestions" in card) == ("selectionBehavior" in card)
        for suggestion in card.get("suggestions", ()):
            uuid.UUID(suggestion["uuid"])
            for action in suggestion["actions"]:
                assert action["type"] == "create"
                assert action["description"]
                resource = action["resource"]
                assert (resource["resourceType"], resource["status"], resource["intent"]) == ("ServiceRequest", "draft", "proposal")
                assert resource["subject"] == {"reference": "Patient/p1"}
                assert "id" not in resource
        assert no_nulls(card)
    if cards:
        assert len({card["uuid"] for card in cards}) == len(cards)


def test_no_guidance_is_an_empty_list() -> None:
    assert ask(record(fhir.lab("2132-9", 480, "pg/mL", "2024-12-01"))) == []
    assert ask(record(), order("N02BF02")) == [], "a drug that has nothing to do with B12"


def test_it_loads_nothing_heavy() -> None:
    """Discovery and a call in a fresh interpreter: no engine, no inference, no numba, no SciPy, no NumPy-heavy table."""
    code = (
        "import sys; sys.path.insert(0, 'tests'); import cds_calls as c, fhir_bundles as f;"
        "c.send(c.app_with(), 'GET', '/cds-services');"
        "assert c.ask(c.record(f.medicine('A10BA02', authoredOn='2018-01-01'), f.lab('2132-9', 150, 'pg/mL', '2024-12-01')));"
        "bad = [m for m in sys.modules if m.split('.')[0] in ('numba', 'scipy', 'jax')"
        " or m.startswith(('corrin.engine', 'corrin.inference', 'corrin.body'))];"
        "assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_the_fhir_server_is_never_called(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    app = app_with()
    send(app, "GET", "/cds-services")

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    call = body(None, fhirServer="http://records.example/fhir", fhirAuthorization={"access_token": "secret", "token_type": "Bearer"})
    response = send(app, "POST", f"/cds-services/{VIEW}", json=call)
    assert response.status_code == 200
    (card,) = response.json()["cards"]
    assert topics([card]) == ["missing"]
    assert "secret" not in response.text
    assert "Not sent" in card["detail"]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"hook": "order-sign"}, 400), ({"hook": None}, 400), ({"hookInstance": "not one"}, 400), ({"context": {}}, 400),
        ({"context": {"userId": "Practitioner/1", "patientId": "../../etc"}}, 400), ({"context": {"userId": 3, "patientId": "p1"}}, 400),
        ({"prefetch": []}, 400), ({"prefetch": "x"}, 400), ({"prefetch": None}, 200), ({"extension": {"any": 1}}, 200),
        ({"fhirServer": None, "fhirAuthorization": None}, 200),
    ],
)  # fmt: skip
def test_the_call_is_checked(change: dict[str, Any], status: int) -> None:
    response = send(app_with(), "POST", f"/cds-services/{VIEW}", json=body({}) | change)
    assert response.status_code == status, response.text
    if status != 200:
        assert response.headers["content-type"] == "application/problem+json"
        assert set(response.json()) == {"type", "title", "status", "detail"}


def test_order_select_needs_its_own_context() -> None:
    call = body({}, order("B03BB01"))
    for name in ("selections", "draftOrders", "userId"):
        short = call | {"context": {key: value for key, value in call["context"].items() if key != name}}
        assert send(app_with(), "POST", f"/cds-services/{ORDER}", json=short).status_code == 400
    assert send(app_with(), "POST", f"/cds-services/{VIEW}", json=call).status_code == 400


def test_what_is_not_there_is_said_so() -> None:
    app = app_with()
    assert send(app, "POST", "/cds-services/another", json=body({})).status_code == 404
    assert send(app, "POST", "/cds-services/another/feedback", json={"feedback": []}).status_code == 404
    assert send(app, "GET", f"/cds-services/{VIEW}").status_code == 405


# --- feedback ----------------------------------------------------------------------------------------------------------------


def outcome(card: str, outcome: str = "overridden", **more: Any) -> dict[str, Any]:
    return {"card": card, "outcome": outcome, "outcomeTimestamp": "2025-01-01T10:00:00Z", **more}


def test_feedback_is_counts_and_nothing_else() -> None:
    app = app_with()
    (card,) = send(app, "POST", f"/cds-services/{VIEW}", json=body(record(METFORMIN))).json()["cards"]
    reason = {"reason": {"code": "later", "system": "urn:corrin:cds-override"}, "userComment": "Mrs Invented was in a hurry"}
    said = [outcome(card["uuid"], overrideReason=reason), outcome("unheard-of", "accepted", acceptedSuggestions=[{"id": "x"}]),
            outcome(card["uuid"], overrideReason={"reason": {"code": "Mrs Invented", "system": "s"}})]  # fmt: skip
    assert send(app, "POST", f"/cds-services/{VIEW}/feedback", json={"feedback": said}).status_code == 200
    counts = send(app, "GET", f"/cds-services/{VIEW}/feedback").json()["counts"]
    rows = {(row["topic"], row["outcome"], row["reason"]): row["count"] for row in counts}
    assert rows == {("metformin", "shown", ""): 1, ("metformin", "overridden", "later"): 1, ("metformin", "overridden", "other"): 1,
                    ("unknown", "accepted", ""): 1}  # fmt: skip
    assert "Invented" not in json.dumps(counts)
    assert "later" in OVERRIDES


@pytest.mark.parametrize("said", [{}, {"feedback": []}, {"feedback": [{}]}, {"feedback": [outcome("c", "ignored")]}, {"feedback": 3}])
def test_feedback_of_another_shape_is_refused(said: Any) -> None:
    assert send(app_with(), "POST", f"/cds-services/{VIEW}/feedback", json=said).status_code == 400


# --- browsers ----------------------------------------------------------------------------------------------------------------


def test_no_web_page_may_call_unless_it_is_on_the_list() -> None:
    page = {"Origin": "https://records.example"}
    shut = send(app_with(), "GET", "/cds-services", headers=page)
    assert not any(name.startswith("access-control") for name in shut.headers)
    clinic = Clinic(origins=("https://records.example",), today=lambda: TODAY)
    for method, path in (("GET", "/cds-services"), ("OPTIONS", f"/cds-services/{VIEW}"), ("POST", f"/cds-services/{VIEW}")):
        let = send(app_with(clinic), method, path, headers=page, **({"json": body({})} if method == "POST" else {}))
        assert let.headers["access-control-allow-origin"] == "https://records.example"
        assert "access-control-allow-credentials" not in let.headers
        other = send(app_with(clinic), method, path, headers={"Origin": "https://elsewhere.example"})
        assert "access-control-allow-origin" not in other.headers
        assert other.headers["vary"] == "Origin"


def test_links_do_not_follow_the_name_it_was_called_by() -> None:
    response = send(app_with(), "POST", f"/cds-services/{VIEW}", json=body({}), headers={"Host": "attacker.example"})
    assert response.json()["cards"][0]["links"][0]["url"] == f"{BASE}/"


def test_cards_are_the_same_for_the_same_record() -> None:
    def said() -> list[Any]:
        return [(card["summary"], card["detail"]) for card in ask(record(METFORMIN, LOW))]

    assert said() == said()
    whole = record(METFORMIN, LOW)
    shuffled = dict(reversed(list(whole.items())))
    assert [card["summary"] for card in ask(shuffled)] == [card["summary"] for card in ask(whole)]
    assert searchset()["entry"] == []
