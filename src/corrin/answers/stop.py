"""What if it is stopped? (Q12) A plan ends after so long: when laboratory values fall, deficiency and symptoms are back, and for whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from corrin.answers import recovery
from corrin.answers.assemble import Options, assemble
from corrin.answers.assess.reports import results
from corrin.answers.assess.why import stated_causes
from corrin.answers.beside import effective_of
from corrin.answers.computed import Computed, Floats
from corrin.answers.forecast import DAYS_PER_YEAR, intended, person_of, subject, usual_plans
from corrin.answers.keep import is_replete
from corrin.answers.recognise import first_of_all
from corrin.answers.record import Answer, Forecast, Notice, Record, WarningCode
from corrin.answers.recovery import Chance
from corrin.answers.run import draw_people, run
from corrin.answers.summary import FIRST_STEP_POINTS, SIGN, normalised, quantiles
from corrin.case import known
from corrin.case.case import Case
from corrin.case.plan import Plan, read_plan
from corrin.errors import InputError
from corrin.facts.deficiency import deficiency
from corrin.facts.reader import analytes
from corrin.settings import checked
from corrin.studies.reader import read_study
from corrin.units import convert

YEARS = 10.0
OPEN = 0.1
"""A lasting cause as probable as this keeps the question open."""
LASTING = {
    "autoimmune_gastritis": "the cells of the stomach that make intrinsic factor do not come back",
    "food_bound_malabsorption": "atrophy of the stomach mostly stays; free B12 of tablets or fortified food is still absorbed",
}
"""Causes that stay, in words (common knowledge, no number); operations stay always."""
TREATABLE = {
    "coeliac": "uptake comes back on a diet without gluten",
    "h_pylori": "it can be eradicated",
    "fish_tapeworm": "it can be cured",
    "sibo": "it can be treated, and often returns",
    "pancreatic_insufficiency": "enzymes taken with meals help; the gland does not come back",
    "ileal_disease": "uptake can come back when the ileum heals, not after it was removed or scarred",
    "alcohol": "drinking can end",
}
Lasts = Literal["lasting", "reversible", "perhaps", "not known"]
Source = str | Path | Mapping[str, Any]
Band = Callable[[Floats, Floats], Chance | None]
"""Yes (draws,), weights (draws,) -> the chance with its band."""


class Event(Record):
    """A turning point after the stop. Times are days from the stop, over those who had not reached it before; None: that quantile does not
    reach it within the horizon."""

    name: str
    label: str
    definition: str
    p05: float | None
    p50: float | None
    p95: float | None
    chance: float = Field(description="share that reaches it within the horizon, of those who had not reached it before")
    chance_low: float | None = Field(None, description="where that chance would lie, were the unmeasured numbers known: 5 %")
    chance_high: float | None = Field(None, description="95 %")
    already: float = Field(description="share of all that is there when it is stopped")
    curve: tuple[float, ...] = Field((), description="share that has reached it at each of `curve_days` of the answer")


class Reason(Record):
    """A cause, whether it lasts, and why; `again`: share with this cause who are deficient again within the horizon, where it was drawn."""

    name: str
    label: str
    lasts: Lasts
    why: str
    probability: float
    again: float | None = None
    again_low: float | None = None
    again_high: float | None = None


class Published(Record):
    """What was seen in people with one of the causes, beside what is computed here."""

    label: str
    days: float
    low_days: float | None
    high_days: float | None
    n: int | None
    citation: str


class Stop(Answer):
    """The answer to: what if it is stopped? `forecast` holds the course under the plan that ends."""

    format: Literal["corrin.stop/1"] = "corrin.stop/1"
    forecast: Forecast
    first: tuple[str, ...] = Field((), description="what the findings call for now, with its urgency")
    plan: str
    plan_title: str
    after: str
    stop_day: float
    years: float
    ongoing: bool = Field(description="true when the plan is one under way, so that it takes the place of what is given now")
    events: tuple[Event, ...]
    curve_days: tuple[float, ...]
    reasons: tuple[Reason, ...]
    published: tuple[Published, ...] = ()
    for_life: Literal["yes", "likely", "while the cause lasts", "not told by the cause"]
    test_by_days: float | None = Field(description="days after the stop by which one in twenty is deficient again")

    @property
    def contradicted(self) -> bool:
        """True where the person's data and the model disagree (exit code 4; the answer is still given)."""
        return self.forecast.contradicted

    def text(self, width: int = 110) -> str:
        """The page in plain words."""
        from corrin.show.stop_text import report

        return report(self.to_dict(), width=width)


