"""A made-up answer for tests of text, charts and records: plausible shapes, no model behind them."""

from __future__ import annotations

import numpy as np
import pytest

from corrin.answers import assemble
from corrin.answers.computed import Computed, Course, ReadingInfo
from corrin.answers.record import Forecast, Given, Lab, Threshold, Used

SLOPE = "the slope from nerve to symptom is an assumption"
READINGS = {
    "serum_b12": ReadingInfo("Serum B12", "pmol/L", "labs", lab=True),
    "holotranscobalamin": ReadingInfo("Holotranscobalamin (active B12)", "pmol/L", "labs", lab=True),
    "mma": ReadingInfo("Methylmalonic acid", "nmol/L", "labs", lab=True),
    "homocysteine": ReadingInfo("Homocysteine", "umol/L", "labs", lab=True),
    "haemoglobin": ReadingInfo("Haemoglobin", "g/L", "blood", lab=True),
    "mcv": ReadingInfo("Mean cell volume", "fL", "blood", lab=True),
    "reticulocytes": ReadingInfo("Reticulocytes", "10*9/L", "blood", lab=True),
    "function_foot": ReadingInfo("Feet: sensory nerve", "%", "function"),
    "function_hand": ReadingInfo("Hands: sensory nerve", "%", "function"),
    "function_motor": ReadingInfo("Motor nerves", "%", "function"),
    "function_dorsal": ReadingInfo("Dorsal columns", "%", "function"),
    "function_lateral": ReadingInfo("Lateral columns", "%", "function"),
    "function_optic": ReadingInfo("Optic nerve", "%", "function"),
    "function_cognition": ReadingInfo("Cognition", "%", "function"),
    "lost_foot": ReadingInfo("Feet: lost for good", "%", "function"),
    "sural_velocity": ReadingInfo("Sural velocity", "m/s", "nerves", lab=True),
    "sural_amplitude": ReadingInfo("Sural amplitude", "uV", "nerves", lab=True),
    "sep_delay": ReadingInfo("Evoked potential (leg) delay", "SD", "nerves", lab=True),
    "vep_delay": ReadingInfo("Visual evoked potential delay", "SD", "nerves", lab=True),
    "peroneal_velocity": ReadingInfo("Peroneal velocity", "m/s", "nerves", lab=True),
    "score": ReadingInfo("Neurological score (0 to 20)", "points", "nerves"),
    "symptom_tingling": ReadingInfo("Tingling", "probability", "symptoms", assumed=SLOPE),
    "symptom_numbness": ReadingInfo("Numbness", "probability", "symptoms", assumed=SLOPE),
    "symptom_gait": ReadingInfo("Unsteady walking", "probability", "symptoms", assumed=SLOPE),
    "symptom_weakness": ReadingInfo("Weakness", "probability", "symptoms", assumed=SLOPE),
    "symptom_vision": ReadingInfo("Dim vision", "probability", "symptoms", assumed=SLOPE),
    "symptom_cognition": ReadingInfo("Memory trouble", "probability", "symptoms", assumed=SLOPE),
    "store_mg": ReadingInfo("Body store", "mg", "person"),
}
WELL = {
    "serum_b12": 350.0, "holotranscobalamin": 70.0, "mma": 180.0, "homocysteine": 9.0, "haemoglobin": 140.0, "mcv": 90.0,
    "reticulocytes": 60.0, "sural_velocity": 50.0, "sural_amplitude": 15.0, "sep_delay": 0.0, "vep_delay": 0.0, "peroneal_velocity": 48.0,
    "score": 0.0, "store_mg": 2.5, "lost_foot": 0.0,
}  # fmt: skip
ILL = {
    "serum_b12": 90.0, "holotranscobalamin": 12.0, "mma": 2200.0, "homocysteine": 45.0, "haemoglobin": 98.0, "mcv": 112.0,
    "reticulocytes": 45.0, "sural_velocity": 44.0, "sural_amplitude": 9.0, "sep_delay": 4.0, "vep_delay": 2.0, "peroneal_velocity": 42.0,
    "score": 6.0, "store_mg": 0.3, "lost_foot": 2.0,
}  # fmt: skip
PLANS = ("no_treatment", "im_hydroxo", "oral_1000")


