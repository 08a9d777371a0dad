"""The files of one [[source]]: found by its patterns, followed by content, read oldest first."""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace

from pipeline import sources
from pipeline.enrich import Enricher
from pipeline.errors import SourceError
from pipeline.reading import Piece, Reader, Request
from pipeline.tail_file import Key, Look, Replaced, TailFile, followed, look
from pipeline.working import Result, fit, work_all

log = logging.getLogger("tallylog.tail")

#: How long one source may read before what it has read is committed.
POLL_SECONDS = 0.5
#: Pieces are worked together up to so many bytes.
BUNDLE_BYTES = 4 << 20
#: The longest time to let something be that failed again and again.
LONGEST_PAUSE = 60.0


#: A piece, and the file it is of.
Read = tuple[TailFile, Piece]


@dataclass(frozen=True, slots=True)
class Taken:
    """Pieces that were worked together, and the files they are of: all or none are committed."""

    source: TailSource
    files: tuple[TailFile, ...]
    results: tuple[Result, ...]

    @property
    def lines(self) -> int:
        return sum(result.lines for result in self.results)


#: Which source a file belongs to, by its site and key.
Owners = dict[tuple[str, Key], "TailSource"]


@dataclass(slots=True, eq=False)
class TailSource:
    """One thread at a time polls a source. `request` is that of its files, without a path.

    A file that patterns of two sources name belongs to the first one that met it, within a site.
    Up to `most_open` files are kept open, so that what is written to them after a rename is not
    missed; those that were read longest ago are closed, and opened again when they grow.
    """

    paths: tuple[str, ...]
    request: Request
    reader: Reader
    enricher: Enricher
    rescan_seconds: float
    finish_seconds: float
    most_open: int
    owners: Owners
    workers: Executor
    wake: threading.Event
    folders: set[str] = field(default_factory=set)
    #: Says of a file all of which is committed whether it is to be deleted.
    is_over: Callable[[str], bool] | None = None
    files: dict[Key, TailFile] = field(default_factory=dict)
    errors: int = 0
    woken: bool = True
    more: bool = False
    _pause: float = 0.0
    _resume: float = 0.0
    _names: dict[Key, tuple[str, Look]] = field(default_factory=dict)
    _scanned: float = -math.inf
    _next: Key | None = None
    _unopened: dict[str, str] = field(default_factory=dict)
    _open: dict[Key, None] = field(default_factory=dict)

    def due(self, now: float) -> float:
        """Seconds until it is to be polled; none where it was woken or has more to read."""
        scan = 0 if self.woken or self.more else self._scanned + self.rescan_seconds - now
        return max(scan, self._resume - now)

    def rouse(self) -> None:
        """Something happened in one of its folders."""
        self.woken = True
        self.wake.set()

    def poll(self, share: int) -> list[Taken]:
        """Read about `share` bytes of what is new, file by file, the oldest first."""
        self.woken = self.more = False
        began = time.monotonic()
        self._scan(began)
        self._delete_over()
        read: list[Read] = []
        for file in self._in_turn():
            if share <= 0 or time.monotonic() - began > POLL_SECONDS:
                self.more, self._next = True, file.key
                break
            for piece in self._read(file, share):
                share -= piece.end - piece.start
                read.append((file, piece))
        self.more |= share <= 0
        taken = list(self.workers.map(self._work, _bundles(self._unrivalled(read))))
        self._pause = 0.0
        return taken

    def _unrivalled(self, read: Iterable[Read]) -> Iterator[Read]:
        """Of two files that have the same new lines, such as a log and its copy, the first; the
        other is restarted, and will find them known."""
        ends: dict[int, int] = {}
        rivals: set[TailFile] = set()
        for file, piece in read:
            if file in rivals or ends.setdefault(piece.log.id, piece.start) != piece.start:
                rivals.add(file)
                continue
            ends[piece.log.id] = piece.end
            yield file, piece
        self.restart(rivals)

    def _work(self, bundle: Sequence[Read]) -> Taken:
        results = work_all([piece for _, piece in bundle], self.enricher)
        return Taken(self, tuple(file for file, _ in bundle), tuple(results))

    def restart(self, files: Iterable[TailFile]) -> None:
        """Find out anew how far these files are known."""
        for file in files:
            self._drop(file)
            self.woken = True

    def fail(self, error: BaseException) -> None:
        """A poll broke off: begin anew, after a pause that grows until one succeeds."""
        log.error("%s: %s", ", ".join(self.paths), error, exc_info=error)
        self.errors += 1
        self.restart(list(self.files.values()))
        self._pause = min(max(1.0, 2 * self._pause), LONGEST_PAUSE)
        self._resume = time.monotonic() + self._pause

    def close(self) -> None:
        self.restart(list(self.files.values()))

    @property
    def troubles(self) -> list[str]:
        """What is wrong with its files now."""
        found = [file.trouble for file in self.files.values() if file.trouble]
        return [*self._unopened.values(), *found]

    def _scan(self, now: float) -> None:
        self._scanned = now
        self._names = {}
        for path in sources.matches(self.paths):
            try:
                stat = os.stat(path)
            except FileNotFoundError:
                continue  # renamed or deleted a moment ago
            key = stat.st_dev, stat.st_ino
            self._names.setdefault(key, (path, look(stat)))
        before, self._unopened = self._unopened, {}
        for key, (path, _) in self._names.items():
            try:
                self._meet(key, path)
            except (FileNotFoundError, Replaced):
                self.woken = True  # renamed or deleted a moment ago
            except OSError as error:
                self._unopened[path] = self._trouble(path, error, before.get(path, ""))

    def _meet(self, key: Key, path: str) -> None:
        file, ours = self.files.get(key), (self.request.scope, key)
        if file is not None and file.request.path == path:
            return
        if file is not None:
            file.rename(path)
        elif self.owners.setdefault(ours, self) is self:
            try:
                file = followed(self.reader, replace(self.request, path=path), key)
            except (OSError, Replaced):
                del self.owners[ours]
                raise
            self.files[key] = file
            self._keep_open(file)
        real = os.path.realpath(path)
        self.folders |= {os.path.dirname(os.path.abspath(path)), os.path.dirname(real)}

    def _delete_over(self) -> None:
        """What was read by the poll before is committed by now, or the file restarted."""
        if self.is_over is None:
            return
        for file in list(self.files.values()):
            path, now = self._names.get(file.key, ("", None))
            if now is None or file.seen != now or file.lag or not self.is_over(path):
                continue
            # Its writer may have written a last line before it let go of the file.
            if look(os.stat(path)) == now:
                os.unlink(path)
                self._drop(file)

    def _in_turn(self) -> list[TailFile]:
        """Files without a name first, then the oldest, but where the last poll was cut short
        first those that it did not come to."""
        files = sorted(self.files.values(), key=self._age)
        start = next((i for i, file in enumerate(files) if file.key == self._next), 0)
        self._next = None
        return files[start:] + files[:start]

    def _age(self, file: TailFile) -> tuple[int, str]:
        path, (_, changed) = self._names.get(file.key, ("", (0, 0)))
        return changed, path

    def _read(self, file: TailFile, share: int) -> Iterator[Piece]:
        path, now = self._names.get(file.key, (file.request.path, None))
        if now is None and file.lost:
            return self._drop(file)
        try:
            yield from self._new(file, file.pieces(share, now))
            if file.quiet >= self.finish_seconds:
                yield from self._finish(file, named=now is not None)
        except Replaced:
            self.restart([file])
        except (OSError, SourceError) as error:
            file.trouble = self._trouble(path, error, file.trouble)
        self._keep_open(file)

    def _new(self, file: TailFile, pieces: Iterable[Piece]) -> Iterator[Piece]:
        """Without lines known before, which are not even counted as such: after every restart
        they would be."""
        for piece in pieces:
            file.trouble = ""
            if not piece.known:
                yield piece

    def _finish(self, file: TailFile, named: bool) -> Iterator[Piece]:
        if not file.finished:
            yield from self._new(file, file.finish())
        if not named:
            self._drop(file)

    def _keep_open(self, file: TailFile) -> None:
        self._open.pop(file.key, None)
        if file.lost or file.key not in self._names or file.key not in self.files:
            return
        self._open[file.key] = None
        if len(self._open) > self.most_open:
            longest = next(iter(self._open))
            del self._open[longest]
            if longest in self._names:
                self.files[longest].close()

    def _drop(self, file: TailFile) -> None:
        file.close()
        self._open.pop(file.key, None)
        if self.files.get(file.key) is file:
            del self.files[file.key]
            self.owners.pop((self.request.scope, file.key), None)

    def _trouble(self, path: str, error: Exception, before: str) -> str:
        """What to show of an error; it is logged when there was none before."""
        self.errors += 1
        if not before:
            log.warning("%s", error, extra={"path": path})
        return str(error)


def _bundles(read: Iterable[Read]) -> Iterator[list[Read]]:
    """Small pieces together, as far as they fit each other."""
    bundle: list[Read] = []
    size = 0
    for file, piece in read:
        if bundle and (size > BUNDLE_BYTES or not fit((bundle[0][1], bundle[-1][1]), piece)):
            yield bundle
            bundle, size = [], 0
        bundle.append((file, piece))
        size += len(piece.data)
    if bundle:
        yield bundle
