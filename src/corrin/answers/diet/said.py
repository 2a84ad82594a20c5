"""A list of foods as people write it: "clams 84 g weekly, milk 250 ml daily, 2 eggs 3 times a week, B12 tablet 10 ug daily".

Each item is an amount, a name and how often; ranges are kept as ranges. What is not understood is an `InputError` that names the item, what
was expected and the nearest names; all faults of a list come together.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from corrin.case import known
from corrin.errors import InputError
from corrin.facts.portions import Portion, portions
from corrin.facts.rows import Food, Product

Range = tuple[float, float, float]
"""Low, middle, high."""

# What a gram, a millilitre and a week are; ounces, cups and spoons are the US customary ones by definition.
GRAMS = {
    **dict.fromkeys(("g", "gr", "gram", "grams", "gramme", "grammes"), 1.0),
    **dict.fromkeys(("kg", "kilo", "kilos", "kilogram", "kilograms"), 1000.0),
    **dict.fromkeys(("oz", "ounce", "ounces"), 28.3495),
    **dict.fromkeys(("lb", "lbs", "pound", "pounds"), 453.592),
}
MILLILITRES = {
    **dict.fromkeys(("ml", "millilitre", "millilitres", "milliliter", "milliliters", "cc"), 1.0),
    **dict.fromkeys(("cl", "centilitre", "centilitres"), 10.0),
    **dict.fromkeys(("dl", "decilitre", "decilitres", "deciliter"), 100.0),
    **dict.fromkeys(("l", "litre", "litres", "liter", "liters"), 1000.0),
    **dict.fromkeys(("fl oz", "fluid ounce", "fluid ounces"), 29.5735),
    **dict.fromkeys(("tbsp", "tablespoon", "tablespoons"), 14.7868),
    **dict.fromkeys(("tsp", "teaspoon", "teaspoons"), 4.92892),
}
CUPS = ("cup", "cups")
CUP_ML = 236.588
PINTS, PINT_ML = ("pint", "pints"), (473.176, 520.0, 568.261)  # US to imperial: which one was not said
SERVINGS = (
    "serving", "servings", "portion", "portions", "helping", "helpings", "bowl", "bowls", "slice", "slices", "glass", "glasses", "piece",
    "pieces", "pot", "pots", "mug", "mugs",
)  # fmt: skip
UNWEIGHED = ("can", "cans", "tin", "tins", "packet", "packets", "plate", "plates", "handful", "handfuls", "bottle", "bottles", "box", "jar")
MICROGRAMS = {
    **dict.fromkeys(("ug", "mcg", "microgram", "micrograms", "microgramme", "microgrammes"), 1.0),
    **dict.fromkeys(("mg", "milligram", "milligrams"), 1000.0),
}
TABLETS = ("tablet", "tablets", "pill", "pills", "capsule", "capsules", "lozenge", "lozenges", "dose", "doses", "spray", "sprays")
DAYS = {"day": 1.0, "daily": 1.0, "morning": 1.0, "evening": 1.0, "night": 1.0, "nightly": 1.0, "week": 7.0, "weekly": 7.0,
        "fortnight": 14.0, "fortnightly": 14.0, "month": 30.4375, "monthly": 30.4375}  # fmt: skip
WEEKDAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
WORDS = {"one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10",
         "twelve": "12", "once": "1 times", "twice": "2 times", "thrice": "3 times", "half": "0.5", "dozen": "12",
         "½": "0.5", "¼": "0.25", "¾": "0.75", "⅓": "0.333", "⅔": "0.667"}  # fmt: skip
FILLERS = frozenset(
    (
        "of", "the", "with", "some", "my", "about", "around", "approximately", "approx", "roughly", "circa", "ca", "in", "for", "breakfast",
        "lunch", "dinner", "supper", "at", "on", "eat", "eats", "eating", "ate", "take", "takes", "taking",
        "have", "has", "i", "and", "each", "every", "time", "times", "a", "an", "plus", "per", "or", "so", "maybe", "usually", "to",
        "large", "medium", "small", "home",
    )
)  # fmt: skip
COOKED = frozenset(
    (
        "cooked", "fresh", "plain", "boiled", "fried", "grilled", "baked", "roast", "roasted", "steamed", "raw", "braised", "whole", "hot",
        "cold", "organic", "lean", "drink", "drinks", "drinking",
    )
)  # fmt: skip

NUMBER = r"\d+(?:[.,]\d+)?(?:/\d+)?"
RANGE = rf"(?P<low>{NUMBER})(?:\s*(?:-|to|or)\s*(?P<high>{NUMBER}))?"
PERIOD = "day|daily|morning|evening|night|nightly|week|weekly|fortnight|fortnightly|month|monthly"
UNITS = sorted((*GRAMS, *MILLILITRES, *CUPS, *PINTS, *SERVINGS, *UNWEIGHED, *MICROGRAMS, *TABLETS), key=len, reverse=True)
AMOUNT = re.compile(rf"(?<![\w.])(?:(?P<count>{NUMBER})\s*[x*]\s*)?{RANGE}\s*(?P<unit>{'|'.join(UNITS)})?(?![\w%])")
TIMES = re.compile(rf"(?<![\w.]){RANGE}\s*(?:x|times?)\s*(?:(?:a|an|per|in a|every|each)\s+|/\s*)?(?P<period>{PERIOD}|wk|d)\b")
TIMES_DAYS = re.compile(rf"(?<![\w.]){RANGE}\s*days?\s*(?:a|per|each|every|/|in a)\s*(?:week|wk)\b")
EVERY = re.compile(
    rf"\b(?:every|each)\s+(?P<gap>other|second|2nd|third|3rd|\d+)\s+(?P<period>days?|weeks?|months?|{WEEKDAYS})\b|\balternate\s+days?\b"
)
MEALS = re.compile(r"\b(?:with|at)?\s*(?:every|each)\s+meal\b")
NAMED_DAYS = re.compile(rf"\b(?:on\s+)?(?:(?P<weekends>weekends?)|(?P<workdays>weekdays)|(?:every\s+)?(?P<named>{WEEKDAYS})s?)\b")
PLAIN = re.compile(
    rf"(?:\b(?:a|an|per|every|each|once)\s+|/\s*)(?P<period>{PERIOD}|wk|d)\b|\b(?P<bare>daily|nightly|weekly|fortnightly|monthly)\b"
)

MOST_GRAMS, MOST_TIMES_D, MOST_ITEMS, MOST_CHARACTERS = 5000.0, 24.0, 200, 20_000
MEALS_D = 3.0


@dataclass(frozen=True, slots=True)
class Item:
    """One thing eaten or taken. `ug` is B12 each time, `times_week` how often; both low, middle and high."""

    said: str
    name: str
    kind: str
    """`food` or `product`."""
    bound: str
    """`protein`, `crystalline` or `none` (no B12)."""
    origins: tuple[str, ...]
    amount: str
    """The amount each time in words."""
    ug: Range
    times_week: Range
    notes: tuple[str, ...]
    sources: tuple[str, ...]

    @property
    def ug_day(self) -> Range:
        """B12 a day, low, middle and high."""
        low, middle, high = (amount * often / 7.0 for amount, often in zip(self.ug, self.times_week, strict=True))
        return low, middle, high


def read_foods(text: str) -> tuple[Item, ...]:
    """The items of a list; lines, semicolons, commas and "and" part them, `#` begins a remark. Raises `InputError` with every fault."""
    if len(text) > MOST_CHARACTERS:
        raise InputError("foods", f"{len(text):,} characters", f"at most {MOST_CHARACTERS:,}", "Give a usual week, not a diary.")
    parts = _parts(text)
    if not parts:
        raise InputError("foods", "nothing", 'a list such as "clams 84 g weekly, milk 250 ml daily"')
    if len(parts) > MOST_ITEMS:
        raise InputError("foods", f"{len(parts)} items", f"at most {MOST_ITEMS}", "Give a usual week, not a diary.")
    items, faults = [], []
    for said, often in parts:
        try:
            items.append(_item(said, often))
        except InputError as fault:
            faults.append(fault)
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise InputError("foods", "cannot be read", faults=tuple(faults))
    return tuple(items)


# --- parts -------------------------------------------------------------------------------------------------------------------


def _parts(text: str) -> list[tuple[str, Range | None]]:
    """The items, each with the frequency it inherits: in "2 eggs and milk 200 ml daily" both are daily."""
    lines = [line.split("#")[0] for line in text.splitlines()]
    found: list[tuple[str, Range | None]] = []
    for chunk in re.split(r"[\n;]|,(?!\d)|(?<!\d),", "\n".join(lines)):
        together = [part.strip(" .") for part in re.split(r"\s+(?:and|plus)\s+|\s*[&+]\s*", chunk) if part.strip(" .")]
        if len(together) > 1 and (_named(chunk) or any(not re.search(r"[a-zA-Z]{3}", part) for part in together)):
            together = [chunk.strip(" .")]
        often = _frequency(_plain(together[-1]))[0] if len(together) > 1 else None
        found += [(part, often) for part in together]
    joined: list[tuple[str, Range | None]] = []
    for said, often in found:
        # A row's own name holds commas ("Cheese, cheddar 30 g daily"): a part without amount and frequency belongs to what follows.
        if joined and _bare(joined[-1][0]) and _named(f"{joined[-1][0]} {said}"):
            said = f"{joined.pop()[0]} {said}"
        joined.append((said, often))
    return joined


def _bare(said: str) -> bool:
    text = _plain(said)
    return _frequency(text)[0] is None and AMOUNT.search(text) is None


def _named(said: str) -> bool:
    """Whether amounts and frequency apart, these words are one food of the tables."""
    text = AMOUNT.sub(" ", _frequency(_plain(said))[1], count=1)
    return find_portion(text) is not None or known.find_food(text.strip()) is not None


def _plain(said: str) -> str:
    """Lower case, one spelling for dashes, micro signs and number words; B12 is no amount."""
    text = said.lower().replace("µ", "u").replace("μ", "u").replace("×", "x").replace("’", "'")
    text = re.sub(r"\b(?:vitamin[\s-]*)?b[\s-]?12\b", "cobalamin", text)
    text = re.sub(r"[‐-―−]", "-", text)
    text = re.sub(r"(\d)\s+%", r"\1%", text)
    text = re.sub(r"\b(\d{1,3})((?:,\d{3})+)\b", lambda found: found.group(1) + found.group(2).replace(",", ""), text)
    text = re.sub(r"\b(?:a\s+)?couple(?:\s+of)?\b", "2", text)
    text = re.sub(r"\bhalf\s+a\s+dozen\b", "6", text)
    text = re.sub(r"\bhalf\s+an?\b", "half", text)
    text = re.sub(r"\b(?:a\s+)?quarter(?:\s+of)?\s+(?:an?\s+)?", "0.25 ", text)
    text = re.sub(r"\b(\d+)\s+(\d)/(\d)\b", lambda m: f"{int(m[1]) + int(m[2]) / max(int(m[3]), 1):g}", text)
    text = re.sub(r"(\d)\s*([½¼¾⅓⅔])", lambda m: f"{int(m[1]) + float(WORDS[m[2]]):g}", text)
    return re.sub(r"[½¼¾⅓⅔]|[a-z]+", lambda m: WORDS.get(m[0], m[0]), text).strip()


def _number(text: str) -> float:
    top, _, bottom = text.replace(",", ".").partition("/")
    divisor = float(bottom) if bottom else 1.0
    return float(top) / divisor if divisor else 0.0


def _range(found: re.Match[str]) -> Range:
    low = _number(found["low"])
    high = _number(found["high"]) if found["high"] else low
    low, high = min(low, high), max(low, high)
    return low, (low + high) / 2.0, high


def _scaled(values: Range, factor: float) -> Range:
    return values[0] * factor, values[1] * factor, values[2] * factor


def _frequency(text: str) -> tuple[Range | None, str]:
    """Times a week, and the text without it."""
    for pattern, times in (
        (TIMES, _times),
        (TIMES_DAYS, _range),
        (EVERY, _every),
        (MEALS, _meals),
        (NAMED_DAYS, _named_days),
        (PLAIN, _often),
    ):
        found = pattern.search(text)
        if found:
            return times(found), f"{text[: found.start()]} {text[found.end() :]}"
    return None, text


def _days(period: str) -> float:
    return {"wk": 7.0, "d": 1.0}.get(period) or DAYS[period]


def _times(found: re.Match[str]) -> Range:
    return _scaled(_range(found), 7.0 / _days(found["period"]))


def _often(found: re.Match[str]) -> Range:
    return (7.0 / _days(found["period"] or found["bare"]),) * 3


def _every(found: re.Match[str]) -> Range:
    if found["gap"] is None:
        return (3.5,) * 3
    number = {"other": 2.0, "second": 2.0, "2nd": 2.0, "third": 3.0, "3rd": 3.0}.get(found["gap"]) or max(float(found["gap"]), 1.0)
    period = found["period"].rstrip("s") if not re.fullmatch(WEEKDAYS, found["period"]) else "week"
    return (7.0 / (number * DAYS[period]),) * 3


def _meals(found: re.Match[str]) -> Range:
    return (7.0 * MEALS_D,) * 3


def _named_days(found: re.Match[str]) -> Range:
    return (2.0 if found["weekends"] else 5.0 if found["workdays"] else 1.0,) * 3


# --- one item ----------------------------------------------------------------------------------------------------------------


def _item(said: str, inherited: Range | None) -> Item:
    where = f'foods, "{ascii(said[:60])[1:-1]}"'
    text = _plain(said)
    if re.search(r"(?<![\w.)])-\s*\d", text):
        raise InputError(where, "a negative number", "an amount above 0")
    often, text = _frequency(text)
    notes: list[str] = []
    if often is None:
        often = inherited
    text = re.sub(rf"\ban?\s+(?=(?:{'|'.join(UNITS)})\b)", "1 ", text)
    amount = AMOUNT.search(text)
    if often is None and amount is None:
        raise InputError(where, "no amount and no frequency", 'an item such as "clams 84 g weekly"')
    if often is None:
        often = (7.0,) * 3
        notes.append("How often was not said: taken as daily.")
    if often[2] > 7.0 * MOST_TIMES_D:
        raise InputError(where, f"{often[2] / 7.0:.0f} times a day", f"at most {MOST_TIMES_D:.0f}")
    if amount is not None:
        text = f"{text[: amount.start()]} {text[amount.end() :]}"
    words = [word for word in re.split(r"[^a-z0-9%']+", text) if word and word not in FILLERS]
    name = " ".join(words)
    product = _product(name, amount)
    if product is not None:
        return _taken(where, said, product, amount, often, notes)
    if not name:
        raise InputError(where, "no name of a food", 'an item such as "clams 84 g weekly"')
    portion = find_portion(name)
    row = None if portion is not None else known.find_food(name)
    if portion is None and row is None:
        near = near_names(name)
        raise InputError(where, f"{name!a} is not in the table of foods", "a food of the table, or a B12 product",
                         f"Nearest: {', '.join(near)}." if near else "See docs/how-to/check-a-diet.md for what is there.")  # fmt: skip
    return _eaten(where, said, portion, row, amount, often, notes)


def _eaten(
    where: str, said: str, portion: Portion | None, row: Food | None, amount: re.Match[str] | None, often: Range, notes: list[str]
) -> Item:
    table = known.foods()
    rows = [table[key] for key in portion.foods] if portion is not None else [row] if row is not None else []
    name = portion.id if portion is not None else rows[0].name
    serving_g = rows[0].serving_g if rows else 100.0
    grams, words = _grams(where, name, portion, serving_g, amount, notes)
    if grams[2] > MOST_GRAMS:
        raise InputError(where, f"{grams[2]:,.0f} g each time", f"at most {MOST_GRAMS:,.0f} g", "Check the unit.")
    if grams[2] <= 0.0:
        raise InputError(where, "an amount of 0", "an amount above 0")
    if portion is not None and portion.note:
        notes.append(portion.note)
    sources = set(portion.sources) if portion is not None and not rows else set()
    return _item_of(said, name, rows, grams, words, often, notes, sources)


def listed(row: Food, grams: float, times_week: float) -> Item:
    """A food of the table as an item: so many grams each time, so often a week."""
    return _item_of(row.name, row.name, [row], (grams,) * 3, _in_words((grams,) * 3), (times_week,) * 3, [], set())


def _item_of(
    said: str, name: str, rows: list[Food], grams: Range, words: str, often: Range, notes: list[str], sources: set[str]
) -> Item:  # fmt: skip
    """The item of these rows: the first is taken, all give the range."""
    lows = [found.low if found.low is not None else found.ug_per_100g for found in rows] or [0.0]
    highs = [found.high if found.high is not None else found.ug_per_100g for found in rows] or [0.0]
    typical = rows[0].ug_per_100g if rows else 0.0
    ug = (min(lows) / 100.0 * grams[0], typical / 100.0 * grams[1], max(highs) / 100.0 * grams[2])
    notes = [*notes, *(found.note for found in rows[:1] if found.note and found.note not in notes)]
    keys = (sources | {key for found in rows for key in found.sources}) - {"corrin-assumed"}
    bound = "none" if not rows or max(highs) == 0.0 else rows[0].bound
    origins = tuple(sorted({found.origin for found in rows})) or ("plant",)
    return Item(said, name, "food", bound, origins, words, ug, often, tuple(notes), tuple(sorted(keys)))


def _grams(
    where: str, name: str, portion: Portion | None, serving_g: float, amount: re.Match[str] | None, notes: list[str]
) -> tuple[Range, str]:
    """Grams each time, and the amount in words."""
    if amount is None:
        notes.append(f"How much was not said: taken as one serving of {serving_g:g} g.")
        return (serving_g,) * 3, f"1 serving, {serving_g:g} g"
    values = _scaled(_range(amount), _number(amount["count"]) if amount["count"] else 1.0)
    unit = amount["unit"]
    if unit in GRAMS:
        grams = _scaled(values, GRAMS[unit])
    elif unit in MILLILITRES or unit in CUPS or unit in PINTS:
        grams = _poured(where, name, portion, unit, values, notes)
    elif unit in SERVINGS:
        grams = _scaled(values, serving_g)
        notes.append(f"One {unit.rstrip('s') if unit != 'glass' else unit} is taken as {serving_g:g} g.")
    elif unit is None and portion is not None and portion.piece_g is not None:
        grams = _scaled(values, portion.piece_g)
        notes.append(f"One is taken as {portion.piece_g:g} g.")
    elif unit in UNWEIGHED or unit in TABLETS:
        raise InputError(where, f"what a {unit} of {name} holds is not known here", "grams, millilitres or servings")
    elif unit in MICROGRAMS:
        raise InputError(
            where, f"{unit} is no amount of a food", "grams, millilitres or servings", "For a tablet write: B12 tablet 10 ug daily."
        )
    else:
        raise InputError(where, f"{values[1]:g} of what?", "grams, millilitres or servings", f"One serving of {name} is {serving_g:g} g.")
    return grams, _in_words(grams)


def _in_words(values: Range, unit: str = "g") -> str:
    low, _, high = values
    return f"{low:,.4g} {unit}" if low == high else f"{low:,.4g}–{high:,.4g} {unit}"


def _poured(where: str, name: str, portion: Portion | None, unit: str, values: Range, notes: list[str]) -> Range:
    if unit in CUPS and portion is not None and portion.cup_g is not None:
        notes.append(f"One cup is taken as {portion.cup_g:g} g.")
        return _scaled(values, portion.cup_g)
    density = portion.density_g_ml if portion is not None else None
    if density is None:
        raise InputError(where, f"what a volume of {name} weighs is not known here", "grams or servings")
    if portion is not None and portion.foods:
        notes.append(f"1 mL is taken as {density:g} g.")
    if unit in PINTS:
        notes.append("A pint is 473 mL (US) to 568 mL (imperial).")
        return values[0] * PINT_ML[0] * density, values[1] * PINT_ML[1] * density, values[2] * PINT_ML[2] * density
    return _scaled(values, density * (CUP_ML if unit in CUPS else MILLILITRES[unit]))


# --- names -------------------------------------------------------------------------------------------------------------------


def _singular(word: str) -> str:
    for ending, other in (("ies", "y"), ("oes", "o"), ("ches", "ch"), ("shes", "sh"), ("ses", "se")):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            return word[: -len(ending)] + other
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us")) and len(word) > 3 else word


def _key(name: str) -> str:
    return " ".join(_singular(word) for word in re.split(r"[^a-z0-9%]+", name.lower().replace("'s", "")) if word)


@cache
def _names() -> dict[str, Portion]:
    return {_key(name): row for row in portions().values() for name in (row.id, *row.aliases)}


def find_portion(name: str) -> Portion | None:
    """The food a name means: as written, or without words such as "cooked" and "fresh"."""
    names = _names()
    words = [word for word in _key(name).split() if word not in FILLERS]
    for tried in (words, [word for word in words if word not in COOKED]):
        if " ".join(tried) in names:
            return names[" ".join(tried)]
    return None


def near_names(name: str) -> list[str]:
    """Up to four names of foods spelt nearly so, or that share a word."""
    names = _names()
    key = _key(name)
    close = [names[found].id for found in difflib.get_close_matches(key, names, n=6, cutoff=0.72)]
    words = [word for word in key.split() if len(word) > 2]
    sharing = [row.id for found, row in names.items() if set(words) & set(found.split())]
    single = [names[found].id for word in words for found in difflib.get_close_matches(word, names, n=2, cutoff=0.8)]
    return list(dict.fromkeys([*close, *sharing, *single]))[:4]


# --- products ----------------------------------------------------------------------------------------------------------------


def _product(name: str, amount: re.Match[str] | None) -> Product | None:
    """A B12 product taken by mouth. A name alone is one when it says cobalamin or vitamin; "B12 tablet" is cyanocobalamin."""
    if not name:
        return None
    found = known.find_product(name)
    if found is None and re.search(r"multi\s*vitamin|prenatal vitamin", name):
        found = known.find_product("multivitamin")
    if found is None and re.search(r"\bb complex\b|\bvitamin b\b", name):
        found = known.find_product("b-complex-oral")
    if found is None and re.search(r"cobalamin", name):
        form = next((word for word in ("hydroxocobalamin", "methylcobalamin") if word in name), "cyanocobalamin")
        under_tongue, injected, nasal = ("sublingual" in name or "lozenge" in name), "inject" in name, re.search(r"spray|nasal", name)
        route = "sublingual" if under_tongue else "intramuscular" if injected else "nasal" if nasal else "oral"
        found = known.find_product(f"{form}-{route}")
    if found is not None and found.id == "fortified-food":
        return None if amount is None or amount["unit"] not in MICROGRAMS else found
    return found


def _taken(where: str, said: str, product: Product, amount: re.Match[str] | None, often: Range, notes: list[str]) -> Item:
    if product.bioavailability is not None:
        raise InputError(where, f"{product.name} is not swallowed", "foods and products taken by mouth",
                         "For injections and sprays see `corrin forecast` with a plan.")  # fmt: skip
    unit = amount["unit"] if amount is not None else None
    if amount is not None and unit in MICROGRAMS:
        ug = _scaled(_scaled(_range(amount), _number(amount["count"]) if amount["count"] else 1.0), MICROGRAMS[unit])
    elif amount is None or unit is None or unit in TABLETS:
        count = _range(amount)[1] if amount is not None else 1.0
        strengths = product.strengths_ug
        if product.id not in ("multivitamin-oral", "fortified-food"):
            raise InputError(where, "the strength is missing", f"such as {product.name} {strengths[0]:g} ug daily",
                             f"Strengths known: {', '.join(f'{value:g}' for value in strengths)} ug.")  # fmt: skip
        ug = (strengths[0] * count, strengths[len(strengths) // 2] * count, strengths[-1] * count)
        notes.append(f"The strength was not said: {strengths[0]:g} to {strengths[-1]:g} µg are sold.")
    else:
        raise InputError(where, f"{unit} is no amount of {product.name}", "ug or mg")
    if not 0.0 < ug[2] <= 10_000.0:
        raise InputError(where, f"{ug[2]:,.4g} ug at a time", "above 0, at most 10,000 ug", "Check the unit: 1 mg is 1000 ug.")
    return Item(said, product.name, "product", "crystalline", ("product",), _in_words(ug, "µg"), ug, often, tuple(notes),
                tuple(key for key in product.sources if key != "corrin-assumed"))  # fmt: skip


def items_words(items: Iterable[Item]) -> set[str]:
    """Origins of everything eaten that holds B12 or is a food, products apart."""
    return {origin for item in items if item.kind == "food" for origin in item.origins}
