"""Which study next? The cheapest days, measurements, arms and size that would tell two forms of the model apart.

People are drawn once under both forms and taken through every arm; what a study of means over n people would tell follows with everything
normal (`inference/trial_information.py`). Measurements are added one at a time (alone, or with the same on day 0), each time the one that
tells most for its cost, until the wanted probability is reached; then what is not needed is taken away. Greedy, so not proven cheapest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corrin.answers.design_question import Question, read_question
from corrin.answers.design_record import Design, Expected, Measured, Narrowed, Option, Step
from corrin.answers.record import Made, Notice, WarningCode
from corrin.errors import InputError, expect

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
MOST_MEASURED = 10
LEAST_BITS = 0.004
"""A measurement that adds less is not worth a line."""
SETS = 1000
NEARLY = 0.9
"""Where what is wanted is out of reach: this share of what the best study tells is enough."""
LEAST_OF_A_FORM = 50
EVEN = 0.5
"""Both forms are drawn equally often, so that both are known equally well; their weights come back in the arithmetic."""


@dataclass(frozen=True)
class Candidate:
    """A column that could be measured."""

    arm: int
    reading: str
    day: float
    cost: float


@dataclass(frozen=True)
class Study:
    """Candidates, beliefs and what things cost."""

    question: Question
    candidates: tuple[Candidate, ...]
    beliefs: Any
    luck: Floats

    def cost(self, chosen: Sequence[int], n: int) -> float:
        """Cost of measuring these in n people an arm: each person, each visit, each measurement."""
        held = [self.candidates[k] for k in chosen]
        each = self.question.costs.person * len({one.arm for one in held})
        each += self.question.costs.visit * len({(one.arm, one.day) for one in held})
        return n * (each + sum(one.cost for one in held))

    def tells(self, chosen: Sequence[int], n: int, answers: bool = False) -> Any:
        """What measuring these tells."""
        from corrin.inference.trial_information import expected

        return expected(self.beliefs, np.array(sorted(chosen), np.int64), float(n), self.luck, answers)


def search(study: Study, n: int, wanted: float) -> tuple[list[int], list[tuple[list[int], Any]]]:
    """The measurements for n people an arm, and the way there: (what was added, what is told then)."""
    chosen: list[int] = []
    bits, way = 0.0, []
    while len(chosen) < MOST_MEASURED:
        best: tuple[float, list[int], Any] | None = None
        before = study.cost(chosen, n) if chosen else 0.0
        for move in _moves(study, chosen):
            told = study.tells([*chosen, *move], n)
            gain = (told.bits - bits) / max(study.cost([*chosen, *move], n) - before, 1e-9)
            if told.bits - bits > LEAST_BITS and (best is None or gain > best[0]):
                best = (gain, move, told)
        if best is None:
            break
        chosen += best[1]
        bits = best[2].bits
        way.append((best[1], best[2]))
        if best[2].right >= wanted:
            break
    return _pruned(study, chosen, n, wanted), way


def _moves(study: Study, chosen: Sequence[int]) -> Iterator[list[int]]:
    """One more measurement, alone or with the same on day 0."""
    first = {(one.arm, one.reading): k for k, one in enumerate(study.candidates) if one.day == 0.0}
    for k, one in enumerate(study.candidates):
        if k in chosen:
            continue
        yield [k]
        zero = first.get((one.arm, one.reading))
        if zero is not None and zero not in chosen and zero != k:
            yield [k, zero]


def _pruned(study: Study, chosen: list[int], n: int, wanted: float) -> list[int]:
    """Without what is not needed, the dearest first."""
    held = list(chosen)
    if not held:
        return held
    told = study.tells(held, n)
    for k in sorted(held, key=lambda k: -study.candidates[k].cost):
        rest = [other for other in held if other != k]
        if not rest:
            continue
        without = study.tells(rest, n)
        enough = without.right >= wanted if told.right >= wanted else without.bits >= told.bits - LEAST_BITS
        if enough and study.cost(rest, n) < study.cost(held, n):
            held, told = rest, without
    return sorted(held)


def design(
    question: Question | str | Path | Mapping[str, Any] = "fast-pool", draws: int = 2000, seed: int = 1,
    progress: Callable[[str, float], None] | None = None, cost_person: float | None = None, cost_visit: float | None = None,
) -> Design:  # fmt: skip
    """The next study for a question. Raises `InputError`, `NotCovered`."""
    from corrin.answers import check_run
    from corrin.answers.assemble import input_hash, machine, versions
    from corrin.settings import checked

    held = question if isinstance(question, Question) else read_question(question)
    draws, seed = checked("draws", draws), checked("seed", seed)
    if draws < 200:
        raise InputError("draws", str(draws), "at least 200", "Fewer people do not tell the two alternatives apart.")
    costs = {"person": cost_person, "visit": cost_visit}
    for name, value in costs.items():
        expect(value, (int, float, type(None)), f"--cost-{name}", "0 or more, in the units of the measurements' costs")
        if value is not None and not (math.isfinite(value) and 0.0 <= value <= 1e6):
            raise InputError(f"--cost-{name}", f"{value:g}", "0 or more, in the units of the measurements' costs")
    held = held.model_copy(update={"costs": held.costs.model_copy(update={k: v for k, v in costs.items() if v is not None})})
    tell = progress or (lambda what, share: None)
    study, drawn = _study(held, draws, seed, tell)
    tell("looking for the cheapest study", 0.7)
    options, ways = [], []
    for n in held.n:
        chosen, way = search(study, n, held.wanted)
        if chosen:
            options.append(_option(study, chosen, n))
            ways.append((n, way))
    if not options:
        raise InputError("measure", "nothing that could be measured tells the alternatives apart", "other readings, days, arms or larger n")
    place = _best(options)
    best = options[place]
    n, way = ways[place]
    basis = check_run.basis()
    weights = (float(study.beliefs.weights[0]), float(study.beliefs.weights[1]))
    return Design(
        verdict=_verdict(held, best, weights), asked=held.to_dict(), weights=weights, best=best, options=tuple(options),
        steps=tuple(_steps(study, n, way)), courses=tuple(_courses(study, best)), warnings=tuple(_notices(drawn, basis.calibration)),
        assumptions=_assumptions(held),
        made=Made(
            versions=versions(), hashes=basis.hashes, seed=seed, draws=draws, effective_sample_size=drawn.effective,
            options={"costs": held.costs.model_dump(), "sets": SETS}, input_hash=input_hash({"question": held.to_dict()}),
            platform=machine(), failed_people=drawn.failed, monte_carlo_error=1.0 / math.sqrt(SETS), calibration=basis.calibration,
            certificate=drawn.error,
        ),
    )  # fmt: skip


@dataclass
class Drawn:
    """How the people behind a design were found."""

    effective: float = math.inf
    resolved: bool = True
    failed: int = 0
    error: float = 0.0


def _study(held: Question, draws: int, seed: int, tell: Callable[[str, float], None]) -> tuple[Study, Drawn]:
    """Draw people, take them through the arms, and put down what is believed before the study."""
    from corrin.answers.trial.reader import plan_of
    from corrin.engine.draw import normals
    from corrin.facts.reader import parameters
    from corrin.inference.population import Population, moved, population, the_kernel
    from corrin.inference.trial import Given, laboratory_noise, on_scale, pool_of, recruit, scale_of
    from corrin.inference.trial_information import Beliefs
    from corrin.studies.schema import EntryRule

    tell("loading the model", 0.0)
    kernel, people = the_kernel(), population()
    name = held.between.parameter
    row = next(one for one in people.rows if one.name == name)
    form = parameters()[name].distribution == "bernoulli"
    if form:
        people = Population(moved(people, {}, structure={name: EVEN}).rows, people.together)
    entry = [EntryRule(reading=rule.reading, unit=rule.unit, low=rule.low, high=rule.high) for rule in held.entry]
    measured = [one.reading for one in held.measure]
    wanted = [one.reading for one in held.answer]
    readings = tuple(dict.fromkeys((*measured, *wanted)))
    later = sorted({day for day in (*held.days, *(one.day for one in held.answer)) if day > 0.0})
    noise = {one.reading: laboratory_noise(one.reading) if one.noise is None else one.noise for one in held.measure}
    cost = {one.reading: one.cost for one in held.measure}
    pools, drawn = {}, Drawn()
    for number, arm in enumerate(held.arm):
        tell(f"people of {arm.name}", 0.05 + 0.6 * number / len(held.arm))
        who = arm.people or held.people
        key = repr(who)
        if key not in pools:
            cohort = recruit(held.name.replace("-", "_"), who, entry, (), kernel, people, draws, seed)
            alike = [other for other in held.arm if repr(other.people or held.people) == key]
            pool = pool_of(cohort, [Given(one.name, plan_of(one)) for one in alike], later, readings, kernel, people, seed)
            pools[key] = (pool, [one.name for one in alike])
            drawn.effective = min(drawn.effective, pool.effective)
            drawn.resolved &= pool.resolved
            drawn.failed += pool.failed
            drawn.error = max(drawn.error, float(pool.error))
    candidates: list[Candidate] = []
    blocks: list[_Block] = []
    answers: list[_Block] = []
    for number, arm in enumerate(held.arm):
        pool, names = pools[repr(arm.people or held.people)]
        levels = pool.levels[:, names.index(arm.name)]
        days = [float(day) for day in pool.days]
        mine = [(reading, day) for reading in measured for day in held.days]
        candidates += [Candidate(number, reading, day, cost[reading]) for reading, day in mine]
        asked = [(one.reading, one.day) for one in held.answer if one.arm == arm.name]

        def column(reading: str, day: float, levels: Floats = levels, days: list[float] = days) -> Floats:
            return np.asarray(on_scale(levels[:, days.index(day), readings.index(reading)], scale_of(reading)))

        y = np.array([column(reading, day) for reading, day in mine]).T
        blocks.append(_block(pool, y, name, form))
        if asked:
            answers.append(_block(pool, np.array([column(reading, day) for reading, day in asked]).T, name, form))
    beliefs = _beliefs(blocks, answers, [pool for pool, _ in pools.values()], form, float(row.value), candidates)
    order = [k for arm in held.arm for k, one in enumerate(held.answer) if one.arm == arm.name]
    back = np.argsort(order) if order else np.zeros(0, np.int64)
    columns = len(candidates)
    shuffle = np.concatenate([np.arange(columns), columns + back]).astype(np.int64)
    scatter = np.array([noise[one.reading] ** 2 for one in candidates])
    made = Beliefs(
        beliefs[0], beliefs[1], scatter, beliefs[2][:, shuffle][:, :, shuffle], beliefs[3][:, back], beliefs[4], beliefs[5]
    )  # fmt: skip
    luck = np.array([normals(seed, f"design {k}", SETS) for k in range(columns + 1)])
    return Study(held, tuple(candidates), made, luck), drawn


@dataclass(frozen=True)
class _Block:
    """Columns of one arm under both alternatives: means, how people differ, gradients by name; squared error of the difference of means."""

    mean: Floats
    people: Floats
    gradient: tuple[dict[str, Floats], dict[str, Floats]]
    chance: Floats
    counts: tuple[int, int]


def _block(pool: Any, y: Floats, name: str, form: bool) -> _Block:
    if form:  # what moves a reading under one form may not exist under the other
        parts = [_moments(pool.of_form(kind), y[pool.structure == kind]) for kind in (0, 1)]
        counts = (int((pool.structure == 0).sum()), int((pool.structure == 1).sum()))
        if min(counts) < LEAST_OF_A_FORM:
            raise InputError("entry", "hardly anybody who enters has one of the alternatives", "rules that both can meet")
        share = pool.effective / pool.count
        chance = sum(part[1] / max(share * count, 1.0) for part, count in zip(parts, counts, strict=True))
        mean, people = np.array([part[0] for part in parts]), np.array([part[1] for part in parts])
        return _Block(mean, people, (parts[0][2], parts[1][2]), np.asarray(chance), counts)
    middle, covariance, gradient = _moments(pool, y)
    step = gradient.pop(name, np.zeros(y.shape[1]))
    chance = 4.0 * covariance / max(pool.effective, 1.0)
    mean = np.array([middle - step, middle + step])
    return _Block(mean, np.array([covariance, covariance]), (gradient, gradient), chance, (pool.count, pool.count))


def _moments(pool: Any, y: Floats) -> tuple[Floats, Floats, dict[str, Floats]]:
    """Mean, how people differ, and gradients per unit of uncertainty, of columns y (people, columns)."""
    slopes = pool.slopes(y)
    own = pool.own(y, slopes)
    return own.mean(axis=0), np.atleast_2d(np.cov(own.T)), {one: pool.root[k] * slopes[k] for k, one in enumerate(pool.names)}


def _shared(blocks: Sequence[_Block], s: int, pools: Sequence[Any]) -> Floats:
    """(columns, columns) from what nobody knows, under alternative s: the same in all arms."""
    widest = max(pools, key=lambda pool: len(pool.names))
    names = list(dict.fromkeys((*widest.names, *(one for block in blocks for one in block.gradient[s]))))
    gradient = np.array([np.concatenate([block.gradient[s].get(one, np.zeros(block.mean.shape[1])) for block in blocks]) for one in names])
    known = len(widest.names)
    return np.asarray(widest.covariance(gradient[:known]) + gradient[known:].T @ gradient[known:])


def _studies(candidates: Sequence[Candidate], mean: Floats) -> Floats:
    """(columns, columns) how a study differs from others of people who are alike: its laboratory, most of it alike on all days and arms."""
    from corrin.inference.points import SAME_LAB, STUDY_LOG_SD, STUDY_OTHER_LOG_SD
    from corrin.inference.trial import scale_of

    readings = [one.reading for one in candidates]
    size = np.array([STUDY_LOG_SD.get(one, STUDY_OTHER_LOG_SD) for one in readings])
    middle = np.abs(mean.mean(axis=0))
    size = np.where([scale_of(one) == "linear" for one in readings], size * np.maximum(middle, 1.0), size)
    same = np.array([[one == other for other in readings] for one in readings])
    return np.asarray(np.outer(size, size) * same * (SAME_LAB + (1.0 - SAME_LAB) * np.eye(len(readings))))


def _beliefs(
    blocks: list[_Block], answers: list[_Block], pools: list[Any], form: bool, prior: float, candidates: Sequence[Candidate]
) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats]:  # fmt: skip
    """Means, people, shared, answers, weights, chance over all arms together."""
    from scipy.linalg import block_diag

    mean = np.concatenate([block.mean for block in blocks], axis=1)
    people = np.array([block_diag(*(block.people[s] for block in blocks)) for s in (0, 1)])
    shared = np.array([_shared([*blocks, *answers], s, pools) for s in (0, 1)])
    shared[:, : mean.shape[1], : mean.shape[1]] += _studies(candidates, mean)
    wanted = np.concatenate([block.mean for block in answers], axis=1) if answers else np.zeros((2, 0))
    weights = np.array([0.5, 0.5])
    if form:  # even draws, met the rules of entry more or less often; times the weights before
        counts = np.array(blocks[0].counts, float) * np.array([1.0 - prior, prior])
        weights = counts / counts.sum()
    return mean, people, shared, wanted, weights, np.asarray(block_diag(*(block.chance for block in blocks)))


def _option(study: Study, chosen: Sequence[int], n: int) -> Option:
    from corrin.answers.trial.reader import unit_of
    from corrin.inference.trial import off_scale, scale_of

    told = study.tells(chosen, n, True)
    answers = []
    for k, one in enumerate(study.question.answer):
        scale = scale_of(one.reading)
        middle = float(study.beliefs.weights @ study.beliefs.answers[:, k])
        before, after = float(told.sd_before[k]), float(told.sd_after[k])
        answers.append(
            Narrowed(
                name=one.name, log=scale != "linear", unit=unit_of(one.reading), middle=float(off_scale(np.array(middle), scale)),
                sd_before=before, sd_after=after, narrowing=0.0 if before <= 0.0 else max(0.0, 1.0 - after / before),
            )
        )  # fmt: skip
    arms = {study.candidates[k].arm for k in chosen}
    return Option(
        n=n, people=n * len(arms), cost=study.cost(chosen, n), right=told.right, bits=told.bits, log10_factor=told.log10_factor,
        reached=told.right >= study.question.wanted, measured=tuple(_measured(study, k) for k in _in_order(study, chosen)),
        answers=tuple(answers),
    )  # fmt: skip


def _in_order(study: Study, chosen: Sequence[int]) -> list[int]:
    return sorted(chosen, key=lambda k: (study.candidates[k].arm, study.candidates[k].day, study.candidates[k].reading))


def _measured(study: Study, k: int) -> Measured:
    from corrin.answers.trial.tell import label_of

    one = study.candidates[k]
    return Measured(arm=study.question.arm[one.arm].name, reading=one.reading, label=label_of(one.reading), day=one.day)


def _best(options: Sequence[Option]) -> int:
    """The cheapest that reaches what is wanted; where none does, the cheapest that tells nearly as much as any."""
    reached = [k for k, one in enumerate(options) if one.reached]
    most = max(one.bits for one in options)
    return min(reached or [k for k, one in enumerate(options) if one.bits >= NEARLY * most], key=lambda k: options[k].cost)


def _steps(study: Study, n: int, way: Sequence[tuple[list[int], Any]]) -> Iterator[Step]:
    held: list[int] = []
    for added, told in way:
        held += added
        yield Step(added=tuple(_measured(study, k) for k in added), cost=study.cost(held, n), right=told.right, bits=told.bits)


def _courses(study: Study, best: Option) -> Iterator[Expected]:
    """Both alternatives over the days, for what is measured in the recommended study (all readings of the arms it uses)."""
    from corrin.answers.trial.reader import unit_of
    from corrin.answers.trial.tell import label_of
    from corrin.inference.trial import off_scale, scale_of

    used = {(one.arm, one.reading) for one in best.measured}
    for number, arm in enumerate(study.question.arm):
        for measure in study.question.measure:
            if (arm.name, measure.reading) not in used:
                continue
            places = [k for k, one in enumerate(study.candidates) if one.arm == number and one.reading == measure.reading]
            scale = scale_of(measure.reading)
            lines: dict[str, tuple[float, ...]] = {}
            for s, name in enumerate(("no", "yes")):
                middle = study.beliefs.mean[s, places]
                own = np.diag(study.beliefs.people[s])[places] + study.beliefs.noise[places]
                sd = np.sqrt(own / best.n + np.diag(study.beliefs.shared[s])[places])
                for key, times in ((name, 0.0), (f"{name}_low", -1.645), (f"{name}_high", 1.645)):
                    lines[key] = tuple(float(x) for x in off_scale(middle + times * sd, scale))
            chosen = tuple(one.day for one in best.measured if one.arm == arm.name and one.reading == measure.reading)
            yield Expected(
                arm=arm.name, reading=measure.reading, label=label_of(measure.reading), unit=unit_of(measure.reading), log=scale == "log",
                days=tuple(study.candidates[k].day for k in places), chosen=chosen, **lines,
            )  # fmt: skip


def _verdict(held: Question, best: Option, weights: tuple[float, float]) -> tuple[str, ...]:
    """In sentences."""
    days: dict[tuple[str, str], list[str]] = {}
    for one in best.measured:
        days.setdefault((one.arm, one.label), []).append(f"{one.day:g}")
    what = "; ".join(f"{label} on day{'s' if len(when) > 1 else ''} {', '.join(when)} ({arm})" for (arm, label), when in days.items())
    said = [
        f"Before it: {100 * weights[0]:.0f} % that {held.between.no}; {100 * weights[1]:.0f} % that {held.between.yes}.",
        f"The cheapest study {'found' if best.reached else 'that tells nearly as much as any'}: {best.n} people an arm, {what}. "
        f"It costs {best.cost:,.0f} units and gives the alternative that holds {100 * best.right:.0f} % on average "
        f"(Bayes factor of ten to the {best.log10_factor:.1f}).",
    ]
    if not best.reached:
        said.append(f"No size that was looked at reaches the wanted {100 * held.wanted:.0f} %: what else nobody knows stands in the way.")
    narrowed = max(best.answers, key=lambda one: one.narrowing, default=None)
    if narrowed is not None:
        said.append(f"Most is gained for: {narrowed.name} (its uncertainty falls by {100 * narrowed.narrowing:.0f} %).")
    return tuple(said)


def _notices(drawn: Drawn, calibration: str) -> Iterator[Notice]:
    if calibration == "stale":
        text = "calibration: stale. The equations or the numbers under them have changed since the population was fitted."
        yield Notice(code=WarningCode.CALIBRATION_STALE, text=text)
    if not drawn.resolved:
        text = "The drawn people could not be led to the rules of entry: the study begins elsewhere than it says. Ask for more (--draws)."
        yield Notice(code=WarningCode.FEW_DRAWS, text=text)


def _assumptions(held: Question) -> tuple[str, ...]:
    unmeasured = [one.reading for one in held.measure if one.noise is not None]
    found = [
        "Means over people are compared and taken as normal; how the spread of people looks would tell more, so this is a floor.",
        "Both alternatives are taken as right in all else. A very large Bayes factor says that their predictions hardly overlap: then data "
        "that others hold may decide already.",
        "Studies differ by their laboratories as in `corrin check` (0.18 of a logarithm for MMA), most of it alike on all days of one "
        "study, so that change within a study tells more than a level.",
        "What nobody knows of typical people moves all arms together, to first order. Costs are in arbitrary units: "
        f"{held.costs.person:g} for a person, {held.costs.visit:g} for a visit, the measurements as the question says.",
        "Measurements are added one by one by what they tell for their cost; that is not proven to be the cheapest study.",
    ]
    if unmeasured:
        found.append(f"The scatter of one measurement of {', '.join(unmeasured)} is the question's own, not a fact.")
    return tuple(found)
