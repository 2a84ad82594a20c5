"""The seam between the model and the answers on recovery: one person learned once, then taken through any plan, and through the same plan
with one thing otherwise (younger, less hurt, not so long).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from corrin.answers.computed import Course, Floats, Unknown
from corrin.answers.contradiction import contradiction, misfits
from corrin.answers.unknown import causes_of, unknowns
from corrin.case.case import Case
from corrin.case.plan import Plan
from corrin.case.world import World, world

if TYPE_CHECKING:
    from corrin.engine.simulate import Kernel
    from corrin.inference.population import Population
    from corrin.inference.update import People

CENTRAL = ("dorsal", "lateral", "optic", "cognition")
PERIPHERAL = ("foot", "hand", "motor")
SIGN = 1.0
"""A severity score from which a sign is found (`summary.SIGN`): duration counts from its first day."""


@dataclass
class Learnt:
    """Draws of one person and what is needed to take them on. `failed` (draws,) grows with every course."""

    case: Case
    history: World
    people: People
    kernel: Kernel
    population: Population
    seed: int
    years: float
    failed: np.ndarray
    certificate: float

    @property
    def weights(self) -> Floats:
        """(draws,) summing to 1, without those that failed in any course so far."""
        kept = np.where(self.failed, 0.0, self.people.weights)
        return np.asarray(kept / kept.sum())

    @property
    def effective(self) -> float:
        """How many independent draws they are worth."""
        return float(self.people.effective)

    def parameter(self, name: str) -> Floats:
        """A parameter (draws,) in its own unit."""
        return np.asarray(self.people.parameters[:, self.kernel.model.parameters.index(name)])

    def pool(self, name: str) -> Floats:
        """What a pool holds today (draws,)."""
        return np.asarray(self.people.state[:, self.kernel.model.pools.index(name)])

    def unknowns(self) -> dict[str, Unknown]:
        """Every random number behind the draws."""
        return unknowns(self.people, self.population, self.history.latents, self.kernel.model.parameters)

    def cause(self) -> tuple[tuple[tuple[str, str], ...], Floats] | None:
        """((name, words) of each cause, which one each draw has), or None where the history leaves no choice."""
        found = next((latent for latent in self.history.latents if latent.name == "cause"), None)
        return None if found is None else (tuple(causes_of(found)), self.people.values["cause"])

    def contradiction(self) -> str:
        """A sentence when the data contradict the model, else empty."""
        return contradiction(self.case, misfits(self.history.observations, self.people, self.kernel.model.readings))

    def hashes(self) -> dict[str, str]:
        """Of the program and the population."""
        return {"program": self.kernel.model.digest()[:16], "population": self.population.digest()[:16]}

    def sign_days(self) -> Floats:
        """Days (draws,) since a sign could first be found; 0 where none can today."""
        when, score = self.people.history.when.T, self.people.run.readings[:, :, self.kernel.model.readings.index("score")]
        signs = (score >= SIGN) & (when <= 0.0)
        people, first = np.arange(len(score)), signs.argmax(axis=1)
        before = np.maximum(first - 1, 0)
        rise = score[people, first] - score[people, before]
        part = np.where(rise > 0.0, (SIGN - score[people, before]) / np.where(rise > 0.0, rise, 1.0), 1.0)
        day = when[people, before] + np.clip(part, 0.0, 1.0) * (when[people, first] - when[people, before])
        return np.asarray(np.where(signs[people, first], np.maximum(-day, 0.0), 0.0))


def learn(
    case: Case,
    years: float,
    draws: int,
    seed: int,
    tell: Callable[[str, float], None],
    population: Population | None = None,
    history: World | None = None,
) -> Learnt:
    """Draw people like this one and weigh them by their data. `population` and `history` stand in for the usual (to freeze something)."""
    from corrin.inference import population as people_of
    from corrin.inference.update import update

    tell("loading the model" if people_of.is_compiled() else "compiling the model (once on this machine, under a minute)", 0.0)
    kernel, drawn_from = people_of.the_kernel(), population or people_of.population()
    known = history or world(case)
    people = update(known, kernel, drawn_from, draws, seed, lambda what, share: tell(what, 0.05 + 0.55 * share))
    return Learnt(case, known, people, kernel, drawn_from, seed, years, people.run.failed.copy(), people.error)


def taken(learnt: Learnt, plan: Plan, people: People | None = None) -> Course:
    """Readings (draws, times) of everybody from today on under a plan; `people`: with something otherwise."""
    from corrin.inference.ahead import follow

    found = follow(learnt.case, learnt.history, plan, learnt.years, people or learnt.people, learnt.kernel, learnt.population, learnt.seed)
    learnt.certificate = max(learnt.certificate, found.error)
    learnt.failed |= found.failed
    return Course(found.times, found.readings)


def calibration() -> str:
    """`none`, `current` or `stale`."""
    from corrin.inference.population import calibration_state

    return str(calibration_state())


def younger(learnt: Learnt, years: float) -> People:
    """The same people with the repair of somebody so many years younger, from today on."""
    place = learnt.kernel.model.parameters.index("nerve_repair")
    parameters = learnt.people.parameters.copy()
    parameters[:, place] *= np.exp(learnt.parameter("repair_age") * years / 10.0)
    return replace(learnt.people, parameters=parameters)


def less_hurt(learnt: Learnt, share: float) -> People:
    """The same people with only this share of the damage that their nerves have today."""
    nerve = {pool: share * learnt.pool(pool) for pool in learnt.kernel.model.pools if _of_nerve(pool)}
    return _with_nerves(learnt, nerve)


def not_so_long(learnt: Learnt, share: float) -> People:
    """The same people met when signs had been there for only this share of the time: nerves as they were then, all else as today.

    What was down in the periphery then is divided into regrowing and lost as it is today, which credits too little to the earlier day.
    """
    days = -(1.0 - share) * learnt.sign_days()
    nerve: dict[str, Floats] = {}
    for tract in (*PERIPHERAL, *CENTRAL):
        bare, down = (np.maximum(1.0 - _at(learnt, f"{what}_{tract}", days) / 100.0, 0.0) for what in ("myelin", "axon"))
        nerve[f"demyelinated_{tract}"] = bare
        if tract in PERIPHERAL:
            regrowing, lost = learnt.pool(f"regrowing_{tract}"), learnt.pool(f"lost_{tract}")
            part = regrowing / np.maximum(regrowing + lost, 1e-12)
            nerve[f"regrowing_{tract}"], nerve[f"lost_{tract}"] = part * down, (1.0 - part) * down
        else:
            nerve[f"lost_{tract}"] = down
    return _with_nerves(learnt, nerve)


def _of_nerve(pool: str) -> bool:
    return pool.split("_")[0] in ("demyelinated", "regrowing", "lost")


def _with_nerves(learnt: Learnt, nerve: Mapping[str, Floats]) -> People:
    """The people with other nerves today; readings of today follow them by recomputation on the first day ahead."""
    state = learnt.people.state.copy()
    for pool, values in nerve.items():
        state[:, learnt.kernel.model.pools.index(pool)] = values
    return replace(learnt.people, state=state)


def _at(learnt: Learnt, reading: str, days: Floats) -> Floats:
    """A reading (draws,) of the history on a day of each draw's own, by straight lines."""
    when, values = learnt.people.history.when, learnt.people.run.readings[:, :, learnt.kernel.model.readings.index(reading)]
    return np.array([np.interp(day, when[:, place], values[place]) for place, day in enumerate(days)])
