"""The command line. No medicine and no arithmetic: it reads options, calls an answer and prints it.

stdout holds the answer only; progress and messages go to stderr. Exit codes: 0 answer; 2 input or usage; 3 not covered; 4 the data
contradict the model (the answer is still given); 5 environment; 70 our own fault; 130 interrupted.
"""

from __future__ import annotations

import atexit
import errno
import gc
import os
import sys
from copy import copy
from typing import Annotated, NoReturn

import typer
from typer.models import CommandInfo

from corrin.errors import CorrinError, EnvironmentProblem, InputError
from corrin.shells.cli import exports, held, instant, populations, records, serve, simulated, trials
from corrin.shells.cli.parts import app

ROOMS = (simulated, instant, held, trials, populations, exports, serve, records)
"""Importing a room of commands enters them in the application; help lists them in this order, what most people ask first."""
_MODULES = tuple(room.__name__ for room in ROOMS)
app.registered_commands.sort(key=lambda command: _MODULES.index(getattr(command.callback, "__module__", "")))
INTERRUPTED, OUR_FAULT = 130, 70
COLLECT_AFTER = 50_000
"""So many new objects between two searches for what can be thrown away: a command makes few that refer to each other, and ends soon."""
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)
"""What the system says when output cannot be written."""


def _version(value: bool) -> None:
    if value:
        from corrin.version import __version__

        typer.echo(f"corrin {__version__}")
        raise typer.Exit()


@app.callback()
def _root(version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False) -> None:
    pass


def main(arguments: list[str] | None = None) -> NoReturn:
    """The entry point: every way out is one of the exit codes above."""
    # Small matrices only: threads of their own would wait for each other longer than they compute (a tenth of a second at each step).
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Nothing else that is installed here is to look for plugins, let alone see what is known of a person.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    gc.set_threshold(COLLECT_AFTER)
    atexit.register(gc.freeze)  # at the end everything goes; Python need not look through it first (a tenth of a second)
    sys.exit(_run(arguments))


def _asked_for(arguments: list[str]) -> typer.Typer:
    """The application with no other command than the one named first, which is quicker to set up; with all where that names none."""
    named = [command for command in app.registered_commands if arguments[:1] == [_name(command)]]
    if not named:
        return app
    one = copy(app)
    one.registered_commands = named
    return one


def _name(command: CommandInfo) -> str:
    return command.name or (command.callback.__name__ if command.callback else "")


def _run(arguments: list[str] | None) -> int:
    for stream in (sys.stdout, sys.stderr):
        # The report holds signs such as µ; a terminal that cannot show one gets a question mark, not a crash.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        given = sys.argv[1:] if arguments is None else arguments
        returned = _asked_for(given)(args=given, prog_name="corrin", standalone_mode=False)
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
    names = sorted(_name(command) for command in app.registered_commands)
    return {f"corrin {name}": runner.invoke(app, [name, "--help"], prog_name="corrin").output for name in names}
