"""What would this trial find, and how often? A design in, expected effects with intervals, power and size out.

document.py   corrin.trial-design/1, the shape of a design       reader.py   reading it, faults with their place
repeat.py     the trial done again and again               analysis.py the tests it ends with
power.py      effects, power, size                         record.py   the answer
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corrin.answers.trial.document import Trial
from corrin.errors import InputError

if TYPE_CHECKING:
    from corrin.inference.blocks import Runner

__all__ = ["Trial", "trial"]

LEAST_REPEATS, MOST_REPEATS = 50, 20_000
CURVE_D = (1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 14.0, 21.0, 28.0, 42.0, 56.0, 70.0, 91.0)
MONTHS_D = 30.4375
MOST_DAYS = 60


def trial(
    design: Trial | str | Path | Mapping[str, Any], repeats: int = 1000, draws: int = 1000, seed: int = 1,
    progress: Callable[[str, float], None] | None = None, run: Runner | None = None,
) -> Any:  # fmt: skip
    """Run a virtual trial: a `TrialAnswer`.

    `design`: a `Trial`, a file, a text, a dict, or the name of a design that comes with corrin. `repeats`: how often the trial is done
    (50 to 20,000). `draws`: how many people who may enter are drawn. `run`: where blocks of work are done (each arm, the repeats of each
    kind, each comparison of an end point with its search for a size); here where it is not told, and the answer is the same.
    Raises `InputError`, `NotCovered` (children).
    """
    import numpy as np

    from corrin.answers import check_run
    from corrin.answers.assemble import input_hash, machine, versions
    from corrin.answers.record import Made
    from corrin.answers.trial import power, repeat, tell
    from corrin.answers.trial.reader import as_study, plan_of, read_trial
    from corrin.answers.trial.record import TrialAnswer
    from corrin.inference.blocks import one_after_another, results
    from corrin.inference.population import population, the_kernel
    from corrin.inference.trial import Given, pool_of, recruit
    from corrin.settings import checked

    held = design if isinstance(design, Trial) else read_trial(design)
    draws, seed = checked("draws", draws), checked("seed", seed)
    if isinstance(repeats, bool) or not isinstance(repeats, int) or not LEAST_REPEATS <= repeats <= MOST_REPEATS:
        raise InputError("repeats", repr(repeats)[:60], f"a whole number from {LEAST_REPEATS} to {MOST_REPEATS:,}")
    if draws < 100:
        raise InputError("draws", str(draws), "at least 100", "Fewer people do not tell how people differ.")
    say, run = progress or (lambda what, share: None), run or one_after_another
    say("loading the model", 0.0)
    kernel, people_of = the_kernel(), population()
    study = as_study(held)
    say("finding people who may enter", 0.05)
    cohort = recruit(study.key, held.people, study.entry, study.baseline, kernel, people_of, draws, seed)
    arms = [Given(arm.name, plan_of(arm)) for arm in held.arm]
    wanted = repeat.quantities(held) or ("mma",)
    pool = pool_of(
        cohort, arms, curve_days(held), wanted, kernel, people_of, seed, lambda what, share: say(what, 0.3 + 0.3 * share), run
    )  # fmt: skip
    here = repeat.ready(held, pool)
    say("repeating the trial", 0.6)
    sent = here.without_courses()
    typical, unknown = results(run, power.repeated, [power.Asked(sent, held.n, repeats, seed, worlds) for worlds in (False, True)])
    counts = arm_sizes(held)
    say("effects and sizes", 0.7)
    pairs = [(one, arm) for one in held.end_point for arm in range(len(held.arm)) if arm != here.control]
    asked = [power.Pair(sent, one, arm, typical.of(one, arm), unknown.of(one, arm), tuple(counts), repeats, seed) for one, arm in pairs]
    told = results(run, power.compared, asked, lambda done: say("effects and sizes", 0.7 + 0.3 * done / len(asked)))
    compared = {one.name: [item for pair, item in zip(pairs, told, strict=True) if pair[0] is one] for one in held.end_point}
    end_points = tuple(tell.end_point(here, one, compared[one.name], unknown, seed) for one in held.end_point)
    basis = check_run.basis()
    errors = [item.expected_error for one in end_points for item in one.comparisons if item.expected_error is not None]
    return TrialAnswer(
        verdict=tell.verdict(held, end_points, repeats),
        design=held.to_dict(),
        n=held.n,
        arms=tell.arms(held, counts),
        end_points=end_points,
        courses=tell.courses(here),
        warnings=tuple(tell.notices(here, basis.calibration)),
        assumptions=tell.assumptions(held),
        made=Made(
            versions=versions(),
            hashes={**basis.hashes, "design": hashlib.sha256(held.model_dump_json().encode()).hexdigest()[:16]},
            seed=seed,
            draws=draws,
            effective_sample_size=float(pool.effective),
            options={"repeats": repeats, "worlds": repeat.WORLDS},
            input_hash=input_hash({"trial": held.to_dict()}),
            platform=machine(),
            failed_people=pool.failed,
            monte_carlo_error=float(np.max(errors)) if errors else 0.0,
            calibration=basis.calibration,
            certificate=float(pool.error),
        ),
    )


def curve_days(held: Trial) -> list[float]:
    """Days the arms are read on: the visits, and days between them for the picture."""
    last = held.visits_d[-1]
    months = [MONTHS_D * month for month in range(4, 1 + int(last / MONTHS_D))]
    step = max(1, -(-len(months) // (MOST_DAYS - len(CURVE_D))))
    between = {day for day in (*CURVE_D, *months[::step]) if day < last}
    return sorted(between | set(held.visits_d))


def arm_sizes(held: Trial) -> list[int]:
    """Randomised to each arm, in whole people that add up."""
    parts = [arm.share for arm in held.arm]
    exact = [held.n * part / sum(parts) for part in parts]
    counts = [int(value + 1e-9) for value in exact]
    for place in sorted(range(len(parts)), key=lambda k: counts[k] - exact[k])[: held.n - sum(counts)]:
        counts[place] += 1
    return counts
