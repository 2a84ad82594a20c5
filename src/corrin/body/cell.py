"""The cell: one intracellular pool feeds two cofactors. Methylcobalamin -> methionine synthase -> homocysteine; adenosylcobalamin ->
mutase -> methylmalonic acid (MMA).

How fast the functional pool turns over rests on one trial, so it is a structural draw: the store itself (months), or a small fast pool
before it (`cell_pool` 0 or 1).
"""

from __future__ import annotations

from typing import Any

from corrin.body import ops
from corrin.body.flow import Change, Flow, Mechanism, Pool, Reading
from corrin.body.kidney import function as kidney_function


def fullness(y: Any, p: Any) -> Any:
    """Functional B12 relative to a replete person."""
    return (1.0 - p.cell_pool) * y.store / p.store_reference + p.cell_pool * y.cell / p.cell_reference


def methylation(y: Any, p: Any) -> Any:
    """Methionine synthase at work, 1 = replete: cofactor, enzyme not destroyed, folate (the methyl trap)."""
    full = fullness(y, p)
    cofactor = ops.hill(full, p.synthase_half, 2) * (1.0 + p.synthase_half * p.synthase_half)
    return cofactor * y.synthase * p.folate_status


def mutase_shortfall(y: Any, p: Any) -> Any:
    """How much MMA rises above replete: 1 when full, steep when empty, never above `mma_ceiling`."""
    full = fullness(y, p) / p.mutase_half
    return 1.0 + 1.0 / (ops.power(full, 2.5) + 1.0 / p.mma_ceiling)


def mutase(y: Any, p: Any) -> Any:
    """Mutase at work, 1 = replete."""
    return (1.0 + ops.power(p.mutase_half, 2.5)) / mutase_shortfall(y, p)


def cell_returns(y: Any, p: Any, x: Any) -> Any:
    """nmol/d from the fast pool back to blood."""
    return p.cell_turnover * y.cell


def cell_oxidised(y: Any, p: Any, x: Any) -> Any:
    """Nitrous oxide in the cell."""
    return p.cell_oxidation_rate * x.nitrous_oxide * y.cell


def synthase_renewed(y: Any, p: Any, x: Any) -> Any:
    """Enzyme made anew (80 % after 72 h) and destroyed by nitrous oxide (70 % in 1 h at 50 %) (Kondo1981, rat)."""
    return p.synthase_renewal * (1.0 - y.synthase) - p.synthase_destruction * x.nitrous_oxide * (y.synthase - p.synthase_spared)


def mma_changes(y: Any, p: Any, x: Any) -> Any:
    """MMA, nmol/L: made against mutase, cleared by the kidney."""
    made = p.mma_production * p.mma_reference * mutase_shortfall(y, p)
    return p.mma_rate * (made / ops.raised(kidney_function(p, x), p.mma_kidney_power) - y.mma)


def homocysteine_changes(y: Any, p: Any, x: Any) -> Any:
    """Homocysteine, umol/L: leaves by methionine synthase and by the other routes (which need B6)."""
    by_age = ops.exp(p.homocysteine_age * (x.age_y - 45.0 * ops.one.year) / (10.0 * ops.one.year))
    made = (1.0 + p.synthase_route) * p.homocysteine_reference * p.homocysteine_production * by_age
    made = made / ops.raised(kidney_function(p, x), p.homocysteine_kidney_power)
    return p.homocysteine_rate * (made - (p.transsulfuration + p.synthase_route * methylation(y, p)) * y.homocysteine)


MECHANISM = Mechanism(
    "cell",
    pools=(
        Pool("cell", "nmol", 13.0, 0.3, b12=True, note="fast functional pool; in use only where the structure drawn has one"),
        Pool("synthase", "1", 1.0, 0.05, note="methionine synthase not destroyed, share"),
        Pool("mma", "nmol/L", 120.0, 10.0),
        Pool("homocysteine", "umol/L", 8.0, 1.0),
    ),
    flows=(
        Flow("cell to blood", "cell", "plasma_o", cell_returns),
        Flow("oxidised in the cell", "cell", "nothing", cell_oxidised),
    ),
    changes=(
        Change("synthase", synthase_renewed),
        Change("mma", mma_changes),
        Change("homocysteine", homocysteine_changes),
    ),
    readings=(
        Reading("mma", "nmol/L", "labs", "Methylmalonic acid (MMA)", lambda y, p, x: y.mma, lab=True),
        Reading("homocysteine", "umol/L", "labs", "Homocysteine (total)", lambda y, p, x: y.homocysteine, lab=True),
        Reading("activity_methylation", "%", "function", "Methionine synthase at work", lambda y, p, x: 100.0 * methylation(y, p)),
        Reading("activity_mutase", "%", "function", "Mutase at work", lambda y, p, x: 100.0 * mutase(y, p)),
    ),
)
