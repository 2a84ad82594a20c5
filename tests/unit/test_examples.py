"""The example patients: readable, adult, sourced, and blind to what happened next."""

from __future__ import annotations

import numpy as np
import pytest

from corrin.case.case import Observed
from corrin.case.plan import built_in_plans
from corrin.case.reader import read_case
from corrin.case.world import draw, future, world
from corrin.errors import InputError, NotCovered
from corrin.examples import DEMO, list_examples, load_example

COVERED = [name for name in list_examples() if name != "guez2012"]


def test_there_are_enough() -> None:
    assert len(COVERED) >= 18
    assert all("\n" not in line and len(line) < 160 for line in list_examples().values())


@pytest.mark.parametrize("name", COVERED)
def test_an_example_becomes_a_world(name: str) -> None:
    case = load_example(name)
    assert case.id == name
    assert case.citation
    assert case.note
    assert case.as_of == "day 0"
    assert case.age_y >= 16.0
    assert read_case(case.to_dict()) == case
    assert case.observed == "not seen" or all(isinstance(entry, Observed) for entry in case.observed)
    found = world(case)
    assert all(observation.time_days <= 0.0 for observation in found.observations)
    random = np.random.default_rng(0)
    values = draw(found.latents, {latent.name: random.standard_normal(50) for latent in found.latents if latent.needs_z})
    assert all(np.all(np.isfinite(value)) for value in values.values())
    for plan in ("none", "bnf-hydroxocobalamin-neurological", "oral-1000-daily"):
        assert future(case, built_in_plans()[plan], 2.0).end_days == 730.5


def test_the_infant_is_not_covered() -> None:
    with pytest.raises(NotCovered):
        load_example("guez2012")


def test_the_demo_patient_has_the_three_markers() -> None:
    readings = {observation.reading for observation in world(load_example(DEMO)).observations}
    assert {"serum_b12", "mma", "homocysteine", "symptom_tingling"} <= readings


def test_an_unknown_example_names_near_ones() -> None:
    with pytest.raises(InputError, match="gaddam2007"):
        load_example("gadam2007")


def test_the_public_name_is_a_function_before_and_after_its_folder_is_imported() -> None:
    import corrin
    import corrin.examples as folder
    from corrin.answers.examples import examples

    assert corrin.examples() == examples() == folder()
