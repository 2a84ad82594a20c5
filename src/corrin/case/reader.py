"""Reading a document that a stranger wrote: limits first, then shape, then meaning; every fault with its place, all at once.

Used for cases and plans alike. Whatever comes in, what comes out is a model or a `CorrinError`, never a traceback.
"""

from __future__ import annotations

import difflib
import json
import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError

from corrin.case.case import Case
from corrin.case.check import case_faults, refuse_uncovered
from corrin.errors import InputError

MAX_BYTES = 1_000_000
MAX_DEPTH = 40
MAX_ENTRIES = 5000
MAX_FAULTS = 50

Model = TypeVar("Model", bound=BaseModel)


def read_case(source: str | Path | Mapping[str, Any], *, any_age: bool = False) -> Case:
    """A `corrin.case/1` from a file (JSON or TOML), a text of either, or a dict.

    Raises `InputError` (all faults in `faults`, each with file, place in the document, what was found, what was expected and the likely
    cure) and `NotCovered` for a person under 16, unless `any_age`: whoever asks for that says nothing to a child by adult rules.
    """
    where, document = read_document(source, "case")
    case = shape(document, Case, where, "corrin.case/1")
    if not any_age:
        refuse_uncovered(case)
    raise_all(where, case_faults(case))
    return case


def read_document(source: str | Path | Mapping[str, Any], kind: str) -> tuple[str, dict[str, Any]]:
    """Where it came from (for messages) and its plain data. Raises `InputError` for what is not one JSON or TOML object within limits."""
    if isinstance(source, str) and not source.strip():
        raise InputError(kind, "an empty text", "JSON or TOML, or the name of a file")
    if isinstance(source, Mapping):
        document: Any = dict(source)
        where = kind
    elif isinstance(source, Path) or (isinstance(source, str) and not _is_text(source)):
        where, text = _read_file(Path(source), kind)
        document = _parse(text, where, toml=Path(source).suffix.lower() == ".toml")
    elif isinstance(source, str):
        where = kind
        if len(source) > MAX_BYTES:
            raise InputError(where, f"a text of {len(source):,} characters", f"at most {MAX_BYTES:,}")
        document = _parse(source, where, toml=not source.lstrip().startswith(("{", "[")))
    else:
        raise InputError(kind, f"something of type {type(source).__name__}", "a path, a text in JSON or TOML, or a dict")
    if not isinstance(document, dict):
        raise InputError(where, f"{shown(document)}", f"one object with the keys of corrin.{kind}/1")
    _limits(document, where)
    return where, document


def shape(document: Mapping[str, Any], model: type[Model], where: str, form: str) -> Model:
    """The document as the model. Raises one `InputError` that holds every fault of shape."""
    if document.get("format") != form:
        found = shown(document["format"]) if "format" in document else "no format"
        raise InputError(f"{where}: format", found, f'"{form}"', f'Write "format": "{form}" as the first key.')
    try:
        return model.model_validate(document)
    except ValidationError as error:
        # Input is left out of pydantic's own list only because ours is shortened and made printable below.
        items = error.errors(include_url=False, include_context=True)
        faults = [_fault(dict(item), model, where) for item in items[:MAX_FAULTS]]
        if len(items) > MAX_FAULTS:
            faults.append(InputError(where, f"{len(items) - MAX_FAULTS:,} more faults"))
    except RecursionError:
        faults = [InputError(where, "an object that holds itself", "plain data")]
    raise_all(where, faults)
    raise AssertionError("unreachable")


def raise_all(where: str, faults: list[InputError]) -> None:
    """One `InputError` for all faults; nothing when there are none."""
    if not faults:
        return
    # A fault found in the case itself does not know the file it was read from.
    named = [
        fault if fault.where.startswith(where) else InputError(f"{where}: {fault.where}", fault.found, fault.expected, fault.cure)
        for fault in faults[: MAX_FAULTS + 1]
    ]
    if len(faults) > MAX_FAULTS + 1:
        named.append(InputError(where, f"{len(faults) - MAX_FAULTS - 1:,} more faults"))
    raise named[0] if len(named) == 1 else InputError(where, f"{len(named)} faults", faults=tuple(named))


def shown(value: object) -> str:
    """A value for a message: short, one line, printable on any terminal."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = ascii(value) if not isinstance(value, int) or abs(value) < 10**30 else "a very large number"
    return text if len(text) <= 60 else text[:57] + "..."


def place(path: tuple[int | str, ...]) -> str:
    """`("labs", 2, "unit")` -> `labs[2].unit`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif not part.startswith("#"):
            text += ("." if text else "") + (part if re.fullmatch(r"[\w-]{1,60}", part, re.ASCII) else shown(part))
    return text


def _is_text(source: str) -> bool:
    """A document itself, not the name of a file. A path holds no line break and does not begin with a brace."""
    return source.lstrip().startswith(("{", "[")) or "\n" in source or len(source) > 1000


