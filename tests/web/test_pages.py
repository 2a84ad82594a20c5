"""The pages without a script: the form, its faults at their fields, the answer, what can be kept, the diary."""

from __future__ import annotations

import json
import re
import time
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import corrin
from corrin.case.plan import read_plan
from corrin.shells.web import drawn, form, pdf
from corrin.shells.web.desk import plan_of
from corrin.shells.web.diary import read_diary
from web_client import BUNDLE, TestClient, send

FILLED = {
    "age": "57", "sex": "female", "country": "united kingdom", "as_of": "2026-11-01",
    "diet": "vegan_unsupplemented", "diet_since": "6 years",
    "drug_metformin": "yes", "drug_metformin_since": "5y", "drug_metformin_mg": "2000", "has_diabetes": "yes", "had_gastric_bypass": "yes",
    "had_gastric_bypass_since": "2019", "feel_tingling": "mild", "feel_tingling_since": "18mo", "feel_gait": "none",
    "lab_0_analyte": "serum_b12", "lab_0_value": "205", "lab_0_unit": "pg/mL", "lab_0_date": "2026-10-20",
    "lab_1_analyte": "mma", "lab_1_value": ">1.2", "lab_1_unit": "umol/L", "lab_3_analyte": "folate", "lab_3_value": "normal",
}  # fmt: skip


def test_a_form_makes_the_case_it_says() -> None:
    case = form.read_form(FILLED).case
    assert case is not None
    assert case.age_y == 57
    assert case.history.diet[0].from_ == "~6years"
    assert case.history.drugs[0].dose == 2000
    assert [(lab.analyte, lab.value, lab.comparator, lab.word) for lab in case.labs] == [
        ("serum_b12", 205, "=", None), ("mma", 1.2, ">", None), ("folate", None, "=", "normal")
    ]  # fmt: skip
    assert [(finding.what, finding.severity, finding.onset) for finding in case.findings] == [
        ("tingling", "mild", True),
        ("gait", "none", False),
    ]


def test_the_form_filled_with_a_case_makes_the_case_again() -> None:
    first = form.read_form(FILLED).case
    assert first is not None
    again = form.read_form(form.written(first)).case
    assert again is not None
    assert again.labs == first.labs
    assert again.findings == first.findings
    assert again.history.conditions == first.history.conditions
    assert again.history.operations == first.history.operations


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"age": ""}, "age", "Age is missing"),
        ({"age": "fifty"}, "age", "is not a number"),
        ({"age": "570"}, "age", "120"),
        ({"lab_0_unit": "mmHg"}, "lab_0_unit", "pmol/L"),
        ({"lab_0_unit": ""}, "lab_0_unit", "A value without its unit cannot be used"),
        ({"lab_0_value": "205000"}, "lab_0_value", "Did you mean"),
        ({"lab_0_value": "1,200"}, "lab_0_value", "without signs between thousands"),
        ({"lab_1_value": ""}, "lab_1_value", "No result"),
        ({"lab_2_value": "5"}, "lab_2_analyte", "No test is named"),
        ({"diet_since": "soon"}, "diet_since", "is not a date"),
        ({"feel_tingling_since": "2031"}, "feel_tingling_since", ""),
        ({"sex": "male", "pregnancy": "first trimester"}, "pregnancy", "male"),
    ],
)
def test_a_fault_stands_at_its_field(change: dict[str, str], field: str, said: str) -> None:
    faults = form.read_form({**FILLED, **change}).faults
    assert field in faults, faults
    assert said in " ".join(faults[field])


def test_a_fault_elsewhere_does_not_hide_a_wrong_unit() -> None:
    faults = form.read_form({**FILLED, "lab_0_unit": "mmHg", "drug_metformin_since": "whenever"}).faults
    assert {"lab_0_unit", "drug_metformin_since"} <= set(faults)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([*FILLED, "lab_9_analyte", "lab_9_value", "nitrous", "alcohol", "b12_product", "b12_every", "other_drugs"]),
        st.text(max_size=30),
    )
)
def test_whatever_is_typed_is_a_case_or_faults(typed: dict[str, str]) -> None:
    found = form.read_form({**FILLED, **typed})
    assert (found.case is None) == bool(found.faults)


