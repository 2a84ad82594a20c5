"""The calibrated population as it is kept: calibration.toml, shifts.csv, correlation.csv in facts/population."""

from __future__ import annotations

import csv
import io
import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path

from corrin.errors import Bug

FORMAT = "corrin.calibration/1"


@dataclass(frozen=True)
class Calibrated:
    """A calibration. Shifts are in units of a parameter's uncertainty before it (widened where the facts came from the same studies).

    `shifts`: study left out ("" for none) -> parameter -> (shift, uncertainty left as a share of that before). `correlation`: of what is
    left unknown, in the order of `names`. `differ`: factor on the spread between people. `structure`: weight of each alternative.
    `assumed`: what the fit found of the survey's people. `hashes`: of what it rests on. `fit`: how it went.
    """

    made: str
    studies: tuple[str, ...]
    hashes: dict[str, str]
    shifts: dict[str, dict[str, tuple[float, float]]]
    names: tuple[str, ...]
    correlation: tuple[tuple[float, ...], ...]
    differ: dict[str, float]
    structure: dict[str, float]
    assumed: dict[str, float]
    fit: dict[str, float] = field(default_factory=dict)


@cache
def calibration() -> Calibrated | None:
    """The packaged calibration; None before the first one."""
    folder = files("corrin.facts").joinpath("population")
    if not folder.joinpath("calibration.toml").is_file():
        return None
    texts = [folder.joinpath(name).read_text("utf-8") for name in ("calibration.toml", "shifts.csv", "correlation.csv")]
    return read(*texts)


def read(head: str, shifts: str, correlation: str) -> Calibrated:
    """A calibration from its three texts. Raises `Bug` where they do not fit together."""
    try:
        top = tomllib.loads(head)
        if top["format"] != FORMAT:
            raise ValueError(f"format {top['format']}")
        moved: dict[str, dict[str, tuple[float, float]]] = {"": {}}
        for row in csv.DictReader(io.StringIO(shifts)):
            moved.setdefault(row["without"], {})[row["parameter"]] = (float(row["shift"]), float(row["width"]))
        lines = list(csv.reader(io.StringIO(correlation)))
        names = tuple(lines[0][1:])
        matrix = tuple(tuple(float(cell) for cell in line[1:]) for line in lines[1:])
        if any(len(row) != len(names) for row in matrix) or len(matrix) != len(names):
            raise ValueError("correlation.csv is not square")
        numbers = {part: {str(k): float(v) for k, v in top[part].items()} for part in ("differ", "structure", "assumed", "fit")}
        hashes = {str(k): str(v) for k, v in top["rests_on"].items()}
        return Calibrated(str(top["made"]), tuple(top["studies"]), hashes, moved, names, matrix, **numbers)
    except (KeyError, ValueError, TypeError, IndexError) as reason:
        raise Bug(f"facts/population cannot be read: {reason!r}. Run make calibrate, or put back what was there.") from None


def write(made: Calibrated, folder: Path) -> None:
    """Write a calibration into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    head = [
        "# Written by make calibrate. Do not edit: change the facts or the studies and calibrate again.", f'format = "{FORMAT}"',
        f'made = "{made.made}"', "studies = [", *(f'  "{key}",' for key in made.studies), "]",
    ]  # fmt: skip
    for part, values in (("rests_on", made.hashes), ("differ", made.differ), ("structure", made.structure), ("assumed", made.assumed),
                         ("fit", made.fit)):  # fmt: skip
        head += ["", f"[{part}]", *(f'{k} = "{v}"' if isinstance(v, str) else f"{k} = {v:.6g}" for k, v in values.items())]
    (folder / "calibration.toml").write_text("\n".join(head) + "\n", encoding="utf-8")
    with (folder / "shifts.csv").open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["without", "parameter", "shift", "width"])
        for without, shifts in made.shifts.items():
            out.writerows([without, name, f"{shift:.4f}", f"{width:.4f}"] for name, (shift, width) in shifts.items())
    with (folder / "correlation.csv").open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["", *made.names])
        out.writerows([name, *(f"{value:g}" for value in row)] for name, row in zip(made.names, made.correlation, strict=True))
