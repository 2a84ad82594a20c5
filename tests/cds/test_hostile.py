"""What a stranger may send: too much, too deep, misshapen, with script in it. An answer or a refusal, never a trace and never an echo."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

import fhir_bundles as fhir
from cds_calls import ORDER, VIEW, app_with, ask, body, order, record, send, shared
from corrin.shells.cds import service

SCRIPT = "<script>alert('x')</script>"
PATH = f"/cds-services/{VIEW}"
JSON = {"Content-Type": "application/json"}


def refused(content: bytes, status: int, headers: dict[str, str] | None = None, path: str = PATH) -> None:
    response = send(app_with(), "POST", path, content=content, headers=headers or JSON)
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == status
    assert "Traceback" not in response.text
    assert len(response.content) < 1000


def test_too_much_is_refused_before_it_is_read() -> None:
    refused(b'{"a": "' + b"x" * (service.MAX_BYTES + 1) + b'"}', 413)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 5_000 + "1" + "}" * 5_000, json.dumps({"prefetch": 1})[:-1] + ',"x":' + "[" * 60]
)
def test_too_deep_is_refused_before_it_is_built(text: str) -> None:
    refused(text.encode(), 400)


def test_brackets_in_text_are_no_depth() -> None:
    call = body(record(), extension={"note": '["' + "[{" * 500})
    assert send(app_with(), "POST", PATH, json=call).status_code == 200


@pytest.mark.parametrize(
    "content", [b"", b"null", b"[]", b"3", b"not json", b"\xff\xfe{}", b'{"hook": NaN}', b'{"hook": 1e999}', b'{"a": "\xff"}']
)
def test_what_is_no_call_is_refused(content: bytes) -> None:
    refused(content, 400)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_form_of_a_web_page_is_refused(kind: str) -> None:
    """What a browser sends without asking first is not read, so that no other page can post here."""
    refused(json.dumps(body({})).encode(), 415, {"Content-Type": kind} if kind else {"X": "1"})


def test_what_was_sent_is_never_repeated() -> None:
    bad = body({}) | {"hook": SCRIPT, "hookInstance": SCRIPT, "context": {"userId": SCRIPT, "patientId": SCRIPT, SCRIPT: 1}}
    response = send(app_with(), "POST", PATH, json=bad)
    assert response.status_code == 400
    assert "script" not in response.text
    other = send(app_with(), "POST", f"/cds-services/{SCRIPT}", json=body({}))
    assert other.status_code in (404, 405)
    assert "script" not in other.text


def test_script_in_every_text_of_a_record_stays_there() -> None:
    name = {"coding": [{"system": SCRIPT, "code": SCRIPT, "display": SCRIPT}], "text": SCRIPT}
    rows: list[Any] = [
        fhir.medicine("A10BA02", authoredOn="2018-01-01") | {"note": [{"text": SCRIPT}], "id": SCRIPT},
        fhir.condition("R26.0", "http://hl7.org/fhir/sid/icd-10-cm") | {"code": {"coding": [
            {"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "R26.0", "display": SCRIPT}], "text": SCRIPT}},
        fhir.condition("x") | {"code": name},
        fhir.lab("2132-9", 150, "pg/mL", "2024-12-01", method={"text": SCRIPT}, interpretation=[{"text": SCRIPT}]),
        fhir.lab("2132-9", 150, SCRIPT, "2024-12-02"),
        fhir.medicine("x") | {"medicationCodeableConcept": name},
        {"resourceType": "AllergyIntolerance", "patient": {"reference": "Patient/p1"}, "code": {"text": f"cyanocobalamin {SCRIPT}"}},
    ]  # fmt: skip
    whole = record(*rows)
    whole["patient"] |= {"name": [{"family": SCRIPT}], "address": [{"country": SCRIPT, "line": [SCRIPT]}]}
    for orders in ((), (order("B03BB01"), order("B03BA01", "d2")), (order("N01AX13", SCRIPT),)):
        cards = ask(whole, *orders)
        assert cards
        text = json.dumps(cards)
        assert "<script" not in text
        assert "alert(" not in text
        assert "Invented" not in text


def test_our_own_failure_holds_nothing_of_the_patient(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Any
) -> None:
    def fail(*_: Any) -> Any:
        raise ValueError("Mrs Invented, born 1950-05-17")

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(service, "cards", fail)
    with caplog.at_level(logging.DEBUG):
        response = send(app_with(), "POST", PATH, json=body(record()))
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert "Invented" not in response.text + caplog.text
    assert "1950" not in response.text + caplog.text


def test_nothing_is_logged_of_a_call(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="corrin"):
        ask(record(fhir.medicine("A10BA02", authoredOn="2018-01-01")))
    assert caplog.text == ""


texts = some.text(max_size=30) | some.sampled_from([SCRIPT, "../..", "\x00", "’ OR 1=1", "{{7*7}}", "a" * 500])
json_values = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(texts, inner, max_size=4),
    max_leaves=15,
)
NAMES = ["hook", "hookInstance", "context", "prefetch", "fhirServer", "fhirAuthorization", "extension"]


@settings(max_examples=60, deadline=None)
@given(some.dictionaries(some.sampled_from(NAMES), json_values, max_size=4), some.sampled_from([VIEW, ORDER, f"{VIEW}/feedback"]))
def test_any_json_is_answered_or_refused(change: dict[str, Any], path: str) -> None:
    response = send(shared(), "POST", f"/cds-services/{path}", json=body(record()) | change)
    assert response.status_code in (200, 400)


@settings(max_examples=30, deadline=None)
@given(json_values, json_values)
def test_any_draft_order_is_answered_or_refused(entry: Any, selections: Any) -> None:
    call = body(record(), order("B03BB01"))
    call["context"]["draftOrders"]["entry"].append({"resource": entry})
    assert send(shared(), "POST", f"/cds-services/{ORDER}", json=call).status_code in (200, 400)
    call["context"]["selections"] = selections
    assert send(shared(), "POST", f"/cds-services/{ORDER}", json=call).status_code in (200, 400)
