"""The lines of a chunk: where each begins and ends, and which can't be read at all.

A crash may leave a block of NUL bytes in a log, in front of the first line written after it.
NUL bytes at the head of a line are therefore dropped before anything is read.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from parsers.bits import bits_of, count_before, places

Longs = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]

BOM = b"\xef\xbb\xbf"
LONGEST = 1 << 20
#: So small a part of the lines is searched by itself, not with all others.
FEW = 8
LF, CR, NUL = 10, 13, 0


@dataclass(frozen=True, slots=True)
class Lines:
    """Line i is data[starts[i]:starts[i + 1]] with its terminator, [starts[i]:ends[i]] without.

    `source` is all that was given but for NUL bytes that were dropped, `data` the same without
    a byte order mark at its head; `base` is the position of data[0] in the whole log and `first`
    that of the first line, mark included. A carriage return is part of the terminator only
    before a line feed or at the very end; `torn` are the lines that hold another one, or a NUL;
    `nul` are the latter alone. dropped[i] bytes were dropped before line i, and dropped[i + 1]
    includes those at its own head. These three are None if there are no such bytes at all.
    Lines that stood inside `outer` ones have the places of these.
    """

    source: bytes
    data: memoryview
    starts: Longs
    ends: Longs
    torn: Mask | None
    nul: Mask | None
    dropped: Longs | None
    base: int
    first: int
    outer: Lines | None = None

    def __len__(self) -> int:
        return len(self.ends)

    def offsets(self, numbers: Longs) -> Longs:
        """Positions of these lines in the source."""
        if self.outer is not None:
            return self.outer.offsets(numbers)
        places = self.starts[numbers] + self.base
        if self.dropped is not None:
            places += self.dropped[numbers]
        return np.where(numbers == 0, self.first, places)

    def lengths(self, numbers: Longs) -> Longs:
        """Lengths of these lines in the source, without their terminators."""
        if self.outer is not None:
            return self.outer.lengths(numbers)
        ends = self.ends[numbers] + self.base
        if self.dropped is not None:
            ends += self.dropped[numbers + 1]
        return ends - self.offsets(numbers)

    def nulled(self, numbers: Longs) -> Mask:
        """Which of these lines hold NULs, those that were dropped included."""
        if self.outer is not None:
            return self.outer.nulled(numbers)
        if self.nul is None or self.dropped is None:
            return np.zeros(len(numbers), dtype=np.bool_)
        lost: Mask = self.dropped[numbers + 1] > self.dropped[numbers]
        return lost | self.nul[numbers]

    def join(self, numbers: Longs) -> memoryview:
        """The bytes of these lines (ascending), terminators included, one after the other."""
        runs = self.runs(numbers)
        return runs[0] if len(runs) == 1 else memoryview(b"".join(runs))

    def runs(self, numbers: Longs) -> list[memoryview]:
        """The same in the pieces in which they lie there, or as one if these were many."""
        if not len(numbers) or len(numbers) == len(self):
            return [self.data[: self.starts[-1] if len(numbers) else 0]]
        gaps = np.flatnonzero(np.diff(numbers) != 1) + 1
        if FEW * len(gaps) < len(numbers):
            begins = self.starts[numbers[np.append(0, gaps)]]
            ends = self.starts[numbers[np.append(gaps, len(numbers)) - 1] + 1]
            return [self.data[a:b] for a, b in zip(begins.tolist(), ends.tolist(), strict=True)]
        size = int((self.starts[numbers + 1] - self.starts[numbers]).sum())
        return [memoryview(self.column(numbers).buffers()[2] or b"")[:size]]

    def column(self, numbers: Longs) -> pa.Array:
        """These lines as an Arrow column of bytes, terminators included."""
        buffers = [None, pa.py_buffer(self.starts), pa.py_buffer(self.data)]
        lines = pa.Array.from_buffers(pa.large_binary(), len(self), buffers)
        return lines if len(numbers) == len(self) else lines.take(pa.array(numbers))

    def bodies(self, numbers: Longs) -> pa.Array:
        """These lines as an Arrow column of bytes, without terminators."""
        bounds = np.empty(2 * len(self) + 1, dtype=np.int64)
        bounds[0::2], bounds[1::2] = self.starts, self.ends
        buffers = [None, pa.py_buffer(bounds), pa.py_buffer(self.data)]
        pieces = pa.Array.from_buffers(pa.large_binary(), 2 * len(self), buffers)
        return pieces.take(pa.array(2 * numbers))

    def raw(self, number: int) -> bytes:
        """The bytes of one line, without its terminator."""
        return bytes(self.data[self.starts[number] : self.ends[number]])

    def count(self, numbers: Longs, character: str) -> Longs:
        """How often the character comes in each of these lines."""
        if len(numbers) < len(self) // FEW:
            found: Longs = pc.count_substring(self.column(numbers), character).to_numpy()
            return found
        array = np.frombuffer(self.data, dtype=np.uint8)
        return np.diff(count_before(bits_of(array, ord(character)), self.starts))[numbers]

    def without(self, numbers: Longs, others: Longs) -> Longs:
        """The lines `numbers` but for `others`."""
        kept = np.ones(len(self), dtype=np.bool_)
        kept[others] = False
        return numbers[kept[numbers]]


def split_lines(data: bytes, offset: int) -> Lines:
    """The lines of `data`, whose first byte is at `offset` in its source."""
    skip = len(BOM) if offset == 0 and data.startswith(BOM) else 0
    source, gone, sizes = drop_nuls(data)
    view = memoryview(source)[skip:]
    array = np.frombuffer(view, dtype=np.uint8)
    breaks = find_byte(array, LF)
    complete = len(array) == 0 or array[-1] == LF
    starts = np.empty(len(breaks) + (1 if complete else 2), dtype=np.int64)
    starts[0] = 0
    starts[1 : len(breaks) + 1] = breaks + 1
    starts[-1] = len(array)
    ends = starts[1:].copy()
    ends[: len(breaks)] -= 1
    torn = _cut_returns(array, starts, ends) if b"\r" in source else None
    nul = dropped = None
    if b"\0" in data:
        nul = _owners(find_byte(array, NUL), starts)
        torn = nul if torn is None else torn | nul
        dropped = np.zeros(len(starts), dtype=np.int64)
        dropped[np.searchsorted(starts, gone - skip) + 1] = sizes
        dropped = np.cumsum(dropped)
    return Lines(source, view, starts, ends, torn, nul, dropped, offset + skip, offset)


def drop_nuls(data: bytes) -> tuple[bytes, Longs, Longs]:
    """The data without the NUL bytes at the heads of lines; where they stood, and how many.

    Those at the very end stay, or their line would be no line.
    """
    array = np.frombuffer(data, dtype=np.uint8)
    found = find_byte(array, NUL) if b"\0" in data else np.empty(0, dtype=np.int64)
    opens = np.diff(found, prepend=-2) != 1
    begins, ends = found[opens], found[np.diff(found, append=len(data) + 1) != 1] + 1
    leads = ((begins == 0) | (array[begins - 1] == LF)) & (ends < len(data))
    if not leads.any():
        return data, begins[:0], begins[:0]
    sizes = (ends - begins)[leads]
    keep = np.ones(len(data), dtype=np.bool_)
    keep[found[leads[np.cumsum(opens) - 1]]] = False
    return array[keep].tobytes(), begins[leads] - (np.cumsum(sizes) - sizes), sizes


def _owners(positions: Longs, starts: Longs) -> Mask:
    """Which lines hold one of these positions."""
    holds = np.zeros(len(starts) - 1, dtype=np.bool_)
    holds[np.searchsorted(starts, positions, side="right") - 1] = True
    return holds


def find_byte(array: Bytes, value: int) -> Longs:
    """Positions of the bytes that are `value`."""
    return places(bits_of(array, value))


def _cut_returns(array: Bytes, starts: Longs, ends: Longs) -> Mask:
    """Take a carriage return off the end of each line; say which lines hold another one."""
    filled = ends > starts[:-1]
    last = array[np.maximum(ends - 1, 0)] == CR
    ends -= filled & last
    returns = find_byte(array, CR)
    owner = np.searchsorted(starts, returns, side="right") - 1
    torn = np.zeros(len(ends), dtype=np.bool_)
    torn[owner[returns < ends[owner]]] = True
    return torn


def unreadable(lines: Lines) -> dict[str, Longs]:
    """Reason -> numbers of the lines that no format can read; each line has one reason."""
    length = lines.ends - lines.starts[:-1]
    masks = {"long": length > LONGEST, "blank": length == 0}
    return {reason: np.flatnonzero(mask) for reason, mask in masks.items() if mask.any()}
