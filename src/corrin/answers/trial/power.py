"""From repeats to what is told: effects with their intervals, how often a trial shows them, and the size that would show them in 80 %."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from corrin.answers.trial import repeat
from corrin.answers.trial.analysis import Tested, exact_interval, power_of_means, shares, size_for, success, welch
from corrin.answers.trial.document import TO_EVENT, EndPoint, Trial
from corrin.answers.trial.reader import in_unit, is_log, unit_of
from corrin.answers.trial.record import Chance, Comparison, Form, Size, Span
from corrin.answers.trial.repeat import Ready, stream
from corrin.facts.pain import PainMeasure, measures

Floats = NDArray[np.float64]
FORMS = ("one store", "a fast cell pool before the store")
MOST = 20_000
"""The largest trial looked at for 80 %."""
CLOSE = (0.6, 0.93)
"""Power inside which the size is read off by the root law."""
WANTED = 0.8


def is_ratio(one: EndPoint) -> bool:
    """Effects that are computed as logarithms and told as ratios."""
    return one.kind in TO_EVENT or (one.kind in ("level", "change") and is_log(one) and not repeat.is_yes_no(one))


def margin_of(one: EndPoint) -> float | None:
    """The margin where effects are computed."""
    if one.margin is None:
        return None
    return math.log(one.margin) if is_ratio(one) else one.margin


def told(one: EndPoint, value: float) -> float:
    """An effect as it is told."""
    return math.exp(value) if is_ratio(one) else value


def span(one: EndPoint, values: Floats) -> Span | None:
    """5, 50 and 95 % points, as told; None where nothing is finite."""
    good = values[np.isfinite(values)]
    if not len(good):
        return None
    p05, p50, p95 = (told(one, float(x)) for x in np.quantile(good, [0.05, 0.5, 0.95]))
    return Span(p05=p05, p50=p50, p95=p95)


def chance(shown: NDArray[np.bool_]) -> Chance:
    """Share of repeats with its exact interval."""
    low, high = exact_interval(int(shown.sum()), len(shown))
    return Chance(value=float(shown.mean()), low=low, high=high)


@dataclass(frozen=True)
class Repeats:
    """All repeats of one kind: effects and success (end point, arm) -> (repeats,), and each arm's own result."""

    tested: dict[tuple[str, int], Tested]
    shown: dict[tuple[str, int], NDArray[np.bool_]]
    summaries: dict[tuple[str, int], Floats]

    def of(self, one: EndPoint, arm: int) -> Repeats:
        """What a comparison of one arm with the control needs; nothing for an end point that is not simulated."""
        key = (one.name, arm)
        return Repeats({k: v for k, v in self.tested.items() if k == key}, {k: v for k, v in self.shown.items() if k == key}, {})


@dataclass(frozen=True)
class Asked:
    """Repeats of a trial as a block of work; see `repeats_of`."""

    here: Ready
    n: int
    count: int
    seed: int
    worlds: bool


def repeated(asked: Asked) -> Repeats:
    """`repeats_of` as a block of work."""
    return repeats_of(asked.here, asked.n, asked.count, asked.seed, asked.worlds)


def repeats_of(here: Ready, n: int, count: int, seed: int, worlds: bool, only: EndPoint | None = None) -> Repeats:
    """Repeat the trial so often, for every end point that is simulated (or `only` one)."""
    asked = [one for one in here.trial.end_point if one.kind != "pain"] if only is None else [only]
    parts: dict[tuple[str, int], list[Tested]] = {}
    sums: dict[tuple[str, int], list[Floats]] = {}
    for seen in repeat.draw(here, n, count, seed, worlds):
        for one in asked:
            for arm in range(len(here.arms)):
                sums.setdefault((one.name, arm), []).append(repeat.arm_summary(here, one, seen, arm))
                if arm != here.control:
                    parts.setdefault((one.name, arm), []).append(repeat.compare_arms(here, one, seen, arm))
    tested = {
        key: Tested(*(np.concatenate([getattr(part, name) for part in held]) for name in ("effect", "se", "freedom", "p")))
        for key, held in parts.items()
    }
    by_name = {one.name: one for one in asked}
    shown = {key: success(found, here.trial.alpha, by_name[key[0]].better, margin_of(by_name[key[0]])) for key, found in tested.items()}
    return Repeats(tested, shown, {key: np.concatenate(held) for key, held in sums.items()})


