"""What the sources have read is committed together, once, whatever else happens meanwhile."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import sqlalchemy as sa

from pipeline.batch import Batch
from pipeline.commit import SourceMoved, release
from pipeline.errors import store_error
from pipeline.ingest import Ingest
from pipeline.tail_file import TailFile
from pipeline.tail_source import LONGEST_PAUSE, Taken

log = logging.getLogger("tallylog.tail")


@dataclass(slots=True)
class Commits:
    """Commits what was taken; `seconds` is how long the last commit took."""

    ingest: Ingest
    most_lines: int
    stopping: threading.Event
    done: int = 0
    failed: int = 0
    moved: int = 0
    seconds: float = 0.0
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(2))

    def commit(self, taken: Sequence[Taken]) -> None:
        """All of it, in transactions of about `most_lines` lines. Files of which another writer,
        or another file, has read the same lines are left to find out anew what is new."""
        batch: list[Taken] = []
        lines = 0
        for one in self._unrivalled(taken):
            batch.append(one)
            lines += one.result.lines
            if lines >= self.most_lines:
                self._commit(batch)
                batch, lines = [], 0
        if batch:
            self._commit(batch)

    def close(self) -> None:
        self._pool.shutdown()
        release(self.ingest.catalog, self.ingest.writer)

    def _unrivalled(self, taken: Sequence[Taken]) -> list[Taken]:
        """Without the files whose pieces don't go on where the source's last piece ended: two
        files, such as a log and its copy, have the same new lines, and one is enough."""
        ends: dict[int, int] = {}
        rivals: dict[TailFile, Taken] = {}
        for one in taken:
            piece = one.result.piece
            if ends.setdefault(piece.log.id, piece.start) != piece.start:
                rivals[one.file] = one
            elif one.file not in rivals:
                ends[piece.log.id] = piece.end
        return self._without(taken, rivals)

    def _without(self, taken: Sequence[Taken], rivals: Mapping[TailFile, Taken]) -> list[Taken]:
        self.moved += len(rivals)
        for one in rivals.values():
            one.source.restart([one.file])
        return [one for one in taken if one.file not in rivals]

    def _commit(self, batch: Sequence[Taken]) -> None:
        """Try until it is done: what was read is not read again while the disk is full."""
        pause = 1.0
        while batch:
            began = time.monotonic()
            try:
                self.ingest.flush(self._pool, Batch([one.result for one in batch]))
            except SourceMoved as error:
                self.ingest.discard()
                moved = {o.file: o for o in batch if o.result.piece.path == str(error)}
                batch = self._without(batch, moved)
                continue
            except (OSError, sa.exc.OperationalError) as error:
                self.ingest.discard()
                self.failed += 1
                log.error("%s", store_error(error, self.ingest.catalog.data_dir))
                if self.stopping.wait(pause):
                    return  # not committed, so it will be read again
                pause = min(2 * pause, LONGEST_PAUSE)
                continue
            self.seconds = time.monotonic() - began
            self.done += 1
            return
