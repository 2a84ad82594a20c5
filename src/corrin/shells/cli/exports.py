"""The command that writes what other programs run: a model as SBML, Antimony, PEtab or COMBINE archive, an answer as a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from corrin.errors import InputError
from corrin.shells.cli.parts import CONTRADICTED, DrawsOption, SeedOption, YearsOption, app, progress_line, read_person, settings

FORMATS = ("sbml", "antimony", "petab", "omex", "csv", "parquet")


@app.command()
def export(
    case: Annotated[
        str | None,
        typer.Argument(metavar="[CASE]", help="A case, as for the other commands; for csv and parquet also an answer.json."),
    ] = None,
    format: Annotated[str, typer.Option("--format", help="One of " + ", ".join(FORMATS) + ".")] = "sbml",
    out: Annotated[Path | None, typer.Option(help="File to write (a folder for petab).")] = None,
    population_median: Annotated[
        bool, typer.Option("--population-median", help="The population's typical person instead of a case.")
    ] = False,
    plan: Annotated[str | None, typer.Option(help="A built-in plan's name or a plan file; without it no treatment.")] = None,
    years: YearsOption = None,
    draw: Annotated[int | None, typer.Option(help="Which drawn person of the case; without it the one nearest to the middle.")] = None,
    each_draw: Annotated[bool, typer.Option("--each-draw", help="csv and parquet: every drawn person instead of bands.")] = False,
    draws: DrawsOption = None,
    seed: SeedOption = None,
) -> None:
    """What others run: one person's model with its doses (sbml, antimony, petab, omex), or courses as a table (csv, parquet)."""
    chosen = settings(years=years, draws=draws, seed=seed, plans=(plan,) if plan else ())
    if format not in FORMATS:
        raise InputError("--format", ascii(format)[:40], "one of " + ", ".join(FORMATS))
    if out is None:
        raise InputError("--out", "nothing", "the file to write, or the folder for petab")
    if (case is None) != population_median:
        raise InputError("export", "both a case and --population-median" if case else "nobody to export", "a case or --population-median")
    if plan is not None and not plan.strip():
        raise InputError("--plan", "nothing", "a built-in plan's name or a plan file")
    if each_draw and (format not in ("csv", "parquet") or case is None):
        raise InputError("--each-draw", "no table of a case", "--format csv or parquet, and a case")
    from corrin.shells.export.run import Asked, check_place, write

    check_place(out, format)
    answer = None
    person = None
    if case is not None:
        from corrin.shells.export.run import stored_answer

        answer = stored_answer(case)
        if answer is not None and (format not in ("csv", "parquet") or each_draw):
            raise InputError("CASE", "an answer", "a case", "An answer holds bands only: it goes to csv or parquet.")
        person = read_person(case) if answer is None else None
    asked = Asked(
        format, plan, chosen["years"].value, chosen["draws"].value, chosen["seed"].value, draw, each_draw,
    )  # fmt: skip
    done = write(asked, out, person, answer, progress_line())
    typer.echo(done.text)
    if done.contradiction:
        typer.echo(f"Note: {done.contradiction}", err=True)
        raise typer.Exit(CONTRADICTED)
