"""Shapes that several answers share."""

from __future__ import annotations

from typing import Any, NotRequired

from pydantic import ConfigDict
from typing_extensions import TypedDict


class Shape(TypedDict):
    """An object of an answer: these keys and no others."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]


class Open(TypedDict):
    """An object that may gain keys within its version."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]


class Made(Shape):
    """How an answer that is looked up was made; nothing is drawn, so `draws` is 0 and there is no seed."""

    versions: dict[str, str]
    hashes: dict[str, str]
    options: dict[str, Any]
    seed: int | None
    draws: int
    input_hash: str
    platform: str


class MadeByDraws(Open):
    """How a simulated answer was made."""

    versions: dict[str, str]
    hashes: dict[str, str]
    seed: int
    draws: int
    effective_sample_size: float
    failed_people: int
    certificate: float | None
    calibration: str
    input_hash: str
    platform: str


class Who(Shape):
    """Who is asked about."""

    age_y: float
    sex: str


class Picture(Shape):
    """What single results say of B12: lacking, blocked, enough, uncertain or not tested."""

    kind: str
    because: list[str]


class Recognised(Shape):
    """A syndrome recognised in the findings, with its urgency."""

    id: str
    name: str
    sure: str
    urgency: str
    because: list[str]
    next_step: str
    not_known: list[str]
    outcomes: list[str]


class Verdict(Shape):
    """Whether B12 explains the findings."""

    explained: bool
    words: str
    why: list[str]


class Mimic(Shape):
    """Something else it could be, and the test that tells."""

    id: str
    name: str
    red_flag: bool
    status: str
    because: str
    looks: str
    test: str
    why: str
    grade: str
    seen: str
    note: str
    sources: list[str]


class Share(Shape):
    """A share of people with its interval."""

    value: float
    low: float
    high: float
    method: str


class Series(Shape):
    """What became of people in a published series."""

    id: str
    syndrome: str
    what: str
    count: float | None
    people: float | None
    words: str
    who: str
    severity: str
    delay: str
    follow_up: str
    grade: str
    seen: str
    note: str
    sources: list[str]
    share: NotRequired[Share]


class Statement(Shape):
    """Something else that matters, with its measure; `because`: why it concerns this person."""

    id: str
    name: str
    direction: str
    statement: str
    measure: str
    value: float | None
    low: float | None
    high: float | None
    unit: str
    people: str
    grade: str
    seen: str
    note: str
    sources: list[str]
    because: NotRequired[str]


class Evidence(Shape):
    """How good the evidence is, and why."""

    grade: str
    because: list[str]
