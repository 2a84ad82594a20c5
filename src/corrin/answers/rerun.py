"""Make an answer again from its own file, and say what differs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from corrin.answers.examples import examples
from corrin.answers.record import Forecast, read_answer
from corrin.case.known import near
from corrin.errors import InputError, expect

SAME = 1e-9
"""Relative difference allowed across processors; on one machine the bytes are the same."""
WRITTEN = 1e-5
"""An answer file keeps six significant digits."""
MOST_BYTES = 64_000_000
MOST_SHOWN = 40
WANTED = "an answer that corrin wrote with --json"
ANEW = "It is not made again from its file: ask again, with the draws and the seed that stand under `made`."
OTHERS: Mapping[str, tuple[str, str]] = {
    "corrin.case/1": ("a case", "`corrin forecast FILE` and `corrin assess FILE` take it."),
    "corrin.plan/1": ("a plan", "`corrin forecast CASE --plan FILE` takes it."),
    "corrin.study/1": ("a study", "`corrin check FILE` takes it."),
    "corrin.trial-design/1": ("the design of a trial", "`corrin trial FILE` takes it."),
    "corrin.design-question/1": ("a question about the next study", "`corrin design FILE` takes it."),
    "corrin.population-design/1": ("the design of a population", "`corrin population FILE` takes it."),
    **{f"corrin.{name}/1": (f"an answer of `corrin {name}`", ANEW) for name in ("check", "design", "population", "sensitivity", "trial")},
    "corrin.check-population/1": ("an answer of `corrin check --population`", ANEW),
}
"""What somebody may name by mistake: format -> what it is, and which command takes it."""
Progress = Callable[[str, float], None] | None


class Told(Protocol):
    """Any answer: its words, its JSON and its plain data."""

    def text(self, width: int = 110) -> str: ...
    def to_json(self) -> str: ...
    def to_dict(self) -> dict[str, Any]: ...


def rerun(path: str | Path, progress: Progress = None) -> tuple[Told, list[str]]:
    """The answer made again, and one sentence for each way in which it differs (none: reproduced).

    Any answer that was written with `--json`: a forecast or an update, assess, diet, claim, pain, mimics, matters, compare, recover, delay,
    stop. Raises `InputError` for a file that is no such answer or holds no inputs.
    """
    data = _read(path)
    form = data.get("format")
    if form == "corrin.answer/1":
        return _forecast(path, progress)
    again = AGAIN.get(str(form))
    if again is None:
        close = near(str(form), {name: name for name in ("corrin.answer/1", *AGAIN)})
        found = f"the format {ascii(form)[:60]}" if form else "no format"
        cure = f"Did you mean {' or '.join(close)}?" if close else ""
        if str(form) in OTHERS:
            what, cure = OTHERS[str(form)]
            found, cure = f"is {what}", cure.replace("FILE", str(path))
        raise InputError(str(path), found, WANTED, cure)
    try:
        new = again(data, progress)
    except (KeyError, TypeError, IndexError, AttributeError) as reason:
        raise InputError(
            str(path), f"holds no inputs to make it again from ({type(reason).__name__}: {reason})", "an answer of this version of corrin"
        ) from reason
    return new, different(data, json.loads(new.to_json()))


def _read(path: str | Path) -> dict[str, Any]:
    expect(path, (str, Path), "answer", "the path of an answer that corrin wrote with --json")
    file = Path(path)
    try:
        if file.stat().st_size > MOST_BYTES:
            raise InputError(str(path), f"more than {MOST_BYTES // 1_000_000} MB", WANTED)
        data = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        cure = OTHERS["corrin.case/1"][1].replace("FILE", str(path)) if str(path) in examples() else "Check the name and the folder."
        raise InputError(str(path), "is an example" if str(path) in examples() else "no such file", WANTED, cure) from error
    except IsADirectoryError as error:
        cure = f"Name {file / 'answer.json'}." if (file / "answer.json").exists() else ""
        raise InputError(str(path), "a folder", WANTED, cure) from error
    except OSError as error:
        raise InputError(str(path), f"cannot be read ({error.strerror})", WANTED) from error
    except UnicodeDecodeError as error:
        raise InputError(str(path), "is no text in UTF-8", WANTED) from error
    except (ValueError, RecursionError) as error:
        cure = OTHERS["corrin.case/1"][1].replace("FILE", str(path)) if file.suffix.lower() == ".toml" else ""
        raise InputError(str(path), "is no JSON", WANTED, cure and f"A case in TOML? {cure}") from error
    if not isinstance(data, dict):
        raise InputError(str(path), "is no answer", WANTED)
    return data


# --- each kind of answer -----------------------------------------------------------------------------------------------------


def _forecast(path: str | Path, progress: Progress) -> tuple[Forecast, list[str]]:
    from corrin.answers.assemble import Options
    from corrin.answers.forecast import answered, forecast
    from corrin.case.plan import read_plan
    from corrin.case.reader import read_case

    old = read_answer(path)
    if not old.inputs.get("case"):
        raise InputError(str(path), "holds no inputs", "an answer written by `corrin forecast`")
    years = old.made.options.get("years", 2.0)
    if old.inputs.get("earlier"):  # an update: the same two forecasts side by side
        case, earlier = read_case(old.inputs["case"]), read_case(old.inputs["earlier"])
        options = Options(years=float(years), draws=old.made.draws, seed=old.made.seed)
        new = answered(case, [read_plan(plan) for plan in old.inputs["plans"]], options, progress, earlier)
        return new, differences(old, new)
    new = forecast(old.inputs["case"], old.inputs["plans"], years=float(years), draws=old.made.draws, seed=old.made.seed, progress=progress)
    return new, differences(old, new)


def _case(data: Mapping[str, Any]) -> Any:
    from corrin.case.reader import read_case

    return read_case(data["inputs"]["case"])


def _assess(data: Mapping[str, Any], progress: Progress) -> Told:
    from corrin.answers.assess import assess

    return assess(_case(data), tuple(data["made"]["options"]["guides"]), spectrum=data["made"]["options"]["spectrum"])


def _mimics(data: Mapping[str, Any], progress: Progress) -> Told:
    from corrin.answers.mimics import mimics

    return mimics(_case(data), data["made"]["options"]["excluded"])


def _matters(data: Mapping[str, Any], progress: Progress) -> Told:
    from corrin.answers.matters import matters

    return matters(_case(data))


def _pain(data: Mapping[str, Any], progress: Progress) -> Told:
    from corrin.answers.pain import pain

    return pain(_case(data), data["made"]["options"]["condition"])


def _diet(data: Mapping[str, Any], progress: Progress) -> Told:
    from corrin.answers.diet import diet

    case = _case(data) if data["inputs"]["case"] is not None else None
    return diet(data["inputs"]["foods"], case=case, **data["made"]["options"])


def _claim(data: Mapping[str, Any], progress: Progress) -> Told:
    from corrin.answers.claim import claim

    if data["inputs"]["text"] is None:
        raise KeyError("the text was too long to be kept; run `corrin claim` on the file again")
    return claim(data["inputs"]["text"])


def _drawn(data: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    return {"draws": data["made"]["draws"], "seed": data["made"]["seed"], "progress": progress}


def _recover(data: Mapping[str, Any], progress: Progress) -> Told:
    from corrin.answers.recover import recover

    return recover(data["inputs"]["case"], data["inputs"]["plans"], **_drawn(data, progress))


def _delay(data: Mapping[str, Any], progress: Progress) -> Told:
    from corrin.answers.delay import delay

    return delay(data["inputs"]["case"], data["inputs"]["plan"], data["inputs"]["months"], **_drawn(data, progress))


def _compare(data: Mapping[str, Any], progress: Progress) -> Told:
    from corrin.answers.compare import compare

    held = data["forecast"]
    supplies = [supply for burden in data["burdens"] for supply in burden["supplies"]]
    prices = {supply["product"]: supply["price"] for supply in supplies if supply["price"] is not None}
    return compare(
        held["inputs"]["case"], held["inputs"]["plans"], held["made"]["options"]["years"], prices=prices, **_drawn(held, progress)
    )


def _stop(data: Mapping[str, Any], progress: Progress) -> Told:
    from corrin.answers.stop import stop

    held = data["forecast"]
    return stop(held["inputs"]["case"], data["after"], held["inputs"]["plans"][0], data["years"], **_drawn(held, progress))


AGAIN: Mapping[str, Callable[[Mapping[str, Any], Progress], Told]] = {
    "corrin.assess/1": _assess, "corrin.diet/1": _diet, "corrin.claim/1": _claim, "corrin.pain/1": _pain, "corrin.mimics/1": _mimics,
    "corrin.matters/1": _matters, "corrin.recover/1": _recover, "corrin.delay/1": _delay, "corrin.compare/1": _compare,
    "corrin.stop/1": _stop,
}  # fmt: skip


# --- what differs --------------------------------------------------------------------------------------------------------------


def different(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What moved between two answers, in sentences: how they were made first, then value by value."""
    found = [f"{_words(place)}: {_short(before)} then, {_short(after)} now" for place, before, after in _moved(old, new, ())]
    found.sort(key=lambda text: not text.startswith("made"))
    if len(found) > MOST_SHOWN:
        found = [*found[:MOST_SHOWN], f"and {len(found) - MOST_SHOWN} more values"]
    return found


