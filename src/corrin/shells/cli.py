"""The command line. No medicine and no arithmetic: it reads options, calls an answer and prints it.

stdout holds the answer only; progress and messages go to stderr. Exit codes: 0 answer; 2 input or usage; 3 not covered; 4 the data
contradict the model (the answer is still given); 5 environment; 70 our own fault; 130 interrupted.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from corrin.errors import CorrinError, EnvironmentProblem, InputError

if TYPE_CHECKING:
    from corrin.case.case import Case
    from corrin.settings import Chosen
    from corrin.shells.fhir import Report

CONTRADICTED, INTERRUPTED, OUR_FAULT = 4, 130, 70
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)
"""What the system says when output cannot be written."""

app = typer.Typer(
    name="corrin",
    help="An executable model of vitamin B12 and the nerves it keeps alive. For education and research; not a medical device.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

CaseArgument = Annotated[
    str, typer.Argument(metavar="CASE", help="A case file (JSON or TOML), a FHIR Bundle or NDJSON, or the id of an example.")
]


def _version(value: bool) -> None:
    if value:
        from corrin import __version__

        typer.echo(f"corrin {__version__}")
        raise typer.Exit()


@app.callback()
def _root(version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False) -> None:
    pass


@app.command()
def forecast(
    case: CaseArgument,
    plan: Annotated[list[str] | None, typer.Option(help="A built-in plan's name or a plan file; may be repeated.")] = None,
    years: Annotated[float | None, typer.Option(help="How far to look ahead, years.")] = None,
    draws: Annotated[int | None, typer.Option(help="How many people like this one are drawn.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the random numbers.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for report, figures and answer.json.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the answer as corrin.answer/1 instead of the report.")] = False,
) -> None:
    """What blood and nerves will do under each plan, for one person."""
    chosen = _settings(years=years, draws=draws, seed=seed, plans=tuple(plan or ()))
    if plan is not None and not all(name.strip() for name in plan):
        raise InputError("--plan", "nothing", "a built-in plan's name or a plan file")
    person = _case(case)
    if out is not None:
        from corrin.shells.folder import check_target

        check_target(out)
    from corrin.answers.forecast import forecast as answer_forecast

    answer = answer_forecast(
        person,
        list(chosen["plans"].value) or None,
        years=chosen["years"].value,
        draws=chosen["draws"].value,
        seed=chosen["seed"].value,
        progress=_progress(),
    )
    _give(answer, out, json)


@app.command()
def update(
    case: CaseArgument,
    lab: Annotated[
        list[str] | None,
        typer.Option(help="A result such as serum_b12=210ng/L@2026-05-01 or mma<150nmol/L@+60d; may be repeated."),
    ] = None,
    finding: Annotated[
        list[str] | None, typer.Option(help="A finding such as vibration_loss=mild@2026-05-01 or romberg=none; may be repeated.")
    ] = None,
    followed: Annotated[
        str | None, typer.Option(help="The plan carried out since the case's as_of, where results are later and the case does not say it.")
    ] = None,
    plan: Annotated[list[str] | None, typer.Option(help="A built-in plan's name or a plan file; may be repeated.")] = None,
    years: Annotated[float | None, typer.Option(help="How far to look ahead, years.")] = None,
    draws: Annotated[int | None, typer.Option(help="How many people like this one are drawn.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the random numbers.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for report, figures and answer.json.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the answer as corrin.answer/1 instead of the report.")] = False,
) -> None:
    """What new results change: the forecast with them beside the one without, and what was learned."""
    chosen = _settings(years=years, draws=draws, seed=seed, plans=tuple(plan or ()))
    if not lab and not finding:
        raise InputError("update", "neither --lab nor --finding", "at least one, such as --lab serum_b12=210ng/L@2026-05-01")
    for option, names in (("--plan", plan), ("--followed", [followed] if followed is not None else None)):
        if names is not None and not all(name.strip() for name in names):
            raise InputError(option, "nothing", "a built-in plan's name or a plan file")
    person = _case(case)
    if out is not None:
        from corrin.shells.folder import check_target

        check_target(out)
    from corrin.answers.update import update as answer_update

    answer = answer_update(
        person,
        labs=lab or (),
        findings=finding or (),
        plans=list(chosen["plans"].value) or None,
        years=chosen["years"].value,
        draws=chosen["draws"].value,
        seed=chosen["seed"].value,
        followed=followed,
        progress=_progress(),
    )
    _give(answer, out, json)


@app.command()
def compare(
    case: CaseArgument,
    plan: Annotated[list[str] | None, typer.Option(help="A built-in plan's name or a plan file; two or more.")] = None,
    price: Annotated[
        list[str] | None, typer.Option(help="What one unit costs, as product=amount; may be repeated. corrin knows no prices.")
    ] = None,
    years: Annotated[float | None, typer.Option(help="How far to look ahead, years.")] = None,
    draws: Annotated[int | None, typer.Option(help="How many people like this one are drawn.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the random numbers.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for report, figures and answer.json.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the answer as corrin.compare/1 instead of the page.")] = False,
) -> None:
    """Which treatment? Plans side by side in the same drawn people, and the smallest that keeps this person replete."""
    chosen = _settings(years=years, draws=draws, seed=seed, plans=tuple(plan or ()))
    if plan is not None and not all(name.strip() for name in plan):
        raise InputError("--plan", "nothing", "a built-in plan's name or a plan file")
    person = _case(case)
    from corrin.shells.folder import check_target, write_compare

    if out is not None:
        check_target(out)
    from corrin.answers.compare import compare as answer_compare

    answer = answer_compare(
        person,
        list(chosen["plans"].value) or None,
        years=chosen["years"].value,
        draws=chosen["draws"].value,
        seed=chosen["seed"].value,
        prices=price or (),
        progress=_progress(),
    )
    if out is not None:
        write_compare(answer, out)
    _say_answer(answer, json)


@app.command()
def stop(
    case: CaseArgument,
    after: Annotated[str, typer.Option(help="How long the plan goes on before it is stopped, such as 6mo or 2y.")] = "6mo",
    plan: Annotated[str | None, typer.Option(help="A built-in plan's name or a plan file; without it injections.")] = None,
    years: Annotated[float, typer.Option(help="How far to look ahead in all, years.")] = 10.0,
    draws: Annotated[int | None, typer.Option(help="How many people like this one are drawn.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the random numbers.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for report, figures and answer.json.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the answer as corrin.stop/1 instead of the page.")] = False,
) -> None:
    """What if it is stopped? When values fall, deficiency and symptoms come back, and who needs B12 for life."""
    chosen = _settings(draws=draws, seed=seed)
    if plan is not None and not plan.strip():
        raise InputError("--plan", "nothing", "a built-in plan's name or a plan file")
    person = _case(case)
    from corrin.shells.folder import check_target, write_stop

    if out is not None:
        check_target(out)
    from corrin.answers.stop import stop as answer_stop

    answer = answer_stop(
        person, after, plan, years=years, draws=chosen["draws"].value, seed=chosen["seed"].value, progress=_progress()
    )  # fmt: skip
    if out is not None:
        write_stop(answer, out)
    _say_answer(answer, json)


@app.command()
def recover(
    case: CaseArgument,
    plan: Annotated[list[str] | None, typer.Option(help="A built-in plan's name or a plan file; may be repeated.")] = None,
    draws: Annotated[int | None, typer.Option(help="How many people like this one are drawn.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the random numbers.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for report, picture of the nerves and answer.json.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the answer as corrin.recover/1 instead of the report.")] = False,
) -> None:
    """What comes back, how much and how fast: chances by tract and symptom at 12 and 24 months, and what drives them."""
    chosen = _settings(draws=draws, seed=seed, plans=tuple(plan or ()))
    if plan is not None and not all(name.strip() for name in plan):
        raise InputError("--plan", "nothing", "a built-in plan's name or a plan file")
    person = _case(case)
    from corrin.shells.folder import check_target, write_recover

    if out is not None:
        check_target(out)
    from corrin.answers.recover import recover as answer_recover

    answer = answer_recover(
        person, list(chosen["plans"].value) or None, draws=chosen["draws"].value, seed=chosen["seed"].value, progress=_progress()
    )
    if out is not None:
        write_recover(answer, out)
    _say_answer(answer, json)


@app.command()
def delay(
    case: CaseArgument,
    months: Annotated[list[float] | None, typer.Argument(metavar="[MONTHS]...", help="Further delays, months.", hidden=True)] = None,
    first: Annotated[
        float | None,
        typer.Option("--months", metavar="MONTHS...", help="Delays, months, such as --months 1 3 6; beginning now is always shown."),
    ] = None,
    plan: Annotated[str | None, typer.Option(help="A built-in plan's name or a plan file; without it the guideline's injections.")] = None,
    draws: Annotated[int | None, typer.Option(help="How many people like this one are drawn.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the random numbers.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for report, chart and answer.json.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the answer as corrin.delay/1 instead of the report.")] = False,
) -> None:
    """What waiting costs: the same plan begun later, for the same drawn people."""
    chosen = _settings(draws=draws, seed=seed)
    if plan is not None and not plan.strip():
        raise InputError("--plan", "nothing", "a built-in plan's name or a plan file")
    person = _case(case)
    from corrin.shells.folder import check_target, write_delay

    if out is not None:
        check_target(out)
    from corrin.answers.delay import MONTHS
    from corrin.answers.delay import delay as answer_delay

    waits = [*([first] if first is not None else []), *(months or [])]
    answer = answer_delay(person, plan, waits or MONTHS, draws=chosen["draws"].value, seed=chosen["seed"].value, progress=_progress())
    if out is not None:
        write_delay(answer, out)
    _say_answer(answer, json)


@app.command()
def rerun(
    answer: Annotated[Path, typer.Argument(metavar="ANSWER", help="An answer.json that corrin wrote.")],
    out: Annotated[Path | None, typer.Option(help="Folder for the new report, figures and answer.json.")] = None,
) -> None:
    """Make an answer again and say what differs."""
    _settings()
    from corrin.answers.rerun import rerun as answer_rerun

    new, differences = answer_rerun(answer, progress=_progress())
    if out is not None:
        from corrin.shells.folder import write_answer

        write_answer(new, out)
    typer.echo("\n".join(["Differs:", *(f"  {sentence}" for sentence in differences)]) if differences else "Reproduced: nothing differs.")


@app.command()
def explain(name: Annotated[str | None, typer.Argument(help="A parameter, reading, product, modifier, analyte or source.")] = None) -> None:
    """Where a number comes from: value, spread, source, place, what uses it. Without a name: the list."""
    from corrin.answers import explain as answers

    if name is not None:
        typer.echo(answers.explain(name).text(), nl=False)
        return
    for known, kind in sorted(answers.known_names().items(), key=lambda item: (item[1], item[0])):
        typer.echo(f"{kind:10}  {known}")


@app.command()
def plans(name: Annotated[str | None, typer.Argument(help="Print this plan as a file to start from.")] = None) -> None:
    """The plans that come with corrin."""
    from corrin.case.plan import built_in_plans, read_plan

    if name is not None:
        typer.echo(_pretty(read_plan(name).to_dict()))
        return
    held = built_in_plans()
    size = max(map(len, held))
    for plan in held.values():
        typer.echo(f"{plan.name:{size}}  {plan.title}")


@app.command()
def products() -> None:
    """The B12 products corrin knows: form, route, strengths."""
    from corrin.facts.reader import products as table

    rows = table().values()
    size = max(len(row.id) for row in rows)
    for row in rows:
        strengths = ", ".join(f"{strength:g}" for strength in row.strengths_ug)
        typer.echo(f"{row.id:{size}}  {row.name} ({row.form}, {row.route}; {strengths} µg)")


@app.command()
def examples(name: Annotated[str | None, typer.Argument(metavar="[ID]", help="Print this example.")] = None) -> None:
    """The example people, or one of them as a file to start from: `corrin examples ID > my-case.json`."""
    from corrin.answers.examples import example
    from corrin.answers.examples import examples as held

    if name is not None:
        texts = held()
        if name not in texts:
            example(name)
        typer.echo(texts[name].rstrip("\n"))
        return
    for key in held():
        person = example(key)
        note = (person.note or person.citation or "").strip().split("\n")[0]
        typer.echo(f"{key:28}  {person.age_y:.0f} y, {person.person.sex}; {note}"[:160])


@app.command()
def check(
    studies: Annotated[
        list[str] | None,
        typer.Argument(metavar="[STUDY]...", help="Study files, folders of them, or keys; none: all that come with corrin."),
    ] = None,
    draws: Annotated[int | None, typer.Option(help="How many people are drawn for an arm.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the random numbers.")] = None,
    population: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A CSV table of people (a survey) instead of studies: their markers, simulated.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for report, figures, points.csv and answer.json.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the answer as corrin.answer/1 instead of the report.")] = False,
) -> None:
    """Every number that studies report beside the one predicted, and how good the predictions are together."""
    chosen = _settings(draws=draws, seed=seed)
    if population is not None:
        if studies or out is not None:
            raise InputError("--population", "studies or --out beside it", "a table of people alone", "Use --json for the whole answer.")
        from corrin.answers.check_population import check_population

        people = check_population(population, chosen["seed"].value, _progress())
        typer.echo(people.to_json() if json else people.text(), nl=False)
        return
    from corrin.shells.folder import check_target, write_check

    if out is not None:
        check_target(out)
    from corrin.answers.check import check as answer_check

    answer = answer_check(studies or None, draws=chosen["draws"].value, seed=chosen["seed"].value, progress=_progress())
    if out is not None:
        write_check(answer, out)
    typer.echo(answer.to_json() if json else answer.text(), nl=False)
    for refused in answer.refused:
        typer.echo("\n".join(refused.faults), err=True)
    if answer.refused:
        raise typer.Exit(InputError.exit_code)


@app.command("check-case")
def check_case(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A case file (JSON or TOML), a FHIR Bundle or NDJSON, or the id of an example.")
    ],
) -> None:
    """Read a case and say what was understood, without forecasting."""
    person, account = _read(file)
    lines = [
        f"{person.id or 'case'}: {person.age_y:.0f} years, {person.person.sex}, as of {person.as_of}",
        f"{len(person.labs)} laboratory values: {', '.join(lab.analyte for lab in person.labs) or 'none'}",
        f"{len(person.findings)} findings: {', '.join(finding.what for finding in person.findings) or 'none'}",
    ]
    ignored = [*person.history.other_drugs, *person.history.other_conditions]
    if ignored:
        lines.append(f"Kept and shown, but not in the model: {', '.join(ignored)}")
    followed = [given for given in person.treatments if person.day(given.from_, 0.0) >= 0.0]
    if followed:
        lines.append(f"{len(followed)} treatments begun at or after `as_of`: kept for comparison, never an input")
    from corrin.case.check import check_case as notes

    lines += [f"{note.where}: {note.text}" for note in notes(person)]
    if account is not None:
        lines += ["", account.text()]
    typer.echo("\n".join(lines))


@app.command()
def fhir(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="A FHIR R4 Bundle (JSON), an NDJSON file, or a folder of them.")],
    patient: Annotated[str | None, typer.Option(metavar="ID", help="Which patient, when there are several.")] = None,
    as_of: Annotated[str | None, typer.Option(metavar="DATE", help="Day 0; without it the last date of anything used.")] = None,
    leave_out_doubtful: Annotated[
        bool, typer.Option("--leave-out-doubtful", help="Leave out, and name, results whose unit or value cannot be right.")
    ] = False,
    account: Annotated[bool, typer.Option("--account", help="Print what was read, used and left out, instead of the case.")] = False,
) -> None:
    """A patient's record in FHIR as a case file, to look at and to correct: `corrin fhir bundle.json > case.json`."""
    from corrin.shells.fhir import read_fhir

    person, report = read_fhir(source, patient=patient, as_of=as_of, leave_out_doubtful=leave_out_doubtful)
    if account:
        typer.echo(report.text())
        return
    typer.echo(report.summary(), err=True)
    typer.echo(_pretty(person.to_dict()))


