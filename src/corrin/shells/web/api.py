"""The HTTP API, version 1: the answers of the library as JSON, errors as problem details (RFC 9457).

What needs no engine answers at once. What does is work in a queue: 202 with the address of the work, which is asked for progress (or
followed as server-sent events), stopped with DELETE, and holds the answer in the end. `?wait=` seconds holds the line instead.
"""

from __future__ import annotations

import asyncio
import difflib
import json
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from corrin.case.case import Case
from corrin.case.plan import Plan, built_in_plans, read_plan
from corrin.errors import CorrinError, InputError
from corrin.shells.web.problems import problem, problem_of
from corrin.shells.web.work import Engine, Job, Progress

MOST_YEARS, MOST_DRAWS, MOST_PLANS, MOST_WAIT = 20.0, 2000, 8, 30.0


class Problem(BaseModel):
    """Problem details (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] = []


ERRORS: dict[int | str, dict[str, Any]] = {
    code: {"description": words, "model": Problem}
    for code, words in (
        (401, "a token is needed"), (403, "sent by another site"), (404, "not held"), (408, "too slow"), (413, "too much"),
        (415, "not JSON"), (421, "not a name of this service"), (422, "cannot be used, or not covered"), (503, "too much is waiting"),
    )
}  # fmt: skip
router = APIRouter(prefix="/api/v1", tags=["answers"], responses=ERRORS)

CaseField = Annotated[dict[str, Any], Field(description="a corrin.case/1, or a FHIR R4 Bundle of one patient", examples=[
    {"format": "corrin.case/1", "person": {"age_y": 57, "sex": "female"}, "as_of": "day 0",
     "labs": [{"analyte": "serum_b12", "value": 205, "unit": "pg/mL", "date": "0"}]},
])]  # fmt: skip
PlanField = Annotated[str, Field(max_length=64)] | dict[str, Any]
Plans = Annotated[list[PlanField], Field(max_length=MOST_PLANS, description="names of built-in plans, or corrin.plan/1")]
Draws = Annotated[int, Field(ge=10, le=MOST_DRAWS)]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]


class Asked(BaseModel):
    """A question; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid")


class OfCase(Asked):
    """A question about one person."""

    case: CaseField

    def person(self, any_age: bool = False) -> Case:
        """The case, read and checked. Raises `CorrinError`."""
        if "resourceType" in self.case:
            from corrin.shells.fhir import read_fhir

            return read_fhir(self.case, any_age=any_age)[0]
        from corrin.case.reader import read_case

        return read_case(self.case, any_age=any_age)


class AssessAsked(OfCase):
    guides: Annotated[list[Annotated[str, Field(max_length=60)]], Field(max_length=30)] = []
    spectrum: Annotated[str | None, Field(max_length=20)] = None


class SimulateAsked(OfCase):
    draws: Draws = 400
    seed: Seed = 1


class ForecastAsked(SimulateAsked):
    plans: Plans = []
    years: Annotated[float, Field(gt=0.0, le=MOST_YEARS, allow_inf_nan=False)] = 2.0


class CompareAsked(ForecastAsked):
    prices: Annotated[dict[str, float], Field(max_length=50)] = {}


class RecoverAsked(SimulateAsked):
    plans: Plans = []


class DelayAsked(SimulateAsked):
    plan: PlanField | None = None
    months: Annotated[list[Annotated[float, Field(ge=0.0, le=60.0, allow_inf_nan=False)]], Field(max_length=12)] = [
        0.0,
        1.0,
        3.0,
        6.0,
        12.0,
    ]


class DietAsked(Asked):
    foods: Annotated[str, Field(max_length=20_000, examples=["milk 250 ml daily, clams 84 g weekly"])]
    age_y: Annotated[float | None, Field(ge=0.0, le=120.0, allow_inf_nan=False)] = None
    sex: Annotated[str | None, Field(max_length=20)] = None
    pregnancy: Annotated[str | None, Field(max_length=40)] = None


class ClaimAsked(Asked):
    text: Annotated[str, Field(min_length=1, max_length=200_000)]


class Work(BaseModel):
    """A piece of work: its state, what is being done, how far it is (0 to 1), and when done its answer."""

    id: str
    question: str
    state: str
    says: str
    share: float
    answer: dict[str, Any] | None = None
    problem: dict[str, Any] | None = None


Wait = Annotated[float, Query(ge=0.0, le=MOST_WAIT, description="hold the line for so many seconds")]
Name = Annotated[str, Path(max_length=60)]


@router.post("/assess")
def assess(asked: AssessAsked) -> JSONResponse:
    """Is it deficiency, why, and what now? At once."""
    from corrin.answers.assess import assess as answer

    return _given(answer(asked.person(any_age=True), asked.guides, spectrum=asked.spectrum).to_dict())


@router.post("/diet")
def diet(asked: DietAsked) -> JSONResponse:
    """What of my food?"""
    from corrin.answers.diet import diet as answer

    return _given(answer(asked.foods, age_y=asked.age_y, sex=asked.sex, pregnancy=asked.pregnancy).to_dict())


@router.post("/claim")
def claim(asked: ClaimAsked) -> JSONResponse:
    """Is what I read true?"""
    from corrin.answers.claim import claim as answer

    return _given(answer(asked.text).to_dict())


@router.get("/explain/{name}")
def explain(name: Annotated[str, Path(max_length=100)]) -> JSONResponse:
    """Where does this number come from? A parameter, reading, product, modifier, analyte or source."""
    from corrin.answers.explain import explain as answer

    return _given(answer(name).to_dict())


