"""The loop that joins the stages: read, parse, enrich, write parts, commit. Exactly once.

One thread reads and commits, others parse, enrich and write; the libraries below release the
interpreter lock for most of it. Pieces are committed in the order they were read, many files in
one transaction, so that memory is bounded by the batch and small files cost no more than large.
"""

from __future__ import annotations

import gc
import uuid
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import chain

from parsers.registry import Format
from pipeline import sources
from pipeline.batch import Batch, Writing
from pipeline.catalog import Catalog
from pipeline.commit import SourceMoved, commit, release
from pipeline.enrich import Enricher
from pipeline.kept import Kept
from pipeline.progress import Meter, Silent
from pipeline.reading import Piece, Reader, Request
from pipeline.schema import DAILY
from pipeline.summary import Summary
from pipeline.working import Day, Result, fit, work_all

#: Larger pieces mean fewer distinct values to look up again, and more memory: twice as large
#: costs a quarter more of it and saves some hundredths of the time.
PIECE_BYTES = 16 << 20
#: Small pieces are worked together, at first up to this part of PIECE_BYTES, so that no job waits
#: for long, then more and more.
FIRST = 4
#: So many small files, and about so many of their bytes, are held against the catalog at once.
BURST_FILES, BURST_BYTES = 64, 8 << 20
#: Rows held before they are written: fewer make small parts, more need memory.
BATCH_ROWS = 250_000
#: How often a file whose source another writer moved is read anew.
ATTEMPTS = 10


@dataclass(slots=True)
class Ingest:
    """One run. `commits` counts the transactions; what a failed one held is read anew."""

    catalog: Catalog
    enricher: Enricher
    formats: Mapping[str, Format]
    site_ids: Mapping[str, int]
    jobs: int = 2
    piece_bytes: int = PIECE_BYTES
    batch_rows: int = BATCH_ROWS
    meter: Meter = field(default_factory=Silent)
    writer: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    summary: Summary = field(default_factory=Summary)
    days: set[Day] = field(default_factory=set)
    again: bool = False
    kept: Kept = field(default_factory=Kept)
    _parts: int = 0
    _existing: Set[Day] = frozenset()
    _writings: list[Writing] = field(default_factory=list)
    _ours: Counter[int] = field(default_factory=Counter)
    _reread: set[str] = field(default_factory=set)
    _bytes: int = 0

    def run(self, requests: Sequence[Request]) -> None:
        """Read all files; those whose source another writer moved meanwhile are read again.

        Raises `OSError` when the disk is full: what is committed stays, the rest is read by
        the next run.
        """
        left = list(requests)
        # What is made here has no cycles, and looking for some took a tenth of the time.
        gc.disable()
        try:
            for _ in range(ATTEMPTS):
                try:
                    while left:
                        left = self._pass(left)
                    return
                except _Conflict as conflict:
                    self.discard()
                    left = [request for request in left if request not in conflict.done]
                    self._reread |= {request.path for request in left}
            raise SourceMoved(left[0].path)
        finally:
            gc.enable()
            self.discard()
            release(self.catalog, self.writer)

    def discard(self) -> None:
        """Delete parts that were not committed."""
        for writing in self._writings:
            wait([part for part in writing.parts if not part.cancelled()])
            for path in writing.paths:
                path.unlink(missing_ok=True)
        self._writings.clear()

    def _pass(self, requests: Sequence[Request]) -> list[Request]:
        """Read the files; returns those that are to be read once more when this is committed."""
        reader = Reader(self.catalog, self.formats, self.piece_bytes, self._read, again=self.again)
        if self.again:
            self._existing = _kept_days(self.catalog)
        done: list[Request] = []
        rivals: list[Request] = []
        batch = Batch()
        with ThreadPoolExecutor(self.jobs) as pool:
            try:
                for request, result in self._results(pool, reader, requests, rivals):
                    if result is None:
                        done.append(request)
                        self.meter.file_done(request.path)
                        continue
                    batch.add(result)
                    self.meter.advance(self._bytes, result.lines)
                    self._bytes = 0
                    if batch.rows >= self.batch_rows:
                        self._write(pool, batch)
                        batch = Batch()
                self.flush(pool, batch)
            except SourceMoved as error:
                batches = [*(writing.batch for writing in self._writings), batch]
                raise _Conflict(_without(done, batches)) from error
            finally:
                pool.shutdown(cancel_futures=True)
        self.summary.files += len(requests) - len(rivals)
        self.summary.problems += [str(problem) for problem in reader.problems]
        return rivals

    def _read(self, count: int) -> None:
        self.summary.bytes += count
        self._bytes += count

    def _results(
        self,
        pool: ThreadPoolExecutor,
        reader: Reader,
        requests: Iterable[Request],
        rivals: list[Request],
    ) -> Iterator[tuple[Request, Result | None]]:
        """Worked pieces in the order they were read; None after the last of a file."""
        waiting: deque[tuple[list[tuple[Request, bool]], Future[list[Result]] | None]] = deque()
        read = _read_all(reader, requests, rivals)
        for steps in _together(read, self.piece_bytes):
            pieces = [piece for _, piece in steps if piece is not None]
            worked = (
                pool.submit(work_all, pieces, self.enricher, self._existing) if pieces else None
            )
            # The futures have the pieces, and let go of their bytes.
            waiting.append(([(request, piece is not None) for request, piece in steps], worked))
            while len(waiting) > self.jobs:
                yield from _done(*waiting.popleft())
        while waiting:
            yield from _done(*waiting.popleft())

    def flush(self, pool: ThreadPoolExecutor, batch: Batch) -> None:
        """Write the batch's parts and commit all there is."""
        self._write(pool, batch)
        self._commit()

    def _write(self, pool: ThreadPoolExecutor, batch: Batch) -> None:
        """Begin to write the batch's parts, when those of the one before are committed.

        Lines wanted again are committed once, at the end: a day that has some of them back
        would be taken for one that still has them all.
        """
        if not self.again:
            self._commit()
        first = self._parts + 1
        self._parts += len(batch.days())
        self._writings.append(
            batch.write(pool, self.catalog, self.site_ids, self.writer, first, self.kept)
        )

    def _commit(self) -> None:
        """Commit what was written, with the offsets it was read up to."""
        wait(list(chain.from_iterable(writing.parts for writing in self._writings)))
        advances = [advance for writing in self._writings for advance in writing.batch.advances()]
        parts = [part.result() for writing in self._writings for part in writing.parts]
        if advances:
            commit(self.catalog, self.writer, advances, parts)
        for writing in self._writings:
            self._count(writing.batch)
        self._writings.clear()

    def _count(self, batch: Batch) -> None:
        """Add what is committed now to the summary. Lines that this very run made known, before
        a conflict, do not count as known."""
        for result in batch.results:
            source = result.piece.log.id
            outcomes = Counter(result.outcomes)
            if not result.piece.known:
                self._ours[source] += result.lines
            elif result.piece.path in self._reread:
                ours = min(self._ours[source], outcomes["known"])
                outcomes["known"] -= ours
                self._ours[source] -= ours
            self.summary.outcomes += outcomes
            for other, lines in result.others.items():
                self.summary.followed[result.piece.path, result.piece.format.name, other] += lines
            self.summary.bots += sum(result.bots.values())
            self.days |= result.salts.keys()
        self.summary.days = len(self.days)


