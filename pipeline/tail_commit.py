"""What the sources have read is committed together, once, whatever else happens meanwhile."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import sqlalchemy as sa

from pipeline.batch import Batch
from pipeline.commit import SourceMoved, release
from pipeline.errors import store_error
from pipeline.ingest import Ingest
from pipeline.reading import Piece
from pipeline.tail_file import TailFile
from pipeline.tail_source import LONGEST_PAUSE, Taken

log = logging.getLogger("tallylog.tail")


@dataclass(slots=True)
class Commits:
    """Commits what was taken, and counts transactions done and failed, and pieces that others
    had moved; `seconds` is how long the last one took."""

    ingest: Ingest
    most_lines: int
    stopping: threading.Event
    done: int = 0
    failed: int = 0
    moved: int = 0
    seconds: float = 0.0
    total_seconds: float = 0.0
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(2))

    def commit(self, taken: Sequence[Taken]) -> None:
        """All of it, in transactions of about `most_lines` lines. Files of which another writer,
        or another source, has read the same lines are left to find out anew what is new."""
        batch: list[Taken] = []
        lines = 0
        for one in self._unrivalled(taken):
            batch.append(one)
            lines += one.lines
            if lines >= self.most_lines:
                self._commit(batch)
                batch, lines = [], 0
        if batch:
            self._commit(batch)

    def close(self) -> None:
        self._pool.shutdown()
        release(self.ingest.catalog, self.ingest.writer)

    def _unrivalled(self, taken: Sequence[Taken]) -> list[Taken]:
        """Without those that don't go on where the last piece of their source ended."""
        ends: dict[int, int] = {}
        rivals: set[TailFile] = set()
        for one in taken:
            pieces = [result.piece for result in one.results]
            if any(ends.get(p.log.id, p.start) != p.start for p in _firsts(pieces)):
                rivals |= set(one.files)
            elif not rivals & set(one.files):
                ends |= {piece.log.id: piece.end for piece in pieces}
        return self._without(taken, rivals)

    def _without(self, taken: Sequence[Taken], rivals: Set[TailFile]) -> list[Taken]:
        """Without what is of these files, or was worked with it; all of it is read again."""
        left = []
        for one in taken:
            if rivals.isdisjoint(one.files):
                left.append(one)
            else:
                self.moved += 1
                one.source.restart(one.files)
        return left

    def _commit(self, batch: Sequence[Taken]) -> None:
        """Try until it is done: what was read is not read again while the disk is full."""
        pause = 1.0
        while batch:
            began = time.monotonic()
            try:
                self.ingest.flush(
                    self._pool, Batch([result for one in batch for result in one.results])
                )
            except SourceMoved as error:
                self.ingest.discard()
                batch = self._without(batch, _files_of(batch, str(error)))
                continue
            except (OSError, sa.exc.OperationalError) as error:
                self.ingest.discard()
                self.failed += 1
                log.error("%s", store_error(error, self.ingest.catalog.data_dir))
                if self.stopping.wait(pause):
                    for one in batch:
                        one.source.restart(one.files)  # it is not committed: to be read again
                    return
                pause = min(2 * pause, LONGEST_PAUSE)
                continue
            self.seconds = time.monotonic() - began
            self.total_seconds += self.seconds
            self.done += 1
            return


def _firsts(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """The first piece of each source."""
    met: set[int] = set()
    for piece in pieces:
        if piece.log.id not in met:
            met.add(piece.log.id)
            yield piece


def _files_of(batch: Sequence[Taken], path: str) -> set[TailFile]:
    """The files that had this path when they were read."""
    return {
        file
        for one in batch
        for file, result in zip(one.files, one.results, strict=True)
        if result.piece.path == path
    }
