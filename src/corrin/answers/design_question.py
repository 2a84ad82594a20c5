"""`corrin.design-question/1`: a question between two forms of the model, who could be studied, and what could be measured at what cost.

An answer of `corrin design --json` (`corrin.design/1`, `design_record.py`) holds its question and reads back as it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from corrin.answers.trial.document import Day, Name, Positive, Rule, Text, TrialArm
from corrin.answers.trial.reader import _arm, _place, _unknown, readings
from corrin.case import known
from corrin.case.reader import raise_all, read_document, shape, shown
from corrin.errors import InputError
from corrin.studies.reader import SIGNS, study_faults
from corrin.studies.schema import SOME, Arm, EntryRule, Population, Strict, Study

FORMAT = "corrin.design-question/1"
Visit = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0.0, le=7305.0)]


class Between(Strict):
    """The alternatives: a form of the model that is there or not, or an unknown number one SD below and above its typical value."""

    parameter: Name
    no: Text
    """The alternative without the form, or with the low value, in words."""
    yes: Text
    """The other."""


class QuestionArm(TrialArm):
    """People who could be studied and what they would be given; its own people where they differ from the question's."""

    people: Population | None = None


class Measure(Strict):
    """What could be measured at a visit: cost of one, and the scatter of one (as in [noise] of a trial) where the tables have none."""

    reading: Name
    cost: Positive = 0.3
    noise: Annotated[float, Field(strict=True, ge=0.0, le=100.0)] | None = None


class Wanted(Strict):
    """An answer that the study would narrow: the mean of a reading in an arm on a day."""

    name: Name
    arm: Name
    reading: Name
    day: Day


class Costs(Strict):
    """Arbitrary units: one person recruited, one visit of one person. What is measured has its own cost."""

    person: Annotated[float, Field(strict=True, ge=0.0, le=1e6)] = 5.0
    visit: Annotated[float, Field(strict=True, ge=0.0, le=1e6)] = 1.0


