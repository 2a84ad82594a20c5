"""CDS Hooks 2.0: a service a records system calls when a patient is opened (`patient-view`) or an order chosen (`order-select`).

Answers come from `corrin.answers.assess` alone, so they are instant. Nothing is fetched, nothing of a person is kept or logged: what was
not prefetched is named as missing. `router` is mounted by the application; `app.state.clinic` (a `Clinic`) says who may call.
"""

from __future__ import annotations

from corrin.shells.cds.service import Clinic, configured, router

__all__ = ["Clinic", "configured", "router"]
