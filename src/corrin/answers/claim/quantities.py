"""Quantities in a sentence: laboratory limits and their units, conversions, reference intakes, shares of the daily value, B12 of foods."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise

from corrin.answers.claim.weigh import ADVICE, CONDITION, TURN, denials, reported
from corrin.answers.diet.said import GRAMS, find_portion
from corrin.errors import InputError
from corrin.facts.claims import Cutoff, cutoffs
from corrin.facts.portions import portions
from corrin.facts.reader import analytes, foods, intakes
from corrin.facts.rows import Analyte, ReferenceIntake
from corrin.units import convert

NUMBER = r"(?<![\d.])\d{1,7}(?:\.\d{1,6})?(?![\d])"
LAB_UNITS = r"(?:[pnumk]?g|[pnum]?mol)\s?/\s?(?:d|m|u)?l"
QUANTITY = re.compile(rf"(?P<low>{NUMBER})(?:\s*(?:-|to|and)\s*(?P<high>{NUMBER}))?\s*(?P<unit>{LAB_UNITS})\b")
ANALYTE = re.compile(
    r"(?P<holotranscobalamin>holotranscobalamin|active b12)|(?P<mma>\bmma\b)|(?P<homocysteine>homocysteine)|(?P<serum_b12>\bb12\b)"
    r"|(?P<foreign>folate|folic|ferritin|iron|vitamin d|glucose|cholesterol|creatinine|tsh|copper|zinc|haemoglobin|b6|calcium"
    r"|magnesium|albumin"
    r"|hdl|ldl|triglycerides|crp|gastrin|potassium|sodium|urea|bilirubin|thiamine|hba1c|insulin|testosterone|cortisol)"
)
LIMIT = re.compile(
    r"\b(?:below|under|less than|lower than|above|over|greater than|higher than|more than|exceed\w*|at least|up to|between|normal"
    r"|range|ranges|cut-?offs?"
    r"|limits?|threshold\w*|deficien\w+|low|high|raised|elevated|abnormal|indeterminate|borderline|target|aim|levels? (?:of|from)"
    r"|considered|optimal)\b|[<>≤≥]"
)
BELOW = re.compile(r"(?:below|under|less than|lower than|<|≤|fewer than|up to)\s*(?:or equal to |about |a |of )*$")
ABOVE = re.compile(r"(?:above|over|greater than|higher than|more than|exceed\w*|>|≥|at least)\s*(?:about |a |of |or equal to )*$")
JOINED = re.compile(
    r"^\s*(?:of [\w ]{1,25}?)?\s*(?:\(|\[|=|≈|~|/|or|i\.?e\.?,?|equals?|equivalent to|is(?: about| roughly| approximately| the same as)?"
    r"|corresponds? to|is equal to|which is|that is)\s*(?:about |approximately |approx\.? |roughly |to |around |~|≈|=)*$"
)
SISTERS = {"serum_b12": ("pg/mL", "pmol/L"), "mma": ("umol/L", "nmol/L"), "homocysteine": ("umol/L",), "holotranscobalamin": ("pmol/L",)}
RIGHT_WITHIN, WRONG_BEYOND, SAME_WITHIN = 0.06, 0.10, 0.006
B12_UNITS = ("pmol/L", "pg/mL", "ng/L")
MEANING = re.compile(
    r"\b(?:deficien\w+|confirm\w*|diagnos\w+|indeterminate|borderline|gr[ea]y|normal|raised|elevated|high|low|abnormal|cut-?offs?"
    r"|thresholds?|reference"
    r"|limit|unlikely|marginal|insufficien\w+)\b"
)

INTAKE = re.compile(
    r"\b(?:rda|recommended (?:dietary |daily )?(?:allowance|intake|amount)|daily (?:requirement|need|needs|allowance|intake)"
    r"|adequate intake|reference "
    r"(?:nutrient )?intakes?|rni|daily value|dietary reference|require[sd]?|need|needs|population reference intake)\b"
)
DOSING = re.compile(
    r"\b(?:treat\w*|therap\w+|deficien\w+|inject\w+|tablets?|supplement\w*|loading|maintenance|pernicious|gastrectomy|prescri\w+"
    r"|oral\w*|vegans?|absorb\w*)\b"
)
UG = re.compile(rf"(?P<low>{NUMBER})(?:\s*(?:-|to)\s*(?P<high>{NUMBER}))?\s*(?P<unit>ug|mg)\b(?!\s*/\s*d?[lm])")
PREGNANT, NURSING = re.compile(r"\bpregnan\w+"), re.compile(r"\bbreast-?\s?feed\w*|\blactat\w+|\bnursing")
CHILD = re.compile(r"\b(?:child\w*|infants?|bab(?:y|ies)|toddlers?|teen\w*|adolescents?|boys|girls|kids|newborns?)\b")
AGES = re.compile(rf"\b(?P<low>{NUMBER})\s*(?:-|to|and|through)\s*(?P<high>{NUMBER})(?:\s*(?P<unit>years?|months?))?")
BODIES = {
    "IOM 1998 DRI": re.compile(r"\b(?:rda|us|u\.s\.|american|united states|nih|iom|institute of medicine|dri)\b"),
    "EFSA NDA 2015": re.compile(r"\b(?:efsa|european?|eu)\b"),
    "D-A-CH 2018": re.compile(r"\b(?:d-a-ch|dach|german\w*|dge|austria\w*|swiss|switzerland)\b"),
    "UK COMA RNI": re.compile(r"\b(?:uk|nhs|british|rni|united kingdom|britain)\b"),
}
OLDER_VALUES = {6.0: "the US Daily Value until 2020", 3.0: "the German-speaking societies until 2018", 2.0: "older US and Nordic values",
                1.4: "the EU's Scientific Committee of 1993"}  # fmt: skip
SHARE = re.compile(
    rf"(?P<share>{NUMBER})\s?(?:%|percent|per cent)\s*(?:of )?(?:the |your |an adult's |their )*(?:dv\b|daily value|daily dv)"
)
FOOD_SIZE = re.compile(rf"\b(?P<size>{NUMBER}|a|an|one|two|three|four|six)[\s-]*(?P<unit>oz|ounces?|g|grams?|cups?)\b")
WORDS = {"a": 1.0, "an": 1.0, "one": 1.0, "two": 2.0, "three": 3.0, "four": 4.0, "six": 6.0}
DISHES = re.compile(r"\b(?:chowder|soup|stew|breaded|sandwich|taco|pizza|salad|sauce|burger|powder|extract|capsules?)\b")
MOST_QUANTITIES = 12
"""Looked at in one sentence; a sentence with more is a table."""
FOOD_FAR, FOOD_NEAR = 5.0, 1.35


@dataclass(frozen=True, slots=True)
class Judged:
    """What is found about one quantity."""

    kind: str
    said: str
    verdict: str
    says: str
    sources: tuple[str, ...]
    at: str
    seen: str


def find_quantities(plain: str) -> list[Judged]:
    """What the tables say about the quantities of a plain sentence; nothing for a question, a report or a denial."""
    if plain.endswith("?") or denials(plain) or reported(plain):
        return []
    found = [*_conversions(plain), *_limits(plain)]
    if "b12" in plain:
        found += [*_intakes(plain), *_shares(plain), *_of_foods(plain)]
    seen: dict[tuple[str, str], Judged] = {}
    for one in found:
        seen.setdefault((one.kind, one.said), one)
    return list(seen.values())


# --- laboratory limits -------------------------------------------------------------------------------------------------------


def _subject(plain: str, span: tuple[int, int]) -> str | None:
    """The analyte a quantity belongs to: the last named before it, else the first after it; None when another quantity is meant."""
    hits = [(hit.start(), hit.lastgroup) for hit in ANALYTE.finditer(plain)]
    ahead = [name for start, name in hits if start < span[0] and span[0] - start < 120]
    after = [name for start, name in hits if start >= span[1] and start - span[1] < 40]
    name = ahead[-1] if ahead else after[0] if after else None
    if name is None or name == "foreign" or (not ahead and "foreign" in after[:1]):
        return None
    return name


def _ends(found: re.Match[str]) -> tuple[float, float]:
    low = float(found["low"])
    return low, float(found["high"]) if found["high"] else low


def _unit(text: str) -> str:
    number, _, volume = text.replace(" ", "").partition("/")
    return f"{number}/{volume[:-1]}L"


def _canonical(value: float, unit: str, row: Analyte) -> float | None:
    try:
        return convert(value, unit, row.unit, row.molar_mass_g_mol)
    except InputError:
        return None


def _limits(plain: str) -> Iterator[Judged]:
    if not LIMIT.search(plain):
        return
    for found in islice(QUANTITY.finditer(plain), MOST_QUANTITIES):
        name = _subject(plain, found.span())
        if name is None:
            continue
        row, unit = analytes()[name], _unit(found["unit"])
        ends = _ends(found)
        values = [_canonical(value, unit, row) for value in ends]
        if None in values:
            continue
        known = [value for value in values if value is not None]
        said = found.group(0)
        if all(row.plausible_low <= value <= row.plausible_high for value in known):
            yield from _plausible(plain, found, row, ends, unit, said)
            continue
        if name != "serum_b12" and unit in B12_UNITS:
            continue  # these units belong to B12: the sentence may have changed its subject
        meant = _meant(row, ends, unit)
        if meant is not None:
            near = _near(row, ends, meant)
            why = "; ".join(f"{cutoff.issuer}: {cutoff.side} it {cutoff.meaning}" for cutoff in near) or "the unit laboratories report"
            says = f"{row.name} of {said.strip()} cannot be meant: {_span(ends)} {meant} is ({why})."
            keys, at = (_sources(near), near[0].at) if near else (row.sources, row.at)
            yield Judged("unit", said, "wrong", says, keys, at, near[0].seen if near else row.seen)


def _span(ends: tuple[float, float]) -> str:
    return f"{ends[0]:g}" if ends[0] == ends[1] else f"{ends[0]:g} to {ends[1]:g}"


def _meant(row: Analyte, ends: tuple[float, float], unit: str) -> str | None:
    """The unit in which the same numbers make sense, near a stated limit or inside the reference interval widened twice; None if unsure."""
    low, high = (row.reference_low or row.plausible_low) / 2.0, (row.reference_high or row.plausible_high) * 2.0
    for other in SISTERS[row.id]:
        values = [_canonical(value, other, row) for value in ends]
        if other.lower() != unit.lower() and all(value is not None and low <= value <= high for value in values):
            return other
    return None


def _same(cutoff: Cutoff, row: Analyte, ends: tuple[float, float], unit: str) -> bool:
    wanted = (cutoff.value, cutoff.value_high if cutoff.value_high is not None else cutoff.value)
    for stated, value in zip(wanted, ends, strict=True):
        there = _canonical(value, unit, row)
        limit = _canonical(stated, cutoff.unit, row)
        if there is None or limit is None or abs(there - limit) > SAME_WITHIN * limit:
            return False
    return (ends[0] == ends[1]) == (cutoff.value_high is None)


def _near(row: Analyte, ends: tuple[float, float], unit: str) -> list[Cutoff]:
    """Stated limits at these numbers in another unit."""
    return [cutoff for cutoff in cutoffs() if cutoff.analyte == row.id and cutoff.seen != "recalled" and _same(cutoff, row, ends, unit)][:3]


def _plausible(plain: str, found: re.Match[str], row: Analyte, ends: tuple[float, float], unit: str, said: str) -> Iterator[Judged]:
    """A limit in a sensible unit: right where a guide states it for that side, else not known."""
    before = plain[: found.start()]
    side = "between" if ends[0] != ends[1] else "below" if BELOW.search(before) else "above" if ABOVE.search(before) else ""
    if not side or ADVICE.search(plain):
        return
    hits = [cutoff for cutoff in cutoffs() if cutoff.analyte == row.id and cutoff.side == side and _same(cutoff, row, ends, unit)]
    read = [cutoff for cutoff in hits if cutoff.seen != "recalled"]
    if read and MEANING.search(plain) and not CONDITION.search(plain):
        words = "; ".join(dict.fromkeys(f"{cutoff.issuer}: {cutoff.side} {_limit(cutoff)}: {cutoff.meaning}" for cutoff in read[:4]))
        yield Judged("limit", said, "right", f"{words}. Other guides draw other lines.", _sources(read), read[0].at, read[0].seen)
    elif re.search(r"\b(?:deficien\w+|confirm\w*|diagnos\w+|cut-?off|threshold)\b", plain) and not TURN.search(plain):
        usual = "above" if row.id in ("mma", "homocysteine") else "below"
        stated = [cutoff for cutoff in cutoffs() if cutoff.analyte == row.id and cutoff.side == usual and cutoff.seen != "recalled"]
        words = "; ".join(dict.fromkeys(f"{cutoff.issuer} {_limit(cutoff)}" for cutoff in stated[:6]))
        yield Judged("limit", said, "not known", f"No guide of the table states this limit. Stated: {words}.", _sources(stated),
                     "several", "secondary")  # fmt: skip


def _limit(cutoff: Cutoff) -> str:
    return f"{cutoff.value:g} {cutoff.unit}" if cutoff.value_high is None else f"{cutoff.value:g} to {cutoff.value_high:g} {cutoff.unit}"


def _sources(rows: list[Cutoff]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for row in rows for key in row.sources if key != "corrin-assumed"))


def _conversions(plain: str) -> Iterator[Judged]:
    """Two values that are said to be the same: "180 ng/L = 150 pmol/L"."""
    hits = list(islice(QUANTITY.finditer(plain), MOST_QUANTITIES))
    for one, other in pairwise(hits):
        between = plain[one.end() : other.start()]
        if len(between) > 45 or not JOINED.match(between):
            continue
        name = _subject(plain, one.span())
        if name is None:
            continue
        row, unit, unit_other = analytes()[name], _unit(one["unit"]), _unit(other["unit"])
        ends, stated = _ends(one), _ends(other)
        if unit.lower() == unit_other.lower() or (ends[0] == ends[1]) != (stated[0] == stated[1]):
            continue
        try:
            true = [convert(value, unit, unit_other, row.molar_mass_g_mol) for value in ends]
        except InputError:
            continue
        off = max(abs(there / value - 1.0) for there, value in zip(stated, true, strict=True) if value > 0)
        said = plain[one.start() : other.end()]
        words = f"{_span(ends)} {unit} of {row.name} is {_span((float(f'{true[0]:.3g}'), float(f'{true[1]:.3g}')))} {unit_other}."
        if off <= RIGHT_WITHIN:
            yield Judged("conversion", said, "right", words, row.sources, "molar mass", "derived")
        elif off > WRONG_BEYOND:
            yield Judged("conversion", said, "wrong", words, row.sources, "molar mass", "derived")


# --- intakes -----------------------------------------------------------------------------------------------------------------


def _state(text: str) -> str:
    return "pregnancy" if PREGNANT.search(text) else "lactation" if NURSING.search(text) else "any"


def _rows_for(plain: str, near: str) -> list[ReferenceIntake]:
    """The current reference intakes for the state and age the words around a number name."""
    rows = [row for row in intakes() if row.nutrient == "vitamin B12" and row.status == "current" and row.value is not None
            and row.measure in ("RDA", "AI", "RNI", "EAR", "PRI", "DV", "NRV")]  # fmt: skip
    if CHILD.search(near):
        ages = AGES.search(near)
        if ages is None:
            return []
        factor = 1.0 / 12.0 if (ages["unit"] or "").startswith("month") else 1.0
        low = float(ages["low"]) * factor
        return [
            row
            for row in rows
            if row.state == "any" and row.age_low_y - 0.02 <= low < row.age_high_y - 0.02 and row.measure not in ("DV", "NRV")
        ]
    state = _state(near)
    named = [body for body, words in BODIES.items() if words.search(plain)]
    found = [row for row in rows if row.state == state and row.age_low_y <= 30.0 < row.age_high_y]
    return [row for row in found if not named or row.body in named] or found


def _intakes(plain: str) -> Iterator[Judged]:
    if not INTAKE.search(plain) or SHARE.search(plain):
        return
    firm = re.search(
        r"\b(?:rda|rni|adequate intake|recommended (?:dietary|daily)|reference (?:nutrient )?intake|daily (?:requirement|need|needs"
        r"|allowance))",
        plain,
    )
    if (DOSING.search(plain) and not firm) or re.search(
        r"\b(?:contains?|provides?|serving|ounces?|folate|folic|b6|iron|vitamin d)\b", plain
    ):
        return
    hits = list(UG.finditer(plain))
    for number, found in enumerate(hits):
        if found["high"]:
            continue
        begin = hits[number - 1].end() if number else 0
        end = hits[number + 1].start() if number + 1 < len(hits) else len(plain)
        near = plain[begin : found.end()] if (number or len(hits) > 1) else plain
        if len(hits) > 1 and _state(near) == "any" and not CHILD.search(near) and number + 1 == len(hits):
            near = plain[begin:end]
        yield from _intake(plain, near, found)


def _intake(plain: str, near: str, found: re.Match[str]) -> Iterator[Judged]:
    rows = _rows_for(plain, near)
    if not rows:
        return
    value, unit = float(found["low"]), found["unit"]
    ug = value * (1000.0 if unit == "mg" else 1.0)
    said = found.group(0)
    listed = "; ".join(dict.fromkeys(f"{_body(row)} {row.value:g} µg a day" for row in rows if row.measure != "EAR"))
    sources = tuple(dict.fromkeys(key for row in rows for key in row.sources))
    exact = [row for row in rows if row.value is not None and abs(ug - row.value) <= 0.02 * row.value]
    slipped = [row for row in rows if row.value is not None
               and any(abs(ug / factor - row.value) <= 0.02 * row.value for factor in (1000.0, 100.0, 10.0, 0.1, 0.01, 0.001))]  # fmt: skip
    if exact:
        if ADVICE.search(plain) and not INTAKE.search(plain):
            return
        yield Judged("intake", said, "right", f"So by {_body(exact[0])}. Stated: {listed}.", exact[0].sources, exact[0].at, exact[0].seen)
    elif slipped and not DOSING.search(plain):
        yield Judged("intake", said, "wrong", f"Off by a power of ten. Stated: {listed}.", sources, slipped[0].at, slipped[0].seen)
    elif ug in OLDER_VALUES and _state(near) == "any":
        yield Judged(
            "intake", said, "disputed", f"An older value ({OLDER_VALUES[ug]}). Stated now: {listed}.", sources, rows[0].at, rows[0].seen
        )


def _body(row: ReferenceIntake) -> str:
    return row.body if row.measure in row.body.split() else f"{row.body} ({row.measure})"


def _shares(plain: str) -> Iterator[Judged]:
    """ "0.6 µg (25 % DV)": the share of the US daily value."""
    value = next((row for row in intakes() if row.measure == "DV" and row.nutrient == "vitamin B12"), None)
    amounts, share = [hit for hit in UG.finditer(plain) if not hit["high"]], list(SHARE.finditer(plain))
    if value is None or value.value is None or len(amounts) != 1 or len(share) != 1:
        return
    ug = float(amounts[0]["low"]) * (1000.0 if amounts[0]["unit"] == "mg" else 1.0)
    stated, true = float(share[0]["share"]), 100.0 * ug / value.value
    said = f"{amounts[0].group(0)} as {share[0].group(0)}"
    if abs(stated - true) <= 0.06 * true + 1.0:
        yield Judged("daily value", said, "right", f"{ug:g} µg is {true:.0f} % of {value.value:g} µg.", value.sources, value.at, value.seen)
    elif abs(stated - 100.0 * ug / 6.0) <= 1.0 + 0.06 * stated:
        yield Judged("daily value", said, "disputed",
                     f"By the value of 6 µg in force until 2020; by {value.value:g} µg it is {true:.0f} %.",
                     value.sources, value.at, value.seen)  # fmt: skip
    elif not 0.75 <= stated / max(true, 1e-9) <= 1.33:
        yield Judged("daily value", said, "wrong", f"{ug:g} µg is {true:.0f} % of {value.value:g} µg.", value.sources, value.at, value.seen)


# --- foods -------------------------------------------------------------------------------------------------------------------


def _of_foods(plain: str) -> Iterator[Judged]:
    """ "Clams hold more than 1000 µg a serving": one food and one amount in the sentence."""
    amounts = list(UG.finditer(plain))
    if len(amounts) != 1 or DISHES.search(plain) or INTAKE.search(plain) or DOSING.search(plain) or ADVICE.search(plain):
        return
    named = _food_named(plain)
    if named is None:
        return
    portion = portions()[named]
    rows = [foods()[key] for key in portion.foods]
    grams = _size(plain, portion.cup_g, portion.density_g_ml, portion.piece_g, rows[0].serving_g)
    if grams is None:
        return
    low = min(row.low if row.low is not None else row.ug_per_100g for row in rows) / 100.0 * grams
    high = max(row.high if row.high is not None else row.ug_per_100g for row in rows) / 100.0 * grams
    if high <= 0.0:
        return
    factor = 1000.0 if amounts[0]["unit"] == "mg" else 1.0
    ends = _ends(amounts[0])
    least, most = ends[0] * factor, ends[1] * factor
    shown = f"{low:.2g}" if f"{low:.2g}" == f"{high:.2g}" else f"{low:.2g} to {high:.2g}"
    words = f"{portion.id}, {grams:.0f} g: {shown} µg by the food table."
    sources = tuple(dict.fromkeys(key for row in rows for key in row.sources))
    said = f"{portion.id}: {amounts[0].group(0)}"
    at = f"rows of {portion.id}"
    if low / FOOD_NEAR <= least and most <= high * FOOD_NEAR:
        yield Judged("food", said, "right", words, sources, at, rows[0].seen)
    elif least > high * FOOD_FAR or most < low / FOOD_FAR:
        yield Judged("food", said, "wrong", words, sources, at, rows[0].seen)


def _food_named(plain: str) -> str | None:
    """The one food a sentence names; None for none or several."""
    words = re.findall(r"[a-z'-]+", plain)
    found: list[str] = []
    taken = -1
    for start in range(len(words)):
        if start <= taken:
            continue
        for length in (3, 2, 1):
            portion = find_portion(" ".join(words[start : start + length])) if start + length <= len(words) else None
            if (
                portion is not None
                and portion.foods
                and words[start] not in ("fish", "meat", "swiss")
                and len(" ".join(words[start : start + length])) > 2
            ):
                found.append(portion.id)
                taken = start + length - 1
                break
    distinct = list(dict.fromkeys(found))
    return distinct[0] if len(distinct) == 1 else None


def _size(plain: str, cup_g: float | None, density: float | None, piece_g: float | None, serving_g: float) -> float | None:
    found = FOOD_SIZE.search(plain)
    if found is None:
        if re.search(r"\b(?:serving|portion|slice|bowl|glass|helping|one|an?|each|per)\b", plain):
            return piece_g if piece_g is not None and re.search(r"\b(?:one|an|each|1)\b", plain) else serving_g
        return None
    size = WORDS.get(found["size"]) or float(found["size"])
    unit = found["unit"]
    if unit.startswith("cup"):
        return size * cup_g if cup_g is not None else size * 236.588 * density if density is not None else None
    return size * GRAMS[unit]
