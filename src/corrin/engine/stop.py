"""A flag that stops whatever one thread has asked of the engine, without a word passed through every layer between; tasks side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

FLAG: ContextVar[NDArray[np.uint8] | None] = ContextVar("corrin-stop", default=None)
"""Where it is set, runs of this thread without a `Cancel` of their own look at it before every segment, and end once it is not 0."""

T = TypeVar("T")


@contextmanager
def side_by_side() -> Iterator[Callable[[Callable[[], T]], Future[T]]]:
    """What starts a task in a thread of its own, so that one is put together while another is in compiled code. Tasks not done when the
    block is left are waited for; where it is left by an error (or Ctrl-C), they are stopped."""
    asked = FLAG.get()
    flag = np.zeros(1, np.uint8) if asked is None else asked

    def start(task: Callable[[], T]) -> Future[T]:
        context = copy_context()
        context.run(FLAG.set, flag)
        return threads.submit(context.run, task)

    with ThreadPoolExecutor(thread_name_prefix="corrin-task") as threads:
        try:
            yield start
        except BaseException:
            if asked is None:  # who else looks at that flag has asked for nothing to stop
                flag[0] = 1
            threads.shutdown(wait=False, cancel_futures=True)
            raise
