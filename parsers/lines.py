"""The lines of a chunk: where each begins and ends, and which can't be read at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Longs = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]

BOM = b"\xef\xbb\xbf"
LONGEST = 1 << 20
BLOCK = 1 << 18
LF, CR, NUL = 10, 13, 0


@dataclass(frozen=True, slots=True)
class Lines:
    """Line i is data[starts[i]:starts[i + 1]] with its terminator, [starts[i]:ends[i]] without.

    `source` is all that was given, `data` the same without a byte order mark at its head;
    `base` is the position of data[0] in the whole log and `first` that of the first line, mark
    included. A carriage return is part of the terminator only before a line feed or at the very
    end; `torn` are the lines that hold another one, None if there is none at all.
    """

    source: bytes
    data: memoryview
    starts: Longs
    ends: Longs
    torn: Mask | None
    base: int
    first: int

    def __len__(self) -> int:
        return len(self.ends)

    def offsets(self, numbers: Longs) -> Longs:
        """Positions of these lines in the source."""
        return np.where(numbers == 0, self.first, self.starts[numbers] + self.base)

    def lengths(self, numbers: Longs) -> Longs:
        """Lengths of these lines in the source, without their terminators."""
        return self.ends[numbers] + self.base - self.offsets(numbers)

    def join(self, numbers: Longs) -> memoryview:
        """The bytes of these lines (ascending), terminators included, one after the other."""
        if len(numbers) == len(self):
            return self.data
        size = int((self.starts[numbers + 1] - self.starts[numbers]).sum())
        return memoryview(self.column(numbers).buffers()[2] or b"")[:size]

    def column(self, numbers: Longs) -> pa.Array:
        """These lines as an Arrow column of bytes, terminators included."""
        buffers = [None, pa.py_buffer(self.starts), pa.py_buffer(self.data)]
        lines = pa.Array.from_buffers(pa.large_binary(), len(self), buffers)
        return lines if len(numbers) == len(self) else lines.take(pa.array(numbers))

    def raw(self, number: int) -> bytes:
        """The bytes of one line, without its terminator."""
        return bytes(self.data[self.starts[number] : self.ends[number]])

    def wide(self) -> Longs:
        """Numbers of the lines that are not ASCII."""
        array = np.frombuffer(self.data, dtype=np.uint8)
        found = find_byte(array.view(np.int8), np.less, 0)
        return np.unique(np.searchsorted(self.starts, found, side="right") - 1)


def split_lines(data: bytes, offset: int) -> Lines:
    """The lines of `data`, whose first byte is at `offset` in its source."""
    skip = len(BOM) if offset == 0 and data.startswith(BOM) else 0
    view = memoryview(data)[skip:]
    array = np.frombuffer(view, dtype=np.uint8)
    breaks = find_byte(array, np.equal, LF)
    complete = len(array) == 0 or array[-1] == LF
    starts = np.empty(len(breaks) + (1 if complete else 2), dtype=np.int64)
    starts[0] = 0
    starts[1 : len(breaks) + 1] = breaks + 1
    starts[-1] = len(array)
    ends = starts[1:].copy()
    ends[: len(breaks)] -= 1
    torn = _cut_returns(array, starts, ends) if b"\r" in data else None
    return Lines(data, view, starts, ends, torn, offset + skip, offset)


def find_byte(array: npt.NDArray[Any], test: np.ufunc, value: int) -> Longs:
    """Positions where the test holds, block by block: one mask for all would be fresh memory."""
    mask = np.empty(min(BLOCK, len(array)), dtype=np.bool_)
    found = [np.empty(0, dtype=np.int64)]
    for start in range(0, len(array), BLOCK):
        block = array[start : start + BLOCK]
        holds = test(block, value, out=mask[: len(block)])
        found.append(np.flatnonzero(holds) + start)
    return np.concatenate(found)


def _cut_returns(array: Bytes, starts: Longs, ends: Longs) -> Mask:
    """Take a carriage return off the end of each line; say which lines hold another one."""
    filled = ends > starts[:-1]
    last = array[np.maximum(ends - 1, 0)] == CR
    ends -= filled & last
    returns = find_byte(array, np.equal, CR)
    owner = np.searchsorted(starts, returns, side="right") - 1
    torn = np.zeros(len(ends), dtype=np.bool_)
    torn[owner[returns < ends[owner]]] = True
    return torn


def unreadable(lines: Lines) -> dict[str, Longs]:
    """Reason -> numbers of the lines that no format can read; each line has one reason."""
    length = lines.ends - lines.starts[:-1]
    long = length > LONGEST
    holds_nul = np.zeros(len(lines), dtype=np.bool_)
    if b"\0" in lines.source:
        where = find_byte(np.frombuffer(lines.data, dtype=np.uint8), np.equal, NUL)
        holds_nul[np.searchsorted(lines.starts, where, side="right") - 1] = True
    blank = length == 0
    masks = {"long": long, "nul": holds_nul & ~long, "blank": blank}
    return {reason: np.flatnonzero(mask) for reason, mask in masks.items() if mask.any()}
