"""The application: one process that shows the pages, answers the HTTP API and the clinic's hooks."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

from fastapi import FastAPI

LOCAL = ("localhost", "127.0.0.1", "[::1]")
"""Names under which a browser on this machine calls it. Any other Host is refused: a foreign name that points here is an attack."""


@dataclass(frozen=True)
class Serving:
    """How the service runs. `hosts`: names it answers to beside this machine's own; `token`: demanded when anybody else can call it."""

    host: str = "127.0.0.1"
    port: int = 8765
    hosts: tuple[str, ...] = ()
    token: str | None = None
    waiting: int = 16
    draws: int = 400
    seed: int = 1


def create_app(serving: Serving | None = None) -> FastAPI:
    """The application, ready to be run; `app.state.serving` holds how it runs."""
    from corrin import __version__

    app = FastAPI(title="corrin", version=__version__, docs_url=None, redoc_url=None, openapi_url="/api/v1/openapi.json")
    app.state.serving = serving or Serving()
    if find_spec("corrin.shells.cds") is not None:
        app.include_router(import_module("corrin.shells.cds").router)
    return app
