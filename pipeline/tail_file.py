"""One followed file: a plain one that may grow, or a compressed one that is read once.

A plain file is read on from where it was left, in whole lines. Before each step the bytes before
that place are compared with those that were read there: where they differ, or the file is shorter,
it was truncated or overwritten, and is read from its start; the trail of points says what of it
is new.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from pipeline import sources
from pipeline.errors import FormatError
from pipeline.reading import SAMPLE_BYTES, Piece, Place, Reader, Request

#: Device and inode: which file a name means now.
Key = tuple[int, int]
#: Size and time of the last change.
Look = tuple[int, int]


class Replaced(Exception):
    """The file has another content than the one that was followed."""


def look(stat: os.stat_result) -> Look:
    return stat.st_size, stat.st_mtime_ns


@dataclass(slots=True, eq=False)
class Growing:
    """A plain file. `seen` is how it looked when nothing was left to read, and `since` when that
    was first so; it is `finished` when its last line was taken without an end, and `given_up`
    when it is in no known format."""

    reader: Reader
    request: Request
    key: Key
    handle: int = -1
    place: Place = field(init=False)
    size: int = 0
    seen: Look | None = None
    since: float = field(default_factory=time.monotonic)
    finished: bool = False
    given_up: bool = False
    trouble: str = ""

    def __post_init__(self) -> None:
        self.place = Place(self.reader, self.request)

    @property
    def end(self) -> int:
        """Bytes read."""
        return self.place.trail.end

    @property
    def quiet(self) -> float:
        """Seconds since there was nothing left to read."""
        return 0 if self.seen is None else time.monotonic() - self.since

    @property
    def lost(self) -> bool:
        """Whether it cannot be read any more once it has no name."""
        return self.handle < 0

    @property
    def behind(self) -> float:
        """Seconds since all of it was read, if something is left."""
        return 0.0 if self.seen is not None else time.monotonic() - self.since

    @property
    def source(self) -> int:
        """Its number in the catalog; 0 until that is known."""
        return self.place.log.id if self.place.log else 0

    @property
    def lag(self) -> int:
        """Bytes not read."""
        return 0 if self.given_up else max(0, self.size - self.end)

    def rename(self, path: str) -> None:
        self.request = self.place.request = replace(self.request, path=path)

    def pieces(self, most: int, now: Look | None) -> Iterator[Piece]:
        """What is new in about so many bytes; `now` is how the file looks, None if it has no
        name any more.

        Raises `Replaced`, `OSError`, and `FormatError` while the format cannot be told.
        """
        now = now or look(os.fstat(self._opened()))
        self.size = now[0]
        if now == self.seen:
            return
        if self.size < self.end:
            self._anew()
        if self.given_up:
            return self._settle(now)
        self.seen = None
        while most > 0:
            data = self._lines(min(most, self.reader.piece_bytes))
            if not data:
                self._settle(now)
                return
            self.finished = False
            most -= len(data)
            yield from self._take(data, ended=False)

    def finish(self) -> Iterator[Piece]:
        """Take the last line though it lacks its end: the file has been quiet for long."""
        self.finished = True
        if not self.given_up:
            yield from self._take(self._after(self.size - self.end), ended=True)

    def close(self) -> None:
        if self.handle >= 0:
            os.close(self.handle)
            self.handle = -1

    def _settle(self, now: Look) -> None:
        self.seen = now
        self.since = time.monotonic()

    def _take(self, data: bytes, ended: bool) -> Iterator[Piece]:
        try:
            yield from self.place.take(data, ended)
        except FormatError:
            # A few odd lines at the start say little: more may come, but not without end.
            if len(self.place.held) >= SAMPLE_BYTES:
                self.given_up, self.place.held = True, b""
            raise
        if self.place.log is not None:
            self.place.trail.trim()

    def _opened(self) -> int:
        if self.handle < 0:
            self.handle = opened(self.request.path, self.key)
        return self.handle

    def _lines(self, size: int) -> bytes:
        """Whole lines of about `size` bytes, or one that is longer."""
        while True:
            data = self._after(size)
            cut = data.rfind(b"\n") + 1
            if cut or len(data) < size:
                return data[:cut]
            if size >= sources.LONGEST_LINE:
                return data
            size *= 2

    def _after(self, size: int) -> bytes:
        before = self.place.trail.recent
        data = os.pread(self._opened(), len(before) + size, self.end - len(before))
        if not data.startswith(before):
            self._anew()
            return self._after(size)
        if not self.end and sources.is_compressed(data):
            raise Replaced
        return data[len(before) :]

    def _anew(self) -> None:
        """Truncated, or overwritten. What is left of the old content is known, be it little."""
        self.place = Place(self.reader, self.request, shrunk=True)
        self.seen, self.given_up = None, False


@dataclass(slots=True, eq=False)
class Archive:
    """A compressed file, which may just be being written: it is read when it has not changed for
    a while. `seen` is how it looked when it was read."""

    reader: Reader
    request: Request
    key: Key
    size: int = 0
    seen: Look | None = None
    since: float = field(default_factory=time.monotonic)
    finished: bool = True
    handle: int = -1
    trouble: str = ""
    _now: Look | None = None
    _reading: Iterator[Piece] | None = None

    @property
    def quiet(self) -> float:
        return 0 if self.seen is None else time.monotonic() - self.since

    @property
    def lost(self) -> bool:
        return self._reading is None

    @property
    def behind(self) -> float:
        return 0.0 if self.seen is not None else time.monotonic() - self.since

    @property
    def source(self) -> int:
        """Of no use: it is read once."""
        return 0

    @property
    def lag(self) -> int:
        """Bytes not read: all of them, compressed, until the file is done."""
        return 0 if self.seen == self._now else self.size

    def rename(self, path: str) -> None:
        self.request = replace(self.request, path=path)

    def pieces(self, most: int, now: Look | None) -> Iterator[Piece]:
        """What is new in about so many bytes. Raises `Replaced`, `OSError` and `SourceError`."""
        if now is not None and not self._settled(now):
            return
        self._reading = self._reading or self.reader.read(self.request)
        while most > 0:
            piece = next(self._reading, None)
            if piece is None:
                return self._done()
            most -= len(piece.data)
            yield piece

    def _settled(self, now: Look) -> bool:
        if self.seen is not None and now != self.seen:
            raise Replaced
        if self._reading is None and now != self._now:
            self._now, self.size, self.since = now, now[0], time.monotonic()
        return now != self.seen and time.monotonic() - self.since >= SETTLED_SECONDS

    def _done(self) -> None:
        self.seen, self._reading = self._now, None
        if self.reader.problems:
            raise self.reader.problems.pop()

    def finish(self) -> Iterator[Piece]:
        """Nothing: the last line was taken with the others."""
        return iter(())

    def close(self) -> None:
        return


#: How long a compressed file must not have changed.
SETTLED_SECONDS = 1.0

TailFile = Growing | Archive


def followed(reader: Reader, request: Request, key: Key) -> TailFile:
    """The file under that name; it stays open, so that it can be renamed from now on.

    Raises `OSError` where it cannot be read, `Replaced` where the name means another file.
    """
    handle = opened(request.path, key)
    if not sources.is_compressed(os.pread(handle, sources.MAGIC_BYTES, 0)):
        return Growing(reader, request, key, handle)
    os.close(handle)
    return Archive(reader, request, key)


def opened(path: str, key: Key) -> int:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    stat = os.fstat(handle)
    if (stat.st_dev, stat.st_ino) != key:
        os.close(handle)
        raise Replaced
    return handle
