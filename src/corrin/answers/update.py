"""What do new results change? The forecast with them, beside the forecast without them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from corrin.answers.assemble import Options
from corrin.answers.forecast import answered, chosen_plans, person_of
from corrin.answers.record import Forecast, Notice, WarningCode
from corrin.case.case import Case, Finding, Lab
from corrin.case.plan import Plan, read_plan
from corrin.case.results import read_finding, read_lab
from corrin.case.revise import Revised, revise
from corrin.errors import expect_all
from corrin.settings import checked

Source = str | Path | Mapping[str, Any]


def update(
    case: Case | Source,
    labs: Sequence[Lab | str | Mapping[str, Any]] | str = (),
    findings: Sequence[Finding | str | Mapping[str, Any]] | str = (),
    plans: Sequence[Plan | Source] | Plan | Source | None = None,
    years: float = 2.0,
    draws: int = 1000,
    seed: int = 1,
    followed: Plan | Source | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> Forecast:
    """The forecast of a case with further results, and beside it (`before`, `moved`, `learned`) what it was without them.

    A result is a line such as `serum_b12=210ng/L@2026-05-01`, a `Lab` or a dict; a finding such as `romberg=none@+60d`. One dated after
    `as_of` moves `as_of` to its day, in both forecasts; the case's own treatments since then become history, and `followed` names the plan
    that was carried out where the case does not say. `plans` go on from the new day.
    """
    years, draws, seed = checked("years", years), checked("draws", draws), checked("seed", seed)
    person = person_of(case)
    expect_all(labs, (Lab, str, Mapping), "labs", "results, such as serum_b12=210ng/L@2026-05-01")
    expect_all(findings, (Finding, str, Mapping), "findings", "findings, such as romberg=none@+60d")
    given = [labs] if isinstance(labs, str) else labs
    seen = [findings] if isinstance(findings, str) else findings
    revised = revise(
        person,
        [read_lab(lab) if isinstance(lab, str) else lab for lab in given],
        [read_finding(finding) if isinstance(finding, str) else finding for finding in seen],
        followed if followed is None or isinstance(followed, Plan) else read_plan(followed),
    )
    chosen = chosen_plans(revised.case, plans, years)
    answer = answered(revised.case, chosen, Options(years=years, draws=draws, seed=seed), progress, revised.earlier)
    notice = _since(person, revised)
    return answer if notice is None else answer.model_copy(update={"warnings": (*answer.warnings, notice)})


def _since(person: Case, revised: Revised) -> Notice | None:
    """What was taken for granted about the time between the old day 0 and the new one."""
    if not revised.moved_days:
        return None
    last = revised.moved_days
    begun = [given for given in revised.case.treatments if -last - 0.5 <= revised.case.day(given.from_, 0.0) < 0.0]
    names = list(dict.fromkeys(given.product or given.form or "B12" for given in begun))
    what = f"as written in the case, {', '.join(names)} was given" if names else "no new treatment is written, so only what went on before"
    text = f"The new results are {last:.0f} days later than the case ({person.as_of}), so today is their day. In between, {what}."
    return Notice(code=WarningCode.OTHER, text=text)
