"""What an examiner finds and a person feels, read from the tracts.

Two choices here were never measured and move every recovery figure: how much function a demyelinated fibre loses (`demyelinated_deficit`)
and below what deficit nothing is found (`sign_threshold`). Both are drawn. The slopes of the symptoms are assumptions.
"""

from __future__ import annotations

from typing import Any

from corrin.body import ops
from corrin.body.flow import Mechanism, Reading
from corrin.body.nerve import LABELS, PERIPHERY, TRACTS

SLOPE = "the step from nerve to symptom is an assumption: no symptom frequency in the literature is clean enough to fit it"
THRESHOLD = "rests on two choices nobody measured: the deficit at which a sign shows, and what a demyelinated fibre still does"


def down(y: Any, tract: str) -> Any:
    """Share of fibres that do not conduct at all: regrowing and lost."""
    lost = getattr(y, f"lost_{tract}")
    return lost + getattr(y, f"regrowing_{tract}") if tract in PERIPHERY else lost


def deficit(y: Any, p: Any, tract: str) -> Any:
    """Function missing, 0..1."""
    return p.demyelinated_deficit * getattr(y, f"demyelinated_{tract}") + down(y, tract)


def greater(a: Any, b: Any) -> Any:
    """The larger of two, with a rounded corner."""
    return 0.5 * (a + b + ops.sqrt((a - b) * (a - b) + 1e-8))


def item(missing: Any, p: Any) -> Any:
    """An examiner's item, 0..4: nothing is found below the threshold."""
    return 4.0 * ops.above((missing - p.sign_threshold) / (1.0 - p.sign_threshold), 0.0, 0.002)


def pyramidal(y: Any, p: Any) -> Any:
    """Deficit of strength and stiffness, from cord or motor nerve."""
    return greater(deficit(y, p, "lateral"), deficit(y, p, "motor"))


def gait(y: Any, p: Any, x: Any) -> Any:
    """Gait item, 0..4: 1.2 needs help to walk, 2.4 cannot walk alone."""
    return item(0.6 * deficit(y, p, "dorsal") + 0.4 * pyramidal(y, p), p)


def score(y: Any, p: Any, x: Any) -> Any:
    """Sum of five items, 0..20: sensory, pyramidal, gait, mental, visual. Below 1 an examiner finds no sign."""
    sensory = item(greater(deficit(y, p, "dorsal"), deficit(y, p, "foot")), p)
    mental, visual = item(deficit(y, p, "cognition"), p), item(deficit(y, p, "optic"), p)
    return sensory + item(pyramidal(y, p), p) + gait(y, p, x) + mental + visual


def slowed(y: Any, tract: str) -> Any:
    """Relative fall of conduction velocity."""
    return 0.45 * getattr(y, f"demyelinated_{tract}") + 0.25 * down(y, tract)


def ageing(p: Any, x: Any) -> Any:
    """m/s lost to age in the leg since 25 (cross-sections, two)."""
    return p.velocity_age_fall * ops.above(x.age_y, 25.0 * ops.one.year, 1.0 * ops.one.year)


def sural_velocity(y: Any, p: Any, x: Any) -> Any:
    """Sural sensory conduction velocity, m/s."""
    return (p.sural_velocity_reference - ageing(p, x)) * (1.0 - slowed(y, "foot")) - y.slowed_by_glucose


def sural_amplitude(y: Any, p: Any, x: Any) -> Any:
    """Sural sensory action potential, uV."""
    living = 1.0 - down(y, "foot")
    return p.sural_amplitude_reference * ops.power(ops.above(living, 0.0, 0.01), 1.5) * (1.0 - 0.3 * y.demyelinated_foot)


def peroneal_velocity(y: Any, p: Any, x: Any) -> Any:
    """Peroneal motor conduction velocity, m/s."""
    return (p.peroneal_velocity_reference - ageing(p, x)) * (1.0 - slowed(y, "motor")) - y.slowed_by_glucose


def sep_delay(y: Any, p: Any, x: Any) -> Any:
    """Somatosensory evoked potential: delay in SD of healthy people (2.5 is abnormal)."""
    return p.sep_gain * (y.demyelinated_dorsal + 0.5 * y.lost_dorsal)


def vep_delay(y: Any, p: Any, x: Any) -> Any:
    """Visual evoked potential, SD."""
    return p.vep_gain * (y.demyelinated_optic + 0.5 * y.lost_optic)


