"""The command that starts the page and the service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from corrin.shells.cli.parts import app, settings


@app.command()
def serve(
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = 8765,
    host: Annotated[str, typer.Option(help="The address to listen on. Beyond this machine a token is demanded.")] = "127.0.0.1",
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    token_file: Annotated[Path | None, typer.Option(metavar="FILE", help="A file that holds the token; CORRIN_TOKEN does as well.")] = None,
    allow_host: Annotated[list[str] | None, typer.Option(help="A further name it is called by; may be repeated.")] = None,
    waiting: Annotated[int, typer.Option(min=1, max=200, help="How many questions may wait for the engine.")] = 16,
    draws: Annotated[int | None, typer.Option(min=10, max=20000, help="How many people like this one the page draws (400).")] = None,
) -> None:
    """A page to look at and a service to call, on this machine: nothing is stored, nothing leaves it, nothing personal is logged."""
    settings()
    from corrin.shells.web.run import run

    run(host, port, open_page, token_file, tuple(allow_host or ()), waiting, draws or 400)
