"""The same blocks of work here or on a Dask cluster: a function of one plain job, a list of jobs, results as they come.

Blocks know nothing of where they run, so results are the same bytes anywhere the same versions run on the same kind of processor; both are
looked at before any work is sent. A worker that is lost has its blocks done again by another (`distributed` sees to that).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

from corrin.errors import EnvironmentProblem, InputError

Job = TypeVar("Job")
Result = TypeVar("Result")
ANSWERS_WITHIN_S = 15.0
TRIED_AGAIN = 5
"""How often a block is sent again when the worker it was on is lost."""
AHEAD = 2
"""Blocks in hand for each worker thread: enough that nobody waits, few enough that memory stays flat."""
EXTRA = "Install it with: pip install 'corrin[cluster]'."
SAME = ("corrin", "program", "numpy", "numba", "llvmlite", "pyarrow")


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
    else:
        yield from _there(function, jobs, address, say)


def check_address(address: str | None) -> None:
    """Raises `InputError` for what cannot be the address of a scheduler, `EnvironmentProblem` where Dask is missing; before any work."""
    if address is None:
        return
    from importlib.util import find_spec

    if find_spec("distributed") is None:
        raise EnvironmentProblem(f"--cluster needs Dask distributed, which is not installed. {EXTRA}")
    if "://" not in address or not address.split("://", 1)[1].strip("/"):
        raise InputError("--cluster", ascii(address)[:80], "the address of a Dask scheduler, such as tcp://host:8786")


def kind() -> dict[str, str]:
    """What makes numbers the same to the last bit: versions, the traced program, the processor and what it can do."""
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
        **found, "program": the_model().digest()[:16], "population": population().digest()[:16],
        "processor": llvm.get_host_cpu_name(), "device": os.environ.get("CORRIN_DEVICE") or "cpu",
        "features": hashlib.sha256(features.encode()).hexdigest()[:12],
    }  # fmt: skip


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


def _there(
    function: Callable[[Job], Result], jobs: Sequence[tuple[int, Job]], address: str, say: Callable[[str], None]
) -> Iterator[tuple[int, Result]]:  # fmt: skip
    check_address(address)
    from distributed import Client, as_completed

    try:
        client: Any = Client(address, timeout=ANSWERS_WITHIN_S, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, TimeoutError) as reason:
        raise EnvironmentProblem(f"No Dask scheduler answers at {address}: {type(reason).__name__}.") from None
    try:
        threads = _look(client, say)
        todo = iter(jobs)
        numbers: dict[Any, int] = {}

        def send() -> Any:
            following = next(todo, None)
            if following is None:
                return None
            future = client.submit(function, following[1], pure=False, retries=TRIED_AGAIN)
            numbers[future.key] = following[0]
            return future

        first = [future for future in (send() for _ in range(AHEAD * threads)) if future is not None]
        waiting: Any = as_completed(first, loop=client.loop)  # type: ignore[no-untyped-call]
        for future in waiting:
            result = _result(future)
            number = numbers.pop(future.key)
            future.release()
            following = send()
            if following is not None:
                waiting.add(following)
            yield number, result
    finally:
        client.close()


def _result(future: Any) -> Any:
    from distributed import KilledWorker

    try:
        return future.result()
    except KilledWorker:
        raise EnvironmentProblem("A block was lost again and again with the worker it was on (too little memory there?).") from None


def _look(client: Any, say: Callable[[str], None]) -> int:
    """How many threads the workers have together. Refuses other versions, tells of other processors."""
    try:
        client.wait_for_workers(1, timeout=ANSWERS_WITHIN_S)
    except TimeoutError:
        raise EnvironmentProblem("The Dask scheduler has no workers.") from None
    mine = kind()
    found: dict[str, dict[str, str]] = client.run(kind)
    for worker, theirs in sorted(found.items()):
        other = [name for name in SAME if theirs.get(name) != mine[name]]
        if other:
            said = ", ".join(f"{name} {theirs.get(name)} (here {mine[name]})" for name in other)
            raise EnvironmentProblem(f"Worker {worker} runs {said}. Numbers would not be the same; install the same versions there.")
    odd = sorted({f"{theirs['processor']}/{theirs['features']}" for theirs in found.values()} | {f"{mine['processor']}/{mine['features']}"})
    if len(odd) > 1:
        say(
            f"Different processors are at work ({', '.join(odd)}): numbers agree to about nine digits, not to the last bit, and a run "
            "taken up again elsewhere may not give the same bytes."
        )
    return max(1, sum(int(worker["nthreads"]) for worker in client.scheduler_info(n_workers=-1)["workers"].values()))
