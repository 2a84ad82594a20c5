"""Every exception corrin raises on purpose.

CorrinError                     exit code
├── InputError                  2   a case, plan, option or table says something impossible or unreadable
├── NotCovered                  3   a question corrin does not answer (a child under adult rules)
├── EnvironmentProblem          5   disk, memory, cache, missing optional package
└── Bug                         70  our own fault

Exit code 4 is not an exception: the data contradict the model, and the answer is still given (`answer.warnings`).
"""

from __future__ import annotations

from collections.abc import Collection


class CorrinError(Exception):
    """Base of the tree. `str(error)` is the sentence shown to the user."""

    exit_code = 70


class InputError(CorrinError):
    """Something the user wrote cannot be used: what, where, what was expected, what to do.

    Several faults found in one reading are gathered in `faults` (one sentence each) so that a user mends them in one go.
    """

    exit_code = 2

    def __init__(self, where: str, found: str, expected: str = "", cure: str = "", faults: tuple[InputError, ...] = ()) -> None:
        self.where, self.found, self.expected, self.cure, self.faults = where, found, expected, cure, faults
        if faults:
            text = "\n".join(str(fault) for fault in faults)
        else:
            text = f"{where}: {found}"
            if expected:
                text += f"; expected {expected}"
            text += "."
            if cure:
                text += f" {cure}"
        super().__init__(text)

    def __reduce__(self) -> tuple[type[InputError], tuple[str, str, str, str, tuple[InputError, ...]]]:
        """From its parts, so that it can come back from another process."""
        return type(self), (self.where, self.found, self.expected, self.cure, self.faults)


def expect(value: object, kinds: type | tuple[type, ...], where: str, expected: str) -> None:
    """Raises `InputError` for an argument of a type that cannot be meant, so that Python callers are told as the command line's are."""
    if not isinstance(value, kinds):
        raise InputError(where, f"something of type {type(value).__name__}", expected)


def expect_all(values: object, kinds: type | tuple[type, ...], where: str, expected: str) -> None:
    """The same of each of several: a list, a tuple, a dict's keys."""
    expect(values, (Collection,), where, expected)
    for number, value in enumerate(values if isinstance(values, Collection) else ()):
        expect(value, kinds, f"{where}[{number}]", expected)


class NotCovered(CorrinError):
    """The question is outside what corrin answers; the message says why and where to turn."""

    exit_code = 3


class EnvironmentProblem(CorrinError):
    """The machine, not the input: no space, no permission, an optional package is missing."""

    exit_code = 5


class Bug(CorrinError):
    """A broken promise inside corrin."""

    exit_code = 70