def stop(
    case: Case | Source,
    after: str = "6mo",
    plan: Plan | Source | None = None,
    years: float = YEARS,
    draws: int = 1000,
    seed: int = 1,
    progress: Callable[[str, float], None] | None = None,
) -> Stop:
    """One person under a plan that ends `after` so long (such as `6mo`, counted from its first day), followed for `years` in all.

    Without a plan: injections as the signs call for. Diet, drugs and cause go on as under the plan; nitrous oxide stays stopped.
    """
    years, draws, seed = checked("years", years), checked("draws", draws), checked("seed", seed)
    person = person_of(case)
    chosen = plan if isinstance(plan, Plan) else read_plan(plan if plan is not None else usual_plans(person)[1])
    ended = ending(chosen, after, years)
    horizon = years * DAYS_PER_YEAR
    tell = progress or (lambda what, share: None)
    people = draw_people(person, draws, seed, tell)
    computed = run(person, [ended], years, draws, seed, tell, beside=False, people=people)
    forecast = assemble(subject(person), [intended(ended, horizon)], computed, Options(years, draws, seed))
    course = computed.futures[ended.name]
    good = np.asarray(computed.weights) > 0
    weights = normalised(np.asarray(computed.weights, dtype=np.float64)[good])
    stopped = ended.start_day + (ended.stop_day or 0.0)
    values = {name: np.asarray(found)[good] for name, found in course.values.items()}
    replete = is_replete(people, {name: np.asarray(found) for name, found in course.values.items()})[good]
    days = tuple(float(day) for day in np.linspace(0.0, horizon - stopped, 61))
    band = banded(computed, people.count, good, seed)
    events, deficient = turning(course.time_days, values, replete, weights, stopped, days, band)
    drawn = computed.unknowns.get("cause")
    reasons = why(person, computed.causes, None if drawn is None else drawn.value[good], deficient, weights, band)
    back = next(event for event in events if event.name == "deficiency")
    notice = Notice(
        code=WarningCode.OTHER,
        text="A model's picture of stopping is no reason to stop: symptoms may come back before any laboratory value moves.",
    )
    return Stop(
        forecast=forecast.model_copy(update={"question": "stop", "warnings": (*forecast.warnings, notice)}),
        first=first_of_all(person),
        plan=chosen.name,
        plan_title=chosen.title or chosen.name,
        after=after,
        stop_day=stopped,
        years=years,
        ongoing=any(person.day(given.from_, 0.0) < 0.0 for given in (*person.history.past_b12, *person.treatments)),
        events=tuple(events),
        curve_days=days,
        reasons=reasons,
        published=published(reasons),
        for_life=for_life(reasons),
        test_by_days=back.p05,
    )


def banded(computed: Computed, count: int, good: NDArray[np.bool_], seed: int) -> Band:
    """How sure a chance among the draws that are `good` is, by what nobody has measured of how a store empties."""
    from corrin.engine.draw import normals

    noise = {name: normals(seed, f"unmeasured_{name}", count) for name in computed.unknowns}
    unmeasured = recovery.shared(computed.unknowns, noise, recovery.EMPTIES)[good] if noise else np.zeros((int(good.sum()), 0))
    effective = effective_of(computed, np.asarray(computed.weights, dtype=np.float64))
    return lambda yes, weights: recovery.chance(yes, weights, effective, unmeasured)


