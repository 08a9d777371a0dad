"""Questions that are stopped: because they take too long, or because nobody waits any more."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import duckdb

from pipeline.errors import QueryCancelled, QueryStopped, QueryTimeout

#: DuckDB forgets an interruption that comes between two statements: it is repeated so often.
AGAIN_SECONDS = 0.02


class Deadline:
    """So many seconds from now (None: as long as it takes) for all that is answered under it, one
    after another."""

    def __init__(self, seconds: float | None = None) -> None:
        self._seconds = seconds
        self._over_at = None if seconds is None else time.monotonic() + seconds
        self._end = threading.Event()
        self._why: QueryStopped | None = None

    def cancel(self) -> None:
        """Stop what is being answered; from any thread, and as often as one likes."""
        self._why = self._why or QueryCancelled()
        self._end.set()

    def check(self) -> None:
        """Raises `QueryStopped` when it is over."""
        if self._seconds is not None and not self._left():
            self._why = self._why or QueryTimeout(self._seconds)
        if self._why is not None:
            raise self._why

    @contextmanager
    def watch(self, *cons: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """Raises `QueryStopped` when it is over before the block is, in which all of these may be
        used."""
        self._end.clear()
        self.check()
        done = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(cons, done), daemon=True)
        watcher.start()
        try:
            yield
        except duckdb.InterruptException:
            self.check()
            raise
        finally:
            done.set()
            self._end.set()
            watcher.join()

    def _left(self) -> float | None:
        """Seconds; None: without end."""
        return None if self._over_at is None else max(0.0, self._over_at - time.monotonic())

    def _watch(self, cons: Sequence[duckdb.DuckDBPyConnection], done: threading.Event) -> None:
        if not self._end.wait(self._left()) and self._seconds is not None:
            self._why = self._why or QueryTimeout(self._seconds)
        while self._why is not None and not done.wait(AGAIN_SECONDS):
            for con in cons:
                con.interrupt()
