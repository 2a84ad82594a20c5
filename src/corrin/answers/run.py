"""The seam between the model and the answers: one person and some plans in, arrays over draws out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from corrin.answers.computed import Computed, Course, Floats, ReadingInfo
from corrin.answers.reported import as_reported
from corrin.case.case import Case
from corrin.case.plan import Plan
from corrin.case.world import Latent, World, world

if TYPE_CHECKING:
    from corrin.inference.update import People

Progress = Callable[[str, float], None]
"""Told what is being done and how far it is, 0 to 1."""
FAR = 3.0
"""A laboratory value further than this (in its SD) from the middle of the draws contradicts the model."""


def run(case: Case, plans: Sequence[Plan], years: float, draws: int, seed: int, progress: Progress | None = None) -> Computed:
    """Draw people like this one, weigh them by their data, and take each through every plan.

    `futures` of the result is keyed by `plan.name`, times from 0 to `years` * 365.25 days; `past` ends at 0.
    """
    from corrin.inference import population as people_of
    from corrin.inference.ahead import follow
    from corrin.inference.update import ENOUGH, update

    tell = progress or (lambda what, share: None)
    tell("loading the model" if people_of.is_compiled() else "compiling the model (once on this machine, under a minute)", 0.0)
    kernel, population = people_of.the_kernel(), people_of.population()
    tell("learning from the data", 0.05)
    history = world(case)
    people = update(history, kernel, population, draws, seed, lambda what, share: tell(what, 0.05 + 0.4 * share))
    futures: dict[str, Course] = {}
    ended: dict[str, dict[int, Floats]] = {}
    certificate, failed = people.error, people.run.failed.copy()
    for number, plan in enumerate(plans):
        low = 0.45 + 0.55 * number / len(plans)
        tell(f"plan {plan.name}", low)
        course = follow(case, history, plan, years, people, kernel, population, seed)
        futures[plan.name] = Course(course.times, course.readings)
        ended[plan.name] = course.phase_ends
        certificate = max(certificate, course.error)
        failed |= course.failed
    weights = np.where(failed, 0.0, people.weights)
    notices: list[tuple[str, str]] = []
    if people.effective < ENOUGH * draws:
        notices.append((
            "few-effective-draws",
            f"Not resolved: only {people.effective:.0f} of {draws} draws count independently, so the data were given half their weight, "
            "which widens the bands. Ask for more draws.",
        ))  # fmt: skip
    tell("putting the answer together", 1.0)
    system = kernel.model.system
    return Computed(
        weights=weights,
        readings={r.name: ReadingInfo(r.label, r.unit, r.group, r.lab, r.assumed) for r in system.readings},
        past=_past(people, kernel.model.readings),
        futures=futures,
        causes=_causes(people.values, people.weights, history.latents),
        parameters=tuple(kernel.model.parameters),
        modifiers=_modifiers(history),
        hashes={"program": kernel.model.digest()[:16], "population": population.digest()[:16]},
        contradiction=_contradiction(case, people.misfit),
        effective=people.effective,
        notices=tuple(notices),
        failed_people=int(failed.sum()),
        ended=ended,
        certificate=certificate,
    )


def _modifiers(history: World) -> tuple[str, ...]:
    """Ids of the table's rows behind the history's changes (a timeline numbers them: `metformin_0`)."""
    from corrin.facts.reader import modifiers

    ids = {row.id for row in modifiers()}
    named = {change.modifier.removeprefix("cause_") for change in history.history.changes if change.modifier}
    return tuple(sorted({name if name in ids else name.rsplit("_", 1)[0] for name in named} & ids))


def _past(people: People, readings: Sequence[str]) -> Course:
    """The history on a common calendar: each person's own instants are read between by straight lines."""
    when, values = people.history.when, people.run.readings
    first = max(float(when.min()), -12.0 * 365.25)
    days = np.concatenate([first * (1.0 - np.linspace(0.0, 1.0, 41)[:-1]) ** 1.5, [0.0]])
    out = np.empty((people.count, len(days), len(readings)))
    for person in range(people.count):
        own = when[:, person]
        after = np.clip(np.searchsorted(own, days), 1, len(own) - 1)
        share = np.clip((days - own[after - 1]) / np.maximum(own[after] - own[after - 1], 1e-9), 0.0, 1.0)[:, None]
        out[person] = values[person, after - 1] * (1.0 - share) + values[person, after] * share
    return Course(days, {name: out[:, :, place] for place, name in enumerate(readings)})


CAUSES = {
    "none": "no cause of lasting shortage",
    "low_intake": "too little B12 in the food",
    "gastritis": "autoimmune gastritis (pernicious anaemia)",
    "food_bound": "B12 in food not set free (stomach)",
    "ileal": "disease of the last ileum",
}


def _causes(values: Mapping[str, Floats], weights: Floats, latents: Sequence[Latent]) -> dict[str, tuple[str, float]]:
    """Which cause was drawn, where nobody had named one: probability by name."""
    if "cause" not in values:
        return {}
    about = next(latent.about for latent in latents if latent.name == "cause")
    names = [part.strip().split(" ", 1)[1] for part in about.split(":", 1)[1].split(",")]
    share = np.bincount(values["cause"].astype(int), weights=weights, minlength=len(names))
    return {name: (CAUSES.get(name, name.replace("_", " ")), float(share[number])) for number, name in enumerate(names)}


def _contradiction(case: Case, misfit: Mapping[str, float]) -> str:
    """A sentence when a laboratory value cannot be joined with the rest."""
    worst = max(misfit.items(), key=lambda item: abs(item[1]), default=("", 0.0))
    if abs(worst[1]) <= FAR:
        return ""
    place = worst[0].rsplit(" ", 1)[0]
    return (
        f"No simulated history explains {as_reported(case, place)} together with the rest: "
        f"it lies {abs(worst[1]):.1f} of its own variations "
        f"{'above' if worst[1] < 0 else 'below'} what the model expects. Check the value, its unit and its date; "
        "or something is at work that the model does not hold."
    )


def warm() -> str:
    """Compile the model and keep it in the cache; returns a sentence on what was done."""
    import time

    from corrin.engine import compiled
    from corrin.inference import population as people_of

    was = people_of.is_compiled()
    began = time.perf_counter()
    people_of.the_kernel()
    took = time.perf_counter() - began
    return f"The model was {'ready' if was else 'compiled and kept'} in {compiled.cache_folder()} ({took:.1f} s)."
