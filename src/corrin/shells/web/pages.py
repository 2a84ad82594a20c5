"""The pages: the form, the answer, the diary, where a number comes from. They work without a script; with one they follow what is typed."""

from __future__ import annotations

import asyncio
import datetime
import io
import json
import secrets
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartParser

from corrin.case.case import Case
from corrin.errors import CorrinError, InputError
from corrin.shells.web import drawn, form, told
from corrin.shells.web.desk import Desk, NoVisit, Visit, plan_of, said_of
from corrin.shells.web.problems import fault, problem_of
from corrin.shells.web.security import COOKIE, FORM_COOKIE, MAX_BODY, Seal, cookies_of

router = APIRouter(include_in_schema=False)
MAX_FIELDS = 1000
VIEWS = ("plain", "clinician")
SHOWN_EXAMPLES = (
    ("stabler2013-vignette", "Tingling feet for 18 months, B12 just low"), ("gaddam2007", "Years of metformin"),
    ("pelling2022-vegan", "Vegan, 39 years"), ("shm-n2o-34m", "Nitrous oxide at weekends"), ("shm-pa-45m", "Pernicious anaemia"),
    ("turner2009", "Normal B12, stiff unsteady gait"),
)  # fmt: skip
SOURCES = ("parameter", "reading", "product", "modifier", "analyte", "source")


@cache
def _pages() -> Environment:
    found = Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined)
    found.filters["quoted"] = lambda text: quote(str(text), safe="")
    return found


def shown(request: Request, name: str, status: int = 200, **values: Any) -> Response:
    """A page, with the token that its forms send back."""
    held = cookies_of(request.scope).get(FORM_COOKIE, "")
    cookie = held if 20 <= len(held) <= 100 else secrets.token_urlsafe(24)
    seal: Seal = request.app.state.seal
    values = {"token": seal.of(cookie), "path": request.url.path, "refresh": None, **values}
    response = Response(_pages().get_template(name).render(values), status, media_type="text/html; charset=utf-8")
    if cookie != held:
        response.set_cookie(FORM_COOKIE, cookie, httponly=True, samesite="strict", path="/")
    return response


def error_page(request: Request, held: dict[str, Any]) -> Response:
    """An error in words."""
    return shown(request, "error.html", held["status"], problem=held)


# Uploads stay in memory: the parser would write those of more than a megabyte to a temporary file.
MultiPartParser.spool_max_size = MAX_BODY + 1


@dataclass(frozen=True)
class Sent:
    """What a form sent: its fields, and the bytes of its file."""

    values: dict[str, str]
    file: bytes = b""


async def sent_by(request: Request) -> Sent:
    """What a form of ours sent. Raises `InputError` where it cannot be read."""
    try:
        async with request.form(max_files=1, max_fields=MAX_FIELDS, max_part_size=2_000_000) as form:
            files = [await item.read() for item in form.values() if isinstance(item, UploadFile)]
            return Sent({name: item for name, item in form.items() if isinstance(item, str)}, files[0] if files else b"")
    except (HTTPException, AssertionError, ValueError) as error:
        raise InputError("form", "it cannot be read", "what this page sends", "Open the page again and send it from there.") from error


def ours(request: Request, sent: Sent) -> bool:
    """Whether the form carries the token that went out with its page."""
    seal: Seal = request.app.state.seal
    return seal.fits(cookies_of(request.scope).get(FORM_COOKIE, ""), sent.values.get("token", ""))


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


@router.get("/")
def start(request: Request) -> Response:
    """The form."""
    return _start(request, {}, {})


def _start(request: Request, values: dict[str, str], faults: dict[str, list[str]], status: int = 200, note: str = "") -> Response:
    rows = max([form.ROWS, *(int(name.split("_")[1]) + 1 for name in values if _is_row(name) and values[name])])
    return shown(
        request, "start.html", status, values=values, faults=faults, note=note, rows=min(rows, form.MOST_ROWS), examples=SHOWN_EXAMPLES,
        today=datetime.date.today().isoformat(), signs_told=any(values.get(f"feel_{name}") for name in form.SIGNS), **form.choices(),
    )  # fmt: skip


def _is_row(name: str) -> bool:
    parts = name.split("_")
    return len(parts) == 3 and parts[0] == "lab" and parts[1].isascii() and parts[1].isdigit() and len(parts[1]) < 3


