"""The application in this process, and a running one with a browser where the machine has one."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from corrin.shells.web.app import Serving, create_app
from web_client import CASE, DRAWS, TestClient, serving


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
    with serving() as (address, _):
        yield address
