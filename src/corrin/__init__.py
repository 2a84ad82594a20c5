"""corrin: an executable model of vitamin B12 and the nerves it keeps alive.

For education and research. Not a medical device.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from corrin.version import __version__

# read_fhir stands only below: rooms that ask for the version must not be seen to reach the shells.
if TYPE_CHECKING:
    from corrin.answers.assess import AssessAnswer, assess
    from corrin.answers.check import check
    from corrin.answers.check_record import Check
    from corrin.answers.claim import ClaimAnswer, claim
    from corrin.answers.compare import compare
    from corrin.answers.compare_record import Compare
    from corrin.answers.design import design
    from corrin.answers.diet import DietAnswer, diet
    from corrin.answers.examples import example, examples
    from corrin.answers.explain import explain
    from corrin.answers.forecast import forecast
    from corrin.answers.matters import MattersAnswer, matters
    from corrin.answers.mimics import MimicsAnswer, mimics
    from corrin.answers.pain import PainAnswer, pain
    from corrin.answers.population import population
    from corrin.answers.recognise import Recognised, recognised
    from corrin.answers.record import Forecast, read_answer
    from corrin.answers.rerun import rerun
    from corrin.answers.sensitivity import sensitivity
    from corrin.answers.stop import Stop, stop
    from corrin.answers.trial import trial
    from corrin.answers.update import update
    from corrin.case.case import Case
    from corrin.case.plan import Plan, built_in_plans, read_plan
    from corrin.case.reader import read_case
    from corrin.errors import Bug, CorrinError, EnvironmentProblem, InputError, NotCovered

# Each public name and the module that holds it; loaded on first use, so that `import corrin` stays instant.
_HOMES = {
    "AssessAnswer": "corrin.answers.assess",
    "Bug": "corrin.errors",
    "Case": "corrin.case.case",
    "Check": "corrin.answers.check_record",
    "ClaimAnswer": "corrin.answers.claim",
    "Compare": "corrin.answers.compare_record",
    "CorrinError": "corrin.errors",
    "DelayAnswer": "corrin.answers.delay",
    "DietAnswer": "corrin.answers.diet",
    "EnvironmentProblem": "corrin.errors",
    "Forecast": "corrin.answers.record",
    "InputError": "corrin.errors",
    "MattersAnswer": "corrin.answers.matters",
    "MimicsAnswer": "corrin.answers.mimics",
    "NotCovered": "corrin.errors",
    "PainAnswer": "corrin.answers.pain",
    "Plan": "corrin.case.plan",
    "Recognised": "corrin.answers.recognise",
    "RecoverAnswer": "corrin.answers.recover",
    "Stop": "corrin.answers.stop",
    "assess": "corrin.answers.assess",
    "built_in_plans": "corrin.case.plan",
    "check": "corrin.answers.check",
    "claim": "corrin.answers.claim",
    "compare": "corrin.answers.compare",
    "delay": "corrin.answers.delay",
    "design": "corrin.answers.design",
    "diet": "corrin.answers.diet",
    "example": "corrin.answers.examples",
    "examples": "corrin.answers.examples",
    "explain": "corrin.answers.explain",
    "forecast": "corrin.answers.forecast",
    "matters": "corrin.answers.matters",
    "mimics": "corrin.answers.mimics",
    "pain": "corrin.answers.pain",
    "population": "corrin.answers.population",
    "read_answer": "corrin.answers.record",
    "read_case": "corrin.case.reader",
    "read_fhir": "corrin.shells.fhir",
    "read_plan": "corrin.case.plan",
    "recognised": "corrin.answers.recognise",
    "recover": "corrin.answers.recover",
    "rerun": "corrin.answers.rerun",
    "sensitivity": "corrin.answers.sensitivity",
    "stop": "corrin.answers.stop",
    "trial": "corrin.answers.trial",
    "update": "corrin.answers.update",
}

__all__ = [
    "AssessAnswer",
    "Bug",
    "Case",
    "Check",
    "ClaimAnswer",
    "Compare",
    "CorrinError",
    "DelayAnswer",
    "DietAnswer",
    "EnvironmentProblem",
    "Forecast",
    "InputError",
    "MattersAnswer",
    "MimicsAnswer",
    "NotCovered",
    "PainAnswer",
    "Plan",
    "Recognised",
    "RecoverAnswer",
    "Stop",
    "__version__",
    "assess",
    "built_in_plans",
    "check",
    "claim",
    "compare",
    "delay",
    "design",
    "diet",
    "example",
    "examples",
    "explain",
    "forecast",
    "matters",
    "mimics",
    "pain",
    "population",
    "read_answer",
    "read_case",
    "read_fhir",
    "read_plan",
    "recognised",
    "recover",
    "rerun",
    "sensitivity",
    "stop",
    "trial",
    "update",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'corrin' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