@router.post("/check")
async def check(request: Request) -> JSONResponse:
    """What is wrong with the form so far, by field: for who types. Nothing is held."""
    filled = await run_in_threadpool(form.read_form, (await sent_by(request)).values)
    return JSONResponse({"faults": filled.faults})


@router.post("/answer")
async def answer(request: Request) -> Response:
    """The form, a file, a text or an example: the person it makes is answered, and the browser sent to the answer."""
    sent = await sent_by(request)
    values = sent.values
    if not ours(request, sent):
        note = "This page was opened before the service was started anew, or elsewhere. Nothing is lost: look it over and send it again."
        return _start(request, values, {}, 403, note)
    try:
        case, account = await run_in_threadpool(_case_of, sent)
    except CorrinError as error:
        faults = error.faults or (error,) if isinstance(error, InputError) else ()
        lines = [str(item) for item in faults] or [str(error)]
        return _start(request, values, {"file": lines}, 422)
    if case is None:
        filled = await run_in_threadpool(form.read_form, values)
        if filled.case is None:
            return _start(request, values, filled.faults, 422)
        case = filled.case
    try:
        visit = await run_in_threadpool(_desk(request).open, case, account)
    except CorrinError as error:
        return _start(request, values, {"": [str(error)]}, 422)
    return RedirectResponse(f"/answer/{visit.id}", 303)


def _case_of(sent: Sent) -> tuple[Case | None, str]:
    """The case of an example, a file or a text, and how FHIR was read; None where the fields themselves are meant."""
    if sent.values.get("example"):
        from corrin.answers.examples import example

        return example(sent.values["example"][:60]), ""
    raw = sent.file or sent.values.get("document", "").encode("utf-8", errors="replace")
    return _case_in(raw) if raw.strip() else (None, "")


def _case_in(raw: bytes) -> tuple[Case, str]:
    if b'"resourceType"' in raw[:65536] and b'"corrin.case/' not in raw[:65536]:
        from corrin.shells.fhir import read_fhir

        case, report = read_fhir(io.BytesIO(raw), any_age=True)
        return case, report.summary()
    from corrin.case.reader import read_case

    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError("file", "not UTF-8 text", "a case file (JSON or TOML) or a FHIR Bundle") from None
    # The line break says that this is a document, never the name of a file of this machine.
    return read_case(text + "\n", any_age=True), ""


@router.get("/answer/{name}")
def look(request: Request, name: str, view: str = "plain") -> Response:
    """The answer as far as it is known."""
    visit = _desk(request).get(name)
    return _answer(request, visit, view if view in VIEWS else "plain")


def _answer(request: Request, visit: Visit, view: str, faults: list[str] | None = None, status: int = 200) -> Response:
    from corrin.answers.pain import pain
    from corrin.show.page import table

    child = "child" in visit.assess
    held = dict(visit.answers)  # as it stands now: the work goes on beside
    tables = {}
    if "forecast" in held:
        for figure in drawn.FIGURES:
            names = _names(figure)
            past = held["forecast"]["past"]
            rows = [(name, past[name]["label"], table(held["forecast"], name)) for name in names if name in past]
            tables[figure] = [row for row in rows if row[2] is not None]
    aching = None if child or not any(item.what == "pain" and item.severity != "none" for item in visit.case.findings) else pain(visit.case)
    return shown(
        request,
        "answer.html",
        status,
        visit=visit,
        view=view,
        child=child,
        answers=held,
        **told.sections(visit.assess, held),
        figures=drawn.FIGURES,
        tables=tables,
        said=said_of(visit.job, visit.refused),
        own_said=said_of(visit.own_job),
        faults=faults or [],
        products=form.choices()["products"],
        own=visit.own,
        refresh=4 if visit.pending or _own_pending(visit) else None,
        own_pending=_own_pending(visit),
        pain=aching.data if aching is not None else None,
        pain_text=aching.text(96) if aching is not None else "",
        reports=told.reports(visit) if view == "clinician" else {},
        sources=told.sources(visit),
        document=json.dumps(visit.case.to_dict(), indent=2),
        today=datetime.date.today().isoformat(),
        effective=held["forecast"]["made"]["effective_sample_size"] if "forecast" in held else None,
        draws=_desk(request).draws,
        figure_sources={name: told.behind(tuple(_names(name))) for name in drawn.FIGURES},
        reading_sources={row[0]: told.behind((row[0],)) for rows in tables.values() for row in rows},
        cell_source="simulated; its sources stand above the table, at “sources”",
    )