MISSING = object()


def _moved(old: Any, new: Any, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(name for name in new if name not in old)]:
            yield from _moved(old.get(key, MISSING), new.get(key, MISSING), (*place, key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _moved(before, after, (*place, str(number)))
    elif not _same(old, new):
        yield place, old, new


def _same(old: Any, new: Any) -> bool:
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (old, new))
    if numbers:
        return bool(abs(old - new) <= WRITTEN * max(abs(old), abs(new)))
    return bool(old == new)


def _words(place: tuple[str, ...]) -> str:
    return " ".join(name for name in place)


def _short(value: Any) -> str:
    if value is MISSING:
        return "absent"
    text = json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value
    return text if len(text) <= 60 else f"{text[:57]}..."


def differences(old: Forecast, new: Forecast) -> list[str]:
    """What moved between two forecasts, in sentences: versions, hashes, then the readings that differ most."""
    found = []
    for what in ("versions", "hashes"):
        before, after = getattr(old.made, what), getattr(new.made, what)
        for name in sorted(before.keys() | after.keys()):
            if before.get(name) != after.get(name):
                found.append(f"{what[:-1]} of {name}: {before.get(name, 'absent')} then, {after.get(name, 'absent')} now")
    if old.made.platform != new.made.platform:
        found.append(f"platform: {old.made.platform} then, {new.made.platform} now")
    if old.made.input_hash != new.made.input_hash:
        found.append("the inputs differ")
    was, now = {plan.name: plan.readings for plan in old.plans}, {plan.name: plan.readings for plan in new.plans}
    for plan in sorted(was.keys() & now.keys()):
        for name in sorted(was[plan].keys() & now[plan].keys()):
            before, after = was[plan][name], now[plan][name]
            if len(before.p50) != len(after.p50):
                found.append(f"{name} under {plan}: other times")
                continue
            width = max(abs(value) for value in (*before.p95, *before.p05, 1e-12))
            moved = max(abs(a - b) for a, b in zip(before.p50, after.p50, strict=True)) / width
            if moved > max(SAME, WRITTEN):
                found.append(f"{name} under {plan}: median moved by up to {100 * moved:.2g} % of its largest value")
    return found
