"""Commands that answer at once, without the engine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from corrin.errors import InputError
from corrin.shells.cli.parts import CaseArgument, app, read_person, text_or_file


@app.command()
def assess(
    case: CaseArgument,
    guide: Annotated[list[str] | None, typer.Option(help="A guideline's id, or all; may be repeated.")] = None,
    spectrum: Annotated[str | None, typer.Option(help="community or clinic: whom the person is taken to be one of.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the answer as corrin.assess/1 instead of the page.")] = False,
) -> None:
    """Is it deficiency, why, and what now: all results read together, causes, and the guideline's own word, on one page."""
    from corrin.answers.assess import assess as answer_assess

    answer = answer_assess(read_person(case, any_age=True), guide or (), spectrum=spectrum)
    typer.echo(answer.to_json() if json else answer.text(), nl=False)


@app.command()
def mimics(
    case: CaseArgument,
    excluded: Annotated[list[str] | None, typer.Option(metavar="ID", help="Tested for and not found; may be repeated.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the answer as corrin.mimics/1 instead of the report.")] = False,
) -> None:
    """What else could it be? How soon, how the findings fit B12 and other causes, what looks alike and the test that tells."""
    from corrin.answers.mimics import mimics as answer_mimics

    answer = answer_mimics(read_person(case), tuple(excluded or ()))
    typer.echo(answer.to_json() if json else answer.text(), nl=False)


@app.command()
def matters(
    case: CaseArgument,
    json: Annotated[bool, typer.Option("--json", help="Print the answer as corrin.matters/1 instead of the report.")] = False,
) -> None:
    """What else matters? Glucose, alcohol, smoking, movement, other vitamins; vitamin B6 of everything taken, added up."""
    from corrin.answers.matters import matters as answer_matters

    answer = answer_matters(read_person(case))
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

    answer = answer_pain(read_person(case), condition)
    if figure is not None:
        from corrin.show.pain_charts import png

        picture = png(answer.data)
        try:
            figure.write_bytes(picture)
        except OSError as error:
            raise InputError("--figure", f"{figure} cannot be written: {error.strerror}", "a file in a folder that exists") from error
    typer.echo(answer.to_json() if json else answer.text(), nl=False)


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

    person = read_person(case) if case is not None else None
    answer = answer_diet(text_or_file(foods) if foods is not None else None, age_y=age, sex=sex, pregnancy=pregnancy, case=person)
    typer.echo(answer.to_json() if json else answer.text(), nl=False)


@app.command()
def claim(
    text: Annotated[str, typer.Argument(metavar="TEXT|FILE", help="A sentence, or a text or HTML file.")],
    json: Annotated[bool, typer.Option("--json", help="Print the answer as corrin.claim/1 instead of the report.")] = False,
) -> None:
    """Is what I read true? Known statements and quantities of a text: right, wrong, disputed or not known, with sources."""
    from corrin.answers.claim import claim as answer_claim

    answer = answer_claim(text_or_file(text))
    typer.echo(answer.to_json() if json else answer.text(), nl=False)
