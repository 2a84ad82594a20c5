"""A module of the lanes in numbers of half the width: float32, twice the people a vector, half the time (decision 0003)."""

from __future__ import annotations

import re
import struct

SMALLEST = 2.0**-126
"""The smallest number that is not denormal."""


def _constant(found: re.Match[str]) -> str:
    value = struct.unpack("<d", struct.pack("<Q", int(found[1], 16)))[0]
    single = struct.unpack("<f", struct.pack("<f", value))[0]
    if 0.0 < abs(single) < SMALLEST or (single == 0.0 and value != 0.0):
        single = SMALLEST if value > 0.0 else -SMALLEST
    return f"float 0x{struct.unpack('<Q', struct.pack('<d', single))[0]:016X}"


def narrowed(module: str, lanes: int) -> str:
    """The same text with every value of the vector code in single precision; the arrays it reads are given so (`march.takes`). Days, shares
    of a segment and the certificate stay as they are."""
    begin = module.index('VECTOR = r"""')
    end = module.index('"""', begin + 13)
    vector = re.sub(r"\bdouble 0x([0-9A-F]{16})", _constant, module[begin:end])
    vector = re.sub(r"\bdouble\b", "float", vector).replace(f".v{lanes}f64", f".v{lanes}f32").replace("align 8", "align 4")
    mark = re.search(r"@corrin_([0-9a-f]{16})_", vector)
    assert mark is not None, "vector code bears its mark"
    return (module[:begin] + vector + module[end:]).replace(mark[1], mark[1][::-1])
