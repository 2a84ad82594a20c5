"""Seven tracts, each in shares of its fibres: intact, demyelinated (comes back), axon down but able to regrow (periphery), lost.

Damage and repair are both gated by the shortfall of cofactor: while it lasts nothing heals, when it is over nothing more is broken, so
what is lost is severity times time. Bare fibres stop conducting while cofactor is short and start again within weeks of it: the quick part
of recovery. Serum B12 and anaemia do not enter. Glucose slows conduction by a term of its own.
"""

from __future__ import annotations

from typing import Any

from corrin.body import ops
from corrin.body.cell import methylation, mutase
from corrin.body.flow import Change, Mechanism, Pool

PERIPHERY = ("foot", "hand", "motor")
CENTRE = ("dorsal", "lateral", "optic", "cognition")
TRACTS = PERIPHERY + CENTRE
LABELS = {
    "foot": "Feet (long sensory nerves)",
    "hand": "Hands (short sensory nerves)",
    "motor": "Motor nerves",
    "dorsal": "Cord: dorsal columns (position, vibration)",
    "lateral": "Cord: lateral columns (strength, stiffness)",
    "optic": "Optic nerves",
    "cognition": "Brain (cognition)",
}


def lack(activity: Any) -> Any:
    """Share of an enzyme's work that is missing; more than enough counts as enough."""
    return ops.above(1.0 - activity, 0.0, 0.001)


def shortfall(activity: Any, p: Any) -> Any:
    """0 while the reserve lasts, 1 without activity: a sharp reserve, few signs in mild deficiency. More than enough does no harm."""
    missing = ops.power(lack(activity), 6)
    half = ops.power(p.reserve_half, 6)
    return missing * (1.0 + half) / (half + missing)


def insult(y: Any, p: Any) -> Any:
    """What short cofactor does to nerve now, 0..1; which of the two enzymes matters more is not known."""
    return p.methylation_weight * shortfall(methylation(y, p), p) + (1.0 - p.methylation_weight) * shortfall(mutase(y, p), p)


def repair(p: Any, x: Any) -> Any:
    """Repair relative to a person of 50."""
    return p.nerve_repair * ops.exp(-p.repair_age * (x.age_y - 50.0 * ops.one.year) / (10.0 * ops.one.year))


def intact(y: Any, tract: str) -> Any:
    """Share of the tract that is untouched."""
    whole = 1.0 - getattr(y, f"demyelinated_{tract}") - getattr(y, f"lost_{tract}")
    return whole - getattr(y, f"regrowing_{tract}") if tract in PERIPHERY else whole


def down(y: Any, tract: str) -> Any:
    """Share of fibres that do not conduct at all: regrowing and lost."""
    lost = getattr(y, f"lost_{tract}")
    return lost + getattr(y, f"regrowing_{tract}") if tract in PERIPHERY else lost


def lost_for_good(p: Any, tract: str) -> Any:
    """Rate at which a bare fibre of the centre is lost. The optic nerves lose fewer: those whose sight failed mostly saw better."""
    return p.central_loss_rate * (p.optic_loss if tract == "optic" else 1.0)


def _demyelination(tract: str) -> Any:
    def changes(y: Any, p: Any, x: Any) -> Any:
        """Myelin is lost by the insult, made again when it is over, or its fibre goes down."""
        hurt = insult(y, p)
        broken = p.demyelination_rate * p.nerve_vulnerability * getattr(p, f"sensitivity_{tract}") * hurt * intact(y, tract)
        goes_down = p.axon_down_rate if tract in PERIPHERY else lost_for_good(p, tract)
        mended = p.remyelination_rate * repair(p, x) * (1.0 - hurt)
        leaves = mended + goes_down
        if tract != "cognition":
            leaves = leaves - p.remyelination_lag * mended
        return broken - leaves * getattr(y, f"demyelinated_{tract}")

    return changes


def _regrowing(tract: str) -> Any:
    def changes(y: Any, p: Any, x: Any) -> Any:
        """Axons down regrow at about 1 mm a day, so feet are last; some never do."""
        waiting = getattr(y, f"regrowing_{tract}")
        regrown = p.regrowth_speed / getattr(p, f"length_{tract}") * repair(p, x) * (1.0 - insult(y, p)) * waiting / (waiting + 0.02)
        return p.axon_down_rate * getattr(y, f"demyelinated_{tract}") - regrown - p.axon_death_rate * waiting

    return changes


def _lost(tract: str) -> Any:
    def changes(y: Any, p: Any, x: Any) -> Any:
        """What does not come back: in the centre from demyelinated fibres, in the periphery from axons that stay down."""
        if tract in PERIPHERY:
            return p.axon_death_rate * getattr(y, f"regrowing_{tract}")
        return lost_for_good(p, tract) * getattr(y, f"demyelinated_{tract}")

    return changes


def blocks(y: Any, p: Any, x: Any) -> Any:
    """A bare fibre stops conducting while cofactor is short, and conducts again, slowly, weeks before it has its myelin (Saida1980)."""
    failing = p.methylation_weight * lack(methylation(y, p)) + (1.0 - p.methylation_weight) * lack(mutase(y, p))
    return (failing - y.blocked) / p.block_days


def glucose_slows(y: Any, p: Any, x: Any) -> Any:
    """Conduction lost to glucose, m/s: gained per % HbA1c above 5.7, forgotten over years (DCCT)."""
    return (
        p.glucose_slowing * ops.above(x.hba1c_percent, 5.7 * ops.one.percent, 0.05 * ops.one.percent)
        - y.slowed_by_glucose / p.glucose_memory
    )


MECHANISM = Mechanism(
    "nerve",
    pools=(
        *(Pool(f"demyelinated_{t}", "1", 0.0, 0.05, keeps_history=True) for t in TRACTS),
        *(Pool(f"regrowing_{t}", "1", 0.0, 0.05, keeps_history=True) for t in PERIPHERY),
        *(Pool(f"lost_{t}", "1", 0.0, 0.05, keeps_history=True) for t in TRACTS),
        Pool("blocked", "1", 0.0, 0.05, keeps_history=True, note="cofactor missing, as bare fibres notice it: it stops them"),
        Pool("slowed_by_glucose", "m/s", 0.0, 1.0, keeps_history=True),
    ),
    changes=(
        *(Change(f"demyelinated_{t}", _demyelination(t)) for t in TRACTS),
        *(Change(f"regrowing_{t}", _regrowing(t)) for t in PERIPHERY),
        *(Change(f"lost_{t}", _lost(t)) for t in TRACTS),
        Change("blocked", blocks),
        Change("slowed_by_glucose", glucose_slows),
    ),
)