@dataclass(frozen=True)
class Pair:
    """An arm to be compared with the control at an end point, as a block of work: the repeats of it, people randomised by arm."""

    here: Ready
    one: EndPoint
    arm: int
    typical: Repeats
    unknown: Repeats
    counts: tuple[int, ...]
    repeats: int
    seed: int


def compared(pair: Pair) -> Comparison:
    """One arm against the control, in the end point's own unit."""
    here, one = pair.here, pair.one
    if one.kind == "pain":
        return pain_comparison(here.trial, one, pair.arm, here.control, list(pair.counts), pair.repeats, pair.seed)
    found = comparison(here, one, pair.arm, pair.typical, pair.unknown, pair.seed)
    return _in_unit(found, factor(one)) if effect_kind(one) == "difference" and factor(one) != 1.0 else found


def effect_kind(one: EndPoint) -> str:
    """How an effect is told: `ratio`, `difference`, `difference of shares`, `hazard ratio`."""
    if one.kind in TO_EVENT:
        return "hazard ratio"
    return "difference of shares" if repeat.is_yes_no(one) else "ratio" if is_ratio(one) else "difference"


def factor(one: EndPoint) -> float:
    """What a value in the reading's unit is multiplied by to stand in the end point's."""
    if one.unit is None or one.reading is None:
        return 1.0
    return 1.0 / in_unit(1.0, one.unit, one.reading) if one.unit != unit_of(one.reading) else 1.0


def _in_unit(item: Comparison, times: float) -> Comparison:
    """A comparison of differences in the end point's own unit."""

    def turned(span: Span | None) -> Span | None:
        return None if span is None else Span(p05=times * span.p05, p50=times * span.p50, p95=times * span.p95)

    return item.model_copy(
        update={
            "expected": None if item.expected is None else times * item.expected,
            "expected_error": None if item.expected_error is None else times * item.expected_error,
            "unknown": turned(item.unknown), "between_people": turned(item.between_people), "observed": turned(item.observed),
            "forms": tuple(form.model_copy(update={"effect": times * form.effect}) for form in item.forms),
        }
    )  # fmt: skip


def comparison(here: Ready, one: EndPoint, arm: int, typical: Repeats, unknown: Repeats, seed: int) -> Comparison:
    """One arm against the control."""
    key = (one.name, arm)
    middle = repeat.expected(here, one, arm)
    across: Floats = np.zeros(0)
    forms: tuple[Form, ...] = ()
    own = repeat.paired(here, one, arm)
    if middle is None:
        found = typical.tested[key].effect
        middle = float(np.nanmedian(found)) if np.isfinite(found).any() else None
    else:
        across = np.array(list(_across(here, one, arm, seed)))
        if len(here.kinds) > 1:
            each = [repeat.expected(here, one, arm, None, people) for people in here.kinds]
            forms = tuple(
                Form(name=name, weight=float(weight), effect=told(one, float(effect or 0.0)))
                for name, weight, effect in zip(FORMS, here.weights, each, strict=True)
            )
    spread = None if own is None else float(own.std())
    return Comparison(
        arm=here.arms[arm],
        control=here.arms[here.control],
        expected=None if middle is None else told(one, middle),
        expected_error=None if spread is None else spread / math.sqrt(max(here.pool.effective, 1.0)),
        unknown=span(one, across) if len(across) else None,
        between_people=None if own is None else span(one, own),
        observed=span(one, unknown.tested[key].effect),
        forms=forms,
        power=chance(typical.shown[key]),
        assurance=chance(unknown.shown[key]),
        size=size(here, one, arm, typical.shown[key], seed),
    )


def _across(here: Ready, one: EndPoint, arm: int, seed: int) -> Iterator[float]:
    """Expected effects over worlds."""
    shifts, kind = repeat.shared_moves(here, repeat.WORLDS, seed)
    for shift, which in zip(shifts, kind, strict=True):
        value = repeat.expected(here, one, arm, shift, here.kinds[which])
        if value is not None:
            yield value


