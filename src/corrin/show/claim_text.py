"""The answer on a text in plain words, from its plain data (`corrin.claim/1`)."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

Data = Mapping[str, Any]

MARKS = {"right": "RIGHT", "wrong": "WRONG", "disputed": "DISPUTED", "not known": "NOT KNOWN", "advice": "ADVICE, NOT JUDGED"}
SEEN = {"full text": "", "abstract": "", "secondary": ", read second-hand", "derived": ", computed",
        "recalled": ", recalled and not read again", "assumed": ", a judgement"}  # fmt: skip


def report(answer: Data, width: int = 110) -> str:
    """The whole answer; lines at most `width` characters."""
    findings = (_finding(found, width) for found in answer["findings"])
    blocks = [_head(answer, width), *findings, _left(answer, width), _sources(answer, width), _wrap(answer["disclaimer"], width)]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _wrap(text: str, width: int, first: str = "", rest: str | None = None) -> str:
    return textwrap.fill(text, width, initial_indent=first, subsequent_indent=first if rest is None else rest)


def _head(answer: Data, width: int) -> str:
    counts = answer["counts"]
    found = ", ".join(f"{counts[name]} {name}" for name in MARKS if counts.get(name))
    sentences = f"{answer['sentences']:,} sentence{'' if answer['sentences'] == 1 else 's'}"
    line = f"{sentences}: {found}" if found else f"{sentences}: nothing that the tables know"
    return f"{line}\n{'=' * min(len(line), width)}"


def _finding(found: Data, width: int) -> str:
    sentence = found["sentence"] if len(found["sentence"]) <= 300 else found["sentence"][:297] + "..."
    about = f"Denied: {found['what']}" if found["denied"] else found["what"]
    sources = ", ".join(f"[{key}]" for key in found["sources"] if key != "corrin-assumed") or "our judgement"
    return "\n".join(
        (
            _wrap(f'{MARKS[found["verdict"]]}  line {found["line"]}: "{sentence}"', width, "", "    "),
            _wrap(f"About: {about}", width, "    "),
            _wrap(found["says"], width, "    "),
            _wrap(f"{sources} {found['at']}{SEEN.get(found['seen'], '')}", width, "    "),
        )
    )


def _left(answer: Data, width: int) -> str:
    lines = []
    if answer["left_alone"]:
        count = answer["left_alone"]
        lines.append(
            f"Left alone: {count} known statement{'' if count == 1 else 's'} that the text asks, reports, denies in part or turns."
        )
    if answer["cut"]:
        lines.append(f"{answer['cut']} further findings are not shown.")
    return "\n".join(_wrap(line, width) for line in lines)


def _sources(answer: Data, width: int) -> str:
    lines = [_wrap(f"[{key}] {citation}", width, "  ", "    ") for key, citation in answer["sources"].items()]
    return "Sources\n-------\n" + "\n".join(lines) if lines else ""