def ending(plan: Plan, after: str, years: float) -> Plan:
    """The plan, ended after so long. Raises `InputError` for a time nobody can read or beyond the horizon."""
    try:
        made = Plan.model_validate({**plan.to_dict(), "stop_after": after})
    except ValueError:
        raise InputError("--after", ascii(after)[:40], "a time such as 6mo, 12wk, 90d or 2y") from None
    last = made.start_day + (made.stop_day or 0.0)
    if last >= years * DAYS_PER_YEAR:
        raise InputError("--after", after, f"less than the {years:g} years looked ahead", "Look further ahead with --years (at most 50).")
    return made


def turning(
    times: Floats,
    values: Mapping[str, Floats],
    replete: NDArray[np.bool_],
    weights: Floats,
    stopped: float,
    days: tuple[float, ...],
    band: Band | None = None,
) -> tuple[list[Event], Floats]:
    """The turning points after the stop, and each draw's day of deficiency (infinite: never). Values are (draws, times).

    `band`: the chance of yes (draws,) among the draws with weights, with its band.
    """
    later = times >= stopped - 1e-6
    since = times[later] - stopped
    table = analytes()
    found = []

    def event(name: str, label: str, definition: str, there: NDArray[np.bool_]) -> Floats:
        when = np.where(there.any(axis=1), since[there.argmax(axis=1)], np.inf)
        already = there[:, 0]
        rest = float(weights[~already].sum())
        middle: list[float | None] = [None, None, None]
        if rest > 0.0:
            spread = quantiles(when[~already][:, None], weights[~already], (0.05, 0.5, 0.95))[:, 0]
            middle = [float(day) if np.isfinite(day) else None for day in spread]
        chance = float(weights[~already & np.isfinite(when)].sum()) / rest if rest > 0.0 else 0.0
        sure = None if band is None or rest <= 0.0 else band(np.isfinite(when).astype(float), np.where(already, 0.0, weights))
        found.append(
            Event(
                chance_low=None if sure is None else sure.low, chance_high=None if sure is None else sure.high, name=name, label=label,
                definition=definition, p05=middle[0], p50=middle[1], p95=middle[2], chance=min(chance, 1.0),
                already=min(float(weights[already].sum()), 1.0), curve=tuple(min(float(weights[when <= day].sum()), 1.0) for day in days),
            )
        )  # fmt: skip
        return np.asarray(when)

    for name, what in (("serum_b12", "serum B12"), ("holotranscobalamin", "active B12")):
        limit = table[name].reference_low
        if limit is not None and name in values:
            definition = f"below its lower limit, {limit:g} {table[name].unit} (the level itself, without the scatter of a laboratory)"
            event(name, f"{what} low", definition, values[name][:, later] < limit)
    floor = deficiency().floor_percent
    deficient = event(
        "deficiency",
        "deficient again by B12 function or MMA",
        f"B12 function under the floor of {floor:g} %, or methylmalonic acid over its limit for the kidneys",
        ~replete[:, later],
    )
    score = values["score"][:, later]
    least = np.minimum.accumulate(score, axis=1)
    event(
        "symptoms",
        "nerve signs worse again",
        f"neurological score {FIRST_STEP_POINTS:g} points above its best since the stop, and at least {SIGN:g}",
        (score >= least + FIRST_STEP_POINTS) & (score >= SIGN),
    )
    return found, deficient