@router.get("/plans")
def plans() -> JSONResponse:
    """The plans that are built in."""
    from corrin.case.plan import built_in_plans

    return _given({"plans": [plan.to_dict() for plan in built_in_plans().values()]})


@router.post("/forecast", status_code=202, response_model=Work)
async def forecast(request: Request, asked: ForecastAsked, wait: Wait = 0.0) -> JSONResponse:
    """What will blood and nerves do under each plan?"""
    person, chosen = await run_in_threadpool(asked.person), _plans(asked.plans) or None

    def answer(tell: Progress) -> dict[str, Any]:
        from corrin.answers.forecast import forecast as run

        return run(person, chosen, years=asked.years, draws=asked.draws, seed=asked.seed, progress=tell).to_dict()

    return await _work(request, "forecast", answer, wait)


@router.post("/compare", status_code=202, response_model=Work)
async def compare(request: Request, asked: CompareAsked, wait: Wait = 0.0) -> JSONResponse:
    """Which treatment? Plans side by side."""
    person, chosen = await run_in_threadpool(asked.person), _plans(asked.plans) or None

    def answer(tell: Progress) -> dict[str, Any]:
        from corrin.answers.compare import compare as run

        return run(
            person, chosen, years=asked.years, draws=asked.draws, seed=asked.seed, prices=asked.prices, progress=tell
        ).to_dict()  # fmt: skip

    return await _work(request, "compare", answer, wait)


@router.post("/recover", status_code=202, response_model=Work)
async def recover(request: Request, asked: RecoverAsked, wait: Wait = 0.0) -> JSONResponse:
    """What comes back, how much and how fast?"""
    person, chosen = await run_in_threadpool(asked.person), _plans(asked.plans) or None

    def answer(tell: Progress) -> dict[str, Any]:
        from corrin.answers.recover import recover as run

        return run(person, chosen, draws=asked.draws, seed=asked.seed, progress=tell).to_dict()

    return await _work(request, "recover", answer, wait)


@router.post("/delay", status_code=202, response_model=Work)
async def delay(request: Request, asked: DelayAsked, wait: Wait = 0.0) -> JSONResponse:
    """What does waiting cost?"""
    person, chosen = await run_in_threadpool(asked.person), (_plans([asked.plan])[0] if asked.plan is not None else None)

    def answer(tell: Progress) -> dict[str, Any]:
        from corrin.answers.delay import delay as run

        return run(person, chosen, asked.months, draws=asked.draws, seed=asked.seed, progress=tell).to_dict()

    return await _work(request, "delay", answer, wait)


@router.get("/work/{name}", response_model=Work, tags=["work"])
async def work(request: Request, name: Name, wait: Wait = 0.0) -> JSONResponse:
    """A piece of work: progress, and in the end its answer."""
    return await _shown(_engine(request).get(name), wait)


@router.delete("/work/{name}", response_model=Work, tags=["work"])
def stop(request: Request, name: Name) -> JSONResponse:
    """Stop a piece of work."""
    job = _engine(request).get(name)
    job.stop()
    return _given(_plain(job))


@router.get("/work/{name}/events", tags=["work"], response_class=StreamingResponse)
async def events(request: Request, name: Name) -> StreamingResponse:
    """The progress of a piece of work as server-sent events, until it is over."""
    job = _engine(request).get(name)

    async def lines() -> AsyncIterator[str]:
        last = ""
        while True:
            now = _plain(job)
            now.pop("answer", None)
            text = json.dumps(now)
            if text != last:
                yield f"event: {'end' if job.over else 'progress'}\ndata: {text}\n\n"
                last = text
            if job.over or await request.is_disconnected():
                return
            await asyncio.sleep(0.2)

    return StreamingResponse(lines(), media_type="text/event-stream")


def _plans(asked: list[str | dict[str, Any]]) -> list[Plan]:
    """Plans by built-in name or as data. A text is never taken for the name of a file of this machine."""
    held = built_in_plans()
    found = []
    for plan in asked:
        if isinstance(plan, str) and plan not in held:
            near = difflib.get_close_matches(plan, held, n=2, cutoff=0.5)
            cure = f"Did you mean {' or '.join(near)}?" if near else "GET /api/v1/plans lists them."
            raise InputError("plan", f"{ascii(plan)[:60]} is not a built-in plan", "a name, or a corrin.plan/1", cure)
        found.append(held[plan] if isinstance(plan, str) else read_plan(plan))
    return found


def _engine(request: Request) -> Engine:
    engine: Engine = request.app.state.engine
    return engine


async def _work(request: Request, what: str, call: Callable[[Progress], dict[str, Any]], wait: float) -> JSONResponse:
    return await _shown(_engine(request).submit(what, call), wait)


async def _shown(job: Job[Any], wait: float) -> JSONResponse:
    """The work as it stands after so long: 200 when it is over, 202 with its address while it is not."""
    for _ in range(int(wait * 10)):
        if job.over:
            break
        await asyncio.sleep(0.1)
    return _given(_plain(job), 200 if job.over else 202, {"location": f"/api/v1/work/{job.id}"})


def _plain(job: Job[Any]) -> dict[str, Any]:
    held = {"id": job.id, "question": job.what, "state": job.state, "says": job.says, "share": round(job.share, 3),
            "answer": job.found if job.state == "done" else None, "problem": None}  # fmt: skip
    if job.error is not None:
        known = isinstance(job.error, CorrinError)
        held["problem"] = problem_of(job.error) if known else problem(500, "Our own fault", type(job.error).__name__, "bug")
    return held


def _given(data: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse(data, status, headers=headers)
