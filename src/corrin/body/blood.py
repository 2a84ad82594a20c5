"""Blood: injection sites, transcobalamin (TC) consumed with its cargo, haptocorrin (HC), free B12, loose binding of hydroxocobalamin.

Two classes of form: C (cyano, methyl) and O (hydroxo, adenosyl, and all B12 from food, bile and tissue). `plasma_c` and `plasma_o` hold
what is neither on HC nor loosely bound; its binding to TC is at equilibrium. Longer than other places, because sites, carriers and
free B12 share these pools and every one of them is bound to the others.
"""

from __future__ import annotations

from typing import Any

from corrin.body import ops
from corrin.body.flow import Change, Dose, Flow, Mechanism, Pool, Reading


def holotranscobalamin(y: Any, p: Any) -> Any:
    """nmol on TC, binding at equilibrium (root of the quadratic, in the form that does not cancel)."""
    plasma = y.plasma_c + y.plasma_o
    total = plasma + y.transcobalamin + p.binding_constant
    return 2.0 * plasma * y.transcobalamin / (total + ops.sqrt(total * total - 4.0 * plasma * y.transcobalamin))


def free(y: Any, p: Any) -> Any:
    """nmol not bound to TC; filtered and captured."""
    return y.plasma_c + y.plasma_o - holotranscobalamin(y, p)


def share_c(y: Any, p: Any) -> Any:
    """Share of plasma B12 that is of class C."""
    return y.plasma_c / (y.plasma_c + y.plasma_o + p.trace_amount)


def captured(y: Any, p: Any) -> Any:
    """nmol/d of free B12 taken by saturable sites: why 10-100 ug of CN is kept (Carmel2008)."""
    unbound = free(y, p)
    return p.capture_rate * unbound / (1.0 + unbound / p.capture_half) * (1.0 - y.captured / p.capture_sites)


def to_haptocorrin(y: Any, p: Any) -> Any:
    """nmol/d that loads apo-haptocorrin, from holoTC and from free B12."""
    unbound = free(y, p)
    return (y.haptocorrin - y.holohaptocorrin) * (
        p.loading_from_tc * holotranscobalamin(y, p) + p.loading_from_free * unbound / (unbound + p.loading_half)
    )


def taken_bound(y: Any, p: Any) -> Any:
    """nmol/d carried into tissue by TC (Donaldson1977: half of TC gone 30 min after a load)."""
    return p.tc_uptake_rate * holotranscobalamin(y, p)


def taken_free(y: Any, p: Any) -> Any:
    """nmol/d of slow uptake of free B12 that does not saturate."""
    return p.free_uptake_clearance * free(y, p) / p.free_volume


def _split(total: Any, of_c: bool, part: str | None = None) -> Any:
    """A flow out of plasma, by the class's share of it; `part` 'cell' or 'store' by where tissue keeps it."""

    def leaving(y: Any, p: Any, x: Any) -> Any:
        share = share_c(y, p) if of_c else 1.0 - share_c(y, p)
        if part is None:
            return total(y, p) * share
        to_cell = p.cell_pool * (p.cell_share_free if total is taken_free else p.cell_share_bound)
        return total(y, p) * share * (to_cell if part == "cell" else 1.0 - to_cell)

    leaving.__doc__ = total.__doc__
    return leaving


def _leaves_captured(part: str) -> Any:
    def leaves(y: Any, p: Any, x: Any) -> Any:
        """nmol/d from the capture sites into tissue."""
        to_cell = p.cell_pool * p.cell_share_free
        return p.capture_release * y.captured * (to_cell if part == "cell" else 1.0 - to_cell)

    return leaves


def _leaves_loose(pool: str, part: str) -> Any:
    def leaves(y: Any, p: Any, x: Any) -> Any:
        """nmol/d of loosely bound hydroxocobalamin into tissue."""
        to_cell = p.cell_pool * p.cell_share_bound
        rate = p.loose_release * (1.0 - p.loose_slow_share) if pool == "loose" else p.loose_slow_release
        return rate * getattr(y, pool) * (to_cell if part == "cell" else 1.0 - to_cell)

    return leaves


def binds_loosely(y: Any, p: Any, x: Any) -> Any:
    """Free hydroxocobalamin binds to proteins at large: why it is kept and stays in serum (Glass1961a, Hertz1964)."""
    return p.loose_binding * free(y, p) * (1.0 - share_c(y, p))


def loose_to_slow(y: Any, p: Any, x: Any) -> Any:
    """A tenth of it binds for weeks (serum ratio OH:CN at 3 weeks, Glass1961a)."""
    return p.loose_release * p.loose_slow_share * y.loose


def transcobalamin_turns(y: Any, p: Any, x: Any) -> Any:
    """TC is made, cleared slowly when empty and consumed with its cargo (Donaldson1977: back by 8 h)."""
    bound = holotranscobalamin(y, p)
    return p.transcobalamin_synthesis - p.tc_clearance * (y.transcobalamin - bound) - p.tc_uptake_rate * bound


def haptocorrin_turns(y: Any, p: Any, x: Any) -> Any:
    """HC is made and cleared, faster when empty."""
    apo = y.haptocorrin - y.holohaptocorrin
    made = p.haptocorrin_synthesis * (1.0 - p.pregnancy_hc_fall * x.pregnancy)
    return made - p.apo_hc_clearance * apo - p.holo_hc_clearance * y.holohaptocorrin


