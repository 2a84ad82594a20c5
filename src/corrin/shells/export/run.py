"""From what was asked to files: all of it or nothing."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corrin.case.case import Case
from corrin.errors import EnvironmentProblem, InputError

if TYPE_CHECKING:
    from corrin.answers.record import Forecast
    from corrin.shells.export.person import Person

Progress = Callable[[str, float], None]
PACKAGES = {
    "sbml": ("libsbml",), "antimony": ("libsbml", "antimony"), "petab": ("libsbml", "petab"), "omex": ("libsbml",), "csv": (),
    "parquet": ("pyarrow",),
}  # fmt: skip
FOLDER_MARK = "problem.yaml"


@dataclass(frozen=True)
class Asked:
    """What to export: format, plan (None: no treatment), horizon, people drawn, and which of them or all."""

    format: str
    plan: str | None
    years: float
    draws: int
    seed: int
    draw: int | None = None
    each_draw: bool = False


@dataclass(frozen=True)
class Written:
    """What was written, in a line, and a sentence where the person's data contradict the model."""

    text: str
    contradiction: str = ""


def check_place(out: Path, format: str) -> None:
    """Refuse before any work: what cannot be written, and formats whose package is missing."""
    from corrin.shells.export import needed

    for package in PACKAGES[format]:
        needed(package, f"--format {format}")
    if format == "petab":
        if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / FOLDER_MARK).is_file())):
            raise InputError("--out", f"{out} exists and is no PEtab problem", "a new folder, an empty one or an earlier export")
    elif out.is_dir():
        raise InputError("--out", f"{out} is a folder", "a file")
    above = out.absolute().parent
    while not above.exists() and above != above.parent:
        above = above.parent
    if not above.is_dir():
        raise InputError("--out", f"{above} is not a folder", "a place where a file can be made")
    try:
        Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=above)).rmdir()
    except OSError as error:
        raise EnvironmentProblem(f"Nothing can be written to {out}: {above}: {error.strerror}.") from error


def stored_answer(name: str) -> Forecast | None:
    """The answer in a file, where the file is one."""
    path = Path(name)
    if path.suffix != ".json" or not path.is_file():
        return None
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None  # whoever reads a case will say what is wrong with it
    if not isinstance(held, dict) or held.get("format") != "corrin.answer/1":
        return None
    from corrin.answers.record import read_answer

    return read_answer(path)


def write(asked: Asked, out: Path, case: Case | None, answer: Forecast | None, progress: Progress | None = None) -> Written:
    """Make and write the export of a case, of an answer, or (without either) of the population's typical person. Returns what was done."""
    if asked.format in ("csv", "parquet"):
        columns, contradiction = _columns(asked, case, answer, progress)
        from corrin.shells.export.tables import csv_text, parquet_bytes

        put(out, csv_text(columns).encode() if asked.format == "csv" else parquet_bytes(columns))
        return Written(f"{out}: {len(next(iter(columns.values())))} rows.", contradiction)
    from corrin.inference import population as of
    from corrin.shells.export.sbml import sbml_text

    if asked.format == "petab":
        return _petab(asked, out, case, progress)
    person = _person(asked, case, progress)
    sbml = sbml_text(of.the_system(), person)
    _refuse_inconsistent(sbml)
    if asked.format == "omex":
        from corrin.shells.export.omex import omex_bytes
        from corrin.shells.export.tables import csv_text, of_person

        put(out, omex_bytes(sbml, person, csv_text(of_person(person))))
    elif asked.format == "antimony":
        from corrin.shells.export.antimony import antimony_text

        put(out, antimony_text(sbml).encode())
    else:
        put(out, sbml.encode())
    return Written(f"{out}: {person.about} {person.doses} doses in {person.end_days:g} days.", person.contradiction)


def _person(asked: Asked, case: Case | None, progress: Progress | None) -> Person:
    from corrin.shells.export.person import of_case, typical

    if case is None:
        return typical(asked.plan, asked.years)
    return of_case(case, asked.plan, asked.years, asked.draws, asked.seed, asked.draw, progress)


def _refuse_inconsistent(sbml: str) -> None:
    from corrin.errors import Bug
    from corrin.shells.export.sbml import problems

    found = problems(sbml)
    if found:
        raise Bug(f"libsbml finds the SBML that corrin wrote inconsistent: {found[0]}")


def _columns(asked: Asked, case: Case | None, answer: Forecast | None, progress: Progress | None) -> tuple[dict[str, list[Any]], str]:
    """The columns, and a sentence where the data contradict the model."""
    if case is None and answer is None:
        from corrin.shells.export.tables import of_person

        return of_person(_person(asked, None, progress)), ""
    from corrin.answers.forecast import chosen_plans, forecast
    from corrin.answers.run import run
    from corrin.shells.export.tables import of_draws

    if answer is None and case is not None:
        plans = chosen_plans(case, asked.plan, asked.years)
        if asked.each_draw:
            computed = run(case, plans, asked.years, asked.draws, asked.seed, progress, beside=False)
            return of_draws(computed), computed.contradiction
        answer = forecast(case, plans, asked.years, asked.draws, asked.seed, progress)
    assert answer is not None
    return answer.to_frame(), " ".join(notice.text for notice in answer.warnings if notice.code == "data-contradict-model")


def _petab(asked: Asked, out: Path, case: Case | None, progress: Progress | None) -> Written:
    """A case with results of its own over its history; else somebody virtual under the plan."""
    from corrin.case.world import world
    from corrin.inference import population as of
    from corrin.shells.export import petab
    from corrin.shells.export.person import before_today
    from corrin.shells.export.sbml import sbml_text

    measured: list[petab.Measured] = []
    if case is not None and asked.plan is None:
        person, first = before_today(case, asked.draws, asked.seed, asked.draw, progress)
        measured = petab.own_results(world(case).observations, first, person)
    if not measured:
        person = _person(asked, case, progress)
        measured = petab.virtual(person, asked.seed)
    sbml = sbml_text(of.the_system(), person)
    _refuse_inconsistent(sbml)
    put_folder(out, petab.petab_files(sbml, person, measured), lambda made: petab.check(str(made / FOLDER_MARK)))
    likelihood = petab.log_likelihood(measured, petab.predictions(person, measured))
    said = f"{out}: {person.about} {len(measured)} measurements; log-likelihood of these parameters {likelihood:.6f}."
    return Written(said, person.contradiction)


def put(out: Path, content: bytes) -> None:
    """Write beside the place, then rename."""
    out = out.absolute()
    made: Path | None = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{out.name}-", dir=out.parent)
        made = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        made.chmod(0o644)
        made.replace(out)
    except OSError as error:
        raise EnvironmentProblem(f"The export could not be written to {out}: {error.strerror}.") from error
    finally:
        if made is not None and made.exists():
            made.unlink()


def put_folder(out: Path, files: dict[str, str], check: Callable[[Path], None]) -> None:
    """A folder of files, checked before it takes its place."""
    out = out.absolute()
    made: Path | None = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
        for name, text in files.items():
            (made / name).write_text(text, encoding="utf-8")
        check(made)
        made.chmod(0o755)
        if out.exists():
            old = made.with_name(made.name + "-old")
            out.rename(old)
            made.rename(out)
            shutil.rmtree(old)
        else:
            made.rename(out)
    except OSError as error:
        raise EnvironmentProblem(f"The export could not be written to {out}: {error.strerror}.") from error
    finally:
        if made is not None and made.exists():
            shutil.rmtree(made, ignore_errors=True)
