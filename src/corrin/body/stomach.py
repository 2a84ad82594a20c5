"""The stomach: intrinsic factor, made by the parietal cells, follows its cause slowly or at once."""

from __future__ import annotations

from typing import Any

from corrin.body.flow import Change, Mechanism, Pool


def mucosa_follows(y: Any, p: Any, x: Any) -> Any:
    """Output moves to what the mucosa can make now; autoimmune loss takes years, surgery none (`mucosa_rate` says how fast)."""
    return p.mucosa_rate * (p.intrinsic_factor - y.intrinsic_factor_output)


MECHANISM = Mechanism(
    "stomach",
    pools=(Pool("intrinsic_factor_output", "1", 1.0, 0.1, note="intrinsic factor secreted, share of normal"),),
    changes=(Change("intrinsic_factor_output", mucosa_follows),),
)
