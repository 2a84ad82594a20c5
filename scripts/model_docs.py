"""Write docs/model/: every place of the body with its pools, flows, definitions, doses, readings and parameters.

The formulas are the rate functions themselves, run on text instead of numbers; values come from the facts.

    python scripts/model_docs.py            write the pages
    python scripts/model_docs.py --check    fail if a page no longer says what the code and the facts say
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from corrin.body import ops
from corrin.body.system import MECHANISMS
from corrin.facts.reader import modifiers, parameters, sources

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "model"
PLACES = tuple(mechanism.name for mechanism in MECHANISMS)
MODULES: dict[str, ModuleType] = {place: importlib.import_module(f"corrin.body.{place}") for place in PLACES}
SUM, PRODUCT, POWER, ATOM = range(4)


def written(value: Any) -> Text:
    """Anything as text."""
    if isinstance(value, Text):
        return value
    if isinstance(value, str):
        return Text(value)
    number = float(value)
    return Text(f"{number:g}", SUM if number < 0 else ATOM)


class Text:
    """A formula being written: text and how tightly it binds."""

    __array_ufunc__ = None

    def __init__(self, text: str, binds: int = ATOM) -> None:
        self.text, self.binds = text, binds

    def __str__(self) -> str:
        return self.text

    def within(self, binds: int) -> str:
        return self.text if self.binds >= binds else f"({self.text})"

    def __add__(self, other: Any) -> Text:
        return self if written(other).text == "0" else Text(f"{self.text} + {written(other).text}", SUM)

    def __radd__(self, other: Any) -> Text:
        return self if written(other).text == "0" else Text(f"{written(other).text} + {self.text}", SUM)

    def __sub__(self, other: Any) -> Text:
        return self if written(other).text == "0" else Text(f"{self.text} - {written(other).within(PRODUCT)}", SUM)

    def __rsub__(self, other: Any) -> Text:
        return -self if written(other).text == "0" else Text(f"{written(other).text} - {self.within(PRODUCT)}", SUM)

    def __mul__(self, other: Any) -> Text:
        right = written(other)
        if right.text == "1":
            return self
        return right if self.text == "1" else Text(f"{self.within(PRODUCT)} * {right.within(PRODUCT)}", PRODUCT)

    def __rmul__(self, other: Any) -> Text:
        return self if written(other).text == "1" else Text(f"{written(other).within(PRODUCT)} * {self.within(PRODUCT)}", PRODUCT)

    def __truediv__(self, other: Any) -> Text:
        right = written(other)
        return self if right.text == "1" else Text(f"{self.within(PRODUCT)} / {right.within(POWER)}", PRODUCT)

    def __rtruediv__(self, other: Any) -> Text:
        return Text(f"{written(other).within(PRODUCT)} / {self.within(POWER)}", PRODUCT)

    def __neg__(self) -> Text:
        return Text(f"-{self.within(PRODUCT)}", SUM)

    def __pow__(self, exponent: float) -> Text:
        return called("sqrt", self) if exponent == 0.5 else Text(f"{self.within(ATOM)}^{exponent:g}", POWER)


class Named:
    """A namespace in which every name is itself."""

    def __getattr__(self, name: str) -> Text:
        return Text(name)


def called(name: str, *arguments: Any) -> Text:
    """A function applied to what is not the whole body."""
    shown = [written(argument).text for argument in arguments if not isinstance(argument, Named)]
    return Text(f"{name}({', '.join(shown)})" if shown else name)


def shown_operations() -> dict[str, Callable[..., Text]]:
    """The allowed operations, written instead of computed."""
    return {
        "sqrt": lambda value: called("sqrt", value),
        "power": lambda value, exponent: written(value) ** exponent if exponent != 1 else written(value),
        "hill": lambda value, half, exponent: called("hill", value, half, exponent),
        "exp": lambda value: called("exp", value),
        "log": lambda value: called("log", value),
        "raised": lambda value, exponent: Text(f"{written(value).within(ATOM)}^{written(exponent).within(ATOM)}", POWER),
        "logistic": lambda value: called("logistic", value),
        "above": lambda value, threshold, softness=0.01: called("above", value, threshold),
    }


def definitions(place: str) -> dict[str, FunctionType]:
    """Functions of a place that other formulas use by name: neither rates in a table nor helpers that make rates."""
    mechanism = next(mechanism for mechanism in MECHANISMS if mechanism.name == place)
    rates = [*(f.rate for f in mechanism.flows), *(c.rate for c in mechanism.changes), *(r.value for r in mechanism.readings)]
    rates += [d.taken for d in mechanism.doses]
    inside = {cell.cell_contents for rate in rates for cell in (rate.__closure__ or ()) if isinstance(cell.cell_contents, FunctionType)}
    return {
        name: value
        for name, value in vars(MODULES[place]).items()
        if isinstance(value, FunctionType) and value.__module__ == MODULES[place].__name__ and not name.startswith("_")
        and value not in rates and value not in inside
    }  # fmt: skip


@contextmanager
def by_name() -> Iterator[None]:
    """Inside: a definition used in a formula is written by its name, an operation as itself."""
    found = {value: name for place in PLACES for name, value in definitions(place).items()}
    kept: list[tuple[Any, str, Any]] = []

    def put(owner: Any, name: str, value: Any) -> None:
        kept.append((owner, name, getattr(owner, name)))
        setattr(owner, name, value)

    def stands_for(place: str, name: str) -> Callable[..., Text]:
        shown = "kidney_function" if (place, name) == ("kidney", "function") else name
        return lambda *arguments: called(shown, *arguments)

    owners = {value: place for place in PLACES for value in definitions(place).values()}
    try:
        for name, value in shown_operations().items():
            put(ops, name, value)
        for module in MODULES.values():
            for name, value in list(vars(module).items()):
                if isinstance(value, FunctionType) and value in found:
                    put(module, name, stands_for(owners[value], found[value]))
        yield
    finally:
        for owner, name, value in reversed(kept):
            setattr(owner, name, value)


def formula(function: Callable[..., Any], *arguments: Any) -> str:
    """The text of a function's result."""
    return str(written(function(*arguments)).text)


