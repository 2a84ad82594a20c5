"""The shape of every answer that is printed as JSON, as types; schemas/ holds their JSON Schemas. Nothing of it runs in an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any


def schemas() -> dict[str, dict[str, Any]]:
    """File name (without `.json`) -> JSON Schema of an answer."""
    from pydantic import TypeAdapter

    from corrin.answers.compare_record import Compare
    from corrin.answers.design_record import Design
    from corrin.answers.sensitivity import Sensitivity
    from corrin.answers.shapes.assessed import Assess
    from corrin.answers.shapes.instant import Claim, Diet, Matters, Mimics, Pain
    from corrin.answers.shapes.simulated import Delay, Recover
    from corrin.answers.stop import Stop
    from corrin.answers.trial.record import TrialAnswer

    shapes: Mapping[str, Any] = {
        "assess": Assess, "claim": Claim, "diet": Diet, "matters": Matters, "mimics": Mimics, "pain": Pain, "recover": Recover,
        "delay": Delay,
    }  # fmt: skip
    makers: dict[str, Callable[[], dict[str, Any]]] = {name: TypeAdapter(shape).json_schema for name, shape in shapes.items()}
    records: Mapping[str, Any] = {"compare": Compare, "design": Design, "sensitivity": Sensitivity, "stop": Stop, "trial": TrialAnswer}
    makers |= {name: partial(record.model_json_schema, mode="serialization") for name, record in records.items()}
    return {name: _titled(name, make()) for name, make in sorted(makers.items())}


def _titled(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in schema.items() if key != "title"}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"corrin.{name}/1", **rest}
