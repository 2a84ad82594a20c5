"""Numbers of half the width (float32, sixteen people a vector) in a whole step or in parts of it: the error they add, the time they spare.

    python benchmarks/precision.py [--json] [--quick]

The emitted code of the lanes is rewritten: a function computes in single or in double precision, an array holds one or the other, and loads
and stores convert between them. Grids are those of the pilot in double precision. `drift` is the largest difference from the same grid run
as it is; `error` that from every step cut in eight in double precision; both as in against_roadrunner.py, on fresh people.
"""

from __future__ import annotations

import json
import os
import re
import struct
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from against_roadrunner import FRESH, MG_NMOL, MONTH_D, Ours, Plan, _each, errors, plans

SOLVE = r"(?:lead|follow)_(?:factor|stage[0-3])$"
"""What comes before the new state is put together."""


@dataclass(frozen=True)
class Way:
    """People a tile; the functions that compute in single precision; arrays of theirs, and of the rest of that step, that hold it."""

    lanes: int
    functions: str = "$^"
    arrays: str = ""
    whole: bool = False
    """All arrays, the state too."""
    carried: bool = False
    """What rounding drops of a state is added at its next step (Kahan's compensated sum)."""


WAYS = {
    "double, 8 people": Way(8),
    "double, 16 people": Way(16),
    "single throughout, 16": Way(16, ".*", "", True),
    "single, rounding carried on, 16": Way(16, ".*", "", True, True),
    "solves single, state double, 16": Way(16, SOLVE, "FK"),
    "solves single, state double, 8": Way(8, SOLVE, "FK"),
    "LU single, 16": Way(16, r"(?:lead|follow)_factor$", "F"),
    "LU single, 8": Way(8, r"(?:lead|follow)_factor$", "F"),
    "followers single, 16": Way(16, r"follow_(?:factor|stage\d|finish)$", "FK"),
    "followers single, 8": Way(8, r"follow_(?:factor|stage\d|finish)$", "FK"),
}


def _rounded(found: re.Match[str]) -> str:
    value = float(np.float32(struct.unpack("<d", struct.pack("<Q", int(found[1], 16)))[0]))
    if 0.0 < abs(value) < float(np.finfo(np.float32).tiny):
        value = float(np.finfo(np.float32).tiny)
    return f"float 0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"


def _rewritten(name: str, body: str, way: Way) -> str:
    """One function of the vector code with numbers of the widths asked for."""
    wide, narrow = f"<{way.lanes} x double>", f"<{way.lanes} x float>"
    single = re.match(way.functions, name) is not None
    mixed = re.match(r"(?:lead|follow)_", name) is not None and (
        re.match(way.functions, name) is not None or re.match(way.functions, name.split("_")[0] + "_factor") is not None
    )

    def held(array: str) -> bool:
        return way.whole or (mixed and array in way.arrays)

    of: dict[str, str] = {}
    out = []
    for line in body.split("\n"):
        address = re.match(r"  (%t\d+) = getelementptr inbounds double, ptr %(\w+), (.*)", line)
        load = re.match(r"  (%t\d+) = load \S+ x double>, ptr %(\w+)", line)
        store = re.match(r"  store \S+ x double> (.*), ptr %(\w+), align 8", line)
        if address:
            of[address[1][1:]] = address[2]
            kind = "float" if held(address[2]) else "double"
            out.append(f"  {address[1]} = getelementptr inbounds {kind}, ptr %{address[2]}, {address[3]}")
        elif load:
            there = held(of.get(load[2], load[2]))
            if there == single:
                out.append(f"  {load[1]} = load {narrow if single else wide}, ptr %{load[2]}, align 4")
            else:
                word, begin, end = ("fptrunc", wide, narrow) if single else ("fpext", narrow, wide)
                out += [
                    f"  {load[1]}.held = load {begin}, ptr %{load[2]}, align 4",
                    f"  {load[1]} = {word} {begin} {load[1]}.held to {end}",
                ]
        elif store:
            there = held(of.get(store[2], store[2]))
            value = re.sub(r"double 0x(\w{16})", _rounded, store[1]) if single else store[1]
            if there == single:
                out.append(f"  store {narrow if single else wide} {value}, ptr %{store[2]}, align 4")
            else:
                word, begin, end = ("fpext", narrow, wide) if single else ("fptrunc", wide, narrow)
                out += [
                    f"  %stored{len(out)} = {word} {begin} {value} to {end}",
                    f"  store {end} %stored{len(out)}, ptr %{store[2]}, align 4",
                ]
        elif single:
            line = re.sub(r"double 0x(\w{16})", _rounded, line)
            out.append(line.replace("x double>", "x float>").replace(f"v{way.lanes}f64", f"v{way.lanes}f32"))
        else:
            out.append(line)
    return "\n".join(out)


