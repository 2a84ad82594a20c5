"""The diary: symptoms and injections over time, in a file the person keeps (`corrin.diary/1`), beside the simulated injection cycle.

It travels with the form: nothing of it is held here. Without the person's case in it, the cycle is that of adults in general.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from corrin.case.case import Case as CaseModel
from corrin.case.case import Name, Positive, Strict, Text
from corrin.case.plan import Plan, read_plan
from corrin.case.reader import read_case, read_document, shape
from corrin.errors import CorrinError, InputError
from corrin.shells.web import form, pages
from corrin.shells.web.work import Full, Progress

router = APIRouter(include_in_schema=False)
FORMAT = "corrin.diary/1"
DRAWS, SECONDS, SHOWN = 120, 60.0, ("holotranscobalamin", "mma")
AFTER_DAYS = 120.0
Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class Injection(Strict):
    """B12 given on a day."""

    date: Day
    product: Name
    dose_ug: Positive


class Felt(Strict):
    """How strong a symptom was on a day, 0 (none) to 10 (worst)."""

    date: Day
    what: Name
    score: Annotated[int, Field(ge=0, le=10)]
    note: Text = ""


class Diary(Strict):
    """What the person keeps; `case`: who it is about, so that the cycle is theirs."""

    format: Literal["corrin.diary/1"] = "corrin.diary/1"
    case: dict[str, Any] | None = None
    injections: Annotated[tuple[Injection, ...], Field(max_length=2000)] = ()
    symptoms: Annotated[tuple[Felt, ...], Field(max_length=5000)] = ()

    def text(self) -> str:
        """The file."""
        return self.model_dump_json(indent=2, exclude_none=True) + "\n"


def read_diary(text: str) -> Diary:
    """A diary from its file. Raises `InputError`."""
    where, document = read_document(text + "\n", "diary")
    diary = shape(document, Diary, where, FORMAT)
    days = [(f"injections[{number}]", item.date) for number, item in enumerate(diary.injections)]
    days += [(f"symptoms[{number}]", item.date) for number, item in enumerate(diary.symptoms)]
    for place, day in days:
        try:
            datetime.date.fromisoformat(day)
        except ValueError:
            raise InputError(f"{place}.date", day, "a day of the calendar such as 2026-11-21") from None
    return diary


@router.get("/diary")
def look(request: Request) -> Response:
    """An empty diary."""
    return _page(request, Diary())


@router.post("/diary")
async def write(request: Request) -> Response:
    """The diary with what was added, read from a file, or cleared of an entry; shown, simulated, or handed back as a file."""
    sent = await pages.sent_by(request)
    if not pages.ours(request, sent):
        return _page(request, Diary(), "This page is older than the service. Open the diary again from your file.", 403)
    values = sent.values
    try:
        diary = _read(sent.file.decode("utf-8", errors="replace") if sent.file.strip() else values.get("diary", ""))
        diary = added(diary, values)
    except CorrinError as error:
        return _page(request, _or_empty(values.get("diary", "")), str(error), 422)
    if values.get("do") == "save":
        return pages.saved(diary.text().encode(), "application/json", "diary.json")
    try:
        figure = await run_in_threadpool(simulated, request, diary) if values.get("do") == "show" else None
    except (CorrinError, Full) as error:
        return _page(request, diary, str(error), 422)
    return _page(request, diary, figure=figure)


def _read(text: str) -> Diary:
    if not text.strip():
        return Diary()
    return (
        Diary(case=CaseModel.to_dict(read_case(text + "\n")))
        if '"corrin.case/1"' in text[:2000] and FORMAT not in text
        else read_diary(text)
    )


def _or_empty(text: str) -> Diary:
    try:
        return _read(text)
    except CorrinError:
        return Diary()


def added(diary: Diary, values: Mapping[str, str]) -> Diary:
    """The diary with the entry of the form in it, or without the one to be removed. Raises `InputError`."""
    held = diary.model_dump()
    if values.get("inj_date") and values.get("do") == "injection":
        held["injections"] = [
            *held["injections"],
            {"date": values["inj_date"], "product": values.get("inj_product", ""), "dose_ug": _number(values, "inj_dose")},
        ]
    if values.get("sym_date") and values.get("do") == "symptom":
        held["symptoms"] = [
            *held["symptoms"],
            {
                "date": values["sym_date"],
                "what": values.get("sym_what", ""),
                "score": int(_number(values, "sym_score")),
                "note": values.get("sym_note", "")[:500],
            },
        ]
    kind, _, number = values.get("remove", "").partition(" ")
    if kind in ("injections", "symptoms") and number.isdigit() and int(number) < len(held[kind]):
        held[kind] = [item for place, item in enumerate(held[kind]) if place != int(number)]
    for kind in ("injections", "symptoms"):
        held[kind] = sorted(held[kind], key=lambda item: item["date"])
    made = Diary.model_construct(**held)
    return read_diary(made.model_dump_json(exclude_none=True, warnings=False))


def _number(values: Mapping[str, str], name: str) -> float:
    try:
        return float(values.get(name, ""))
    except ValueError:
        raise InputError(name, ascii(values.get(name, ""))[:40], "a number") from None


def cycle(diary: Diary) -> tuple[CaseModel, Plan, datetime.date]:
    """Who the diary is about, the injections as a plan, and its day 0. Raises `InputError` without an injection."""
    if not diary.injections:
        raise InputError("injections", "none is entered", "one or more, to simulate the cycle")
    first = datetime.date.fromisoformat(diary.injections[0].date)
    document = diary.case or {"format": "corrin.case/1", "person": {"age_y": 50.0}, "as_of": first.isoformat()}
    case = read_case(document)
    begin = case.calendar or first
    steps: dict[tuple[str, float], list[float]] = {}
    for item in diary.injections:
        day = (datetime.date.fromisoformat(item.date) - begin).days
        if day >= 0:
            steps.setdefault((item.product, item.dose_ug), []).append(float(day))
    if not steps:
        raise InputError(
            "injections", f"all are before {begin.isoformat()}, the day of the case", "later ones; earlier ones belong in the case"
        )
    plan = read_plan({
        "format": "corrin.plan/1", "name": "diary", "title": "Injections of the diary",
        "steps": [{"product": product, "dose_ug": dose, "days": days} for (product, dose), days in steps.items()],
    })  # fmt: skip
    return case, plan, begin


def simulated(request: Request, diary: Diary) -> dict[str, Any]:
    """The chart of the diary beside its cycle. Raises `CorrinError`, `Full`."""
    from corrin.show.diary_charts import chart

    case, plan, begin = cycle(diary)
    dates = [*(item.date for item in diary.injections), *(item.date for item in diary.symptoms)]
    days = (datetime.date.fromisoformat(max(dates)) - begin).days + AFTER_DAYS
    years = min(max(days, 60.0) / 365.25, 20.0)

    def answer(tell: Progress) -> dict[str, Any]:
        from corrin.answers.kept import Kept

        return Kept.learn(case, DRAWS, 1, tell).preview(plan, years)

    job = request.app.state.engine.submit("diary", answer)
    if not job.wait(SECONDS):
        job.stop()
        raise Full
    if job.error is not None:
        raise job.error
    found: dict[str, Any] = job.found or {}
    return chart([found["readings"][name] for name in SHOWN], found["doses"], [item.model_dump() for item in diary.symptoms], begin)


def _page(request: Request, diary: Diary, fault: str = "", status: int = 200, figure: dict[str, Any] | None = None) -> Response:
    import base64

    from corrin.shells.web.drawn import picture

    drawn = f"data:image/png;base64,{base64.b64encode(picture(figure)).decode()}" if figure is not None else ""
    products = [(value, words) for value, words in form.choices()["products"] if "injection" in words] + [
        (value, words) for value, words in form.choices()["products"] if "injection" not in words
    ]
    return pages.shown(
        request, "diary.html", status, diary=diary, text=diary.text(), fault=fault, figure=drawn, products=products,
        symptoms=form.SYMPTOMS, today=datetime.date.today().isoformat(),
    )  # fmt: skip
