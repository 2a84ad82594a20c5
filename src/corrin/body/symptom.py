"""What an examiner finds and a person feels, read from the tracts.

Two choices here were never measured and move every recovery figure: how much function a demyelinated fibre loses (`demyelinated_deficit`)
and below what deficit nothing is found (`sign_threshold`). Both are drawn. The slopes of the symptoms are assumptions.
"""

from __future__ import annotations

from typing import Any

from corrin.body import ops
from corrin.body.flow import Mechanism, Reading
from corrin.body.nerve import LABELS, TRACTS, down

SLOPE = "the step from nerve to symptom is an assumption: no symptom frequency in the literature is clean enough to fit it"
THRESHOLD = "rests on two choices nobody measured: the deficit at which a sign shows, and what a demyelinated fibre still does"
ITEM_POINTS = 4.0
"""An examiner's item runs from 0 to 4: that is how the score is defined."""
MMSE_POINTS = 30.0


def deficit(y: Any, p: Any, tract: str) -> Any:
    """Function missing, 0..1. A bare fibre is slow, and blocked while cofactor is short; a block of the brain is nowhere measured. A late
    signal still shows a picture: sight keeps more than other tracts do, until most fibres are bare."""
    bare = getattr(y, f"demyelinated_{tract}")
    late = p.sight_deficit + (1.0 - p.sight_deficit) * bare * bare if tract == "optic" else 1.0
    slow = p.demyelinated_deficit * late
    blocked = 0.0 if tract == "cognition" else (1.0 - slow) * p.block_share * y.blocked
    return (slow + blocked) * bare + down(y, tract)


def greater(a: Any, b: Any) -> Any:
    """The larger of two, with a rounded corner."""
    return 0.5 * (a + b + ops.sqrt((a - b) * (a - b) + 1e-8))


def beyond(missing: Any, p: Any) -> Any:
    """How far a deficit lies beyond the threshold of signs, 0..1."""
    return ops.above((missing - p.sign_threshold) / (1.0 - p.sign_threshold), 0.0, 0.002)


def item(missing: Any, p: Any) -> Any:
    """An examiner's item, 0..4: nothing is found below the threshold."""
    return ITEM_POINTS * beyond(missing, p)


def touch(y: Any, p: Any) -> Any:
    """Deficit of feeling, from the feet or the dorsal columns."""
    return greater(deficit(y, p, "foot"), deficit(y, p, "dorsal"))


def pyramidal(y: Any, p: Any) -> Any:
    """Deficit of strength and stiffness, from cord or motor nerve."""
    return greater(deficit(y, p, "lateral"), deficit(y, p, "motor"))


def walking(y: Any, p: Any) -> Any:
    """Deficit of walking: position sense and strength together."""
    return p.gait_dorsal * deficit(y, p, "dorsal") + (1.0 - p.gait_dorsal) * pyramidal(y, p)


def gait(y: Any, p: Any, x: Any) -> Any:
    """Gait item, 0..4: 1.2 needs help to walk, 2.4 cannot walk alone."""
    return item(walking(y, p), p)


def score(y: Any, p: Any, x: Any) -> Any:
    """Sum of five items, 0..20: sensory, pyramidal, gait, mental, visual. Below 1 an examiner finds no sign."""
    mental, visual = item(deficit(y, p, "cognition"), p), item(deficit(y, p, "optic"), p)
    return item(touch(y, p), p) + item(pyramidal(y, p), p) + gait(y, p, x) + mental + visual


def mmse(y: Any, p: Any, x: Any) -> Any:
    """Mini-mental state, 0..30, as far as it is this deficiency; another dementia is not in it."""
    return MMSE_POINTS - p.mmse_fall * beyond(deficit(y, p, "cognition"), p)


def felt(amount: Any, p: Any) -> Any:
    """Chance that a symptom is felt, logistic in what drives it."""
    return ops.logistic((amount - p.symptom_half) / p.symptom_width)


def tingling(y: Any, p: Any, x: Any) -> Any:
    """From demyelinated fibres that still live: feet and dorsal columns."""
    return felt(greater(y.demyelinated_foot, y.demyelinated_dorsal), p)


def vibration_loss(y: Any, p: Any, x: Any) -> Any:
    """Vibration sense reduced at the toes; found a little before a person feels it."""
    return ops.logistic((touch(y, p) - p.sign_threshold) / p.symptom_width)


def _function(tract: str) -> Reading:
    def works(y: Any, p: Any, x: Any) -> Any:
        return 100.0 * (1.0 - deficit(y, p, tract))

    return Reading(f"function_{tract}", "%", "nerves", LABELS[tract] + ", working", works, assumed=THRESHOLD)


def _felt(name: str, label: str, amount: Any) -> Reading:
    return Reading(f"symptom_{name}", "probability", "symptoms", label, lambda y, p, x: felt(amount(y, p), p), assumed=SLOPE)


MECHANISM = Mechanism(
    "symptom",
    readings=(
        *(_function(tract) for tract in TRACTS),
        Reading("score", "points", "symptoms", "Neurological score (0 to 20)", score, assumed=THRESHOLD),
        Reading("score_gait", "points", "symptoms", "Gait (0 to 4)", gait, assumed=THRESHOLD),
        Reading("mmse", "points", "symptoms", "Cognition (MMSE, 0 to 30)", mmse, assumed=THRESHOLD),
        Reading("symptom_tingling", "probability", "symptoms", "Tingling", tingling, assumed=SLOPE),
        _felt("numbness", "Numbness", touch),
        _felt("weakness", "Weakness", pyramidal),
        _felt("gait", "Unsteady gait", walking),
        _felt("vision", "Poor vision", lambda y, p: deficit(y, p, "optic")),
        _felt("cognition", "Poor memory and thinking", lambda y, p: deficit(y, p, "cognition")),
        Reading("vibration_loss", "probability", "symptoms", "Vibration sense reduced", vibration_loss, assumed=SLOPE),
    ),
)
