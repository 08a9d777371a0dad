"""Which source is this? Known by its decompressed content, never by its name or inode.

Along a source lies a trail of points: a point is the end of a line and a digest that chains
the windows of content before it. Where the points lie follows from the content alone, so two
copies of one log, however named, cut or compressed, have the same points as far as they agree.
Up to 4 KiB every line end is a point, then the steps grow by an eighth up to 1 MiB.

What this does not see: files that overlap without one being a beginning of the other, and a
difference that lies wholly after the last point that both files have.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Literal

import sqlalchemy as sa

from pipeline import tables as t

WINDOW = 4096
DENSE = 4096
LARGEST_STEP = 1 << 20
MOST_VALUES = 500
#: Files that agree for less than this and then differ are different files that begin alike
#: (two servers watched by one monitor, equal headers) and are counted whole. Files that agree
#: for longer are copies, and counting starts where they differ.
FORK_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class Point:
    position: int
    digest: bytes


_START = Point(0, b"")


@dataclass(slots=True)
class Trail:
    """The points of a stream that is fed in pieces, in order, from its start."""

    points: list[Point] = field(default_factory=list)
    end: int = 0
    _data: bytes = b""
    _before: bytes = b""

    def feed(self, data: bytes) -> None:
        if not data:
            return
        self._before, self._data = self.recent, data
        start, self.end = self.end, self.end + len(data)
        while (target := self._target()) <= self.end:
            line_end = data.find(b"\n", max(0, target - 1 - start))
            if line_end < 0:
                break
            position = start + line_end + 1
            before = self.points[-1] if self.points else _START
            self.points.append(Point(position, self._digest(before, position)))

    def trim(self) -> None:
        """Let go of all that later points don't need: the stream goes on in small steps."""
        self._before, self._data = self.recent, b""
        del self.points[:-2]

    @property
    def recent(self) -> bytes:
        """The last bytes fed, up to a window of them."""
        return (self._before + self._data[-WINDOW:])[-WINDOW:]

    def finish(self) -> None:
        """Make the end of a stream without any line end a point, so that it has one."""
        if not self.points and self.end:
            self.points.append(Point(self.end, self.digest_at(self.end)))

    def digest_at(self, position: int) -> bytes:
        """Digest of the stream up to `position`, which lies in the piece last fed."""
        earlier = (point for point in reversed(self.points) if point.position < position)
        return self._digest(next(earlier, _START), position)

    def _digest(self, before: Point, position: int) -> bytes:
        """`before` is the last point before the position."""
        data_start = self.end - len(self._data)
        start = max(before.position, position - WINDOW) - data_start
        if start >= 0:
            window = self._data[start : position - data_start]
        else:
            window = self._before[len(self._before) + start :] + self._data[: position - data_start]
        return blake2b(before.digest + window, digest_size=8).digest()

    def _target(self) -> int:
        last = self.points[-1].position if self.points else 0
        return last + (1 if last < DENSE else min(last // 8, LARGEST_STEP))


@dataclass(frozen=True, slots=True)
class Known:
    """A source of the catalog that shares points with the stream, the deepest at `matched`."""

    id: int
    offset: int
    lines: int
    end_digest: bytes
    format: str
    state: dict[str, str]
    matched: int


_c, _s = t.checkpoints.c, t.sources.c
_MEETING = sa.select(_c.source_id, _c.position, _c.digest).where(
    _c.digest.in_(sa.bindparam("some", expanding=True))
)
_SOURCES = sa.select(_s.id, _s.offset, _s.lines, _s.end_digest, _s.format, _s.state).where(
    _s.scope == sa.bindparam("scope"), _s.id.in_(sa.bindparam("some", expanding=True))
)


def find(tx: sa.Connection, scope: str, points: Sequence[Point]) -> list[Known]:
    """The sources of the scope that share any of the points."""
    deepest: dict[int, int] = {}
    positions = {point.digest: point.position for point in points}
    for row in in_batches(tx, _MEETING, positions):
        if positions[row.digest] == row.position:
            deepest[row.source_id] = max(row.position, deepest.get(row.source_id, 0))
    return [
        Known(**row._mapping, matched=deepest[row.id])
        for row in in_batches(tx, _SOURCES, deepest, scope=scope)
    ]


def in_batches(
    tx: sa.Connection, query: sa.Select[Any], values: Collection[Any], **more: Any
) -> Iterator[sa.Row[Any]]:
    """The rows of a query that asks for `some` of the values, of which a database takes no more
    than so many at once."""
    left = list(values)
    for start in range(0, len(left), MOST_VALUES):
        yield from tx.execute(query, {"some": left[start : start + MOST_VALUES], **more})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a stream is: `known` whole, `resume`d where `source` was left, a `fork` that is new
    after `offset`, `new` from its first byte, or `open` until more of it is read."""

    kind: Literal["known", "resume", "fork", "new", "open"]
    source: Known | None = None
    offset: int = 0


def judge(trail: Trail, candidates: Iterable[Known], ended: bool, shrunk: bool = False) -> Verdict:
    """Decide from the trail so far; `ended` says that the stream has no more to come, `shrunk`
    that it was seen to be cut, and so is a fork however soon it differs."""
    candidates = list(candidates)
    if not candidates:
        return Verdict("new")
    deepest = max(candidates, key=lambda known: (known.matched, known.offset))
    in_step = deepest.matched == trail.points[-1].position
    resumable = [known for known in candidates if _goes_on(trail, known)]
    if shrunk and not resumable:
        return Verdict("fork", deepest, deepest.matched)
    if in_step and deepest.offset > trail.end:
        return Verdict("known", deepest, trail.end) if ended else Verdict("open", deepest)
    if resumable:
        best = max(resumable, key=lambda known: known.offset)
        return Verdict("resume", best, best.offset)
    if in_step and not ended:
        return Verdict("open", deepest)
    if deepest.matched >= FORK_BYTES:
        return Verdict("fork", deepest, deepest.matched)
    return Verdict("new")


def _goes_on(trail: Trail, known: Known) -> bool:
    """Whether the stream has all that was read of the source, to its last byte."""
    if known.offset <= known.matched:
        return True
    if known.offset > trail.end:
        return False
    if any(known.matched < p.position < known.offset for p in trail.points):
        return False  # a point in between that the source lacks: they differ
    return trail.digest_at(known.offset) == known.end_digest
