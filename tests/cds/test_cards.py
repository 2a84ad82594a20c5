"""What the cards say: the person of a guideline's own words, the same answer as `assess`, and what is not known."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

import fhir_bundles as fhir
from cds_calls import TODAY, ask, order, record, searchset, topics
from corrin.answers.assess import assess
from corrin.shells.cds.prefetch import KINDS
from corrin.shells.fhir import read_fhir

METFORMIN = fhir.medicine("A10BA02", authoredOn="2018-01-01")
GAIT = fhir.condition("R26.0", "http://hl7.org/fhir/sid/icd-10-cm")
B12_GIVEN = fhir.medicine("B03BA03", authoredOn="2024-06-01", dosageInstruction=[{"text": "1 mg every 3 months"}])
FOLATE, B12, NITROUS, PPI = "B03BB01", "B03BA01", "N01AX13", "A02BC01"


def b12(value: float, day: str) -> dict[str, Any]:
    return fhir.lab("2132-9", value, "pg/mL", day)


def only(cards: list[dict[str, Any]], topic: str) -> dict[str, Any]:
    (found,) = [card for card in cards if topics([card]) == [topic]]
    return found


# --- metformin -----------------------------------------------------------------------------------------------------------------


def test_metformin_without_a_test_proposes_one() -> None:
    card = only(ask(record(METFORMIN)), "metformin")
    assert "never tested" in card["summary"]
    (action,) = card["suggestions"][0]["actions"]
    assert action["resource"]["code"]["coding"][0]["code"] == "2132-9"
    assert card["source"]["url"].startswith("https://www.gov.uk/")


@pytest.mark.parametrize(("day", "shown"), [("2024-12-01", False), ("2023-02-01", False), ("2022-12-01", True), ("2015-01-01", True)])
def test_long_ago_is_two_years(day: str, shown: bool) -> None:
    assert ("metformin" in topics(ask(record(METFORMIN, b12(700, day))))) is shown


def test_nothing_is_claimed_about_results_that_were_not_sent() -> None:
    sent = {key: value for key, value in record(METFORMIN).items() if key != "observations"}
    cards = ask(sent)
    assert topics(cards) == ["missing"]
    assert "never" not in cards[0]["summary"]
    assert "laboratory results" in cards[0]["detail"]


def test_metformin_with_b12_given_needs_no_card() -> None:
    assert "metformin" not in topics(ask(record(METFORMIN, B12_GIVEN)))


def test_metformin_with_a_sign_weighs_more() -> None:
    numb = fhir.condition("91019004")
    assert only(ask(record(METFORMIN)), "metformin")["indicator"] == "info"
    assert only(ask(record(METFORMIN, numb)), "metformin")["indicator"] == "warning"


# --- red flags and likely deficiency -----------------------------------------------------------------------------------------


def test_a_red_flag_comes_first_and_no_result_lowers_it() -> None:
    for more in ((), (b12(900, "2024-12-20"), fhir.lab("13964-2", 120, "nmol/L", "2024-12-20"))):
        cards = ask(record(GAIT, *more))
        assert topics(cards)[0] == "red-flag"
        assert cards[0]["indicator"] == "critical"
        assert "without waiting" in cards[0]["summary"]


def test_samples_of_a_red_flag_are_urgent_drafts_of_what_was_not_measured() -> None:
    actions = ask(record(GAIT, b12(300, "2024-12-20")))[0]["suggestions"][0]["actions"]
    texts = [action["resource"]["code"]["text"] for action in actions]
    assert "serum vitamin B12" not in texts
    assert {"methylmalonic acid", "total homocysteine", "serum folate", "full blood count"} <= set(texts)
    assert {action["resource"]["priority"] for action in actions} == {"urgent"}


def test_likely_is_what_assess_says() -> None:
    rows = (b12(120, "2024-12-01"), fhir.lab("13964-2", 2100, "nmol/L", "2024-12-01"), fhir.lab("13965-9", 55, "umol/L", "2024-12-01"))
    whole = record(*rows)
    case, _ = read_fhir(fhir.bundle(fhir.patient(), *rows), as_of=TODAY, today=TODAY)
    found = assess(case).data["deficiency"]["function"]
    card = only(ask(whole), "likely")
    assert found["word"] in card["summary"]
    assert card["indicator"] == "warning"
    assert f"{100 * found['low']:.0f} %" in card["detail"] or "over 99 %" in card["detail"]


def test_a_low_result_alone_asks_for_the_next_test() -> None:
    card = only(ask(record(METFORMIN, b12(200, "2024-12-01"))), "likely")
    assert card["indicator"] == "info"
    assert "next test" in card["summary"]
    assert "likely" not in topics(ask(record(METFORMIN, b12(350, "2024-12-01")))), "no card for a result in the middle of the range"


def test_a_guideline_that_calls_it_deficient_is_named() -> None:
    card = only(ask(record(b12(150, "2024-12-01"))), "likely")
    assert "deficient" in card["detail"]
    assert card["indicator"] == "warning"


# --- orders --------------------------------------------------------------------------------------------------------------------


def test_folic_acid_alone() -> None:
    assert only(ask(record(), order(FOLATE)), "folate-alone")["indicator"] == "info"
    assert only(ask(record(b12(120, "2024-12-01")), order(FOLATE)), "folate-alone")["indicator"] == "warning"
    assert only(ask(None, order(FOLATE)), "folate-alone")["indicator"] == "info", "not even the patient is needed"
    assert "folate-alone" not in topics(ask(record(), order(FOLATE), order(B12, "d2")))
    assert "folate-alone" not in topics(ask(record(B12_GIVEN), order(FOLATE)))
    safe = record(b12(620, "2024-12-01"), fhir.lab("13964-2", 110, "nmol/L", "2024-12-01"))
    assert ask(safe, order(FOLATE)) == []


def test_only_what_was_chosen_speaks_and_all_drafts_count() -> None:
    both = (order(FOLATE, "a"), order(B12, "b"))
    assert topics(ask(record(), *both, chosen=["MedicationRequest/a"])) == []
    assert topics(ask(record(), *both, chosen=["MedicationRequest/b"])) == ["b12"]
    assert topics(ask(record(), order(FOLATE, "a"), chosen=["MedicationRequest/unheard-of"])) == ["folate-alone"]


def test_nitrous_oxide_while_b12_may_be_low() -> None:
    assert only(ask(record(b12(120, "2024-12-01")), order(NITROUS)), "nitrous-oxide")["indicator"] == "warning"
    assert only(ask(record(fhir.condition("84027009")), order(NITROUS)), "nitrous-oxide")["indicator"] == "warning"
    assert only(ask(record(METFORMIN), order(NITROUS)), "nitrous-oxide")["indicator"] == "info"
    safe = record(b12(620, "2024-12-01"), fhir.lab("13964-2", 110, "nmol/L", "2024-12-01"))
    assert ask(safe, order(NITROUS)) == []


def test_metformin_and_an_acid_blocker() -> None:
    assert topics(ask(record(), order("A10BA02"))) == ["metformin"]
    assert ask(record(b12(620, "2024-06-01")), order("A10BA02")) == []
    assert ask(record(), order(PPI)) == [], "common, and alone no reason to test"
    assert topics(ask(record(METFORMIN), order(PPI))) == ["acid"]


def test_before_b12_the_samples_and_the_safety_rules() -> None:
    assert only(ask(record(), order(B12)), "b12")["indicator"] == "info"
    allergic = {"resourceType": "AllergyIntolerance", "patient": {"reference": "Patient/p1"}, "code": {"text": "cyanocobalamin"}}
    card = only(ask(record(allergic), order(B12)), "b12")
    assert card["indicator"] == "warning"
    assert "safety rule" in card["summary"]


# --- partial, missing and strange prefetch ---------------------------------------------------------------------------------------

OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "forbidden"}]}


def test_an_operation_outcome_is_something_missing() -> None:
    for held in (OUTCOME, searchset(OUTCOME), None):
        cards = ask(record(METFORMIN) | {"observations": held})
        assert topics(cards) == ["missing"]
        assert "laboratory results" in cards[0]["detail"]


def test_a_page_of_several_is_named() -> None:
    paged = record(METFORMIN)
    paged["medications"] |= {"link": [{"relation": "next", "url": "https://records.example/next"}]}
    assert "first page" in only(ask(paged), "metformin")["detail"]


def test_another_patient_is_not_read() -> None:
    cards = ask(record(METFORMIN, GAIT) | {"patient": fhir.patient("another")})
    assert topics(cards) == ["missing"]
    assert "not the one of the context" in cards[0]["detail"]


def test_what_is_about_somebody_else_does_not_count() -> None:
    other = METFORMIN | {"subject": {"reference": "Patient/another"}}
    assert ask(record(other)) == []


def test_one_bundle_of_everything_will_do() -> None:
    whole = {"everything": fhir.bundle(fhir.patient(), METFORMIN, b12(700, "2015-01-01"))}
    assert topics(ask(whole)) == ["metformin"]


def test_a_result_that_cannot_be_right_is_told_and_not_used() -> None:
    odd = fhir.lab("2132-9", 30, "ng/mL", "2024-12-01")
    card = only(ask(record(METFORMIN, odd)), "metformin")
    assert "could not be used" in card["detail"]
    assert "30" not in card["summary"]


def test_of_a_child_and_of_the_dead_nothing_is_said() -> None:
    assert ask(record(METFORMIN, GAIT, born="2015-01-01")) == []
    assert ask(record(METFORMIN) | {"patient": fhir.patient() | {"deceasedBoolean": True}}) == []


@settings(max_examples=40, deadline=None)
@given(some.sets(some.sampled_from(sorted(KINDS))), some.booleans())
def test_any_part_may_be_missing(absent: set[str], ordering: bool) -> None:
    """Whatever is left out: an answer, at most one card that says what is missing, and that names it."""
    sent = {key: value for key, value in record(METFORMIN, GAIT, b12(150, "2024-12-01")).items() if key not in absent}
    cards = ask(sent, *([order(FOLATE)] if ordering else []))
    assert topics(cards).count("missing") <= 1
    if "patient" in absent:
        assert len(cards) == 1
    for card in cards:
        for key in absent:
            assert "Not sent, so not known" in card["detail"], key


json_values = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False, allow_infinity=False) | some.text(max_size=20),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=40, deadline=None)
@given(some.sampled_from(sorted(KINDS)), json_values)
def test_any_json_in_a_prefetch_is_answered(key: str, value: Any) -> None:
    ask(record(METFORMIN) | {key: value})


@settings(max_examples=40, deadline=None)
@given(some.sampled_from(sorted(KINDS.values())), some.dictionaries(some.sampled_from(
    ["code", "subject", "status", "valueQuantity", "effectiveDateTime", "medicationCodeableConcept", "dosageInstruction", "birthDate",
     "onsetDateTime", "component", "contained", "id"]), json_values, max_size=6))  # fmt: skip
def test_any_resource_in_a_prefetch_is_answered(kind: str, parts: dict[str, Any]) -> None:
    ask(record(METFORMIN) | {"conditions": searchset({"resourceType": kind, **parts})})
