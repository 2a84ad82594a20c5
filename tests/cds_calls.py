"""Calls of the clinic's hooks for tests: an application with nothing but the hooks, called in this process without a socket."""

from __future__ import annotations

import asyncio
import datetime
from functools import lru_cache
from typing import Any

import httpx
from fastapi import FastAPI

import fhir_bundles as fhir
from corrin.shells.cds import Clinic, router

TODAY = datetime.date(2025, 1, 1)
INSTANCE = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"
VIEW, ORDER = "corrin-b12-patient-view", "corrin-b12-order-select"
BASE = "http://127.0.0.1:8765"
Resource = dict[str, Any]


def app_with(clinic: Clinic | None = None) -> FastAPI:
    app = FastAPI()
    app.state.clinic = clinic or Clinic(today=lambda: TODAY)
    app.include_router(router)
    return app


@lru_cache(maxsize=1)
def shared() -> FastAPI:
    """The application of calls that need none of their own."""
    return app_with()


def send(app: FastAPI, method: str, path: str, **more: Any) -> httpx.Response:
    """One request; an exception of the application is not caught, so that nothing hides."""

    async def go() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE) as client:
            return await client.request(method, path, **more)

    return asyncio.run(go())


def searchset(*resources: Resource) -> Resource:
    return fhir.bundle(*resources, kind="searchset") | {"total": len(resources)}


def order(code: str, name: str = "d1", **more: Any) -> Resource:
    return fhir.medicine(code, id=name, **more) | {"status": "draft"}


def body(prefetch: Any, *orders: Resource, chosen: list[str] | None = None, patient: str = "p1", **more: Any) -> Resource:
    """A call of `patient-view`, or with orders of `order-select`."""
    context: Resource = {"userId": "Practitioner/7", "patientId": patient}
    if orders:
        names = [f"MedicationRequest/{item['id']}" for item in orders]
        context |= {"selections": names if chosen is None else chosen, "draftOrders": fhir.bundle(*orders)}
    return {
        "hook": "order-select" if orders else "patient-view",
        "hookInstance": INSTANCE,
        "context": context,
        "prefetch": prefetch,
        **more,
    }


def ask(prefetch: Any, *orders: Resource, clinic: Clinic | None = None, **more: Any) -> list[Resource]:
    """The cards of one call."""
    response = send(
        app_with(clinic) if clinic is not None else shared(),
        "POST",
        f"/cds-services/{ORDER if orders else VIEW}",
        json=body(prefetch, *orders, **more),
    )
    assert response.status_code == 200, response.text
    found: list[Resource] = response.json()["cards"]
    return found


def topics(cards: list[Resource]) -> list[str]:
    return [card["source"]["topic"]["code"] for card in cards]


def record(*resources: Resource, **born: Any) -> Resource:
    """A whole prefetch: the patient, and these resources under the keys the discovery asks for; nothing else is there."""
    from corrin.shells.cds.prefetch import KINDS

    made: Resource = {"patient": fhir.patient(**born)}
    for key, kind in KINDS.items():
        if key != "patient":
            made[key] = searchset(*(item for item in resources if item["resourceType"] == kind))
    return made
