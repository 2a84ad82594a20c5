"""The markers of a case as evidence: the newest result of each (of one day, all), in the analyte's unit, and what shifts or voids it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from corrin.answers.assess.state import Evidence
from corrin.answers.reported import as_reported
from corrin.case import known
from corrin.case.case import Case, Lab
from corrin.case.check import in_canonical
from corrin.case.observe import HAEMATOCRIT_TO_G_DL, egfr_ckd_epi_2021
from corrin.facts.deficiency import MARKERS, stated
from corrin.guides.facts import Facts
from corrin.units import convert

TODAY_D = 0.5
OLD_D = 183.0
SEX_LOG_SD, BLOOD_LOG_SD = 0.08, 0.113
"""Part of the spread of haemoglobin between people that is between the sexes (facts: men 10 % above, women 6 % below), and the whole."""
HALF = 0.5
"""What a result counts that something unrelated to B12 moves by an unknown amount (a judgement)."""
SCATTER_SD = 1.96 * math.sqrt(2.0)
"""Two results of one person and day lie at most so many SDs of a single one apart, 95 times of 100."""
USUAL_CV = 0.2
"""Log-SD of a result whose analyte has none in the table (a judgement)."""
FULL_TERM = {"first trimester": 1.0 / 3.0, "second trimester": 2.0 / 3.0, "third trimester": 1.0}


@dataclass(frozen=True, slots=True)
class Result:
    """One result that counts: `place` in the case, as printed, in the analyte's unit from `low` to `high`, and its day."""

    marker: str
    place: str
    words: str
    low: float
    high: float
    day: float
    reference_low: float | None
    reference_high: float | None
    same_day: str = ""
    """How it was made where there are several results of its day."""
    disagree: bool = False
    """Its day has results that cannot all be right: `low` to `high` spans them."""

    @property
    def value(self) -> float | None:
        """The value where it is one."""
        return self.low if self.low == self.high else None


@dataclass(frozen=True, slots=True)
class Switch:
    """Something that shifts or voids a test: its words, and what becomes of each marker (weight, only_raises, shift)."""

    why: str
    marker: str
    weight: float = 1.0
    only_raises: bool = False
    shift: float = 0.0


def results(case: Case) -> dict[str, Result]:
    """The newest result of every analyte of the tables up to `as_of`, whatever the order of the case."""
    found: dict[str, list[Result]] = {}
    for number, lab in enumerate(case.labs):
        row = known.find_analyte(lab.analyte)
        if row is None or lab.held_back or case.day(lab.date) > TODAY_D:
            continue
        made = _result(case, lab, number, row.id)
        if made is not None:
            found.setdefault(row.id, []).append(made)
    newest = {name: _of_one_day(rows) for name, rows in found.items()}
    if "haemoglobin" not in newest and "haematocrit" in newest:
        packed = newest["haematocrit"]
        unit = known.analytes()["haemoglobin"].unit
        low, high = (
            convert(value * HAEMATOCRIT_TO_G_DL, "g/dL", unit) if 0.0 < value < math.inf else value for value in (packed.low, packed.high)
        )
        words = f"{packed.words} (a third of it)"
        newest["haemoglobin"] = Result("haemoglobin", packed.place, words, low, high, packed.day, None, None)
    return newest


def _of_one_day(rows: Sequence[Result]) -> Result:
    """All results of the newest day as one, whatever their order: their geometric mean where they agree, the span of them where not."""
    last = max(row.day for row in rows)
    found: dict[str, Result] = {}
    for row in sorted((row for row in rows if row.day > last - TODAY_D), key=_order):
        found.setdefault(row.words, row)
    held = list(found.values())
    first = held[-1]
    if len(held) == 1:
        return first
    # The highest lower end and the lowest upper end: where the first is below, one value could have given every result.
    low, high = max(row.low for row in held), min(row.high for row in held)
    words = " and ".join([held[0].words, *(_without_name(row.words, held[0].words) for row in held[1:])])
    worded = {row.words for row in held if math.isinf(row.high) and row.low <= 0.0}
    if low <= high and len(worded) < 2:
        return replace(first, words=words, low=low, high=high, same_day=f"{len(held)} results of one day, read together")
    cv = known.analytes()[first.marker].total_cv or USUAL_CV
    if high > 0.0 and len(worded) < 2 and math.log(low / high) <= SCATTER_SD * cv:
        exact = [math.log(row.low) for row in held if row.value is not None] or [math.log(low), math.log(high)]
        middle = math.exp(math.fsum(exact) / len(exact))
        told = f"{len(held)} results of one day that agree within the test's scatter, read as their geometric mean"
        return replace(first, words=words, low=middle, high=middle, same_day=told)
    told = "results of one day that cannot all be right: read as anywhere between them; repeat the test"
    return replace(first, words=words, low=min(row.low for row in held), high=max(row.high for row in held), same_day=told, disagree=True)