def size(here: Ready, one: EndPoint, arm: int, shown: NDArray[np.bool_], seed: int) -> Size:
    """People in all for 80 %: repeated at sizes until the power is near it, then by the root law; the interval is of the power there."""
    n, count = here.trial.n, min(len(shown), 400)
    least = max(4 * len(here.arms), 8)
    tried: dict[int, NDArray[np.bool_]] = {n: shown}
    for _ in range(6 if one.primary else 3):
        power = float(tried[n].mean())
        if CLOSE[0] <= power <= CLOSE[1]:
            break
        wanted = size_for(min(max(power, 0.02), 0.995), n, here.trial.alpha)
        after = int(np.clip(wanted if math.isfinite(wanted) else 4 * n, max(least, n // 6), min(MOST, 6 * n)))
        if after in tried or (n >= MOST and power < CLOSE[0]):
            break
        n = after
        tried[n] = repeats_of(here, n, count, seed, False, one).shown[(one.name, arm)]
    found = tried[n]
    power = float(found.mean())
    if power > CLOSE[1] and n <= least:
        return Size(n=n, low=None, high=n)
    low, high = exact_interval(int(found.sum()), len(found))
    sizes = [size_for(share, n, here.trial.alpha) for share in (power, high, low)]
    whole = [None if not math.isfinite(value) or value > MOST else max(least, math.ceil(value)) for value in sizes]
    return Size(n=whole[0], low=whole[1], high=whole[2])


# ---- pain: published effects, nothing simulated ------------------------------------------------------------------------------------------


def pain_measure(one: EndPoint) -> PainMeasure:
    """The published measure an end point names."""
    return next(row for row in measures() if row.id == one.measure)


def pain_comparison(trial: Trial, one: EndPoint, arm: int, control: int, counts: list[int], repeats: int, seed: int) -> Comparison:
    """A trial of this size, were its arms as published: normal scores, or yes and no."""
    row = pain_measure(one)
    better = {"lower": "lower", "higher": "higher"}[row.direction] if one.better == "either" else one.better
    share = row.statistic == "share"
    n1, n0 = counts[arm], counts[control]
    treated, controlled = float(row.treated or 0.0), float(row.controlled or 0.0)
    sd1 = math.sqrt(treated * (1 - treated)) if share else float(row.treated_spread or 0.0)
    sd0 = math.sqrt(controlled * (1 - controlled)) if share else float(row.control_spread or 0.0)
    se = math.hypot(sd1 / math.sqrt(row.treated_n or n1), sd0 / math.sqrt(row.control_n or n0))

    def shown(size1: int, size0: int, unsure: bool) -> tuple[NDArray[np.bool_], Floats]:
        luck = stream(seed, f"pain {one.name} {size1} {unsure}")
        moved = treated + (se * luck.standard_normal((repeats, 1)) if unsure else 0.0) * np.ones((repeats, 1))
        if share:
            x = np.concatenate([luck.random((repeats, size1)) < np.clip(moved, 0, 1), luck.random((repeats, size0)) < controlled], axis=1)
        else:
            x = np.concatenate(
                [moved + sd1 * luck.standard_normal((repeats, size1)), controlled + sd0 * luck.standard_normal((repeats, size0))], axis=1
            )
        mine = np.zeros(x.shape, bool)
        mine[:, :size1] = True
        found = (shares if share else welch)(x.astype(float), mine, ~mine)
        return success(found, trial.alpha, better, None), found.effect

    typical, _ = shown(n1, n0, False)
    unsure, effects = shown(n1, n0, True)
    total, wanted = n1 + n0, None
    for n in np.unique(np.round(np.geomspace(8, MOST, 400)).astype(int)):
        if power_of_means(treated - controlled, sd1, sd0, n * n1 / total, n * n0 / total, trial.alpha) >= WANTED:
            wanted = int(n)
            break
    plain = one.model_copy(update={"scale": "linear"})
    return Comparison(
        arm=trial.arm[arm].name, control=trial.arm[control].name, expected=treated - controlled, expected_error=se,
        unknown=Span(p05=treated - controlled - 1.645 * se, p50=treated - controlled, p95=treated - controlled + 1.645 * se),
        observed=span(plain, effects), power=chance(typical), assurance=chance(unsure), size=Size(n=wanted),
    )  # fmt: skip
