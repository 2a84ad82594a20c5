"""Why? (Q2) Causes ranked from history, drugs, operations and tests of a cause; several may hold at once.

Each is ranked by the chance that it is at work if function is poor: that it is there, given how poor function is and what was tested, times
the part of such people who would not be there without it. What is stated is there; what nobody named has the weight such causes have among
people who are tested. All from the simulated population; the odds ratios shown beside were read and take no part.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from corrin.answers.assess.reports import Result, positive
from corrin.answers.assess.state import Effect, Shares, effect_at
from corrin.case import known
from corrin.case.case import Case
from corrin.case.causes import cause_weights
from corrin.case.check import CONDITION_KINDS, DRUG_KINDS, OPERATION_KINDS
from corrin.case.exposures import use_hours
from corrin.facts.deficiency import Deficiency, Stated, stated
from corrin.guides.facts import Facts
from corrin.units import convert, convertible

YEAR_D = 365.25
GRACE_D = 30.0
HEAVY_HOURS = 1.0
UNNAMED = {"gastritis": "autoimmune_gastritis", "food_bound": "food_bound_malabsorption", "ileal": "ileal_disease"}
LOW_DIETS = ("low_animal_food", "lacto_ovo_vegetarian", "lacto_vegetarian", "strict_vegetarian", "vegan_unsupplemented", "malnutrition")
WORTH = 0.1
"""A cause less likely at work than this needs no test of its own."""
DRUGS = ("metformin", "ppi", "h2_blocker")
SUSPECTED = 0.5
TELLING = {
    "autoimmune_gastritis": "antibodies to intrinsic factor, then to parietal cells; gastrin",
    "food_bound_malabsorption": "a gastroscopy with biopsies of the gastric body",
    "ileal_disease": "faecal calprotectin and imaging of the ileum",
    "coeliac": "coeliac serology (tissue transglutaminase IgA with total IgA)",
    "pancreatic_insufficiency": "faecal elastase",
    "metformin": "the level again after a change of the drug",
    "ppi": "whether the drug is still needed; the level again without it",
    "h2_blocker": "whether the drug is still needed; the level again without it",
    "low_intake": "a diet history",
    "nitrous_oxide": "asking about nitrous oxide; homocysteine",
    "h_pylori": "a test for Helicobacter pylori",
    "sibo": "a breath test for bacterial overgrowth",
    "fish_tapeworm": "stool for eggs",
    "alcohol": "asking about alcohol",
}


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause: how likely it is there (`present`), and its effect where the table has it."""

    id: str
    words: str
    standing: str
    """`stated`, `suspected`, `not named`."""
    present: float
    effect: Effect | None
    because: str


def _years(case: Case, begin: str | None) -> float | None:
    moment = case.moment(begin)
    return None if moment is None else max(0.25, -moment.day / YEAR_D)


def _goes_on(case: Case, end: str | None) -> bool:
    return end is None or case.day(end) >= -GRACE_D


def _since(years: float | None) -> str:
    return (
        "since when is not told"
        if years is None
        else f"for {years:.0f} year{'s' if round(years) != 1 else ''}"
        if years >= 1
        else "for less than a year"
    )


