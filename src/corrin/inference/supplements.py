"""Small daily supplements of people who were asked for another reason: who takes them and how much, as a health survey found."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files

from corrin.case.latent import Latent
from corrin.case.timeline import Change
from corrin.facts.calibration import calibration
from corrin.studies.schema import Population as Who

SURVEYED = ("USA", "US", "UNITED STATES", "UNITED STATES OF AMERICA")
SUPPLEMENT_D = -3.0 * 365.25
"""Since when they are taken (assumed, as for the survey's people)."""
TAKEN = 0.6
"""Middle share of a told supplement that is taken over months (assumed; the calibration moves it)."""
CLASSES = ("low", "middle", "high")


@cache
def _rows() -> tuple[dict[str, str], ...]:
    text = files("corrin.facts").joinpath("population", "survey_people.csv").read_text("utf-8")
    return tuple(csv.DictReader(text.splitlines()))


def taken_share() -> float:
    """The share as the calibration found it."""
    made = calibration()
    return TAKEN if made is None else made.assumed["taken"]


def supplements_at(age_y: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """At an age: shares of people who take none, little, more and much; and the middle amounts, ug a day, of the last three."""
    row = min(_rows(), key=lambda one: abs(0.5 * (float(one["age_low_y"]) + float(one["age_high_y"])) - age_y))
    some = tuple(float(row[f"pill_{name}"]) if name != "high" else 0.0 for name in CLASSES)
    none = float(row["pill_none"])
    high = max(0.0, 1.0 - none - sum(some))
    return (none, some[0], some[1], high), tuple(float(row[f"pill_{name}_ug"] or 0.0) for name in CLASSES)


def usual(group: Who, age_y: float, tested: bool, start_days: float) -> tuple[tuple[Latent, ...], tuple[Change, ...]]:
    """What a study's people took before it, as latents and a change of their history: as told (`supplements`), else in the United States as
    often as the survey found, unless a test or their own treatment brought them in."""
    told = group.supplements
    if told is None and (tested or bool(group.history.past_b12) or (group.country or "").strip().upper() not in SURVEYED):
        return (), ()
    shares, amounts = supplements_at(age_y)
    if told is not None:
        users = sum(shares[1:])
        shares = (1.0 - told.share, *(told.share * share / users for share in shares[1:]))
        amounts = amounts if told.ug is None else (told.ug,) * len(amounts)
    parts: list[Latent] = [Latent("supplement", "categorical", shares, "supplement a participant takes", "NHANES1999-2002")]
    for place, ug in enumerate(amounts, start=1):
        parts.append(Latent(f"supplement_{place}", "chosen", ("supplement", float(place))))
        parts.append(Latent(f"supplement_{place}_ug", "product", (f"supplement_{place}", round(ug * taken_share(), 3))))
    names = tuple(f"supplement_{place}_ug" for place in range(1, len(amounts) + 1))
    parts.append(Latent("supplement_ug_d", "sum", names))
    return tuple(parts), (Change(max(SUPPLEMENT_D, start_days + 1.0), "crystalline_ug_d", "supplement_ug_d"),)
