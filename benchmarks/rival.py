"""libRoadRunner on corrin's own SBML, as fast as it runs correctly: what `against_roadrunner.py` compares with.

It gets every help that costs corrin nothing: its quicker compiler, no events (the run stops at each dose and starts anew, which is faster
than its events), everything that depends on parameters alone computed beforehand and handed over as numbers, as corrin's own program does
once a segment, and states below 1e-12 set to zero where a stretch begins: CVODE's numerical Jacobian takes up to ten times the steps on
what is left of a pool that has run empty. Each process holds one model; people go to two processes at once.
"""

from __future__ import annotations

import math
import multiprocessing as mp
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
EMPTY = 1e-12


@dataclass(frozen=True)
class Course:
    """What happens to one person: doses (day, kind, nmol) in order, days to read (just before a dose of that day), exposures throughout."""

    doses: tuple[tuple[float, str, float], ...]
    days: tuple[float, ...]
    exposures: dict[str, float]


@dataclass(frozen=True)
class Someone:
    """One person: parameters and state to begin with, by name."""

    parameters: dict[str, float]
    state: dict[str, float]


def constants(shared: dict[str, str], known: dict[str, float]) -> dict[str, float]:
    """Values of the definitions that rest on known numbers alone."""
    names: dict[str, Any] = {**known, "sqrt": math.sqrt, "exp": math.exp, "ln": math.log, "__builtins__": {}}
    found: dict[str, float] = {}
    for name, formula in shared.items():
        try:
            value = eval(formula.replace("^", "**"), names)
        except NameError:
            continue
        names[name] = found[name] = float(value)
    return found


def plain_sbml(text: str, fixed: Sequence[str]) -> str:
    """The exported document with some assignment rules turned into plain numbers."""
    import libsbml

    document = libsbml.readSBMLFromString(text)
    model = document.getModel()
    for name in fixed:
        model.removeRuleByVariable(name)
        model.getParameter(name).setValue(0.0)
    return str(libsbml.SBMLWriter().writeSBMLToString(document))


class Engine:
    """One loaded model. `events`: the export with its events, for one person's course."""

    def __init__(self, text: str, system: Any, shared: dict[str, str], readings: Sequence[str], events: bool = False) -> None:
        import roadrunner

        roadrunner.Logger.setLevel(roadrunner.Logger.LOG_FATAL)
        config = roadrunner.Config
        config.setValue(config.LLVM_BACKEND, config.LLJIT)
        config.setValue(config.LLVM_SYMBOL_CACHE, True)
        self.system, self.shared, self.events = system, shared, events
        self.engine = roadrunner.RoadRunner(text)
        self.engine.timeCourseSelections = ["time", *(f"reading_{name}" for name in readings)]
        self.engine.integrator.setValue("maximum_num_steps", 1_000_000)
        model = self.engine.model
        pools = {pool.name for pool in system.pools}
        self.species = list(model.getFloatingSpeciesIds())
        self.others = [(place, name) for place, name in enumerate(model.getGlobalParameterIds()) if name in pools]

    def _put(self, name: str, value: float) -> None:
        self.engine.setValue(name, value)

    def run(self, someone: Someone, course: Course, relative: float, absolute: float) -> Floats:
        """Readings (days, readings)."""
        engine = self.engine
        engine.resetToOrigin()
        engine.integrator.relative_tolerance, engine.integrator.absolute_tolerance = relative, absolute
        for name, value in (*someone.parameters.items(), *course.exposures.items(), *someone.state.items()):
            self._put(name, value)
        for name, value in constants(self.shared, {**someone.parameters, **course.exposures}).items():
            self._put(name, value)
        rows: list[Floats] = []
        ends = sorted({day for day, _, _ in course.doses if day > 0.0} | {course.days[-1]})
        now = 0.0
        for end in ends:
            self._clear()
            self._give(someone, course, now)
            inside = [day for day in course.days if now < day <= end]
            # Every stretch begins at 0: nothing depends on the time itself, and far from 0 CVODE's first steps are lost in its last digit.
            asked = [0.0, *(day - now for day in inside), *([end - now] if not inside or inside[-1] < end else [])]
            out = np.array(engine.simulate(0.0, asked[1], 2) if len(asked) == 2 else engine.simulate(times=asked))
            rows += list(out[1 : 1 + len(inside), 1:])
            now = end
        return np.array(rows)

    def _clear(self) -> None:
        model = self.engine.model
        amounts, values = model.getFloatingSpeciesAmounts(), model.getGlobalParameterValues()
        held = [*zip(self.species, amounts, strict=True), *((name, values[place]) for place, name in self.others)]
        for name, value in held:
            if value != 0.0 and abs(value) < EMPTY:
                self._put(name, 0.0)

    def _give(self, someone: Someone, course: Course, now: float) -> None:
        from types import SimpleNamespace

        given = [(kind, amount) for day, kind, amount in course.doses if day == now]
        if not given:
            return
        x = SimpleNamespace(**course.exposures)
        p = self.system.effective(SimpleNamespace(**someone.parameters), x)
        for kind, amount in given:
            y = SimpleNamespace(**{pool: self.engine.getValue(pool) for pool in someone.state})
            for pool, added in self.system.dose(kind, amount, y, p, x).items():
                self._put(pool, getattr(y, pool) + added)


def _serve(pipe: Connection, text: str, readings: Sequence[str]) -> None:
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 2)  # CVODE says in thousands of lines that a step is small
    from corrin.inference import population as of
    from corrin.shells.export.sbml import written

    engine = Engine(text, of.the_system(), written(of.the_system()).shared, readings)
    pipe.send("ready")
    while True:
        job = pipe.recv()
        if job is None:
            return
        people, course, relative, absolute = job
        try:
            began = time.process_time()
            found = [engine.run(someone, course, relative, absolute) for someone in people]
            pipe.send((np.array(found), time.process_time() - began))
        except Exception as error:
            pipe.send(str(error))


class Processes:
    """So many processes, each with the model loaded; loading is not in the times."""

    def __init__(self, text: str, readings: Sequence[str], count: int) -> None:
        context = mp.get_context("spawn")
        self.pipes, self.workers = [], []
        for _ in range(count):
            mine, theirs = context.Pipe()
            worker = context.Process(target=_serve, args=(theirs, text, tuple(readings)), daemon=True)
            worker.start()
            self.pipes.append(mine)
            self.workers.append(worker)
        for pipe in self.pipes:
            pipe.recv()

    def run(self, people: Sequence[Someone], course: Course, relative: float, absolute: float) -> tuple[Floats | None, float, float]:
        """Readings (people, days, readings), seconds by the clock, seconds of processor; no readings where the integrator gave up."""
        began = time.perf_counter()
        parts = [list(people[place :: len(self.pipes)]) for place in range(len(self.pipes))]
        busy = [(pipe, part) for pipe, part in zip(self.pipes, parts, strict=True) if part]
        for pipe, part in busy:
            pipe.send((part, course, relative, absolute))
        answers = [pipe.recv() for pipe, _ in busy]
        wall = time.perf_counter() - began
        if any(isinstance(answer, str) for answer in answers):
            return None, wall, 0.0
        out = np.empty((len(people), *answers[0][0].shape[1:]))
        for place, (found, _) in enumerate(answers):
            out[place :: len(self.pipes)] = found
        return out, wall, sum(spent for _, spent in answers)

    def close(self) -> None:
        for pipe, worker in zip(self.pipes, self.workers, strict=True):
            pipe.send(None)
            worker.join(10)
