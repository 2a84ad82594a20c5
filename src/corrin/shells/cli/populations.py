"""Commands about many people at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from corrin.errors import InputError
from corrin.shells.cli.parts import SeedOption, app, settings, use_gpu


@app.command()
def population(
    design: Annotated[
        str,
        typer.Argument(
            metavar="DESIGN",
            help="A design file (TOML or JSON), or one that comes with corrin: today, flour, metformin-screening, vegan-supplement.",
        ),
    ],
    people: Annotated[int | None, typer.Option(help="How many people; without it as the design says.")] = None,
    seed: SeedOption = None,
    out: Annotated[Path | None, typer.Option(help="Folder for rows (Parquet), report, figures and answer.json.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was begun in --out, and with nothing else.")] = False,
    cluster: Annotated[str | None, typer.Option(help="Address of a Dask scheduler, such as tcp://host:8786.")] = None,
    gpu: Annotated[bool, typer.Option("--gpu", help="Compute on a graphics processor (extra gpu).")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the answer as corrin.population/1 instead of the page.")] = False,
) -> None:
    """How common is deficiency, and what would a policy do? Flour with B12, tests on metformin, tablets for vegans."""
    chosen = settings(seed=seed)
    if not design.strip():
        raise InputError("design", "nothing", "a design file, or the name of one that comes with corrin")
    if resume and out is None:
        raise InputError("--resume", "no --out", "the folder of the run to go on with")
    if gpu and cluster:
        raise InputError("--gpu", "--cluster beside it", "one of the two", "Workers of a cluster compute on their own processors.")
    use_gpu(gpu)
    from corrin.answers.population import counted_people
    from corrin.studies.crowd import read_design

    read = read_design(Path(design) if Path(design).exists() else design)
    count = counted_people(read, people)
    from corrin.shells.population import answer

    made = answer(read, count, chosen["seed"].value, out, resume, cluster, lambda text: typer.echo(text, err=True))
    typer.echo(made.to_json() if json else made.text(), nl=False)
