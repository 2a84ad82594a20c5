"""A picture of a person's nerves: brain, optic nerves, cord in cross-section, nerves of arms and legs, coloured by what works.

One column for today and for each month shown, one row for each plan; the number is the share that works (median, of 100). Plain SVG made
here, so that it needs no browser; colours run from dark blue (works) over yellow to dark red (does not), told apart in common colour
blindness, and the number stands beside every part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

Data = Mapping[str, Any]

CELL_W, CELL_H, LEFT, TOP = 250, 400, 20, 118
RAMP = (
    (0.0, (103, 0, 31)), (45.0, (178, 24, 43)), (65.0, (239, 138, 98)), (80.0, (250, 214, 120)), (90.0, (146, 197, 222)),
    (100.0, (5, 48, 97)),
)  # fmt: skip
"""Share that works -> colour (red, green, blue)."""
GREY, INK, UNTOLD = "#666666", "#222222", "#cfcac2"


def colour(works: float) -> str:
    """The colour of a share that works, 0 to 100."""
    value = min(max(works, 0.0), 100.0)
    for (low, start), (high, end) in pairwise(RAMP):
        if value <= high:
            part = (value - low) / (high - low)
            return "#" + "".join(f"{round(a + part * (b - a)):02x}" for a, b in zip(start, end, strict=True))
    return "#053061"


def svg(answer: Data) -> str:
    """The picture of a `corrin.recover/1` as SVG."""
    plans: Sequence[Data] = answer["plans"]
    months = list(plans[0]["picture"])
    width = 2 * LEFT + CELL_W * len(months)
    height = TOP + (CELL_H + 34) * len(plans) + 62
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        _text(LEFT, 30, f"{answer['case']}: nerves today and under each plan", 20, bold=True),
        _text(
            LEFT,
            52,
            "Number and colour: share that works, of 100 (median of the drawn people; their range is in the report).",
            13,
            fill=GREY,
        ),
        _text(LEFT, 70, answer["disclaimer"], 12, fill=GREY),
        *_legend(LEFT, 82, 300),
    ]
    told = {name: item["told"] for name, item in answer["today"]["tracts"].items()}
    for row, plan in enumerate(plans):
        top = TOP + row * (CELL_H + 34)
        parts.append(_text(LEFT, top + 20, plan["title"], 14, bold=True))
        for column, month in enumerate(months):
            works = {tract: spread["p50"] for tract, spread in plan["picture"][month].items()}
            head = "today" if month == "0" else f"{month} months"
            parts.append(f'<g transform="translate({LEFT + column * CELL_W},{top + 30})">')
            parts += [*_person(works, told), _text(CELL_W / 2, 18, head, 14, bold=True, anchor="middle"), "</g>"]
    if not all(told.values()):
        note = "Grey: no finding of this tract is told, so the model alone would speak. Examine it."
        parts.append(_text(LEFT, height - 40, note, 12, fill=GREY))
    note = "Not to scale. Cord: cut across, the back above; grey matter is not part of the model."
    parts.append(_text(LEFT, height - 20, note, 12, fill=GREY))
    return "\n".join([*parts, "</svg>"]) + "\n"


def one(works: Mapping[str, float], told: Mapping[str, bool], head: str) -> str:
    """One person alone as SVG: the share of each tract that works (0 to 100), of which tracts something is told, and when it is."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {CELL_W + 2 * LEFT} {CELL_H + 70}" font-family="sans-serif" role="img">',
        f'<rect width="{CELL_W + 2 * LEFT}" height="{CELL_H + 70}" fill="white"/>',
        f'<g transform="translate({LEFT},8)">',
        *_person(works, told),
        _text(CELL_W / 2, 18, head, 14, bold=True, anchor="middle"),
        "</g>",
        *_legend(LEFT, CELL_H + 14, CELL_W - 10),
        _text(LEFT, CELL_H + 58, "share that works, of 100", 11, fill=GREY),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def png(answer: Data, scale: float = 1.5) -> bytes:
    """The picture as PNG."""
    import vl_convert

    return bytes(vl_convert.svg_to_png(svg(answer), scale=scale))


def save(answer: Data, folder: Path) -> None:
    """Write the picture as SVG and PNG into `folder`."""
    (folder / "nerves.svg").write_text(svg(answer), encoding="utf-8")
    (folder / "nerves.png").write_bytes(png(answer))


def _text(x: float, y: float, words: str, size: int, *, bold: bool = False, fill: str = INK, anchor: str = "start") -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:g}" y="{y:g}" font-size="{size}" fill="{fill}" text-anchor="{anchor}"{weight}>{escape(words)}</text>'


def _legend(x: float, y: float, width: float) -> list[str]:
    steps = 60
    parts = [
        f'<rect x="{x + width * place / steps:g}" y="{y}" width="{width / steps + 0.5:g}" height="12" '
        f'fill="{colour(100.0 * place / (steps - 1))}"/>'
        for place in range(steps)
    ]
    ends = [_text(x + width * share / 100, y + 26, f"{share}", 11, fill=GREY, anchor="middle") for share in (0, 25, 50, 75, 100)]
    return [*parts, *ends]


