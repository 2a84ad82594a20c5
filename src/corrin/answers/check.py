"""Does the model say what studies found? Every reported number of a study file beside the one predicted."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from corrin.answers import check_run
from corrin.answers.assemble import input_hash, machine, versions
from corrin.answers.check_record import Check, CheckedArm, CheckedPoint, CheckedStudy, Refused
from corrin.answers.check_run import Compared, StudyRun
from corrin.answers.record import Made, Notice, WarningCode
from corrin.answers.score import Z50, Z90, baseline_sds, class_shift, log_normal_density, summary, verdict
from corrin.errors import InputError, expect
from corrin.settings import checked
from corrin.studies.reader import read_study
from corrin.studies.reader import studies as packaged_studies
from corrin.studies.schema import Study

Source = Study | str | Path | Mapping[str, Any]
LEAST_DRAWS = 100
"""Fewer people than this do not tell what moves a mean."""
PACKAGED = "comes with corrin"


def check(
    studies: Sequence[Source] | Source | None = None, draws: int = 1000, seed: int = 1, progress: Callable[[str, float], None] | None = None
) -> Check:
    """Predicted against observed, for every number that studies report.

    `studies`: files, folders of files, texts, dicts, `Study` objects or keys of studies that come with corrin; none: all that come with
    it. Files that are no study are named in `refused` and the rest is answered. Raises `InputError` when none is left. A study that the
    population is calibrated on is predicted by a population calibrated without it. `progress` is told what is being done and how far it
    is, 0 to 1.
    """
    draws, seed = checked("draws", draws), checked("seed", seed)
    if draws < LEAST_DRAWS:
        raise InputError("draws", str(draws), f"at least {LEAST_DRAWS}", "Fewer people do not tell what moves a mean.")
    held, refused = read_all(studies)
    tell = progress or (lambda what, share: None)
    tell("loading the model", 0.0)
    basis = check_run.basis()
    shifts = [shift for study in _once([*(study for _, study in held), *packaged_studies()]) for shift in check_run.shifts_of(study)]
    runs = []
    for number, (_, study) in enumerate(held):
        tell(study.key, number / len(held))
        runs.append(check_run.compare_study(study, draws, seed, _part(tell, number, len(held))))
    tell("putting the answer together", 1.0)
    points = checked_points(runs, shifts)
    found = summary(points)
    inputs = {"studies": [study.model_dump(mode="json", by_alias=True) for _, study in held]}
    effective = [effective for run in runs for skipped, effective, _ in run.arms.values() if not skipped]
    return Check(
        verdict=verdict(found, len(held)),
        summary=found,
        warnings=tuple(_notices(runs, basis)),
        studies=tuple(_study(source, run) for (source, _), run in zip(held, runs, strict=True)),
        points=tuple(points),
        refused=tuple(refused),
        made=Made(
            versions=versions(),
            hashes={**basis.hashes, "studies": _digest(study for _, study in held)},
            seed=seed,
            draws=draws,
            effective_sample_size=min(effective, default=0.0),
            options={
                "calibrated": basis.calibrated,
                "population": "calibrated" if basis.calibrated else "of the facts; not calibrated, so that nothing had to be left out",
                "left_out": [run.study.key for run in runs if run.left_out],
            },
            input_hash=input_hash(inputs),
            platform=machine(),
            calibration=basis.calibration,
            monte_carlo_error=max((run.chance_error for run in runs), default=0.0),
        ),
    )


def _part(tell: check_run.Progress, done: int, of: int) -> check_run.Progress:
    """Progress within one study as progress of all."""
    return lambda what, share: tell(what, (done + 0.99 * share) / of)


def _digest(studies: Iterator[Study]) -> str:
    text = "\n".join(study.model_dump_json(by_alias=True) for study in studies)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _once(studies: Sequence[Study]) -> list[Study]:
    """Each key once, the first of them."""
    return list({study.key: study for study in reversed(studies)}.values())


def read_all(studies: Sequence[Source] | Source | None) -> tuple[list[tuple[str, Study]], list[Refused]]:
    """(where it came from, study) of every source that is one, and the rest with their faults. Raises `InputError` when none is."""
    if studies is None:
        return [(PACKAGED, study) for study in packaged_studies()], []
    kinds = (Study, str, Path, Mapping)
    expect(studies, (*kinds, list, tuple), "studies", "study files, folders of them, or keys")
    asked = [studies] if isinstance(studies, kinds) else list(studies)
    for number, one in enumerate(asked):
        expect(one, kinds, f"studies[{number}]", "a study file, a folder of them, or a key")
    if not asked:
        raise InputError("studies", "an empty list", "study files, or nothing for all that come with corrin")
    held: list[tuple[str, Study]] = []
    refused: list[tuple[Refused, InputError]] = []
    seen: set[Path] = set()
    for source in (one for item in asked for one in _spread(item, refused)):
        if isinstance(source, Path):
            if source.resolve() in seen:
                continue
            seen.add(source.resolve())
        name = str(source) if isinstance(source, Path) else source if _is_key(source) else "given"
        try:
            study = source if isinstance(source, Study) else read_study(source)
            other = next((where for where, one in held if one.key == study.key), None)
            if other is not None:
                raise InputError(f"{name}: key", f"{study.key} is the key of {other} too", "one file for each key")
        except InputError as error:
            refused.append((Refused(source=str(name), faults=tuple(str(fault) for fault in (error.faults or (error,)))), error))
            continue
        held.append((PACKAGED if _is_key(source) else str(name), study))
    if not held:
        faults = tuple(fault for _, error in refused for fault in (error.faults or (error,)))
        raise faults[0] if len(faults) == 1 else InputError("studies", f"{len(faults)} faults", faults=faults)
    return held, [item for item, _ in refused]


def _is_key(source: Source) -> bool:
    return isinstance(source, str) and "\n" not in source and not source.lstrip().startswith("{")


def _spread(source: Source, refused: list[tuple[Refused, InputError]]) -> Iterator[Source]:
    """A folder as its files; a name as a path where there is such a file."""
    if isinstance(source, (Study, Mapping)) or (isinstance(source, str) and not _is_key(source)):
        yield source
        return
    path = Path(source)
    try:
        folder, there = path.is_dir(), path.exists()
        files = sorted(one for one in path.iterdir() if one.suffix.lower() in (".toml", ".json")) if folder else []
    except OSError as error:
        fault = InputError(str(path)[:200], f"cannot be read ({error.strerror})", "a study file, or a folder of them")
    except ValueError:
        fault = InputError("study", "a name that no file can have", "a study file, or a folder of them")
    else:
        if files:
            yield from files
            return
        if not folder:
            as_key = isinstance(source, str) and not there and path.suffix == "" and len(path.parts) == 1
            yield source if as_key else path
            return
        fault = InputError(str(path), "a folder without a study file", "files that end in .toml or .json")
    refused.append((Refused(source=str(path)[:200], faults=(str(fault),)), fault))


def checked_points(runs: Sequence[StudyRun], shifts: Sequence[Any]) -> list[CheckedPoint]:
    """Every point of every study, with what the baselines say of it."""
    from corrin.answers.explain import readings

    labels = readings()
    rows = [row for run in runs for row in run.rows]
    counted = {place: row for place, row in enumerate(rows) if not row.why_not}
    centres: dict[str, dict[int, float]] = {"no_change": {}, "class_mean": {}}
    for place, row in counted.items():
        point = row.point
        start = row.no_change or 0.0
        centres["no_change"][place] = start
        centres["class_mean"][place] = start + class_shift(shifts, point.study, point.reading, row.route, check_run.shift_kind(point))
    classes = {place: f"{row.point.reading} {check_run.sd_class(row.point)}" for place, row in counted.items()}
    floors = {place: _floor(row.predicted) for place, row in counted.items()}
    said: dict[int, dict[str, float]] = {place: {} for place in counted}
    for name, centre in centres.items():
        misses = {place: row.predicted.on_scale(row.point.observed) - centre[place] for place, row in counted.items()}
        sds = baseline_sds(misses, classes, floors)
        for place, row in counted.items():
            said[place][name] = _unscaled(row, centre[place])
            said[place][f"log_score_{name}"] = log_normal_density(misses[place], sds[place])
    return [_point(row, str(labels[row.point.reading].label), said.get(place, {})) for place, row in enumerate(rows)]


def _floor(predicted: Any) -> float:
    """SD that sampling and study differences alone leave, on the scale of the point."""
    return float(predicted.sd * math.hypot(predicted.effect, predicted.sampling) / predicted.total)


def _unscaled(row: Compared, at: float) -> float:
    """A value of the point's scale in its unit."""
    predicted = row.predicted
    return float(predicted.value((at - predicted.centre) / predicted.sd))


