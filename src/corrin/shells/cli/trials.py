"""Commands for who plans studies: a virtual trial, what an answer hangs on, the next study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from corrin.errors import InputError
from corrin.shells.cli.parts import SeedOption, app, pretty, progress_line, read_person, settings, shown, use_gpu

if TYPE_CHECKING:
    from collections.abc import Callable


@app.command()
def trial(
    design: Annotated[
        str | None, typer.Argument(metavar="[DESIGN]", help="A design file (TOML or JSON), or the name of a design that comes with corrin.")
    ] = None,
    repeats: Annotated[int, typer.Option(help="How often the trial is done.")] = 1000,
    draws: Annotated[int | None, typer.Option(help="How many people who may enter are drawn.", show_default=shown("draws"))] = None,
    seed: SeedOption = None,
    show: Annotated[bool, typer.Option("--show", help="Print the design as a file to start from.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for report, figures, courses.csv and answer.json.")] = None,
    cluster: Annotated[str | None, typer.Option(help="Address of a Dask scheduler, such as tcp://host:8786.")] = None,
    gpu: Annotated[bool, typer.Option("--gpu", help="Compute on a graphics processor (extra gpu).")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the answer as corrin.trial/1 instead of the report.")] = False,
) -> None:
    """What a trial would find, and how often: a virtual one. Without a design: the list of those that come with corrin."""
    chosen = settings(draws=draws, seed=seed)
    if design is None:
        from corrin.answers.trial.reader import packaged

        size = max(map(len, packaged()))
        for name, held in packaged().items():
            typer.echo(f"{name:{size}}  {held.title}")
        return
    if show:
        from corrin.answers.trial.reader import read_trial

        typer.echo(pretty(read_trial(design).to_dict()))
        return
    _check(out)
    if gpu and cluster:
        raise InputError("--gpu", "--cluster beside it", "one of the two", "Workers of a cluster compute on their own processors.")
    use_gpu(gpu)
    from corrin.answers.trial import trial as answer_trial
    from corrin.answers.trial.reader import read_trial
    from corrin.shells.cluster import check_address, workers
    from corrin.show import trial_charts

    check_address(cluster)
    held = read_trial(design)
    with workers(cluster, lambda text: typer.echo(text, err=True)) as run:
        answer = answer_trial(held, repeats, chosen["draws"].value, chosen["seed"].value, progress_line(), run)
    _give(answer, {"courses.csv": answer.to_frame()}, trial_charts.save, out, json)


@app.command()
def sensitivity(
    of: Annotated[
        str, typer.Argument(metavar="[CASE|population]", help="A case as in forecast, or population: an adult of whom nothing is known.")
    ] = "population",
    answer: Annotated[str, typer.Option(metavar="READING@DAY", help="Which number; day 0 is before anything is given.")] = "mma@90",
    plan: Annotated[str, typer.Option(help="A built-in plan's name or a plan file, from day 0 on.")] = "oral-1000-daily",
    method: Annotated[str, typer.Option(help="morris (quick: what matters at all) or sobol (shares of the variance).")] = "morris",
    size: Annotated[int | None, typer.Option(help="Walks (morris) or base samples (sobol, a power of two).")] = None,
    draws: Annotated[int, typer.Option(help="Draws of the person after their results.")] = 500,
    seed: SeedOption = None,
    out: Annotated[Path | None, typer.Option(help="Folder for report, figures, indices.csv and answer.json.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the answer as corrin.sensitivity/1 instead of the report.")] = False,
) -> None:
    """What one number hangs on: which unknowns move it most, alone and together."""
    chosen = settings(seed=seed)
    from corrin.answers.sensitivity import POPULATION, parse_answer
    from corrin.answers.sensitivity import sensitivity as answer_sensitivity

    parse_answer(answer)
    _check(out)
    who = POPULATION if of == POPULATION else read_person(of)
    from corrin.show import sensitivity_charts

    made = answer_sensitivity(who, answer, plan, method, size, draws, chosen["seed"].value, progress_line())
    _give(made, {"indices.csv": made.to_frame()}, sensitivity_charts.save, out, json)


@app.command()
def design(
    question: Annotated[
        str | None, typer.Argument(metavar="[QUESTION]", help="A question file, or the name of one that comes with corrin; none: the list.")
    ] = None,
    draws: Annotated[int, typer.Option(help="How many people who may enter are drawn, for each group.")] = 2000,
    seed: SeedOption = None,
    cost_person: Annotated[float | None, typer.Option(help="Cost of one person, in arbitrary units (5).")] = None,
    cost_visit: Annotated[float | None, typer.Option(help="Cost of one visit, in arbitrary units (1).")] = None,
    show: Annotated[bool, typer.Option("--show", help="Print the question as a file to start from.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for report, figures, courses.csv and answer.json.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the answer as corrin.design/1 instead of the report.")] = False,
) -> None:
    """Which study next: the cheapest days, measurements and size that would tell two forms of the model apart."""
    chosen = settings(seed=seed)
    from corrin.answers.design_question import packaged, read_question

    if question is None:
        size = max(map(len, packaged()))
        for name, held in packaged().items():
            typer.echo(f"{name:{size}}  {held.title}")
        return
    if show:
        typer.echo(pretty(read_question(question).to_dict()))
        return
    _check(out)
    from corrin.answers.design import design as answer_design
    from corrin.show import design_charts

    made = answer_design(question, draws, chosen["seed"].value, progress_line(), cost_person, cost_visit)
    _give(made, {"courses.csv": made.to_frame()}, design_charts.save, out, json)


def _check(out: Path | None) -> None:
    if out is not None:
        from corrin.shells.folder import check_target

        check_target(out)


def _give(answer: Any, tables: dict[str, dict[str, list[Any]]], figures: Callable[..., object], out: Path | None, json: bool) -> None:
    """To a folder where one is named, and to stdout."""
    if out is not None:
        from corrin.shells.folder import _table, _write

        _write(answer, answer.text(), {name: _table(frame) for name, frame in tables.items()}, figures, out)
    typer.echo(answer.to_json() if json else answer.text(), nl=False)
