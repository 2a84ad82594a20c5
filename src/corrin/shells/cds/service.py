"""The HTTP side of CDS Hooks 2.0: discovery, the two services, feedback. Every way out is JSON; a refusal is a problem (RFC 9457).

No word of a request stands in a refusal or in a log. Limits hold before anything is built: bytes, then depth, then shape.
"""

from __future__ import annotations

import datetime
import json
import logging
import re
import uuid
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool

from corrin.answers.assess import DISCLAIMER
from corrin.errors import CorrinError
from corrin.settings import choose
from corrin.shells.cds.cards import OVERRIDES, Asked, cards
from corrin.shells.cds.feedback import Tally
from corrin.shells.cds.orders import drafts
from corrin.shells.cds.prefetch import known, templates
from corrin.shells.fault import report_fault

if TYPE_CHECKING:
    from corrin.shells.cds.keys import Callers

MAX_BYTES = 4 * 2**20
MAX_DEPTH = 40
MAX_FEEDBACK = 200
BRACKETS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|([\[{])|([\]}])', re.DOTALL)
JSON = "application/json"
PROBLEM = "application/problem+json"
AT_ONCE = 2
"""Calls that are worked on at once; the others wait in line, so that none is starved by those that came later."""
ID = r"^[A-Za-z0-9\-.]{1,64}$"


@dataclass
class Clinic:
    """Who may call, and where the page is. `page`: the address cards point to; without `callers` nobody is asked for a token; `origins`:
    web pages that may call from a browser. `today` is the clock."""

    page: str = "http://127.0.0.1:8765/"
    origins: tuple[str, ...] = ()
    callers: Callers | None = None
    today: Callable[[], datetime.date] = datetime.date.today
    tally: Tally = field(default_factory=Tally)
    turns: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(AT_ONCE))


def configured(page: str | None = None) -> Clinic:
    """The clinic of the settings `cds_page`, `cds_origins`, `cds_keys`. Raises `InputError` for a key file that cannot be used."""
    chosen = choose({})
    keys = str(chosen["cds_keys"].value)
    callers = None
    if keys:
        from corrin.shells.cds.keys import read_callers

        callers = read_callers(Path(keys))
    return Clinic(str(chosen["cds_page"].value) or page or Clinic.page, tuple(chosen["cds_origins"].value), callers)


def clinic_of(request: Request) -> Clinic:
    """The clinic of this application: `app.state.clinic`, else that of the settings, read once."""
    state = request.app.state
    if not hasattr(state, "clinic"):
        serving = getattr(state, "serving", None)
        page = f"http://{serving.host}:{serving.port}/" if serving is not None else None
        state.clinic = configured(page)
    found: Clinic = state.clinic
    return found


class Problem(Exception):
    """A refusal: its status, a title, a sentence without any word of the request."""

    def __init__(self, status: int, title: str, detail: str, headers: dict[str, str] | None = None) -> None:
        self.status, self.title, self.detail, self.headers = status, title, detail, headers or {}
        super().__init__(detail)


def _problem(problem: Problem) -> Response:
    body = {"type": "about:blank", "title": problem.title, "status": problem.status, "detail": problem.detail}
    return Response(json.dumps(body), problem.status, problem.headers, PROBLEM)


def _answer(body: dict[str, Any]) -> Response:
    return Response(json.dumps(body, ensure_ascii=False), 200, {"Cache-Control": "no-store"}, JSON)