def defined(function: FunctionType) -> str:
    """A definition's formula; where it differs between periphery and centre, both."""
    names = list(inspect.signature(function).parameters)

    def at(tract: str) -> str:
        arguments = [Named() if name in ("y", "p", "x") else tract if name == "tract" else Text(name) for name in names]
        return formula(function, *arguments).replace(f"_{tract}", "_tract").replace(f"({tract})", "(tract)")

    outer, inner = at("foot"), at("dorsal")
    return code(outer) if outer == inner else f"periphery {code(outer)}, centre {code(inner)}"


def said(function: Callable[..., Any]) -> str:
    """The docstring as one line."""
    return " ".join((function.__doc__ or "").split())


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    if not rows:
        return ""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def code(text: str) -> str:
    return f"`{text}`" if text else ""


def page(place: str) -> str:
    """One place as Markdown."""
    mechanism = next(mechanism for mechanism in MECHANISMS if mechanism.name == place)
    title, _, rest = (MODULES[place].__doc__ or "").strip().partition("\n\n")
    world = (Named(), Named(), Named())
    parts = [f"# {place.capitalize()}\n", f"<!-- generated by scripts/model_docs.py from src/corrin/body/{place}.py and the facts -->\n"]
    parts += [" ".join(title.split()) + "\n"] + ([" ".join(rest.split()) + "\n"] if rest else [])

    def section(name: str, text: str) -> None:
        if text:
            parts.append(f"## {name}\n\n{text}")

    pools = [(code(q.name), q.unit, f"{q.start:g}", "yes" if q.b12 else "", q.note) for q in mechanism.pools]
    section("Pools", table(("pool", "unit", "before settling", "holds B12", ""), pools))
    with by_name():
        flows = [(f.name, f"{f.source} → {f.target}", code(formula(f.rate, *world)), said(f.rate)) for f in mechanism.flows]
        changes = [(code(c.state), code(formula(c.rate, *world)), said(c.rate)) for c in mechanism.changes]
        doses = []
        for dose in mechanism.doses:
            note = "" if dose.taken.__name__ == "<lambda>" else said(dose.taken)
            for pool, amount in dose.taken(Text("dose"), *world).items():
                doses.append((f"{dose.kind}, class {dose.form_class}", code(pool), code(written(amount).text), note))
        readings = []
        for reading in mechanism.readings:
            note = "; ".join(filter(None, (said(reading.value), reading.assumed)))
            readings.append((reading.label, reading.unit, code(formula(reading.value, *world)), note))
    named = []
    for name, function in definitions(place).items():
        with by_name():
            text = defined(function)
        given = [part for part in inspect.signature(function).parameters if part not in ("y", "p", "x")]
        shown = "kidney_function" if (place, name) == ("kidney", "function") else name
        named.append((code(f"{shown}({', '.join(given)})" if given else shown), text, said(function)))
    section("Flows, nmol a day", table(("flow", "from → to", "rate", ""), flows))
    section("Changes a day", table(("state", "rate", ""), changes))
    section("Definitions", table(("name", "formula", ""), named))
    section("Doses, nmol", table(("dose", "into", "amount", ""), doses))
    section("Readings", table(("reading", "unit", "formula", ""), readings))
    targets = {row.target for row in modifiers()}
    rows = [
        (
            code(row.name) + (" ×" if row.name in targets else ""), f"{row.value:g} {row.unit if row.unit != '1' else ''}".strip(),
            row.distribution, " / ".join(f"{sd:g}" if sd else "-" for sd in (row.between, row.unsure)), f"{row.low:g} to {row.high:g}",
            row.how, row.source.replace(";", ", "), row.at, row.description,
        )
        for row in parameters().values()
        if row.place == place
    ]  # fmt: skip
    head = ("parameter", "value", "drawn as", "SD between / unsure", "limits", "how", "source", "where in it", "")
    section("Parameters", table(head, rows))
    if any("×" in row[0] for row in rows):
        parts.append("× marks what causes, drugs and conditions act on: a person's value is multiplied by their modifiers.\n")
    return "\n".join(parts)