def _order(row: Result) -> tuple[float, float, str, float, float]:
    return row.low, row.high, row.words, row.reference_low or 0.0, row.reference_high or 0.0


def _without_name(words: str, first: str) -> str:
    """`methylmalonic acid 120 nmol/L` after `methylmalonic acid 3.6 umol/L`: `120 nmol/L`."""
    name = first
    while name and not words.startswith(f"{name} "):
        name = name.rpartition(" ")[0]
    return words[len(name) :].strip() if name else words


def _result(case: Case, lab: Lab, number: int, name: str) -> Result | None:
    row = known.analytes()[name]
    limits: list[float | None] = [None, None]
    for place, limit in enumerate((lab.reference_low, lab.reference_high)):
        limits[place] = in_canonical(limit, lab.unit, row) if limit is not None and lab.unit else None
    if lab.value is not None and lab.unit:
        value = in_canonical(lab.value, lab.unit, row)
        low, high = (value, value) if lab.comparator == "=" else (0.0, value) if lab.comparator in ("<", "<=") else (value, math.inf)
    elif lab.word:
        least = limits[0] if limits[0] is not None else row.reference_low
        most = limits[1] if limits[1] is not None else row.reference_high
        sides: dict[str, tuple[float | None, float | None]] = {
            "undetectable": (0.0, least), "low": (0.0, least), "normal": (least or 0.0, most or math.inf), "raised": (most, math.inf)
        }  # fmt: skip
        first, last = sides[lab.word]
        if first is None or last is None:
            return _worded(case, lab, number, name)
        low, high = first, last
    else:
        return None
    return Result(name, f"labs[{number}]", as_reported(case, f"labs[{number}]"), low, high, case.day(lab.date), limits[0], limits[1])


def _worded(case: Case, lab: Lab, number: int, name: str) -> Result:
    """A word about an analyte that has no limits of its own (an antibody): nothing but the word is known."""
    return Result(name, f"labs[{number}]", as_reported(case, f"labs[{number}]"), 0.0, math.inf, case.day(lab.date), None, None)


def filtration(case: Case, found: dict[str, Result]) -> tuple[float | None, str]:
    """eGFR in mL/min/1.73 m2 and where it comes from; None where neither it nor creatinine was measured."""
    if "egfr" in found and found["egfr"].value is not None:
        return found["egfr"].value, "as reported"
    creatinine = found.get("creatinine")
    if creatinine is None or creatinine.value is None or creatinine.value <= 0.0:
        return None, ""
    row = known.analytes()["creatinine"]
    mg_dl = convert(creatinine.value, row.unit, "mg/dL", row.molar_mass_g_mol)
    return egfr_ckd_epi_2021(mg_dl, case.age_y, case.person.sex), "from creatinine (CKD-EPI 2021)"


def positive(found: dict[str, Result], name: str) -> bool | None:
    """Whether an antibody (or gastrin) is above its limit: yes, no, or not known."""
    row = found.get(name)
    if row is None:
        return None
    limit = row.reference_high if row.reference_high is not None else known.analytes()[name].reference_high
    lab_words = row.words.rsplit(" ", 1)[-1]
    if lab_words in ("raised", "normal", "low", "undetectable") and not row.disagree:
        return lab_words == "raised"
    if limit is None:
        return None
    return True if row.low > limit else False if row.high <= limit else None


