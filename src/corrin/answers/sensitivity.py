"""What does an answer hang on? Global indices (Morris, Sobol), a tornado and local derivatives of one reading on one day.

Global indices need unknowns that vary on their own, so they are of the person before results are used; the tornado and the derivatives are
of the person after them, where there are any. Saltelli A, Annoni P, Azzini I, et al. Comput Phys Commun 2010;181:259-270 (first and total
order); Campolongo F, Cariboni J, Saltelli A. Environ Model Softw 2007;22:1509-1518 (mean of absolute elementary effects). Both by SALib.
Derivatives are exact, carried forward through the traced program (engine/tangent.py); the few that are differences say so.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from corrin.answers.record import DISCLAIMER, Answer, Made, Notice, Record, WarningCode
from corrin.case.case import Case
from corrin.errors import EnvironmentProblem, InputError, expect

Floats = NDArray[np.float64]
Function = Callable[[Floats], Floats]
POPULATION = "population"
EDGE = 0.05
"""Morris walks between the 5 and 95 % points of every unknown."""
LEVELS = 6
STEP = 0.05
"""Step of a local derivative by differences, in SDs of an unknown."""
TENTH = 1.2815515655446004
"""The 90 % point of the standard normal."""
MOST_APART = 24
"""Unknowns that get Sobol indices of their own; the rest is one group."""
SMOOTH = 0.02
"""Where two stencils agree so well the answer is smooth: a derivative by differences stands."""


class Index(Record):
    """One unknown. Morris: `mu_star`, mean absolute change of the answer (of its logarithm where `log`) over its central 90 %, and `sigma`,
    how much that change depends on the others. Sobol: shares of the variance, alone (`first`) and with the others (`total`)."""

    name: str
    label: str
    kind: str = Field(description="body, form of the model, history, or rest (all others together)")
    mu_star: float | None = None
    mu_star_error: float | None = Field(None, description="half of the 95 % bootstrap interval")
    sigma: float | None = None
    first: float | None = None
    first_error: float | None = None
    total: float | None = None
    total_error: float | None = None


class Swing(Record):
    """The answer with one unknown at its 10 and 90 % point and all others where they are."""

    name: str
    label: str
    kind: str
    low: float
    high: float
    value_low: float | None = Field(None, description="what the unknown is at its 10 % point")
    value_high: float | None = None


class Slope(Record):
    """Local derivative: change of the answer, in per cent (levels) or in the unit, for one SD more of an unknown; `elasticity` per cent for
    one per cent of a log-normal parameter."""

    name: str
    label: str
    per_sd: float
    elasticity: float | None = None
    by: Literal["trace", "difference"] = Field(
        "difference",
        description="trace: exact, carried through steady state, history and plan; difference: of runs, where an unknown moves which "
        "doses are taken, or an instant on days that all share",
    )


class Sensitivity(Answer):
    """The answer to: what does this number hang on?"""

    format: Literal["corrin.sensitivity/1"] = "corrin.sensitivity/1"
    question: Literal["sensitivity"] = "sensitivity"
    disclaimer: str = DISCLAIMER
    verdict: tuple[str, ...]
    of: str
    reading: str
    label: str
    unit: str
    day: float
    plan: str
    log: bool
    method: Literal["morris", "sobol"]
    base: float = Field(description="the answer where the tornado and the derivatives are taken")
    learned: bool = Field(description="tornado and derivatives are after this person's results")
    p05: float = Field(description="of the answer before results")
    p50: float
    p95: float
    indices: tuple[Index, ...]
    sum_first: float | None = Field(None, description="sum of the first-order shares: 1 where unknowns only add up")
    tornado: tuple[Swing, ...]
    slopes: tuple[Slope, ...]
    slopes_error: float | None = Field(None, description="largest relative error of an exact derivative: against steps cut in two")
    unmoved: int = Field(description="unknowns that do not move this answer at all")
    warnings: tuple[Notice, ...] = ()
    made: Made

    def to_frame(self) -> dict[str, list[Any]]:
        """The indices, one row an unknown."""
        return {name: [getattr(one, name) for one in self.indices] for name in Index.model_fields}

    def text(self, width: int = 120) -> str:
        """The answer in plain words and tables."""
        from corrin.show.sensitivity_text import report

        return report(self.to_dict(), width=width)

    def plot(self, figure: str = "tornado") -> Any:
        """An Altair chart: `tornado` or `indices`."""
        import altair

        from corrin.show.sensitivity_charts import chart

        return altair.Chart.from_dict(chart(self.to_dict(), figure))


@dataclass(frozen=True)
class Shares:
    """Indices by name, each (value, half of the 95 % bootstrap interval); Morris: mu* and sigma; Sobol: first and total order."""

    first: dict[str, tuple[float, float]]
    second: dict[str, tuple[float, float]]
    bad: int


def salib() -> Any:
    """SALib, an optional package. Raises `EnvironmentProblem`."""
    try:
        import SALib  # type: ignore[import-untyped]

        return SALib
    except ImportError:
        raise EnvironmentProblem(
            'Sensitivity needs SALib, which is not installed. Install it with: pip install "corrin[sensitivity]".'
        ) from None


def morris(function: Function, names: Sequence[str], walks: int, seed: int) -> Shares:
    """Elementary effects of `function` ((names, runs) standard normals -> (runs,)) over the central 90 % of every unknown."""
    salib()
    from SALib.analyze.morris import analyze  # type: ignore[import-untyped]
    from SALib.sample.morris import sample  # type: ignore[import-untyped]

    problem = {"num_vars": len(names), "names": list(names), "bounds": [[EDGE, 1.0 - EDGE]] * len(names)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        x = sample(problem, walks, num_levels=LEVELS, seed=seed)
        y, bad = _answers(function, x)
        found = analyze(problem, x, y, num_levels=LEVELS, seed=seed, num_resamples=200, conf_level=0.95)
    return Shares(
        {name: (float(found["mu_star"][k]), float(found["mu_star_conf"][k])) for k, name in enumerate(names)},
        {name: (float(found["sigma"][k]), 0.0) for k, name in enumerate(names)}, bad,
    )  # fmt: skip


def sobol(function: Function, names: Sequence[str], apart: Sequence[str], size: int, seed: int) -> Shares:
    """Shares of the variance of `function` for the names set `apart`; all others count as one group called `rest`."""
    salib()
    from SALib.analyze.sobol import analyze  # type: ignore[import-untyped]
    from SALib.sample.sobol import sample  # type: ignore[import-untyped]

    groups = [name if name in apart else "rest" for name in names]
    problem: dict[str, Any] = {"num_vars": len(names), "names": list(names), "bounds": [[0.0, 1.0]] * len(names)}
    if set(groups) != set(names):
        problem["groups"] = groups
    order = list(dict.fromkeys(groups))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        x = sample(problem, size, calc_second_order=False, scramble=True, seed=seed)
        y, bad = _answers(function, x)
        found = analyze(problem, y, calc_second_order=False, num_resamples=200, conf_level=0.95, seed=seed)
    return Shares(
        {name: (float(found["S1"][k]), float(found["S1_conf"][k])) for k, name in enumerate(order)},
        {name: (float(found["ST"][k]), float(found["ST_conf"][k])) for k, name in enumerate(order)}, bad,
    )  # fmt: skip


def _answers(function: Function, x: Floats) -> tuple[Floats, int]:
    """Answers for uniforms (runs, names); runs without a solution count as the middle, and are counted."""
    from scipy.special import ndtri

    y = function(ndtri(np.clip(x, 1e-6, 1.0 - 1e-6)).T)
    bad = ~np.isfinite(y)
    if bad.all():
        raise InputError("answer", "no run could be solved", "an answer that can be computed")
    return np.where(bad, np.median(y[~bad]), y), int(bad.sum())


def derivatives(function: Function, base: Floats, step: float = STEP) -> tuple[Floats, Floats]:
    """Slope of `function` in each unknown at `base` (names,), by the five-point stencil, and how far the three-point one is from it."""
    count = len(base)
    places = np.array([-2.0, -1.0, 1.0, 2.0]) * step
    z = np.repeat(base[:, None], 4 * count, axis=1)
    z[np.repeat(np.arange(count), 4), np.arange(4 * count)] += np.tile(places, count)
    y = function(z).reshape(count, 4)
    near = (y[:, 2] - y[:, 1]) / (2.0 * step)
    five = (8.0 * (y[:, 2] - y[:, 1]) - (y[:, 3] - y[:, 0])) / (12.0 * step)
    return five, np.abs(five - near)


def parse_answer(text: str) -> tuple[str, float]:
    """`mma@90` -> reading and day. Raises `InputError` naming the readings."""
    from corrin.answers.explain import readings

    expect(text, str, "--answer", "a reading and a day, such as mma@90")
    found = re.fullmatch(r"\s*([A-Za-z_0-9]+)\s*@\s*(\d{1,5}(?:\.\d{1,3})?)\s*d?\s*", text)
    if not found:
        raise InputError("--answer", ascii(text)[:60], "a reading and a day, such as mma@90")
    reading, day = found[1], float(found[2])
    if reading not in readings():
        from corrin.case import known

        row = known.find_analyte(reading)
        near = [row.reading] if row is not None and row.reading else known.near(reading, {name: name for name in readings()})
        cure = f"Did you mean {' or '.join(map(str, near))}?" if near else "`corrin explain` lists the readings."
        raise InputError("--answer", f"{reading!a} is no reading of the body", "", cure)
    if day > 7305.0:
        raise InputError("--answer", f"day {day:g}", "at most 7,305 days (20 years)")
    return reading, day


def sensitivity(
    of: Case | str | Path | Mapping[str, Any] = POPULATION, answer: str = "mma@90", plan: Any = "oral-1000-daily", method: str = "morris",
    size: int | None = None, draws: int = 500, seed: int = 1, progress: Callable[[str, float], None] | None = None,
) -> Sensitivity:  # fmt: skip
    """What one answer hangs on.

    `of`: a case, its file, or `population` (an adult of whom nothing is known). `answer`: READING@DAY, day 0 before anything is given.
    `size`: walks (Morris, default 40) or base samples (Sobol, a power of two, default 512). Raises `InputError`, `EnvironmentProblem`.
    """
    from corrin.answers import check_run
    from corrin.answers.assemble import input_hash, machine, versions
    from corrin.answers.explain import readings
    from corrin.case.plan import Plan, read_plan
    from corrin.case.reader import read_case
    from corrin.inference.population import population, the_kernel
    from corrin.inference.trial import scale_of
    from corrin.inference.trial_response import learned, of_case, of_population
    from corrin.settings import checked

    salib()
    reading, day = parse_answer(answer)
    if method not in ("morris", "sobol"):
        raise InputError("--method", ascii(method)[:60], "morris or sobol")
    size = _size(size, method)
    draws, seed = checked("draws", draws), checked("seed", seed)
    given = plan if isinstance(plan, Plan) or plan is None else read_plan(plan)
    tell = progress or (lambda what, share: None)
    tell("loading the model", 0.0)
    kernel, people = the_kernel(), population()
    everybody = isinstance(of, str) and of == POPULATION
    case = None if everybody else of if isinstance(of, Case) else read_case(of)
    response = (
        of_population(given, reading, day, kernel, people, seed) if case is None
        else of_case(case, given, reading, day, kernel, people, seed)
    )  # fmt: skip
    logs = scale_of(reading) == "log"

    def function(z: Floats) -> Floats:
        y = response(z)
        return np.asarray(np.log(np.maximum(y, 1e-12)) if logs else y)

    names = response.names
    tell("which unknowns move it", 0.1)
    moving, spread = _moving(function, names, seed)
    tell("indices", 0.2)
    inner = _held(function, names, moving)
    walks = morris(inner, moving, size if method == "morris" else 16, seed)
    shares = None
    if method == "sobol":
        tell("shares of the variance", 0.4)
        apart = sorted(moving, key=lambda name: -walks.first[name][0])[:MOST_APART]
        shares = sobol(inner, moving, apart, size, seed)
    tell("this person", 0.8)
    data = learned(response, draws) if case is not None else None
    base = data[0] if data is not None else np.zeros(len(names))
    low = data[1] if data is not None else np.full(len(names), -TENTH)
    high = data[2] if data is not None else np.full(len(names), TENTH)
    at_base = float(response(base[:, None])[0])
    swings = _swings(response, names, moving, base, low, high)
    tell("derivatives", 0.9)
    slopes, slopes_error = _slopes(function, response, names, moving, base, logs)
    indices = _indices(response, moving, walks, shares)
    basis = check_run.basis()
    info = readings()[reading]
    p05, p50, p95 = (float(x) for x in np.nanquantile(spread, [0.05, 0.5, 0.95]))
    told = (float(np.exp(x)) if logs else x for x in (p05, p50, p95))
    bad = walks.bad + (shares.bad if shares else 0)
    values = dict(zip(("p05", "p50", "p95"), told, strict=True))
    sum_first = None if shares is None else sum(value for value, _ in shares.first.values())
    return Sensitivity(
        verdict=_verdict(indices, swings, str(info.label), method, sum_first), of=POPULATION if case is None else case.id or "case",
        reading=reading, label=info.label, unit=info.unit, day=day, plan="nothing" if given is None or day <= 0.0 else given.name, log=logs,
        method=method, base=at_base, learned=data is not None, **values, indices=indices, sum_first=sum_first,
        tornado=tuple(swings), slopes=tuple(slopes), slopes_error=slopes_error, unmoved=len(names) - len(moving),
        warnings=tuple(_notices(bad, case, data is not None, basis.calibration)),
        made=Made(
            versions=versions(), hashes=basis.hashes, seed=seed, draws=draws, effective_sample_size=float(size),
            options={"method": method, "size": size, "answer": answer, "step": STEP},
            input_hash=input_hash({"case": None if case is None else case.to_dict(), "plan": None if given is None else given.to_dict()}),
            platform=machine(), failed_people=bad, monte_carlo_error=_error(indices, method), calibration=basis.calibration,
            certificate=float(response.error),
        ),
    )  # fmt: skip


def _size(size: int | None, method: str) -> int:
    if size is None:
        return 40 if method == "morris" else 512
    low, high = (4, 10_000) if method == "morris" else (16, 65_536)
    expect(size, int, "--size", f"{low} to {high:,} for {method}")
    if not low <= size <= high:
        raise InputError("--size", str(size), f"{low} to {high:,} for {method}")
    if method == "sobol" and size & (size - 1):
        raise InputError("--size", str(size), "a power of two", f"Such as {1 << (size.bit_length() - 1)} or {1 << size.bit_length()}.")
    return size


def _moving(function: Function, names: Sequence[str], seed: int) -> tuple[list[str], Floats]:
    """Names that move the answer anywhere among some trial people, and the answers of 512 drawn people."""
    luck = np.random.Generator(np.random.Philox(key=seed))
    people = luck.standard_normal((len(names), 512))
    spread = function(people)
    trial = people[:, :12]
    other = -np.sign(trial) * (0.5 + np.abs(trial))
    z = np.repeat(trial[:, None, :], len(names), axis=1)
    z[np.arange(len(names)), np.arange(len(names))] = other
    y = function(z.reshape(len(names), -1)).reshape(len(names), -1)
    change = np.nanmax(np.abs(y - spread[None, :12]), axis=1)
    floor = 1e-4 * float(np.nanstd(spread))
    return [name for name, size in zip(names, change, strict=True) if size > floor], spread


def _held(function: Function, names: Sequence[str], moving: Sequence[str], others: Floats | None = None) -> Function:
    """The same function of those that move it; the others at their middle, or where `others` (names,) has them."""
    rows = [list(names).index(name) for name in moving]

    def inner(z: Floats) -> Floats:
        full = np.repeat((np.zeros(len(names)) if others is None else others)[:, None], z.shape[1], axis=1)
        full[rows] = z
        return function(full)

    return inner


def _swings(response: Any, names: Sequence[str], moving: Sequence[str], base: Floats, low: Floats, high: Floats) -> list[Swing]:
    """The tornado, widest first."""
    rows = [list(names).index(name) for name in moving]
    z = np.repeat(base[:, None], 2 * len(rows), axis=1)
    for place, row in enumerate(rows):
        z[row, 2 * place], z[row, 2 * place + 1] = low[row], high[row]
    y = response(z)
    found = []
    for place, (row, name) in enumerate(zip(rows, moving, strict=True)):
        one, other = float(y[2 * place]), float(y[2 * place + 1])
        if not (np.isfinite(one) and np.isfinite(other)) or one == other:
            continue
        label, kind, _ = response.describe(name)
        found.append(
            Swing(name=name, label=label, kind=kind, low=one, high=other, value_low=response.value_at(name, float(low[row])),
                  value_high=response.value_at(name, float(high[row])))
        )  # fmt: skip
    return sorted(found, key=lambda one: -abs(one.high - one.low))


def _slopes(
    function: Function, response: Any, names: Sequence[str], moving: Sequence[str], base: Floats, logs: bool
) -> tuple[list[Slope], float]:  # fmt: skip
    """Local derivatives, steepest first, and the error of the exact ones: through the trace, else by differences where those are smooth."""
    wanted = [name for name in moving if name not in response.discrete()]
    along = response.along(base, wanted)
    per = 1.0 / max(along.value, 1e-12) if logs else 1.0
    values = {name: per * slope for name, slope in along.slope.items()}
    rest = [name for name in wanted if name not in values]
    if rest:
        there = base[[list(names).index(name) for name in rest]]
        slope, apart = derivatives(_held(function, names, rest, base), there)
        sound = np.isfinite(slope) & (apart <= SMOOTH * np.abs(slope) + 1e-9)
        values |= {name: float(slope[row]) for row, name in enumerate(rest) if sound[row]}
    found = []
    for name, value in values.items():
        label, _, log_sd = response.describe(name)
        found.append(
            Slope(name=name, label=label, per_sd=(100.0 if logs else 1.0) * value, elasticity=value / log_sd if log_sd and logs else None,
                  by="trace" if name in along.slope else "difference")
        )  # fmt: skip
    return sorted(found, key=lambda one: -abs(one.per_sd)), along.error


def _indices(response: Any, moving: Sequence[str], walks: Shares, shares: Shares | None) -> tuple[Index, ...]:
    """Both kinds side by side, the most moving first."""
    found = []
    for name in moving:
        label, kind, _ = response.describe(name)
        mine: dict[str, Any] = {"mu_star": walks.first[name][0], "mu_star_error": walks.first[name][1], "sigma": walks.second[name][0]}
        if shares is not None and name in shares.first:
            mine |= {"first": shares.first[name][0], "first_error": shares.first[name][1]}
            mine |= {"total": shares.second[name][0], "total_error": shares.second[name][1]}
        found.append(Index(name=name, label=label, kind=kind, **mine))
    found.sort(key=lambda one: -(one.total if one.total is not None else -1.0) if shares else -(one.mu_star or 0.0))
    if shares is not None and "rest" in shares.first:
        found.append(
            Index(name="rest", label="all others together", kind="rest", first=shares.first["rest"][0], first_error=shares.first["rest"][1],
                  total=shares.second["rest"][0], total_error=shares.second["rest"][1])
        )  # fmt: skip
    return tuple(found)


def _error(indices: Sequence[Index], method: str) -> float:
    """Half of the widest bootstrap interval, as a share of the largest index."""
    pairs = [(one.total, one.total_error) if method == "sobol" else (one.mu_star, one.mu_star_error) for one in indices]
    held = [(value, error) for value, error in pairs if value is not None and error is not None]
    most = max((value for value, _ in held), default=0.0)
    return max((error for _, error in held), default=0.0) / most if most > 0.0 else 0.0


def _verdict(indices: Sequence[Index], swings: Sequence[Swing], label: str, method: str, sum_first: float | None) -> tuple[str, ...]:
    """In sentences."""
    if not indices:
        return (f"{label} hangs on nothing that is unknown.",)
    said = []
    if method == "sobol":
        top = [one for one in indices if one.total is not None and one.kind != "rest"][:3]
        parts = [
            f"{_inside(one.label)} ({100 * (one.total or 0.0):.0f} % of the variance, ± {100 * (one.total_error or 0.0):.0f})"
            for one in top
        ]
        said.append(f"{label} hangs most on {'; '.join(parts)}.")
        if sum_first is not None:
            said.append(
                f"Alone, the unknowns explain {100 * min(max(sum_first, 0.0), 1.0):.0f} % of it; the rest is that they act together."
            )
    else:
        said.append(f"{label} is moved most by {'; '.join(_inside(one.label) for one in indices[:3])}.")
    if swings:
        said.append(f"One at a time the widest swing is that of {_inside(swings[0].label)}.")
    return tuple(said)


def _inside(label: str) -> str:
    """A label inside a sentence."""
    return label[:1].lower() + label[1:] if label[1:2].islower() or label[1:2] == " " else label


def _notices(bad: int, case: Case | None, learned: bool, calibration: str) -> list[Notice]:
    found = []
    if calibration == "stale":
        text = "calibration: stale. The equations or the numbers under them have changed since the population was fitted."
        found.append(Notice(code=WarningCode.CALIBRATION_STALE, text=text))
    if case is not None and learned:
        text = (
            "Indices need unknowns that vary on their own, so they are of this person before the results; the tornado and the derivatives "
            "are after them, each unknown over what the results leave of it."
        )
        found.append(Notice(code=WarningCode.OTHER, text=text))
    if bad:
        found.append(Notice(code=WarningCode.FAILED_PEOPLE, text=f"{bad} runs had no solution and count as the middle."))
    return found
