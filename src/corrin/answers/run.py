"""The seam between the model and the answers: one person and some plans in, arrays over draws out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from corrin.answers.computed import Before, Computed, Course, Floats, ReadingInfo
from corrin.answers.contradiction import contradiction, misfits
from corrin.answers.unknown import causes_of, made_of, unknowns
from corrin.case.case import Case
from corrin.case.plan import Plan
from corrin.case.world import Latent, World, future, world

if TYPE_CHECKING:
    from corrin.inference.update import People

PICTURE_SINCE_DOSE = 40
"""Days of the picture of the past between the first dose and today."""
Progress = Callable[[str, float], None]
"""Told what is being done and how far it is, 0 to 1."""


def run(
    case: Case, plans: Sequence[Plan], years: float, draws: int, seed: int, progress: Progress | None = None, earlier: Case | None = None,
    beside: bool = True, people: People | None = None,
) -> Computed:  # fmt: skip
    """Draw people like this one, weigh them by their data, and take each through every plan.

    `futures` of the result is keyed by `plan.name`, times from 0 to `years` * 365.25 days; `past` ends at 0. Beside it stands the same
    person with less known: `earlier` (the case without the newest results) under every plan; without one, the history alone, under the
    first plan and with half the draws. Where nothing was measured the two are one and nothing is drawn again; so it is, too, where
    `beside` is False, for answers that compare plans and not results. `people`: those of `draw_people`, where they are drawn already.
    """
    from corrin.inference import population as people_of
    from corrin.inference.ahead import follow
    from corrin.inference.sampler import ENOUGH
    from corrin.inference.update import update

    tell = progress or (lambda what, share: None)
    if people is None:
        people = draw_people(case, draws, seed, tell)
    kernel, population, history = people_of.the_kernel(), people_of.population(), world(case)
    futures: dict[str, Course] = {}
    ended: dict[str, dict[int, Floats]] = {}
    certificate, failed = people.error, people.run.failed.copy()
    for number, plan in enumerate(plans):
        low = 0.4 + 0.4 * number / len(plans)
        tell(f"plan {plan.name}", low)
        course = follow(case, history, plan, years, people, kernel, population, seed)
        futures[plan.name] = Course(course.times, course.readings)
        ended[plan.name] = course.phase_ends
        certificate = max(certificate, course.error)
        failed |= course.failed
    weights = np.where(failed, 0.0, people.weights)
    before, previous = None, None
    if history.observations and beside:
        tell("the same without the results", 0.8)
        known, count = (world(earlier), draws) if earlier is not None else (replace(history, observations=()), max(draws // 2, 1))
        previous = update(known, kernel, population, count, seed, lambda what, share: tell(what, 0.8 + 0.1 * share))
        compared = plans if earlier is not None else plans[:1]
        courses = {plan.name: follow(earlier or case, known, plan, years, previous, kernel, population, seed) for plan in compared}
        lost = np.any([previous.run.failed, *(course.failed for course in courses.values())], axis=0)
        before = Before(
            "earlier-results" if earlier is not None else "no-results",
            np.where(lost, 0.0, previous.weights),
            {name: Course(course.times, course.readings) for name, course in courses.items()},
            previous.effective if known.observations else None,
        )
    notices: list[tuple[str, str]] = []
    if people.effective < ENOUGH * draws:
        notices.append((
            "few-effective-draws",
            f"Not resolved: only {people.effective:.0f} of {draws} draws count independently, so the data were given half their weight, "
            "which widens the bands. Ask for more draws.",
        ))  # fmt: skip
    state = people_of.calibration_state()
    if state == "stale":
        notices.append((
            "calibration-stale",
            "calibration: stale. The equations or the numbers under them have changed since the population was fitted to the studies.",
        ))  # fmt: skip
    tell("putting the answer together", 1.0)
    system = kernel.model.system
    return Computed(
        weights=weights,
        readings={r.name: ReadingInfo(r.label, r.unit, r.group, r.lab, r.assumed) for r in system.readings},
        past=_past(people, kernel.model.readings, history),
        futures=futures,
        causes=_causes(people.values, people.weights, history.latents),
        parameters=tuple(kernel.model.parameters),
        modifiers=_modifiers(history),
        hashes={"program": kernel.model.program[:16], "population": population.digest()[:16]},
        contradiction=contradiction(case, misfits(history.observations, people, kernel.model.readings)),
        effective=people.effective,
        notices=tuple(notices),
        failed_people=int(failed.sum()),
        ended=ended,
        certificate=certificate,
        before=before,
        unknowns=unknowns(people, population, history.latents, kernel.model.parameters, previous if earlier is not None else None),
        made_of=made_of(people.values, history.latents),
        plan_unknowns={plan.name: _added(case, plan, years, people, seed) for plan in plans},
        calibration=state,
    )


def draw_people(case: Case, draws: int, seed: int, tell: Progress) -> People:
    """So many people like this one, weighed by their data."""
    from corrin.inference import population as people_of
    from corrin.inference.update import update

    tell("loading the model" if people_of.is_compiled() else "compiling the model (once on this machine, under a minute)", 0.0)
    kernel, population = people_of.the_kernel(), people_of.population()
    tell("learning from the data", 0.05)
    return update(world(case), kernel, population, draws, seed, lambda what, share: tell(what, 0.05 + 0.35 * share))


def _added(case: Case, plan: Plan, years: float, people: People, seed: int) -> dict[str, Floats]:
    """The random numbers a plan adds, as `follow` draws them."""
    from corrin.engine.draw import normals

    return {latent.name: normals(seed, latent.name, people.count) for latent in future(case, plan, years).latents if latent.needs_z}


def _modifiers(history: World) -> tuple[str, ...]:
    """Ids of the table's rows behind the history's changes (a timeline numbers them: `metformin_0`)."""
    from corrin.facts.reader import modifiers

    ids = {row.id for row in modifiers()}
    named = {change.modifier.removeprefix("cause_") for change in history.history.changes if change.modifier}
    return tuple(sorted({name if name in ids else name.rsplit("_", 1)[0] for name in named} & ids))


def _past(people: People, readings: Sequence[str], history: World) -> Course:
    """The history on a common calendar: each person's own instants are read between by straight lines. Days on which something was
    measured are on it, and so are the days since the first dose, closely."""
    when, values = people.history.when, people.run.readings
    first = max(float(when.min()), -12.0 * 365.25)
    days = np.concatenate([first * (1.0 - np.linspace(0.0, 1.0, 41)[:-1]) ** 1.5, [0.0]])
    given = [dose.time_days for dose in history.history.doses if first < dose.time_days < 0.0]
    measured = [item.time_days for item in history.observations if first < item.time_days < 0.0]
    since = np.linspace(min(given), 0.0, PICTURE_SINCE_DOSE) if given else np.zeros(0)
    days = np.unique(np.concatenate([days, measured, since]))
    own = when.T
    after = np.clip([np.searchsorted(instants, days) for instants in own], 1, own.shape[1] - 1)
    after += own.shape[1] * np.arange(people.count)[:, None]  # places in all people's instants one after the other

    def beside(read: Floats) -> tuple[Floats, Floats]:
        """What was read (people, instants) at the instant before each day and at the one after."""
        return read.ravel().take(after - 1), read.ravel().take(after)

    begin, end = beside(own)
    share = np.clip((days - begin) / np.maximum(end - begin, 1e-9), 0.0, 1.0)
    courses = {}
    for place, name in enumerate(readings):
        low, high = beside(values[:, :, place])
        courses[name] = low * (1.0 - share) + high * share
    return Course(days, courses)


def _causes(values: Mapping[str, Floats], weights: Floats, latents: Sequence[Latent]) -> dict[str, tuple[str, float]]:
    """Which cause was drawn, where nobody had named one: probability by name."""
    if "cause" not in values:
        return {}
    levels = causes_of(next(latent for latent in latents if latent.name == "cause"))
    share = np.bincount(values["cause"].astype(int), weights=weights, minlength=len(levels))
    return {name: (words, float(share[number])) for number, (name, words) in enumerate(levels)}


def warm() -> str:
    """Compile the model and keep it in the cache; returns a sentence on what was done."""
    import time

    from corrin.engine import compiled
    from corrin.engine.single import in_single
    from corrin.inference import population as people_of

    was = people_of.is_compiled()
    began = time.perf_counter()
    in_single(people_of.the_kernel())
    took = time.perf_counter() - began
    return f"The model was {'ready' if was else 'compiled and kept'} in {compiled.cache_folder()} ({took:.1f} s)."
