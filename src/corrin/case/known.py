"""What the tables know, looked up by whatever name a user writes.

The only door from `case` to `facts`. Names are compared in lower case with every run of other signs as one underscore, so `MMA`,
`Methylmalonic acid` and `methylmalonic-acid` can all be met; each table's own id, name and code count.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from functools import lru_cache

from corrin.facts import reader
from corrin.facts.rows import Analyte, Diet, Food, Modifier, Product


@lru_cache(maxsize=8192)
def slug(name: str) -> str:
    """A name as it is compared: `Methylmalonic acid` -> `methylmalonic_acid`."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def analytes() -> Mapping[str, Analyte]:
    """Analytes of the facts by id."""
    return reader.analytes()


def products() -> Mapping[str, Product]:
    """B12 products of the facts by id."""
    return reader.products()


def diets() -> Mapping[str, Diet]:
    """Diets of the facts by id."""
    return reader.diets()


def foods() -> Mapping[str, Food]:
    """Foods of the facts by id."""
    return reader.foods()


@lru_cache(maxsize=1)
def modifiers() -> Mapping[str, tuple[Modifier, ...]]:
    """Rows of the modifiers table by modifier id: one row for each parameter it acts on."""
    rows: dict[str, list[Modifier]] = {}
    for row in reader.modifiers():
        rows.setdefault(row.id, []).append(row)
    return {name: tuple(found) for name, found in rows.items()}


Named = Analyte | Product | Diet | Modifier


@lru_cache(maxsize=1024)
def names_of(row: Named) -> tuple[str, ...]:
    """Everything a row is called, as it is compared."""
    return tuple(slug(name) for name in (row.id, row.name, *row.aliases))


@lru_cache(maxsize=1024)  # asked for at every result of a case, many times over
def find_analyte(name: str) -> Analyte | None:
    """The analyte a laboratory's name or LOINC code means, or None."""
    wanted = slug(name)
    return next((row for row in analytes().values() if wanted in names_of(row) or name.strip() in row.loinc), None)


def near_analytes(name: str) -> list[str]:
    """Ids of analytes spelt nearly like `name`."""
    return near(slug(name), {word: row.id for row in analytes().values() for word in names_of(row)})


def find_product(name: str) -> Product | None:
    """The product a name means, or None. Form and route together are a name too: `hydroxocobalamin intramuscular`."""
    wanted = slug(name)
    for row in products().values():
        if wanted in names_of(row):
            return row
    return next((row for row in products().values() if wanted == slug(f"{row.form} {row.route}")), None)


def near_products(name: str) -> list[str]:
    """Ids of products spelt nearly like `name`."""
    return near(slug(name), {word: row.id for row in products().values() for word in names_of(row)})


def product_for(form: str | None, route: str | None) -> Product | None:
    """The product of a form (`cyanocobalamin`) and a route (`intramuscular`), or None. With no form any product of the route will do."""
    wanted_route = {"injection": "intramuscular", "im": "intramuscular", "sc": "subcutaneous", "iv": "intravenous"}.get(
        slug(route or ""), slug(route or "")
    )
    for row in products().values():
        if (not form or slug(row.form) == slug(form)) and slug(row.route) == wanted_route:
            return row
    return None


def find_diet(name: str) -> Diet | None:
    """The diet a name means, or None."""
    wanted = slug(name)
    return next((row for row in diets().values() if wanted in names_of(row)), None)


def near_diets(name: str) -> list[str]:
    """Ids of diets spelt nearly like `name`."""
    return near(slug(name), {word: row.id for row in diets().values() for word in names_of(row)})


def find_food(name: str) -> Food | None:
    """The food a name means: its id, its name, or a name that holds every word given when only one food does. None otherwise."""
    wanted = slug(name)
    for row in foods().values():
        if wanted in (slug(row.id), slug(row.name)):
            return row
    holding = [row for row in foods().values() if set(wanted.split("_")) <= set(slug(row.name).split("_"))]
    return holding[0] if len(holding) == 1 else None


def near_foods(name: str) -> list[str]:
    """Foods spelt nearly like `name`, or whose name holds one of its words."""
    table = {slug(row.name): row.name for row in foods().values()}
    words = set(slug(name).split("_"))
    return near(slug(name), table) or [table[key] for key in table if words & set(key.split("_"))][:3]


def find_modifier(name: str, kinds: tuple[str, ...]) -> tuple[Modifier, ...]:
    """All rows of the modifier of one of these kinds that a name means; empty when there is none."""
    wanted = slug(name)
    for rows in modifiers().values():
        if rows[0].kind in kinds and any(wanted in names_of(row) for row in rows):
            return rows
    return ()


def near_modifiers(name: str, kinds: tuple[str, ...]) -> list[str]:
    """Ids of modifiers of these kinds spelt nearly like `name`."""
    meant = [row for rows in modifiers().values() if rows[0].kind in kinds for row in rows]
    return near(slug(name), {word: row.id for row in meant for word in names_of(row)})


def near(word: str, words: Mapping[str, str]) -> list[str]:
    """Up to three values of `words` whose keys are spelt nearly like `word`."""
    found: list[str] = []
    for key in difflib.get_close_matches(word, list(words), n=6, cutoff=0.75):
        if words[key] not in found:
            found.append(words[key])
    return found[:3]
