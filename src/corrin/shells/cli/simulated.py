"""Commands that simulate one person: what will happen under which plan."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from corrin.errors import InputError
from corrin.shells.cli.parts import (
    CaseArgument,
    DrawsOption,
    SeedOption,
    YearsOption,
    app,
    give,
    progress_line,
    read_person,
    say_answer,
    settings,
)


@app.command()
def forecast(
    case: CaseArgument,
    plan: Annotated[list[str] | None, typer.Option(help="A built-in plan's name or a plan file; may be repeated.")] = None,
    years: YearsOption = None,
    draws: DrawsOption = None,
    seed: SeedOption = None,
    out: Annotated[Path | None, typer.Option(help="Folder for report, figures and answer.json.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the answer as corrin.answer/1 instead of the report.")] = False,
) -> None:
    """What blood and nerves will do under each plan, for one person."""
    chosen = settings(years=years, draws=draws, seed=seed, plans=tuple(plan or ()))
    if plan is not None and not all(name.strip() for name in plan):
        raise InputError("--plan", "nothing", "a built-in plan's name or a plan file")
    person = read_person(case)
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
        progress=progress_line(),
    )
    give(answer, out, json)


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
    years: YearsOption = None,
    draws: DrawsOption = None,
    seed: SeedOption = None,
    out: Annotated[Path | None, typer.Option(help="Folder for report, figures and answer.json.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the answer as corrin.answer/1 instead of the report.")] = False,
) -> None:
    """What new results change: the forecast with them beside the one without, and what was learned."""
    chosen = settings(years=years, draws=draws, seed=seed, plans=tuple(plan or ()))
    if not lab and not finding:
        raise InputError("update", "neither --lab nor --finding", "at least one, such as --lab serum_b12=210ng/L@2026-05-01")
    for option, names in (("--plan", plan), ("--followed", [followed] if followed is not None else None)):
        if names is not None and not all(name.strip() for name in names):
            raise InputError(option, "nothing", "a built-in plan's name or a plan file")
    person = read_person(case)
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
        progress=progress_line(),
    )
    give(answer, out, json)


@app.command()
def compare(
    case: CaseArgument,
    plan: Annotated[list[str] | None, typer.Option(help="A built-in plan's name or a plan file; two or more.")] = None,
    price: Annotated[
        list[str] | None, typer.Option(help="What one unit costs, as product=amount; may be repeated. corrin knows no prices.")
    ] = None,
    years: YearsOption = None,
    draws: DrawsOption = None,
    seed: SeedOption = None,
    out: Annotated[Path | None, typer.Option(help="Folder for report, figures and answer.json.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the answer as corrin.compare/1 instead of the page.")] = False,
) -> None:
    """Which treatment? Plans side by side in the same drawn people, and the smallest that keeps this person replete."""
    chosen = settings(years=years, draws=draws, seed=seed, plans=tuple(plan or ()))
    if plan is not None and not all(name.strip() for name in plan):
        raise InputError("--plan", "nothing", "a built-in plan's name or a plan file")
    person = read_person(case)
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
        progress=progress_line(),
    )
    if out is not None:
        write_compare(answer, out)
    say_answer(answer, json)


@app.command()
def stop(
    case: CaseArgument,
    after: Annotated[str, typer.Option(help="How long the plan goes on before it is stopped, such as 6mo or 2y.")] = "6mo",
    plan: Annotated[str | None, typer.Option(help="A built-in plan's name or a plan file; without it injections.")] = None,
    years: Annotated[float, typer.Option(help="How far to look ahead in all, years.")] = 10.0,
    draws: DrawsOption = None,
    seed: SeedOption = None,
    out: Annotated[Path | None, typer.Option(help="Folder for report, figures and answer.json.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the answer as corrin.stop/1 instead of the page.")] = False,
) -> None:
    """What if it is stopped? When values fall, deficiency and symptoms come back, and who needs B12 for life."""
    chosen = settings(draws=draws, seed=seed)
    if plan is not None and not plan.strip():
        raise InputError("--plan", "nothing", "a built-in plan's name or a plan file")
    person = read_person(case)
    from corrin.shells.folder import check_target, write_stop

    if out is not None:
        check_target(out)
    from corrin.answers.stop import stop as answer_stop

    answer = answer_stop(
        person, after, plan, years=years, draws=chosen["draws"].value, seed=chosen["seed"].value, progress=progress_line()
    )  # fmt: skip
    if out is not None:
        write_stop(answer, out)
    say_answer(answer, json)


@app.command()
def recover(
    case: CaseArgument,
    plan: Annotated[list[str] | None, typer.Option(help="A built-in plan's name or a plan file; may be repeated.")] = None,
    draws: DrawsOption = None,
    seed: SeedOption = None,
    out: Annotated[Path | None, typer.Option(help="Folder for report, picture of the nerves and answer.json.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the answer as corrin.recover/1 instead of the report.")] = False,
) -> None:
    """What comes back, how much and how fast: chances by tract and symptom at 12 and 24 months, and what drives them."""
    chosen = settings(draws=draws, seed=seed, plans=tuple(plan or ()))
    if plan is not None and not all(name.strip() for name in plan):
        raise InputError("--plan", "nothing", "a built-in plan's name or a plan file")
    person = read_person(case)
    from corrin.shells.folder import check_target, write_recover

    if out is not None:
        check_target(out)
    from corrin.answers.recover import recover as answer_recover

    answer = answer_recover(
        person, list(chosen["plans"].value) or None, draws=chosen["draws"].value, seed=chosen["seed"].value, progress=progress_line()
    )
    if out is not None:
        write_recover(answer, out)
    say_answer(answer, json)


@app.command()
def delay(
    case: CaseArgument,
    months: Annotated[list[float] | None, typer.Argument(metavar="[MONTHS]...", help="Further delays, months.", hidden=True)] = None,
    first: Annotated[
        float | None,
        typer.Option("--months", metavar="MONTHS...", help="Delays, months, such as --months 1 3 6; beginning now is always shown."),
    ] = None,
    plan: Annotated[str | None, typer.Option(help="A built-in plan's name or a plan file; without it the guideline's injections.")] = None,
    draws: DrawsOption = None,
    seed: SeedOption = None,
    out: Annotated[Path | None, typer.Option(help="Folder for report, chart and answer.json.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the answer as corrin.delay/1 instead of the report.")] = False,
) -> None:
    """What waiting costs: the same plan begun later, for the same drawn people."""
    chosen = settings(draws=draws, seed=seed)
    if plan is not None and not plan.strip():
        raise InputError("--plan", "nothing", "a built-in plan's name or a plan file")
    person = read_person(case)
    from corrin.shells.folder import check_target, write_delay

    if out is not None:
        check_target(out)
    from corrin.answers.delay import MONTHS
    from corrin.answers.delay import delay as answer_delay

    waits = [*([first] if first is not None else []), *(months or [])]
    answer = answer_delay(person, plan, waits or MONTHS, draws=chosen["draws"].value, seed=chosen["seed"].value, progress=progress_line())
    if out is not None:
        write_delay(answer, out)
    say_answer(answer, json)


@app.command()
def rerun(
    answer: Annotated[Path, typer.Argument(metavar="ANSWER", help="An answer.json that corrin wrote.")],
    out: Annotated[Path | None, typer.Option(help="Folder for the new report, figures and answer.json.")] = None,
) -> None:
    """Make an answer again and say what differs."""
    settings()
    from corrin.answers.rerun import rerun as answer_rerun

    new, differences = answer_rerun(answer, progress=progress_line())
    if out is not None:
        from corrin.shells.folder import write_again

        write_again(new, out)
    typer.echo("\n".join(["Differs:", *(f"  {sentence}" for sentence in differences)]) if differences else "Reproduced: nothing differs.")
