"""Liver and tissue: one store that gives to blood, to bile and to the skin; bile returns through the intrinsic-factor path.

A daily loss of 0.10 % with intrinsic factor and 0.20 % without is not put in: it comes out of bile and its reabsorption.
"""

from __future__ import annotations

from typing import Any

from corrin.body import ops
from corrin.body.flow import Flow, Mechanism, Pool, Reading


def released(y: Any, p: Any, x: Any) -> Any:
    """nmol/d back to blood; smaller where a fast cell pool carries the traffic (a structural draw)."""
    return p.store_release * (1.0 - p.cell_pool * p.cell_release_cut) * y.store


def bile(y: Any, p: Any) -> Any:
    """nmol/d into bile (ElKholty1991, labels: the weaker number)."""
    return p.bile_rate * y.store


def reabsorbed(y: Any, p: Any) -> Any:
    """nmol/d of bile B12 that comes back: needs intrinsic factor and ileum (IOM1998)."""
    return bile(y, p) * p.bile_reabsorption * y.intrinsic_factor_output * p.ileal_uptake


def bile_to_enterocyte(y: Any, p: Any, x: Any) -> Any:
    """Reabsorbed and passed on to blood; the first-pass share never leaves the store."""
    return (1.0 - p.first_pass) * reabsorbed(y, p)


def bile_to_faeces(y: Any, p: Any, x: Any) -> Any:
    """Bile B12 that is not taken back."""
    return bile(y, p) - reabsorbed(y, p)


def other_losses(y: Any, p: Any, x: Any) -> Any:
    """Skin, and urine at rest (Hall1964)."""
    return p.other_loss * y.store


def to_fetus(y: Any, p: Any, x: Any) -> Any:
    """Transfer to the fetus and into milk, in proportion to the store."""
    return (p.fetal_transfer * x.pregnancy + p.milk_transfer * x.lactation) * y.store / p.store_reference


def oxidised(y: Any, p: Any, x: Any) -> Any:
    """Nitrous oxide turns cobalamin into inactive analogues, slowly (Kondo1981: liver at a tenth after a month)."""
    return p.oxidation_rate * x.nitrous_oxide * y.store


def store_mg(y: Any, p: Any, x: Any) -> Any:
    """Body store, mg."""
    return (y.store + y.cell) / p.nmol_per_ug / (1000.0 * ops.one.ug / ops.one.mg)


MECHANISM = Mechanism(
    "liver",
    pools=(Pool("store", "nmol", 1590.0, 20.0, b12=True),),
    flows=(
        Flow("store to blood", "store", "plasma_o", released),
        Flow("bile taken back", "store", "enterocyte_o1", bile_to_enterocyte),
        Flow("bile lost", "store", "faeces", bile_to_faeces),
        Flow("other losses", "store", "skin", other_losses),
        Flow("to the child", "store", "fetus", to_fetus),
        Flow("oxidised in the store", "store", "nothing", oxidised),
    ),
    readings=(Reading("store_mg", "mg", "function", "Body store of B12", store_mg),),
)
