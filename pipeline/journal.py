"""The journal: what the collector was told, a line of JSON a hit, until `tallylog ingest` has
committed it.

Every process of the collector writes a file of its own for each hour under `journal/`, whole
lines in append mode. It holds a lock on its file for as long as it may write to it, so whoever
gets the lock knows that no line will come any more, however the process ended. Nothing in it
tells an address: lines are hashed before they come here.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from pipeline.folders import make_folder, sync_folder

FOLDER = "journal"
SUFFIX = ".ndjson"
#: Name of the format in parsers/formats that reads it.
FORMAT = "journal"
_HOUR = 3600
_FLAGS = os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_WRONLY | os.O_CLOEXEC


def folder(data_dir: Path) -> Path:
    return data_dir / FOLDER


def pattern(data_dir: Path) -> str:
    """What names the files of the journal."""
    return str(folder(data_dir) / f"*{SUFFIX}")


@dataclass(slots=True)
class Journal:
    """One process writes through it, from any of its threads."""

    folder: Path
    clock: Callable[[], float] = time.time
    _lock: Lock = field(default_factory=Lock)
    _syncing: Lock = field(default_factory=Lock)
    _handle: int = -1
    _until: float = 0.0
    _written: int = 0
    _synced: int = 0

    def append(self, lines: bytes) -> int:
        """Write whole lines at once; returns a ticket for `sync`.

        Raises `OSError` where that fails: then nothing of them is left in the file.
        """
        with self._lock:
            if self.clock() >= self._until:
                # Files are told apart by how they begin, and two may begin with the same hit.
                lines = b'{"file":"%s",%s' % (self._turn().encode(), lines[1:])
            written = os.write(self._handle, lines)
            if written != len(lines):
                self._take_back(written)
            self._written += 1
            return self._written

    def sync(self, ticket: int) -> None:
        """Return when what the ticket stands for is on the disk. Those who wait meanwhile are
        done with one call of the system."""
        with self._syncing:
            if self._synced >= ticket:
                return
            with self._lock:
                if self._handle < 0:
                    return  # what is closed was synced
                # The file may be closed meanwhile, and its number be another's.
                handle, reached = os.dup(self._handle), self._written
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
            self._synced = max(self._synced, reached)

    def turn(self) -> None:
        """Let go of a file whose hour is over, so that it can be deleted once it is read."""
        with self._syncing, self._lock:
            if self._handle >= 0 and self.clock() >= self._until:
                self._close()

    def close(self) -> None:
        with self._syncing, self._lock:
            if self._handle >= 0:
                self._close()

    def _turn(self) -> str:
        """Begin a new file; returns what it is called."""
        if self._handle >= 0:
            self._close()
        now = self.clock()
        hour = time.strftime("%Y-%m-%dT%H", time.gmtime(now))
        make_folder(self.folder)
        name = f"{hour}-{secrets.token_hex(4)}"
        # Nobody may see it without its lock, and take it for one that is left.
        path = self.folder / f"{name}.new"
        self._handle = os.open(path, _FLAGS, 0o640)
        fcntl.flock(self._handle, fcntl.LOCK_SH)
        os.rename(path, path.with_suffix(SUFFIX))
        sync_folder(self.folder)
        self._until = (now // _HOUR + 1) * _HOUR
        return name

    def _close(self) -> None:
        os.fsync(self._handle)
        self._synced = self._written
        os.close(self._handle)
        self._handle, self._until = -1, 0.0

    def _take_back(self, written: int) -> None:
        size = os.fstat(self._handle).st_size
        os.ftruncate(self._handle, size - written)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def is_left(path: str) -> bool:
    """Whether no process may write to a file of the journal any more."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return True