def _course(name: str, past: bool, plan: str, draws: int, times: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    well = WELL.get(name, 100.0 if name.startswith("function") else 0.05)
    ill = ILL.get(name, 70.0 if name.startswith("function") else 0.8)
    if past:
        part = np.clip(1 + times / 900.0, 0, 1) ** 2
        mean = well + (ill - well) * part
    elif plan == "no_treatment":
        mean = ill + (ill - well) * 0.2 * (1 - np.exp(-times / 300))
    else:
        half = 20.0 if name in {"serum_b12", "holotranscobalamin", "mma", "homocysteine", "reticulocytes"} else 130.0
        end = well * (8.0 if name == "serum_b12" and plan == "im_hydroxo" else 1.0) + 0.15 * (ill - well)
        mean = end + (ill - end) * np.exp(-times / (half * (1.3 if plan == "oral_1000" else 1.0)))
    scale = np.exp(0.2 * generator.standard_normal(draws))[:, None]
    if name.startswith("function"):
        return np.clip(100 - (100 - mean[None, :]) * scale, 0, 100)
    if name.startswith("symptom"):
        return np.clip(mean[None, :] * scale, 0, 1)
    return np.maximum(mean[None, :] * scale, 0.0)


def computed(draws: int = 200, years: float = 2.0, seed: int = 1) -> Computed:
    generator = np.random.default_rng(seed)
    past_times = np.linspace(-730.0, 0.0, 60)
    future_times = np.unique(np.concatenate([np.linspace(0, 60, 31), np.linspace(60, years * 365.25, 70)]))
    names = list(READINGS)
    past = Course(past_times, {name: _course(name, True, "", draws, past_times, generator) for name in names})
    futures = {
        plan: Course(future_times, {name: _course(name, False, plan, draws, future_times, generator) for name in names}) for plan in PLANS
    }
    return Computed(
        weights=generator.dirichlet(np.ones(draws)),
        readings=READINGS,
        past=past,
        futures=futures,
        causes={"pernicious_anaemia": ("autoimmune gastritis (pernicious anaemia)", 0.62), "diet": ("diet", 0.2)},
        parameters=("ileum_capacity", "bile_loss"),
        certificate=2e-4,
    )


def answer(monkeypatch: pytest.MonkeyPatch, plans: int = 3) -> Forecast:
    """The courses as a whole answer; laboratory scatter, limits and sources are made up too, so no table moves these tests."""
    scatter = {"serum_b12": 0.23, "mma": 0.23, "homocysteine": 0.17, "haemoglobin": 0.03, "mcv": 0.02}
    limits = {"serum_b12": (Threshold(label="lower reference limit", value=148.0),)}
    used = Used(parameters={"a": "stated", "b": "assumed"}, sources={"x1999": "Someone 1999. A paper. J Med 1:1."})
    monkeypatch.setattr(assemble, "_laboratory_scatter", lambda readings: scatter)
    monkeypatch.setattr(assemble, "_thresholds", lambda readings: limits)
    monkeypatch.setattr(assemble, "_used", lambda computed: used)
    observed = (
        Lab(reading="serum_b12", label="Serum B12", time_days=-20, value=70, unit="pmol/L", comparator="<", as_reported="B12 < 95 pg/mL"),
        Lab(reading="mma", label="MMA", time_days=-20, value=2900, unit="nmol/L", as_reported="MMA 2.9 µmol/L"),
        Lab(reading="haemoglobin", label="Hb", time_days=-400, value=128, unit="g/L", as_reported="Hb 12.8 g/dL"),
        Lab(reading="haemoglobin", label="Hb", time_days=-20, value=101, unit="g/L", as_reported="Hb 10.1 g/dL"),
    )
    injections = [Given(time_days=t, label="1 mg", amount_ug=1000, route="intramuscular") for t in [*range(0, 30, 2), *range(60, 730, 60)]]
    tablets = [Given(time_days=t, label="1 mg", amount_ug=1000, route="oral") for t in range(730)]
    intended = [
        assemble.Intended("no_treatment", "No treatment", "Nothing is given."),
        assemble.Intended("im_hydroxo", "Hydroxocobalamin injections", "1 mg every other day, then every 2 months.", tuple(injections)),
        assemble.Intended("oral_1000", "Cyanocobalamin tablets", "1 mg daily.", tuple(tablets)),
    ]
    person = assemble.Subject("someone", "2026-11-01", observed, {"id": "someone"})
    return assemble.assemble(person, intended[:plans], computed(), assemble.Options(years=2.0, draws=200, seed=1))
