"""What was seen in published patients after day 0, as things that can be forecast, and what they were given. For patients.py.

Every entry of an example's `observed` stands here, taken apart into data (`entry` is its place there); day, value and severity are read
from the example, not repeated. What the entry alone does not say (which reading, better than when) is said here. None of it is ever input.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from corrin.case.case import SEVERITIES, Case, Observed
from corrin.case.exposures import dose_ug, product_of
from corrin.case.plan import DrugChange, Phase, Plan, Step, built_in_plans

UNDATED_D = 365.0
"""Where no day is told, the forecast is read at 12 months."""
GRADES = (*SEVERITIES, "worst")
Kind = Literal["value", "limits", "grade", "felt", "better", "worse", "not worse", "rises", "signs left", "not in the model"]


@dataclass(frozen=True)
class Datum:
    """One thing seen. `what`: analyte, or what is graded or felt; `grade`, where the example's severity is not the one meant; `since`: the
    day a direction is told from; `told`: the grade on day 0 as the case has it (None: present, no grade told)."""

    patient: str
    entry: int | None
    said: str
    kind: Kind
    what: str
    grade: int | None = None
    since: float = 0.0
    told: int | None = None
    day: float | None = None
    counted: bool = True


SEEN = (
    Datum("azenha2017", 0, "sight fully recovered", "grade", "vision", told=3),
    Datum("biyani2015", 0, "free of symptoms: position sense of the hands", "grade", "position sense of the hands"),
    Datum("cwru-n2o-pa", 0, "stops getting worse", "not worse", "score", day=30.0),
    Datum("cwru-n2o-pa", 1, "walks with a cane (an aid is read as grade 3)", "grade", "gait", grade=3, told=3),
    Datum("cwru-n2o-pa", 1, "a cane, no longer a walker and help", "better", "gait"),
    Datum("cwru-n2o-pa", 1, "unpleasant sensations persist", "felt", "tingling"),
    Datum("cwru-n2o-pa", 2, "MMA back inside its limits", "limits", "mma"),
    Datum("cwru-n2o-pa", 2, "homocysteine back inside its limits", "limits", "homocysteine"),
    Datum("emtman2017-n2o-51m", 0, "delusions nearly gone", "not in the model", "psychosis", counted=False),
    Datum("emtman2017-n2o-51m", 1, "serum B12", "value", "serum_b12"),
    Datum("gaddam2007", 0, "keeps declining on tablets", "worse", "score"),
    Datum("gaddam2007", 1, "B12 rises once metformin is stopped", "rises", "serum_b12", since=60.0),
    Datum("gaddam2007", 1, "symptoms improve once metformin is stopped", "better", "score", since=60.0),
    Datum("hwang2016", 0, "serum B12 inside its limits", "limits", "serum_b12"),
    Datum("hwang2016", 1, "gait good enough for daily life", "grade", "gait", told=2),
    Datum("kaisari2020", 0, "left eye counts fingers", "grade", "vision", told=2),
    Datum("kaisari2020", 0, "scotomas larger", "worse", "vision"),
    Datum("kaisari2020", 1, "better a week after the first injection", "better", "vision", since=90.0),
    Datum("kaisari2020", 2, "scotomas nearly gone", "grade", "vision", told=2),
    Datum("kaisari2020", 3, "holotranscobalamin on the spray", "value", "holotranscobalamin"),
    Datum("kaisari2020", 4, "holotranscobalamin on injections", "value", "holotranscobalamin"),
    Datum("shm-dementia-73f", 0, "weakness of the hands gone", "grade", "weakness", grade=0),
    Datum("shm-dementia-73f", 0, "mental state as before", "grade", "cognition", grade=0),
    Datum("shm-n2o-34m", 0, "walks without help", "grade", "gait", told=3),
    Datum("shm-n2o-34m", 0, "partly better", "better", "gait"),
    Datum("shm-n2o-50f", 0, "MMA normal", "limits", "mma"),
    Datum("shm-n2o-50f", 0, "homocysteine normal", "limits", "homocysteine"),
    Datum("shm-n2o-50f", 0, "unsteadiness persists", "grade", "gait", told=2),
    Datum("shm-n2o-50f", 0, "loss of feeling persists", "felt", "numbness"),
    Datum("turner2009", 0, "damage possibly permanent", "signs left", "score", counted=False),
)
SERIES = tuple(f"pott2012-p{number}" for number in range(1, 8))
MEASURED_AGAIN = 4
"""Of the seven of the series; which four is not told."""
SERIES_SEEN = (("mma", "MMA inside its limits in all four measured again"), ("homocysteine", "homocysteine inside its limits in all four"))


def patients() -> tuple[str, ...]:
    """Everybody with something seen."""
    return tuple(dict.fromkeys(item.patient for item in SEEN))


def entry_of(case: Case, item: Datum) -> Observed | None:
    """The entry of the example that a datum is taken from."""
    return case.observed[item.entry] if item.entry is not None and not isinstance(case.observed, str) else None


def day_of(case: Case, item: Datum) -> float:
    """The day a datum is of."""
    if item.day is not None:
        return item.day
    entry = entry_of(case, item)
    return UNDATED_D if entry is None or entry.day is None else case.day(entry.day)


def grade_of(case: Case, item: Datum) -> int:
    """The grade seen, 0 to 4."""
    entry = entry_of(case, item)
    if item.grade is not None or entry is None or entry.severity is None:
        return item.grade or 0
    return GRADES.index(entry.severity)


USUAL_ELSEWHERE = "bnf-hydroxocobalamin-neurological"
NOT_STATED: Mapping[str, tuple[str, str]] = {
    "azenha2017": (USUAL_ELSEWHERE, "hydroxocobalamin into the muscle, dose and interval not stated: as the British formulary for nerves"),
    "biyani2015": ("bmj-best-practice", "injections, nothing else stated: cyanocobalamin 1 mg daily for 2 weeks, weekly for 4, monthly"),
    "cwru-n2o-pa": ("us-practice-cyanocobalamin", "cyanocobalamin into the muscle, dose and interval not stated: usual practice in the US"),
    "shm-dementia-73f": ("us-practice-cyanocobalamin", "nothing stated: usual practice in the US"),
    "shm-n2o-50f": ("us-practice-cyanocobalamin", "high dose, nothing else stated: usual practice in the US"),
    "turner2009": (USUAL_ELSEWHERE, "repeated injections of high dose: as the British formulary gives hydroxocobalamin for nerves"),
    **dict.fromkeys(SERIES, (USUAL_ELSEWHERE, "nothing stated (the Netherlands): hydroxocobalamin as the British formulary for nerves")),
}  # fmt: skip
SAID = {
    "emtman2017-n2o-51m": "1 mg by mouth daily for 4 days, then injected daily for 7; dose not stated, taken as 1 mg; then nothing",
    "gaddam2007": "1 mg by mouth daily; metformin stopped on day 60",
    "hwang2016": "daily injections for 7 days, two weekly ones, then tablets three times a day; forms and doses are not stated and taken"
    " as cyanocobalamin, 1 mg each",
    "kaisari2020": "nasal spray 500 µg weekly for 90 days, then hydroxocobalamin injections, not seen how many: as the British"
    " formulary gives them for nerves",
    "shm-n2o-34m": "cyanocobalamin 1 mg daily in hospital, how long is not stated and taken as 7 days, then weekly",
}


def plan_of(case: Case) -> tuple[Plan, str]:
    """What the person was given, and in words with what is taken for granted."""
    name = case.id or ""
    if name in NOT_STATED:
        plan, said = NOT_STATED[name]
        return built_in_plans()[plan], said
    if name == "kaisari2020":
        spray = Phase(name="spray", steps=as_stated(case)[:1], for_days=90.0)
        return _plan(phases=(spray, *built_in_plans()[USUAL_ELSEWHERE].phases)), SAID[name]
    if name == "shm-n2o-34m":
        step = as_stated(case)[0]
        days = Phase(name="in hospital", steps=(step,), for_days=7.0)
        return _plan(phases=(days, Phase(name="afterwards", steps=(step.model_copy(update={"every_days": 7.0}),)))), SAID[name]
    stopped = (DrugChange(name="metformin", day=60.0),) if name == "gaddam2007" else ()
    return _plan(steps=as_stated(case), stop_drugs=stopped), SAID[name]


def as_stated(case: Case) -> tuple[Step, ...]:
    """The case's own treatments as steps of a plan; where a dose is not stated, the package's usual one (1 mg)."""
    steps = []
    for given in case.treatments:
        begin, gap = max(0.0, case.day(given.from_, 0.0)), given.every_days or (7.0 / given.per_week if given.per_week else 1.0)
        ended = None if given.to is None else max(1, -int(-(case.day(given.to) - begin - 1e-9) // gap))
        steps.append(Step(
            product=product_of(given).id, dose_ug=dose_ug(given), every_days=gap, times_per_day=int(given.times_per_day or 1),
            from_day=begin, count=given.count or ended,
        ))  # fmt: skip
    return tuple(steps)


MONTHLY = Plan(
    format="corrin.plan/1", name="monthly", steps=(Step(product="cyanocobalamin intramuscular", dose_ug=1000.0, every_days=30.0),)
)
"""Much less than anybody takes for usual: does the assumption on treatment matter?"""


def _plan(steps: tuple[Step, ...] = (), phases: tuple[Phase, ...] = (), stop_drugs: tuple[DrugChange, ...] = ()) -> Plan:
    return Plan(format="corrin.plan/1", name="as-given", steps=steps, phases=phases, stop_drugs=stop_drugs)
