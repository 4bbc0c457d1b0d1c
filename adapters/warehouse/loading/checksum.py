"""`groupBitXor(cityHash64(seq, id))` as ClickHouse computes it, from the log's side: pure.

What a load's `done` row and `verify` compare with the tables must not come from the tables. The integer
arithmetic runs in Arrow's kernels, which wrap at 64 bits as C does.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import xor
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

_INT_SALT: Final = 0x4CF2D2BAAE6DA887
_MURMUR_1: Final = 0xFF51AFD7ED558CCD
_MURMUR_2: Final = 0xC4CEB9FE1A85EC53
_CITY: Final = 0x9DDFEA08EB382D69
_UUID_BYTES: Final = 16


def checksum(seqs: Sequence[int], ids: Sequence[bytes]) -> int:
    """The checksum of events by sequence and id (16 bytes each), in any order; 0 for none."""
    if not seqs:
        return 0
    high = pa.array([int.from_bytes(i[:8], "big") for i in ids], pa.uint64())
    low = pa.array([int.from_bytes(i[8:], "big") for i in ids], pa.uint64())
    hashed = _pair(_integer(pa.array(seqs, pa.uint64())), _sixteen_bytes(high, low))
    return reduce(xor, hashed.to_pylist(), 0)


def _integer(x: Any) -> Any:
    """ClickHouse's IntHash64, which cityHash64 uses for numbers: Murmur's finalizer."""
    x = pc.bit_wise_xor(x, _u64(_INT_SALT))
    x = pc.multiply(pc.bit_wise_xor(x, pc.shift_right(x, _u64(33))), _u64(_MURMUR_1))
    x = pc.multiply(pc.bit_wise_xor(x, pc.shift_right(x, _u64(33))), _u64(_MURMUR_2))
    return pc.bit_wise_xor(x, pc.shift_right(x, _u64(33)))


def _sixteen_bytes(high: Any, low: Any) -> Any:
    """CityHash64 1.0.2 of a string of 16 bytes, which is what a UUID is to ClickHouse."""
    ends = pc.add(low, _u64(_UUID_BYTES))
    turned = pc.bit_wise_or(pc.shift_right(ends, _u64(16)), pc.shift_left(ends, _u64(48)))
    return pc.bit_wise_xor(_pair(high, turned), low)


def _pair(first: Any, second: Any) -> Any:
    """CityHash's Hash128to64."""
    a = pc.multiply(pc.bit_wise_xor(first, second), _u64(_CITY))
    a = pc.bit_wise_xor(a, pc.shift_right(a, _u64(47)))
    b = pc.multiply(pc.bit_wise_xor(second, a), _u64(_CITY))
    b = pc.bit_wise_xor(b, pc.shift_right(b, _u64(47)))
    return pc.multiply(b, _u64(_CITY))


def _u64(value: int) -> Any:
    return pa.scalar(value, pa.uint64())
