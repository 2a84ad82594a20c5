"""A trial's numbers as the parts of its answer: end points, arms, courses, sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from corrin.answers.record import Notice, WarningCode
from corrin.answers.trial import power, repeat
from corrin.answers.trial.document import TO_EVENT, EndPoint, Trial
from corrin.answers.trial.power import Repeats, factor, is_ratio
from corrin.answers.trial.reader import FUNCTIONS, is_log, plan_of, unit_of
from corrin.answers.trial.record import ArmAnswer, ArmResult, Comparison, CourseBand, EndPointAnswer
from corrin.answers.trial.repeat import Ready, stream
from corrin.studies.reader import analyte_of

TOO_FEW = 100
"""Independent people below which the answer says so."""


def label_of(reading: str) -> str:
    """A reading in words."""
    from corrin.answers.explain import readings

    return str(readings()[reading].label)


def end_point(
    here: Ready, one: EndPoint, comparisons: Sequence[Comparison], unknown: Repeats, seed: int
) -> EndPointAnswer:  # fmt: skip
    """One end point, from what each arm is against the control (`power.compared`)."""
    trial = here.trial
    if one.kind == "pain":
        row = power.pain_measure(one)
        return EndPointAnswer(
            name=one.name, kind=one.kind, reading="pain", label=f"{row.outcome}: {row.treatment} against {row.control}",
            unit=row.unit or "", day=row.time_days, primary=one.primary, looked_for=looked_for(trial, one),
            effect_kind="difference of shares" if row.statistic == "share" else "difference", published=True,
            comparisons=tuple(comparisons), arms=(),
        )  # fmt: skip
    return EndPointAnswer(
        name=one.name, kind=one.kind, reading=one.reading or "", label=label_of(one.reading or ""),
        unit=one.unit or unit_of(one.reading or ""),
        day=None if one.kind in TO_EVENT else one.day if one.day is not None else trial.visits_d[-1], primary=one.primary,
        looked_for=looked_for(trial, one), effect_kind=power.effect_kind(one), comparisons=tuple(comparisons),
        arms=tuple(arm_result(here, one, arm, unknown, seed) for arm in range(len(trial.arm))),
    )  # fmt: skip


def arm_result(here: Ready, one: EndPoint, arm: int, unknown: Repeats, seed: int) -> ArmResult:
    """What an arm would report, laboratories included, beside what was reported."""
    from corrin.inference.points import STUDY_LOG_SD, STUDY_OTHER_LOG_SD

    values = unknown.summaries[(one.name, arm)]
    yes_no = repeat.is_yes_no(one) or one.kind in TO_EVENT
    unit, times = ("", 1.0) if yes_no or (one.kind == "change" and is_log(one)) else (one.unit or unit_of(one.reading or ""), factor(one))
    values = times * values[np.isfinite(values)]
    if one.kind == "level" and not yes_no and is_log(one):
        effect = STUDY_LOG_SD.get(one.reading or "", STUDY_OTHER_LOG_SD)
        values = values * np.exp(effect * stream(seed, f"laboratory {one.name} {arm}").standard_normal(len(values)))
    p05, p50, p95 = (float(x) for x in np.quantile(values, [0.05, 0.5, 0.95])) if len(values) else (0.0, 0.0, 0.0)
    name = here.arms[arm]
    reported = one.reported.get(name)
    return ArmResult(
        arm=name, p05=p05, p50=p50, p95=p95, unit=unit, reported=reported, inside=None if reported is None else p05 <= reported <= p95
    )


def looked_for(trial: Trial, one: EndPoint) -> str:
    """What counts as shown."""
    level = f"{100 * (1 - trial.alpha):g} %"
    if one.margin is None:
        side = {"lower": ", lower than the control", "higher": ", higher than the control"}.get(one.better, "")
        return f"two-sided p below {trial.alpha:g}{side}"
    worse = f"a ratio of {one.margin:g}" if is_ratio(one) else f"{one.margin:g}"
    return f"not worse than the control by {worse} ({level} interval)"


def arms(trial: Trial, counts: Sequence[int]) -> tuple[ArmAnswer, ...]:
    """The arms as they were run."""
    found = []
    for arm, n in zip(trial.arm, counts, strict=True):
        plan = plan_of(arm)
        name = arm.plan if isinstance(arm.plan, str) else "written in the design"
        found.append(
            ArmAnswer(
                name=arm.name, plan=name, title=plan.title, n=n, control=arm.name == trial.control.name,
                doses=len(plan.doses(trial.visits_d[-1])),
            )
        )  # fmt: skip
    return tuple(found)


def courses(here: Ready) -> tuple[CourseBand, ...]:
    """Every measured reading in every arm over time."""
    found = []
    for place, reading in enumerate(here.pool.readings):
        for arm, name in enumerate(here.arms):
            rows = np.quantile(here.pool.levels[:, arm, :, place], [0.05, 0.25, 0.5, 0.75, 0.95], axis=0)
            bands = {key: tuple(float(x) for x in row) for key, row in zip(("p05", "p25", "p50", "p75", "p95"), rows, strict=True)}
            days = tuple(float(day) for day in here.pool.days)
            found.append(CourseBand(arm=name, reading=reading, label=label_of(reading), unit=unit_of(reading), time_days=days, **bands))
    return tuple(found)


def verdict(trial: Trial, end_points: Sequence[EndPointAnswer], repeats: int) -> tuple[str, ...]:
    """The first end point (the primary one) in sentences."""
    from corrin.show.words import percent

    first = next((one for one in end_points if one.primary), end_points[0])
    said = []
    for item in first.comparisons:
        sure = f"{percent(item.assurance.value)} ({100 * item.assurance.low:.0f} to {100 * item.assurance.high:.0f})"
        said.append(
            f"{first.name}, {item.arm} against {item.control}: a trial of {trial.n} people shows it ({first.looked_for}) in "
            f"{percent(item.power.value)} of {repeats:,} repeats if typical people are as the population has them, and in {sure} with what "
            "nobody knows of them drawn too."
        )
        if item.size.n is None:
            said.append(f"No size up to {power.MOST:,} was found that shows it in 80 %.")
        else:
            said.append(f"For 80 %: about {item.size.n:,} people in all.")
    return tuple(said)


def notices(here: Ready, calibration: str) -> Iterator[Notice]:
    """Warnings."""
    if calibration == "stale":
        text = "calibration: stale. The equations or the numbers under them have changed since the population was fitted."
        yield Notice(code=WarningCode.CALIBRATION_STALE, text=text)
    if not here.pool.resolved:
        text = "The drawn people could not be led to the rules of entry or the reported day 0: the trial begins elsewhere than it says."
        yield Notice(code=WarningCode.FEW_DRAWS, text=text)
    elif here.pool.effective < TOO_FEW:
        text = f"Only {here.pool.effective:.0f} of the drawn people count independently. Ask for more (--draws)."
        yield Notice(code=WarningCode.FEW_DRAWS, text=text)
    if here.pool.failed:
        yield Notice(code=WarningCode.FAILED_PEOPLE, text=f"{here.pool.failed} drawn people could not be solved and are left out.")
    if len(here.kinds) == 1:
        text = "Too few drawn people have one of the forms of the model to tell its effect apart."
        yield Notice(code=WarningCode.FEW_DRAWS, text=text)


def assumptions(trial: Trial) -> tuple[str, ...]:
    """What a reader must know to judge the numbers."""
    unmeasured = [
        one.reading for one in trial.end_point
        if one.reading is not None and analyte_of(one.reading) is None and one.reading not in trial.noise
        and (one.reading in FUNCTIONS or unit_of(one.reading) in ("points", "SD", "m/s", "uV"))
    ]  # fmt: skip
    found = [
        "People are drawn as patients with this history are, led to the rules of entry by results measured with the laboratory's scatter; "
        "day 0 is measured anew, so that some of them look better at once (regression to the mean).",
        "What nobody knows of typical people moves all participants together, to first order; the form of the model is one for all.",
        "Who leaves does so at random. Each end point is tested on its own at the same level; nothing is corrected for their number.",
    ]
    if unmeasured:
        found.append(
            f"No scatter of one measurement is known for {', '.join(dict.fromkeys(unmeasured))}: taken as 0 unless [noise] of the design "
            "tells it, which flatters the power."
        )
    if any(one.kind == "recovery" for one in trial.end_point):
        found.append("Recovery of a tract: its deficit is at or below the person's own threshold for a sign; of a symptom: no longer felt.")
    if any(one.kind == "pain" for one in trial.end_point):
        found.append("Pain is not simulated: its effect and scatter are those of the published measure, whoever takes part here.")
    return tuple(found)
