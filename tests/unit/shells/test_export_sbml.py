"""SBML is consistent by libsbml, and libRoadRunner, with equations read from the file and steps of its own, runs it to corrin's numbers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from corrin.engine.draw import normals
from corrin.engine.rest import settle
from corrin.engine.simulate import Schedule, find_grid, simulate
from corrin.inference import population as of
from corrin.shells.export import units
from corrin.shells.export.antimony import antimony_text
from corrin.shells.export.person import Instant, Person, instants, person, typical
from corrin.shells.export.sbml import problems, rhythms, sbml_text

roadrunner = pytest.importorskip("roadrunner", reason="libRoadRunner, the second engine, is not installed")
END = 120.0
BEYOND = 1.0


@contextmanager
def quiet() -> Iterator[None]:
    """CVODE says on the process's own stderr that a step is small, thousands of times."""
    kept = os.dup(2)
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(silent)
        os.close(kept)


def loaded(text: str) -> Any:
    roadrunner.Logger.setLevel(roadrunner.Logger.LOG_FATAL)
    config = roadrunner.Config
    config.setValue(config.LLVM_BACKEND, config.LLJIT)
    config.setValue(config.LLVM_SYMBOL_CACHE, True)
    engine = roadrunner.RoadRunner(text)
    engine.integrator.relative_tolerance, engine.integrator.absolute_tolerance = 1e-8, 1e-8
    engine.integrator.setValue("maximum_num_steps", 200_000)
    return engine


def theirs(text: str, who: Person, days: list[float]) -> dict[str, np.ndarray]:
    """libRoadRunner's readings on these days."""
    engine = loaded(text)
    engine.timeCourseSelections = ["time", *(f"reading_{name}" for name in who.readings)]
    with quiet():
        out = np.array(engine.simulate(times=[0.0, *days]))
    return {name: out[1:, place + 1] for place, name in enumerate(who.readings)}


