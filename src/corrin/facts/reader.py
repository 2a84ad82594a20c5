"""Strict loading of the tables: every cell is read, checked and kept, or the file is refused with its line.

The tables are corrin's own, so a fault in one is a `Bug`, said like every other error: where, what was found, what is allowed.
"""

from __future__ import annotations

import csv
import io
import math
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from functools import cache
from importlib.resources import files
from types import MappingProxyType, UnionType
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

from corrin.errors import Bug
from corrin.facts.rows import EMPTY, Analyte, Code, Diet, Food, Modifier, OneOf, Parameter, Product, ReferenceIntake, Source

Row = TypeVar("Row")

KEY = re.compile(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*")
HEADER = re.compile(r"\[([A-Za-z0-9_-]+)\]")
PARAMETER_KEYS_WITH_DEFAULT = MappingProxyType({"between": 0.0, "unsure": 0.0, "note": ""})


def _fault(where: str, found: str, expected: str = "") -> Bug:
    return Bug(f"{where}: {found}" + (f"; expected {expected}" if expected else "") + ".")


# --- cells -------------------------------------------------------------------------------------------------------------------


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _pairs(text: str) -> tuple[tuple[str, float], ...]:
    pairs = (part.partition("=") for part in _parts(text))
    return tuple((name.strip(), _number(share)) for name, _, share in pairs)


def _parts(text: str) -> tuple[str, ...]:
    parts = tuple(part.strip() for part in text.split(";"))
    if "" in parts:
        raise ValueError(text)
    return parts


def _flag(text: str) -> bool:
    return {"yes": True, "no": False}[text]


READ: Mapping[Any, tuple[Callable[[str], Any], str]] = MappingProxyType(
    {
        str: (str, "text"),
        float: (_number, "a finite number"),
        bool: (_flag, "yes or no"),
        tuple[str, ...]: (_parts, "words joined by ;"),
        tuple[float, ...]: (lambda text: tuple(_number(part) for part in _parts(text)), "finite numbers joined by ;"),
        tuple[tuple[str, float], ...]: (_pairs, "id=share pairs joined by ;"),
    }
)


def _plain(hint: Any) -> tuple[Any, bool, tuple[Any, ...]]:
    """The type behind a field's hint, whether None is one of its values, and the marks on it."""
    marks: tuple[Any, ...] = ()
    if get_origin(hint) is Annotated:
        hint, *rest = get_args(hint)
        marks = tuple(rest)
    if isinstance(hint, UnionType):
        return next(part for part in get_args(hint) if part is not type(None)), True, marks
    return hint, False, marks


def _cell(where: str, hint: Any, text: str) -> Any:
    """One cell as the type of its field; `unknown` and empty cells of optional numbers are None."""
    kind, optional, marks = _plain(hint)
    if optional and text == "unknown":
        return None
    if text == "":
        if EMPTY not in marks:
            raise _fault(where, "the cell is empty", "a value")
        return None if optional else "" if kind is str else ()
    read, expected = READ[kind]
    try:
        value = read(text)
    except (ValueError, KeyError):
        raise _fault(where, f"found {text!r}", expected) from None
    for mark in marks:
        if isinstance(mark, OneOf) and value not in mark.words:
            raise _fault(where, f"found {text!r}", "one of " + ", ".join(mark.words))
    return value


# --- tables ------------------------------------------------------------------------------------------------------------------


def read_csv(file: str, text: str, row_type: type[Row], key: Callable[[Row], object]) -> list[Row]:
    """The rows of a CSV table whose header names every field of `row_type` in order; `key` must be unique."""
    kinds = _kinds(row_type)
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    header = next(lines, [])
    names = list(kinds)
    if header != names:
        missing, unknown = sorted(set(names) - set(header)), sorted(set(header) - set(names))
        found = "; ".join(
            part
            for part in (
                f"missing columns {', '.join(missing)}" if missing else "",
                f"unknown columns {', '.join(unknown)}" if unknown else "",
            )
            if part
        )
        raise _fault(f"{file}, line 1", found or "columns repeated or out of order", ", ".join(names))
    rows: list[Row] = []
    seen: dict[object, int] = {}
    line = lines.line_num + 1
    while True:
        try:
            cells = next(lines)
        except StopIteration:
            return rows
        except csv.Error as error:
            raise _fault(f"{file}, line {line}", str(error), "a row of comma-separated cells") from None
        where = f"{file}, line {line}"
        if len(cells) != len(names):
            raise _fault(where, f"{len(cells)} cells", f"{len(names)}, one for each column")
        values = {name: _cell(f"{where}, column {name}", kinds[name], cell.strip()) for name, cell in zip(names, cells, strict=True)}
        row = _made(where, row_type, values)
        identity = key(row)
        if identity in seen:
            raise _fault(where, f"{identity!r} stands already in line {seen[identity]}", "each once")
        seen[identity] = line
        rows.append(row)
        line = lines.line_num + 1


def read_toml(file: str, text: str, row_type: type[Row], given: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Row]:
    """The rows of a TOML file with one table per row, named by its first field; `given` are fields the file itself decides."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _fault(file, f"not readable as TOML: {error}") from None
    kinds = _kinds(row_type)
    first = next(iter(kinds))
    columns = [name for name in kinds if name != first and name not in given]
    rows: dict[str, Row] = {}
    lines = _table_lines(text)
    for name, table in tables.items():
        where = f"{file}, line {lines.get(name) or _line(text, name)}, [{name}]"
        if not isinstance(table, dict):
            raise _fault(where, "a value outside any table", "tables [name]")
        if unknown := sorted(set(table) - set(columns)):
            raise _fault(where, f"unknown keys {', '.join(unknown)}", ", ".join(columns))
        if missing := [key for key in columns if key not in table and key not in defaults]:
            raise _fault(where, f"missing keys {', '.join(missing)}", ", ".join(columns))
        values = {first: name, **given}
        for key in columns:
            values[key] = _value(f"{where}, key {key}", kinds[key], table[key]) if key in table else defaults[key]
        rows[name] = _made(where, row_type, values)
    return rows


def _value(where: str, hint: Any, value: Any) -> Any:
    """One TOML value as the type of its field."""
    kind, _, _ = _plain(hint)
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    if kind is str and isinstance(value, str):
        return _cell(where, hint, value.strip())
    if kind == tuple[str, ...] and isinstance(value, list) and all(isinstance(item, str) and item for item in value):
        return tuple(value)
    raise _fault(where, f"found {value!r}", READ[kind][1])


def _kinds(row_type: type) -> dict[str, Any]:
    """The fields of a row in order, with their hints and marks."""
    hints = get_type_hints(row_type, include_extras=True)
    return {column.name: hints[column.name] for column in fields(row_type)}


def _made(where: str, row_type: type[Row], values: Mapping[str, Any]) -> Row:
    try:
        return row_type(**values)
    except ValueError as error:
        raise _fault(where, str(error)) from None


def _table_lines(text: str) -> dict[str, int]:
    """Line of every plain table header, in one pass: there are hundreds in a file."""
    found: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if header := HEADER.match(line):
            found.setdefault(header[1], number)
    return found


def _line(text: str, table: str) -> int:
    """The line where a TOML table begins."""
    header = re.compile(r"^[ \t]*\[[ \t]*[\"']?" + re.escape(table) + r"[\"']?\s*\]", re.MULTILINE)
    found = header.search(text) or re.search(rf"^\s*{re.escape(table)}\b", text, re.MULTILINE)
    return text.count("\n", 0, found.start()) + 1 if found else 1


def _text(*path: str) -> str:
    return files("corrin.facts").joinpath(*path).read_text(encoding="utf-8")


# --- the tables of corrin ----------------------------------------------------------------------------------------------------


class Library(Mapping[str, Source]):
    """The sources by key: each work is listed once and found under its other keys too. Refuses a key that means two works."""

    def __init__(self, file: str, rows: Mapping[str, Source]) -> None:
        self._rows, self._found = dict(rows), dict(rows)
        for row in rows.values():
            for other in row.also:
                if self._found.setdefault(other, row) is not row:
                    raise _fault(f"{file}, [{row.key}], key also", f"{other!r} is the key of another source", "a key of its own")

    def __getitem__(self, key: str) -> Source:
        return self._found[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


@cache
def sources() -> Library:
    """Every source, found by its key and by its other keys."""
    rows = read_toml("facts/sources.toml", _text("sources.toml"), Source, {}, {"doi": "", "pmid": "", "also": (), "note": ""})
    for key in rows:
        if not KEY.fullmatch(key):
            raise _fault(f"facts/sources.toml, [{key}]", "the key holds other signs", "letters, digits and hyphens")
    return Library("facts/sources.toml", rows)


@cache
def parameters() -> Mapping[str, Parameter]:
    """Every parameter of the body, from `facts/body/<place>.toml`; names are unique over all files."""
    found: dict[str, Parameter] = {}
    folder = files("corrin.facts").joinpath("body")
    names = sorted(item.name for item in folder.iterdir() if item.name.endswith(".toml")) if folder.is_dir() else []
    for name in names:
        place = name.removesuffix(".toml")
        rows = read_toml(f"facts/body/{name}", _text("body", name), Parameter, {"place": place}, PARAMETER_KEYS_WITH_DEFAULT)
        for key, row in rows.items():
            if key in found:
                raise _fault(f"facts/body/{name}, [{key}]", f"the name stands already in facts/body/{found[key].place}.toml", "a name once")
            found[key] = row
    return MappingProxyType(found)


def _by_id(file: str, row_type: type[Row]) -> Mapping[str, Row]:
    rows = read_csv(f"facts/{file}", _text(file), row_type, lambda row: row.id)  # type: ignore[attr-defined]
    return MappingProxyType({row.id: row for row in rows})  # type: ignore[attr-defined]


@cache
def analytes() -> Mapping[str, Analyte]:
    """What laboratories report, by id."""
    return _by_id("analytes.csv", Analyte)


@cache
def products() -> Mapping[str, Product]:
    """B12 products, by id."""
    return _by_id("products.csv", Product)


@cache
def modifiers() -> tuple[Modifier, ...]:
    """What causes, drugs, operations, exposures and life stages do: one row for each id and target."""
    return tuple(read_csv("facts/modifiers.csv", _text("modifiers.csv"), Modifier, lambda row: (row.id, row.target)))


@cache
def diets() -> Mapping[str, Diet]:
    """Ways of eating, by id."""
    return _by_id("diets.csv", Diet)


@cache
def foods() -> Mapping[str, Food]:
    """B12 in foods, by id."""
    return _by_id("foods.csv", Food)


@cache
def intakes() -> tuple[ReferenceIntake, ...]:
    """Reference intakes and limits by nutrient, body, age and state."""
    return tuple(_by_id("intakes.csv", ReferenceIntake).values())


@cache
def codes() -> tuple[Code, ...]:
    """Codes of terminologies; a code may stand under several concepts."""
    return tuple(read_csv("facts/codes.csv", _text("codes.csv"), Code, lambda row: (row.concept, row.system, row.code)))


@cache
def cited() -> frozenset[str]:
    """Keys of the sources that a row or a parameter of the product rests on."""
    from corrin.facts import history, mimics, pain

    rows = (
        *history.causes(),
        *history.history().values(),
        *pain.cited_rows(),
        *mimics.cited_rows(),
        *parameters().values(),
        *analytes().values(),
        *products().values(),
        *modifiers(),
        *diets().values(),
        *foods().values(),
        *intakes(),
        *codes(),
    )
    return frozenset(sources()[key].key for row in rows for key in row.sources)
