"""The loop that joins the stages: read, parse, enrich, write parts, commit. Exactly once.

One thread reads and commits, others parse, enrich and write; the libraries below release the
interpreter lock for most of it. Pieces are committed in the order they were read, many files in
one transaction, so that memory is bounded by the batch and small files cost no more than large.
"""

from __future__ import annotations

import datetime as dt
import gc
import uuid
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from parsers.parse import parse
from parsers.registry import Format
from pipeline import store
from pipeline.catalog import Catalog
from pipeline.commit import Advance, NewPart, SourceMoved, commit, release
from pipeline.enrich import Enricher, Lexicon, count_classes
from pipeline.progress import Meter, Silent
from pipeline.reading import Piece, Reader, Request
from pipeline.schema import DAILY
from pipeline.summary import Summary

#: Larger pieces mean fewer distinct values to look up again, and more memory.
PIECE_BYTES = 32 << 20
#: Rows held before they are written: fewer make small parts, more need memory.
BATCH_ROWS = 500_000
#: How often a file whose source another writer moved is read anew.
ATTEMPTS = 10


#: Site and date.
Day = tuple[str, dt.date]


#: Events with codes for texts, and where their texts are.
Rows = tuple[Lexicon, pa.Table]


@dataclass(frozen=True, slots=True)
class Result:
    """A piece worked through: its events by day, and what became of its lines."""

    piece: Piece
    rows: Mapping[Day, Rows]
    lines: int
    outcomes: Mapping[str, int]
    bots: Mapping[str, int]
    rejects: list[tuple[int, int, str]]
    salts: Mapping[Day, int]
    others: Mapping[str, int] = field(default_factory=dict)


def work(piece: Piece, enricher: Enricher, existing: Set[Day] = frozenset()) -> Result:
    """Parse and enrich one piece; of known lines, keep what is of no `existing` day."""
    if not piece.data:
        return Result(piece, {}, piece.known, {"known": piece.known}, {}, [], {})
    parsed = parse(piece.data, piece.offset, piece.format, piece.state, others=piece.others)
    piece = replace(piece, data=b"")  # results wait for their commit: the bytes need not
    outcomes = {"directive": parsed.directives, "rejected": parsed.rejects.num_rows}
    rejects = [tuple(row.values()) for row in parsed.rejects.slice(0, 1000).to_pylist()]
    if not parsed.table.num_rows:
        outcomes = {"known": piece.known} if piece.known else outcomes
        return Result(piece, {}, parsed.lines, outcomes, {}, rejects, {})
    enriched = enricher.enrich(parsed.table, piece.log)
    lexicon = enriched.lexicon
    days = store.by_day(enriched.rows, lexicon.names("site").values)
    if piece.known:
        days = {day: rows for day, rows in days.items() if day not in existing}
    classes, bots = count_classes(lexicon, days.values())
    rows = {day: (lexicon, of_day) for day, of_day in days.items()}
    salts = {day: serial for day, serial in enriched.salts.items() if day in days}
    if piece.known:
        outcomes = {"known": piece.known - classes.total(), **classes}
        return Result(piece, rows, 0, outcomes, bots, [], salts)
    outcomes |= {"excluded": enriched.excluded, **classes}
    return Result(piece, rows, parsed.lines, outcomes, bots, rejects, salts, parsed.others)


def _counts(column: pa.ChunkedArray) -> dict[str, int]:
    return {str(row["values"]): row["counts"] for row in pc.value_counts(column).to_pylist()}


@dataclass(slots=True)
class Batch:
    """Results since the last commit."""

    results: list[Result] = field(default_factory=list)
    rows: int = 0
    ends: dict[int, int] = field(default_factory=dict)

    def add(self, result: Result) -> bool:
        """False, and nothing is added, where the piece does not begin where the last one of its
        source ended: two files, such as a log and its copy, have the same new lines."""
        piece = result.piece
        if not piece.known:
            if self.ends.setdefault(piece.log.id, piece.start) != piece.start:
                return False
            self.ends[piece.log.id] = piece.end
        self.results.append(result)
        self.rows += sum(rows.num_rows for _, rows in result.rows.values())
        return True

    def days(self) -> dict[Day, list[Rows]]:
        found: dict[Day, list[Rows]] = {}
        for result in self.results:
            for day, rows in result.rows.items():
                found.setdefault(day, []).append(rows)
        return found

    def without_rows(self) -> Batch:
        return Batch([replace(result, rows={}) for result in self.results])

    def advances(self) -> list[Advance]:
        """One per source, from where its first piece began to where its last one ended."""
        found: dict[int, Advance] = {}
        for result in self.results:
            piece = result.piece
            advance = found.get(piece.log.id)
            if advance is None or (advance.start == advance.end and not piece.known):
                fresh = Advance(piece.log.id, piece.path, piece.start, piece.start)
                if advance is not None:
                    fresh.outcomes, fresh.bots = advance.outcomes, advance.bots
                advance = found[piece.log.id] = fresh
            _extend(advance, result)
        return list(found.values())