def mmse(y: Any, p: Any, x: Any) -> Any:
    """Mini-mental state, 0..30, as far as it is this deficiency; another dementia is not in it."""
    over = ops.above((deficit(y, p, "cognition") - p.sign_threshold) / (1.0 - p.sign_threshold), 0.0, 0.002)
    return 30.0 - 25.0 * over


def felt(amount: Any, p: Any) -> Any:
    """Chance that a symptom is felt, logistic in what drives it."""
    return ops.logistic((amount - p.symptom_half) / p.symptom_width)


def tingling(y: Any, p: Any, x: Any) -> Any:
    """From demyelinated fibres that still live: feet and dorsal columns."""
    return felt(greater(y.demyelinated_foot, y.demyelinated_dorsal), p)


def numbness(y: Any, p: Any, x: Any) -> Any:
    """From missing function of feet and dorsal columns."""
    return felt(greater(deficit(y, p, "foot"), deficit(y, p, "dorsal")), p)


def weakness(y: Any, p: Any, x: Any) -> Any:
    """From lateral columns and motor nerves."""
    return felt(pyramidal(y, p), p)


def unsteady(y: Any, p: Any, x: Any) -> Any:
    """From dorsal and lateral columns together."""
    return felt(0.6 * deficit(y, p, "dorsal") + 0.4 * pyramidal(y, p), p)


def vibration_loss(y: Any, p: Any, x: Any) -> Any:
    """Vibration sense reduced at the toes; found a little before a person feels it."""
    return ops.logistic((greater(deficit(y, p, "foot"), deficit(y, p, "dorsal")) - p.sign_threshold) / p.symptom_width)


def _function(tract: str) -> Reading:
    def works(y: Any, p: Any, x: Any) -> Any:
        return 100.0 * (1.0 - deficit(y, p, tract))

    return Reading(f"function_{tract}", "%", "nerves", LABELS[tract] + ", working", works, assumed=THRESHOLD)


def _myelin(tract: str) -> Reading:
    def covered(y: Any, p: Any, x: Any) -> Any:
        return 100.0 * (1.0 - getattr(y, f"demyelinated_{tract}"))

    return Reading(f"myelin_{tract}", "%", "nerves", LABELS[tract] + ", with myelin", covered)


def _axon(tract: str) -> Reading:
    def standing(y: Any, p: Any, x: Any) -> Any:
        return 100.0 * (1.0 - down(y, tract))

    return Reading(f"axon_{tract}", "%", "nerves", LABELS[tract] + ", axons standing", standing)


MECHANISM = Mechanism(
    "symptom",
    readings=(
        *(_function(tract) for tract in TRACTS),
        *(_myelin(tract) for tract in TRACTS),
        *(_axon(tract) for tract in TRACTS),
        Reading("sural_velocity", "m/s", "nerves", "Sural conduction velocity", sural_velocity, lab=True),
        Reading("sural_amplitude", "uV", "nerves", "Sural amplitude", sural_amplitude, lab=True),
        Reading("peroneal_velocity", "m/s", "nerves", "Peroneal conduction velocity", peroneal_velocity, lab=True),
        Reading("sep_delay", "SD", "nerves", "Somatosensory evoked potential, delay", sep_delay, lab=True),
        Reading("vep_delay", "SD", "nerves", "Visual evoked potential, delay", vep_delay, lab=True),
        Reading("score", "points", "symptoms", "Neurological score (0 to 20)", score, assumed=THRESHOLD),
        Reading("score_gait", "points", "symptoms", "Gait (0 to 4)", gait, assumed=THRESHOLD),
        Reading("mmse", "points", "symptoms", "Cognition (MMSE, 0 to 30)", mmse, assumed=THRESHOLD),
        Reading("symptom_tingling", "probability", "symptoms", "Tingling", tingling, assumed=SLOPE),
        Reading("symptom_numbness", "probability", "symptoms", "Numbness", numbness, assumed=SLOPE),
        Reading("symptom_weakness", "probability", "symptoms", "Weakness", weakness, assumed=SLOPE),
        Reading("symptom_gait", "probability", "symptoms", "Unsteady gait", unsteady, assumed=SLOPE),
        Reading(
            "symptom_vision",
            "probability",
            "symptoms",
            "Poor vision",
            lambda y, p, x: felt(deficit(y, p, "optic"), p),
            assumed=SLOPE,
        ),
        Reading(
            "symptom_cognition",
            "probability",
            "symptoms",
            "Poor memory and thinking",
            lambda y, p, x: felt(deficit(y, p, "cognition"), p),
            assumed=SLOPE,
        ),
        Reading("vibration_loss", "probability", "symptoms", "Vibration sense reduced", vibration_loss, assumed=SLOPE),
    ),
)
