"""Files, globs and standard input as pieces of decompressed bytes, cut at line ends."""

from __future__ import annotations

import bz2
import glob
import lzma
import os
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import pyarrow as pa
from isal import igzip_lib

from pipeline.errors import SourceError

READ_BYTES = 1 << 20
#: How far before the end of a block its last line end is looked for.
LOOK_BACK = 1 << 16
#: The library's stub does not say that it is an exception.
IsalError: type[Exception] = igzip_lib.IsalError  # type: ignore[assignment]
#: A line longer than this is cut, so that memory stays bounded; each piece is rejected.
LONGEST_LINE = 64 << 20
STDIN = "-"
SMALL_BYTES = 1 << 18


class Decompressor(Protocol):
    """What bz2, lzma and igzip_lib have in common."""

    eof: bool
    needs_input: bool
    unused_data: bytes

    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


#: How a compressed file begins, and what reads one member of it.
MAGIC: tuple[tuple[bytes, Callable[[], Any]], ...] = (
    (b"\x1f\x8b", lambda: igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)),
    (b"BZh", bz2.BZ2Decompressor),
    (b"\xfd7zXZ\x00", lzma.LZMADecompressor),
)
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
#: So many bytes tell whether a file is compressed.
MAGIC_BYTES = 6


def expand(paths: Sequence[str]) -> list[str]:
    """Files that the paths name: globs and folders (not below them) opened, sorted, each once.

    Raises `SourceError` when a path names nothing.
    """
    found: dict[str, None] = {}
    for path in paths:
        if path == STDIN:
            found[path] = None
            continue
        place = Path(path)
        names = [str(p) for p in place.iterdir()] if place.is_dir() else glob.glob(path)
        if place.exists() and not place.is_dir():
            names = [path]  # a name that holds glob characters
        files = sorted(name for name in names if Path(name).is_file() or Path(name).is_fifo())
        if not files:
            raise SourceError("There is no such file.", path, "check the path or the pattern")
        found.update(dict.fromkeys(files))
    return list(found)


def matches(paths: Sequence[str]) -> list[str]:
    """Regular files that the paths name now, each once; that none is there is no error."""
    names = [
        name
        for path in paths
        for name in ([path] if os.path.isfile(path) else glob.glob(_inside(path)))
    ]
    return [name for name in dict.fromkeys(names) if os.path.isfile(name)]


def _inside(path: str) -> str:
    return os.path.join(glob.escape(path), "*") if os.path.isdir(path) else path


def is_small(path: str) -> bool:
    """Whether it is a file of less than SMALL_BYTES, compressed or not, that is all there now."""
    try:
        found = os.stat(path)
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size < SMALL_BYTES


def is_compressed(head: bytes) -> bool:
    """Whether a file that begins like this is one of a kind that is decompressed."""
    return head.startswith((ZSTD_MAGIC, *(magic for magic, _ in MAGIC)))


@contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    """The raw bytes of a file or of standard input."""
    if path == STDIN:
        yield sys.stdin.buffer
        return
    try:
        file = open(path, "rb", buffering=0)  # noqa: SIM115  closed below, where errors differ
    except OSError as error:
        raise SourceError(
            f"The file cannot be opened: {error.strerror}.", path, "check that it is readable"
        ) from error
    with file:
        yield file


def blocks(file: BinaryIO, path: str, size: int, on_read: Callable[[int], None]) -> Iterator[bytes]:
    """Decompressed blocks of about `size` bytes; `on_read` hears of every raw byte read.

    Raises `SourceError` after the last good block when compressed data is damaged or cut.
    """
    first = _read(file, READ_BYTES)
    raw = _raw(file, first, READ_BYTES, on_read)
    if first.startswith(ZSTD_MAGIC):
        yield from _zstd(raw, path)
        return
    for magic, make in MAGIC:
        if first.startswith(magic):
            yield from _members(raw, make, path)
            return
    if path != STDIN and Path(path).is_file():
        yield from _whole_lines(file.fileno(), size, on_read)
    else:
        yield from _raw(file, first, READ_BYTES, on_read)


