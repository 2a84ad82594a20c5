"""Commands for records systems."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from corrin.errors import InputError
from corrin.shells.cli.parts import CaseArgument, app, pretty, read_person


@app.command("fhir-out")
def fhir_out(
    case: CaseArgument,
    as_of: Annotated[
        datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="The calendar day that stands for day 0 of an anonymous case.")
    ] = None,
    answer: Annotated[Path | None, typer.Option(metavar="FILE", help="A forecast's answer.json, to be written with it.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the Bundle there instead of to stdout.")] = None,
) -> None:
    """The case and what assess says of it as a FHIR R4 Bundle: Observation, RiskAssessment and CarePlan (a proposal)."""
    from corrin.answers.assess import assess
    from corrin.shells.fhir.answered import answer_bundle

    person = read_person(case, any_age=True)
    forecast = None
    if answer is not None:
        from corrin.answers.record import read_answer

        forecast = read_answer(answer).to_dict()
        if forecast["case_id"] != (person.id or "case"):
            raise InputError(answer.name, f"an answer about {forecast['case_id']}", f"one about {person.id or 'case'}")
    made, left_out = answer_bundle(person, assess(person).data, forecast, as_of=as_of.date() if as_of else None)
    for text in left_out:
        typer.echo(f"Not written: {text}.", err=True)
    if out is None:
        typer.echo(pretty(made))
        return
    beside = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        beside.write_text(pretty(made) + "\n", encoding="utf-8")
        beside.replace(out)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise InputError("--out", f"{out} cannot be written: {error.strerror}", "a file in a folder that exists") from error
