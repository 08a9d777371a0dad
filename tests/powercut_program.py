"""Work on a store that says after each step what it promises to survive a power cut.

`python -m tests.powercut_program DATA LOG...` reads the logs in small steps, builds the statistics,
merges the parts and empties the trash; `counted N` says that so many lines are committed.
`python -m tests.powercut_program --journal FOLDER` writes hits and answers each once it is
safe.
"""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pipeline import backfill, commit, ingest, maintain, rollup
from pipeline.catalog import Catalog
from pipeline.config import Config, Retention
from pipeline.journal import Journal

PIECE_BYTES = 60_000
BATCH_ROWS = 150


def say(text: str) -> None:
    os.write(1, text.encode())


def work(data: Path, logs: Sequence[str]) -> None:
    real, done = commit.commit, 0

    def committed(catalog: Any, writer: Any, advances: Any, parts: Any) -> None:
        nonlocal done
        real(catalog, writer, advances, parts)
        done += sum(advance.lines for advance in advances)
        say(f"counted {done}")

    ingest.commit = committed  # type: ignore[attr-defined]
    backfill.Ingest = partial(ingest.Ingest, batch_rows=BATCH_ROWS)  # type: ignore[misc,assignment]
    for log in logs:
        backfill.backfill(Config(), data, [log], "s", "combined", piece_bytes=PIECE_BYTES)
    catalog = Catalog(data)
    rollup.rollup(catalog)
    maintain.maintain(catalog, Retention(), grace=dt.timedelta())
    catalog.close()
    say("done")


def journal(folder: Path) -> None:
    written = Journal(folder)
    for number in range(5):
        written.sync(written.append(b'{"n": %d}\n' % number))
        say(f"answered {number + 1}")


if __name__ == "__main__":
    if sys.argv[1] == "--journal":
        journal(Path(sys.argv[2]))
    else:
        work(Path(sys.argv[1]), sys.argv[2:])