def _whole_lines(handle: int, size: int, on_read: Callable[[int], None]) -> Iterator[bytes]:
    """Blocks of a plain file that end where a line does, if a line ends near enough."""
    start, near = 0, _least(size)
    while True:
        last = os.pread(handle, size - near, start + near)
        end = last.rfind(b"\n") + 1
        data = os.pread(handle, near + (end or len(last)), start)
        if not data:
            return
        on_read(len(data))
        yield data
        start += len(data)


def _least(size: int) -> int:
    """How short a piece of about `size` bytes may be."""
    return size - min(LOOK_BACK, size // 2)


def _read(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    return data if data is not None else b""


def _raw(
    file: BinaryIO, first: bytes, size: int, on_read: Callable[[int], None]
) -> Iterator[bytes]:
    data = first
    while data:
        on_read(len(data))
        yield data
        data = _read(file, size)


def _members(raw: Iterator[bytes], make: Callable[[], Decompressor], path: str) -> Iterator[bytes]:
    """One member after the other, as gzip, bzip2 and xz allow them; zero padding is passed."""
    member: Decompressor | None = None
    for data in raw:
        while data or (member is not None and not member.needs_input):
            if member is None:
                data = data.lstrip(b"\0")
                if not data:
                    break
                member = make()
            try:
                # Bounded: a megabyte of a log that repeats itself can hold a gigabyte.
                plain = member.decompress(data, READ_BYTES)
            except (IsalError, OSError, lzma.LZMAError, EOFError) as error:
                raise SourceError(
                    f"The compressed data is damaged: {error}.",
                    path,
                    "what was read before the damage is counted; restore the file and run again",
                ) from error
            if plain:
                yield plain
            data = member.unused_data if member.eof else b""
            if member.eof:
                member = None
    if member is not None:
        raise _cut_short(path)


def _zstd(raw: Iterator[bytes], path: str) -> Iterator[bytes]:
    stream = pa.CompressedInputStream(pa.PythonFile(_Joined(raw), mode="r"), "zstd")
    while True:
        try:
            plain = stream.read(READ_BYTES)
        except OSError as error:
            raise _cut_short(path) from error
        if not plain:
            return
        yield plain


def _cut_short(path: str) -> SourceError:
    return SourceError(
        "The compressed file ends early.",
        path,
        "its whole lines are counted; run again when the file is complete",
    )


class _Joined:
    """A file to read from, over an iterator of blocks."""

    def __init__(self, raw: Iterator[bytes]) -> None:
        self._raw = raw
        self._left = b""
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        while size < 0 or len(self._left) < size:
            block = next(self._raw, b"")
            if not block:
                break
            self._left += block
        size = len(self._left) if size < 0 else size
        data, self._left = self._left[:size], self._left[size:]
        return data

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True


def pieces(stream: Iterator[bytes], size: int, cut: list[SourceError]) -> Iterator[bytes]:
    """Pieces of whole lines, about `size` bytes each; only the last may lack its line end.

    When the stream breaks off, its error is put into `cut` and an unfinished last line is left
    unread, because the rest of it may still come.
    """
    pending: list[bytes] = []
    length = 0
    try:
        for block in stream:
            pending.append(block)
            length += len(block)
            if length < _least(size):
                continue
            # A block that ends with a line passes without a copy: most of the time goes there.
            data = b"".join(pending) if len(pending) > 1 else block
            end = data.rfind(b"\n") + 1
            if not end and length < LONGEST_LINE:
                pending = [data]
                continue
            end = end or length
            yield data[:end] if end < length else data
            pending, length = ([data[end:]] if end < length else []), length - end
    except SourceError as error:
        cut.append(error)
    data = b"".join(pending)
    if cut:
        data = data[: data.rfind(b"\n") + 1]
    if data:
        yield data