def _named(x: float, y: float, words: str, works: float, mark: bool, anchor: str = "start") -> str:
    return _text(x, y, f"{words} {works:.0f}" if mark else f"{words}: not told", 11, fill=INK if mark else GREY, anchor=anchor)


def _person(works: Mapping[str, float], told: Mapping[str, bool]) -> list[str]:
    """One person in a cell, front view: the outline pale, the nerves thick in their colour; the cord's section to the right."""
    shade = {tract: colour(value) if told[tract] else UNTOLD for tract, value in works.items()}
    body = [
        '<g fill="#f4f1ec" stroke="#d0cac0" stroke-width="1.5">',
        '<ellipse cx="80" cy="62" rx="27" ry="33"/>',
        '<path d="M70 92 H90 V104 L124 116 Q132 120 133 130 L144 232 Q145 242 137 242 Q131 242 130 234 L116 150 L112 232 L110 378 '
        "Q109 386 100 386 H92 Q88 386 88 380 L82 250 H78 L72 380 Q72 386 68 386 H60 Q51 386 50 378 L48 232 L44 150 L30 234 "
        'Q29 242 23 242 Q15 242 16 232 L27 130 Q28 120 36 116 L70 104 Z"/>',
        "</g>",
        f'<path d="M60 58 Q58 38 80 36 Q102 38 100 58 Q96 66 80 66 Q64 66 60 58 Z" '
        f'fill="{shade["cognition"]}" stroke="{GREY}" stroke-width="0.7"/>',
    ]
    for side in (-1, 1):
        eye = 80 + side * 10
        body += [
            f'<path d="M80 66 L{eye} 77" stroke="{shade["optic"]}" stroke-width="4" stroke-linecap="round"/>',
            f'<circle cx="{eye}" cy="78" r="4.5" fill="white" stroke="{shade["optic"]}" stroke-width="2.5"/>',
            _limb([(80, 118), (80 + side * 40, 128), (80 + side * 49, 180), (80 + side * 56, 232)], shade["hand"]),
            _limb([(80, 210), (80 + side * 18, 240), (80 + side * 20, 310), (80 + side * 20, 380)], shade["foot"]),
            _limb([(80, 202), (80 + side * 25, 236), (80 + side * 27, 300), (80 + side * 27, 372)], shade["motor"], dash=True),
        ]
    body += [
        f'<path d="M80 96 V212" stroke="{shade["dorsal"]}" stroke-width="5"/>',
        f'<path d="M76 96 V212 M84 96 V212" stroke="{shade["lateral"]}" stroke-width="2.5"/>',
        _named(112, 50, "brain", works["cognition"], told["cognition"]),
        _named(112, 82, "optic", works["optic"], told["optic"]),
        _named(148, 238, "hands", works["hand"], told["hand"]),
        _named(120, 382, "feet", works["foot"], told["foot"]),
        _named(120, 330, "motor (dashed)", works["motor"], told["motor"]),
        *_cord(works, shade, told),
    ]
    return body


def _limb(points: Sequence[tuple[float, float]], paint: str, *, dash: bool = False) -> str:
    line = " ".join(f"{x:g},{y:g}" for x, y in points)
    extra = ' stroke-dasharray="6 4"' if dash else ""
    size = 3 if dash else 5
    ends = 'stroke-linecap="round" stroke-linejoin="round"'
    return f'<polyline points="{line}" fill="none" stroke="{paint}" stroke-width="{size}" {ends}{extra}/>'


def _cord(works: Mapping[str, float], shade: Mapping[str, str], told: Mapping[str, bool]) -> list[str]:
    """The cord cut across, the back above: dorsal columns between the horns behind, lateral columns at the sides."""
    x, y = 193, 150
    parts = [f'<ellipse cx="{x}" cy="{y}" rx="44" ry="36" fill="#f7f5f0" stroke="{GREY}" stroke-width="1"/>']
    parts.append(
        f'<path d="M{x - 18} {y - 32.5} Q{x} {y - 39} {x + 18} {y - 32.5} L{x + 3} {y - 5} H{x - 3} Z" fill="{shade["dorsal"]}" '
        f'stroke="white" stroke-width="1"/>'
    )
    for side in (-1, 1):
        parts.append(
            f'<path d="M{x + side * 26} {y - 26} Q{x + side * 46} {y - 8} {x + side * 38} {y + 15} L{x + side * 16} {y + 3} '
            f'L{x + side * 13} {y - 6} Z" fill="{shade["lateral"]}" stroke="white" stroke-width="1"/>'
        )
        parts.append(
            f'<path d="M{x} {y - 3} L{x + side * 8} {y - 6} L{x + side * 20} {y - 29} L{x + side * 24} {y - 26} L{x + side * 13} {y + 1} '
            f'L{x + side * 20} {y + 18} Q{x + side * 14} {y + 24} {x + side * 8} {y + 18} L{x + side * 5} {y + 4} H{x} Z" fill="#b9b3aa"/>'
        )
    parts.append(f'<path d="M{x} {y - 38} V{y - 5} M{x} {y + 8} V{y + 36}" stroke="white" stroke-width="1"/>')
    parts.append(_named(x, y - 46, "dorsal", works["dorsal"], told["dorsal"], "middle"))
    parts.append(_named(x, y + 50, "lateral", works["lateral"], told["lateral"], "middle"))
    return parts
