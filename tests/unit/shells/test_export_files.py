"""Files of `corrin export`: what other programs' own readers say of them, and that nothing half-made is left."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import warnings
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from corrin.errors import EnvironmentProblem
from corrin.inference import population as of
from corrin.shells.cli import _run
from corrin.shells.export import needed, petab
from corrin.shells.export.omex import omex_bytes
from corrin.shells.export.person import Person, typical
from corrin.shells.export.run import put
from corrin.shells.export.tables import csv_text, of_person

MEDIAN = ["export", "--population-median", "--plan", "bnf-hydroxocobalamin", "--years", "0.5"]


@pytest.fixture(scope="module")
def someone() -> Person:
    return typical("bnf-hydroxocobalamin", 0.5)


def columns(text: str) -> dict[str, list[str]]:
    head, *rows = list(csv.reader(io.StringIO(text)))
    return {name: [row[place] for row in rows] for place, name in enumerate(head)}


def test_csv_and_parquet_of_the_typical_person_agree(tmp_path: Path, someone: Person) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    assert _run([*MEDIAN, "--format", "csv", "--out", str(tmp_path / "a.csv")]) == 0
    assert _run([*MEDIAN, "--format", "parquet", "--out", str(tmp_path / "a.parquet")]) == 0
    table = columns((tmp_path / "a.csv").read_text("utf-8"))
    stored = parquet.read_table(tmp_path / "a.parquet").to_pydict()
    assert list(table) == list(stored) == ["time_days", *someone.readings]
    for name, values in stored.items():
        assert [float(cell) for cell in table[name]] == values  # numbers read back the same
    assert np.allclose(stored["serum_b12"], someone.readings["serum_b12"])


@pytest.mark.slow
def test_a_case_as_bands_and_as_draws(tmp_path: Path) -> None:
    ask = ["export", "stabler2013-vignette", "--plan", "none", "--years", "0.5", "--draws", "64", "--format", "csv"]
    assert _run([*ask, "--out", str(tmp_path / "bands.csv")]) == 0
    assert _run([*ask, "--each-draw", "--out", str(tmp_path / "draws.csv")]) == 0
    bands, draws = (columns((tmp_path / f"{name}.csv").read_text("utf-8")) for name in ("bands", "draws"))
    assert {"plan", "reading", "time_days", "p05", "p50", "p95"} <= set(bands)
    assert set(bands["plan"]) == set(draws["plan"]) == {"past", "none"}
    weights = {draw: float(weight) for draw, weight in zip(draws["draw"], draws["weight"], strict=True)}
    assert sum(weights.values()) == pytest.approx(1.0)
    # Haemoglobin's band holds laboratory scatter; an inner state's quantiles must be those of the draws.
    last = max(float(day) for day, plan in zip(draws["time_days"], draws["plan"], strict=True) if plan == "none")
    mine = [float(value) for value, day, plan in zip(draws["store_mg"], draws["time_days"], draws["plan"], strict=True)
            if plan == "none" and float(day) == last]  # fmt: skip
    band = next(k for k, reading in enumerate(bands["reading"]) if reading == "store_mg" and bands["plan"][k] == "none"
                and float(bands["time_days"][k]) == last)  # fmt: skip
    assert min(mine) <= float(bands["p05"][band]) <= np.median(mine) <= float(bands["p95"][band]) <= max(mine)


def test_a_stored_answer_goes_to_a_table_and_to_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from corrin.answers.forecast import forecast
    from corrin.answers.record import read_answer

    answer = forecast("stabler2013-vignette", "none", years=0.5, draws=64)
    held = tmp_path / "answer.json"
    held.write_text(answer.to_json(), encoding="utf-8")
    assert _run(["export", str(held), "--format", "csv", "--out", str(tmp_path / "b.csv")]) == 0
    assert columns((tmp_path / "b.csv").read_text("utf-8"))["p50"] == [repr(value) for value in read_answer(held).to_frame()["p50"]]
    assert _run(["export", str(held), "--format", "sbml", "--out", str(tmp_path / "b.xml")]) == 2
    assert "bands only" in capsys.readouterr().err
    deep = tmp_path / "deep.json"
    deep.write_text("[" * 100_000 + "]" * 100_000, encoding="utf-8")
    assert _run(["export", str(deep), "--format", "csv", "--out", str(tmp_path / "deep.csv")]) == 2
    assert "nested deeper" in capsys.readouterr().err
    assert not (tmp_path / "deep.csv").exists()


def test_the_archive_holds_what_its_manifest_says_and_its_bytes_do_not_change(someone: Person) -> None:
    from corrin.shells.export.sbml import sbml_text

    sbml, table = sbml_text(of.the_system(), someone), csv_text(of_person(someone))
    packed = omex_bytes(sbml, someone, table)
    assert packed == omex_bytes(sbml, someone, table)
    archive = zipfile.ZipFile(io.BytesIO(packed))
    space = "{http://identifiers.org/combine.specifications/omex-manifest}"
    listed = {entry.get("location"): entry.get("format") for entry in ElementTree.fromstring(archive.read("manifest.xml"))}
    assert {place for place in listed if place != "."} == {f"./{name}" for name in archive.namelist()}
    assert ElementTree.fromstring(archive.read("manifest.xml")).tag == f"{space}omexManifest"
    assert archive.read("model.xml").decode() == sbml
    sedml = ElementTree.fromstring(archive.read("simulation.sedml"))
    names = {"s": "http://sed-ml.org/sed-ml/level1/version4"}
    model = ElementTree.fromstring(sbml)
    parameters = {item.get("id") for item in model.iter("{http://www.sbml.org/sbml/level3/version2/core}parameter")}
    targets = [item.get("target") for item in sedml.iterfind(".//s:variable", names) if item.get("target")]
    assert {target.split("@id='")[1].rstrip("']") for target in targets} <= parameters
    generators = {item.get("id") for item in sedml.iterfind(".//s:dataGenerator", names)}
    assert {item.get("dataReference") for item in sedml.iterfind(".//s:dataSet", names)} == generators


def pypesto_log_likelihood(problem_file: Path) -> float:
    """pyPESTO with libRoadRunner, at the nominal parameters."""
    roadrunner = pytest.importorskip("roadrunner")
    creator = pytest.importorskip("pypesto.petab.objective_creator")
    from petab.v1 import Problem
    from pypesto.objective.roadrunner.utils import SolverOptions

    roadrunner.Logger.setLevel(roadrunner.Logger.LOG_FATAL)
    roadrunner.Config.setValue(roadrunner.Config.LLVM_BACKEND, roadrunner.Config.LLJIT)
    problem = Problem.from_yaml(str(problem_file))
    kept = os.dup(2)
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 2)
    try:
        objective = creator.RoadRunnerObjectiveCreator(problem).create_objective()
        objective.solver_options = SolverOptions(relative_tolerance=1e-8, absolute_tolerance=1e-8, maximum_num_steps=200_000)
        return -float(objective(problem.x_nominal_scaled))
    finally:
        os.dup2(kept, 2)
        os.close(silent)
        os.close(kept)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", [None, "stabler2013-vignette"])
def test_petab_validates_and_pypesto_finds_the_same_likelihood(
    case: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("petab")
    folder = tmp_path / "problem"
    who = [case, "--draws", "64"] if case else MEDIAN[1:]
    assert _run(["export", *who, "--format", "petab", "--out", str(folder)]) == 0
    said = capsys.readouterr().out
    ours = float(said.split("log-likelihood of these parameters ")[1].rstrip(".\n"))
    petab.check(str(folder / "problem.yaml"))
    assert pypesto_log_likelihood(folder / "problem.yaml") == pytest.approx(ours, rel=1e-3)


def test_log_likelihood_of_a_result_is_the_density_of_a_log_normal() -> None:
    from scipy.stats import lognorm

    item = petab.Measured("serum_b12", 1.0, 310.0, 0.23)
    assert petab.log_likelihood([item], [280.0]) == pytest.approx(float(lognorm.logpdf(310.0, 0.23, scale=280.0)))


def test_virtual_results_scatter_as_the_laboratory_does_and_never_at_a_dose(someone: Person) -> None:
    measured = petab.virtual(someone, 3)
    doses = {instant.time_days for instant in someone.instants}
    assert not {item.day for item in measured} & doses
    gaps = [(math.log(item.value) - math.log(value)) / item.log_sd
            for item, value in zip(measured, petab.predictions(someone, measured), strict=True)]  # fmt: skip
    assert abs(float(np.mean(gaps))) < 0.5
    assert 0.6 < float(np.std(gaps)) < 1.4
    assert petab.virtual(someone, 3) == measured


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["export", "--population-median"], "--out"),
        (["export", "--out", "x"], "nobody to export"),
        (["export", "stabler2013-vignette", "--population-median", "--out", "x"], "both"),
        (["export", "--population-median", "--format", "excel", "--out", "x"], "one of sbml"),
        (["export", "--population-median", "--each-draw", "--format", "csv", "--out", "x"], "--each-draw"),
        (["export", "--population-median", "--plan", "bnf", "--out", "x"], "plan"),
        (["export", "stabler2013-vignette", "--draw", "64", "--draws", "64", "--out", "x"], "0 to 63"),
    ],
)
def test_what_cannot_be_done_is_said(
    arguments: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert _run(arguments) == 2
    assert says in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_missing_package_is_named_with_its_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "libsbml", None)
    assert _run([*MEDIAN, "--out", str(tmp_path / "a.xml")]) == 5
    assert "pip install 'corrin[export]'" in capsys.readouterr().err
    with pytest.raises(EnvironmentProblem, match="corrin"):
        needed("no_such_package_anywhere", "A test")


def test_nothing_half_made_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "model.xml"
    target.write_text("earlier", encoding="utf-8")

    def full(self: Path, other: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(EnvironmentProblem, match="No space"):
        put(target, b"new")
    assert [item.name for item in tmp_path.iterdir()] == ["model.xml"]
    assert target.read_text("utf-8") == "earlier"


def test_a_folder_that_is_no_export_is_not_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work", encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert _run([*MEDIAN, "--format", "petab", "--out", str(tmp_path / "mine")]) == 2
    assert (tmp_path / "mine" / "thesis.txt").exists()
    assert "no PEtab problem" in capsys.readouterr().err


def test_options_of_the_command_are_those_of_the_docs() -> None:
    text = (Path(__file__).parents[3] / "docs" / "how-to" / "export.md").read_text("utf-8")
    for word in ("sbml", "antimony", "petab", "omex", "csv", "parquet", "--population-median", "--each-draw", "--draw"):
        assert word in text


def test_data_that_contradict_the_model_are_told_and_the_export_is_still_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two results of one day that no person explains together: exit code 4, as for a forecast, beside whole files."""
    same = {"analyte": "mma", "unit": "nmol/L", "date": "0"}
    case = {"format": "corrin.case/1", "as_of": "day 0", "person": {"age_y": 57}, "labs": [{**same, "value": 3600}, {**same, "value": 120}]}
    path = tmp_path / "case.json"
    path.write_text(json.dumps(case), encoding="utf-8")
    for format, out in (("csv", "bands.csv"), ("sbml", "model.xml")):
        asked = ["export", str(path), "--format", format, "--out", str(tmp_path / out), "--draws", "64", "--years", "0.5"]
        assert _run(asked) == 4, format
        assert "explains methylmalonic acid" in capsys.readouterr().err
        assert (tmp_path / out).exists()
