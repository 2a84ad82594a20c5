"""The application: one process that shows the pages, answers the HTTP API and the clinic's hooks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from corrin.errors import CorrinError
from corrin.shells.web import api, diary, pages
from corrin.shells.web.desk import Desk, NoVisit
from corrin.shells.web.problems import JSON, problem, problem_of
from corrin.shells.web.security import LOCAL, Guard, Seal
from corrin.shells.web.work import Engine, Full, Gone

STATIC = Path(__file__).parent / "static"


@dataclass(frozen=True)
class Serving:
    """How the service runs. `hosts`: names it answers to beside this machine's own; `token`: demanded when anybody else can call it;
    `waiting`: how much work may wait for the engine; `draws`, `seed`: of the page's own runs."""

    host: str = "127.0.0.1"
    port: int = 8765
    hosts: tuple[str, ...] = ()
    token: str | None = None
    waiting: int = 16
    draws: int = 400
    seed: int = 1


def create_app(serving: Serving | None = None) -> FastAPI:
    """The application, ready to be run; `app.state` holds how it runs (`serving`), its queue (`engine`) and its visits (`desk`)."""
    from corrin.version import __version__

    held = serving or Serving()
    engine = Engine(held.waiting)

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        yield
        engine.close()

    app = FastAPI(
        title="corrin", version=__version__, docs_url=None, redoc_url=None, openapi_url="/api/v1/openapi.json", lifespan=life,
        description="An executable model of vitamin B12 and the nerves it keeps alive. For education and research; not a medical device.",
    )  # fmt: skip
    app.state.serving, app.state.engine, app.state.seal = held, engine, Seal()
    app.state.desk = Desk(engine, held.draws, held.seed)
    app.include_router(pages.router)
    app.include_router(diary.router)
    app.include_router(api.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    origins, own_keys = _hooks(app)
    hosts = tuple(dict.fromkeys((*LOCAL, *(name.lower() for name in held.hosts))))
    app.add_middleware(Guard, hosts=hosts, token=held.token, origins=origins, seal=app.state.seal, own_keys=own_keys)
    _faults(app)
    return app


def _hooks(app: FastAPI) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Mount the clinic's hooks. Returns other sites that may call, and paths that check a caller's key of their own."""
    if find_spec("corrin.shells.cds") is None:
        return (), ()
    cds = import_module("corrin.shells.cds")
    app.include_router(cds.router)
    app.state.clinic = cds.configured(f"http://{app.state.serving.host}:{app.state.serving.port}/")
    return tuple(app.state.clinic.origins), ("/cds-services",) if app.state.clinic.callers is not None else ()


def _faults(app: FastAPI) -> None:
    """Every error as a page for who reads pages, as problem details for programs."""

    def said(request: Request, held: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
        if "text/html" in request.headers.get("accept", "") and not request.url.path.startswith(("/api/", "/cds-services")):
            return pages.error_page(request, held)
        return JSONResponse(held, held["status"], media_type=JSON, headers=headers)

    async def ours(request: Request, error: Exception) -> Response:
        held = problem_of(error)
        return said(request, held, {"retry-after": "30"} if held["status"] == 503 else None)

    async def gone(request: Request, error: Exception) -> Response:
        text = "What was asked is held in memory for a while only, and no more after a restart. Nothing of it was stored."
        return said(request, problem(404, "This answer is held no more", text, "gone"))

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return said(request, problem(error.status_code, str(error.detail), str(error.detail)), dict(error.headers or {}))

    async def shape(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        faults = [
            {"where": ".".join(str(part) for part in item["loc"]), "found": item["msg"], "expected": "", "cure": ""}
            for item in error.errors()[:50]
        ]
        text = "; ".join(f"{item['where']}: {item['found']}" for item in faults[:5])
        return said(request, problem(422, "Something in the request cannot be used", text, "input", errors=faults))

    for type_, handler in ((CorrinError, ours), (Full, ours), (Gone, ours), (NoVisit, gone), (HTTPException, http),
                           (RequestValidationError, shape)):  # fmt: skip
        app.add_exception_handler(type_, handler)
