"""A report as PDF without a further package: words in Helvetica, pages of pictures (JPEG is embedded as it is), reports in a fixed font.

PDF 1.4 with the fonts every reader has (`WIDTHS` are those of Helvetica, from its font metrics file).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

WIDE, HIGH, EDGE = 595.28, 841.89, 48.0
"""A4 and its margin, points."""
SIZE, LEADING = 8.6, 10.8
Block = tuple[str, str]
"""What a piece of text is, and the text; cells of a `row` are parted by tabs."""
STYLES = {
    "title": (18.0, 2, 0.0, 0.0), "head": (12.5, 2, 0.0, 12.0), "text": (10.0, 1, 0.0, 4.0), "item": (10.0, 1, 12.0, 2.0),
    "soft": (8.5, 1, 0.0, 4.0), "row": (8.5, 1, 0.0, 4.0),
}  # fmt: skip
"""Kind of block -> size, font, indent and room before it, points."""
_NARROW = {
    "jil'": 222, " ,./:;!|ftI[]\\": 278, "()-r`": 333, "kcszvxyJ": 500, '"': 355, "*": 389, "FTZ": 611, "ABEKPSVXY&": 667,
    "CDHNRUw": 722, "GOQ": 778, "mM": 833, "W": 944, "@": 1015, "%": 889, "+<>=~^": 584, "•": 350, "–": 556,
}  # fmt: skip
WIDTHS = {sign: wide for signs, wide in _NARROW.items() for sign in signs}
"""Thousandths of the size, of the signs that are not 556 wide."""
SIGNS = {"≥": ">=", "≤": "<=", "−": "-", "→": "->", "⁹": "^9", "¹": "^1", "²": "^2", "†": "†", "≈": "~", "“": '"', "”": '"'}
"""Signs the standard fonts lack, written otherwise."""


def report(title: str, flow: Sequence[Block], pictures: Sequence[tuple[str, bytes]], fixed: str, foot: str) -> bytes:
    """Blocks of words, each JPEG with its heading on a page of its own, then text of at most 96 characters a line in a fixed font; `foot`
    stands below every page."""
    pages = [*_flowed(flow, foot), *(_fixed_pages(fixed, foot) if fixed else [])]
    objects: list[bytes] = []

    def add(body: bytes) -> int:
        objects.append(body)
        return len(objects)

    catalog, tree = add(b""), add(b"")
    fonts = " ".join(
        f"/F{number} {add(f'<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>'.encode())} 0 R"
        for number, name in enumerate(("Helvetica", "Helvetica-Bold", "Courier"), start=1)
    )
    kids = []

    def picture_pages() -> None:
        """As many pictures a page as there is room for."""
        content, held, y = b"", "", HIGH - EDGE
        for number, (words, picture) in enumerate(pictures):
            wide, high, grey = _size(picture)
            space = "/DeviceGray" if grey else "/DeviceRGB"
            head = (
                f"<< /Type /XObject /Subtype /Image /Width {wide} /Height {high} /ColorSpace {space} /BitsPerComponent 8 "
                f"/Filter /DCTDecode /Length {len(picture)} >>"
            )
            image = add(head.encode() + b"\nstream\n" + picture + b"\nendstream")
            scale = min((WIDE - 2 * EDGE) / wide, ((HIGH - 2 * EDGE) / 2 - 42.0) / high)  # two a page
            if held and y - high * scale - 40.0 < EDGE:
                kids.append(add(_page(tree, add(_stream(content + _foot(foot))), f"/Font << {fonts} >> /XObject << {held} >>")))
                content, held, y = b"", "", HIGH - EDGE
            top = y - 24.0 - high * scale
            place = f"q {wide * scale:.2f} 0 0 {high * scale:.2f} {EDGE:.2f} {top:.2f} cm /I{number} Do Q\n"
            content, held = content + _line(words, EDGE, y - 13.0, 13.0, 2) + place.encode(), f"{held} /I{number} {image} 0 R"
            y = top - 16.0
        if held:
            kids.append(add(_page(tree, add(_stream(content + _foot(foot))), f"/Font << {fonts} >> /XObject << {held} >>")))

    words_end = len(_flowed(flow, foot))
    for number, content in enumerate(pages):
        if number == words_end:
            picture_pages()
        kids.append(add(_page(tree, add(_stream(content)), f"/Font << {fonts} >>")))
    if len(pages) == words_end:
        picture_pages()
    about = add(b"<< /Title " + _shown(title) + b" /Producer (corrin) >>")
    objects[catalog - 1] = f"<< /Type /Catalog /Pages {tree} 0 R >>".encode()
    objects[tree - 1] = f"<< /Type /Pages /Kids [{' '.join(f'{kid} 0 R' for kid in kids)}] /Count {len(kids)} >>".encode()
    return _file(objects, catalog, about)


def width(text: str, size: float, bold: bool = False) -> float:
    """How wide a line is in Helvetica, points."""
    return sum(WIDTHS.get(sign, 556) for sign in text) * size / 1000.0 * (1.07 if bold else 1.0)


def wrapped(text: str, size: float, room: float, bold: bool = False) -> list[str]:
    """Lines no wider than the room; a word that is wider stands alone and is cut."""
    lines: list[str] = []
    now = ""
    for word in text.split():
        while width(word, size, bold) > room and len(word) > 1:
            cut = next(place for place in range(len(word) - 1, 0, -1) if width(word[:place], size, bold) <= room or place == 1)
            lines, now, word = [*lines, *([now] if now else []), word[:cut]], "", word[cut:]
        longer = f"{now} {word}" if now else word
        if now and width(longer, size, bold) > room:
            lines.append(now)
            longer = word
        now = longer
    return [*lines, now] if now or not lines else lines


def _flowed(flow: Sequence[Block], foot: str) -> list[bytes]:
    """Blocks set in pages: a heading stays with what follows it, a row of a table stays whole."""
    pages, made, y = [], b"", HIGH - EDGE

    def turn(need: float) -> None:
        nonlocal made, y
        if y - need < EDGE:
            pages.append(made + _foot(foot))
            made, y = b"", HIGH - EDGE

    for place, (kind, text) in enumerate(flow):
        size, face, indent, before = STYLES[kind]
        plain = _plain(text)
        if kind == "row":
            head = place == 0 or flow[place - 1][0] != "row"
            cells = plain.split("\t")
            rest = (WIDE - 2 * EDGE) * 0.7 / max(len(cells) - 1, 1)
            rooms = [(WIDE - 2 * EDGE) * 0.3, *[rest] * (len(cells) - 1)]
            set_cells = [wrapped(cell, size, room - 8.0, head) for cell, room in zip(cells, rooms, strict=True)]
            high = max(len(lines) for lines in set_cells) * size * 1.3
            turn(high + before)
            y -= before
            x = EDGE
            for lines, room in zip(set_cells, rooms, strict=True):
                for number, line in enumerate(lines):
                    made += _line(line, x, y - size - number * size * 1.3, size, 2 if head else 1)
                x += room
            y -= high
            made += f"0.75 G 0.5 w {EDGE} {y - 1.5:.2f} m {WIDE - EDGE} {y - 1.5:.2f} l S 0 G\n".encode()
            continue
        lines = wrapped(plain, size, WIDE - 2 * EDGE - indent, face == 2)
        turn(before + size * 1.35 * (len(lines) + (3 if kind == "head" else 0)))
        y -= before
        for number, line in enumerate(lines):
            turn(size * 1.35)
            if kind == "item" and number == 0:
                made += _line("•", EDGE + 2.0, y - size, size, 1)
            made += _line(line, EDGE + indent, y - size, size, face)
            y -= size * 1.35
    return [*pages, made + _foot(foot)]


def _line(text: str, x: float, y: float, size: float, face: int) -> bytes:
    return f"BT /F{face} {size} Tf {x:.2f} {y:.2f} Td ".encode() + _shown(text) + b" Tj ET\n"


def _file(objects: Sequence[bytes], catalog: int, about: int) -> bytes:
    made, places = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"), []
    for number, body in enumerate(objects, start=1):
        places.append(len(made))
        made += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    start = len(made)
    made += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    made += b"".join(f"{place:010d} 00000 n \n".encode() for place in places)
    made += f"trailer\n<< /Size {len(objects) + 1} /Root {catalog} 0 R /Info {about} 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(made)


def _plain(text: str) -> str:
    return "".join(SIGNS.get(sign, sign) for sign in text)


def _shown(text: str) -> bytes:
    plain = _plain(text).encode("cp1252", errors="replace")
    return b"(" + plain.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)").replace(b"\r", b" ") + b")"


def _fixed_pages(text: str, foot: str) -> list[bytes]:
    lines, top = text.split("\n"), HIGH - EDGE - SIZE
    room = int((HIGH - 2 * EDGE - 20.0) / LEADING)
    start = f"BT /F3 {SIZE} Tf {LEADING} TL {EDGE} {top:.2f} Td\n".encode()
    return [
        start + b"".join(_shown(line) + b" Tj T*\n" for line in lines[place : place + room]) + b"ET\n" + _foot(foot)
        for place in range(0, len(lines), room)
    ]


def _foot(text: str) -> bytes:
    return f"BT /F1 7 Tf {EDGE} {EDGE / 2:.2f} Td ".encode() + _shown(text) + b" Tj ET\n"


def _stream(content: bytes) -> bytes:
    return f"<< /Length {len(content)} >>\nstream\n".encode() + content + b"\nendstream"


def _page(tree: int, stream: int, resources: str) -> bytes:
    return (
        f"<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 {WIDE} {HIGH}] /Contents {stream} 0 R /Resources << {resources} >> >>"
    ).encode()


def _size(jpeg: bytes) -> tuple[int, int, bool]:
    """Width, height, and whether it is grey, from the frame header of a JPEG."""
    place = 2
    while place + 9 < len(jpeg):
        mark, length = jpeg[place + 1], struct.unpack(">H", jpeg[place + 2 : place + 4])[0]
        if 0xC0 <= mark <= 0xCF and mark not in (0xC4, 0xC8, 0xCC):
            high, wide = struct.unpack(">HH", jpeg[place + 5 : place + 9])
            return wide, high, jpeg[place + 9] == 1
        place += 2 + length
    raise ValueError("not a JPEG")
