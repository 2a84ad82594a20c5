"""The ileum: the intrinsic-factor path, saturable per dose, recovering over hours, delayed by the enterocyte; and diffusion."""

from __future__ import annotations

from typing import Any

from corrin.body.flow import Change, Dose, Flow, Mechanism, Pool


def receptors_recover(y: Any, p: Any, x: Any) -> Any:
    """A second dose 4-6 h later is absorbed as well as the first (Heyssel1966)."""
    return p.receptor_recovery * (1.0 - y.receptors_free)


def carried(dose_nmol: Any, y: Any, p: Any) -> Any:
    """nmol of a swallowed dose taken up with intrinsic factor (Adams1971, Carmel2008)."""
    dose_ug = dose_nmol / p.nmol_per_ug
    amount_ug = p.absorption_share * p.absorption_half * dose_ug / (p.absorption_half + dose_ug)
    return amount_ug * p.nmol_per_ug * y.receptors_free * y.intrinsic_factor_output * p.ileal_uptake


def receptors_used(dose_nmol: Any, y: Any, p: Any) -> Any:
    """Share of the receptors a dose occupies."""
    dose_ug = dose_nmol / p.nmol_per_ug
    return y.receptors_free * dose_ug / (p.absorption_half + dose_ug)


def swallowed_c(dose: Any, y: Any, p: Any, x: Any) -> dict[str, Any]:
    """Cyano- and methylcobalamin by mouth: carried, plus a fixed share by diffusion; the rest leaves with the faeces."""
    return {
        "enterocyte_c1": carried(dose, y, p),
        "gut_c": p.passive_fraction * dose,
        "receptors_free": -receptors_used(dose, y, p),
    }


def swallowed_o(dose: Any, y: Any, p: Any, x: Any) -> dict[str, Any]:
    """Hydroxo- and adenosylcobalamin by mouth: half of what is carried stays in the liver at first pass (Greibe2018)."""
    taken = carried(dose, y, p)
    return {
        "enterocyte_o1": (1.0 - p.first_pass) * taken,
        "store": p.first_pass * taken,
        "gut_o": p.passive_fraction * dose,
        "receptors_free": -receptors_used(dose, y, p),
    }


def diffuse_c(y: Any, p: Any, x: Any) -> Any:
    """Early, needs neither intrinsic factor nor ileum."""
    return p.passive_rate * y.gut_c


def diffuse_o(y: Any, p: Any, x: Any) -> Any:
    """As for the other class."""
    return p.passive_rate * y.gut_o


def _through(pool: str) -> Any:
    def transit(y: Any, p: Any, x: Any) -> Any:
        """One of three stages: lag 3-4 h, peak 8-12 h (IOM1998, Doscherholmen1957)."""
        return p.enterocyte_rate * getattr(y, pool)

    return transit


MECHANISM = Mechanism(
    "ileum",
    pools=(
        Pool("receptors_free", "1", 1.0, 0.3, note="ileal uptake not occupied, share"),
        Pool("gut_c", "nmol", 0.0, 0.5, b12=True),
        Pool("gut_o", "nmol", 0.0, 0.5, b12=True),
        *(Pool(f"enterocyte_{form}{stage}", "nmol", 0.0, 0.2, b12=True) for form in "co" for stage in (1, 2, 3)),
    ),
    flows=(
        Flow("diffusion, C", "gut_c", "plasma_c", diffuse_c),
        Flow("diffusion, O", "gut_o", "plasma_o", diffuse_o),
        *(
            Flow(
                f"enterocyte {form} {stage}",
                f"enterocyte_{form}{stage}",
                f"enterocyte_{form}{stage + 1}" if stage < 3 else f"plasma_{form}",
                _through(f"enterocyte_{form}{stage}"),
            )
            for form in "co"
            for stage in (1, 2, 3)
        ),
    ),
    changes=(Change("receptors_free", receptors_recover),),
    doses=(Dose("oral", "C", swallowed_c), Dose("oral", "O", swallowed_o)),
)