def test_faults_are_tied_to_their_fields_in_the_page(client: TestClient) -> None:
    answer = send(client, "/answer", {**FILLED, "lab_0_unit": "mmHg"})
    assert answer.status_code == 422
    field = re.search(r'<input id="lab_0_unit"[^>]*>', answer.text)
    assert field is not None
    assert 'aria-invalid="true"' in field.group()
    assert 'aria-describedby="lab_0_unit-fault"' in field.group()
    assert re.search(r'<span class="fault" id="lab_0_unit-fault">[^<]*expected a unit of serum vitamin B12', answer.text)
    assert 'value="205"' in answer.text
    checked = client.post("/check", data={**FILLED, "lab_0_unit": "mmHg"}).json()["faults"]
    assert checked == form.read_form({**FILLED, "lab_0_unit": "mmHg"}).faults


def test_without_a_script_the_form_answers(client: TestClient) -> None:
    seen = send(client, "/answer", FILLED)
    assert seen.status_code == 303
    page = client.get(seen.headers["location"]).text
    order = [page.index(f'id="{name}"') for name in ("deficiency", "why", "now")]
    assert order == sorted(order)
    assert '<noscript><meta http-equiv="refresh"' in page
    for _ in range(240):
        page = client.get(seen.headers["location"]).text
        if "http-equiv" not in page:
            break
        time.sleep(0.5)
    order = [
        page.index(f'id="{name}"')
        for name in ("deficiency", "now", "recovery", "delay", "compare", "smallest", "course", "picture", "plan", "keep")
    ]
    assert order == sorted(order)
    base = seen.headers["location"]
    for figure in (*drawn.FIGURES, "delay"):
        assert client.get(f"{base}/chart/{figure}.json").json()["concat"]
        assert client.get(f"{base}/chart/{figure}.png").content.startswith(b"\x89PNG")
    assert "<svg" in client.get(f"{base}/nerves/1/12.svg").text
    assert client.get(f"{base}/nerves/1/99.svg").status_code == 404
    case = client.get(f"{base}/save/case.json")
    assert corrin.read_case(case.json()).labs == form.read_form(FILLED).case.labs  # type: ignore[union-attr]
    assert set(client.get(f"{base}/save/answer.json").json()) == {"assess", "forecast", "recover", "delay", "compare"}
    assert client.get(f"{base}/save/report.pdf").content.startswith(b"%PDF-1.4")
    plan = {
        "product": "hydroxocobalamin-intramuscular",
        "dose_ug": "1000",
        "every_days": "60",
        "loading_count": "6",
        "loading_every_days": "2",
    }
    begun = time.monotonic()
    glance = client.post(f"{base}/preview", data={**plan, "figure": "labs"})
    assert glance.status_code == 200
    assert time.monotonic() - begun < 10.0
    assert glance.json()["doses"] == 6 + 12
    assert send(client, f"{base}/plan", plan).status_code == 303
    for _ in range(120):
        if client.get(f"{base}/state").json()["own"]["ready"]:
            break
        time.sleep(0.5)
    assert "Your plan" in json.dumps(client.get(f"{base}/chart/labs.json?own=1").json())
    calendar = client.get(f"{base}/save/plan.ics?start=2026-12-01").text
    assert "DTSTART;VALUE=DATE:20261201" in calendar
    assert client.post(f"{base}/preview", data={**plan, "product": "nothing"}).status_code == 422
    assert send(client, f"{base}/forget", {}).status_code == 303
    gone = client.get(base, headers={"accept": "text/html"})
    assert gone.status_code == 404
    assert "held no more" in gone.text


def test_a_file_a_bundle_and_an_example_are_answered(client: TestClient, case_text: str) -> None:
    for name, text in (("case.json", case_text), ("bundle.json", json.dumps(BUNDLE))):
        assert send(client, "/answer", {}, files={"file": (name, text, "application/json")}).status_code == 303
    assert send(client, "/answer", {"example": "turner2009"}).status_code == 303
    assert send(client, "/answer", {}, files={"file": ("x.json", b"\xff\xfe", "application/json")}).status_code == 422
    assert send(client, "/answer", {"example": "nobody"}).status_code == 422


def test_a_child_is_told_why_not(client: TestClient) -> None:
    seen = send(client, "/answer", {**FILLED, "age": "9"})
    page = client.get(seen.headers["location"]).text
    assert "Not answered for a child" in page
    assert 'id="ahead"' not in page


def test_where_a_number_comes_from(client: TestClient) -> None:
    assert "Where does this come from?" in client.get("/number/mma").text
    assert client.get("/number/nonsense-name", headers={"accept": "text/html"}).status_code == 422