def stated_causes(case: Case, table: Deficiency, found: dict[str, Result]) -> list[Cause]:
    """What the case itself names."""
    made: list[Cause] = []
    history = case.history
    for drug in history.drugs:
        rows = known.find_modifier(drug.name, DRUG_KINDS)
        if rows and _goes_on(case, drug.to) and any(row.direction == "harm" and row.target in UPTAKE for row in rows):
            years, daily = _years(case, drug.from_), None
            if drug.dose is not None and drug.unit is not None:
                unit = drug.unit if convertible(drug.unit, "mg/d") else f"{drug.unit}/d"
                if convertible(unit, "mg/d"):
                    daily = convert(drug.dose * (drug.per_day if drug.per_day is not None else 1.0), unit, "mg/d")
            name = rows[0].id
            effect = effect_at(table, name, daily, years) if name in table.factors else None
            amount = f"{daily:.0f} mg a day, " if daily is not None else "dose not told, "
            made.append(Cause(name, rows[0].name, "stated", 1.0, effect, amount + _since(years)))
    for condition in history.conditions:
        rows = known.find_modifier(condition.name, CONDITION_KINDS)
        if rows and _goes_on(case, condition.to) and (rows[0].kind == "operation" or any(row.target in UPTAKE for row in rows)):
            unsure = condition.certainty in ("suspected", "assumed")
            years = _years(case, condition.from_)
            effect = effect_at(table, rows[0].id, None, years) if rows[0].id in table.factors else None
            standing, present = ("suspected", SUSPECTED) if unsure else ("stated", 1.0)
            made.append(Cause(rows[0].id, rows[0].name, standing, present, effect, _since(years)))
    for operation in history.operations:
        rows = known.find_modifier(operation.name, OPERATION_KINDS)
        if rows:
            years = _years(case, operation.date)
            length = f"{operation.removed_cm:.0f} cm removed, " if operation.removed_cm is not None else ""
            effect = effect_at(table, rows[0].id, operation.removed_cm, years) if rows[0].id in table.factors else None
            made.append(Cause(rows[0].id, rows[0].name, "stated", 1.0, effect, length + _since(years).replace("for ", "for the last ")))
    for diet in history.diet:
        row = known.find_diet(diet.diet) if diet.diet else None
        if row is not None and row.id in LOW_DIETS and _goes_on(case, diet.to):
            years = _years(case, diet.from_)
            made.append(Cause(row.id, f"{row.name} diet" if "diet" not in row.name else row.name, "stated", 1.0,
                              effect_at(table, row.id, None, years) if row.id in table.factors else None, _since(years)))  # fmt: skip
    if history.nitrous_oxide:
        daily = any(use.pattern == "daily" for use in history.nitrous_oxide)
        single = all(use.pattern == "single" for use in history.nitrous_oxide)
        hours = max(use_hours(use)[0] for use in history.nitrous_oxide)
        # A single anaesthetic harms where the store is already low; how far, the table does not hold.
        effect = None if single else effect_at(table, "nitrous_oxide", hours if daily else min(hours, 0.5))
        made.append(Cause("nitrous_oxide", "nitrous oxide", "stated", 1.0, effect, "one use" if single else "repeated use"))
    if history.alcohol is not None and history.alcohol.level == "heavy":
        made.append(Cause("alcohol", "heavy drinking", "stated", 1.0, None, "effect on B12 not sized"))
    for word, name in (("helicobacter", "h_pylori"), ("h. pylori", "h_pylori")):
        if any(word in text.lower() for text in history.other_conditions):
            made.append(Cause(name, "Helicobacter pylori gastritis", "stated", 1.0, None, "effect not sized"))
    if positive(found, "intrinsic_factor_antibody") and not any(cause.id == "autoimmune_gastritis" for cause in made):
        made.append(Cause("autoimmune_gastritis", "autoimmune gastritis (pernicious anaemia)", "stated", 1.0,
                          effect_at(table, "autoimmune_gastritis"), "antibodies to intrinsic factor"))  # fmt: skip
    return list({cause.id: cause for cause in reversed(made)}.values())[::-1]


UPTAKE = ("food_release", "intrinsic_factor", "ileal_uptake")


def on_drugs(stated_: list[Cause]) -> bool:
    """Whether a drug is named that lowers B12: then others besides are less often the reason of a test."""
    return any(cause.id in DRUGS for cause in stated_)


def explained(stated_: list[Cause]) -> bool:
    """Whether a disease, an operation, a diet or nitrous oxide is named that may be the whole reason."""
    return any(cause.effect is not None and cause.standing == "stated" and cause.id not in DRUGS for cause in stated_)


def unnamed_share(case: Case, stated_: list[Cause]) -> float:
    """Of the causes a clinic has over the community, the share left beside what is named; as a forecast takes it (`case/causes.py`)."""
    if explained(stated_):
        return 0.0

    def caused(tested: bool, drugs: bool) -> float:
        levels, weights = cause_weights(case.age_y, case.person.sex, tested=tested, drugs=drugs)
        return 1.0 - sum(weight for (name, _), weight in zip(levels, weights, strict=True) if name == "none") / sum(weights)

    community, clinic = caused(False, False), caused(True, False)
    return min(1.0, max(0.0, (caused(True, on_drugs(stated_)) - community) / (clinic - community)))


