"""From a path to pieces of new bytes: open, recognise the format, find what is known already."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace

import sqlalchemy as sa

from parsers.detect import alike, detect
from parsers.explain import wrong_time
from parsers.follow import Others, others_of
from parsers.parse import advance
from parsers.registry import Format
from parsers.wrappers import BETWEEN, find_format
from pipeline import sources
from pipeline.catalog import Catalog
from pipeline.commit import claim
from pipeline.enrich import Log
from pipeline.errors import FormatError, SourceError
from pipeline.identity import FORK_BYTES, Point, Trail, Verdict, find, judge

SAMPLE_BYTES = 64 << 10
AUTO = "auto"
#: What differs in the names of one log's files: numbers, dates and keys. A file is first taken
#: for what the one before it was: many small files need not be held against every format.
_NUMBERED = re.compile(r"[^\W_]*\d[^\W_]*")


@dataclass(frozen=True, slots=True)
class Request:
    """One file to read, and for which site: `scope` is its name, "" where the host chooses."""

    path: str
    scope: str
    log: Log
    format: str = AUTO


@dataclass(frozen=True, slots=True)
class Piece:
    """Whole lines of one source: `data` lies at `offset`, and takes the source from `start` to
    `end`. A piece of `known` lines has no data, or that which is wanted again."""

    path: str
    log: Log
    format: Format
    others: Others | None
    start: int
    end: int
    offset: int
    data: bytes
    state: Mapping[str, str]
    state_after: Mapping[str, str]
    end_digest: bytes
    points: Sequence[Point]
    known: int = 0


@dataclass(slots=True)
class Reader:
    """Reads the files of a run. `problems` collects what could not be read, and why."""

    catalog: Catalog
    formats: Mapping[str, Format]
    piece_bytes: int
    on_read: Callable[[int], None]
    again: bool = False
    problems: list[SourceError] = field(default_factory=list)
    others: Others = field(init=False)
    _tx: sa.Connection | None = None
    _siblings: dict[str, tuple[Format, bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.others = others_of(self.formats.values())

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is found out inside is one transaction: no other process may write meanwhile."""
        with self.writing() as self._tx:
            try:
                yield
            finally:
                self._tx = None

    def writing(self) -> AbstractContextManager[sa.Connection]:
        """A transaction that finds out about one source."""
        return self.catalog.write(synced=False) if self._tx is None else nullcontext(self._tx)

    def read(self, request: Request) -> Iterator[Piece]:
        """The pieces of one file, in order. A file that cannot be read becomes a problem."""
        cut: list[SourceError] = []
        try:
            with sources.opened(request.path) as file:
                blocks = sources.blocks(file, request.path, self.piece_bytes, self.on_read)
                pieces = sources.pieces(blocks, self.piece_bytes, cut)
                yield from self._pieces(request, pieces)
        except SourceError as error:
            self.problems.append(error)
        except OSError as error:
            self.problems.append(
                SourceError(
                    f"The file cannot be read: {error.strerror or error}.",
                    request.path,
                    "what was read before is counted; run again when it can be read",
                )
            )
        self.problems += cut

    def _pieces(self, request: Request, pieces: Iterator[bytes]) -> Iterator[Piece]:
        place = Place(self, request)
        for data in pieces:
            yield from place.take(data, ended=False)
        yield from place.take(b"", ended=True)

    def format_of(self, request: Request, sample: bytes) -> Format:
        """The format asked for, in whatever wrapper, or the one the first lines speak for.

        Raises `FormatError` with the nearest candidates and the lines that spoke against them.
        """
        family = f"{request.format} {_NUMBERED.sub('#', request.path)}"
        if family in self._siblings and alike(sample, *self._siblings[family]):
            return self._siblings[family][0]
        asked = None
        if request.format != AUTO:
            asked = find_format(self.formats, request.format)
            assert asked is not None, f"there is no format {request.format}"
        found = detect(sample, self.formats if asked is None else {asked.name: asked})
        if asked is not None and found.format is None:
            _check_time(request, sample, asked)
        chosen = found.format or asked
        if chosen is not None:
            self._siblings[family] = chosen, sample
            return chosen
        against = [
            f"    {c.name}: fits {c.share:.0%} of the lines, not this one: {(c.line or '')[:100]} "
            f"({c.reason})"
            for c in found.candidates[:5]
            if c.lines
        ]
        first = sample.split(b"\n", 1)[0][:100].decode("utf-8", "replace")
        nearest = against or [f"    none; its first line is: {first}"]
        raise FormatError(
            f"The format cannot be told with enough certainty: {'; '.join(found.reasons)}.",
            request.path,
            "name it with --format or describe it in the configuration (see `tallylog formats`);"
            " the nearest were\n" + "\n".join(nearest),
        )