def _read_file(path: Path, kind: str) -> tuple[str, str]:
    where = path.name.encode("ascii", "backslashreplace").decode() or kind
    cure = ""
    try:
        if path.is_dir():
            raise InputError(where, "a folder", f"a {kind} file in JSON or TOML")
        if not path.exists():
            beside = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
            nearby = difflib.get_close_matches(path.name, beside, n=1)
            cure = f"Did you mean {nearby[0]}?" if nearby else ""
            raise InputError(where, "no such file", f"a {kind} file in JSON or TOML", cure)
        if not path.is_file():
            raise InputError(where, "not a plain file", f"a {kind} file in JSON or TOML")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise InputError(where, f"a file of {size:,} bytes", f"at most {MAX_BYTES:,}")
        raw = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it cannot be opened"
        raise InputError(where, f"cannot be read: {reason}", f"a {kind} file in JSON or TOML") from None
    if not raw.strip():
        raise InputError(where, "an empty file", f"a {kind} in JSON or TOML")
    try:
        return where, raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(where, f"byte {error.start} is not UTF-8 text", "a text file in UTF-8", "Save it as UTF-8.") from None


def _parse(text: str, where: str, *, toml: bool) -> Any:
    if not text.strip():
        raise InputError(where, "an empty text", "JSON or TOML")
    _depth_of_text(text, where, toml=toml)
    try:
        if toml:
            return _plain_dates(tomllib.loads(text))
        return _parse_json(text, where)
    except json.JSONDecodeError as error:
        at = f"{where}: line {error.lineno}, column {error.colno}"
        raise InputError(at, f"not JSON ({error.msg.lower()})", "one JSON object") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(where, f"neither JSON nor TOML ({ascii(str(error))[1:120]})", "one JSON object or a TOML document") from None
    except RecursionError:
        raise InputError(where, f"nested deeper than {MAX_DEPTH} levels", "a flat document") from None
    except ValueError as error:
        raise InputError(where, f"not readable ({ascii(str(error))[1:120]})", "one JSON object or a TOML document") from None


class _Repeated(dict[str, Any]):
    """A JSON object in which a key was written twice."""

    keys_twice: tuple[str, ...] = ()


def _parse_json(text: str, where: str) -> Any:
    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(items)
        if len(made) == len(items):
            return made
        seen: set[str] = set()
        again = _Repeated(made)
        again.keys_twice = tuple(dict.fromkeys(key for key, _ in items if key in seen or seen.add(key)))  # type: ignore[func-returns-value]
        return again

    def constant(word: str) -> float:
        return math.inf if word == "Infinity" else -math.inf if word == "-Infinity" else math.nan

    document = json.loads(text, object_pairs_hook=pairs, parse_constant=constant)
    faults = [
        InputError(f"{where}: {place((*path, key))}", "this key is written twice in one object", "each key once", "Remove one of them.")
        for path, value in _walk(document)
        if isinstance(value, _Repeated)
        for key in value.keys_twice
    ]
    raise_all(where, faults)
    return document


def _plain_dates(document: dict[str, Any]) -> dict[str, Any]:
    """TOML has dates of its own; a case writes them as text."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, list):
            return [plain(item) for item in value]
        return value.isoformat() if hasattr(value, "isoformat") else value

    made: dict[str, Any] = plain(document)
    return made


_SIGNS = re.compile(r"\"{3}|'{3}|\\[\"\\]|[\"'\[{\]}\n#.=,]")


def _depth_of_text(text: str, where: str, *, toml: bool) -> None:
    """Refuse deep nesting before any parser sees it, in one pass: brackets outside strings, and in TOML the dots of one key."""
    depth = dots = 0
    quote = ""  # what closes the string or comment we are in
    for found in _SIGNS.finditer(text):
        sign = found.group()
        if quote:
            if sign == quote or (sign == "\n" and len(quote) == 1) or (quote == '"' and sign == '"""' and not toml):
                quote = ""
            continue
        if sign in ('"', '"""') or (toml and sign in ("'", "'" * 3)):
            # JSON has one kind of text; three marks in a row stand in no valid document.
            quote = sign if toml else '"'
        elif toml and sign == "#":
            quote = "\n"
        elif sign in ("[", "{"):
            depth += 1
            dots = 0
        elif sign in ("]", "}"):
            depth -= 1
        elif sign == "." and toml:
            dots += 1
        elif sign in ("\n", "=", ","):
            dots = 0
        if depth > MAX_DEPTH or dots > MAX_DEPTH:
            raise InputError(where, f"nested deeper than {MAX_DEPTH} levels", "a flat document")


