"""Commands that show what corrin holds, reads and is set to, and how well it predicts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from corrin.errors import InputError
from corrin.shells.cli.parts import SeedOption, app, pretty, progress_line, read_any, settings, shown


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
        typer.echo(pretty(read_plan(name).to_dict()))
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
    draws: Annotated[int | None, typer.Option(help="How many people are drawn for an arm.", show_default=shown("draws"))] = None,
    seed: SeedOption = None,
    population: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A CSV table of people (a survey) instead of studies: their markers, simulated.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for report, figures, points.csv and answer.json.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the answer as corrin.check/1 instead of the report.")] = False,
) -> None:
    """Every number that studies report beside the one predicted, and how good the predictions are together."""
    chosen = settings(draws=draws, seed=seed)
    if population is not None:
        if studies or out is not None:
            raise InputError("--population", "studies or --out beside it", "a table of people alone", "Use --json for the whole answer.")
        from corrin.answers.check_population import check_population

        people = check_population(population, chosen["seed"].value, progress_line())
        typer.echo(people.to_json() if json else people.text(), nl=False)
        return
    from corrin.shells.folder import check_target, write_check

    if out is not None:
        check_target(out)
    from corrin.answers.check import check as answer_check

    answer = answer_check(studies or None, draws=chosen["draws"].value, seed=chosen["seed"].value, progress=progress_line())
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
    person, account = read_any(file)
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
    typer.echo(pretty(person.to_dict()))


@app.command()
def warm() -> None:
    """Compile the model now, so that the first forecast is quick."""
    settings()
    from corrin.answers.run import warm as warmed

    typer.echo(warmed())


@app.command()
def config() -> None:
    """Every setting, its value and where it came from."""
    for name, chosen in settings().items():
        value = ",".join(chosen.value) if isinstance(chosen.value, tuple) else chosen.value
        typer.echo(f"{name:10} = {value!s:20} [{chosen.origin}]  {chosen.setting.description}")
