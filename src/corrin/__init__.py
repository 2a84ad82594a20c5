"""corrin: an executable model of vitamin B12 and the nerves it keeps alive.

For education and research. Not a medical device.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

# read_fhir stands only below: rooms that ask for the version must not be seen to reach the shells.
if TYPE_CHECKING:
    from corrin.answers.check import check
    from corrin.answers.check_record import Check
    from corrin.answers.claim import ClaimAnswer, claim
    from corrin.answers.diet import DietAnswer, diet
    from corrin.answers.examples import example, examples
    from corrin.answers.explain import explain
    from corrin.answers.forecast import forecast
    from corrin.answers.record import Forecast, read_answer
    from corrin.answers.rerun import rerun
    from corrin.case.case import Case
    from corrin.case.plan import Plan, built_in_plans, read_plan
    from corrin.case.reader import read_case
    from corrin.errors import Bug, CorrinError, EnvironmentProblem, InputError, NotCovered

__version__ = "0.1.0"

# Each public name and the module that holds it; loaded on first use, so that `import corrin` stays instant.
_HOMES = {
    "Bug": "corrin.errors",
    "Case": "corrin.case.case",
    "ClaimAnswer": "corrin.answers.claim",
    "Check": "corrin.answers.check_record",
    "CorrinError": "corrin.errors",
    "DietAnswer": "corrin.answers.diet",
    "EnvironmentProblem": "corrin.errors",
    "Forecast": "corrin.answers.record",
    "InputError": "corrin.errors",
    "NotCovered": "corrin.errors",
    "Plan": "corrin.case.plan",
    "built_in_plans": "corrin.case.plan",
    "check": "corrin.answers.check",
    "claim": "corrin.answers.claim",
    "diet": "corrin.answers.diet",
    "example": "corrin.answers.examples",
    "examples": "corrin.answers.examples",
    "explain": "corrin.answers.explain",
    "forecast": "corrin.answers.forecast",
    "read_answer": "corrin.answers.record",
    "read_case": "corrin.case.reader",
    "read_fhir": "corrin.shells.fhir",
    "read_plan": "corrin.case.plan",
    "rerun": "corrin.answers.rerun",
}

__all__ = [
    "Bug",
    "Case",
    "Check",
    "CorrinError",
    "DietAnswer",
    "EnvironmentProblem",
    "Forecast",
    "InputError",
    "NotCovered",
    "Plan",
    "__version__",
    "built_in_plans",
    "check",
    "claim",
    "diet",
    "example",
    "examples",
    "explain",
    "forecast",
    "read_answer",
    "read_case",
    "read_fhir",
    "read_plan",
    "rerun",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'corrin' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