def why(
    case: Case,
    probable: Mapping[str, tuple[str, float]],
    drawn: Floats | None,
    deficient: Floats,
    weights: Floats,
    band: Band | None = None,
) -> tuple[Reason, ...]:
    """Causes named in the case, and those drawn where none is named, each with whether it lasts."""
    reasons = []
    for cause in stated_causes(case, deficiency(), results(case)):
        lasts, words = lasting(cause.id)
        reasons.append(Reason(name=cause.id, label=cause.words, lasts=lasts, why=words, probability=cause.present))
    for number, (name, (label, probability)) in enumerate(probable.items()):
        if name == "none" or probability < 0.01 or drawn is None:
            continue
        mine = drawn.astype(int) == number
        share = float(weights[mine].sum())
        lasts, words = lasting(DRAWN.get(name, name))
        again = min(float(weights[mine & np.isfinite(deficient)].sum()) / share, 1.0) if share > 0.0 else None
        sure = None if band is None or again is None else band(np.isfinite(deficient).astype(float), np.where(mine, weights, 0.0))
        low, high = (None, None) if sure is None else (sure.low, sure.high)
        reasons.append(
            Reason(name=name, label=label, lasts=lasts, why=words, probability=probability, again=again, again_low=low, again_high=high)
        )
    return tuple(sorted(reasons, key=lambda reason: (-reason.probability, reason.name)))


DRAWN = {"gastritis": "autoimmune_gastritis", "food_bound": "food_bound_malabsorption", "ileal": "ileal_disease", "low_intake": "diet"}
"""Names of causes where nobody named one -> ids of the modifiers table; a diet is no row of it."""


SERIES = {"autoimmune_gastritis": "savage1983", "gastritis": "savage1983"}
"""Cause -> study of people in whom treatment was interrupted."""


def published(reasons: tuple[Reason, ...]) -> tuple[Published, ...]:
    """Times to relapse that were told of people with a cause this person probably has."""
    found = []
    for key in dict.fromkeys(SERIES[reason.name] for reason in reasons if reason.name in SERIES and reason.probability >= 0.1):
        study = read_study(key)
        for outcome in (outcome for arm in study.arm for outcome in arm.outcome if outcome.statistic == "time"):
            low, high = (convert(end[0], outcome.unit, "d") if end and end[0] is not None else None for end in (outcome.low, outcome.high))
            found.append(
                Published(
                    label=outcome.label, days=outcome.time_d[0], low_days=low, high_days=high, n=outcome.n[0] if outcome.n else None,
                    citation=study.citation,
                )
            )  # fmt: skip
    return tuple(found)


def lasting(name: str) -> tuple[Lasts, str]:
    """Whether a cause lasts, and why: operations do, drugs, exposures and diets do not, others as they are known to."""
    if name in LASTING:
        return "lasting", LASTING[name]
    if name in TREATABLE:
        return "perhaps", TREATABLE[name]
    if name == "diet" or known.find_diet(name) is not None:
        return "reversible", "food can change, or fortified food or a small tablet take its place; while it stays as it is, B12 is needed"
    rows = known.modifiers().get(name, ())
    kinds = {row.kind for row in rows}
    if "operation" in kinds:
        return "lasting", "what was removed or bypassed does not come back"
    if name == "nitrous_oxide" or kinds & {"drug", "nutrient", "exposure"}:
        return "reversible", "its effect ends when it is stopped; while it goes on, B12 has to be watched or given"
    return "not known", "whether it lasts is not held here"


def for_life(reasons: tuple[Reason, ...]) -> Literal["yes", "likely", "while the cause lasts", "not told by the cause"]:
    """What the causes say together."""
    sure = [reason for reason in reasons if reason.probability >= 0.9]
    named = [reason for reason in sure if reason.again is None]  # told by the case, not only drawn
    stays = sum(reason.probability for reason in reasons if reason.lasts == "lasting")
    if any(reason.lasts == "lasting" for reason in named):
        return "yes"
    if stays >= 0.5:
        return "likely"
    # A cause that can go settles nothing while another that stays is well possible beside it.
    if stays >= OPEN or not any(reason.lasts in ("reversible", "perhaps") for reason in sure):
        return "not told by the cause"
    return "while the cause lasts"