class _HookRoute(APIRoute):
    """A route whose failures are problems, and that names the web pages which may read its answer."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                clinic = clinic_of(request)
            except CorrinError:
                return _problem(Problem(503, "Not set up", "The file of trusted keys cannot be used; `corrin serve` says why."))
            try:
                response = await inner(request)
            except Problem as problem:
                response = _problem(problem)
            except Exception as error:  # nothing of our own failure, which may hold a value, leaves by this door
                logging.getLogger("corrin").error("%s", report_fault(error))
                response = _problem(Problem(500, "Our fault", "corrin failed; the report it wrote holds no data of the patient."))
            return _for_browsers(request, response, clinic.origins)

        return handle


def _for_browsers(request: Request, response: Response, origins: tuple[str, ...]) -> Response:
    """CORS: only pages on the list, none by default, never with cookies."""
    if not origins:
        return response
    response.headers["Vary"] = "Origin"
    if (origin := request.headers.get("origin")) in origins and origin is not None:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Methods"] = "GET, POST, OPTIONS"
        response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
        response.headers["Access-Control-Max-Age"] = "600"
    return response


# --- what is sent ----------------------------------------------------------------------------------------------------------


def _absent(value: Any) -> Any:
    """Some clients write null where the specification wants nothing."""
    return {} if value is None else value


class Context(BaseModel):
    """Where the hook was called: by whom and for whom."""

    model_config = ConfigDict(extra="ignore")

    userId: Annotated[str, Field(pattern=r"^[A-Za-z]{1,40}/[A-Za-z0-9\-.]{1,64}$", examples=["Practitioner/123"])]  # noqa: N815
    patientId: Annotated[str, Field(pattern=ID, examples=["1288992"])]  # noqa: N815
    encounterId: Annotated[str, Field(max_length=64)] | None = None  # noqa: N815


class Orders(BaseModel):
    """A Bundle of drafts."""

    model_config = ConfigDict(extra="allow")

    resourceType: Literal["Bundle"]  # noqa: N815
    entry: list[dict[str, Any]] = Field(default=[], max_length=500)


class OrderContext(Context):
    """The context of `order-select`: which drafts were just chosen, and all drafts."""

    selections: list[Annotated[str, Field(max_length=200)]] = Field(max_length=500)
    draftOrders: Orders  # noqa: N815


class Call(BaseModel):
    """What every hook sends. `fhirServer` and `fhirAuthorization` are accepted and never used: this service makes no calls."""

    model_config = ConfigDict(extra="ignore")

    hookInstance: uuid.UUID  # noqa: N815
    fhirServer: Annotated[str, Field(max_length=2000)] | None = None  # noqa: N815
    fhirAuthorization: dict[str, Any] | None = None  # noqa: N815
    prefetch: Annotated[dict[str, Any], BeforeValidator(_absent)] = {}


class PatientView(Call):
    """A call of `patient-view`."""

    hook: Literal["patient-view"]
    context: Context


class OrderSelect(Call):
    """A call of `order-select`."""

    hook: Literal["order-select"]
    context: OrderContext


class Reason(BaseModel):
    """Why a card was set aside. What a person wrote is not read."""

    model_config = ConfigDict(extra="ignore")

    reason: dict[str, Any] | None = None


class Outcome(BaseModel):
    """What became of one card."""

    model_config = ConfigDict(extra="ignore")

    card: Annotated[str, Field(min_length=1, max_length=100)]
    outcome: Literal["accepted", "overridden"]
    outcomeTimestamp: datetime.datetime  # noqa: N815
    acceptedSuggestions: list[dict[str, Any]] | None = Field(default=None, max_length=100)  # noqa: N815
    overrideReason: Reason | None = None  # noqa: N815


class Feedback(BaseModel):
    """What became of cards."""

    model_config = ConfigDict(extra="ignore")

    feedback: list[Outcome] = Field(min_length=1, max_length=MAX_FEEDBACK)


@dataclass(frozen=True, slots=True)
class Service:
    """One service of the discovery."""

    id: str
    hook: str
    title: str
    description: str
    call: type[PatientView] | type[OrderSelect]


USAGE = f"Works on whatever is sent and says what was not; it never calls the FHIR server. {DISCLAIMER}"
SERVICES = {
    row.id: row
    for row in (
        Service("corrin-b12-patient-view", "patient-view", "Vitamin B12: red flags, likely deficiency, metformin without a test",
                "Reads the record for signs that cannot wait, results that together speak for B12 deficiency, and the next test, "
                "and B12 never or long ago tested on metformin.", PatientView),
        Service("corrin-b12-order-select", "order-select", "Vitamin B12 and what is being ordered",
                "On choosing metformin, an acid blocker, nitrous oxide, folic acid alone or B12: what should be known of B12 first.",
                OrderSelect),
    )
}  # fmt: skip


async def _document(request: Request) -> Any:
    """The body as plain data, within limits of size and depth."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (JSON, "application/fhir+json"):
        raise Problem(415, "Unsupported media type", "The body is expected as application/json.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            raise Problem(413, "Too large", f"At most {MAX_BYTES // 2**20} MB: send what the discovery asks for.")
    return await run_in_threadpool(_parsed, bytes(body))


def _parsed(body: bytes) -> Any:
    depth = 0
    for found in BRACKETS.finditer(body):
        depth += 1 if found.group(1) else -1 if found.group(2) else 0
        if depth > MAX_DEPTH:
            raise Problem(400, "Nested too deeply", f"At most {MAX_DEPTH} levels.")
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Problem(400, "Not JSON", "The body is expected as one JSON object in UTF-8.") from None


def _no_number(word: str) -> float:
    raise ValueError(word)


def _shaped(model: type[BaseModel], document: Any) -> Any:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        # The place is ours (names of fields and numbers of entries); what stood there is never repeated.
        known_names = {"hook", "hookInstance", "context", "userId", "patientId", "encounterId", "selections", "draftOrders", "prefetch",
                       "fhirServer", "fhirAuthorization", "entry", "resourceType", "feedback", "card", "outcome", "outcomeTimestamp",
                       "acceptedSuggestions", "overrideReason", "reason"}  # fmt: skip
        faults = []
        for item in error.errors(include_url=False, include_input=False, include_context=False)[:5]:
            place = ".".join(str(part) for part in item["loc"] if isinstance(part, int) or part in known_names)
            faults.append(f"{place or 'body'}: {_expected(item['type'])}")
        raise Problem(400, "Not a call of CDS Hooks 2.0", "; ".join(faults) + ".") from None


def _expected(fault: str) -> str:
    words = {"missing": "is missing", "literal_error": "is not the one of this service", "string_pattern_mismatch": "is not of the form"}
    return words.get(fault, f"is not as expected ({fault.replace('_', ' ')})")


def _service(name: str) -> Service:
    if name not in SERVICES:
        raise Problem(404, "No such service", "GET /cds-services names the services.")
    return SERVICES[name]


def _let_in(request: Request, clinic: Clinic) -> None:
    """Only callers with a signed token, where keys are configured."""
    if clinic.callers is None:
        return
    from corrin.shells.cds.keys import Refused

    try:
        clinic.callers.check(request.headers.get("authorization"), str(request.url.replace(query="", fragment="")), request.url.path)
    except Refused as refused:
        raise Problem(401, "Not let in", f"{refused}.".capitalize(), {"WWW-Authenticate": "Bearer"}) from None


# --- the routes --------------------------------------------------------------------------------------------------------------

router = APIRouter(route_class=_HookRoute, tags=["CDS Hooks 2.0"])


def _takes(*models: type[BaseModel]) -> dict[str, Any]:
    """The body for the API's description; it is read by hand, so that the limits hold first."""
    shapes = [model.model_json_schema(ref_template="#/components/schemas/{model}") for model in models]
    for shape in shapes:
        _inline(shape, shape.pop("$defs", {}))
    return {"requestBody": {"required": True, "content": {JSON: {"schema": shapes[0] if len(shapes) == 1 else {"anyOf": shapes}}}}}


def _inline(part: Any, named: dict[str, Any]) -> None:
    """Write what is referred to in its place: a description of one route cannot add to those of the whole."""
    if isinstance(part, dict):
        if isinstance(reference := part.get("$ref"), str):
            part.pop("$ref")
            part |= {key: value for key, value in named[reference.rsplit("/", 1)[-1]].items() if key not in part}
        for value in part.values():
            _inline(value, named)
    elif isinstance(part, list):
        for value in part:
            _inline(value, named)


def _gives(*statuses: int) -> dict[int | str, dict[str, Any]]:
    words = {
        400: "not a call of CDS Hooks 2.0",
        401: "not let in",
        404: "no such service",
        413: "too large",
        415: "not JSON",
        503: "not set up",
    }
    return {status: {"description": words[status], "content": {PROBLEM: {}}} for status in (*statuses, 503)}


@router.get("/cds-services", response_class=Response, responses={200: {"content": {JSON: {}}}, **_gives()})
def discovery() -> Response:
    """The services, the hooks they answer to, and what they ask a client to send along."""
    wanted = templates()
    return _answer(
        {
            "services": [
                {"hook": row.hook, "title": row.title, "description": row.description, "id": row.id, "prefetch": wanted,
                 "usageRequirements": USAGE}
                for row in SERVICES.values()
            ]
        }
    )  # fmt: skip


@router.post("/cds-services/{service_id}", response_class=Response, openapi_extra=_takes(PatientView, OrderSelect),
             responses={200: {"content": {JSON: {}}}, **_gives(400, 401, 404, 413, 415)})  # fmt: skip
async def call(service_id: str, request: Request) -> Response:
    """Cards for one patient: none, or a few. What was not sent is named; nothing is fetched."""
    clinic = clinic_of(request)
    service = _service(service_id)
    _let_in(request, clinic)
    called = _shaped(service.call, await _document(request))
    made = await to_thread.run_sync(_cards, called, clinic, limiter=clinic.turns)
    clinic.tally.shown(service.id, made)
    return _answer({"cards": made})


def _cards(called: PatientView | OrderSelect, clinic: Clinic) -> list[dict[str, Any]]:
    today, context = clinic.today(), called.context
    chosen = None
    if isinstance(context, OrderContext):
        chosen = drafts(context.draftOrders.model_dump(), context.selections)
        if not chosen.chosen:
            return []
    return cards(known(called.prefetch, context.patientId, today), chosen, Asked(context.patientId, today, clinic.page))


@router.post("/cds-services/{service_id}/feedback", response_class=Response, openapi_extra=_takes(Feedback),
             responses={200: {"content": {JSON: {}}}, **_gives(400, 401, 404, 413, 415)})  # fmt: skip
async def feedback(service_id: str, request: Request) -> Response:
    """What became of cards, as counts in memory; comments and times are not kept."""
    clinic = clinic_of(request)
    service = _service(service_id)
    _let_in(request, clinic)
    said: Feedback = _shaped(Feedback, await _document(request))
    for item in said.feedback:
        code = (item.overrideReason.reason or {}).get("code") if item.overrideReason is not None else ""
        reason = str(code) if code in OVERRIDES else "other" if code else ""
        clinic.tally.outcome(service.id, item.card, item.outcome, reason)
    return _answer({})


@router.get("/cds-services/{service_id}/feedback", response_class=Response, responses={200: {"content": {JSON: {}}}, **_gives(401, 404)})
def counted(service_id: str, request: Request) -> Response:
    """The counts since the service started: no person, no time, no comment."""
    clinic = clinic_of(request)
    service = _service(service_id)
    _let_in(request, clinic)
    return _answer({"counts": [row for row in clinic.tally.counts() if row["service"] == service.id]})


@router.options("/cds-services", include_in_schema=False)
@router.options("/cds-services/{service_id}", include_in_schema=False)
@router.options("/cds-services/{service_id}/feedback", include_in_schema=False)
def asked_by_a_browser() -> Response:
    """A browser asks whether a page may call; the headers say which."""
    return Response(status_code=204)
