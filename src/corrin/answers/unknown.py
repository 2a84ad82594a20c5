"""The random numbers behind the draws, with the words for them: what an interval comes from and what was learned are told by these."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from corrin.answers.computed import Floats, Unknown
from corrin.answers.summary import normalised, quantiles
from corrin.case.latent import Latent

if TYPE_CHECKING:
    from corrin.inference.population import Population
    from corrin.inference.update import People

CAUSES = {
    "none": "no cause of lasting shortage",
    "low_intake": "too little B12 in the food",
    "gastritis": "autoimmune gastritis (pernicious anaemia)",
    "food_bound": "B12 in food not set free (stomach)",
    "ileal": "disease of the last ileum",
}
AT = (0.05, 0.5, 0.95)


def causes_of(latent: Latent) -> list[tuple[str, str]]:
    """(name, words) of each level of the latent that says which cause: its `about` lists them as `0 none, 1 low_intake`."""
    names = [part.strip().split(" ", 1)[1] for part in latent.about.split(":", 1)[1].split(",")]
    return [(name, CAUSES.get(name, name.replace("_", " "))) for name in names]


def unknowns(
    people: People, population: Population, latents: Sequence[Latent], drawn: Sequence[str], earlier: People | None = None
) -> dict[str, Unknown]:
    """Every random number of the people, by name. `drawn`: the parameters in the order of their columns; `earlier`: the people before the
    results were added, None when that is the prior itself."""
    found = {row.name: _parameter(people, row, drawn.index(row.name)) for row in population.rows if row.name in people.z}
    found |= {latent.name: _latent(people, latent) for latent in latents if latent.needs_z and latent.name in people.z}
    if earlier is None:
        return found
    columns = {row.name: earlier.parameters[:, drawn.index(row.name)] for row in population.rows}
    weights = normalised(earlier.weights)
    for name, unknown in found.items():
        if name in earlier.z:
            found[name] = _since(unknown, earlier.z[name], columns.get(name, earlier.values.get(name)), weights)
    return found


def _parameter(people: People, row: object, column: int) -> Unknown:
    from corrin.inference.population import place, spread

    at = _normal_points()
    structure = row.distribution == "bernoulli"  # type: ignore[attr-defined]
    between, unsure = row.between, row.unsure  # type: ignore[attr-defined]
    label = row.description.rstrip(".")  # type: ignore[attr-defined]
    chance = np.array([1.0 - row.value, row.value])  # type: ignore[attr-defined]
    return Unknown(
        label=label,
        unit="" if structure else row.unit,  # type: ignore[attr-defined]
        group="structure" if structure else "person",
        unsure=0.0 if structure else float(unsure**2 / (between**2 + unsure**2)),
        z=people.z[row.name],  # type: ignore[attr-defined]
        value=people.parameters[:, column],
        before=chance if structure else place(row, at, spread(row)),
        levels=("no", "yes") if structure else (),
    )


def _latent(people: People, latent: Latent) -> Unknown:
    levels: tuple[str, ...] = ()
    if latent.kind == "bernoulli":
        levels, before = ("no", "yes"), np.array([1.0 - float(latent.args[0]), float(latent.args[0])])
    elif latent.kind == "categorical":
        before = np.array([float(argument) for argument in latent.args])
        levels = tuple(words for _, words in causes_of(latent))
    else:
        before = np.asarray(latent.value(_normal_points()), float)
    about, unit = _said(latent.about.split(":")[0] if levels else latent.about)
    label = f"{about or latent.name.replace('_', ' ')}{_of(latent.name)}"
    z, values = people.z[latent.name], people.values[latent.name]
    return Unknown(label, unit, "history", 0.0, z, values, before, levels=levels)


def _said(about: str) -> tuple[str, str]:
    """Words and unit of a latent's description: `food B12, mixed diet, ug/d` -> (`food B12, mixed diet`, `ug/d`)."""
    words = re.sub(r"\s*;\s*(not stated|unknown)$", "", about.replace("_", " "))
    head, _, last = words.rpartition(", ")
    return (head, last) if head and re.fullmatch(r"\w+/\w+", last) else (words, "")


def _of(name: str) -> str:
    """Which cause or condition a latent belongs to, where its words do not say: `cause_ileal_set_in` -> ` (disease of the last ileum)`."""
    found = re.fullmatch(
        r"(?:cause_)?(.+?)(?:_\d+)?_(?:set_in|completeness|from_years|from_told|date_years|date_told|present|level|adherence)", name
    )
    if found is None or found[1] == "cause":
        return ""
    return f" ({CAUSES.get(found[1], found[1].replace('_', ' '))})"


def _since(unknown: Unknown, z: Floats, values: Floats | None, weights: Floats) -> Unknown:
    """The same with what was believed before the results in place of the prior."""
    if values is None:
        return unknown
    mean = float(weights @ z)
    before = (
        np.bincount(values.astype(int), weights=weights, minlength=len(unknown.levels)).astype(float)
        if unknown.levels
        else quantiles(values[:, None], weights, AT)[:, 0]
    )
    return replace(unknown, before=before, before_moments=(mean, max(float(weights @ (z - mean) ** 2), 1e-9)))


def _normal_points() -> Floats:
    from scipy.special import ndtri

    return np.asarray(ndtri(np.array(AT)))


def made_of(values: Mapping[str, Floats], latents: Sequence[Latent]) -> dict[str, Floats]:
    """What is arithmetic on the unknowns of the history alone, and differs between draws."""
    return {latent.name: values[latent.name] for latent in latents if not latent.needs_z and float(np.ptp(values[latent.name])) > 0.0}