def furthest(ours: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> tuple[float, str]:
    """Largest relative difference; a reading below 1e-2 of its unit counts against that."""
    return max((float(np.max(np.abs(ours[name] - other[name]) / np.maximum(np.abs(ours[name]), 1e-2))), name) for name in ours)


def course(seed: int) -> tuple[Person, dict[str, np.ndarray]]:
    """Somebody drawn, doses and exposures drawn: two at the first instant, several at some, a drip of small ones, nitrous oxide for a day,
    a drug begun and stopped, two at the last instant. Also the readings a day after the end: they hold the last doses."""
    kernel, population = of.the_kernel(), of.population()
    model = kernel.model
    luck = np.random.default_rng(seed)
    one = population.matrix({name: normals(seed, name, 1) for name in population.drawn}, 1)
    usual = kernel.exposure_defaults()
    start = settle(kernel, one, usual[:, None], one, usual[:, None])
    drip = [20.0 + k / 96.0 for k in range(8)]
    edges = sorted({0.0, 1.0, 10.0, 11.0, *drip, *np.round(luck.uniform(30.0, 110.0, 5), 2).tolist(), END})
    levels, doses = [], []
    for low in edges[:-1]:
        now = usual.copy()
        now[model.exposures.index("nitrous_oxide")] = float(10.0 <= low < 11.0)
        now[model.exposures.index("m_ileal_uptake")] = 0.3 if 30.0 <= low < 70.0 else 1.0
        now[model.exposures.index("crystalline_ug_d")] = 20.0 if low >= 60.0 else 0.0
        levels.append(now)
        many = 2 if low == 0.0 else int(luck.integers(0, 4))
        given = [(int(luck.integers(0, len(model.dose_kinds))), np.array([float(luck.uniform(5.0, 1500.0))])) for _ in range(many)]
        doses.append([(model.dose_kinds.index("intravenous_O"), np.array([50.0]))] if low in drip else given)
    doses.append([(model.dose_kinds.index("oral_C"), np.array([700.0])), (model.dose_kinds.index("oral_O"), np.array([900.0]))])
    places = (0.1, 0.5)
    count = len(edges) - 1
    schedule = Schedule(
        np.diff(edges)[:, None], np.array(levels)[:, :, None], np.arange(count), doses, [[*places, 1.0]] * count,
        [[2 * k, 2 * k + 1, -1] for k in range(count)], np.full(count, 1e-5), 2 * count,
    )  # fmt: skip
    run = simulate(kernel, start, one, schedule, find_grid(kernel, start, one, schedule, 1e-4))
    days = np.array([low + share * (high - low) for low, high in pairwise(edges) for share in places])
    who = person(model, "drawn", "", one[0], start[0], schedule, days, run.readings[0])
    after = Schedule(np.array([[BEYOND]]), levels[-1][None, :, None], np.zeros(1, np.int64), [[], []], [[1.0]], [[0]], np.array([1e-6]), 1)
    later = simulate(kernel, run.end, one, after, find_grid(kernel, run.end, one, after, 1e-4)).readings[0]
    return who, {name: later[:, place] for place, name in enumerate(model.readings)}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_roadrunner_runs_random_courses_to_the_same_readings(seed: int) -> None:
    who, after = course(seed)
    text = sbml_text(of.the_system(), who)
    assert problems(text) == []
    found = theirs(text, who, [*who.days.tolist(), END + BEYOND])
    ours = {name: np.concatenate([who.readings[name], after[name]]) for name in who.readings}
    difference, name = furthest(ours, found)
    assert difference < 1e-3, name


@pytest.mark.slow
@pytest.mark.parametrize("plan", ["none", "bnf-hydroxocobalamin", "oral-1000-daily"])
def test_the_typical_person_under_a_plan(plan: str) -> None:
    who = typical(plan, 0.5)
    text = sbml_text(of.the_system(), who)
    assert problems(text) == []
    # At the instant of a dose corrin reads before it, an SBML simulator after it.
    free = [place for place, day in enumerate(who.days) if day > 0.0 and day not in {instant.time_days for instant in who.instants}]
    found = theirs(text, who, who.days[free].tolist() or [who.end_days])
    if free:
        assert furthest({name: values[free] for name, values in who.readings.items()}, found)[0] < 1e-3
    else:  # a dose every day that is read: compare just before them
        just_before = who.days[1:-1] - 1e-7
        ours = {name: values[1:-1] for name, values in who.readings.items()}
        assert furthest(ours, theirs(text, who, just_before.tolist()))[0] < 1e-3


def test_daily_doses_are_one_event_and_doses_left_out_break_the_rhythm() -> None:
    dose = (("oral_C", 700.0),)
    days = [float(day) for day in range(10) if day != 6]
    found = rhythms([Instant(day, {}, dose) for day in days])
    assert found == [(0.0, 1.0, 6, dose), (7.0, 1.0, 3, dose)]
    assert [day for first, gap, many, _ in found for day in (first + gap * k for k in range(many))] == days


def test_amounts_balance_in_the_reactions() -> None:
    """Every flow takes from its source what it gives to its target: stoichiometries are one."""
    libsbml = pytest.importorskip("libsbml")
    model = libsbml.readSBMLFromString(sbml_text(of.the_system(), typical(None, 0.1))).getModel()
    flows = of.the_system().flows
    pools = {pool.name for pool in of.the_system().pools}
    assert model.getNumReactions() == len(flows)
    for place, flow in enumerate(flows):
        reaction = model.getReaction(place)
        ends = [[side(k) for k in range(count)] for side, count in
                ((reaction.getReactant, reaction.getNumReactants()), (reaction.getProduct, reaction.getNumProducts()))]  # fmt: skip
        assert [[end.getSpecies() for end in side] for side in ends] == [
            [name] if name in pools else [] for name in (flow.source, flow.target)
        ]
        assert all(end.getStoichiometry() == 1.0 for side in ends for end in side)


@pytest.mark.slow
def test_antimony_reads_back_to_the_same_model() -> None:
    antimony = pytest.importorskip("antimony")
    who = typical("bnf-hydroxocobalamin", 0.25)
    text = sbml_text(of.the_system(), who)
    assert antimony.loadAntimonyString(antimony_text(text)) >= 0, antimony.getLastError()
    again = antimony.getSBMLString(antimony.getMainModuleName())
    days = [1.0, 12.5, 50.0]
    assert furthest(theirs(text, who, days), theirs(again, who, days))[0] < 1e-6


def test_every_unit_of_the_facts_has_its_parts() -> None:
    from corrin.facts.reader import parameters

    for row in parameters().values():
        assert units.parts(row.unit)
    assert units.parts("nmol/L") == [("mole", 1, -9, 1.0), ("litre", -1, 0, 1.0)]
    assert units.parts("/d") == [("second", -1, 0, 86400.0)]
    assert units.parts("mL/min/1.73m2")[2] == ("metre", -2, 0, pytest.approx(1.73**0.5))
    assert units.name_of("/nmol/d") == "per_nmol_per_d"


def test_a_schedule_of_several_people_is_refused() -> None:
    kernel = of.the_kernel()
    levels = np.repeat(kernel.exposure_defaults()[:, None], 2, axis=1)
    two = Schedule(np.ones((1, 2)), levels[None], np.zeros(1, np.int64), [[], []], [[1.0]], [[0]], np.zeros(1), 1)
    with pytest.raises(ValueError, match="2 people"):
        instants(kernel.model, two)