def _point(row: Compared, label: str, said: Mapping[str, float]) -> CheckedPoint:
    point, predicted = row.point, row.predicted
    shown: dict[str, Any] = {}
    if predicted is not None:
        z, total = predicted.z(), predicted.total**2
        quantiles = predicted.quantiles()
        shown = {
            **quantiles, "z": z, "sd": predicted.sd, "inside_90": abs(z) <= Z90, "inside_50": abs(z) <= Z50,
            "share_known": predicted.shared**2 / total, "share_study": predicted.effect**2 / total,
            "share_sampling": predicted.sampling**2 / total, "log_score": predicted.log_density(),
        }  # fmt: skip
        if point.scale == "log":
            shown["fold_error"] = math.exp(abs(math.log(point.observed / quantiles["p50"])))
    return CheckedPoint(
        study=point.study, role=point.role, arm=point.arm, label=point.label, reading=point.reading, reading_label=label,
        statistic=point.statistic, unit=check_run.unit_of(point), scale=point.scale, day=point.day, n=point.n, seen=point.seen,
        route=row.route, cause=row.cause, observed=point.observed, observed_low=row.low, observed_high=row.high,
        counted=not row.why_not, why_not=row.why_not, **shown, **said,
    )  # fmt: skip


def _study(source: str, run: StudyRun) -> CheckedStudy:
    from corrin.answers.explain import readings

    study = run.study
    arms = []
    for arm in study.arm:
        skipped, effective, resolved = run.arms[arm.name]
        arms.append(
            CheckedArm(
                name=arm.name,
                n=arm.n,
                route=check_run.route_of(arm),
                cause=check_run.cause_of(study, arm),
                simulated=not skipped,
                why_not=skipped,
                effective_sample_size=None if skipped else effective,
                entry_met=None if skipped else resolved,
                not_compared=check_run.not_compared(arm, tuple(readings())),
            )
        )
    return CheckedStudy(
        key=study.key, citation=study.citation, role=study.role, seen=study.seen, design=study.design, source=source,
        left_out=run.left_out, arms=tuple(arms),
    )  # fmt: skip


def _notices(runs: Sequence[StudyRun], basis: check_run.Basis) -> Iterator[Notice]:
    if basis.calibration == "stale":
        text = "calibration: stale. The equations or the numbers under them have changed since the population was fitted to the studies."
        yield Notice(code=WarningCode.CALIBRATION_STALE, text=text)
    if not basis.calibrated:
        text = (
            "The population comes from the tables of facts and was not calibrated to studies; some of its numbers were nevertheless chosen "
            "with a few of the `fit` studies in view (`corrin explain NAME` says which)."
        )
        yield Notice(code=WarningCode.OTHER, text=text)
    rough = [
        f"{run.study.key} ({name})" for run in runs for name, (skipped, _, resolved) in run.arms.items() if not skipped and not resolved
    ]
    if rough:
        text = (
            "The drawn people could not be led to what was measured on day 0, or too few of them, so that these predictions begin "
            f"elsewhere than the study did: {', '.join(rough)}."
        )
        yield Notice(code=WarningCode.FEW_DRAWS, text=text)
