"""Rows that were just written and are still held, so that a roll-up need not read them again."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from pipeline.enrich.lexicon import Lexicon

#: Events with codes for texts, and where their texts are.
Rows = tuple[Lexicon, pa.Table]
#: A longer log would need too much memory: nothing of it is kept.
MOST_ROWS = 1 << 20


class Kept:
    """Rows of parts by path, with these columns; without any, nothing is kept. A part never
    changes, so what is kept of it is what it holds."""

    def __init__(self, columns: Sequence[str] = ()) -> None:
        self._columns = list(columns)
        self._rows: dict[Path, list[Rows]] = {}
        self._size = 0
        self._lock = threading.Lock()

    def add(self, path: Path, rows: list[Rows]) -> None:
        with self._lock:
            self._size += sum(table.num_rows for _, table in rows)
            if not self._columns or self._size > MOST_ROWS:
                self._rows.clear()
                return
            self._rows[path] = [(lexicon, table.select(self._columns)) for lexicon, table in rows]

    def rows(self) -> Mapping[Path, list[Rows]]:
        return self._rows