@dataclass(slots=True)
class Place:
    """Where in a file we are: first finding out what is known, then reading on. `log` and
    `format` are None until that is found out."""

    reader: Reader
    request: Request
    trail: Trail = field(default_factory=Trail)
    held: bytes = b""
    held_start: int = 0
    lines_before: int = 0
    log: Log | None = None
    format: Format | None = None
    state: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    #: Up to where the catalog has been told of the trail's points.
    told: int = 0
    shrunk: bool = False

    def take(self, data: bytes, ended: bool) -> Iterator[Piece]:
        """Pieces of what is new in `data`, whole lines that go on where the last ones ended;
        `ended` says that nothing more is expected, and that the last line may lack its end."""
        self.trail.feed(data)
        if self.log is not None:
            if data:
                # A last line that was taken without its end has got it now.
                skipped = int(self.cut and data[:1] == b"\n")
                self.cut = not data.endswith(b"\n")
                yield self._piece(data[skipped:], self.trail.end - len(data), skipped)
            return
        self.held += data
        if ended:
            self.trail.finish()
        if not self.trail.points:
            return  # nothing to judge by: no line has ended yet, or the file is empty
        verdict, source_id = self._judge(ended)
        if verdict.kind == "open":
            yield from self._skip(verdict)
        elif verdict.kind == "known":
            yield from self._known(verdict)
        else:
            yield from self._begin(verdict, source_id)

    def _judge(self, ended: bool) -> tuple[Verdict, int]:
        """What the stream is, and its source: a new one is made before another process can."""
        with self.reader.writing() as tx:
            found = find(tx, self.request.scope, self.trail.points)
            verdict = judge(self.trail, found, ended, self.shrunk)
            if verdict.source and verdict.kind != "fork":
                return verdict, verdict.source.id
            if self.format is None:
                self.format = self._format(verdict)
            request, lines = (
                self.request,
                self.lines_before + self._known_data(verdict).count(b"\n"),
            )
            made = claim(
                tx, request.scope, request.path, self.format.name, self.trail, verdict, lines
            )
            self.told = self.trail.end
            return verdict, made

    def _known_data(self, verdict: Verdict) -> bytes:
        """What is held of lines that were counted before."""
        return self.held[: verdict.offset - self.held_start] if verdict.offset else b""

    def _begin(self, verdict: Verdict, source_id: int) -> Iterator[Piece]:
        """Resume a known source or start a new one; what is held after the offset is new."""
        if self.format is None:
            self.format = self._format(verdict)
        known_data, state = self._known_data(verdict), self.state
        fresh = self.held[verdict.offset - self.held_start :]
        before = state
        if verdict.kind == "resume" and verdict.source:
            lines, state = verdict.source.lines, verdict.source.state
        else:
            lines = self.lines_before + known_data.count(b"\n")
            state = advance(known_data, self.format, before)
        yield from self._old(source_id, known_data, lines - self.lines_before, before)
        self.log, self.state = replace(self.request.log, id=source_id), state
        skipped = 0
        if known_data and not known_data.endswith(b"\n") and fresh[:1] == b"\n":
            skipped = 1  # a last line that was read without its end has got it now
        self.held, self.cut = b"", not self.held.endswith(b"\n")
        if len(fresh) > skipped:
            yield self._piece(fresh[skipped:], verdict.offset, skipped)

    def _format(self, verdict: Verdict) -> Format:
        if verdict.source and verdict.kind != "new":
            stored, asked = verdict.source.format, self.request.format
            known = find_format(self.reader.formats, stored)
            # A format that was asked for by name may have been found in a wrapper.
            if known is not None and (
                asked == AUTO or f"{BETWEEN}{stored}".endswith(BETWEEN + asked)
            ):
                return known
        return self.reader.format_of(self.request, self.held[:SAMPLE_BYTES])

    @property
    def _others(self) -> Others | None:
        """The formats that lines may be in as well: all, but where one was asked for by name."""
        return self.reader.others if self.request.format == AUTO else None

    def _piece(self, data: bytes, start: int, skipped: int = 0) -> Piece:
        assert self.format is not None and self.log is not None
        before = self.state
        self.state = advance(data, self.format, before)
        end = self.trail.end
        points = [p for p in self.trail.points if max(start, self.told) < p.position <= end]
        return Piece(
            self.request.path,
            self.log,
            self.format,
            self._others,
            start,
            end,
            start + skipped,
            data,
            before,
            self.state,
            self.trail.digest_at(end),
            points,
        )

    def _skip(self, verdict: Verdict) -> Iterator[Piece]:
        """All so far is known: count it and let go of it."""
        assert verdict.source is not None
        if verdict.source.matched < FORK_BYTES:
            return  # should the files differ after all, this one is new from its first byte
        if self.format is None:
            self.format = self._format(verdict)
        keep_from = verdict.source.matched - self.held_start
        gone, self.held = self.held[:keep_from], self.held[keep_from:]
        lines = gone.count(b"\n")
        yield from self._old(verdict.source.id, gone, lines, self.state)
        self.held_start = verdict.source.matched
        self.lines_before += lines
        self.state = advance(gone, self.format, self.state)

    def _known(self, verdict: Verdict) -> Iterator[Piece]:
        assert verdict.source is not None
        if self.format is None:
            self.format = self._format(verdict)
        lines = self.held.count(b"\n") + (not self.held.endswith(b"\n"))
        yield from self._old(verdict.source.id, self.held, lines, self.state)

    def _old(
        self, source_id: int, data: bytes, lines: int, state: Mapping[str, str]
    ) -> Iterator[Piece]:
        """Lines that were counted before, with their data where they are wanted again."""
        assert self.format is not None
        if not lines:
            return
        log = replace(self.request.log, id=source_id)
        wanted = data if self.reader.again else b""
        yield Piece(
            self.request.path,
            log,
            self.format,
            self._others,
            0,
            0,
            self.held_start,
            wanted,
            state,
            {},
            b"",
            (),
            known=lines,
        )


def _check_time(request: Request, sample: bytes, fmt: Format) -> None:
    """Refuse a log all of whose times are written in another way than the format says."""
    value = wrong_time(sample, fmt)
    if value is not None:
        raise FormatError(
            f"The time {value[:99]!r} is not written as the format says: {' or '.join(fmt.times)}.",
            request.path,
            "describe it with `time = …` beside the layout: clf, iso8601, epoch or %-letters",
        )