def switches(case: Case, facts: Facts, found: dict[str, Result]) -> list[Switch]:
    """What in this person shifts or voids a test."""
    made: list[Switch] = []
    given = {name: value for name, value in facts.items() if value is True}
    shift = stated()
    if facts.get("nitrous_oxide.recent") or facts.get("nitrous_oxide"):
        why = "nitrous oxide: the vitamin is there and does not work, so a normal result excludes nothing"
        made += [Switch(why, name, only_raises=True) for name in MARKERS]
    if facts.get("b12.before_sample", facts.get("b12.treated")):
        why = "B12 was taken before the sample: the level shows the dose, not the cells"
        made += [Switch(why, name, only_raises=True) for name in ("serum_b12", "holotranscobalamin")]
        made += [
            Switch("B12 was taken before the sample: it shows today, not what was before", name, only_raises=True)
            for name in ("mma", "homocysteine", "haemoglobin", "mcv")
        ]
    if positive(found, "intrinsic_factor_antibody"):
        made.append(Switch("antibodies to intrinsic factor can make the assay read normal", "serum_b12", only_raises=True))
    for name, words in (("liver_disease", "liver disease"), ("myeloproliferative", "disease of the marrow"),
                        ("polycythaemia_vera", "polycythaemia vera")):  # fmt: skip
        if f"condition.{name}" in given:
            made += [Switch(f"{words} can make B12 read high", marker, only_raises=True) for marker in ("serum_b12", "holotranscobalamin")]
    if "condition.transcobalamin_deficiency" in given:
        made.append(Switch("without transcobalamin total B12 may be normal", "serum_b12", only_raises=True))
    if "alcohol.heavy" in given:
        made.append(Switch("heavy drinking can make B12 read normal", "serum_b12", only_raises=True))
        made.append(Switch("heavy drinking enlarges red cells by itself", "mcv", HALF))
    if "drug.oral_contraceptive" in given:
        made.append(Switch("the combined pill lowers total B12 and not its function", "serum_b12", HALF))
    if "condition.haptocorrin_deficiency" in given:
        made.append(Switch("without haptocorrin total B12 is low for no lack", "serum_b12", 0.0))
    part = FULL_TERM.get(case.person.pregnancy or "", 0.0)
    if part:
        row = next(row for row in known.modifiers()["pregnancy"] if row.target == "haptocorrin_synthesis" and row.effect)
        words = "pregnancy lowers total B12 and not its function: read against what is usual then"
        made.append(Switch(words, "serum_b12", HALF, shift=part * math.log(float(row.effect or 1.0))))
        made += [Switch("pregnancy thins the blood", name, 0.0) for name in ("haemoglobin", "mcv")]
        made.append(Switch("pregnancy lowers homocysteine", "homocysteine", HALF))
    if "condition.black_ethnicity" in given:
        words = f"levels of Black people lie {100 * (shift['black_serum_b12'].value - 1):.0f} % higher: read against their interval"
        made.append(Switch(words, "serum_b12", shift=math.log(shift["black_serum_b12"].value)))
    if _low_folate(case, facts, found):
        made.append(Switch("lack of folate raises it as well", "homocysteine", 0.0))
        made += [Switch("lack of folate changes the blood as well", name, 0.0) for name in ("haemoglobin", "mcv")]
        made.append(Switch("lack of folate lowers total B12 by itself", "serum_b12", HALF))
    for name, words in (("hypothyroidism", "an underactive thyroid"), ("vitamin_b6_deficiency", "lack of vitamin B6")):
        if f"condition.{name}" in given:
            made.append(Switch(f"{words} raises it as well", "homocysteine", HALF))
    if "condition.sibo" in given:
        made.append(Switch("bacteria in the small bowel make methylmalonic acid as well", "mma", HALF))
    sex = {"male": "haemoglobin_men", "female": "haemoglobin_women"}.get(case.person.sex)
    if sex is not None:
        made.append(Switch("", "haemoglobin", shift=math.log(shift[sex].value)))
    return made


def _low_folate(case: Case, facts: Facts, found: dict[str, Result]) -> bool:
    if facts.get("condition.folate_deficiency"):
        return True
    for name in ("folate", "red_cell_folate"):
        row = found.get(name)
        if row is not None:
            limit = row.reference_low if row.reference_low is not None else known.analytes()[name].reference_low
            if limit is not None and row.high < limit:
                return True
    return False


@dataclass(frozen=True, slots=True)
class Counted:
    """A marker as it counts: the result, the evidence (None: set aside) and why it is read with care."""

    result: Result
    evidence: Evidence | None
    why: tuple[str, ...]


def allowed_for(marker: str) -> tuple[float, float, tuple[float, float] | None]:
    """What people have and the population has not: share in whom something else rules a marker, share in whom it is spared, the same by
    whether haemoglobin is."""
    share = stated()
    if marker in ("homocysteine", "mma"):
        return share[f"other_{marker}"].value, 0.0, None
    if marker == "haemoglobin":
        return share["other_blood"].value, share["spared_haemoglobin"].value, None
    if marker == "mcv":
        given = (share["spared_mcv_with_haemoglobin"].value, share["spared_mcv_without_haemoglobin"].value)
        return share["other_blood"].value, share["spared_mcv"].value, given
    return 0.0, 0.0, None


def counted(case: Case, facts: Facts, found: dict[str, Result]) -> tuple[Counted, ...]:
    """Every marker that was measured, in a fixed order."""
    turned = switches(case, facts, found)
    made = []
    for name in MARKERS:
        row = found.get(name)
        if row is None:
            continue
        mine = [switch for switch in turned if switch.marker == name]
        weight = min((switch.weight for switch in mine), default=1.0)
        item = Evidence(
            name, math.log(row.low) if row.low > 0.0 else -math.inf, math.log(row.high) if 0.0 < row.high < math.inf else math.inf, weight,
            any(switch.only_raises for switch in mine), sum(switch.shift for switch in mine),
            math.sqrt(1.0 - (SEX_LOG_SD / BLOOD_LOG_SD) ** 2) if name == "haemoglobin" and case.person.sex != "unknown" else 1.0,
            *allowed_for(name),
        )  # fmt: skip
        why = tuple(dict.fromkeys(switch.why for switch in mine if switch.why))
        if row.same_day:
            why = (*why, row.same_day)
        if row.day < -OLD_D:
            why = (*why, "taken more than half a year ago")
        nothing = weight == 0.0 or (row.low <= 0.0 and (row.high <= 0.0 or math.isinf(row.high)))
        made.append(Counted(row, None if nothing else item, why))
    return tuple(made)