def _own_pending(visit: Visit) -> bool:
    return visit.own_job is not None and not visit.own_job.over


def _names(figure: str) -> tuple[str, ...]:
    from corrin.show.charts import FIGURES

    return FIGURES[figure][1]


@router.get("/answer/{name}/state")
async def state(request: Request, name: str, wait: float = 0.0) -> JSONResponse:
    """How far the work is; `wait` holds the line for up to ten seconds."""
    visit = _desk(request).get(name)

    def now() -> dict[str, Any]:
        job, own = visit.job, visit.own_job
        return {
            "pending": visit.pending, "says": job.says if job else "", "share": round(job.share, 3) if job else 1.0,
            "ready": sorted(visit.answers), "kept": visit.kept is not None,
            "own": {"pending": own is not None and not own.over, "ready": visit.own_answer is not None, "share": own.share if own else 0.0},
        }  # fmt: skip

    first = now()
    for _ in range(int(min(max(wait, 0.0), 10.0) * 5)):
        if now() != first:
            break
        await asyncio.sleep(0.2)
    return JSONResponse(now())


@router.get("/answer/{name}/chart/{figure}.{kind}")
def chart(request: Request, name: str, figure: str, kind: str, own: int = 0) -> Response:
    """A figure: its specification (`json`) or its picture (`png`); `own`: the entered plan beside the first one, in full."""
    visit = _desk(request).get(name)
    held = _beside(visit, visit.own_answer["plans"][0]) if own and visit.own_answer is not None else visit.answers.get("forecast")
    specification: dict[str, Any]
    if figure in ("delay", "pain"):
        specification = told.other(visit, figure)
    elif held is None or figure not in drawn.FIGURES:
        raise NoVisit
    else:
        specification = drawn.spec(held, figure)
    if kind == "json":
        return JSONResponse(specification)
    if kind != "png":
        raise NoVisit
    return Response(drawn.picture(specification), media_type="image/png")


def _beside(visit: Visit, plan: dict[str, Any]) -> dict[str, Any]:
    """The forecast with the first treating plan and the entered one, and no other."""
    held = visit.answers["forecast"]
    first = next((row for row in held["plans"] if row["doses"]), held["plans"][0])
    return {**held, "plans": [first, plan]}


@router.get("/answer/{name}/nerves/{plan}/{month}.svg")
def nerves(request: Request, name: str, plan: int, month: int) -> Response:
    """The nerves under a plan so many months from today."""
    visit = _desk(request).get(name)
    if "recover" not in visit.answers or not 0 <= month <= 24:
        raise NoVisit
    return Response(drawn.nerves(visit.answers["forecast"], visit.answers["recover"], plan, float(month)), media_type="image/svg+xml")


@router.post("/answer/{name}/preview")
async def preview(request: Request, name: str) -> JSONResponse:
    """The plan of the sliders, quickly: a figure and its numbers from some of the people held."""
    sent = await sent_by(request)
    visit = _desk(request).get(name)
    figure = sent.values.get("figure", "labs")
    if "forecast" not in visit.answers or figure not in drawn.FIGURES:
        raise NoVisit

    def made() -> dict[str, Any]:
        plan = plan_of(sent.values)
        found = _desk(request).preview(visit, plan)
        return {"spec": drawn.spec(_beside(visit, {**found, "title": "Your plan (preview)"}), figure), "people": found["people"],
                "doses": len(found["doses"])}  # fmt: skip

    try:
        return JSONResponse(await run_in_threadpool(made))
    except InputError as error:
        return JSONResponse({"faults": [fault(item) for item in error.faults or (error,)], "said": str(error)}, 422)


