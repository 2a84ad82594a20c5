"""The orders that were chosen, as far as they bear on B12."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from corrin.shells.fhir.codes import coded, modifiers
from corrin.shells.fhir.elements import objects
from corrin.shells.fhir.medicines import b12_product, drug, medicine
from corrin.shells.fhir.record import Origin, Tally

KINDS = ("metformin", "ppi", "folic_acid", "nitrous_oxide")
ORDERS = ("MedicationRequest", "MedicationStatement", "MedicationAdministration")


@dataclass(frozen=True, slots=True)
class Drafts:
    """What is drafted: `chosen` just now, and `every` draft at hand; each of metformin, ppi, folic_acid, nitrous_oxide, b12."""

    chosen: frozenset[str]
    every: frozenset[str]

    @property
    def folate_alone(self) -> bool:
        """Folic acid is chosen and no B12 goes with it."""
        return "folic_acid" in self.chosen and "b12" not in self.every


def drafts(bundle: Mapping[str, Any], selections: Sequence[str]) -> Drafts:
    """The drafts of an `order-select`. Selections that name no draft count as all of them."""
    wanted = {_tail(text) for text in selections}
    found = [
        (str(entry["resource"].get("id")), _kinds(entry["resource"]))
        for entry in objects(bundle.get("entry"))
        if isinstance(entry.get("resource"), dict)
    ]
    every = frozenset(kind for _, kinds in found for kind in kinds)
    if not any(name in wanted for name, _ in found):
        return Drafts(every, every)
    return Drafts(frozenset(kind for name, kinds in found if name in wanted for kind in kinds), every)


def _tail(text: str) -> str:
    return text.rsplit("/", 1)[-1].removeprefix("urn:uuid:")


def _kinds(order: dict[str, Any]) -> set[str]:
    if order.get("doNotPerform") is True or order.get("status") in ("cancelled", "entered-in-error"):
        return set()
    if order.get("resourceType") == "ServiceRequest":
        # An anaesthetic may be asked for as a service.
        asked = modifiers(coded(order.get("code")), ("exposure",))
        return {"nitrous_oxide"} if any(name.startswith("nitrous_oxide") for name in asked) else set()
    if order.get("resourceType") not in ORDERS:
        return set()
    # A draft is no medicine taken yet; read as one that is, its code means the same.
    ordered = {**order, "status": "active", "intent": "order", "doNotPerform": False}
    found: set[str] = set()
    for item in medicine(ordered, Origin("draft", "MedicationRequest"), Tally()):
        if b12_product(item.medication, item.route):
            found.add("b12")
        name = drug(item.medication)
        found |= {"nitrous_oxide"} if name.startswith("nitrous_oxide") else {name} & set(KINDS)
    return found
