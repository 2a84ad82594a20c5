"""Three-valued logic and comparisons: what holds for every condition, whatever the guideline says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corrin.errors import InputError
from corrin.guides.apply import RED_FLAGS, SAFETY, apply, red_flags, urgency
from corrin.guides.facts import Facts, Report, plain_facts
from corrin.guides.logic import Truth, evaluate
from corrin.guides.reader import guide_ids, read_guide, shared_definitions
from corrin.guides.schema import Condition
from corrin.guides.vocabulary import facts as names_of_facts

MARKERS = ("lab.serum_b12", "lab.holotranscobalamin", "lab.mma", "lab.homocysteine")


def _truth(written: dict[str, Any], **facts: Any) -> str:
    known = {name.replace("__", "."): value for name, value in facts.items()}
    return evaluate(Condition.model_validate(written), plain_facts(known), shared_definitions()).truth


B12 = {"fact": "lab.serum_b12", "below": {"ng/L": 180, "pmol/L": 133}}


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("180 ng/L", "no"), ("179.99 ng/L", "yes"), ("180 pg/mL", "no"), ("0.18 ug/L", "no"), ("0.18 ng/mL", "no"),
        # 132.9 pmol/L is 180.1 ng/L: each unit is compared with its own printed limit.
        ("132.9 pmol/L", "yes"), ("133 pmol/L", "no"), ("0.1329 nmol/L", "yes"),
        ("<150 ng/L", "yes"), ("<180 ng/L", "yes"), ("<=180 ng/L", "unknown"), ("<400 ng/L", "unknown"), (">150 ng/L", "unknown"),
        (">=180 ng/L", "no"), (">180 ng/L", "no"), (">2000 ng/L", "no"),
    ],
)  # fmt: skip
def test_limits(value: str, wanted: str) -> None:
    assert _truth(B12, lab__serum_b12=value) == wanted


@pytest.mark.parametrize(
    ("written", "value", "wanted"),
    [
        ({"at_most": {"ng/L": 350}}, "350 ng/L", "yes"), ({"at_most": {"ng/L": 350}}, ">=350 ng/L", "unknown"),
        ({"above": {"ng/L": 350}}, "350 ng/L", "no"), ({"above": {"ng/L": 350}}, ">350 ng/L", "yes"),
        ({"above": {"ng/L": 350}}, ">=350 ng/L", "unknown"), ({"at_least": {"ng/L": 180}}, ">=180 ng/L", "yes"),
        ({"at_least": {"ng/L": 180}}, "<180 ng/L", "no"), ({"at_least": {"ng/L": 180}, "at_most": {"ng/L": 350}}, "<200 ng/L", "unknown"),
        ({"at_least": {"ng/L": 180}, "at_most": {"ng/L": 350}}, "<100 ng/L", "no"),
        # Only amount is printed: mass is converted through the molar mass, 1355.37 g/mol.
        ({"below": {"pmol/L": 148}}, "200.59 ng/L", "yes"), ({"below": {"pmol/L": 148}}, "200.60 ng/L", "no"),
    ],
)  # fmt: skip
def test_comparisons(written: dict[str, Any], value: str, wanted: str) -> None:
    assert _truth({"fact": "lab.serum_b12", **written}, lab__serum_b12=value) == wanted


def test_a_value_told_roughly_stays_open_near_the_limit() -> None:
    written = Condition.model_validate({"fact": "drug.metformin.duration", "above": {"a": 4}})
    for value, wanted in ((5.0, "unknown"), (9.0, "yes"), (1.0, "no")):
        facts = Facts({"drug.metformin.duration": (Report(value, "a", spread=1.0),)})
        assert evaluate(written, facts, {}).truth == wanted


def test_the_newest_day_counts_and_a_contradiction_stays_open() -> None:
    assert _truth(B12, lab__serum_b12=["100 ng/L @ -400", "300 ng/L"]) == "no"
    assert _truth(B12, lab__serum_b12=["300 ng/L @ -400", "100 ng/L"]) == "yes"
    assert _truth(B12, lab__serum_b12=["100 ng/L", "300 ng/L"]) == "unknown"
    assert _truth(B12, lab__serum_b12=["100 ng/L", "110 ng/L"]) == "yes"


@pytest.mark.parametrize(
    ("report", "low", "normal", "raised"),
    [
        (Report(350.0, "nmol/L", reference_low=50, reference_high=300), "no", "no", "yes"),
        (Report(300.0, "nmol/L", reference_low=50, reference_high=300), "no", "yes", "no"),
        (Report(None, "1", word="raised"), "no", "no", "yes"),
        (Report(None, "1", word="undetectable"), "yes", "no", "no"),
        (Report(500.0, "nmol/L", "<", reference_low=50, reference_high=300), "unknown", "unknown", "unknown"),
        (Report(0.45, "umol/L"), "no", "no", "yes"),
    ],
)
def test_against_the_reference_interval(report: Report, low: str, normal: str, raised: str) -> None:
    facts = Facts({"lab.mma": (report,)})
    for word, wanted in (("low", low), ("normal", normal), ("raised", raised)):
        found = evaluate(Condition.model_validate({"fact": "lab.mma", "is": word}), facts, {})
        assert found.truth == wanted, word
        assert bool(found.assumed) == (report.reference_low is None and report.word is None)


def test_no_interval_anywhere_stays_open() -> None:
    found = evaluate(
        Condition.model_validate({"fact": "lab.intrinsic_factor_antibody", "is": "raised"}),
        plain_facts({"lab.intrinsic_factor_antibody": "12 U/mL"}),
        {},
    )
    assert found.truth == "unknown"
    assert "reference interval" in found.missing[0].words


def test_only_the_laboratory_says_what_a_low_b12_is() -> None:
    """The table's reference interval of B12 is no guideline's limit and is never taken for one."""
    condition = Condition.model_validate({"fact": "lab.serum_b12", "is": "low"})
    bare = Facts({"lab.serum_b12": (Report(150.0, "pmol/L"),)})
    own = Facts({"lab.serum_b12": (Report(150.0, "pmol/L", reference_low=148.0, reference_high=660.0),)})
    assert [evaluate(condition, facts, {}).truth for facts in (bare, own)] == ["unknown", "no"]


def test_missing_definition_is_named_once_with_its_facts() -> None:
    found = evaluate("bariatric", plain_facts({"operation.gastric_bypass": False}), shared_definitions())
    assert found.truth == "unknown"
    assert [item.name for item in found.missing] == ["bariatric"]
    assert found.missing[0].facts == ("operation.sleeve_gastrectomy", "operation.biliopancreatic_diversion")


@pytest.mark.parametrize(
    ("facts", "wanted"),
    [
        ({"sex": "male", "lab.haemoglobin": "12.9 g/dL"}, "yes"), ({"sex": "male", "lab.haemoglobin": "13.0 g/dL"}, "no"),
        ({"sex": "male", "lab.haemoglobin": "13.1 g/dL"}, "no"),
        ({"sex": "female", "pregnant": False, "lab.haemoglobin": "11.9 g/dL"}, "yes"),
        ({"sex": "female", "pregnant": False, "lab.haemoglobin": "12.0 g/dL"}, "no"),
        ({"sex": "female", "pregnant": False, "lab.haemoglobin": "121 g/L"}, "no"),
        ({"sex": "female", "pregnant": True, "lab.haemoglobin": "11.0 g/dL"}, "no"),
        ({"sex": "female", "pregnant": True, "lab.haemoglobin": "10.9 g/dL"}, "yes"),
        ({"sex": "female", "lab.haemoglobin": "11.5 g/dL"}, "unknown"), ({"lab.haemoglobin": "10.9 g/dL"}, "yes"),
        ({"lab.haemoglobin": "12.5 g/dL"}, "unknown"),
    ],
)  # fmt: skip
def test_shared_definition_of_anaemia(facts: dict[str, Any], wanted: str) -> None:
    assert evaluate("anaemia", plain_facts(facts), shared_definitions()).truth == wanted


@pytest.mark.parametrize(("value", "wanted"), [("99 fL", "unknown"), ("100 fL", "unknown"), ("101 fL", "yes")])
def test_shared_definition_of_macrocytosis(value: str, wanted: str) -> None:
    assert evaluate("macrocytosis", plain_facts({"lab.mcv": value}), shared_definitions()).truth == wanted


@pytest.mark.parametrize(("value", "wanted"), [("59 mL/min/1.73m2", "yes"), ("60 mL/min/1.73m2", "unknown"), ("61 mL/min", "unknown")])
def test_shared_definition_of_impaired_kidneys(value: str, wanted: str) -> None:
    assert evaluate("kidney_impaired", plain_facts({"lab.egfr": value}), shared_definitions()).truth == wanted


# --- laws -------------------------------------------------------------------------------------------------------------------------


def _numbers(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False).map(lambda value: float(f"{value:.4g}"))


RANGES = {
    "age": (16, 95, "a"), "lab.serum_b12": (40, 1500, "ng/L"), "lab.mma": (0.05, 3, "umol/L"), "lab.homocysteine": (3, 80, "umol/L"),
    "lab.holotranscobalamin": (5, 150, "pmol/L"), "lab.haemoglobin": (5, 17, "g/dL"),
}  # fmt: skip


def _value(name: str) -> st.SearchStrategy[Any]:
    fact = names_of_facts()[name]
    if fact.kind == "flag":
        return st.booleans()
    if fact.kind == "choice":
        return st.sampled_from(fact.choices)
    low, high, unit = RANGES.get(name, (0.1, 3000.0, fact.unit))
    signs = st.sampled_from(["", "", "", "<", ">", "<=", ">="])
    return st.builds(lambda sign, value: f"{sign}{value:g} {unit}", signs, _numbers(low, high))


USED = (
    "age", "sex", "pregnant", "breastfeeding", "lab.serum_b12", "lab.holotranscobalamin", "lab.mma", "lab.homocysteine", "lab.haemoglobin",
    "lab.mcv", "lab.egfr", "sign.tingling", "sign.gait", "sign.fatigue", "sign.vision", "symptoms.worsening", "drug.metformin",
    "drug.metformin.dose", "drug.metformin.duration", "drug.folic_acid", "condition.autoimmune_gastritis", "condition.leber",
    "operation.total_gastrectomy", "diet.vegan", "diet.low_b12", "nitrous_oxide.recreational", "nitrous_oxide.recent", "b12.treated",
    "b12.injected", "b12.oral", "course.improved", "cause.removed", "drug.anticoagulant",
)  # fmt: skip
PEOPLE = st.fixed_dictionaries({}, optional={name: _value(name) for name in USED})


@settings(max_examples=25)
@given(PEOPLE, st.data())
def test_more_facts_never_turn_an_answer_round(person: dict[str, Any], data: st.DataObject) -> None:
    """What is settled by some of the facts stays settled by all of them; a missing datum is never taken for a yes or a no."""
    fewer = {name: value for name, value in person.items() if data.draw(st.booleans(), label=name)}
    for guide in guide_ids():
        less, more = apply(guide, plain_facts(fewer)), apply(guide, plain_facts(person))
        for before, after in zip(less.clauses, more.clauses, strict=True):
            if before.truth is not Truth.UNKNOWN:
                assert after.truth is before.truth, before.clause.id
            else:
                waited = {fact for item in before.missing for fact in item.facts}
                assert waited, before.clause.id
                if after.truth is not Truth.UNKNOWN:
                    # A settled answer came from a fact the open clause asked for.
                    assert waited & set(person), before.clause.id


@given(PEOPLE)
def test_nobody_is_judged_without_a_datum(person: dict[str, Any]) -> None:
    """Without any marker no guideline reaches a verdict."""
    blind = {name: value for name, value in person.items() if not name.startswith("lab.")}
    assert all(apply(guide, plain_facts(blind)).verdict is None for guide in guide_ids())


SAME = {
    "lab.serum_b12": (("pg/mL", 1.0), ("ng/L", 1.0), ("ng/mL", 1e-3), ("ug/L", 1e-3)),
    "lab.holotranscobalamin": (("pmol/L", 1.0), ("nmol/L", 1e-3)),
    "lab.mma": (("umol/L", 1.0), ("nmol/L", 1e3), ("mmol/L", 1e-3)),
    "lab.homocysteine": (("umol/L", 1.0), ("nmol/L", 1e3), ("mmol/L", 1e-3)),
    "lab.haemoglobin": (("g/dL", 1.0), ("g/L", 10.0)),
}


@pytest.mark.parametrize("name", sorted(SAME))
@settings(max_examples=15)
@given(value=st.integers(1, 4000), scale=st.sampled_from([1.0, 0.1, 0.01]), person=PEOPLE)
def test_the_unit_of_the_report_never_changes_an_answer(name: str, value: int, scale: float, person: dict[str, Any]) -> None:
    """Units of one kind: the same report printed otherwise, also exactly on a limit."""
    first, answers = value * scale, []
    for unit, factor in SAME[name]:
        facts = plain_facts({**person, name: (Report(float(f"{first * factor:.10g}"), unit),)})
        answers.append([[found.truth for found in apply(guide, facts).clauses] for guide in guide_ids()])
    assert all(found == answers[0] for found in answers)


@settings(max_examples=30)
@given(value=st.floats(40.0, 1200.0), person=PEOPLE)
def test_mass_or_amount_agree_away_from_the_printed_limits(value: float, person: dict[str, Any]) -> None:
    """ng/L or pmol/L of the same sample: the same answer unless it lies between a guideline's two roundings (at most 0.5 % apart)."""
    molar_mass = names_of_facts()["lab.serum_b12"].molar_mass
    assert molar_mass is not None
    edges = [180.0, 350.0, 203.0, *(limit * molar_mass / 1000.0 for limit in (133.0, 258.0, 150.0))]
    if any(abs(value / edge - 1.0) < 0.005 for edge in edges):
        return
    mass = plain_facts({**person, "lab.serum_b12": (Report(value, "ng/L"),)})
    amount = plain_facts({**person, "lab.serum_b12": (Report(value / molar_mass * 1000.0, "pmol/L"),)})
    for guide in guide_ids():
        assert [f.truth for f in apply(guide, mass).clauses] == [f.truth for f in apply(guide, amount).clauses]


