"""What else matters: vitamin B6 added up as by hand and held against the limits of the table; statements that concern a person."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corrin.answers.examples import example, examples
from corrin.answers.matters import b6_message, b6_sum, matters
from corrin.case.case import Case
from corrin.case.reader import read_case
from corrin.facts.pain import other_things
from corrin.shells import cli

NUMB = [{"what": "numbness"}]


def person(age_y: float = 60, findings: list[dict[str, Any]] | None = None, **history: Any) -> Case:
    """A case with this history."""
    parts = {"format": "corrin.case/1", "person": {"age_y": age_y}, "as_of": "day 0", "findings": findings or [], "history": history}
    return read_case(json.dumps(parts))


@pytest.mark.parametrize(
    ("history", "mg_day", "complete", "above"),
    [
        ({}, 0.0, True, None),
        ({"drugs": [{"name": "vitamin B6", "dose": 5, "unit": "mg", "per_day": 2}]}, 10.0, True, False),
        ({"drugs": [{"name": "pyridoxine", "dose": 50, "unit": "mg/d"}]}, 50.0, True, True),
        ({"drugs": [{"name": "vitamin B6", "dose": 50, "unit": "mg", "per_day": 1, "to": "-90d"}]}, 0.0, True, None),
        ({"drugs": [{"name": "vitamin B6"}]}, 0.0, False, None),
        ({"other_drugs": ["vitamin B6 10 mg", "pyridoxine 25 mg twice a day"]}, 60.0, True, True),
        ({"other_drugs": ["B-complex"]}, 0.0, False, None),
        ({"other_drugs": ["B-complex with B6 2 mg"], "drugs": [{"name": "vitamin B6", "dose": 11, "unit": "mg"}]}, 13.0, True, True),
        ({"other_drugs": ["vitamin B6 500 mcg 3 times a day"]}, 1.5, True, False),
        ({"other_drugs": ["B1 100 mg, B6 50 mg, B12 1 mg daily"]}, 50.0, True, True),
        ({"other_drugs": ["aspirin 100 mg"]}, 0.0, True, None),
        ({"other_drugs": ["multivitamin", "vitamin B6 20 mg daily"]}, 20.0, False, True),
    ],
)
def test_vitamin_b6_is_added_up_as_by_hand(history: dict[str, Any], mg_day: float, complete: bool, above: bool | None) -> None:
    found = b6_sum(person(**history))
    assert found.known_mg_day == pytest.approx(mg_day)
    assert found.complete is complete
    assert found.above_europe is above


@given(doses=st.lists(st.floats(0.1, 80.0), min_size=1, max_size=4))
def test_more_products_never_lower_the_sum_nor_the_limits_it_exceeds(doses: list[float]) -> None:
    sums = [b6_sum(person(drugs=[{"name": "vitamin B6", "dose": dose, "unit": "mg", "per_day": 1} for dose in doses[:n]]))
            for n in range(1, len(doses) + 1)]  # fmt: skip
    assert sums[-1].known_mg_day == pytest.approx(sum(doses))
    for one, more in itertools.pairwise(sums):
        assert {row.id for row in one.above} <= {row.id for row in more.above}


def test_the_limits_are_those_of_the_bodies() -> None:
    bodies = [row.body for row in b6_sum(person(drugs=[{"name": "vitamin B6", "dose": 101, "unit": "mg"}])).above]
    assert bodies == ["EVM 2003", "EFSA NDA 2023", "NHMRC 2006", "IOM 1998", "WHO/FAO 2004"]
    below = b6_sum(person(drugs=[{"name": "vitamin B6", "dose": 12, "unit": "mg"}]))
    assert below.above_europe is False  # the limit itself is not above it


def test_the_message_depends_on_nerve_signs_and_keeps_isoniazid_safe() -> None:
    history = {"drugs": [{"name": "vitamin B6", "dose": 50, "unit": "mg", "per_day": 1}]}
    numb, well = person(findings=NUMB, **history), person(**history)
    assert "can be their cause or make them worse" in b6_message(numb, b6_sum(numb))
    assert "No nerve sign is told" in b6_message(well, b6_sum(well))
    both = person(findings=NUMB, other_drugs=["isoniazid 300 mg"], **history)
    assert "do not stop it, ask" in b6_message(both, b6_sum(both))
    none = person(findings=NUMB)
    assert "ask for every supplement" in b6_message(none, b6_sum(none))
    assert "12 mg a day in Europe" in b6_message(none, b6_sum(none))
    assert "100 mg in the USA" in b6_message(none, b6_sum(none))


def test_own_statements_are_those_the_case_tells_of() -> None:
    own = {row["id"] for row in matters(example("gaddam2007")).data["own"]}
    assert {"glucose", "smoking"} <= own
    assert "alcohol" not in own
    assert "alcohol" in {row["id"] for row in matters(example("shm-n2o-34m")).data["own"]}


def test_every_statement_reaches_somebody() -> None:
    reached: set[str] = set()
    told = person(
        conditions=[{"name": "type 2 diabetes"}], alcohol={"level": "heavy"}, smoking={"level": "current"},
        drugs=[{"name": "vitamin B6", "dose": 50, "unit": "mg"}], other_conditions=["low back pain"],
    )  # fmt: skip
    data = matters(told).data
    reached |= {row["id"] for row in [*data["own"], *data["everybody"]]}
    assert reached == set(other_things())


def test_folic_acid_is_never_alone_and_bone_is_not_nerve() -> None:
    text = matters(person(other_conditions=["low back pain"])).text(10_000)
    assert "Never alone while B12 is low or unknown" in text
    assert "Bone, not nerve" in text


@pytest.mark.parametrize("name", examples())
def test_the_text_holds_its_width_and_cites_what_it_shows(name: str) -> None:
    answer = matters(example(name))
    assert max(map(len, answer.text().splitlines())) <= 110
    shown = {key for row in [*answer.data["own"], *answer.data["everybody"]] for key in row["sources"]}
    assert shown <= set(answer.data["sources"])
    assert json.loads(answer.to_json()) == answer.to_dict()


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli._run(["matters", "gaddam2007"]) == 0
    assert capsys.readouterr().out == matters(example("gaddam2007")).text()
    assert cli._run(["matters", "gaddam2007", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["format"] == "corrin.matters/1"
