"""The lock that keeps a second ingest from a store, and who holds it.

It is one of POSIX, of which the system can tell the holder without touching it.
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import StoreError

LOCK = "ingest.lock"
#: `struct flock`: type, whence, start, length, pid.
_FLOCK = "hhqqi0q"


@contextmanager
def alone(data_dir: Path) -> Iterator[None]:
    """Keeps other ingests from the store, for as long as the process lives.

    Raises `StoreError` with the pid of the one that is there.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    with open(data_dir / LOCK, "a+") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError) as error:
            file.seek(0)
            raise StoreError(
                f"Another ingest, pid {file.read().strip() or 'unknown'}, works on this store.",
                str(data_dir),
                "stop it first, or use another data folder",
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def holder(data_dir: Path) -> int | None:
    """The pid of the ingest that works on the store; None where none does, or one that is not
    among the processes that can be seen from here, as in another container."""
    asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    try:
        with open(data_dir / LOCK, "rb") as file:
            told = struct.unpack(_FLOCK, fcntl.fcntl(file, fcntl.F_GETLK, asked))
    except FileNotFoundError:
        return None
    return told[4] if told[0] != fcntl.F_UNLCK and told[4] > 0 else None
