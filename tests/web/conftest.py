"""The application in this process, and a running one with a browser where the machine has one."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

import pytest

from corrin.shells.web.app import Serving, create_app
from web_client import CASE, DRAWS, TestClient


@pytest.fixture
def client() -> Iterator[TestClient]:
    """A browser without a script: it keeps cookies and calls the service by its own name."""
    with TestClient(create_app(Serving(draws=DRAWS)), base_url="http://localhost:8765") as made:
        yield made


@pytest.fixture
def case_text() -> str:
    """A case file."""
    return json.dumps(CASE)


@pytest.fixture(scope="session")
def service() -> Iterator[str]:
    """The address of a running service, as the command starts it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "corrin", "serve", "--port", str(port), "--draws", str(DRAWS)]
    running = subprocess.Popen(command, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    address = f"http://localhost:{port}"
    try:
        for _ in range(150):
            try:
                with urllib.request.urlopen(f"{address}/health", timeout=2) as answer:
                    assert answer.status == 200
                break
            except OSError:
                assert running.poll() is None, running.stderr.read().decode() if running.stderr else ""
                time.sleep(0.2)
        yield address
    finally:
        running.terminate()
        running.wait(20)
        if running.stderr is not None:
            running.stderr.close()
