"""Cuts a log into lines, and says which lines can hold no record."""

from __future__ import annotations

import bz2
import gzip
import lzma

MEBIBYTE = 1 << 20
BOM = b"\xef\xbb\xbf"


class Rejected(Exception):
    """A line that cannot be read; the argument is the reason."""


class Directive(Exception):
    """A line about the log itself."""


def decompressed(data: bytes) -> bytes:
    """The content of a file, whatever packed it (its first bytes say which)."""
    for magic, unpack in (
        (b"\x1f\x8b", gzip.decompress),
        (b"BZh", bz2.decompress),
        (b"\xfd7zXZ\x00", lzma.decompress),
    ):
        if data.startswith(magic):
            return unpack(data)
    return data


def lines(data: bytes) -> list[tuple[int, bytes]]:
    """Every line with its offset, without its line end; a last line may lack it."""
    found = []
    offset = 0
    for piece in data.split(b"\n"):
        if offset < len(data):
            found.append((offset, piece))
        offset += len(piece) + 1
    return found


def clean(offset: int, line: bytes) -> bytes:
    """The line without carriage return and byte order mark, if it can hold a record at all."""
    if offset == 0 and line.startswith(BOM):
        line = line[len(BOM) :]
    line = line.removesuffix(b"\r")
    if len(line) > MEBIBYTE:
        raise Rejected("long")
    if not line:
        raise Rejected("blank")
    return line


def text(value: bytes) -> str:
    """UTF-8; what is not, shows as U+FFFD."""
    return value.decode("utf-8", errors="replace")
