"""The blocks a text answer is built from: wrapped lines, underlined titles, tables."""

from __future__ import annotations

import re
import textwrap

NO_BREAK = "\u00a0"
_MARK = re.compile(r" (?=[~†*]$)")
"""The space before a mark at the end of a cell: a line must not begin with the mark alone."""


def wrap(text: str, width: int, first: str = "", rest: str | None = None) -> str:
    """Lines of at most `width` characters."""
    return textwrap.fill(text, width, initial_indent=first, subsequent_indent=first if rest is None else rest, break_long_words=False)


def title(text: str) -> str:
    """An underlined heading."""
    return f"{text}\n{'-' * len(text)}"


def table(rows: list[list[str]], width: int) -> str:
    """Columns as wide as they need; the first gives way when the line would be too long."""
    # A section's heading stands alone in its line and may run over the other columns.
    alone = [bool(row[0]) and not any(row[1:]) for row in rows]
    widths = [max(len(row[column]) for row, lonely in zip(rows, alone, strict=True) if not lonely) for column in range(len(rows[0]))]
    over = sum(widths) + 2 * (len(widths) - 1) - width
    if over > 0:
        widths[0] = max(18, widths[0] - over)
    lines = []
    for row, lonely in zip(rows, alone, strict=True):
        if lonely:
            lines.append(row[0])
            continue
        head, *more = [part.replace(NO_BREAK, " ") for part in textwrap.wrap(_MARK.sub(NO_BREAK, row[0]), widths[0])] or [""]
        cells = [head.ljust(widths[0])] + [cell.ljust(size) for cell, size in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
        lines += [f"  {part}" for part in more]
    return "\n".join(lines)