class Question(Strict):
    """One question."""

    format: Literal["corrin.design-question/1"]
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
    title: Text = ""
    description: Text | None = None
    people: Population
    entry: Annotated[tuple[Rule, ...], Field(max_length=12)] = ()
    between: Between
    arm: Annotated[tuple[QuestionArm, ...], Field(max_length=4, json_schema_extra=SOME)]
    days: Annotated[tuple[Visit, ...], Field(max_length=30, json_schema_extra=SOME)]
    measure: Annotated[tuple[Measure, ...], Field(max_length=10, json_schema_extra=SOME)]
    answer: Annotated[tuple[Wanted, ...], Field(max_length=10)] = ()
    n: Annotated[tuple[Annotated[int, Field(strict=True, ge=2, le=10_000)], ...], Field(max_length=12, json_schema_extra=SOME)] = (
        6,
        12,
        25,
        50,
        100,
    )
    """Sizes of an arm that are looked at."""
    wanted: Annotated[float, Field(strict=True, gt=0.5, lt=1.0)] = 0.95
    """Probability the study should give to the alternative that holds, on average."""
    costs: Costs = Costs()

    @model_validator(mode="after")
    def _something(self) -> Question:
        for name in ("arm", "days", "measure", "n"):
            if not getattr(self, name):
                raise ValueError(f"{name} is empty; expected one or more")
        return self

    def to_dict(self) -> dict[str, Any]:
        """Plain data that `read_question` reads back into an equal question."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True) | {"format": self.format}


def read_question(source: str | Path | Mapping[str, Any]) -> Question:
    """A question from a file, a text, a dict, or the name of one that comes with corrin. Raises `InputError` with every fault."""
    if isinstance(source, str) and source in packaged():
        return packaged()[source]
    if isinstance(source, str) and re.fullmatch(r"[\w-]{1,64}", source, re.ASCII) and not Path(source).exists():
        near = known.near(source.lower(), {name: name for name in packaged()})
        cure = f"Did you mean {' or '.join(near)}?" if near else f"Questions that come with corrin: {', '.join(packaged())}."
        raise InputError("question", f"{source} is neither a question that comes with corrin nor a file", "", cure)
    where, document = read_document(source, "design-question")
    if document.get("question") == "design" and isinstance(document.get("asked"), dict):
        document = document["asked"]  # an answer reads back as its question
    question = shape(document, Question, where, FORMAT)
    raise_all(where, list(question_faults(question)))
    return question


@lru_cache(maxsize=1)
def packaged() -> Mapping[str, Question]:
    """The questions that come with corrin, by name."""
    found = {}
    for item in sorted(files("corrin").joinpath("trials").iterdir(), key=lambda item: item.name):
        if item.name.startswith("question-") and item.name.endswith(".toml"):
            document = read_document(item.read_text(encoding="utf-8"), "design-question")[1]
            question = shape(document, Question, item.name, FORMAT)
            raise_all(item.name, list(question_faults(question)))
            found[question.name] = question
    return MappingProxyType(found)


def question_faults(question: Question) -> Iterator[InputError]:
    """Every reason why a question of the right shape cannot be answered, each with its place."""
    rules = tuple(EntryRule(reading=rule.reading, unit=rule.unit, low=rule.low, high=rule.high) for rule in question.entry)
    groups = [("people", question.people)]
    groups += [(f"arm[{number}].people", arm.people) for number, arm in enumerate(question.arm) if arm.people is not None]
    for where, people in groups:
        study = Study(
            format="corrin.study/1", key="question", citation="", seen="assumed", design="", role="check", population=people,
            entry=rules if where == "people" else (), arm=(Arm(name="all"),),
        )  # fmt: skip
        for fault in study_faults(study):
            yield InputError(_place(fault.where).replace("people", where, 1), fault.found, fault.expected, fault.cure)
    yield from _parameter(question.between.parameter)
    last = max((*question.days, *(one.day for one in question.answer)))
    names = [arm.name for arm in question.arm]
    for name in {name for name in names if names.count(name) > 1}:
        yield InputError("arm", f"two are named {shown(name)}", "each name once")
    for number, arm in enumerate(question.arm):
        yield from _arm(arm, f"arm[{number}].plan ({arm.name})", max(last, 1.0))
    if list(question.days) != sorted(set(question.days)):
        yield InputError("days", "not in order, or twice the same", "days in order, each once")
    if question.days == (0.0,):
        yield InputError("days", "day 0 alone", "days after it: nothing has been given on day 0")
    seen: set[str] = set()
    for number, one in enumerate(question.measure):
        if one.reading not in readings() or one.reading in SIGNS:
            yield _unknown(f"measure[{number}].reading", one.reading, "a reading that is measured as a level")
        if one.reading in seen:
            yield InputError(f"measure[{number}].reading", f"{one.reading} twice", "each reading once")
        seen.add(one.reading)
    for number, wanted in enumerate(question.answer):
        if wanted.reading not in readings():
            yield _unknown(f"answer[{number}].reading", wanted.reading)
        if wanted.arm not in names:
            yield InputError(f"answer[{number}].arm", f"{shown(wanted.arm)} is no arm", f"one of {', '.join(names)}")


def _parameter(name: str) -> Iterator[InputError]:
    from corrin.facts.reader import parameters

    rows = parameters()
    row = rows.get(name)
    if row is None:
        near = known.near(name, {one: one for one in rows})
        yield InputError("between.parameter", f"{shown(name)} is no parameter", "", f"Did you mean {' or '.join(near)}?" if near else
                         "`corrin explain` lists them.")  # fmt: skip
    elif row.distribution != "bernoulli" and row.unsure <= 0.0:
        open_ones = sorted(one.name for one in rows.values() if one.distribution == "bernoulli")
        cure = f"A form of the model is {', '.join(open_ones)}; else a parameter with `unsure` above 0."
        yield InputError("between.parameter", f"{name} has nothing that is not known of its typical value", "", cure)
