"""`tallylog ingest`: follow the sources, commit what is new about every second, for years.

Every source is polled on a thread of its own, so that one that hangs or is broken delays no
other; what they read is committed together.
"""

from __future__ import annotations

import glob
import itertools
import os
import resource
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

from parsers.registry import load_formats
from pipeline import backfill, journal, status
from pipeline.catalog import Catalog
from pipeline.config import Config, Source
from pipeline.config import Ingest as Settings
from pipeline.enrich import Enricher
from pipeline.enrich.salts import Salts
from pipeline.errors import SourceError
from pipeline.folders import make_folder
from pipeline.ingest import Ingest
from pipeline.reading import Reader
from pipeline.tail_commit import Commits
from pipeline.tail_source import Owners, TailSource, Taken
from pipeline.tail_watch import Watcher

#: Bytes that all sources together read before a commit, and the least that one of them reads.
TURN_BYTES = 16 << 20
LEAST_BYTES = 256 << 10
PIECE_BYTES = 4 << 20


@dataclass(slots=True)
class Tail:
    """The loop. Set `stopping` and then `wake`, and it ends with everything committed."""

    sources: list[TailSource]
    commits: Commits
    settings: Settings
    workers: ThreadPoolExecutor
    stopping: threading.Event = field(default_factory=threading.Event)
    wake: threading.Event = field(default_factory=threading.Event)
    watcher: Watcher = field(default_factory=Watcher)
    _pool: ThreadPoolExecutor = field(init=False)
    _flying: dict[Future[list[Taken]], TailSource] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._pool = ThreadPoolExecutor(max(1, len(self.sources)), "poll")

    def run(self) -> None:
        self.watcher.start()
        try:
            while not self.stopping.is_set():
                began = time.monotonic()
                self.turn()
                if not any(source.more for source in self.sources):
                    self.stopping.wait(began + self.settings.commit_seconds - time.monotonic())
                    self.wake.wait(self._idle())
                    self.wake.clear()
        finally:
            self.watcher.stop()

    def stop(self) -> None:
        self.stopping.set()
        self.wake.set()

    def close(self) -> None:
        """Let go of all files; threads that hang are not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self.workers.shutdown(wait=False, cancel_futures=True)
        self.commits.close()
        self._status.unlink(missing_ok=True)
        for source in self._landed():
            source.close()

    def turn(self) -> None:
        """Poll the sources that are due, and commit what has come in."""
        due = self._due()
        share = max(LEAST_BYTES, TURN_BYTES // max(1, len(due)))
        started = {self._pool.submit(source.poll, share): source for source in due}
        self._flying |= started
        for late in wait(started, self.settings.commit_seconds).not_done:
            late.add_done_callback(lambda _: self.wake.set())
        landed = [future for future in self._flying if future.done()]
        self.commits.commit([taken for future in landed for taken in self._land(future)])
        for source in due:
            self.watcher.watch(source.folders, source.rouse)
        if due or landed:
            status.write(self._status, self.sources, self.stuck, self.commits)

    @property
    def _status(self) -> Path:
        return self.commits.ingest.catalog.data_dir / status.NAME

    @property
    def stuck(self) -> list[TailSource]:
        """Sources that have not come back from reading."""
        return list(self._flying.values())

    def _due(self) -> list[TailSource]:
        now = time.monotonic()
        return [source for source in self._landed() if source.due(now) <= 0]

    def _landed(self) -> list[TailSource]:
        flying = set(self._flying.values())
        return [source for source in self.sources if source not in flying]

    def _land(self, future: Future[list[Taken]]) -> list[Taken]:
        source = self._flying.pop(future)
        error = future.exception()
        if error is None:
            return future.result()
        source.fail(error)
        return []

    def _idle(self) -> float:
        """Seconds until a source is to be polled, if nothing happens."""
        now, longest = time.monotonic(), self.settings.rescan_seconds
        return max(0.0, min((s.due(now) for s in self._landed()), default=longest))


def make(config: Config, catalog: Catalog) -> Tail:
    """The tailer of all sources of the configuration.

    Raises `SourceError` where there are none, `StoreError` where a site's zone has changed.
    """
    told = backfill.journal_of(config, catalog.data_dir)
    wanted = [*config.sources, *told]
    if not wanted:
        raise SourceError(
            "There is nothing to follow.", "configuration", "add a [[source]] to config.toml"
        )
    formats = dict(load_formats(config.formats))
    make_folder(journal.folder(catalog.data_dir))
    sites = backfill.sites_of(config, wanted)
    ids = catalog.ensure_sites({site.name: site.timezone for site in sites.values()})
    catalog.set_views_from({site.name: site.views_from for site in config.sites})
    salts = Salts(catalog.data_dir / "salts.db")
    salts.destroy()
    enricher = Enricher(salts, config.store.country_mmdb, config.store.keep_agent == "string")
    requests = [backfill.request(source, config, sites, formats) for source in wanted]
    ingest = Ingest(catalog, enricher, formats, ids)
    stopping, wake, owners = threading.Event(), threading.Event(), Owners()
    workers = ThreadPoolExecutor(len(os.sched_getaffinity(0)), "work")
    sources = [
        TailSource(
            source.paths,
            request,
            Reader(catalog, formats, PIECE_BYTES, lambda _: None),
            enricher,
            _rescan(source, config.ingest),
            config.ingest.finish_seconds,
            _most_open(len(requests)),
            owners,
            workers,
            wake,
            {_base(path) for path in source.paths},
            journal.is_left if source in told else None,
        )
        for source, request in zip(wanted, requests, strict=True)
    ]
    commits = Commits(ingest, config.ingest.commit_lines, stopping)
    return Tail(sources, commits, config.ingest, workers, stopping, wake)


def _rescan(source: Source, settings: Settings) -> float:
    return settings.commit_seconds if source.polling else settings.rescan_seconds


def _most_open(sources: int) -> int:
    """Half of the files this process may open are for logs."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return max(4, min(256, limit // 2 // sources))


def _base(pattern: str) -> str:
    """The folder that holds all that the pattern can name."""
    parts = Path(pattern).parts[:-1]
    plain = itertools.takewhile(lambda part: not glob.has_magic(part), parts)
    return str(Path(*plain)) if parts else "."
