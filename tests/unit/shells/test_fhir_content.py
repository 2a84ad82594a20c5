"""What of a record has a part in a case, and what is questioned, told or left out: units, codes, observations, conditions, medicines."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

import corrin
import fhir_bundles as fhir
from corrin.case.case import Case
from corrin.case.check import in_canonical
from corrin.errors import InputError
from corrin.facts import reader as facts
from corrin.shells.fhir import read_fhir

TODAY = datetime.date(2025, 1, 1)


def read(source: Any, **more: Any) -> Case:
    return read_fhir(source, today=TODAY, **more)[0]


def one(*resources: dict[str, Any], **more: Any) -> Case:
    return read(fhir.bundle(fhir.patient(), *resources), **more)


def account(*resources: dict[str, Any], **more: Any) -> corrin.shells.fhir.Report:  # type: ignore[name-defined]
    return read_fhir(fhir.bundle(fhir.patient(), *resources), today=TODAY, **more)[1]


# --- units and codes ---------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(some.sampled_from(sorted(facts.analytes())), some.floats(0.05, 0.95), some.data())
def test_the_unit_of_a_report_never_changes_the_value(analyte: str, share: float, data: Any) -> None:
    row = facts.analytes()[analyte]
    code = row.loinc[0] if row.loinc else ""
    value = row.plausible_low + share * (row.plausible_high - row.plausible_low)
    unit = data.draw(some.sampled_from([row.unit, *row.units]))
    written = corrin.units.convert(value, row.unit, unit, row.molar_mass_g_mol)  # type: ignore[attr-defined]
    spelt = data.draw(
        some.sampled_from([unit, unit.lower(), unit.replace("u", "µ") if unit[0] == "u" else unit, unit.replace("u", "μ"), f" {unit} "])
    )
    report = fhir.lab(code, written, unit)
    report["code"] = {"text": row.name} if not code else report["code"]
    report["valueQuantity"] = {"value": written, "unit": spelt}
    found = one(report).labs[0]
    assert in_canonical(found.value or 0.0, found.unit or "", row) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("code", "value", "unit", "said"),
    [
        ("2132-9", 30.0, "ng/mL", r"30 ng/mL = 22,134 pmol/L; .*\(0.02033 to 6.777 ng/mL\).*Did you mean 30 pmol/L or 30 pg/mL"),
        ("13964-2", 300.0, "umol/L", "Did you mean 300 nmol/L"),
        ("13964-2", 0.3, "nmol/L", "Did you mean 0.3 umol/L"),
        ("13965-9", 14.0, "nmol/L", "Did you mean 14 umol/L"),
        ("718-7", 131.0, "g/dL", "Did you mean 131 g/L"),
        ("2132-9", 300.0, "U/L", "measures activity/volume"),
        ("2132-9", 300.0, "foo", "not a unit known here"),
    ],
)
def test_a_value_of_another_unit_is_questioned_never_converted(code: str, value: float, unit: str, said: str) -> None:
    report = fhir.lab(code, value, unit)
    with pytest.raises(InputError, match=said) as raised:
        one(report)
    assert "2024-03-01" in str(raised.value)
    assert "--leave-out-doubtful" in str(raised.value)
    left = account(report, leave_out_doubtful=True)
    assert left.left_out_count == 1
    found = one(report, leave_out_doubtful=True)
    assert found.labs == ()
    assert "left out" in (found.note or "")
    assert "confirmed" not in str(raised.value)


def test_a_result_without_unit_is_refused_where_it_decides_and_left_out_elsewhere() -> None:
    with pytest.raises(InputError, match="no unit"):
        one(fhir.lab("2132-9", 300.0, "pg/mL") | {"valueQuantity": {"value": 300}})
    report = account(fhir.lab("2276-4", 30.0, "ug/L") | {"valueQuantity": {"value": 30}})
    assert "no unit" in str(report.left_out[0])


@pytest.mark.parametrize("code", ["16695-9", "2170-9", "20646-6", "32341-0"])
def test_codes_often_used_by_mistake_are_never_taken(code: str) -> None:
    report = account(fhir.lab(code, 300.0, "pmol/L"))
    assert "not taken" in str(report.left_out[0])
    assert one(fhir.lab(code, 300.0, "pmol/L")).labs == ()


def test_code_and_unit_that_contradict_one_another_are_told() -> None:
    report = fhir.lab("14685-2", 350.0, "pg/mL")
    assert one(report).labs[0].unit == "pg/mL"
    assert "code for amount" in account(report).odd[0]


def test_unknown_codes_are_counted_and_not_fatal() -> None:
    report = account(
        *[fhir.lab("2345-7", 90.0 + n, "mg/dL") for n in range(3)], fhir.condition("38341003"), fhir.lab("2132-9", 300.0, "pg/mL")
    )
    assert report.unknown_codes[0] == ("LOINC", "2345-7", "", 3)
    assert report.unknown_count == 4
    many = account(*[fhir.lab(f"9{n:05d}-0", 1.0, "mg/dL") for n in range(500)])
    assert many.unknown_count == 500
    assert len(many.unknown_codes) == 200
    assert len(many.text().splitlines()) < 60


def test_another_test_of_the_same_name_is_not_taken() -> None:
    urine = fhir.lab("2161-8", 90.0, "mg/dL")
    urine["code"]["text"] = "Creatinine"
    assert one(urine).labs == ()
    local = fhir.lab("CREA", 90.0, "umol/L")
    local["code"] = {"coding": [{"system": "urn:our-laboratory", "code": "CREA", "display": "Creatinine"}]}
    assert one(local).labs[0].analyte == "creatinine"


# --- observations ------------------------------------------------------------------------------------------------------


def test_states_components_panels_and_dates() -> None:
    b12 = fhir.lab("2132-9", 300.0, "pg/mL")
    assert one(b12 | {"status": "entered-in-error"}, as_of="2024-03-01").labs == ()
    assert one(b12 | {"status": "cancelled"}, as_of="2024-03-01").labs == ()
    panel = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "Full blood count"},
        "effectivePeriod": {"start": "2024-02"},
        "component": [{"code": fhir.concept(fhir.LOINC, "718-7"), "valueQuantity": {"value": 11.0, "unit": "g/dL"}}],
    }
    found = one(panel)
    assert (found.labs[0].value, found.labs[0].date, found.as_of) == (11.0, "2024-02", "2024-02-29")
    later = b12 | {"effectiveDateTime": "2024-03-01T08:00:00Z", "status": "corrected", "valueQuantity": {"value": 310, "unit": "pg/mL"}}
    early = b12 | {"effectiveDateTime": "2024-03-01T08:00:00Z", "status": "preliminary"}
    assert [item.value for item in one(later, early).labs] == [310]
    two_units = fhir.lab("14685-2", 221.3, "pmol/L")
    assert [item.unit for item in one(two_units, b12).labs] == ["pmol/L"]
    assert one(b12 | {"effectiveDateTime": "no date"}, as_of="2024-03-01").labs == ()
    assert "cannot" not in account(b12 | {"dataAbsentReason": {"text": "haemolysed"}, "valueQuantity": None}).text()


def test_contradictory_results_of_one_day_are_told() -> None:
    report = account(fhir.lab("2132-9", 120.0, "pg/mL"), fhir.lab("2132-9", 700.0, "pg/mL"))
    assert "2 results that differ" in report.odd[0]


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ({"valueCodeableConcept": fhir.concept(fhir.SNOMED, "10828004")}, "raised"),
        ({"valueCodeableConcept": fhir.concept(fhir.SNOMED, "260385009")}, "normal"),
        ({"valueCodeableConcept": {"text": "Not detected"}}, "normal"),
        ({"valueString": "POSITIVE"}, "raised"),
        ({"valueQuantity": {"value": 12, "unit": "AU"}, "interpretation": [fhir.concept("x", "POS")]}, "raised"),
    ],
)
def test_antibodies_in_words(value: dict[str, Any], word: str) -> None:
    report = fhir.lab("31444-3", 1.0, "1")
    report.pop("valueQuantity")
    found = one(report | value).labs[0]
    assert (found.analyte, found.word, found.value) == ("intrinsic_factor_antibody", word, None)


def test_numbers_in_text_and_comparators() -> None:
    report = fhir.lab("2132-9", 1.0, "pg/mL")
    report.pop("valueQuantity")
    found = one(report | {"valueString": "< 150 pg/mL"}).labs[0]
    assert (found.value, found.comparator, found.unit) == (150.0, "<", "pg/mL")


def test_weight_smoking_alcohol() -> None:
    found = one(
        fhir.lab("29463-7", 154.3236, "[lb_av]"),
        fhir.lab("72166-2", 0, "1") | {"valueQuantity": None, "valueCodeableConcept": fhir.concept(fhir.SNOMED, "449868002")},
        fhir.lab("74013-4", 2.0, "{drinks}/d"),
    )
    assert found.person.weight_kg == pytest.approx(70.0, rel=1e-5)
    assert found.history.smoking is not None
    assert found.history.smoking.level == "current"
    assert found.history.alcohol is not None
    assert found.history.alcohol.per_day == 2.0


@pytest.mark.parametrize(
    ("begin", "more", "stage"),
    [
        ("2024-01-10", {}, "first trimester"),
        ("2023-07-01", {}, "third trimester"),
        ("2022-01-01", {}, "none"),
        ("2023-07-01", {"abatementDateTime": "2024-02-01"}, "none"),
    ],
)
def test_pregnancy(begin: str, more: dict[str, Any], stage: str) -> None:
    assert one(fhir.condition("77386006", onsetDateTime=begin, **more), as_of="2024-03-01").person.pregnancy == stage


def test_pregnancy_of_a_man_is_told_and_not_used() -> None:
    case, report = read_fhir(fhir.bundle(fhir.patient(gender="male"), fhir.condition("77386006", onsetDateTime="2024-02-01")), today=TODAY)
    assert case.person.pregnancy is None
    assert "record of a man" in report.odd[0]


# --- conditions, operations, medicines ---------------------------------------------------------------------------------


def test_conditions_that_were_refuted_or_only_suspected() -> None:
    status = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
    assert one(fhir.condition("84027009", verificationStatus=fhir.concept(status, "refuted"))).history.conditions == ()
    found = one(fhir.condition("84027009", verificationStatus=fhir.concept(status, "provisional"), onsetDateTime="2020")).history.conditions
    assert (found[0].certainty, found[0].from_) == ("suspected", "2020")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Pernicious anaemia", "autoimmune_gastritis"),
        ("Celiac disease (disorder)", "coeliac"),
        ("History of pernicious anemia", "autoimmune_gastritis"),
        ("Severe Crohn's disease of the colon", ""),
        ("Family history of pernicious anaemia", ""),
        ("Suspected coeliac disease", ""),
        ("Gestational diabetes", ""),
        ("Diabetes insipidus", ""),
        ("Prediabetes", ""),
        ("Type 2 diabetes mellitus without complication", "diabetes"),
        ("Chronic kidney disease stage 4 (disorder)", "kidney_disease_4"),
    ],
)
def test_conditions_by_name(text: str, name: str) -> None:
    found = one({"resourceType": "Condition", "code": {"text": text}, "onsetDateTime": "2020-01-01"}, as_of="2024-01-01").history.conditions
    assert [item.name for item in found] == ([name] if name else [])


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("E11.65", "diabetes"),
        ("E1165", "diabetes"),
        ("K50.012", "ileal_disease"),
        ("N18.31", "kidney_disease_3"),
        ("K50.10", ""),
        ("D51.0", "autoimmune_gastritis"),
        ("Z90.49", ""),
    ],
)
def test_icd_codes_stand_for_what_is_below_them(code: str, name: str) -> None:
    found = one(fhir.condition(code, "http://hl7.org/fhir/sid/icd-10-cm", onsetDateTime="2020-01-01")).history.conditions
    assert [item.name for item in found] == ([name] if name else [])


def test_stages_of_kidney_disease_follow_one_another() -> None:
    found = one(
        fhir.condition("433144002", onsetDateTime="2015-02-01"), fhir.condition("431857002", onsetDateTime="2020-05-01")
    ).history.conditions
    assert [(item.name, item.from_, item.to) for item in found] == [
        ("kidney_disease_3", "2015-02-01", "2020-05-01"),
        ("kidney_disease_4", "2020-05-01", None),
    ]


def test_one_disease_by_several_codes_is_one_condition() -> None:
    found = one(fhir.condition("44054006", onsetDateTime="2015-02-01"), fhir.condition("368581000119106", onsetDateTime="2018-01-01"))
    assert [(item.name, item.from_) for item in found.history.conditions] == [("diabetes", "2015-02-01")]
    assert [(item.what, item.tract, item.onset) for item in found.findings] == [("other", "sensory_long", True)]


def test_symptoms_become_findings() -> None:
    gone = fhir.condition("91019004", onsetDateTime="2023-01-01", abatementDateTime="2023-06-01")
    found = one(gone, fhir.condition("R26.0", "http://hl7.org/fhir/sid/icd-10", onsetDateTime="2024-01-01")).findings
    assert {(item.what, item.date, item.severity) for item in found} == {
        ("tingling", "2023-01-01", None),
        ("tingling", "2023-06-01", "none"),
        ("gait", "2024-01-01", None),
    }


def test_operations_once_and_the_named_one_before_the_vague_one() -> None:
    done = {"resourceType": "Procedure", "status": "completed"}
    found = one(
        done | {"code": {"text": "Total gastrectomy"}, "performedDateTime": "2019-05-01"},
        fhir.condition("Z90.3", "http://hl7.org/fhir/sid/icd-10-cm", onsetDateTime="2019-07-01"),
        done | {"code": fhir.concept(fhir.SNOMED, "442338001"), "performedPeriod": {"start": "2010-01-01"}},
        done | {"code": fhir.concept(fhir.SNOMED, "442338001"), "status": "not-done", "performedDateTime": "2001-01-01"},
    )
    assert [(item.name, item.date) for item in found.history.operations] == [
        ("gastric_bypass", "2010-01-01"),
        ("total_gastrectomy", "2019-05-01"),
    ]
    vague = account(done | {"code": fhir.concept(fhir.SNOMED, "53442002"), "performedDateTime": "2019-05-01"})
    assert "taken as part of the stomach" in vague.assumed[0]


def test_renewed_orders_are_one_drug_and_a_change_of_dose_is_two_spells() -> None:
    def order(day: str, milligrams: float, status: str = "active") -> dict[str, Any]:
        return fhir.medicine("A10BA02", authoredOn=day, status=status, dosageInstruction=[{"text": f"{milligrams:g} mg twice daily"}])

    found = one(order("2018-01-01", 500, "completed"), order("2018-01-20", 500, "completed"), order("2019-01-01", 1000)).history.drugs
    assert [(item.from_, item.to, item.dose, item.unit, item.per_day) for item in found] == [
        ("2018-01-01", "2019-01-01", 500, "mg", 2),
        ("2019-01-01", None, 1000, "mg", 2),
    ]
    ended = one(order("2018-01-01", 500, "stopped"), fhir.lab("2132-9", 300.0, "pg/mL"))
    assert ended.history.drugs == ()
    assert ended.history.other_drugs == ("metformin, stopped",)


def test_a_medication_is_found_wherever_it_is() -> None:
    pill = {"resourceType": "Medication", "id": "m1", "code": {"text": "Metformin 850 mg tablet"}}
    order = fhir.medicine(
        "x",
        medicationReference={"reference": "Medication/m1"},
        authoredOn="2020-01-01",
        dosageInstruction=[
            {"timing": {"code": fhir.concept("x", "BID")}, "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "tablet"}}]}
        ],
    )
    order.pop("medicationCodeableConcept")
    expected = [("metformin", 850.0, "mg", 2.0)]
    assert [(d.name, d.dose, d.unit, d.per_day) for d in one(order, pill).history.drugs] == expected
    contained = order | {"contained": [pill], "medicationReference": {"reference": "#m1"}}
    assert [(d.name, d.dose, d.unit, d.per_day) for d in one(contained).history.drugs] == expected
    assert "not in the document" in str(account(order).left_out[0])


@pytest.mark.parametrize("text", ["Atorvastatin calcium 20 MG Oral Tablet", "Esomeprazole magnesium 20 MG"])
def test_a_salt_is_not_the_drug(text: str) -> None:
    assert "calcium" not in [d.name for d in one(fhir.medicine("1", fhir.RXNORM, medicationCodeableConcept={"text": text})).history.drugs]


@pytest.mark.parametrize(
    ("text", "dosage", "expected"),
    [
        (
            "Hydroxocobalamin 1mg/1ml solution for injection ampoules",
            {"text": "every 3 months"},
            {"product": "hydroxocobalamin-intramuscular", "dose": 1.0, "unit": "mg", "every_days": 91.3125},
        ),
        (
            "Cyanocobalamin 1000 mcg oral tablet",
            {"text": "1 tablet daily"},
            {"product": "cyanocobalamin-oral", "dose": 1000.0, "unit": "ug", "times_per_day": 1.0},
        ),
        (
            "Vitamin B 12 5 MG/ML Injectable Solution",
            {"doseAndRate": [{"doseQuantity": {"value": 0.2, "unit": "mL"}}], "text": "weekly"},
            {"product": "cyanocobalamin-intramuscular", "dose": 1.0, "unit": "mg", "every_days": 7.0},
        ),
        (
            "Mecobalamin 500 microgram tablets",
            {"text": "one tablet three times a day"},
            {"product": "methylcobalamin-oral", "dose": 500.0, "unit": "ug", "times_per_day": 3.0},
        ),
    ],
)
def test_b12_products_doses_and_rhythms(text: str, dosage: dict[str, Any], expected: dict[str, Any]) -> None:
    found = one(
        fhir.medicine("1", "x", medicationCodeableConcept={"text": text}, authoredOn="2023-06-01", dosageInstruction=[dosage]),
        as_of="2024-01-01",
    )
    given_b12 = found.history.past_b12[0].model_dump(by_alias=True, exclude_defaults=True)
    assert given_b12 == expected | {"from": "2023-06-01"}


def test_injections_given_are_days_and_what_comes_after_as_of_is_a_treatment() -> None:
    doses = [
        {
            "resourceType": "MedicationAdministration",
            "status": "completed",
            "medicationCodeableConcept": fhir.concept(fhir.ATC, "B03BA03"),
            "effectiveDateTime": day,
            "dosage": {"dose": {"value": 1, "unit": "mg"}},
        }
        for day in ("2023-01-02", "2023-04-01", "2024-02-01")
    ]
    found = one(*doses, fhir.lab("2132-9", 900.0, "pg/mL", "2024-02-20"), as_of="2023-06-01")
    assert found.history.past_b12[0].days == ("2023-01-02", "2023-04-01")
    assert found.treatments[0].days == ("2024-02-01",)
    assert found.labs == ()
    assert isinstance(found.observed, tuple)
    assert (found.observed[0].day, found.observed[0].value) == ("2024-02-20", 900.0)


def test_antidote_nitrous_oxide_and_allergy() -> None:
    antidote = fhir.medicine("V03AB33", authoredOn="2024-01-01")
    assert one(antidote).history.past_b12 == ()
    assert "antidote" in account(antidote).odd[0]
    gas = {"resourceType": "Condition", "code": {"text": "Nitrous oxide"}, "onsetDateTime": "2023-01-01"}
    assert one(gas).history.nitrous_oxide[0].pattern == "pulses"
    found = one({"resourceType": "AllergyIntolerance", "code": {"text": "Allergy to cobalt"}}, as_of="2024-01-01")
    assert found.history.other_conditions == ("allergy: cobalt",)
    assert "cobalt" in (found.note or "")
