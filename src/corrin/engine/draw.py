"""Random numbers keyed by (seed, name, person), so that a new parameter moves no other draw and a batch may start anywhere.

Counter-based: each name has its own Philox stream, person i takes its i-th number. Uniforms become normals by the quantile function, one
number for one number.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_PER_BLOCK = 4  # Philox makes four 64-bit numbers at a time


def _generator(seed: int, name: str) -> np.random.Philox:
    key = hashlib.blake2b(f"{seed}\0{name}".encode(), digest_size=16).digest()
    return np.random.Philox(key=int.from_bytes(key, "little"))


def uniforms(seed: int, name: str, count: int, first: int = 0) -> Floats:
    """`count` uniforms on (0, 1) for persons `first`, `first`+1, ...; shape (count,)."""
    bits = _generator(seed, name)
    skip = first % _PER_BLOCK
    if first:
        bits.advance(first // _PER_BLOCK)
    raw = bits.random_raw(count + skip)[skip:]
    return ((raw >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def normals(seed: int, name: str, count: int, first: int = 0) -> Floats:
    """Standard normals for the same; shape (count,)."""
    from scipy.special import ndtri

    return np.asarray(ndtri(uniforms(seed, name, count, first)), dtype=np.float64)