def _walk(document: Any) -> Iterator[tuple[tuple[int | str, ...], Any]]:
    """Every value with its path, outermost first. Not recursive, so that no depth can break it; stops below the depth limit."""
    waiting: list[tuple[tuple[int | str, ...], Any]] = [((), document)]
    while waiting:
        path, value = waiting.pop()
        yield path, value
        if len(path) > MAX_DEPTH:
            continue
        if isinstance(value, Mapping):
            waiting += [((*path, key), item) for key, item in value.items()]
        elif isinstance(value, list | tuple):
            waiting += [((*path, number), item) for number, item in enumerate(value)]


def _limits(document: Mapping[str, Any], where: str) -> None:
    """Depth, size, key types and numbers of a document however it came."""
    faults: list[InputError] = []
    for count, (path, value) in enumerate(_walk(document)):
        if len(path) > MAX_DEPTH:
            raise InputError(where, f"nested deeper than {MAX_DEPTH} levels", "a flat document")
        if count > MAX_BYTES:
            raise InputError(where, f"more than {MAX_BYTES:,} values", "one case")
        if isinstance(value, Mapping) and any(not isinstance(key, str) for key in value):
            raise InputError(f"{where}: {place(path)}", "a key that is not text", "text keys")
        if isinstance(value, Mapping | list | tuple) and len(value) > MAX_ENTRIES:
            raise InputError(f"{where}: {place(path)}" if path else where, f"{len(value):,} entries", f"at most {MAX_ENTRIES:,}")
        if isinstance(value, float) and not math.isfinite(value):
            word = "NaN" if math.isnan(value) else "Infinity"
            faults.append(InputError(f"{where}: {place(path)}", f"{word} is not a number", "a number, or null when it is not known"))
    raise_all(where, faults)


_PLAIN_WORDS = {
    "missing": ("this key is missing", ""),
    "float_type": ("", "a number"),
    "int_type": ("", "a whole number"),
    "string_type": ("", "text"),
    "bool_type": ("", "true or false"),
    "bool_parsing": ("", "true or false"),
    "model_type": ("", "an object"),
    "model_attributes_type": ("", "an object"),
    "tuple_type": ("", "a list"),
    "dict_type": ("", "an object"),
    "finite_number": ("not a finite number", "a number"),
    "string_unicode": ("", "text that is valid Unicode"),
}
_NAME = "a name of at most 64 letters, digits, dots, hyphens and underscores, beginning with a letter or digit"
_LENGTH = "a length of time such as 90d, 12wk, 6mo or 2y"


def _fault(item: dict[str, Any], model: type[BaseModel], where: str) -> InputError:
    """One pydantic error as one of ours."""
    path: tuple[int | str, ...] = tuple(item["loc"])
    kind: str = item["type"]
    at = f"{where}: {place(path)}" if place(path) else where
    context: dict[str, Any] = item.get("ctx") or {}
    if kind == "extra_forbidden":
        allowed = _keys(model, path[:-1])
        near = difflib.get_close_matches(str(path[-1]), allowed, n=2, cutoff=0.6)
        expected = "one of " + ", ".join(allowed) if allowed else ""
        return InputError(at, "no such key", expected, f"Did you mean {' or '.join(near)}?" if near else "")
    if kind == "literal_error":
        allowed = re.findall(r"'([^']*)'", str(context.get("expected", "")))
        near = difflib.get_close_matches(str(item["input"]).lower(), allowed, n=2, cutoff=0.5) if isinstance(item["input"], str) else []
        return InputError(at, shown(item["input"]), "one of " + ", ".join(allowed), f"Did you mean {' or '.join(near)}?" if near else "")
    if kind == "value_error":
        return InputError(at, _detail(context, item))
    found, expected = _PLAIN_WORDS.get(kind, ("", item["msg"].replace("Input should be ", "").replace("valid ", "")))
    if kind == "string_pattern_mismatch":
        expected = _LENGTH if "wk|mo" in str(context.get("pattern")) else _NAME
    cure = ""
    if kind in ("float_type", "int_type") and isinstance(item["input"], str) and re.fullmatch(r"\s*-?[\d.,]+\s*", item["input"]):
        cure = "Write the number without quotation marks."
    if kind == "missing" and path and path[-1] == "unit":
        cure = "A value without its unit cannot be used."
    return InputError(at, found or shown(item["input"]), expected, cure)


def _detail(context: dict[str, Any], item: dict[str, Any]) -> str:
    reason = str(context.get("error", item["msg"]))
    return reason if "is" in reason.split("; ")[0] else f"{shown(item['input'])}: {reason}"


def _keys(model: type[BaseModel], path: tuple[int | str, ...]) -> list[str]:
    """The keys allowed in the object at `path`."""
    here: type[BaseModel] | None = model
    for part in path:
        if isinstance(part, int) or part.startswith("#"):
            continue
        field = next((f for name, f in here.model_fields.items() if (f.alias or name) == part), None) if here else None
        here = _inner_model(field.annotation) if field is not None else None
    return [field.alias or name for name, field in here.model_fields.items()] if here else []


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) is None:
        return None
    return next((found for part in get_args(annotation) if (found := _inner_model(part)) is not None), None)