@router.post("/answer/{name}/plan")
async def own_plan(request: Request, name: str) -> Response:
    """The plan of the sliders in full: put in the queue. A script gets JSON, a form is sent back to the page."""
    sent = await sent_by(request)
    visit = _desk(request).get(name)
    script = "application/json" in request.headers.get("accept", "")
    if not script and not ours(request, sent):
        return _answer(request, visit, "plain", ["This page is older than the service. Look the plan over and send it again."], 403)
    try:
        plan = await run_in_threadpool(plan_of, sent.values)
        _desk(request).run_own(visit, plan)
        visit.own_form = {name: value[:100] for name, value in sent.values.items() if name != "token"}
    except CorrinError as error:
        if script:
            held = problem_of(error)
            return JSONResponse(held, held["status"])
        return _answer(request, visit, "plain", [str(error)], 422)
    return JSONResponse({"begun": True}, 202) if script else RedirectResponse(f"/answer/{visit.id}#plan", 303)


@router.post("/answer/{name}/again")
async def again(request: Request, name: str) -> Response:
    """Ask the engine again where it was too busy, or was stopped."""
    sent = await sent_by(request)
    visit = _desk(request).get(name)
    if ours(request, sent) and not visit.pending:
        _desk(request).begin(visit)
    return RedirectResponse(f"/answer/{visit.id}", 303)


@router.post("/answer/{name}/change")
async def change(request: Request, name: str) -> Response:
    """The form again, filled with this person."""
    await sent_by(request)
    return _start(request, form.written(_desk(request).get(name).case), {})


@router.post("/answer/{name}/forget")
async def forget(request: Request, name: str) -> Response:
    """Hold this person no more."""
    if ours(request, await sent_by(request)):
        _desk(request).close(name)
    return RedirectResponse("/", 303)


@router.get("/answer/{name}/save/{file}")
def save(request: Request, name: str, file: str, start: str = "", view: str = "plain") -> Response:
    """What the person keeps: the case, the answers, a report, the calendar of the plan they entered."""
    visit = _desk(request).get(name)
    if file == "case.json":
        return saved(json.dumps(visit.case.to_dict(), indent=2, ensure_ascii=False).encode() + b"\n", "application/json", file)
    if file == "answer.json":
        held = {"assess": visit.assess, **visit.answers}
        return saved(json.dumps(held, ensure_ascii=False).encode(), "application/json", file)
    if file == "report.pdf":
        return saved(told.report(visit, view), "application/pdf", file)
    if file == "plan.ics" and visit.own is not None:
        try:
            first = datetime.date.fromisoformat(start) if start else datetime.date.today()
        except ValueError:
            raise InputError("start", ascii(start)[:40], "a date such as 2026-11-21") from None
        return saved(drawn.calendar(visit.own, first).encode(), "text/calendar; charset=utf-8", file)
    if file == "plan.json" and visit.own is not None:
        return saved(json.dumps(visit.own.to_dict(), indent=2).encode() + b"\n", "application/json", file)
    raise NoVisit


def saved(content: bytes, kind: str, name: str) -> Response:
    return Response(content, media_type=kind, headers={"content-disposition": f'attachment; filename="corrin-{name}"'})


@router.get("/number/{name}")
def number(request: Request, name: str) -> Response:
    """Where a number comes from."""
    from corrin.answers.explain import explain

    return shown(request, "number.html", found=explain(name[:100]))


@router.get("/enter")
def enter(request: Request) -> Response:
    """Where a browser gives the token."""
    return shown(request, "enter.html", wrong=False)


@router.post("/enter")
async def entered(request: Request) -> Response:
    """The token, exchanged for a cookie that stands for it."""
    sent = await sent_by(request)
    held, seal = request.app.state.serving.token, request.app.state.seal
    given = sent.values.get("given", "")
    if held is None or (ours(request, sent) and secrets.compare_digest(given.encode(), held.encode())):
        response = RedirectResponse("/", 303)
        if held is not None:
            response.set_cookie(COOKIE, seal.of(held), httponly=True, samesite="strict", path="/")
        return response
    return shown(request, "enter.html", 403, wrong=True)


@router.get("/health")
def health() -> JSONResponse:
    """Whether the process answers."""
    return JSONResponse({"status": "ok"})


@router.get("/ready")
def ready(request: Request) -> JSONResponse:
    """Whether work would be taken."""
    engine = request.app.state.engine
    waiting = sum(not job.over for job in list(engine.jobs.values()))
    full = waiting >= engine.most
    return JSONResponse({"status": "full" if full else "ready", "waiting": waiting}, 503 if full else 200)
