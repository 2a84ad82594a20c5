"""What the tests of the page share: a case, a client without a script, forms as a browser sends them."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the extra web is not installed")
pytest.importorskip("httpx", reason="httpx, which the tests call the service with, is not installed")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it asks for a successor of httpx, which it does not need
    from fastapi.testclient import TestClient

__all__ = ["BUNDLE", "CASE", "CHROMIUM", "DRAWS", "FLAGS", "TestClient", "free_port", "send", "serving", "token"]

CHROMIUM = next(
    (path for path in ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome") if Path(path).exists()), None
)
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
)  # fmt: skip
DRAWS = 60
CASE = {
    "format": "corrin.case/1",
    "person": {"age_y": 57, "sex": "female"},
    "as_of": "day 0",
    "labs": [
        {"analyte": "serum_b12", "value": 205, "unit": "pg/mL", "date": "0"},
        {"analyte": "mma", "value": 3.6, "unit": "umol/L", "date": "0"},
    ],
    "findings": [{"what": "tingling", "date": "~18mo", "onset": True}],
}
BUNDLE = {
    "resourceType": "Bundle", "type": "collection",
    "entry": [
        {"resource": {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1969-03-01"}},
        {"resource": {"resourceType": "Observation", "id": "o", "status": "final", "subject": {"reference": "Patient/p"},
                      "effectiveDateTime": "2026-05-01", "code": {"coding": [{"system": "http://loinc.org", "code": "2132-9"}]},
                      "valueQuantity": {"value": 150, "unit": "pg/mL", "system": "http://unitsofmeasure.org", "code": "pg/mL"}}},
    ],
}  # fmt: skip


def token(client: TestClient, path: str = "/") -> str:
    """The token that the forms of a page carry."""
    found = re.search(r'name="token" value="([0-9a-f]+)"', client.get(path).text)
    assert found is not None
    return found.group(1)


def send(client: TestClient, path: str, values: dict[str, str], **more):
    """A form as a browser sends it."""
    return client.post(path, data={"token": token(client), **values}, follow_redirects=False, **more)


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def serving(port: int | None = None, draws: int = DRAWS) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A service as the command starts it: its address, and its process."""
    chosen = port or free_port()
    command = [sys.executable, "-m", "corrin", "serve", "--port", str(chosen), "--draws", str(draws)]
    running = subprocess.Popen(command, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    address = f"http://localhost:{chosen}"
    try:
        for _ in range(300):
            try:
                with urllib.request.urlopen(f"{address}/health", timeout=2) as answer:
                    assert answer.status == 200
                break
            except OSError:
                assert running.poll() is None, running.stderr.read().decode() if running.stderr else ""
                time.sleep(0.2)
        yield address, running
    finally:
        running.terminate()
        running.wait(20)
        if running.stderr is not None:
            running.stderr.close()
