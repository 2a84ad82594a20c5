"""The same blocks of work here or on a Dask cluster: a function of one plain job, a list of jobs, results as they come.

Blocks know nothing of where they run, so results are the same bytes anywhere the same versions run on the same kind of processor; both are
looked at before any work is sent. A worker that is lost has its blocks done again by another (`distributed` sees to that).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar

from corrin.errors import EnvironmentProblem, InputError
from corrin.inference.blocks import Runner, one_after_another

Job = TypeVar("Job")
Result = TypeVar("Result")
ANSWERS_WITHIN_S = 15.0
TRIED_AGAIN = 2
"""How often a block that failed is tried again (another worker may have more memory). What a lost worker had goes to others anyway."""
AHEAD = 2
"""Blocks in hand for each worker thread: enough that nobody waits, few enough that memory stays flat."""
LARGEST = "1GB"
"""Size of a job above which Dask warns: the people of a trial are large, and sent once for each arm."""
EXTRA = "Install it with: pip install 'corrin[cluster]'."
SAME = ("corrin", "program", "population", "tables", "device", "numpy", "numba", "llvmlite", "pyarrow")
"""What must be the same everywhere (see `kind`)."""


def run_blocks(
    function: Callable[[Job], Result], jobs: Sequence[tuple[int, Job]], address: str | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Iterator[tuple[int, Result]]:  # fmt: skip
    """Numbered jobs through a function, (number, result) in the order they finish. `address`: a Dask scheduler; None: this machine.

    `function` must be importable by name. Raises `InputError` for an address that cannot be one, `EnvironmentProblem` where the extra is
    missing, nobody answers, or workers run other versions; `say` is told of workers with another processor.
    """
    if address is None:
        yield from _here(function, jobs)
        return
    with workers(address, say) as run:
        yield from run(function, jobs)


def check_address(address: str | None) -> None:
    """Raises `InputError` for what cannot be the address of a scheduler, `EnvironmentProblem` where Dask is missing; before any work."""
    if address is None:
        return
    from importlib.util import find_spec
    from urllib.parse import urlsplit

    if find_spec("distributed") is None:
        raise EnvironmentProblem(f"--cluster needs Dask distributed, which is not installed. {EXTRA}")
    try:
        parts = urlsplit(address)
        fine = bool(parts.scheme and parts.hostname) and parts.port != 0  # a port that is no number, or too large, is a ValueError
    except ValueError:
        fine = False
    if not fine:
        raise _no_address(address)


def _no_address(address: str) -> InputError:
    return InputError("--cluster", ascii(address)[:80], "the address of a Dask scheduler, such as tcp://host:8786")


def kind() -> dict[str, str]:
    """What makes numbers the same to the last bit: versions, the traced program, population, tables, the processor and what it can do."""
    import hashlib
    from importlib.metadata import PackageNotFoundError, version

    import llvmlite.binding as llvm  # type: ignore[import-untyped]

    from corrin.inference.population import population, the_model

    found = {}
    for name in ("corrin", "numpy", "numba", "llvmlite", "pyarrow"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    features = ",".join(sorted(name for name, there in llvm.get_host_cpu_features().items() if there))
    return {
        **found, "program": the_model().digest()[:16], "population": population().digest()[:16], "tables": _tables(),
        "processor": llvm.get_host_cpu_name(), "device": os.environ.get("CORRIN_DEVICE") or "cpu",
        "features": hashlib.sha256(features.encode()).hexdigest()[:12],
    }  # fmt: skip


def _tables() -> str:
    """Hash of every table of facts and studies: two checkouts of one version may differ there."""
    import hashlib
    from importlib.resources import files

    found = hashlib.sha256()
    for room in ("facts", "studies"):
        waiting = [files("corrin").joinpath(room)]
        while waiting:
            for item in sorted(waiting.pop().iterdir(), key=lambda item: item.name):
                if item.is_dir():
                    waiting.append(item)
                elif item.name.endswith((".toml", ".csv")):
                    found.update(item.name.encode() + b"\0" + item.read_bytes() + b"\0")
    return found.hexdigest()[:16]


def _here(function: Callable[[Job], Result], jobs: Sequence[tuple[int, Job]]) -> Iterator[tuple[int, Result]]:
    """Two blocks at a time: while one is in compiled code, which lets go of the interpreter, the other is put together."""
    if not jobs:
        return
    threads = 2 if (os.cpu_count() or 1) > 1 else 1
    todo = iter(jobs)
    with ThreadPoolExecutor(threads, "corrin-blocks") as pool:
        number, job = next(todo)
        yield number, function(job)  # the first alone: it makes ready what all of them share
        running: dict[Future[Result], int] = {}
        try:
            while True:
                while len(running) < threads and (following := next(todo, None)) is not None:
                    running[pool.submit(function, following[1])] = following[0]
                if not running:
                    return
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in sorted(done, key=running.__getitem__):
                    yield running.pop(future), future.result()
        finally:
            for future in running:
                future.cancel()


@contextmanager
def workers(address: str | None, say: Callable[[str], None] = lambda text: None) -> Iterator[Runner]:
    """How to run numbered jobs: here one after another, or (with an address) on a cluster, joined once for all that is sent to it.

    Raises as `run_blocks` does.
    """
    if address is None:
        yield one_after_another
        return
    check_address(address)
    client = _joined(address)
    try:
        wanted, told = kind(), set[str]()
        _look(client, wanted, told, say)

        def run(function: Callable[[Job], Result], jobs: Sequence[tuple[int, Job]], /) -> Iterator[tuple[int, Result]]:
            return _sent(client, _Done(function, wanted), jobs, lambda processor: _tell(wanted, {processor}, told, say))

        yield run
    finally:
        client.close()


def _joined(address: str) -> Any:
    import logging

    from distributed import Client

    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # what goes wrong is told once, as an error of ours
    try:
        return Client(address, timeout=ANSWERS_WITHIN_S, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, TimeoutError) as reason:
        raise EnvironmentProblem(f"No Dask scheduler answers at {address}: {type(reason).__name__}.") from None
    except ValueError:  # a way of sending that Dask does not know
        raise _no_address(address) from None


@dataclass(frozen=True)
class _Done(Generic[Job, Result]):
    """A job done on a worker, which may have come after the others were looked at: it refuses to work with other versions, and tells its
    processor beside the result."""

    function: Callable[[Job], Result]
    wanted: Mapping[str, str]

    def __call__(self, job: Job) -> tuple[str, Result]:
        mine = _my_kind()
        _refuse("The worker", mine, self.wanted)
        return _processor(mine), self.function(job)


@cache
def _my_kind() -> dict[str, str]:
    return kind()


def _sent(
    client: Any, function: Callable[[Job], tuple[str, Result]], jobs: Sequence[tuple[int, Job]], seen: Callable[[str], None]
) -> Iterator[tuple[int, Result]]:  # fmt: skip
    """Jobs sent a few ahead of the workers, results as they come."""
    import dask
    from distributed import as_completed

    todo = iter(jobs)
    sent: dict[Any, tuple[int, Any]] = {}

    def send() -> Any:
        following = next(todo, None)
        if following is None:
            return None
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": LARGEST}):
            future = client.submit(function, following[1], pure=False, retries=TRIED_AGAIN)
        sent[future.key] = following[0], future
        return future

    try:
        first = [future for future in (send() for _ in range(AHEAD * _threads(client))) if future is not None]
        waiting: Any = as_completed(first, loop=client.loop)  # type: ignore[no-untyped-call]
        for future in waiting:
            processor, result = _result(future)
            number, _ = sent.pop(future.key)
            future.release()
            seen(processor)
            following = send()
            if following is not None:
                waiting.add(following)
            yield number, result
    finally:
        for _, future in sent.values():
            future.release()


def _result(future: Any) -> Any:
    from distributed import KilledWorker

    try:
        return future.result()
    except KilledWorker:
        raise EnvironmentProblem("A block was lost again and again with the worker it was on (too little memory there?).") from None
    except CancelledError:
        raise EnvironmentProblem("The Dask scheduler is gone, and with it what was under way there.") from None


def _look(client: Any, wanted: Mapping[str, str], told: set[str], say: Callable[[str], None]) -> None:
    """Refuses workers of other versions, tells of other processors."""
    try:
        client.wait_for_workers(1, timeout=ANSWERS_WITHIN_S)
    except TimeoutError:
        raise EnvironmentProblem("The Dask scheduler has no workers.") from None
    found: dict[str, dict[str, str]] = client.run(kind)
    for worker, theirs in sorted(found.items()):
        _refuse(f"Worker {worker}", theirs, wanted)
    _tell(wanted, {_processor(theirs) for theirs in found.values()}, told, say)


def _refuse(who: str, theirs: Mapping[str, str], wanted: Mapping[str, str]) -> None:
    other = [name for name in SAME if theirs.get(name) != wanted[name]]
    if other:
        said = ", ".join(f"{name} {theirs.get(name)} (here {wanted[name]})" for name in other)
        raise EnvironmentProblem(f"{who} runs {said}. Numbers would not be the same; install the same versions there.")


def _processor(of: Mapping[str, str]) -> str:
    return f"{of['processor']}/{of['features']}"


def _tell(wanted: Mapping[str, str], theirs: set[str], told: set[str], say: Callable[[str], None]) -> None:
    """Says once of each processor that it is another."""
    odd = theirs - {_processor(wanted)} - told
    if odd:
        told |= odd
        say(
            f"Different processors are at work ({', '.join(sorted({_processor(wanted), *told}))}): numbers agree to about nine digits, not "
            "to the last bit, and a run taken up again elsewhere may not give the same bytes."
        )


def _threads(client: Any) -> int:
    """How many threads the workers have together."""
    return max(1, sum(int(worker["nthreads"]) for worker in client.scheduler_info(n_workers=-1)["workers"].values()))
