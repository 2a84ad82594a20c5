"""Tasks side by side: their results are those of one after the other, an error stops what is still going, Ctrl-C does not wait for it."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future

import numpy as np
import pytest

from corrin.engine.stop import FLAG, side_by_side


def until_stopped(limit_s: float = 20.0) -> bool:
    """Goes on, as a run of the engine does, until its flag is raised; True if it was."""
    flag = FLAG.get()
    assert flag is not None
    end = time.monotonic() + limit_s
    while not flag[0] and time.monotonic() < end:
        time.sleep(0.005)
    return bool(flag[0])


def test_tasks_run_at_the_same_time() -> None:
    meeting = threading.Barrier(2, timeout=20)
    with side_by_side() as start:
        tasks = [start(meeting.wait) for _ in range(2)]  # one after the other, the first would wait for ever
        assert sorted(task.result() for task in tasks) == [0, 1]


def broken(problem: BaseException, going: list[Future[bool]]) -> None:
    """A block that is left by an error while a task goes on."""
    with side_by_side() as start:
        going.append(start(until_stopped))
        raise problem


@pytest.mark.parametrize("problem", [ValueError("the first"), KeyboardInterrupt("the first")])
def test_an_error_stops_what_is_still_going(problem: BaseException) -> None:
    going: list[Future[bool]] = []
    with pytest.raises(type(problem), match="the first"):
        broken(problem, going)
    assert going[0].result()


def test_an_error_in_a_task_stops_the_others() -> None:
    going: list[Future[bool]] = []

    def fails() -> None:
        raise ValueError("the first")

    def block() -> None:
        with side_by_side() as start:
            going.append(start(until_stopped))
            start(fails).result()

    with pytest.raises(ValueError, match="the first"):
        block()
    assert going[0].result()


def test_a_flag_that_others_look_at_is_theirs() -> None:
    flag = np.zeros(1, np.uint8)

    def block() -> None:
        with side_by_side() as start:
            assert start(FLAG.get).result() is flag
            raise ValueError("the first")

    token = FLAG.set(flag)
    try:
        with pytest.raises(ValueError, match="the first"):
            block()
    finally:
        FLAG.reset(token)
    assert flag[0] == 0
    assert FLAG.get() is None


def test_what_was_stopped_by_its_owner_ends() -> None:
    flag = np.zeros(1, np.uint8)
    token = FLAG.set(flag)
    try:
        with side_by_side() as start:
            task = start(until_stopped)
            flag[0] = 1
            assert task.result()
    finally:
        FLAG.reset(token)
