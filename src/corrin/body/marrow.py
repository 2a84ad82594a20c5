"""Red cells: progenitors, six marrow stages with a check point, reticulocytes, and red cells as two sums, count and volume.

Driven by methionine synthase only (thymidine needs folate from the trap); folic acid in large doses lets the blood recover by itself.
"""

from __future__ import annotations

from typing import Any

from corrin.body import ops
from corrin.body.cell import methylation
from corrin.body.flow import Change, Mechanism, Pool, Reading

MARROW, RED = 6, 3
CHECK = MARROW // 3
"""Cells that pass the check point after two stages have four to go: reticulocytes rise after two to three days, not at once."""


def thymidine(y: Any, p: Any, x: Any) -> Any:
    """What DNA synthesis sees: methylation, and folic acid that goes round the trap (masking)."""
    working = methylation(y, p)
    rescue = p.folate_rescue * x.folic_acid_mg_d / (x.folic_acid_mg_d + p.folate_rescue_half)
    return working + rescue * ops.above(1.0, working, 0.02)


def quality(y: Any, p: Any, x: Any) -> Any:
    """Share of precursors that pass the check point; 1 when replete, never quite none."""
    passing = ops.hill(thymidine(y, p, x), p.marrow_half, 2.5) * (1.0 + ops.power(p.marrow_half, 2.5))
    return p.marrow_floor + (1.0 - p.marrow_floor) * passing


def haemoglobin_relative(y: Any) -> Any:
    """Red-cell volume, 1 = the person's normal."""
    return sum((getattr(y, f"red_volume{i}") for i in range(2, RED + 1)), y.red_volume1)


def drive(y: Any, p: Any) -> Any:
    """Erythropoietin drive on progenitors: 1 at normal haemoglobin, `drive_ceiling` at none."""
    return p.drive_ceiling / (1.0 + (p.drive_ceiling - 1.0) * ops.power(haemoglobin_relative(y), 3))


def progenitors_follow(y: Any, p: Any, x: Any) -> Any:
    """Progenitors follow the drive over days."""
    return (drive(y, p) - y.progenitors) / p.progenitor_days


def _leaves(y: Any, p: Any, x: Any, stage: int) -> Any:
    """Cells that leave a marrow stage a day: slow before the check point when DNA is short (they pile up)."""
    slow = ops.sqrt(quality(y, p, x)) if stage <= CHECK else 1.0
    return MARROW / p.marrow_days * slow * getattr(y, f"marrow{stage}")


def _stage(stage: int) -> Any:
    def matures(y: Any, p: Any, x: Any) -> Any:
        """Cells enter from the stage before and leave for the next; those that fail the check point die."""
        entering = y.progenitors if stage == 1 else _leaves(y, p, x, stage - 1)
        if stage == CHECK + 1:
            entering = entering * quality(y, p, x)
        return entering - _leaves(y, p, x, stage)

    return matures


def reticulocytes_change(y: Any, p: Any, x: Any) -> Any:
    """Reticulocytes leave the marrow and ripen in a day."""
    return _leaves(y, p, x, MARROW) - y.reticulocytes / p.reticulocyte_days


def cell_size(y: Any, p: Any) -> Any:
    """Volume of a new cell relative to normal: large when DNA was short."""
    return 1.0 + p.size_excess * (1.0 - y.ripening)


def ripening_follows(y: Any, p: Any, x: Any) -> Any:
    """The size of new cells follows the marrow's DNA supply over days."""
    return (quality(y, p, x) - y.ripening) / p.ripening_days


def _red(kind: str, stage: int) -> Any:
    def ages(y: Any, p: Any, x: Any) -> Any:
        """Red cells age through equal stages; megaloblastic cells live shorter."""
        rate = RED / p.red_cell_days * (1.0 + p.short_life * (1.0 - y.ripening))
        if stage > 1:
            return rate * (getattr(y, f"{kind}{stage - 1}") - getattr(y, f"{kind}{stage}"))
        entering = y.reticulocytes / p.reticulocyte_days / p.red_cell_days
        if kind == "red_volume":
            entering = entering * cell_size(y, p)
        return entering - rate * getattr(y, f"{kind}1")

    return ages


def haemoglobin(y: Any, p: Any, x: Any) -> Any:
    """g/dL: concentration of haemoglobin in the cells taken constant."""
    return p.haemoglobin_reference * haemoglobin_relative(y)


def mcv(y: Any, p: Any, x: Any) -> Any:
    """Mean volume of red cells, fL."""
    count = sum((getattr(y, f"red_count{i}") for i in range(2, RED + 1)), y.red_count1)
    return p.mcv_reference * haemoglobin_relative(y) / count


def reticulocyte_count(y: Any, p: Any, x: Any) -> Any:
    """10^9/L."""
    return p.reticulocyte_reference * y.reticulocytes / p.reticulocyte_days


MECHANISM = Mechanism(
    "marrow",
    pools=(
        Pool("progenitors", "1", 1.0, 0.2),
        *(Pool(f"marrow{i}", "d", 5.0 / MARROW, 0.2) for i in range(1, MARROW + 1)),
        Pool("reticulocytes", "d", 1.1, 0.2),
        *(Pool(f"red_count{i}", "1", 1.0 / RED, 0.1) for i in range(1, RED + 1)),
        *(Pool(f"red_volume{i}", "1", 1.0 / RED, 0.1) for i in range(1, RED + 1)),
        Pool("ripening", "1", 1.0, 0.2),
    ),
    changes=(
        Change("progenitors", progenitors_follow),
        *(Change(f"marrow{i}", _stage(i)) for i in range(1, MARROW + 1)),
        Change("reticulocytes", reticulocytes_change),
        *(Change(f"red_count{i}", _red("red_count", i)) for i in range(1, RED + 1)),
        *(Change(f"red_volume{i}", _red("red_volume", i)) for i in range(1, RED + 1)),
        Change("ripening", ripening_follows),
    ),
    readings=(
        Reading("haemoglobin", "g/dL", "blood", "Haemoglobin", haemoglobin, lab=True),
        Reading("mcv", "fL", "blood", "Red-cell volume (MCV)", mcv, lab=True),
        Reading("reticulocytes", "10*9/L", "blood", "Reticulocytes", reticulocyte_count, lab=True),
    ),
)
