"""What a laboratory measures on nerves: conduction velocity, amplitude, evoked potentials.

A demyelinated fibre conducts slowly, one that is down not at all; how much each takes from a test is assumed (facts/body/conduction.toml).
"""

from __future__ import annotations

from typing import Any

from corrin.body import ops
from corrin.body.flow import Mechanism, Reading
from corrin.body.nerve import LABELS, TRACTS, down


def slowed(y: Any, p: Any, tract: str) -> Any:
    """Relative fall of conduction velocity, 0..1."""
    return p.velocity_demyelinated * getattr(y, f"demyelinated_{tract}") + p.velocity_down * down(y, tract)


def years_since_25(x: Any) -> Any:
    """Years of age beyond 25."""
    return ops.above(x.age_y, 25.0 * ops.one.year, 1.0 * ops.one.year)


def ageing(p: Any, x: Any) -> Any:
    """m/s lost to age in the leg since 25 (cross-sections, two)."""
    return p.velocity_age_fall * years_since_25(x)


def sural_velocity(y: Any, p: Any, x: Any) -> Any:
    """Sural sensory conduction velocity, m/s."""
    return (p.sural_velocity_reference - ageing(p, x)) * (1.0 - slowed(y, p, "foot")) - y.slowed_by_glucose


def sural_amplitude(y: Any, p: Any, x: Any) -> Any:
    """Sural sensory action potential, uV. The power is assumed: what is left also scatters in time."""
    healthy = p.sural_amplitude_reference * ops.exp(-p.amplitude_age_fall * years_since_25(x))
    living = ops.power(ops.above(1.0 - down(y, "foot"), 0.0, 0.01), 1.5)
    scattered = p.amplitude_demyelinated + (1.0 - p.amplitude_demyelinated) * p.block_share * y.blocked
    return healthy * living * (1.0 - scattered * y.demyelinated_foot)


def peroneal_velocity(y: Any, p: Any, x: Any) -> Any:
    """Peroneal motor conduction velocity, m/s."""
    return (p.peroneal_velocity_reference - ageing(p, x)) * (1.0 - slowed(y, p, "motor")) - y.slowed_by_glucose


def late(y: Any, p: Any, tract: str) -> Any:
    """What delays an evoked potential, 0..1: demyelinated fibres, and lost ones less."""
    return getattr(y, f"demyelinated_{tract}") + p.evoked_lost * down(y, tract)


def sep_delay(y: Any, p: Any, x: Any) -> Any:
    """Somatosensory evoked potential: delay in SD of healthy people (2.5 is abnormal)."""
    return p.sep_gain * late(y, p, "dorsal")


def vep_delay(y: Any, p: Any, x: Any) -> Any:
    """Visual evoked potential, SD."""
    return p.vep_gain * late(y, p, "optic")


def mep_delay(y: Any, p: Any, x: Any) -> Any:
    """Motor evoked potential, SD."""
    return p.mep_gain * late(y, p, "lateral")


def _myelin(tract: str) -> Reading:
    def covered(y: Any, p: Any, x: Any) -> Any:
        return 100.0 * (1.0 - getattr(y, f"demyelinated_{tract}"))

    return Reading(f"myelin_{tract}", "%", "nerves", LABELS[tract] + ", with myelin", covered)


def _axon(tract: str) -> Reading:
    def standing(y: Any, p: Any, x: Any) -> Any:
        return 100.0 * (1.0 - down(y, tract))

    return Reading(f"axon_{tract}", "%", "nerves", LABELS[tract] + ", axons standing", standing)


MECHANISM = Mechanism(
    "conduction",
    readings=(
        *(_myelin(tract) for tract in TRACTS),
        *(_axon(tract) for tract in TRACTS),
        Reading("sural_velocity", "m/s", "nerves", "Sural conduction velocity", sural_velocity, lab=True),
        Reading("sural_amplitude", "uV", "nerves", "Sural amplitude", sural_amplitude, lab=True),
        Reading("peroneal_velocity", "m/s", "nerves", "Peroneal conduction velocity", peroneal_velocity, lab=True),
        Reading("sep_delay", "SD", "nerves", "Somatosensory evoked potential, delay", sep_delay, lab=True),
        Reading("vep_delay", "SD", "nerves", "Visual evoked potential, delay", vep_delay, lab=True),
        Reading("mep_delay", "SD", "nerves", "Motor evoked potential, delay", mep_delay, lab=True),
    ),
)
