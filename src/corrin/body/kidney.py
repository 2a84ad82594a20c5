"""The kidney: filters free B12; its function is part of MMA and homocysteine clearance (see cell.py)."""

from __future__ import annotations

from typing import Any

from corrin.body import ops
from corrin.body.blood import free, share_c
from corrin.body.flow import Flow, Mechanism, Reading


def function(p: Any, x: Any) -> Any:
    """Filtration relative to a healthy adult of 30; falls with age."""
    return p.filtration * ops.exp(-p.filtration_age_fall * ops.above(x.age_y, 30.0 * ops.one.year, 1.0 * ops.one.year))


def filtered_c(y: Any, p: Any, x: Any) -> Any:
    """nmol/d of free class C into urine, at the rate of filtration."""
    return p.filtration_clearance * function(p, x) / p.free_volume * free(y, p) * share_c(y, p)


def filtered_o(y: Any, p: Any, x: Any) -> Any:
    """nmol/d of free class O; little of it is free, because it binds loosely (blood.py)."""
    return p.filtration_clearance * function(p, x) / p.free_volume * free(y, p) * (1.0 - share_c(y, p))


def egfr(y: Any, p: Any, x: Any) -> Any:
    """mL/min/1.73 m2 as estimated from creatinine."""
    return p.egfr_reference * function(p, x)


MECHANISM = Mechanism(
    "kidney",
    flows=(Flow("urine, C", "plasma_c", "urine", filtered_c), Flow("urine, O", "plasma_o", "urine", filtered_o)),
    readings=(Reading("egfr", "mL/min/1.73m2", "person", "Kidney function (eGFR)", egfr, lab=True),),
)