class _Conflict(Exception):
    """A batch was not committed; `done` are the files that need not be read again."""

    def __init__(self, done: list[Request]) -> None:
        super().__init__(len(done))
        self.done = done


def _kept_days(catalog: Catalog) -> Set[Day]:
    """Days that have events, or statistics of any kind."""
    kept = {(day.site, day.date) for day in catalog.days() if day.has_events}
    for table in DAILY:
        kept |= {(part.site, part.date) for part in catalog.daily_parts(table)}
    return kept


#: A piece of a file; or None, when the file has no more.
_Step = tuple[Request, Piece | None]


def _read_all(
    reader: Reader, requests: Iterable[Request], rivals: list[Request]
) -> Iterator[_Step]:
    """All steps of the files. Those of small files are found out together: a transaction takes
    longer than to read one."""
    ends: dict[int, int] = {}
    for group in _bursts(requests):
        steps = _steps(reader, group, rivals, ends)
        if len(group) == 1:
            yield from steps
            continue
        while ahead := _ahead(reader, steps):
            yield from ahead


def _ahead(reader: Reader, steps: Iterator[_Step]) -> list[_Step]:
    """The next of the steps, as far as they are found out in one transaction."""
    found: list[_Step] = []
    size = 0
    with reader.together():
        while size < BURST_BYTES and (step := next(steps, None)):
            found.append(step)
            size += len(step[1].data) if step[1] else 0
    return found


def _bursts(requests: Iterable[Request]) -> Iterator[list[Request]]:
    """Small files that follow each other; all others, which may keep us waiting, one by one."""
    burst: list[Request] = []
    for request in requests:
        small = sources.is_small(request.path)
        if burst and not (small and len(burst) < BURST_FILES):
            yield burst
            burst = []
        if small:
            burst.append(request)
        else:
            yield [request]
    if burst:
        yield burst


def _steps(
    reader: Reader, requests: Iterable[Request], rivals: list[Request], ends: dict[int, int]
) -> Iterator[_Step]:
    """The steps of the files. Two of them, such as a log and its copy, may have the same new
    lines: the second is read no further than to where that shows, and is one of the `rivals`.
    `ends` is how far each source has been read."""
    for request in requests:
        for piece in reader.read(request):
            if not piece.known and ends.setdefault(piece.log.id, piece.start) != piece.start:
                rivals.append(request)
                break
            if not piece.known:
                ends[piece.log.id] = piece.end
            yield request, piece
        else:
            yield request, None


def _together(read: Iterable[_Step], most: int) -> Iterator[list[_Step]]:
    """The steps in groups whose pieces can be worked together, of at most about `most` bytes."""
    size = most // FIRST
    steps: list[_Step] = []
    pieces: list[Piece] = []
    for request, piece in read:
        if piece and pieces and not (len(piece.data) < size and fit(pieces, piece)):
            yield steps
            steps, pieces = [], []
        steps.append((request, piece))
        pieces += [piece] if piece else []
        if sum(len(p.data) for p in pieces) >= size:
            yield steps
            steps, pieces, size = [], [], min(size + most // FIRST, most)
    yield steps


def _done(
    steps: list[tuple[Request, bool]], worked: Future[list[Result]] | None
) -> Iterator[tuple[Request, Result | None]]:
    results = iter(worked.result() if worked else [])
    for request, has_piece in steps:
        yield request, next(results) if has_piece else None


def _without(done: Sequence[Request], batches: Iterable[Batch]) -> list[Request]:
    """Files of which nothing was in the batches."""
    failed = {result.piece.path for batch in batches for result in batch.results}
    return [request for request in done if request.path not in failed]
