"""`corrin population` on the disk: blocks streamed into a folder, taken up again, then the answer from their counts."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corrin.errors import CorrinError
from corrin.shells.cluster import check_address, kind, run_blocks
from corrin.shells.store import MARK, Store, make, need_pyarrow, opened, unpack, write

if TYPE_CHECKING:
    from corrin.answers.population_record import PopulationAnswer
    from corrin.answers.population_run import Counted
    from corrin.studies.crowd import Design


class Interrupted(CorrinError):
    """The user stopped a run that can be taken up again."""

    exit_code = 130


EVERY_S = 10.0
"""How often progress is told where no terminal watches."""


def answer(
    design: Design, people: int, seed: int, out: Path | None = None, resume: bool = False, cluster: str | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> PopulationAnswer:  # fmt: skip
    """Run a design; with `out`, rows and answer are written there. `say` is told what a user should know."""
    check_address(cluster)
    if out is None:
        return _kept_nowhere(design, people, seed, cluster, say)
    need_pyarrow()
    try:
        return _written(design, people, seed, out, resume, cluster, say)
    except KeyboardInterrupt:
        raise Interrupted(f"Interrupted. Finished blocks stay in {out}; the same command goes on from there.") from None


def _kept_nowhere(design: Design, people: int, seed: int, cluster: str | None, say: Callable[[str], None]) -> PopulationAnswer:
    from corrin.answers.population import answered
    from corrin.answers.population_run import jobs

    asked = jobs(design.to_dict(), people, seed, rows=False)
    watch = Watch(len(asked), people, say)
    return answered(design, people, seed, _counts(run_blocks(make, list(enumerate(asked)), cluster, say), watch))


def _written(
    design: Design, people: int, seed: int, out: Path, resume: bool, cluster: str | None, say: Callable[[str], None]
) -> PopulationAnswer:
    from corrin.answers.population import answered
    from corrin.answers.population_run import BLOCK, jobs

    identity = {"design": design.to_dict(), "people": people, "seed": seed, "block": BLOCK, "made_by": kind()}
    with opened(out, identity, resume, say) as store:
        asked = jobs(design.to_dict(), people, seed, rows=True)
        done = {number: counted for number in range(len(asked)) if (counted := store.done(number)) is not None}
        if done:
            say(f"{len(done):,} of {len(asked):,} blocks are there already.")
        watch = Watch(len(asked), people, say, len(done))
        left = [(number, job) for number, job in enumerate(asked) if number not in done]
        total: Counted | None = None
        for counted in done.values():
            total = counted if total is None else total + counted
        for number, part in run_blocks(make, left, cluster, say):
            store.keep(number, part)
            counted = unpack(part.counts)[0]
            total = counted if total is None else total + counted
            watch.step()
        assert total is not None
        made = answered(design, people, seed, [total])
        _finish(store, made)
    return made


def _counts(parts: Iterator[tuple[int, Any]], watch: Watch) -> Iterator[Counted]:
    for _, part in parts:
        watch.step()
        yield unpack(part.counts)[0]


def _finish(store: Store, made: PopulationAnswer) -> None:
    """Report and figures, and the answer last: it says that the folder is whole."""
    from corrin.show.population_charts import figures

    write(store.folder / "report.txt", made.text().encode("utf-8"))
    for name, content in figures(made.to_dict()).items():
        write(store.folder / name, content)
    write(store.folder / MARK, made.to_json().encode("utf-8"))


class Watch:
    """Progress with the time left, on stderr: a line that is rewritten on a terminal, else one every few seconds."""

    def __init__(self, blocks: int, people: int, say: Callable[[str], None], done: int = 0) -> None:
        self.blocks, self.people, self.say, self.done, self.before = blocks, people, say, done, done
        self.began = self.told = time.monotonic()

    def step(self) -> None:
        """One more block is done."""
        self.done += 1
        now = time.monotonic()
        last = self.done >= self.blocks
        terminal = sys.stderr.isatty()
        if not terminal and (now - self.told < EVERY_S or last):
            return
        self.told = now
        left = (now - self.began) / max(1, self.done - self.before) * (self.blocks - self.done)
        line = f"{self.people * self.done // self.blocks:,} of {self.people:,} people, {minutes(left)} left"
        if not terminal:
            self.say(line)
            return
        sys.stderr.write("\r" + ("" if last else line).ljust(70) + ("\r" if last else ""))
        sys.stderr.flush()


def minutes(seconds: float) -> str:
    """`40 s`, `12 min`, `3.5 h`."""
    if seconds < 90.0:
        return f"{seconds:.0f} s"
    return f"{seconds / 60.0:.0f} min" if seconds < 5400.0 else f"{seconds / 3600.0:.1f} h"
