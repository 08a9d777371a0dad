"""Questions that are stopped: because they take too long, or because nobody waits any more."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from pipeline.errors import QueryCancelled, QueryStopped, QueryTimeout

#: DuckDB forgets an interruption that comes between two statements: it is repeated so often.
AGAIN_SECONDS = 0.02


class Deadline:
    """So many seconds (None: as long as it takes) for all that is answered under it."""

    def __init__(self, seconds: float | None = None) -> None:
        self._seconds = seconds
        self._end = threading.Event()
        self._done = threading.Event()
        self._why: QueryStopped | None = None

    def cancel(self) -> None:
        """Stop what is being answered; from any thread, and as often as one likes."""
        self._why = self._why or QueryCancelled()
        self._end.set()

    def check(self) -> None:
        """Raises `QueryStopped` when it is over."""
        if self._why is not None:
            raise self._why

    @contextmanager
    def watch(self, con: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """Raises `QueryStopped` when it is over before the block is."""
        self.check()
        watcher = threading.Thread(target=self._watch, args=(con,), daemon=True)
        watcher.start()
        try:
            yield
        except duckdb.InterruptException:
            self.check()
            raise
        finally:
            self._done.set()
            self._end.set()
            watcher.join()

    def _watch(self, con: duckdb.DuckDBPyConnection) -> None:
        if not self._end.wait(self._seconds) and self._seconds is not None:
            self._why = QueryTimeout(self._seconds)
        while self._why is not None and not self._done.wait(AGAIN_SECONDS):
            con.interrupt()