def test_the_report_is_a_sound_pdf() -> None:
    flow = [
        ("title", "a (title)"),
        *[("text", "one (1) \\ two ≥ 3 µg")] * 60,
        ("row", "plan\tinjections"),
        ("row", "A\t3"),
        ("item", "last"),
    ]
    made = pdf.report("a (title)", flow, [], "fixed (1)\n" * 100, "foot")
    start = int(made.rsplit(b"startxref\n", 1)[1].split(b"\n")[0])
    assert made[start : start + 4] == b"xref"
    for number, line in enumerate(made[start:].split(b"\n")[3:], start=1):
        if not line.endswith(b" n "):
            break
        assert made[int(line[:10]) :].startswith(b"%d 0 obj" % number)
    assert made.count(b"/Type /Page ") == 2 + 2
    assert b"/BaseFont /Helvetica " in made
    assert b"one \\(1\\) \\\\ two >= 3 \xb5g" in made


@given(st.text(alphabet=st.characters(codec="cp1252"), max_size=300))
def test_lines_of_the_report_fit_and_lose_no_word(text: str) -> None:
    lines = pdf.wrapped(text, 10.0, 120.0)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(pdf.width(line, 10.0) <= 120.0 or len(line) == 1 for line in lines)


def test_the_calendar_repeats_what_the_plan_gives() -> None:
    import datetime

    plan = read_plan("bnf-hydroxocobalamin")
    text = drawn.calendar(plan, datetime.date(2026, 1, 1))
    total = sum(int(count) for count in re.findall(r"COUNT=(\d+)", text)) + text.count("BEGIN:VEVENT") - text.count("RRULE")
    assert total == len({round(day) for day, _, _ in plan.doses(12 * 30.4375)})
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    daily = drawn.calendar(read_plan("oral-1000-daily"), datetime.date(2026, 1, 1))
    assert daily.count("BEGIN:VEVENT") == 1
    assert "INTERVAL=1;COUNT=366" in daily or "INTERVAL=1;COUNT=365" in daily


def test_the_sliders_make_the_plan_they_say() -> None:
    plan = plan_of({"product": "cyanocobalamin-oral", "dose_ug": "500", "every_days": "2", "loading_count": "3", "loading_every_days": "1",
                    "start_weeks": "4", "adherence": "80", "stop_months": "6"})  # fmt: skip
    days = [day for day, _, _ in plan.doses(60)]
    assert days[:5] == [0, 1, 2, 3, 5]
    assert (plan.start_day, plan.adherence, plan.stop_after) == (28, 0.8, "6mo")


def test_a_diary_travels_with_its_form(client: TestClient) -> None:
    page = send(
        client, "/diary", {"do": "injection", "inj_date": "2026-10-01", "inj_product": "hydroxocobalamin-intramuscular", "inj_dose": "1000"}
    )
    assert page.status_code == 200
    held = _diary(page.text)
    page = send(client, "/diary", {"do": "symptom", "diary": held, "sym_date": "2026-10-09", "sym_what": "tingling", "sym_score": "4"})
    saved = send(client, "/diary", {"do": "save", "diary": _diary(page.text)})
    assert saved.headers["content-disposition"] == 'attachment; filename="corrin-diary.json"'
    diary = read_diary(saved.text)
    assert [(item.date, item.score) for item in diary.symptoms] == [("2026-10-09", 4)]
    shown = send(client, "/diary", {"do": "show", "diary": saved.text})
    assert "data:image/png;base64," in shown.text
    emptied = send(client, "/diary", {"remove": "injections 0", "diary": saved.text})
    assert read_diary(_diary(emptied.text)).injections == ()
    assert send(client, "/diary", {"do": "symptom", "sym_date": "2026-10-09", "sym_what": "x", "sym_score": "11"}).status_code == 422
    assert send(client, "/diary", {"do": "show", "diary": "/etc/passwd"}).status_code == 422


def _diary(page: str) -> str:
    import html

    found = re.search(r'<textarea name="diary"[^>]*>(.*?)</textarea>', page, re.DOTALL)
    assert found is not None
    return html.unescape(found.group(1))


def test_what_is_shipped_is_small(client: TestClient) -> None:
    """The page's own weight: everything it can load, not compressed."""
    weight = sum(
        len(client.get(f"/static/{name}").content)
        for name in ("page.css", "page.js", "icon.svg", "vega/vega.min.js", "vega/vega-lite.min.js", "vega/vega-interpreter.min.js")
    )
    assert weight + len(client.get("/").content) < 1_500_000
    assert len(zlib.compress(client.get("/").content)) < 20_000
