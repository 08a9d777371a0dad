"""Ids that senders gave their hits, so that a hit sent again counts once.

They lie beside the journal, as hashes without a key: who guesses an id can tell that it was sent.
Taking them and writing the lines are one step: the ids are committed after the lines are written.
Where that fails, as on a full disk, the lines count all the same, and the process holds the ids
until it can commit them. Should it die before, the ids stand in the last lines of its file, where
the next process finds them.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.folders import make_folder
from pipeline.journal import SUFFIX

log = logging.getLogger("tallylog.collector")

NAME = "ids.db"
#: How long an id is remembered.
LIFE_SECONDS = 7 * 24 * 3600
#: The most that a process can have written while ids of a batch waited for their commit.
TAIL_BYTES = 8 << 20

_TABLE = "create table if not exists ids (id blob primary key, at integer not null) without rowid"


def digest(site: str, told: str) -> str:
    """What stands for an id of a site."""
    return hashlib.sha256(f"{site}\0{told}".encode("utf-8", "replace")).hexdigest()[:32]


@dataclass(slots=True)
class Ids:
    """The ids taken by any process of the collector."""

    folder: Path
    #: Of lines that are written, but not committed.
    _owed: set[str] = field(default_factory=set)

    @contextmanager
    def taking(self, ids: Sequence[str]) -> Iterator[set[str]]:
        """Those of the ids that are new. They are taken when the block ends without an error;
        until then other processes wait."""
        now = int(time.time())
        with self._transaction() as tx:
            tx.execute("delete from ids where at < ?", (now - LIFE_SECONDS,))
            owed = set(self._owed)
            for one in owed:
                _insert(tx, one, now)
            new = {one for one in dict.fromkeys(ids) if _insert(tx, one, now)}
            taken = frozenset(new)
            yield new
            try:
                tx.execute("commit")
                self._owed -= owed
            except sqlite3.Error as error:
                log.error("ids are held until they can be written: %s", error)
                self._owed |= taken

    def recover(self) -> None:
        """Take the ids of lines that were written by processes which died before they could."""
        found = [one for path in self.folder.glob(f"*{SUFFIX}") for one in _last_ids(path)]
        if found:
            now = int(time.time())
            with self._transaction() as tx:
                for one in found:
                    _insert(tx, one, now)
                tx.execute("commit")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        make_folder(self.folder)
        path = self.folder / NAME
        with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as connection:
            connection.execute("pragma journal_mode = wal")
            connection.execute("begin immediate")
            connection.execute(_TABLE)
            yield connection


def _insert(tx: sqlite3.Connection, one: str, now: int) -> bool:
    row = (bytes.fromhex(one), now)
    return tx.execute("insert or ignore into ids values (?, ?)", row).rowcount == 1


def _last_ids(path: Path) -> Iterable[str]:
    with open(path, "rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL_BYTES))
        lines = file.read().split(b"\n")
    for line in lines:
        if b'"id":"' in line and line.startswith(b"{") and line.endswith(b"}"):
            told = json.loads(line).get("id")
            if isinstance(told, str) and len(told) == 32:
                yield told
