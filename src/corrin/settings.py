"""Settings and where each came from: argument, then CORRIN_*, then ./corrin.toml, then the default."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corrin.errors import InputError

FILE = "corrin.toml"


@dataclass(frozen=True)
class Setting:
    """One setting: what it is, its default, and the reader that checks what a user wrote."""

    name: str
    default: Any
    description: str
    read: Callable[[Any], Any]

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return f"CORRIN_{self.name.upper()}"


@dataclass(frozen=True)
class Chosen:
    """The value of a setting and where it came from."""

    setting: Setting
    value: Any
    origin: str


def _whole(least: int, most: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if isinstance(value, bool) or (isinstance(value, float) and value != int(value)):
            raise ValueError(f"a whole number from {least:,} to {most:,}")
        try:
            number = int(value)
        except (TypeError, ValueError):
            raise ValueError(f"a whole number from {least:,} to {most:,}") from None
        if not least <= number <= most:
            raise ValueError(f"a whole number from {least:,} to {most:,}")
        return number

    return read


def _years(value: Any) -> float:
    allowed = "a number of years above 0, at most 50"
    if isinstance(value, bool):
        raise ValueError(allowed)
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(allowed) from None
    if not 0.0 < number <= 50.0:
        raise ValueError(allowed)
    return number


def _folder(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("the path of a folder or file")
    return value


def _names(value: Any) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, (list, tuple)) or not all(isinstance(part, str) for part in parts):
        raise ValueError("names of plans, joined by commas")
    return tuple(part.strip() for part in parts if part.strip())


def _addresses(value: Any) -> tuple[str, ...]:
    allowed = "addresses such as https://records.example, joined by commas, without a path"
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, (list, tuple)) or not all(isinstance(part, str) for part in parts):
        raise ValueError(allowed)
    found = tuple(part.strip() for part in parts if part.strip())
    if not all(re.fullmatch(r"https?://[A-Za-z0-9.\-\[\]:]+", part) for part in found):
        raise ValueError(allowed)
    return found


def _address(value: Any) -> str:
    if not isinstance(value, str) or (value and not re.fullmatch(r"https?://[!-~]{1,300}", value)):
        raise ValueError("an address such as https://corrin.clinic.example/")
    return value


SETTINGS: tuple[Setting, ...] = (
    Setting("years", 2.0, "how far a forecast looks ahead, years", _years),
    Setting("draws", 1000, "how many people like this one are drawn", _whole(10, 1_000_000)),
    Setting("seed", 1, "seed of the random numbers", _whole(0, 2**31 - 1)),
    Setting("plans", (), "plans compared when none is named; empty: no treatment, injections and tablets", _names),
    Setting("threads", 0, "threads the model computes on; 0: one for each processor; never moves a number", _whole(0, 1024)),
    Setting("cache_dir", "", "folder of the compiled model; empty: the user's cache folder", _folder),
    Setting("cds_keys", "", "file of the records systems whose signed calls are taken by the hooks; empty: nobody is asked", _folder),
    Setting("cds_origins", (), "web pages that may call the hooks from a browser; empty: none", _addresses),
    Setting("cds_page", "", "address of the page that cards point to; empty: this machine's", _address),
)


def choose(arguments: Mapping[str, Any], folder: Path | None = None, environment: Mapping[str, str] | None = None) -> dict[str, Chosen]:
    """Every setting with its value and origin. `arguments` holds what the command line gave; None there means not given."""
    environment = os.environ if environment is None else environment
    file = (folder or Path.cwd()) / FILE
    written = _written(file)
    chosen = {}
    for setting in SETTINGS:
        given = arguments.get(setting.name)
        if given is not None and given != ():
            value, origin = given, "argument"
        elif environment.get(setting.variable):
            value, origin = environment[setting.variable], setting.variable
        elif setting.name in written:
            value, origin = written[setting.name], f"./{FILE}"
        else:
            value, origin = setting.default, "default"
        try:
            chosen[setting.name] = Chosen(setting, setting.read(value), origin)
        except ValueError as error:
            where = f"--{setting.name}" if origin == "argument" else f"{origin}: {setting.name}" if origin.startswith(".") else origin
            raise InputError(where, repr(value)[:60], str(error)) from None
    return chosen


def checked(name: str, value: Any) -> Any:
    """The value of a setting as its reader takes it. Raises `InputError` naming what is allowed."""
    setting = next(setting for setting in SETTINGS if setting.name == name)
    try:
        return setting.read(value)
    except ValueError as error:
        raise InputError(name, repr(value)[:60], str(error)) from None


def _written(file: Path) -> Mapping[str, Any]:
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(str(file), "cannot be read", "settings in TOML") from error
    try:
        written = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(str(file), f"is not TOML ({error})") from None
    names = [setting.name for setting in SETTINGS]
    unknown = sorted(set(written) - set(names))
    if unknown:
        raise InputError(str(file), f"unknown setting {', '.join(unknown)}", f"one of {', '.join(names)}")
    return written
