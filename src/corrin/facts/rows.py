"""The rows of the tables: frozen records with the units of every field.

A record that exists is a valid one: each class checks itself when made, and `reader.py` adds the file and the line to what it says.

Words used in every table
    source   keys of `sources.toml`, several joined by `;`
    at       where in the source the number stands: table, page, abstract, row
    how      how it became a number here: `HOWS`
    seen     what was read: `SEEN`. A recalled number was not read, is marked wherever it shows and is never fitted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

HOWS = ("stated", "computed", "digitised", "fitted", "assumed", "recalled")
SEEN = ("full text", "abstract", "secondary", "derived", "recalled", "assumed")
GRADES = ("high", "moderate", "low", "very low")

ROUTES = ("food", "oral", "sublingual", "nasal", "intramuscular", "subcutaneous", "intravenous")
KINDS = ("cause", "drug", "condition", "operation", "exposure", "life_stage", "nutrient")

# What a code may mean in a case, written `kind:name`, several joined by `;`.
MEANINGS = (
    "analyte",  # an id of analytes.csv
    "modifier",  # an id of modifiers.csv
    "product",  # an id of products.csv
    "form",  # a form of B12 whose route stands elsewhere in the record
    "route",  # a route of products.csv
    "finding",  # a sign of a case, or other/<tract>
    "person",  # weight, smoking, alcohol, pregnancy: what an observation is about
    "value",  # what its answer says: positive, negative, never, past, current, unknown, yes, no
    "allergy",  # cobalamin, cobalt
    "questioned",  # often used by mistake: never taken without asking; the note says why
)

# Body parameters a modifier may multiply; 1 is a healthy adult without it.
TARGETS = (
    "food_release",  # release of protein-bound B12 by acid and pepsin
    "intrinsic_factor",  # secretion of intrinsic factor
    "ileal_uptake",  # receptors of the last ileum
    "passive_fraction",  # share of any swallowed dose that diffuses
    "haptocorrin_synthesis",
    "transcobalamin_synthesis",
    "filtration",  # kidney: glomerular filtration
    "mma_production",
    "homocysteine_production",
    "folate_status",  # 1 = replete
    "other_loss",  # losses of the store other than bile
    "nerve_vulnerability",  # speed of damage at a given loss of function
    "nerve_repair",  # speed of repair at a given function
)
# Inputs of the body: the dose itself is handed over, nothing is multiplied.
EXPOSURES = ("nitrous_oxide", "hba1c_percent")
# What the body does not compute, or by a way that is not known (`status` of B12): only direction and grade are shown.
STATEMENTS = ("status", "blood", "pain", "bone", "symptoms")


@dataclass(frozen=True, slots=True)
class OneOf:
    """Marks a cell that holds one of a few words."""

    words: tuple[str, ...]


EMPTY = "may be empty"
OptionalText = Annotated[str, EMPTY]
OptionalWords = Annotated[tuple[str, ...], EMPTY]
OptionalNumber = Annotated[float | None, EMPTY]
How = Annotated[str, OneOf(HOWS)]
Seen = Annotated[str, OneOf(SEEN)]
Grade = Annotated[str, OneOf(GRADES)]


def _ordered(name: str, *values: float | None) -> None:
    known = [value for value in values if value is not None]
    if known != sorted(known):
        raise ValueError(f"{name} must rise from left to right, found {known}")


class _Cited:
    """What a row with `source` offers."""

    __slots__ = ()
    source: str

    @property
    def sources(self) -> tuple[str, ...]:
        """The keys of `source`, apart."""
        return tuple(key.strip() for key in self.source.split(";"))


@dataclass(frozen=True, slots=True)
class Source:
    """A paper, label, guideline or data set.

    `used` is `facts` when a row or parameter of the product rests on it, `library` when it was read and is kept for the study files, the
    guideline profiles and the reader. `also` lists other keys the same work goes by (study and patient files).
    """

    key: str
    citation: str
    doi: OptionalText
    pmid: OptionalText
    kind: Annotated[str, OneOf(("paper", "case", "guideline", "label", "data", "scale", "web", "judgement"))]
    used: Annotated[str, OneOf(("facts", "library"))]
    also: OptionalWords
    note: OptionalText


@dataclass(frozen=True, slots=True)
class Parameter(_Cited):
    """One number of the body, in `unit`, with its spread.

    `between` is the standard deviation between people, `unsure` that of what is not known about the typical value: on the log scale when
    `distribution` is lognormal, on the logit scale when logitnormal, in `unit` when normal; both 0 when fixed or bernoulli (a structural
    choice, 0 or 1, whose `value` is the weight of 1). `low` and `high` are hard limits in `unit`.
    """

    name: str
    place: str
    description: str
    value: float
    unit: str
    distribution: Annotated[str, OneOf(("fixed", "lognormal", "normal", "logitnormal", "bernoulli"))]
    between: float
    unsure: float
    low: float
    high: float
    source: str
    at: str
    how: How
    seen: Seen
    note: OptionalText

    def __post_init__(self) -> None:
        _ordered("low <= value <= high", self.low, self.value, self.high)
        if self.between < 0 or self.unsure < 0:
            raise ValueError("between and unsure are standard deviations and not negative")
        if self.distribution in ("fixed", "bernoulli") and (self.between or self.unsure):
            raise ValueError("a fixed or bernoulli parameter has between = unsure = 0")
        if self.distribution == "lognormal" and self.value <= 0:
            raise ValueError(f"a lognormal value is above 0, found {self.value}")
        if self.distribution == "logitnormal" and not 0 < self.value < 1:
            raise ValueError(f"a logitnormal value lies between 0 and 1, found {self.value}")


@dataclass(frozen=True, slots=True)
class Analyte(_Cited):
    """A laboratory quantity.

    All limits are in `unit`, the canonical one. Outside `low`..`high` no report can be true. Outside `plausible_low`..`plausible_high` the
    unit is probably wrong, unless the laboratory confirms the value. `reference_low`..`reference_high` is an adult reference interval for
    a report that brings none. `total_cv` is the log-SD of one routine result around the person's own level, `reading` the reading of the
    body it observes. `molar_mass_g_mol` turns mass into amount.
    """

    id: str
    name: str
    aliases: OptionalWords
    loinc: OptionalWords
    molar_mass_g_mol: OptionalNumber
    unit: str
    units: tuple[str, ...]
    low: float
    high: float
    plausible_low: float
    plausible_high: float
    total_cv: OptionalNumber
    reading: OptionalText
    reference_low: OptionalNumber
    reference_high: OptionalNumber
    source: str
    at: str
    how: How
    seen: Seen
    note: OptionalText

    def __post_init__(self) -> None:
        _ordered("low <= plausible_low <= plausible_high <= high", self.low, self.plausible_low, self.plausible_high, self.high)
        _ordered("reference_low <= reference_high", self.reference_low, self.reference_high)
        if self.unit not in self.units:
            raise ValueError(f"the canonical unit {self.unit} is missing from units")
        if self.total_cv is not None and not 0 < self.total_cv < 1.5:
            raise ValueError(f"total_cv is a log-SD between 0 and 1.5, found {self.total_cv}")
        if self.reading and self.total_cv is None:
            raise ValueError("an analyte that observes a reading needs total_cv")


@dataclass(frozen=True, slots=True)
class Product(_Cited):
    """A B12 product: form and route. Strengths are in ug of the form per unit taken.

    `bioavailability` is the share of the dose that reaches the blood by a route the gut does not compute: 1 for injections, small for the
    nose; empty where the dose is swallowed and the gut computes it. `form_class` is C (cyano, methyl) or O (hydroxo, adenosyl).
    """

    id: str
    name: str
    aliases: OptionalWords
    form: Annotated[str, OneOf(("cyanocobalamin", "hydroxocobalamin", "methylcobalamin", "adenosylcobalamin"))]
    route: Annotated[str, OneOf(ROUTES)]
    form_class: Annotated[str, OneOf(("C", "O"))]
    strengths_ug: tuple[float, ...]
    bioavailability: OptionalNumber
    bioavailability_low: OptionalNumber
    bioavailability_high: OptionalNumber
    atc: OptionalText
    source: str
    at: str
    how: How
    seen: Seen
    note: OptionalText

    def __post_init__(self) -> None:
        _ordered("bioavailability", self.bioavailability_low, self.bioavailability, self.bioavailability_high)
        _ordered("bioavailability between 0 and 1", 0.0, self.bioavailability, 1.0)
        if any(strength <= 0 for strength in self.strengths_ug):
            raise ValueError("strengths are above 0 ug")
        if (self.form_class == "C") != (self.form in {"cyanocobalamin", "methylcobalamin"}):
            raise ValueError(f"{self.form} is not of class {self.form_class}")
        swallowed = self.route in {"food", "oral", "sublingual"}
        if swallowed != (self.bioavailability is None):
            raise ValueError("bioavailability is empty for swallowed routes and given for all others")


@dataclass(frozen=True, slots=True)
class Modifier(_Cited):
    """What a cause, drug, operation, exposure or life stage does to one target.

    `effect` is the ratio on the target at `reference_dose` (None, in the table `unknown`: only `direction` and `grade` are shown).
    `spread` goes with `distribution`: log-SD around the median (lognormal), SD on the logit scale around the median (logitnormal), SD
    around the mean (beta), 0 (fixed). `onset_days` and `offset_days`: how long the effect takes to build up and to go; None when a case
    must draw it. `interacts_with`: (id, share) pairs; beside the other modifier only that share counts: 1 + share (e - 1).

    `dose_rule`, with e the effect at the reference dose R and D the dose taken:
        none          e, whatever the dose
        linear        1 + (e - 1) D / R, never below 0
        emax:ED50     1 + (e - 1) [D / (D + ED50)] / [R / (R + ED50)], never below 0
        above:D0      1 up to the dose D0, e from there on
        proportional  e D / R: the dose is a measurement of the target itself
        exposure      D / R is handed to the body's input of that name; nothing is multiplied
    """

    id: str
    name: str
    aliases: OptionalWords
    kind: Annotated[str, OneOf(KINDS)]
    target: Annotated[str, OneOf((*TARGETS, *EXPOSURES, *STATEMENTS))]
    effect: float | None
    spread: OptionalNumber
    distribution: Annotated[str, OneOf(("unknown", "fixed", "lognormal", "logitnormal", "beta"))]
    dose_rule: str
    reference_dose: OptionalNumber
    dose_unit: OptionalText
    onset_days: OptionalNumber
    offset_days: OptionalNumber
    interacts_with: Annotated[tuple[tuple[str, float], ...], EMPTY]
    direction: Annotated[str, OneOf(("harm", "benefit", "none", "mixed"))]
    grade: Grade
    source: str
    at: str
    how: How
    seen: Seen
    note: OptionalText
    atc: OptionalWords
    icd10: OptionalWords
    snomed: OptionalWords

    def __post_init__(self) -> None:
        rule, _, threshold = self.dose_rule.partition(":")
        if rule not in {"none", "linear", "emax", "above", "proportional", "exposure"}:
            raise ValueError(f"dose_rule {self.dose_rule} is not none, linear, emax:ED50, above:D0, proportional or exposure")
        if (rule in {"emax", "above"}) != bool(threshold) or (threshold and not float(threshold) > 0):
            raise ValueError(f"dose_rule {self.dose_rule} needs a positive number after the colon, and only emax and above take one")
        if rule in {"linear", "emax", "proportional", "exposure"} and self.effect is not None and not self.reference_dose:
            raise ValueError(f"dose_rule {self.dose_rule} needs a reference_dose")
        if self.reference_dose is not None and not self.dose_unit:
            raise ValueError("a reference_dose needs a dose_unit")
        if (self.effect is None) != (self.distribution == "unknown"):
            raise ValueError("distribution is unknown exactly when effect is")
        if self.effect is None:
            if self.spread is not None:
                raise ValueError("an unknown effect has no spread")
            return
        if self.target in STATEMENTS:
            raise ValueError(f"{self.target} is not computed by the body, so its effect is unknown")
        if (self.target in EXPOSURES) != (rule == "exposure"):
            raise ValueError("exposures of the body, and only they, have dose_rule exposure")
        if self.spread is None or self.spread < 0 or self.effect < 0:
            raise ValueError("an effect with a size is not negative and has a spread")
        if (self.distribution == "fixed") != (self.spread == 0):
            raise ValueError("spread is 0 exactly when distribution is fixed")
        if self.distribution in {"logitnormal", "beta"} and not 0 < self.effect < 1:
            raise ValueError(f"a {self.distribution} effect lies between 0 and 1, found {self.effect}")
        if self.distribution == "lognormal" and self.effect == 0:
            raise ValueError("a lognormal effect is above 0")
        if self.distribution == "beta" and self.spread**2 >= self.effect * (1 - self.effect):
            raise ValueError(f"no beta distribution has mean {self.effect} and SD {self.spread}")

    def ratio(self, dose: float | None = None, effect: float | None = None) -> float:
        """The ratio at `dose` (in `dose_unit`; the reference dose when not given), for a drawn `effect` or the typical one."""
        drawn = self.effect if effect is None else effect
        if drawn is None:
            raise ValueError(f"the size of {self.id} on {self.target} is unknown")
        rule, _, threshold = self.dose_rule.partition(":")
        if dose is None:
            return drawn
        reference = self.reference_dose or 1.0
        if rule == "none":
            return drawn
        if rule == "above":
            return drawn if dose >= float(threshold) else 1.0
        if rule in {"proportional", "exposure"}:
            return drawn * dose / reference
        share = dose / reference
        if rule == "emax":
            half = float(threshold)
            share = dose / (dose + half) * (reference + half) / reference
        return max(0.0, 1.0 + (drawn - 1.0) * share)


@dataclass(frozen=True, slots=True)
class Diet(_Cited):
    """Usual food B12 of a way of eating, ug a day before absorption, without products; `log_sd` is the spread between people."""

    id: str
    name: str
    aliases: OptionalWords
    food_ug_d: float
    log_sd: float
    source: str
    at: str
    how: How
    seen: Seen
    note: OptionalText

    def __post_init__(self) -> None:
        if self.food_ug_d <= 0 or self.log_sd <= 0:
            raise ValueError("food_ug_d and log_sd are above 0")


@dataclass(frozen=True, slots=True)
class Food(_Cited):
    """B12 of a food in ug per 100 g (`low`..`high` where brands differ), and a serving in g.

    `group` sorts the list; `origin` says who may eat it; `bound` is `protein` (needs acid and pepsin) or `crystalline` (added).
    """

    id: str
    name: str
    group: Annotated[
        str,
        OneOf(
            ("liver and kidney", "shellfish", "fish", "meat", "poultry", "milk", "cheese", "egg", "fat", "cereal", "plant drink", "plant")
        ),
    ]
    origin: Annotated[str, OneOf(("flesh", "milk", "egg", "plant", "fortified plant"))]
    bound: Annotated[str, OneOf(("protein", "crystalline"))]
    ug_per_100g: float
    low: OptionalNumber
    high: OptionalNumber
    serving_g: float
    fdc_id: OptionalText
    ndb_id: OptionalText
    source: str
    at: str
    how: How
    seen: Seen
    note: OptionalText

    def __post_init__(self) -> None:
        _ordered("0 <= low <= ug_per_100g <= high", 0.0, self.low, self.ug_per_100g, self.high)
        if self.serving_g <= 0:
            raise ValueError("a serving weighs more than 0 g")

    @property
    def ug_per_serving(self) -> float:
        """B12 of one serving, ug."""
        return self.ug_per_100g * self.serving_g / 100.0


@dataclass(frozen=True, slots=True)
class ReferenceIntake(_Cited):
    """A reference intake or limit: from `age_low_y` up to, not including, `age_high_y`, in `unit`.

    `value` is None where the body set none; `value_high` closes a range given for a band of ages (`value` is then its cautious end).
    `status` is `current` or `superseded`.
    """

    id: str
    nutrient: Annotated[str, OneOf(("vitamin B12", "vitamin B6", "folic acid"))]
    body: str
    region: str
    age_low_y: float
    age_high_y: float
    state: Annotated[str, OneOf(("any", "pregnancy", "lactation", "vegan"))]
    measure: str
    value: OptionalNumber
    value_high: OptionalNumber
    unit: str
    status: Annotated[str, OneOf(("current", "superseded"))]
    source: str
    at: str
    how: How
    seen: Seen
    note: OptionalText

    def __post_init__(self) -> None:
        _ordered("age_low_y <= age_high_y", self.age_low_y, self.age_high_y)
        _ordered("value <= value_high", self.value, self.value_high)


@dataclass(frozen=True, slots=True)
class Code(_Cited):
    """A code of a terminology. `verified` is False for a code that was recalled and not looked up: accept it on input, never send it.

    A row whose `code` is `none` says that no code could be verified: the concept is known by its name only. `means` is what the code stands
    for in a case: see `MEANINGS`. Empty: it is known and takes no part in a case.
    """

    concept: str
    system: str
    code: str
    display: str
    verified: bool
    source: str
    note: OptionalText
    means: Annotated[tuple[str, ...], EMPTY]