def source(model: Any, way: Way) -> str:
    """The module of a model in the widths asked for."""
    from corrin.engine.emit import lanes

    if way.carried:  # as the engine has it (engine/single.py)
        return lanes.source(model, way.lanes, single=True)
    text = lanes.source(model, way.lanes)
    begin = text.index('VECTOR = r"""') + len('VECTOR = r"""')
    end = text.index('"""', begin)
    mark = re.search(r"@corrin_([0-9a-f]{16})_", text)
    assert mark is not None
    parts = re.split(r"(define weak_odr void @corrin_[0-9a-f]{16}_(\w+)\([^\n]*\n)(.*?)(\n}\n)", text[begin:end], flags=re.S)
    vector = parts[0]
    for head, name, body, tail, between in zip(*(parts[k::5] for k in range(1, 6)), strict=True):
        vector += head + (body if name in ("lead", "follow") else _rewritten(name, body, way)) + tail + between
    declared = re.findall(r"declare [^\n]*", vector)
    vector += "".join(line.replace("double", "float").replace("f64", "f32") + "\n" for line in declared)
    text = text[:begin] + vector + text[end:]
    text = text.replace(mark[1], f"{abs(hash(way)) % 16**16:016x}")
    if way.whole:
        text = re.sub(r"'(Y|P|X|OUT):double", r"'\1:single", text)
        text = re.sub(r"\n    (Y|P|X|OUT) = doubles", r"\n    \1 = singles", text).replace("doubles(at,", "singles(at,")
    return text


def loads(quick: bool) -> tuple[Plan, ...]:
    """Those of the benchmark, shorter, and three doses at one instant read soon."""
    years = 1.0 if quick else 4.0
    found = plans(True)
    months = tuple(MONTH_D * k for k in range(1, int(12 * years) + 1))
    three = tuple((day, kind, MG_NMOL) for day in (1.0, 40.0) for kind in ("oral_C", "injected_C", "injected_O"))
    return (
        Plan("monthly", years, _each((0.0, *months[:-1]), "injected_O"), months, {}, 0, 0),
        found["loading_then_maintenance"],
        found["vegan_depletion"],
        Plan(
            "daily_oral", years / 4.0, _each(tuple(float(d) for d in range(int(91 * years))), "oral_C"), months[: int(3 * years)], {}, 0, 0
        ),
        Plan("three_at_once", 0.3, three, (1.04, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 40.1, 40.3, 41.0, 45.0, 60.0, 100.0), {}, 0, 0),
    )


def measure(quick: bool = False) -> dict[str, Any]:
    """plan -> way -> drift, error, processor seconds."""
    from corrin.engine import compiled
    from corrin.engine.simulate import Kernel, _pass, marching

    ours = Ours()
    count = 128 if quick else 512
    people = ours.drawn(count, FRESH)
    states = {treated: ours.begin(people, treated) for treated in (False, True)}
    made: dict[str, Kernel] = {}
    for name, way in WAYS.items():
        text = source(ours.model, way)
        program = compiled.load(text, partial(str, text))
        number = np.float32 if way.whole else np.float64
        made[name] = Kernel(ours.model, marching(program), tuple(program.facts["order"]), way.lanes, number)
    found: dict[str, Any] = {}
    for plan in loads(quick):
        state, schedule, grid = states[plan.treated], ours.schedule(plan, count), ours.grid(plan)
        truth = _pass(ours.kernel, state, people, schedule, replace(grid, closes=None), 8, None, None).readings
        as_it_is = _pass(ours.kernel, state, people, schedule, grid, 1, None, None).readings
        rows: dict[str, Any] = {name: {"cpu_s": float("inf")} for name in made}
        for _ in range(2 if quick else 5):  # turn by turn: the clock wanders
            for name, kernel in made.items():
                before = time.process_time()
                run = _pass(kernel, state, people, schedule, grid, 1, None, None)
                rows[name]["cpu_s"] = min(rows[name]["cpu_s"], time.process_time() - before)
                rows[name] |= {"failed": int(run.failed.sum()), "accumulated": float(np.nanmax(run.accumulated))}
                sane = ~run.failed
                rows[name] |= {"drift": errors(run.readings[sane], as_it_is[sane]), "error": errors(run.readings[sane], truth[sane])}
        found[plan.name] = {"steps": len(grid.steps), "people": count, "ways": rows}
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as cache:
        os.environ["CORRIN_CACHE_DIR"] = cache
        found = measure("--quick" in sys.argv)
    if "--json" in sys.argv:
        print(json.dumps(found, indent=1))
        return
    for plan, facts in found.items():
        print(f"{plan}: {facts['steps']} steps, {facts['people']} people")
        base = facts["ways"]["double, 8 people"]["cpu_s"]
        for way, row in facts["ways"].items():
            told = f"drift {row['drift']:.1e}, error {row['error']:.1e}, failed {row['failed']}, accumulated {row['accumulated']:.2g}"
            print(f"  {way:33s} {row['cpu_s']:.3f} s ({row['cpu_s'] / base:.2f}); {told}")


if __name__ == "__main__":
    main()
