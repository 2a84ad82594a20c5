"""Hostile input over the whole OpenAPI: never a fault of ours, and what comes back is what the description says."""

from __future__ import annotations

import warnings

import pytest
from hypothesis import HealthCheck, Phase, settings

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")

from corrin.shells.web.app import Serving, create_app  # noqa: E402


def _no_work(self, what, call):
    from corrin.shells.web.work import Job

    job = Job(what, state="done", found={})
    self.jobs[job.id] = job
    return job


APP = create_app(Serving())
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", APP, headers={"host": "localhost"})


@schema.include(path_regex="^/api/v1/").parametrize()
@settings(
    max_examples=12, deadline=None, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture,
                           HealthCheck.data_too_large],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore")
def test_nothing_sent_is_a_fault_of_ours(case, monkeypatch) -> None:
    # What the engine makes of a sound case is tested elsewhere; here only what lies before it.
    from corrin.shells.web.work import Engine

    monkeypatch.setattr(Engine, "submit", _no_work)
    headers = {key: value for key, value in (case.headers or {}).items() if key.lower() != "host"} | {"host": "localhost"}
    if case.path.endswith("/events"):
        case.path_parameters = {"name": "nobody"}
    answer = case.call(headers=headers)
    assert answer.status_code < 500 or answer.status_code == 503, answer.text
    if answer.status_code >= 400:
        assert answer.headers["content-type"][0].startswith("application/problem+json")
