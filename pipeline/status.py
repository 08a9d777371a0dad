"""What the tailer says of itself to other processes: a small file beside the catalog.

It is written anew about every second while there is something to do, and every ten seconds
otherwise. It is no part of the store: a backup can leave it out.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.tail_commit import Commits
    from pipeline.tail_source import TailSource

log = logging.getLogger("tallylog.status")

NAME = "ingest.json"
#: A status older than this is of a tailer that is gone or hangs.
FRESH_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """A [[source]] of the configuration. `lag_bytes` wait to be read (of compressed files, as
    they lie there), `lag_seconds` is for how long the file that waits longest does."""

    site: str
    paths: Sequence[str]
    files: int
    lag_bytes: int
    lag_seconds: float
    stuck: bool
    errors: int
    troubles: Sequence[str]


def write(
    path: Path, sources: Sequence[TailSource], stuck: Sequence[TailSource], commits: Commits
) -> None:
    """Replace the status; a reader sees the old one or the new one."""
    states = [asdict(_status(source, source in stuck)) for source in sources]
    status = {
        "pid": os.getpid(),
        "time": time.time(),
        "sources": [
            told for source, told in zip(sources, states, strict=True) if source.is_over is None
        ],
        "journal": [told for source, told in zip(sources, states, strict=True) if source.is_over],
        "files": {
            str(file.source): {"lag_bytes": file.lag, "lag_seconds": round(file.behind, 1)}
            for source in sources
            if source not in stuck
            for file in list(source.files.values())
            if file.source and file.lag
        },
        "commits": {
            "done": commits.done,
            "failed": commits.failed,
            "moved": commits.moved,
            "seconds": round(commits.seconds, 4),
            "total_seconds": round(commits.total_seconds, 3),
        },
    }
    unfinished = path.with_suffix(".tmp")
    try:
        unfinished.write_text(json.dumps(status), "utf-8")
        os.replace(unfinished, path)
    except OSError as error:
        log.warning("the status cannot be written: %s", error)


def _status(source: TailSource, stuck: bool) -> SourceStatus:
    files = list(source.files.values())
    return SourceStatus(
        source.request.scope,
        source.paths,
        len(files),
        sum(file.lag for file in files),
        round(max((file.behind for file in files), default=0.0), 1),
        stuck,
        source.errors,
        source.troubles,
    )


def read(data_dir: Path) -> dict[str, Any] | None:
    """The status of the tailer that works on the store; None where none does."""
    try:
        status: dict[str, Any] = json.loads((data_dir / NAME).read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return status if time.time() - status["time"] < FRESH_SECONDS else None


def lags(data_dir: Path) -> Callable[[int], dict[str, Any]]:
    """The lag of a source by its number in the catalog; unknown where no tailer works."""
    status = read(data_dir)
    none = {"lag_bytes": None, "lag_seconds": None}
    if status is None:
        return lambda _: none
    nothing = {"lag_bytes": 0, "lag_seconds": 0.0}
    return lambda number: status["files"].get(str(number), nothing)