def unnamed_causes(case: Case, facts: Facts, table: Deficiency, found: dict[str, Result], stated_: list[Cause]) -> list[Cause]:
    """The usual causes nobody named, with their weight among people who are tested, moved by what was tested.

    Where the case names a disease, an operation, a diet or nitrous oxide, others are there as often as in the community.
    """
    named = {cause.id for cause in stated_}
    levels, weights = cause_weights(case.age_y, case.person.sex, tested=not explained(stated_), drugs=on_drugs(stated_))
    shares = {name: weight / sum(weights) for (name, _), weight in zip(levels, weights, strict=True)}
    made = []
    for name, key in UNNAMED.items():
        if key in named or name not in shares:
            continue
        odds = shares[name] / (1.0 - shares[name])
        because: list[str] = []
        if key == "autoimmune_gastritis":
            for test in ("intrinsic_factor_antibody", "parietal_cell_antibody"):
                seen = positive(found, test)
                if seen is not None:
                    row = stated()[test]
                    right = row.specificity or 1.0
                    odds *= row.value / (1.0 - right) if seen else (1.0 - row.value) / right
                    because.append(f"{row.words.split(':')[0]} {'present' if seen else 'absent'}")
            if positive(found, "gastrin"):
                because.append("gastrin raised")
            if facts.get("condition.autoimmune_other"):
                because.append("another autoimmune disease")
        if key in ("autoimmune_gastritis", "food_bound_malabsorption") and case.age_y >= 60.0:
            because.append("more common with age")
        made.append(Cause(key, known.modifiers()[key][0].name, "not named", odds / (1.0 + odds), effect_at(table, key), ", ".join(because)))
    if not any(name in named for name in LOW_DIETS) and not case.history.diet and not case.history.foods:
        made.append(Cause("low_intake", "little B12 in the diet", "not named", shares.get("low_intake", 0.0),
                          effect_at(table, "low_animal_food"), "diet not told"))  # fmt: skip
    if "nitrous_oxide" not in case.history.model_fields_set and case.age_y < 50.0:
        made.append(Cause("nitrous_oxide", "nitrous oxide", "not named", 0.0, None, ""))
    return made


def at_work(cause: Cause, table: Deficiency, before: Shares, after: Shares) -> float:
    """Chance that a cause is there and does it, if function lies below the floor.

    `before`, `after`: the bands without this cause, before and after the markers. It is asked how much more often people with it get at
    least this low: being less low than usual for it does not speak against it, as treatment and time differ. Another cause that explains
    as much leaves less to this one.
    """
    if cause.effect is None:
        return 0.0
    # Nitrous oxide breaks the enzyme and leaves the vitamin, so the markers do not place it in the bands of a slow lack.
    weights = (before if cause.id == "nitrous_oxide" else after)[: table.below]
    with_it = list(accumulate(share * ratio for share, ratio in zip(before, cause.effect.odds, strict=True)))
    without_it = list(accumulate(before))
    usual = with_it[-1] / without_it[-1]
    ratios = [a / b for a, b in zip(with_it, without_it, strict=True)]
    times = sum(share * ratio for share, ratio in zip(weights, ratios, strict=False)) / sum(weights) / usual
    there = cause.present * times / (cause.present * times + 1.0 - cause.present)
    return there * max(0.0, 1.0 - 1.0 / times)


Without = Callable[[str], tuple[Shares, Shares]]


def ranked(causes: list[Cause], table: Deficiency, without: Without) -> list[dict[str, Any]]:
    """Causes, the leading one first, with the odds ratios that were read. `without(id)`: the bands as in `at_work`."""
    rows = []
    for cause in causes:
        ratios = [_ratio(row) for row in stated().values() if row.of == f"odds ratio of {cause.id}"]
        rows.append({
            "id": cause.id, "words": cause.words, "standing": cause.standing, "because": cause.because,
            "at_work": round(at_work(cause, table, *without(cause.id)), 3), "size_known": cause.effect is not None, "odds_ratios": ratios,
            "told_by": TELLING.get(cause.id),
        })  # fmt: skip
    order = {"stated": 0, "suspected": 1, "not named": 2}
    return sorted(rows, key=lambda row: (-row["at_work"], order[str(row["standing"])], row["id"]))


def _ratio(row: Stated) -> dict[str, Any]:
    return {"words": row.words, "value": row.value, "low": row.low, "high": row.high, "source": row.source}


def tells_apart(rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Which test separates the two leading causes."""
    leading = [row for row in rows if row["at_work"] > 0.0 and (row["told_by"] or row["standing"] == "stated")][:2]
    leading = [row for row in leading if row["at_work"] >= WORTH]
    if len(leading) < 2:
        return None
    first, second = leading
    # A cause that is certain needs no test; the other one does.
    chosen = second if first["standing"] == "stated" and second["told_by"] else first
    if chosen["told_by"] is None:
        return None
    return {"first": first["words"], "second": second["words"], "test": chosen["told_by"], "of": chosen["words"]}
