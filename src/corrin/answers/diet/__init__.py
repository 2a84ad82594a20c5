"""Can food alone do it? (Q11) B12 a day against reference intakes, what is absorbed, what would fill a gap; with a case, how far food goes.

Instant: the body's rate functions at one moment, never the engine. It informs and prescribes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corrin.answers.examples import named
from corrin.errors import InputError, expect

if TYPE_CHECKING:
    from corrin.answers.diet.said import Item
    from corrin.case.case import Case

FORMAT = "corrin.diet/1"
ADULT_Y = 16.0
OLDER_Y = 51.0
PREGNANCIES = ("none", "pregnant", "breastfeeding")
STAGES = {"first trimester": 1 / 3, "second trimester": 2 / 3, "third trimester": 1.0, "pregnant": 2 / 3}
NERVES = frozenset(
    (
        "tingling", "numbness", "weakness", "gait", "vision", "cognition", "bladder", "bowel", "romberg", "lhermitte", "babinski",
        "vibration_loss", "position_loss", "spasticity", "mri_dorsal_columns", "mri_lateral_columns", "optic_neuropathy", "walking_aid",
        "wheelchair", "falls", "psychosis",
    )
)  # fmt: skip
DISCLAIMER = (
    "For education and research; not a medical device and no prescription. Reference intakes are for healthy people: they are no dose for "
    "treating a deficiency."
)


@dataclass(frozen=True)
class DietAnswer:
    """Plain data of the answer (`corrin.diet/1`), its text and its JSON."""

    data: Mapping[str, Any]

    def text(self, width: int = 110) -> str:
        """The answer in words."""
        from corrin.show.diet_text import report

        return report(self.data, width)

    def to_dict(self) -> dict[str, Any]:
        """A copy of the plain data."""
        copied: dict[str, Any] = json.loads(self.to_json())
        return copied

    def to_json(self) -> str:
        """The plain data as JSON."""
        return json.dumps(self.data, indent=2, ensure_ascii=False) + "\n"


def diet(
    foods: str | Path | None = None,
    *,
    age_y: float | None = None,
    sex: str | None = None,
    pregnancy: str | None = None,
    case: Case | str | Path | Mapping[str, Any] | None = None,
) -> DietAnswer:
    """Daily B12 of a list of foods, against the reference intakes for this age and state, and what of it is absorbed.

    `foods` is a list as people write it ("clams 84 g weekly, milk 250 ml daily"), or a `Path` to a file that holds one. Without it the
    case's own foods or diet are taken. `pregnancy` is one of none, pregnant, breastfeeding. Amounts are in ug (B12) and mg (body store).
    Raises `InputError` for what cannot be read: an unknown food, an amount without a unit, no food at all.
    """
    case = None if case is None else named(case, any_age=True)
    who = _who(case, age_y, sex, pregnancy)
    text = _text(foods)
    items = _items(text)
    from corrin.answers.diet.eaten import whole_answer
    from corrin.answers.provenance import at_once

    inputs = {"foods": text, "case": None if case is None else case.to_dict()}
    options = {"age_y": age_y, "sex": sex, "pregnancy": pregnancy}
    return DietAnswer({**whole_answer(items, who, case), **at_once(inputs, options)})


@dataclass(frozen=True)
class Who:
    """For whom the reference intakes are read."""

    age_y: float
    sex: str
    state: str
    """`any`, `pregnancy` or `lactation`, as in the table of intakes."""
    stage: float
    """How far on a pregnancy is: 0, 1/3, 2/3, 1."""
    assumed: tuple[str, ...]


def _who(case: Case | None, age_y: float | None, sex: str | None, pregnancy: str | None) -> Who:
    assumed = []
    if age_y is not None:
        expect(age_y, (int, float), "age", "years between 0 and 120")
    if age_y is not None and not 0.0 <= age_y <= 120.0:
        raise InputError("age", f"{age_y:g}", "years between 0 and 120")
    if sex not in (None, "female", "male", "unknown"):
        raise InputError("sex", ascii(sex), "female, male or unknown")
    if pregnancy is not None and pregnancy not in PREGNANCIES:
        raise InputError("pregnancy", ascii(pregnancy), ", ".join(PREGNANCIES))
    stated = case.person.pregnancy if case is not None else None
    if age_y is None:
        age_y = case.age_y if case is not None else 40.0
        if case is None:
            assumed.append("The age was not given: an adult of 40 is taken.")
    sex = sex or (case.person.sex if case is not None else "unknown")
    name = pregnancy or (stated if stated not in (None, "unknown") else "none")
    state = "lactation" if name == "breastfeeding" else "any" if name == "none" else "pregnancy"
    if state != "any" and sex == "male":
        raise InputError("pregnancy", f"{name} together with sex male", "one of the two")
    if state != "any" and not 10.0 <= age_y <= 60.0:
        raise InputError("pregnancy", f"{name} at {age_y:g} years", "an age of 10 to 60 years")
    return Who(age_y, sex, state, STAGES.get(str(name), 0.0) if state == "pregnancy" else 0.0, tuple(assumed))


def _text(foods: str | Path | None) -> str | None:
    """The list itself; a file is read."""
    if foods is not None:
        expect(foods, (str, Path), "foods", 'a list such as "clams 84 g weekly, milk 250 ml daily", or the Path of a file that holds one')
    if not isinstance(foods, Path):
        return foods
    from corrin.answers.diet.said import MOST_CHARACTERS

    try:
        with foods.open("rb") as file:
            return file.read(4 * MOST_CHARACTERS + 1).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(str(foods), f"cannot be read ({type(error).__name__})", "a text file in UTF-8 with a list of foods") from error


def _items(foods: str | None) -> tuple[Item, ...]:
    if foods is None:
        return ()
    from corrin.answers.diet.said import read_foods

    if foods.lstrip().startswith("{"):
        raise InputError("foods", "JSON", 'a list such as "clams 84 g weekly, milk 250 ml daily"', "A case is given with --case.")

    return read_foods(foods)


__all__ = ["DietAnswer", "Who", "diet"]
