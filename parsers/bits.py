"""Where a byte comes in a text, as one bit for each of its bytes.

A list of the places costs some nanoseconds for each of them; bits are made, and counted, many at
a time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
Longs = npt.NDArray[np.int64]

#: One mask for all of the text would be fresh memory.
BLOCK = 1 << 18
WIDTH = np.uint64(64)
_ONE, _LAST = np.uint64(1), np.uint64(63)


def bits_of(array: npt.NDArray[Any], value: int) -> Words:
    """The bits of the bytes that are `value`, the first byte's lowest in its word. There is one
    word more than the text needs."""
    bits = np.zeros((len(array) // 64 + 1) * 8, dtype=np.uint8)
    mask = np.empty(min(BLOCK, len(array)), dtype=np.bool_)
    for start in range(0, len(array), BLOCK):
        block = array[start : start + BLOCK]
        holds = np.packbits(np.equal(block, value, out=mask[: len(block)]), bitorder="little")
        bits[start // 8 : start // 8 + len(holds)] = holds
    return bits.view("<u8").astype(np.uint64, copy=False)


def places(words: Words) -> Longs:
    """The positions of all bits that are set, ascending."""
    at = np.flatnonzero(words)
    left = words[at]
    counts = np.bitwise_count(left)
    result = np.empty(int(counts.sum()), dtype=np.int64)
    to = np.cumsum(counts, dtype=np.int64) - counts
    # Each round takes the lowest bit off every word: seldom a word has many.
    while len(at):
        rest = left & (left - _ONE)
        result[to] = at * 64 + np.bitwise_count((left ^ rest) - _ONE)
        more = rest != 0
        at, left, to = at[more], rest[more], to[more] + 1
    return result


def count_before(words: Words, positions: Longs) -> Longs:
    """How many bits are set before each of the positions."""
    sums = np.zeros(len(words) + 1, dtype=np.int64)
    np.cumsum(np.bitwise_count(words), out=sums[1:])
    at = positions >> 6
    below = (_ONE << (positions.astype(np.uint64) & _LAST)) - _ONE
    found: Longs = sums[at] + np.bitwise_count(words[at] & below)
    return found