def _extend(advance: Advance, result: Result) -> None:
    piece = result.piece
    advance.outcomes = dict(Counter(advance.outcomes) + Counter(result.outcomes))
    advance.bots = dict(Counter(advance.bots) + Counter(result.bots))
    if piece.known:
        return
    advance.end, advance.state = piece.end, piece.state_after
    advance.end_digest = piece.end_digest
    advance.points = [*advance.points, *piece.points]
    advance.lines += result.lines
    advance.rejects += result.rejects


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
    _parts: int = 0
    _existing: Set[Day] = frozenset()
    _unlisted: list[Path] = field(default_factory=list)
    _advances: list[Advance] = field(default_factory=list)
    _new_parts: list[NewPart] = field(default_factory=list)
    _counted: list[Batch] = field(default_factory=list)
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
        """Delete parts that were written but not committed."""
        for path in self._unlisted:
            path.unlink(missing_ok=True)
        self._forget_batch()

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
                for request, result in self._results(pool, reader, requests):
                    if request in rivals:
                        continue
                    if result is None:
                        done.append(request)
                        self.meter.file_done(request.path)
                        continue
                    if not batch.add(result):
                        rivals.append(request)
                        continue
                    self.meter.advance(self._bytes, result.lines)
                    self._bytes = 0
                    if batch.rows >= self.batch_rows:
                        self.flush(pool, batch)
                        batch = Batch()
                self.flush(pool, batch, last=True)
            except SourceMoved as error:
                raise _Conflict(self._finished(done, batch)) from error
            finally:
                pool.shutdown(cancel_futures=True)
        self.summary.files += len(requests) - len(rivals)
        self.summary.problems += [str(problem) for problem in reader.problems]
        return rivals

    def _read(self, count: int) -> None:
        self.summary.bytes += count
        self._bytes += count

    def _finished(self, done: list[Request], batch: Batch) -> list[Request]:
        """Files of which nothing was in the batch that failed."""
        failed = {result.piece.path for result in batch.results}
        return [request for request in done if request.path not in failed]

    def _results(
        self, pool: ThreadPoolExecutor, reader: Reader, requests: Iterable[Request]
    ) -> Iterator[tuple[Request, Result | None]]:
        """Worked pieces in the order they were read; None after the last of a file."""
        waiting: deque[tuple[Request, Future[Result] | None]] = deque()
        for request in requests:
            for piece in reader.read(request):
                future = pool.submit(work, piece, self.enricher, self._existing)
                waiting.append((request, future))
                while len(waiting) > self.jobs:
                    yield _done(waiting.popleft())
            waiting.append((request, None))
        while waiting:
            yield _done(waiting.popleft())

    def flush(self, pool: ThreadPoolExecutor, batch: Batch, last: bool = False) -> None:
        """Write the batch's parts and commit them with the offsets they were read up to.

        Lines wanted again are committed once, at the end: a day that has some of them back
        would be taken for one that still has them all.
        """
        self._advances += batch.advances()
        self._new_parts += self._write(pool, batch)
        self._counted.append(batch.without_rows())
        if self.again and not last:
            return
        if self._advances:
            commit(self.catalog, self.writer, self._advances, self._new_parts)
        for counted in self._counted:
            self._count(counted)
        self._forget_batch()

    def _forget_batch(self) -> None:
        for held in (self._unlisted, self._advances, self._new_parts, self._counted):
            held.clear()

    def _write(self, pool: ThreadPoolExecutor, batch: Batch) -> list[NewPart]:
        salts = {key: n for result in batch.results for key, n in result.salts.items()}
        futures = []
        for (site, date), rows in batch.days().items():
            self._parts += 1
            path = store.part_path(site, date, self.writer, self._parts)
            self._unlisted.append(self.catalog.absolute(path))
            futures.append(pool.submit(self._write_one, path, site, date, rows, salts))
        return [future.result() for future in futures]

    def _write_one(
        self, path: str, site: str, date: dt.date, rows: list[Rows], salts: Mapping[Day, int]
    ) -> NewPart:
        table = _texts(rows)
        size = store.write(table, self.catalog.absolute(path))
        sources = {int(s): n for s, n in _counts(table.column("log_id")).items()}
        return NewPart(
            path,
            self.site_ids[site],
            date,
            table.num_rows,
            size,
            sources,
            salts.get((site, date), 1),
        )

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


def _texts(rows: list[Rows]) -> pa.Table:
    """The events themselves. Nearly always there is one lexicon, and nothing to join."""
    of_lexicon: dict[int, list[pa.Table]] = {}
    for lexicon, table in rows:
        of_lexicon.setdefault(id(lexicon), []).append(table)
    lexicons = {id(lexicon): lexicon for lexicon, _ in rows}
    tables = [lexicons[key].texts(pa.concat_tables(of)) for key, of in of_lexicon.items()]
    return tables[0] if len(tables) == 1 else store.join(tables)


def _kept_days(catalog: Catalog) -> Set[Day]:
    """Days that have events, or statistics of any kind."""
    kept = {(day.site, day.date) for day in catalog.days() if day.has_events}
    for table in DAILY:
        kept |= {(part.site, part.date) for part in catalog.daily_parts(table)}
    return kept


def _done(waiting: tuple[Request, Future[Result] | None]) -> tuple[Request, Result | None]:
    request, future = waiting
    return request, None if future is None else future.result()