@given(st.lists(st.tuples(_numbers(50, 1500), st.integers(-900, 0)), min_size=2, max_size=6), st.randoms())
def test_the_order_of_results_does_not_matter(results: list[tuple[float, int]], random: Any) -> None:
    written = [f"{value:g} ng/L @ {day}" for value, day in results]
    other = random.sample(written, len(written))
    for guide in ("uk-nice-2024", "us-aafp-2025", SAFETY):
        first, second = (
            apply(guide, plain_facts({"age": 50, "b12.treated": False, "lab.serum_b12": listed})) for listed in (written, other)
        )
        assert [found.truth for found in first.clauses] == [found.truth for found in second.clauses]


@given(PEOPLE, st.fixed_dictionaries({}, optional={name: _value(name) for name in MARKERS}))
def test_no_marker_changes_a_red_flag(person: dict[str, Any], markers: dict[str, Any]) -> None:
    blind = {name: value for name, value in person.items() if name not in MARKERS}
    assert [f.clause.id for f in red_flags(plain_facts(blind))] == [f.clause.id for f in red_flags(plain_facts({**blind, **markers}))]


def test_no_marker_stands_in_a_red_flag() -> None:
    profile, definitions = read_guide(RED_FLAGS), shared_definitions()
    asked: set[str] = set()

    def collect(condition: Condition | str | None) -> None:
        for part in [condition] if isinstance(condition, str) else condition.walk() if condition is not None else ():
            if isinstance(part, str):
                if part in definitions:
                    collect(definitions[part])
                else:
                    asked.add(part)
            elif part.fact is not None:
                asked.add(part.fact)

    for clause in profile.clause:
        collect(clause.when)
        collect(clause.applies)
    assert asked
    assert not asked & set(MARKERS)


def test_the_most_urgent_flag_leads() -> None:
    facts = plain_facts({"sign.gait": True, "sign.bladder": True})
    assert urgency(facts) == "emergency"
    assert red_flags(facts)[0].clause.id == "RF-COMPRESSION"
    assert urgency(plain_facts({"sign.tingling": True})) is None


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("lab.serum_b21", "100 ng/L", "Did you mean"), ("sign.tingling", "yes", "true or false"), ("lab.mma", "high", "quantity"),
        ("lab.mma", "3 parsecs", "parsecs"), ("sex", "x", "one of female, male"), ("lab.mma", [], "one or more reports"),
    ],
)  # fmt: skip
def test_facts_refuse(name: str, value: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        plain_facts({name: value})


def test_a_report_in_a_foreign_unit_is_refused_with_what_was_expected() -> None:
    with pytest.raises(InputError, match="ng/L or pmol/L"):
        _truth(B12, lab__serum_b12="100 fL")
