"""Work in numbered blocks: a function of one plain job, which does not know where it runs.

Here blocks run one after another; a shell may hand down something that sends them to other machines (`shells/cluster.py`). Results are put
in the order of the jobs, so that whatever is summed is summed in one order.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from corrin.engine.simulate import Kernel

Job = TypeVar("Job")
Result = TypeVar("Result")
_LOADING = threading.Lock()


class Runner(Protocol):
    """How numbered jobs are run: (number, result) in the order they finish. The function must be importable by name."""

    def __call__(self, function: Callable[[Job], Result], jobs: Sequence[tuple[int, Job]], /) -> Iterator[tuple[int, Result]]: ...


def one_after_another(function: Callable[[Job], Result], jobs: Sequence[tuple[int, Job]]) -> Iterator[tuple[int, Result]]:
    """On this machine, in order."""
    for number, job in jobs:
        yield number, function(job)


def results(
    run: Runner, function: Callable[[Job], Result], jobs: Sequence[Job], told: Callable[[int], None] = lambda done: None
) -> list[Result]:  # fmt: skip
    """The result of each job, in the order of the jobs. `told` hears how many are done."""
    found: dict[int, Result] = {}
    for number, result in run(function, list(enumerate(jobs))):
        found[number] = result
        told(len(found))
    return [found[number] for number in range(len(jobs))]


def in_order(finished: Iterator[tuple[int, Result]], first: int = 0) -> Iterator[Result]:
    """Results of the jobs numbered first, first + 1, ... as they become whole: one that is early waits for those before it."""
    early: dict[int, Result] = {}
    for number, result in finished:
        early[number] = result
        while first in early:
            yield early.pop(first)
            first += 1


def loaded() -> Kernel:
    """The compiled body, loaded once in a process however many of its threads ask."""
    from corrin.inference.population import the_kernel

    with _LOADING:
        return the_kernel()
