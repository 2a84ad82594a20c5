"""What is eaten: food B12 at so many meals a day, and small supplements taken as a daily rate.

Food follows one empirical law per meal that holds from eggs to liver; release from protein and the intrinsic-factor path scale it.
Products above 25 ug are doses (see ileum.py and blood.py), never a rate.
"""

from __future__ import annotations

from typing import Any

from corrin.body import ops
from corrin.body.flow import Flow, Mechanism

EXPOSURES: dict[str, float] = {
    "food_ug_d": 5.0,  # B12 in food, ug/d
    "meals_d": 3.0,  # meals that carry it, per day
    "crystalline_ug_d": 0.0,  # fortified food and small supplements, ug/d, once a day
    "nitrous_oxide": 0.0,  # 1 = breathing 50 %
    "age_y": 45.0,
    "hba1c_percent": 5.4,
    "folic_acid_mg_d": 0.0,
    "pregnancy": 0.0,  # 0 none .. 1 third trimester
    "lactation": 0.0,
}
"""The world's inputs, piecewise constant in time, with the value of an ordinary day."""


def food_absorbed(y: Any, p: Any, x: Any) -> Any:
    """nmol/d through the intrinsic-factor path: ln A = 0.7694 ln D - 0.9614 per meal (Doets2013)."""
    per_meal = (x.food_ug_d + 1e-9 * ops.one.ug / ops.one.day) / x.meals_d
    amount_ug = p.food_law_factor * ops.raised(per_meal / ops.one.ug, p.food_law_power) * x.meals_d
    return amount_ug * p.nmol_per_ug * p.food_release * y.intrinsic_factor_output * p.ileal_uptake


def food_passive(y: Any, p: Any, x: Any) -> Any:
    """nmol/d that crosses without intrinsic factor; in the healthy it is part of the law above (Carmel2008)."""
    lacking = 1.0 - y.intrinsic_factor_output * p.ileal_uptake
    return p.passive_fraction * p.food_release * x.food_ug_d * p.nmol_per_ug * lacking


def crystalline_absorbed(y: Any, p: Any, x: Any) -> Any:
    """nmol/d of a small daily supplement through the intrinsic-factor path, saturable per dose (Adams1971, Carmel2008)."""
    dose_ug = x.crystalline_ug_d * ops.one.day
    amount_ug = p.absorption_share * p.absorption_half * dose_ug / (p.absorption_half + dose_ug)
    return amount_ug / ops.one.day * p.nmol_per_ug * y.intrinsic_factor_output * p.ileal_uptake


def crystalline_passive(y: Any, p: Any, x: Any) -> Any:
    """nmol/d of a small daily supplement that crosses by itself (Carmel2008)."""
    return p.passive_fraction * x.crystalline_ug_d * p.nmol_per_ug


def to_enterocyte(y: Any, p: Any, x: Any) -> Any:
    """Share of absorbed food B12 that reaches blood through the enterocyte chain."""
    return (1.0 - p.first_pass) * food_absorbed(y, p, x)


def to_liver_first(y: Any, p: Any, x: Any) -> Any:
    """Share of absorbed food B12 kept by the liver at first pass (Greibe2018: OH raises holoTC half as much as CN)."""
    return p.first_pass * food_absorbed(y, p, x)


MECHANISM = Mechanism(
    "intake",
    flows=(
        Flow("food through the enterocyte", "food", "enterocyte_o1", to_enterocyte),
        Flow("food kept at first pass", "food", "store", to_liver_first),
        Flow("food by diffusion", "food", "gut_o", food_passive),
        Flow("daily supplement absorbed", "food", "enterocyte_c1", crystalline_absorbed),
        Flow("daily supplement by diffusion", "food", "gut_c", crystalline_passive),
    ),
)
