"""The study files: read strictly, whole, their role set by the rule, their numbers possible; and what a stranger's file may do."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
import tomllib
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from corrin.errors import CorrinError, InputError
from corrin.inference.population import the_system
from corrin.studies import reader
from corrin.studies.reader import in_reading_unit, read_study, simulated_points, studies
from corrin.studies.schema import Outcome, Study

FILES = sorted(item.name for item in files("corrin.studies").iterdir() if item.name.endswith(".toml"))
STUDIES = {study.key: study for study in studies()}


def outcomes(study: Study) -> list[tuple[str, Outcome]]:
    """(place, outcome) of every outcome and baseline of a study."""
    found = [("baseline", outcome) for outcome in study.baseline]
    for arm in study.arm:
        found += [(f"{arm.name}: {outcome.label}", outcome) for outcome in (*arm.baseline, *arm.outcome)]
    return found


@pytest.mark.parametrize("name", FILES)
def test_study_file(name: str) -> None:
    study = STUDIES[name.removesuffix(".toml")]
    assert study.citation.rstrip(".")
    assert study.role_reason, "why this role"
    by_key = "check" if int(hashlib.sha256(study.key.encode()).hexdigest(), 16) % 4 == 0 else "fit"
    assert study.role == ("check" if study.role_reason.startswith("a survey") else by_key)
    for place, outcome in outcomes(study):
        seen = outcome.seen or study.seen
        assert seen != "assumed", place
        assert outcome.at or seen == "recalled", f"{place}: where in the paper"
    for arm, outcome, place in simulated_points(study):
        told = outcome.n[place] if outcome.n else arm.n
        notes = f"{outcome.note} {arm.note} {study.note}"
        assert told or "not told" in notes or "not in the abstract" in notes, f"{arm.name}, {outcome.label}: n"
        value, limits = outcome.value[place], {"percent": (0.0, 100.0), "percent change": (-100.0, 1000.0), "ratio": (0.02, 50.0)}
        low, high = limits.get(outcome.statistic, (-1e6, 1e6))
        assert value is not None
        assert low <= value <= high
        if arm.dose_list():
            assert outcome.time_d[place] <= arm.dose_list()[-1][0] + 800.0, "seen long after the last dose: is the list of doses whole?"


def test_readings_are_those_of_the_body() -> None:
    """All but what no study measures: the state behind the nerves and the enzymes."""
    units = {reading.name: reading.unit for reading in the_system().readings}
    measured = {name for name in units if not name.startswith(("function_", "myelin_", "axon_", "activity_"))}
    assert set(reader.readings()) == measured
    for name in measured:
        analyte = reader.analyte_of(name)
        assert units[name] == (analyte.unit if analyte else reader.OTHER_READINGS[name])


def test_a_hundred_points_can_be_simulated() -> None:
    assert sum(len(list(simulated_points(study))) for study in studies()) >= 100


def test_no_two_files_are_the_same_paper() -> None:
    for name in ("doi", "pmid"):
        given = [getattr(study, name) for study in studies() if getattr(study, name)]
        assert len(given) == len(set(given))


# The dose lists, by hand from the regimen's words: day of the last dose, number, total in ug.
@pytest.mark.parametrize(
    ("key", "arm", "last", "number", "total_ug"),
    [
        ("abyad2002", 0, 364, 7 + 4 + 11, 22_000),
        ("andres2001", 0, 84, 13, 39_000),
        ("castelli2011", 1, 89, 9, 9_000),
        ("eussen2005", 4, 111, 112, 112_000),
        ("glass1966", 0, 10, 6, 6_000),
        ("mecolabel_jp", 2, 83 + 2 / 3, 252, 126_000),
        ("bor2004", 0, 0.5, 3, 27),
    ],
)
def test_dose_lists(key: str, arm: int, last: float, number: int, total_ug: float) -> None:
    doses = STUDIES[key].arm[arm].dose_list()
    assert (doses[-1][0], len(doses), sum(ug for _, ug in doses)) == pytest.approx((last, number, total_ug))


def test_units_of_readings() -> None:
    # 1 pg/mL of a substance of 1355.37 g/mol is 0.7378 pmol/L.
    assert in_reading_unit(200.0, "pg/mL", "serum_b12") == pytest.approx(147.56, rel=1e-3)
    assert in_reading_unit(0.26, "umol/L", "mma") == pytest.approx(260.0)
    assert in_reading_unit(40.0, "%", "symptom_numbness") == pytest.approx(0.4)
    assert in_reading_unit(45.0, "m/s", "sural_velocity") == 45.0


MINIMAL: dict[str, Any] = {
    "format": "corrin.study/1",
    "key": "smith2004",
    "citation": "Smith A. A trial. 2004.",
    "seen": "abstract",
    "design": "randomised trial",
    "role": "check",
    "population": {"description": "adults", "age_mean_y": 60},
    "arm": [
        {
            "name": "oral",
            "n": 20,
            "product": "cyanocobalamin-oral",
            "doses": [{"ug": 1000, "count": 90}],
            "outcome": [
                {"label": "B12", "reading": "serum_b12", "unit": "pmol/L", "statistic": "mean", "time_d": [0, 90], "value": [150, 500]},
                {"label": "MMA", "reading": "mma", "unit": "umol/L", "statistic": "median change", "time_d": [90], "value": [-0.2]},
            ],
        }
    ],
}


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    document = copy.deepcopy(MINIMAL)
    change(document)
    return document


def first(document: dict[str, Any]) -> dict[str, Any]:
    outcome: dict[str, Any] = document["arm"][0]["outcome"][0]
    return outcome


def test_the_minimal_study_is_read_however_it_comes(tmp_path: Path) -> None:
    study = read_study(MINIMAL)
    text = json.dumps(MINIMAL)
    (tmp_path / "smith.json").write_text(text)
    assert read_study(text) == read_study(tmp_path / "smith.json") == read_study(str(tmp_path / "smith.json")) == study
    assert [place for _, _, place in simulated_points(study)] == [1, 0]
    assert read_study("eussen2005") == read_study(files("corrin.studies").joinpath("eussen2005.toml").read_text()) == STUDIES["eussen2005"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.pop("format"), ["format"]),
        (lambda d: d.update(key="Smith 2004"), ["key", "smith2004"]),
        (lambda d: d.update(arm=[]), ["arm"]),
        (lambda d: d["arm"].append(d["arm"][0]), ["same name"]),
        (lambda d: d["arm"][0].update(product="cyanocobalmin-oral"), ["arm[0].product", "Did you mean cyanocobalamin-oral"]),
        (lambda d: d["arm"][0].update(diet={"diet": "vegann"}), ["arm[0].diet", "Did you mean"]),
        (lambda d: d["arm"][0].update(start_drugs=[{"name": "aspirin"}]), ["start_drugs[0].name", "aspirin"]),
        (lambda d: d["population"].update(history={"conditions": [{"name": "flu"}]}), ["population.history.conditions[0]", "flu"]),
        (lambda d: d["population"].update(history={"operations": [{"name": "tonsillectomy"}]}), ["operations[0]"]),
        (lambda d: d["population"].update(history={"diet": [{"diet": "vegan", "from": "-29220d"}]}), ["before birth"]),
        (lambda d: d["population"].update(age_low_y=80, age_high_y=20), ["age_low_y"]),
        (lambda d: d["population"].update(age_mean_y=-1), ["age_mean_y"]),
        (lambda d: first(d).update(reading="thcy"), ["outcome[0].reading", "oral, B12", "Did you mean homocysteine"]),
        (lambda d: first(d).update(reading="love"), ["outcome[0].reading", "sural_velocity"]),
        (lambda d: first(d).update(unit="mmHg"), ["outcome[0].unit", "pmol/L", "pg/mL"]),
        (lambda d: first(d).update(unit="pg/dL"), ["outcome[0].value[0]", "Did you mean", "150 pmol/L"]),
        (lambda d: first(d).update(value=["150", 500]), ["value[0]", "without quotation marks"]),
        (lambda d: first(d).update(value=[float("nan"), 500]), ["value[0]", "NaN"]),
        (lambda d: first(d).update(value=[True, 500]), ["value[0]"]),
        (lambda d: first(d).update(value=[150]), ["value has 1", "time_d has 2"]),
        (lambda d: first(d).update(value=[], time_d=[]), ["time_d is empty"]),
        (lambda d: first(d).update(time_d=[-7, 90]), ["time_d[0]", "day -7"]),
        (lambda d: first(d).update(time_d=[90, 0]), ["time_d[1]", "in order"]),
        (lambda d: first(d).update(statistic="meen"), ["statistic", "Did you mean"]),
        (lambda d: first(d).update(statistic="percent", unit="%"), ["below or above"]),
        (lambda d: first(d).update(statistic="percent", unit="%", below=200), ["limit_unit"]),
        (lambda d: first(d).update(statistic="percent", unit="%", below=200, limit_unit="mm", value=[5, 5]), ["limit_unit", "mm"]),
        (lambda d: first(d).update(statistic="percent change", from_day=0, time_d=[0, 90], unit="%"), ["from_day"]),
        (lambda d: first(d).update(statistic="difference"), ["versus"]),
        (lambda d: first(d).update(statistic="difference", versus="nobody"), ["versus", "nobody"]),
        (lambda d: first(d).update(statistic="difference", versus="oral"), ["the arm itself"]),
        (lambda d: first(d).update(spread="ci95"), ["outcome[0].spread", "low and high"]),
        (lambda d: first(d).update(low=[1, 2], high=[3, 4]), ["outcome[0].spread"]),
        (lambda d: first(d).update(spread="iqr", low=[200, 2], high=[100, 4]), ["low[0]", "Swap"]),
        (lambda d: first(d).update(sd=[-1, 2]), ["sd[0]"]),
        (lambda d: first(d).update(n=[0, 20]), ["n[0]"]),
        (lambda d: first(d).update(valeu=[1]), ["valeu", "Did you mean value"]),
        (lambda d: d["arm"][0].update(dose_days=[0], dose_ug=5), ["doses and dose_days"]),
        (lambda d: d["arm"][0]["doses"][0].update(count=10**9), ["doses"]),
        (lambda d: d["arm"][0]["doses"][0].update(start_d=-30), ["day -30", "past_b12"]),
        (lambda d: d["arm"][0].pop("product"), ["product"]),
        (lambda d: d.update(entry=[{"reading": "mma", "unit": "umol/L"}]), ["entry", "low or high"]),
        (lambda d: d.update(entry=[{"reading": "mma", "unit": "umol/L", "low": 2, "high": 1}]), ["entry[0].low", "Swap"]),
        (lambda d: d.update(role="fit", seen="recalled"), ["recalled"]),
        (lambda d: d.update(baseline=[first(d)]), ["baseline[0].time_d[1]"]),
    ],
)
def test_what_is_wrong_is_named_with_its_place(change: Callable[[dict[str, Any]], object], words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        read_study(changed(change))
    for word in words:
        assert word in str(caught.value)
    assert "\n\n" not in str(caught.value)


def test_several_faults_come_at_once() -> None:
    document = changed(lambda d: (first(d).update(unit="mmHg"), d["arm"][0].update(product="nothing")))
    with pytest.raises(InputError) as caught:
        read_study(document)
    assert len(caught.value.faults) == 2


def test_an_sd_needs_no_word_and_a_share_of_people_with_a_sign_no_limit() -> None:
    study = read_study(changed(lambda d: first(d).update(sd=[30, 90])))
    assert study.arm[0].outcome[0].spread == "sd"
    sign = {"label": "numb", "reading": "symptom_numbness", "unit": "%", "statistic": "percent", "time_d": [90], "value": [20]}
    assert read_study(changed(lambda d: d["arm"][0].update(outcome=[sign]))).arm[0].outcome[0].of_a_sign


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "{", "[]", "[[arm]]\n" * 3, "a = 1\na = 2\n", "key = ", "\x00\n", "format = 'corrin.study/1'\n", "x" * 10_000_000 + "\n",
        "[" * 5000, "a." * 3000 + "b = 1\n", "no_such_study", "format = 2024-01-01\n",
        '{"format": "corrin.study/1", "format": "corrin.study/1"}',
    ],
    ids=lambda text: ascii(text[:20]),
)  # fmt: skip
def test_texts_of_strangers(text: str) -> None:
    with pytest.raises(InputError):
        read_study(text)


def test_files_of_strangers(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_study(tmp_path / "none.toml")
    with pytest.raises(InputError, match="a folder"):
        read_study(tmp_path)
    (tmp_path / "large.toml").write_bytes(b"x" * 10_000_000)
    with pytest.raises(InputError, match="10,000,000 bytes"):
        read_study(tmp_path / "large.toml")
    (tmp_path / "odd.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="UTF-8"):
        read_study(tmp_path / "odd.toml")
    for odd in (None, 3, b"bytes", [1]):
        with pytest.raises(InputError, match="something of type"):
            read_study(odd)  # type: ignore[arg-type]


PLACES = [
    (), ("population",), ("population", "age_mean_y"), ("arm",), ("arm", 0), ("arm", 0, "doses"), ("arm", 0, "doses", 0, "ug"),
    ("arm", 0, "outcome"), ("arm", 0, "outcome", 0), ("arm", 0, "outcome", 0, "time_d"), ("arm", 0, "outcome", 0, "value"),
    ("arm", 0, "outcome", 0, "unit"), ("arm", 0, "outcome", 0, "reading"), ("arm", 0, "product"), ("role",), ("entry",),
]  # fmt: skip
JUNK = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=8),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(where=some.sampled_from(PLACES), junk=JUNK)
@settings(max_examples=150, deadline=None)
def test_junk_anywhere_is_a_message_or_a_study(where: tuple[Any, ...], junk: Any) -> None:
    document: Any = copy.deepcopy(MINIMAL)
    if where:
        inner = document
        for part in where[:-1]:
            inner = inner[part]
        inner[where[-1]] = junk
    else:
        document = junk
    with contextlib.suppress(CorrinError):
        assert isinstance(read_study(document), Study)


def test_files_use_toml_as_written() -> None:
    """No key is left to a default of the reader that the file spells otherwise: what a file says is what the study holds."""
    for name in FILES:
        document = tomllib.loads(files("corrin.studies").joinpath(name).read_text(encoding="utf-8"))
        study = STUDIES[name.removesuffix(".toml")]
        assert document["key"] == study.key == name.removesuffix(".toml")
        assert [arm["name"] for arm in document["arm"]] == [arm.name for arm in study.arm]
        for raw, arm in zip(document["arm"], study.arm, strict=True):
            assert [tuple(item["value"]) for item in raw.get("outcome", [])] == [item.value for item in arm.outcome]


def test_the_page_on_adding_a_study_shows_one_that_is_read() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "how-to" / "add-a-study.md").read_text(encoding="utf-8")
    study = read_study(page.split("```toml study\n")[1].split("```")[0])
    assert len(list(simulated_points(study))) == 2
    assert all(name in page or name.startswith("symptom_") for name in reader.readings())
