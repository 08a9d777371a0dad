"""Rejected lines with their text. The store keeps only where a line was; what it said is read
from the log itself, while that exists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from itertools import groupby
from typing import Any

from pipeline.catalog import Reject
from pipeline.errors import SourceError
from pipeline.sources import READ_BYTES, STDIN, blocks, opened

#: As much of a line as is shown.
SHOWN_BYTES = 300


def with_text(rejects: Sequence[Reject]) -> Iterator[dict[str, Any]]:
    """The rejects, each with the `text` of its line; None where the log is gone or changed."""
    for path, group in groupby(rejects, key=lambda reject: reject.path):
        wanted = sorted(group, key=lambda reject: reject.offset)
        texts = [None] * len(wanted) if path == STDIN else _texts(path, wanted)
        for reject, text in zip(wanted, texts, strict=True):
            yield {**asdict(reject), "text": text}


def _texts(path: str, wanted: Sequence[Reject]) -> list[str | None]:
    texts: list[str | None] = []
    with suppress(SourceError), opened(path) as file:
        window = _Window(blocks(file, path, READ_BYTES, lambda size: None))
        for reject in wanted:
            texts.append(window.line(reject.offset, reject.length))
    # Where the log is gone, or damaged from some place on, the rest has no text.
    return texts + [None] * (len(wanted) - len(texts))


class _Window:
    """Looks at lines of a stream, in the order of their offsets."""

    def __init__(self, stream: Iterator[bytes]) -> None:
        self._stream = stream
        self._data = b"\n"
        self._start = -1  # as if a line had ended before the first byte

    def line(self, offset: int, length: int) -> str | None:
        """The line, or None where it does not begin and end there (any more)."""
        before = offset - 1
        while self._start + len(self._data) <= offset + length:
            block = next(self._stream, b"")
            if not block:
                break
            passed = min(max(before - self._start, 0), len(self._data))
            self._data = self._data[passed:] + block
            self._start += passed
        found = self._data[before - self._start :][: length + 2]
        if found[:1] != b"\n" or len(found) <= length or found[length + 1 :] not in _ENDS:
            return None
        return found[1 : 1 + min(length, SHOWN_BYTES)].decode("utf-8", "replace")


_ENDS = (b"\n", b"\r", b"")
