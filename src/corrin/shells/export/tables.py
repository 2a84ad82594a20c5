"""Courses as tables: CSV text or a Parquet file. Columns are lists, so that any data frame library takes them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from corrin.answers.computed import Computed
from corrin.shells.export import needed
from corrin.shells.export.person import Person

Columns = Mapping[str, Sequence[Any]]


def of_person(person: Person) -> dict[str, list[Any]]:
    """One person's readings: a row a day, a column a reading."""
    return {"time_days": person.days.tolist(), **{name: values.tolist() for name, values in person.readings.items()}}


def of_draws(computed: Computed) -> dict[str, list[Any]]:
    """Every draw under every plan: a row a draw and day, with the draw's weight; states, without the scatter of a laboratory."""
    columns: dict[str, list[Any]] = {name: [] for name in ("plan", "draw", "weight", "time_days", *computed.readings)}
    courses = {"past": computed.past, **computed.futures}
    for plan, course in courses.items():
        days = course.time_days.tolist()
        for draw, weight in enumerate(computed.weights.tolist()):
            if weight <= 0.0:
                continue
            columns["plan"] += [plan] * len(days)
            columns["draw"] += [draw] * len(days)
            columns["weight"] += [weight] * len(days)
            columns["time_days"] += days
            for name in computed.readings:
                columns[name] += course.values[name][draw].tolist()
    return columns


def csv_text(columns: Columns) -> str:
    """Comma-separated text; numbers so that they read back the same."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in zip(*columns.values(), strict=True):
        writer.writerow(repr(value) if isinstance(value, float) else value for value in row)
    return text.getvalue()


def parquet_bytes(columns: Columns) -> bytes:
    """A Parquet file. Raises `EnvironmentProblem` without pyarrow."""
    arrow = needed("pyarrow", "Parquet")
    parquet = needed("pyarrow.parquet", "Parquet")
    packed = io.BytesIO()
    parquet.write_table(arrow.table({name: list(values) for name, values in columns.items()}), packed, compression="zstd")
    return packed.getvalue()
