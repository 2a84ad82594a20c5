"""Make an answer again from its own file, and say what differs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from corrin.answers.assemble import Options
from corrin.answers.forecast import answered, forecast
from corrin.answers.record import Forecast, read_answer
from corrin.case.plan import read_plan
from corrin.case.reader import read_case
from corrin.errors import InputError

SAME = 1e-9
"""Relative difference allowed across processors; on one machine the bytes are the same."""


def rerun(path: str | Path, progress: Callable[[str, float], None] | None = None) -> tuple[Forecast, list[str]]:
    """The answer made again, and one sentence for each way in which it differs (none: reproduced)."""
    old = read_answer(path)
    if not old.inputs.get("case"):
        raise InputError(str(path), "holds no inputs", "an answer written by `corrin forecast`")
    years = old.made.options.get("years", 2.0)
    if old.inputs.get("earlier"):  # an update: the same two forecasts side by side
        case, earlier = read_case(old.inputs["case"]), read_case(old.inputs["earlier"])
        options = Options(years=float(years), draws=old.made.draws, seed=old.made.seed)
        new = answered(case, [read_plan(plan) for plan in old.inputs["plans"]], options, progress, earlier)
        return new, differences(old, new)
    new = forecast(old.inputs["case"], old.inputs["plans"], years=float(years), draws=old.made.draws, seed=old.made.seed, progress=progress)
    return new, differences(old, new)


def differences(old: Forecast, new: Forecast) -> list[str]:
    """What moved between two answers, in sentences: versions, hashes, then the readings that differ most."""
    found = []
    for what in ("versions", "hashes"):
        before, after = getattr(old.made, what), getattr(new.made, what)
        for name in sorted(before.keys() | after.keys()):
            if before.get(name) != after.get(name):
                found.append(f"{what[:-1]} of {name}: {before.get(name, 'absent')} then, {after.get(name, 'absent')} now")
    if old.made.platform != new.made.platform:
        found.append(f"platform: {old.made.platform} then, {new.made.platform} now")
    if old.made.input_hash != new.made.input_hash:
        found.append("the inputs differ")
    was, now = {plan.name: plan.readings for plan in old.plans}, {plan.name: plan.readings for plan in new.plans}
    for plan in sorted(was.keys() & now.keys()):
        for name in sorted(was[plan].keys() & now[plan].keys()):
            before, after = was[plan][name], now[plan][name]
            if len(before.p50) != len(after.p50):
                found.append(f"{name} under {plan}: other times")
                continue
            width = max(abs(value) for value in (*before.p95, *before.p05, 1e-12))
            moved = max(abs(a - b) for a, b in zip(before.p50, after.p50, strict=True)) / width
            # An answer file keeps six significant digits.
            if moved > max(SAME, 1e-5):
                found.append(f"{name} under {plan}: median moved by up to {100 * moved:.2g} % of its largest value")
    return found
