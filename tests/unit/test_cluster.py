"""Coverage, calibration and trials on a Dask cluster: the same bytes as here, workers that are lost, strange or of other versions."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corrin.errors import EnvironmentProblem, InputError
from corrin.inference import calibrate
from corrin.inference.blocks import in_order, one_after_another, results
from corrin.inference.coverage import VirtualPerson, ranks_of
from corrin.inference.population import facts_population, population
from corrin.shells import cli, cluster
from corrin.studies.reader import studies

DESIGN = {
    "format": "corrin.trial-design/1", "name": "small", "people": {"description": "adults"}, "n": 20, "visits_d": [14.0],
    "arm": [{"name": "nothing", "plan": "none"}, {"name": "injections", "plan": "us-practice-cyanocobalamin"}],
    "end_point": [
        {"name": "b12", "kind": "level", "reading": "serum_b12", "unit": "pg/mL"},
        {"name": "low", "kind": "below", "reading": "mma", "limit": 250.0},
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A scheduler with two workers, each a process of its own."""
    distributed = pytest.importorskip("distributed")
    with (
        warnings.catch_warnings(action="ignore"),  # Dask's own, about ports and processes that end
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None, silence_logs=50
        ) as two,
    ):
        yield two.scheduler_address


def script(root: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, root / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


# ---- blocks -----------------------------------------------------------------------------------------------------------------------------


@given(st.permutations(range(12)), st.integers(0, 5))
def test_results_stand_in_the_order_of_the_jobs(order: list[int], first: int) -> None:
    """However they finish; what has come is given as soon as nothing before it is missing."""

    def shuffled(function: Callable[[int], int], jobs: Any) -> Iterator[tuple[int, int]]:
        return ((jobs[place][0], function(jobs[place][1])) for place in order)

    jobs = list(range(100, 112))
    assert results(shuffled, lambda job: job * job, jobs) == [job * job for job in jobs]
    assert results(one_after_another, lambda job: job * job, jobs) == [job * job for job in jobs]
    given_back: list[int] = []
    seen: set[int] = set()

    def finished() -> Iterator[tuple[int, int]]:
        for place in order:
            whole = next(k for k in range(13) if k not in seen)
            assert given_back == list(range(first, first + whole))
            seen.add(place)
            yield first + place, first + place

    for number in in_order(finished(), first):
        given_back.append(number)
    assert given_back == list(range(first, first + 12))


# ---- who may work -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", ["here", "tcp://", "tcp://nowhere:port", "tcp://127.0.0.1:99999999", "smoke://signals:1"])
def test_what_is_no_address_is_an_input_error(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("distributed")
    assert cli._run(["trial", "oral-or-injected", "--cluster", wrong]) == 2
    assert "tcp://host:8786" in capsys.readouterr().err


def test_nobody_answers(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "ANSWERS_WITHIN_S", 0.5)
    assert cli._run(["trial", "oral-or-injected", "--cluster", "tcp://127.0.0.1:9"]) == 5
    assert "No Dask scheduler answers at tcp://127.0.0.1:9" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["posterior_coverage", "calibrate"])
def test_a_script_says_so_too(name: str, root: Path) -> None:
    pytest.importorskip("distributed")
    done = subprocess.run(
        [sys.executable, f"scripts/{name}.py", "--cluster", "here"], cwd=root, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"{name}.py: --cluster: 'here'; expected the address")


def test_one_processor_or_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("distributed")
    assert cli._run(["trial", "oral-or-injected", "--gpu", "--cluster", "tcp://127.0.0.1:9"]) == 2
    assert "one of the two" in capsys.readouterr().err


def as_if(patch: pytest.MonkeyPatch, **changed: str) -> dict[str, str]:
    """Lets the second worker look other than it is. What it is."""
    import distributed

    ask = distributed.Client.run
    mine = cluster.kind()

    def run(self: Any, function: Any, *arguments: Any, **more: Any) -> Any:
        found = ask(self, function, *arguments, **more)
        if function is cluster.kind:
            found[max(found)] |= changed
        return found

    patch.setattr(distributed.Client, "run", run)
    return mine


def test_a_worker_of_other_versions_is_refused(address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    mine = as_if(monkeypatch, numpy="1.0.1", tables="elsewhere")
    assert cli._run(["trial", "oral-or-injected", "--cluster", address]) == 5
    said = capsys.readouterr().err
    assert f"numpy 1.0.1 (here {mine['numpy']})" in said
    assert f"tables elsewhere (here {mine['tables']})" in said
    assert "Traceback" not in said


def test_a_worker_of_another_processor_is_told_of_once(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    as_if(monkeypatch, processor="i486")
    said: list[str] = []
    with cluster.workers(address, said.append) as run:
        assert results(run, abs, [-1, -2]) == [1, 2]
        assert results(run, abs, [-3]) == [3]
    assert len(said) == 1
    assert "i486/" in said[0]


def test_who_comes_late_is_looked_at_too() -> None:
    """A block tells the processor it was done on, and is not done with other versions than those it was sent from."""
    mine = cluster.kind()
    assert cluster._Done(abs, mine)(-1) == (f"{mine['processor']}/{mine['features']}", 1)
    with pytest.raises(EnvironmentProblem, match=r"numba .* \(here 0\.1\)"):
        cluster._Done(abs, {**mine, "numba": "0.1"})(-1)
    said: list[str] = []
    told: set[str] = set()
    for processor in ("a/1", f"{mine['processor']}/{mine['features']}", "a/1", "b/1"):
        cluster._tell(mine, {processor}, told, said.append)
    assert len(said) == 2


def test_a_fault_in_a_block_is_told_as_it_would_be_here(address: str) -> None:
    with cluster.workers(address) as run, pytest.raises(InputError, match="--cluster: 'here'; expected") as caught:
        results(run, cluster.check_address, ["here"])
    assert caught.value.exit_code == 2


# ---- the same bytes ---------------------------------------------------------------------------------------------------------------------


def test_a_trial(address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "small.json"
    file.write_text(json.dumps(DESIGN), encoding="utf-8")
    asked = ["trial", str(file), "--draws", "100", "--repeats", "60", "--json"]
    assert cli._run(asked) == 0
    here = capsys.readouterr().out
    assert cli._run([*asked, "--cluster", address]) == 0
    there = capsys.readouterr()
    assert there.out == here
    assert there.err == ""


def test_the_calibration_on_the_survey(address: str, tmp_path: Path) -> None:
    def fitted(run: Any) -> str:
        made = calibrate.calibrate(facts_population(), (), tmp_path, people=120, passes=1, run=run)
        return repr((made.rows, made.posterior.mean.tolist(), made.posterior.covariance.tolist(), made.differ, made.assumed, made.history))

    with cluster.workers(address) as run:
        there = fitted(run)
    assert there == fitted(one_after_another)


def test_the_studies_of_the_calibration(address: str, tmp_path: Path) -> None:
    some = [study for study in studies() if study.key in ("glass1961", "hanyang2003")]  # differences between arms; levels
    asked = [calibrate.StudyAsked(study, facts_population(), 60, 1) for study in some]
    with cluster.workers(address) as run:
        there = calibrate._studies(tmp_path / "there", asked, run, None)
    here = calibrate._studies(tmp_path / "here", asked, one_after_another, None)
    assert any(here)
    assert there == here
    files = [{path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("here", "there")]
    assert files[0] == files[1]
    assert len(files[0]) == len(asked)


def test_coverage_goes_on_where_it_was_cut_off(
    address: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = script(root, "posterior_coverage")

    def run(folder: str, people: int, *more: str) -> dict[str, bytes]:
        into = tmp_path / folder
        into.mkdir(exist_ok=True)
        given = ["--draws", "20", "--people", str(people), "--work", str(into), "--out", str(into / "page.md"), *more]
        monkeypatch.setattr(sys, "argv", ["posterior_coverage.py", *given])
        made.main()
        return {path.name: path.read_bytes() for path in into.iterdir()}

    here = run("here", 3)
    run("there", 1)
    (rows,) = (tmp_path / "there").glob("*.jsonl")
    with rows.open("ab") as file:
        file.write(b'{"number": 1, "labs": 3, "eff')  # the machine went down here
    assert run("there", 3, "--cluster", address) == here
    assert "3 of 3" in capsys.readouterr().err


def test_a_worker_that_is_lost_loses_nothing(address: str) -> None:
    from distributed import Client

    people = [VirtualPerson(number, 20, 5, population()) for number in range(4)]
    here = results(one_after_another, ranks_of, people)
    with Client(address, set_as_default=False) as client:
        pids = list(client.run(os.getpid).values())
    with cluster.workers(address) as run:
        found = {}
        for number, row in run(ranks_of, list(enumerate(people))):
            if not found:
                os.kill(pids[0], signal.SIGKILL)
            found[number] = row
    assert [found[number] for number in range(4)] == here
    with Client(address, set_as_default=False) as client:
        assert pids[0] not in client.run(os.getpid).values()
