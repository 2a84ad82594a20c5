"""The pages of the model say what the code and the facts say."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from corrin.body import blood, ops
from corrin.body.system import MECHANISMS, parameter_names


@pytest.fixture(scope="module")
def script() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "scripts" / "model_docs.py"
    spec = importlib.util.spec_from_file_location("model_docs_script", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def pages(script: ModuleType) -> dict[str, str]:
    return script.pages()


def test_pages_are_not_stale(script: ModuleType) -> None:
    assert script.stale() == [], "run scripts/model_docs.py"


def test_every_flow_reading_and_parameter_is_on_a_page(pages: dict[str, str]) -> None:
    for mechanism in MECHANISMS:
        text = pages[f"{mechanism.name}.md"]
        for flow in mechanism.flows:
            assert f"| {flow.name} | {flow.source} → {flow.target} |" in text
        for reading in mechanism.readings:
            assert f"| {reading.label} | {reading.unit} |" in text
    whole = "\n".join(pages.values())
    for name in parameter_names():
        assert f"| `{name}`" in whole, name


def test_writing_the_formulas_leaves_the_functions_as_they_were(script: ModuleType) -> None:
    before = (blood.free, ops.power, ops.above)
    script.pages()
    assert before == (blood.free, ops.power, ops.above)
    assert ops.power(2.0, 3) == 8.0


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (lambda s: s.Text("a") * (s.Text("b") + 1.0), "a * (b + 1)"),
        (lambda s: 1.0 / (1.0 + s.Text("a") / s.Text("b")), "1 / (1 + a / b)"),
        (lambda s: s.Text("a") / (s.Text("b") * s.Text("c")), "a / (b * c)"),
        (lambda s: s.Text("a") - (s.Text("b") - s.Text("c")), "a - (b - c)"),
        (lambda s: -(s.Text("a") * s.Text("b")) + 2.0, "-a * b + 2"),
        (lambda s: (s.Text("a") + s.Text("b")) ** 2, "(a + b)^2"),
    ],
)
def test_brackets_stand_where_they_are_needed(script: ModuleType, made: object, text: str) -> None:
    assert made(script).text == text  # type: ignore[operator]


def test_a_written_formula_computes_what_the_function_computes(script: ModuleType) -> None:
    """The text of a rate, read back as arithmetic, gives the rate."""
    from types import SimpleNamespace

    flow = next(flow for mechanism in MECHANISMS for flow in mechanism.flows if flow.name == "capture, C")
    with script.by_name():
        text = script.formula(flow.rate, script.Named(), script.Named(), script.Named())
    y = SimpleNamespace(plasma_c=0.4, plasma_o=0.3, transcobalamin=0.5, captured=3.0)
    p = SimpleNamespace(capture_rate=94.0, capture_half=15.0, capture_sites=27.0, binding_constant=0.02, trace_amount=1e-9)
    known = {**vars(y), **vars(p), "free": blood.free(y, p), "share_c": blood.share_c(y, p)}
    assert eval(text, {"__builtins__": {}}, known) == pytest.approx(flow.rate(y, p, None), rel=1e-12)