def index() -> str:
    """The front page."""
    lines = ["# The model\n", "<!-- generated by scripts/model_docs.py -->\n"]
    lines.append("Follow the molecule. Amounts in nmol, volumes in litres, time in days, unless a unit says otherwise.\n")
    rows = []
    for mechanism in MECHANISMS:
        title = " ".join((MODULES[mechanism.name].__doc__ or "").strip().partition("\n\n")[0].split())
        counts = f"{len(mechanism.pools)} pools, {len(mechanism.flows)} flows, {len(mechanism.readings)} readings"
        rows.append((f"[{mechanism.name}]({mechanism.name}.md)", title, counts))
    lines.append(table(("place", "what it is", ""), rows))
    lines.append("## Operations\n")
    lines.append(
        "- `hill(v, half, n)` = v^n / (v^n + half^n)\n"
        "- `above(v, threshold)`: v - threshold above the threshold, 0 below, with a rounded corner\n"
        "- `logistic(v)` = 1 / (1 + exp(-v))\n"
        "- a name followed by brackets, or a name in no table of pools, parameters or inputs, is a definition of one of the places\n"
    )
    lines.append("## Inputs of the world\n")
    from corrin.body.intake import EXPOSURES

    lines.append(table(("input", "ordinary day"), [(code(name), f"{value:g}") for name, value in EXPOSURES.items()]))
    used = sorted({key for row in parameters().values() for key in row.source.split(";")})
    lines.append("## Sources of the parameters\n")
    lines.append("\n".join(f"- **{key}**: {sources()[key].citation}" for key in used) + "\n")
    return "\n".join(lines)


def pages() -> dict[str, str]:
    """File name -> text."""
    return {"README.md": index()} | {f"{place}.md": page(place) for place in PLACES}


def stale() -> list[str]:
    """Pages that differ from what would be written, or should not be there."""
    made = pages()
    found = [name for name, text in made.items() if not (FOLDER / name).exists() or (FOLDER / name).read_text(encoding="utf-8") != text]
    return found + [path.name for path in FOLDER.glob("*.md") if path.name not in made]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true")
    if parser.parse_args().check:
        found = stale()
        print(f"stale: {', '.join(found)}: run scripts/model_docs.py" if found else "docs/model is up to date", file=sys.stderr)
        return 1 if found else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path in FOLDER.glob("*.md"):
        path.unlink()
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    print(f"wrote {len(PLACES) + 1} pages to docs/model", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