@app.command()
def diet(
    foods: Annotated[
        str | None, typer.Argument(metavar="[FOODS]", help='Such as "clams 84 g weekly, milk 250 ml daily", or a file.')
    ] = None,
    age: Annotated[float | None, typer.Option(help="Age, years.")] = None,
    sex: Annotated[str | None, typer.Option(help="female or male.")] = None,
    pregnancy: Annotated[str | None, typer.Option(help="none, pregnant or breastfeeding.")] = None,
    case: Annotated[str | None, typer.Option(metavar="CASE", help="A case file or the id of an example: would food alone do?")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the answer as corrin.diet/1 instead of the report.")] = False,
) -> None:
    """B12 in a diet: against reference intakes, what of it is absorbed, what to change; with a case, whether food alone would do."""
    from corrin.answers.diet import diet as answer_diet

    person = _case(case) if case is not None else None
    file = foods is not None and "\n" not in foods and len(foods) < 250 and Path(foods).is_file()
    answer = answer_diet(Path(foods) if foods is not None and file else foods, age_y=age, sex=sex, pregnancy=pregnancy, case=person)
    typer.echo(answer.to_json() if json else answer.text(), nl=False)


@app.command()
def claim(
    text: Annotated[str, typer.Argument(metavar="TEXT|FILE", help="A sentence, or a text or HTML file.")],
    json: Annotated[bool, typer.Option("--json", help="Print the answer as corrin.claim/1 instead of the report.")] = False,
) -> None:
    """Is what I read true? Known statements and quantities of a text: right, wrong, disputed or not known, with sources."""
    from corrin.answers.claim import claim as answer_claim

    named = "\n" not in text and len(text) < 250
    file = named and (Path(text).is_file() or (" " not in text.strip() and Path(text).suffix.lower() in (".txt", ".html", ".htm", ".md")))
    answer = answer_claim(Path(text) if file else text)
    typer.echo(answer.to_json() if json else answer.text(), nl=False)


@app.command()
def pain(
    case: CaseArgument,
    condition: Annotated[str | None, typer.Option(help="Look at this trialled condition, whatever the case tells.")] = None,
    figure: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the course of pain in trials as a PNG picture.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the answer as corrin.pain/1 instead of the report.")] = False,
) -> None:
    """Will it help the pain? What B12 and other treatments did in trials, for the condition that fits this person."""
    from corrin.answers.pain import pain as answer_pain

    answer = answer_pain(_case(case), condition)
    if figure is not None:
        from corrin.show.pain_charts import png

        picture = png(answer.data)
        try:
            figure.write_bytes(picture)
        except OSError as error:
            raise InputError("--figure", f"{figure} cannot be written: {error.strerror}", "a file in a folder that exists") from error
    typer.echo(answer.to_json() if json else answer.text(), nl=False)


@app.command()
def mimics(
    case: CaseArgument,
    excluded: Annotated[list[str] | None, typer.Option(metavar="ID", help="Tested for and not found; may be repeated.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the answer as corrin.mimics/1 instead of the report.")] = False,
) -> None:
    """What else could it be? How soon, how the findings fit B12 and other causes, what looks alike and the test that tells."""
    from corrin.answers.mimics import mimics as answer_mimics

    answer = answer_mimics(_case(case), tuple(excluded or ()))
    typer.echo(answer.to_json() if json else answer.text(), nl=False)


@app.command()
def matters(
    case: CaseArgument,
    json: Annotated[bool, typer.Option("--json", help="Print the answer as corrin.matters/1 instead of the report.")] = False,
) -> None:
    """What else matters? Glucose, alcohol, smoking, movement, other vitamins; vitamin B6 of everything taken, added up."""
    from corrin.answers.matters import matters as answer_matters

    answer = answer_matters(_case(case))
    typer.echo(answer.to_json() if json else answer.text(), nl=False)


@app.command()
def assess(
    case: CaseArgument,
    guide: Annotated[list[str] | None, typer.Option(help="A guideline's id, or all; may be repeated.")] = None,
    spectrum: Annotated[str | None, typer.Option(help="community or clinic: whom the person is taken to be one of.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the answer as corrin.assess/1 instead of the page.")] = False,
) -> None:
    """Is it deficiency, why, and what now: all results read together, causes, and the guideline's own word, on one page."""
    from corrin.answers.assess import assess as answer_assess

    answer = answer_assess(_case(case, any_age=True), guide or (), spectrum=spectrum)
    typer.echo(answer.to_json() if json else answer.text(), nl=False)


@app.command()
def warm() -> None:
    """Compile the model now, so that the first forecast is quick."""
    _settings()
    from corrin.answers.run import warm as warmed

    typer.echo(warmed())


@app.command()
def config() -> None:
    """Every setting, its value and where it came from."""
    for name, chosen in _settings().items():
        value = ",".join(chosen.value) if isinstance(chosen.value, tuple) else chosen.value
        typer.echo(f"{name:10} = {value!s:20} [{chosen.origin}]  {chosen.setting.description}")


def _settings(**arguments: Any) -> dict[str, Chosen]:
    from corrin.settings import choose

    chosen = choose(arguments)
    if chosen["cache_dir"].value:
        os.environ["CORRIN_CACHE_DIR"] = chosen["cache_dir"].value
    if chosen["threads"].value:
        os.environ["CORRIN_THREADS"] = str(chosen["threads"].value)
    return chosen


def _case(name: str, any_age: bool = False) -> Case:
    """A case file or FHIR when there is one of that name, else an example."""
    person, report = _read(name, any_age)
    if report is not None:
        typer.echo(report.summary(), err=True)
    return person


def _read(name: str, any_age: bool = False) -> tuple[Case, Report | None]:
    """The case of that name; of FHIR also the account of how it was read."""
    from corrin.answers.examples import example
    from corrin.case.reader import read_case
    from corrin.shells.recognise import is_fhir

    if not name.strip():
        raise InputError("case", "nothing", "a case file, or the id of an example")
    path = Path(name)
    if is_fhir(path):
        from corrin.shells.fhir import read_fhir

        return read_fhir(path, any_age=any_age)
    if path.exists() or path.suffix in (".json", ".toml") or len(path.parts) > 1:
        return read_case(path, any_age=any_age), None
    return example(name), None


def _give(answer: Any, out: Path | None, json: bool) -> None:
    if out is not None:
        from corrin.shells.folder import write_answer

        write_answer(answer, out)
    typer.echo(answer.to_json() if json else answer.text(), nl=False)
    if answer.contradicted:
        raise typer.Exit(CONTRADICTED)


def _say_answer(answer: Any, json: bool) -> None:
    typer.echo(answer.to_json() if json else answer.text(), nl=False)
    if answer.contradicted:
        raise typer.Exit(CONTRADICTED)


def _pretty(value: Any) -> str:
    import json

    return json.dumps(value, indent=2, ensure_ascii=False)


def _progress() -> Callable[[str, float], None] | None:
    """One line on stderr that is rewritten; nothing where nobody watches."""
    if not sys.stderr.isatty():
        return None

    def show(what: str, part: float) -> None:
        sys.stderr.write(f"\r{what[:60]:60} {part:4.0%}")
        if part >= 1.0:
            sys.stderr.write("\r" + " " * 70 + "\r")
        sys.stderr.flush()

    return show


def main(arguments: list[str] | None = None) -> NoReturn:
    """The entry point: every way out is one of the exit codes above."""
    # Small matrices only: threads of their own would wait for each other longer than they compute (a tenth of a second at each step).
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.exit(_run(arguments))


def _run(arguments: list[str] | None) -> int:
    for stream in (sys.stdout, sys.stderr):
        # The report holds signs such as µ; a terminal that cannot show one gets a question mark, not a crash.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        returned = app(args=arguments, prog_name="corrin", standalone_mode=False)
        code = returned if isinstance(returned, int) else 0
        if code == INTERRUPTED:  # Typer turns Ctrl-C into this number
            raise KeyboardInterrupt
    except CorrinError as error:
        return _say(error)
    except (KeyboardInterrupt, typer.Abort):
        typer.echo("corrin: interrupted; nothing was written.", err=True)
        return INTERRUPTED
    except (BrokenPipeError, SystemExit):
        # Without its own error handling, Typer leaves by SystemExit in one case only: nobody reads our output any more.
        return _reader_left()
    except MemoryError:
        return _say(EnvironmentProblem("There is not enough memory. Ask for fewer draws (--draws)."))
    except OSError as error:
        if error.errno not in DISK:
            from corrin.shells.fault import report_fault

            typer.echo(report_fault(error), err=True)
            return OUR_FAULT
        return _unwritten(error)
    except Exception as error:
        usage, show = getattr(error, "exit_code", None), getattr(error, "show", None)
        if isinstance(usage, int) and callable(show):
            # A usage error of the command line itself: its own message, exit code 2.
            show()
            return usage
        from corrin.shells.fault import report_fault

        typer.echo(report_fault(error), err=True)
        return OUR_FAULT
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return _reader_left()
    except OSError as error:
        return _unwritten(error)
    return code


def _say(error: CorrinError) -> int:
    prefix = "" if isinstance(error, InputError) and error.faults else "corrin: "
    typer.echo(f"{prefix}{error}", err=True)
    return error.exit_code


def _unwritten(error: OSError) -> int:
    """The disk behind our output is full, or gone."""
    _reader_left()
    return _say(EnvironmentProblem(f"The output could not be written: {error.strerror}."))


def _reader_left() -> int:
    """Whoever read our output has enough (`corrin ... | head`): leave without a word."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def command_help() -> dict[str, str]:
    """Each command's own help, for the reference page."""
    from typer.testing import CliRunner

    runner = CliRunner(env={"COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1"})
    names = sorted(command.name or (command.callback.__name__ if command.callback else "") for command in app.registered_commands)
    return {f"corrin {name}": runner.invoke(app, [name, "--help"], prog_name="corrin").output for name in names}