def haptocorrin_delivers(y: Any, p: Any, x: Any) -> Any:
    """nmol/d of B12 taken up by the liver with HC."""
    return p.holo_hc_clearance * y.holohaptocorrin


def from_depot_c(y: Any, p: Any, x: Any) -> Any:
    """nmol/d from the injection site (SwissCN: peak at 1 h)."""
    return p.depot_rate_c * y.depot_c


def from_depot_o(y: Any, p: Any, x: Any) -> Any:
    """nmol/d from the injection site, slower (Glass1961b; OHlabelUS: half in 2.5 h)."""
    return p.depot_rate_o * y.depot_o


def serum_b12(y: Any, p: Any, x: Any) -> Any:
    """pmol/L by a binding assay: on TC, on HC, free, loose, and what the assay reads when there is none."""
    volumes = (holotranscobalamin(y, p) + y.holohaptocorrin) / p.plasma_volume + free(y, p) / p.free_volume
    return p.assay_offset + p.pmol_per_nmol * (volumes + (y.loose + y.loose_slow) / p.loose_volume)


def holotc_reading(y: Any, p: Any, x: Any) -> Any:
    """pmol/L of active B12."""
    return p.pmol_per_nmol * holotranscobalamin(y, p) / p.plasma_volume


MECHANISM = Mechanism(
    "blood",
    pools=(
        Pool("depot_c", "nmol", 0.0, 1.0, b12=True),
        Pool("depot_o", "nmol", 0.0, 1.0, b12=True),
        Pool("plasma_c", "nmol", 0.001, 0.01, b12=True, note="on TC and free, cyano and methyl"),
        Pool("plasma_o", "nmol", 0.25, 0.01, b12=True, note="on TC and free, all other"),
        Pool("loose", "nmol", 0.0, 0.1, b12=True, note="hydroxocobalamin bound loosely to proteins"),
        Pool("loose_slow", "nmol", 0.0, 0.1, b12=True, note="the same, for weeks"),
        Pool("captured", "nmol", 0.0, 0.3, b12=True, note="on saturable capture sites"),
        Pool("transcobalamin", "nmol", 2.1, 0.5, note="total TC"),
        Pool("haptocorrin", "nmol", 1.25, 0.05, note="total HC"),
        Pool("holohaptocorrin", "nmol", 0.75, 0.02, b12=True, note="HC that carries B12"),
    ),
    flows=(
        Flow("injection site, C", "depot_c", "plasma_c", from_depot_c),
        Flow("injection site, O", "depot_o", "plasma_o", from_depot_o),
        *(
            flow
            for form, of_c in (("c", True), ("o", False))
            for flow in (
                Flow(f"TC uptake to store, {form.upper()}", f"plasma_{form}", "store", _split(taken_bound, of_c, "store")),
                Flow(f"TC uptake to cell, {form.upper()}", f"plasma_{form}", "cell", _split(taken_bound, of_c, "cell")),
                Flow(f"free uptake to store, {form.upper()}", f"plasma_{form}", "store", _split(taken_free, of_c, "store")),
                Flow(f"free uptake to cell, {form.upper()}", f"plasma_{form}", "cell", _split(taken_free, of_c, "cell")),
                Flow(f"capture, {form.upper()}", f"plasma_{form}", "captured", _split(captured, of_c)),
                Flow(f"loading of HC, {form.upper()}", f"plasma_{form}", "holohaptocorrin", _split(to_haptocorrin, of_c)),
            )
        ),
        Flow("capture sites to store", "captured", "store", _leaves_captured("store")),
        Flow("capture sites to cell", "captured", "cell", _leaves_captured("cell")),
        Flow("HC to liver", "holohaptocorrin", "store", haptocorrin_delivers),
        Flow("loose binding", "plasma_o", "loose", binds_loosely),
        Flow("loose to slow", "loose", "loose_slow", loose_to_slow),
        *(
            Flow(f"{pool} to {part}", pool, part, _leaves_loose(pool, part))
            for pool in ("loose", "loose_slow")
            for part in ("store", "cell")
        ),
    ),
    changes=(Change("transcobalamin", transcobalamin_turns), Change("haptocorrin", haptocorrin_turns)),
    doses=(
        Dose("injected", "C", lambda dose, y, p, x: {"depot_c": dose}),
        Dose("injected", "O", lambda dose, y, p, x: {"depot_o": dose}),
        Dose("intravenous", "C", lambda dose, y, p, x: {"plasma_c": dose}),
        Dose("intravenous", "O", lambda dose, y, p, x: {"plasma_o": dose}),
        Dose("nasal", "C", lambda dose, y, p, x: {"depot_c": p.nasal_bioavailability * dose}),
        Dose("nasal", "O", lambda dose, y, p, x: {"depot_o": p.nasal_bioavailability * dose}),
    ),
    readings=(
        Reading("serum_b12", "pmol/L", "labs", "Serum vitamin B12", serum_b12, lab=True),
        Reading("holotranscobalamin", "pmol/L", "labs", "Holotranscobalamin (active B12)", holotc_reading, lab=True),
    ),
)
