"""Work that takes seconds: one queue before the one engine, with a limit, progress and a way to stop.

One piece of work runs at a time, because the engine already uses every core; previews have a lane of their own, so that a slider answers
while a full run is on. What is done is held in memory for a while and then forgotten.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from corrin.engine.stop import FLAG

State = Literal["waiting", "running", "done", "failed", "cancelled"]
Progress = Callable[[str, float], None]
Found = TypeVar("Found")
KEPT_SECONDS = 1800.0
"""How long a result is held after it was made."""
MOST_KEPT = 100


class Full(Exception):
    """The queue is full."""

    def __init__(self) -> None:
        super().__init__("Too many questions are waiting for the engine. Try again in a minute.")


class Gone(Exception):
    """No such work: it was never asked for, or it is held no more."""

    def __init__(self) -> None:
        super().__init__("It was never asked for, or is held no more. Ask again.")


class Stopped(Exception):
    """Whoever asked has stopped it."""


@dataclass
class Job(Generic[Found]):
    """One piece of work: its state, what is being done and how far it is (0 to 1), and in the end what was found or what went wrong."""

    what: str
    id: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    state: State = "waiting"
    says: str = "waiting for its turn"
    share: float = 0.0
    found: Found | None = None
    error: Exception | None = None
    ended: float | None = None
    flag: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(1, np.uint8))
    """Looked at by the engine before every segment of a run."""
    turned: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self.state in ("done", "failed", "cancelled")

    @property
    def asked_to_stop(self) -> bool:
        """Whether somebody wants no more of it."""
        return bool(self.flag[0])

    def tell(self, says: str, share: float) -> None:
        """Progress, as answers tell it; here, and in the engine, is where work that was stopped ends."""
        if self.asked_to_stop:
            raise Stopped
        self.says, self.share = says, max(self.share, min(share, 1.0))

    def stop(self) -> None:
        """End it: at once while it waits for its turn, at the next segment of a run or the next sign of progress afterwards."""
        self.flag[0] = 1
        with self.lock:
            if self.state == "waiting":
                self._end("cancelled", "stopped")

    def take(self) -> bool:
        """Begin it; whether it still wants to be done."""
        with self.lock:
            if self.state == "waiting":
                self.state, self.says = "running", "begun"
                return True
            return False

    def _end(self, state: State, says: str) -> None:
        self.state, self.says, self.ended = state, says, time.monotonic()
        self.turned.set()

    def wait(self, seconds: float) -> bool:
        """Until it is over, or so long; whether it is over."""
        return self.turned.wait(seconds)


class Engine:
    """The queue. `waiting`: how many pieces of work may be under way and waiting together."""

    def __init__(self, waiting: int = 16) -> None:
        self.most = waiting
        self.jobs: dict[str, Job[Any]] = {}
        self.lock = threading.Lock()
        self.lane = ThreadPoolExecutor(1, "corrin-answers")
        self.quick = ThreadPoolExecutor(1, "corrin-previews")
        self.glances = 0

    def submit(self, what: str, call: Callable[[Progress], Found]) -> Job[Found]:
        """Put work in the queue. Raises `Full`."""
        job: Job[Found] = Job(what)
        with self.lock:
            self._forget()
            if sum(not held.over for held in self.jobs.values()) >= self.most:
                raise Full
            self.jobs[job.id] = job
        self.lane.submit(self._run, job, call)
        return job

    def glance(self, call: Callable[[], Found], seconds: float = 20.0) -> Found:
        """Quick work now, beside the queue. Raises `Full` when too many look at once."""
        with self.lock:
            if self.glances >= 8:
                raise Full
            self.glances += 1
        try:
            future: Future[Found] = self.quick.submit(call)
            try:
                return future.result(seconds)
            except TimeoutError:
                future.cancel()
                raise Full from None
        finally:
            with self.lock:
                self.glances -= 1

    def get(self, name: str) -> Job[Any]:
        """The work of that id. Raises `Gone`."""
        with self.lock:
            self._forget()
            if name not in self.jobs:
                raise Gone
            return self.jobs[name]

    def close(self) -> None:
        """Stop what runs, drop what waits."""
        for job in self.jobs.values():
            job.stop()
        self.lane.shutdown(wait=False, cancel_futures=True)
        self.quick.shutdown(wait=False, cancel_futures=True)

    def _run(self, job: Job[Any], call: Callable[[Progress], Any]) -> None:
        if not job.take():
            return
        asked = FLAG.set(job.flag)
        try:
            job.found = call(job.tell)
            job.share = 1.0
            job._end("done", "done")
        except Exception as error:  # whoever asked is told; nothing is logged, because a message may hold what was typed
            if job.asked_to_stop:
                job._end("cancelled", "stopped")
            else:
                job.error = error.with_traceback(None)
                job._end("failed", "failed")
        finally:
            FLAG.reset(asked)

    def _forget(self) -> None:
        now = time.monotonic()
        over = sorted((job for job in self.jobs.values() if job.ended is not None), key=lambda job: job.ended or 0.0)
        for job in over:
            if now - (job.ended or now) > KEPT_SECONDS or len(self.jobs) > MOST_KEPT:
                del self.jobs[job.id]
