"""What every command shares: the application, its settings, how a person is read and how an answer is given."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from corrin.errors import InputError
from corrin.settings import SETTINGS

if TYPE_CHECKING:
    from corrin.case.case import Case
    from corrin.settings import Chosen
    from corrin.shells.fhir import Report

CONTRADICTED = 4

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


def shown(name: str) -> str:
    """The default of a setting, for help; `corrin.toml` and `CORRIN_*` may say otherwise (`corrin config`)."""
    return next(f"{setting.default:g}" for setting in SETTINGS if setting.name == name)


YearsOption = Annotated[float | None, typer.Option(help="How far to look ahead, years.", show_default=shown("years"))]
DrawsOption = Annotated[int | None, typer.Option(help="How many people like this one are drawn.", show_default=shown("draws"))]
SeedOption = Annotated[int | None, typer.Option(help="Seed of the random numbers.", show_default=shown("seed"))]


def settings(**arguments: Any) -> dict[str, Chosen]:
    from corrin.settings import choose

    chosen = choose(arguments)
    if chosen["cache_dir"].value:
        os.environ["CORRIN_CACHE_DIR"] = chosen["cache_dir"].value
    if chosen["threads"].value:
        os.environ["CORRIN_THREADS"] = str(chosen["threads"].value)
    return chosen


def use_gpu(wanted: bool) -> None:
    """Hand the computing to a graphics processor, and say to which; on stderr, because it is no part of the answer."""
    if not wanted:
        return
    from corrin.engine.gpu import device, ready

    ready()
    os.environ["CORRIN_DEVICE"] = "gpu"
    typer.echo(f"computing on {device()}", err=True)


def read_person(name: str, any_age: bool = False) -> Case:
    """A case file or FHIR when there is one of that name, else an example."""
    person, report = read_any(name, any_age)
    if report is not None:
        typer.echo(report.summary(), err=True)
    return person


def read_any(name: str, any_age: bool = False) -> tuple[Case, Report | None]:
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


def text_or_file(said: str) -> str | Path:
    """What was typed: a file, where there is one of that name or where it can only be meant as one (`page.html`), else the words."""
    if "\n" in said or len(said) >= 250:
        return said
    path = Path(said)
    meant = not any(sign.isspace() for sign in said.strip()) and re.fullmatch(r"\.[A-Za-z]{2,5}", path.suffix) is not None
    there = os.path.exists(path)  # unlike Path.exists, no error where a sentence is too long for the name of a file
    if not (meant or there):
        return said
    if there and path.is_dir():
        raise InputError(str(path), "a folder", "words, or a text file")
    if not there:
        raise InputError(str(path), "no such file", "words, or a text file", "Check the name and the folder.")
    return path


def give(answer: Any, out: Path | None, json: bool) -> None:
    if out is not None:
        from corrin.shells.folder import write_answer

        write_answer(answer, out)
    typer.echo(answer.to_json() if json else answer.text(), nl=False)
    if answer.contradicted:
        raise typer.Exit(CONTRADICTED)


def say_answer(answer: Any, json: bool) -> None:
    typer.echo(answer.to_json() if json else answer.text(), nl=False)
    if answer.contradicted:
        raise typer.Exit(CONTRADICTED)


def pretty(value: Any) -> str:
    import json

    return json.dumps(value, indent=2, ensure_ascii=False)


def progress_line() -> Callable[[str, float], None] | None:
    """One line on stderr that is rewritten; nothing where nobody watches."""
    if not sys.stderr.isatty():
        return None

    def show(what: str, part: float) -> None:
        sys.stderr.write(f"\r{what[:60]:60} {part:4.0%}")
        if part >= 1.0:
            sys.stderr.write("\r" + " " * 70 + "\r")
        sys.stderr.flush()

    return show
