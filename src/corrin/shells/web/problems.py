"""Errors as problem details (RFC 9457): what kind, where, what was found, what was expected, what to do."""

from __future__ import annotations

import json
from typing import Any

from corrin.errors import CorrinError, EnvironmentProblem, InputError, NotCovered
from corrin.shells.web.work import Full, Gone

JSON = "application/problem+json"
KINDS: tuple[tuple[type[Exception], int, str, str], ...] = (
    (InputError, 422, "input", "Something in the request cannot be used"),
    (NotCovered, 422, "not-covered", "corrin does not answer this"),
    (EnvironmentProblem, 503, "environment", "The machine cannot do this now"),
    (Full, 503, "busy", "Too much is waiting to be computed"),
    (Gone, 404, "gone", "There is no such work"),
    (CorrinError, 500, "bug", "Our own fault"),
)
"""Exception -> status, the end of its type, title."""


def problem(status: int, title: str, detail: str, kind: str = "", **more: Any) -> dict[str, Any]:
    """A problem as plain data. `kind` names it for programs; without one the status says all there is."""
    return {"type": f"urn:corrin:problem:{kind}" if kind else "about:blank", "title": title, "status": status, "detail": detail, **more}


def problem_bytes(status: int, title: str, detail: str) -> bytes:
    """The same as JSON."""
    return json.dumps(problem(status, title, detail)).encode()


def problem_of(error: Exception) -> dict[str, Any]:
    """An exception of ours as a problem; every fault of an `InputError` stands under `errors`."""
    for type_, status, kind, title in KINDS:
        if isinstance(error, type_):
            more = {"errors": [fault(item) for item in error.faults or (error,)]} if isinstance(error, InputError) else {}
            return problem(status, title, str(error), kind, **more)
    raise error


def fault(error: InputError) -> dict[str, str]:
    """One fault: its place in what was sent, and its sentence in parts."""
    return {"where": error.where, "found": error.found, "expected": error.expected, "cure": error.cure}
