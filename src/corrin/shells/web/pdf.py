"""A report as PDF without a further package: pages of text in a fixed font, pages of pictures (JPEG is embedded as it is). PDF 1.4."""

from __future__ import annotations

import struct
from collections.abc import Sequence

WIDE, HIGH, EDGE = 595.28, 841.89, 48.0
"""A4 and its margin, points."""
SIZE, LEADING = 8.6, 10.8
COLUMNS = 96
SIGNS = {"≥": ">=", "≤": "<=", "−": "-", "→": "->", "⁹": "^9", "¹": "^1", "²": "^2", "†": "†", "≈": "~", "“": '"', "”": '"'}
"""Signs the standard fonts lack, written otherwise."""


def report(title: str, text: str, pictures: Sequence[bytes], foot: str) -> bytes:
    """Text of at most `COLUMNS` characters a line, then each JPEG on a page of its own; `foot` stands below every page."""
    lines = text.split("\n")
    room = int((HIGH - 2 * EDGE - 20.0) / LEADING)
    pages = [_text_page(lines[place : place + room], foot) for place in range(0, max(len(lines), 1), room)]
    objects: list[bytes] = []

    def add(body: bytes) -> int:
        objects.append(body)
        return len(objects)

    catalog, tree = add(b""), add(b"")
    font = add(b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding >>")
    kids = []
    for content in pages:
        stream = add(_stream(content))
        kids.append(add(_page(tree, stream, f"/Font << /F1 {font} 0 R >>")))
    for picture in pictures:
        wide, high, grey = _size(picture)
        space = "/DeviceGray" if grey else "/DeviceRGB"
        head = (
            f"<< /Type /XObject /Subtype /Image /Width {wide} /Height {high} /ColorSpace {space} /BitsPerComponent 8 "
            f"/Filter /DCTDecode /Length {len(picture)} >>"
        )
        image = add(head.encode() + b"\nstream\n" + picture + b"\nendstream")
        scale = min((WIDE - 2 * EDGE) / wide, (HIGH - 2 * EDGE - 20.0) / high)
        place = f"q {wide * scale:.2f} 0 0 {high * scale:.2f} {EDGE:.2f} {HIGH - EDGE - high * scale:.2f} cm /I1 Do Q\n"
        stream = add(_stream(place.encode() + _foot(foot)))
        kids.append(add(_page(tree, stream, f"/Font << /F1 {font} 0 R >> /XObject << /I1 {image} 0 R >>")))
    about = add(b"<< /Title " + _shown(title) + b" /Producer (corrin) >>")
    objects[catalog - 1] = f"<< /Type /Catalog /Pages {tree} 0 R >>".encode()
    objects[tree - 1] = f"<< /Type /Pages /Kids [{' '.join(f'{kid} 0 R' for kid in kids)}] /Count {len(kids)} >>".encode()
    return _file(objects, catalog, about)


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


def _shown(text: str) -> bytes:
    plain = "".join(SIGNS.get(sign, sign) for sign in text).encode("cp1252", errors="replace")
    return b"(" + plain.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)").replace(b"\r", b" ") + b")"


def _text_page(lines: Sequence[str], foot: str) -> bytes:
    top = HIGH - EDGE - SIZE
    shown = b"".join(_shown(line) + b" Tj T*\n" for line in lines)
    return f"BT /F1 {SIZE} Tf {LEADING} TL {EDGE} {top:.2f} Td\n".encode() + shown + b"ET\n" + _foot(foot)


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
