"""`tallylog ingest`: the tailer as a process that is alone on its store and obeys signals.

SIGTERM and SIGINT end it with everything committed; SIGHUP makes it read the configuration anew,
and keep the old one where the new one is wrong.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from pipeline import tail as tails
from pipeline.alone import alone
from pipeline.catalog import Catalog
from pipeline.config import Config
from pipeline.errors import TallylogError
from pipeline.jobs import Place, Runner
from pipeline.tail import Tail

log = logging.getLogger("tallylog.ingest")

#: How long a job is waited for at the end.
JOB_SECONDS = 3.0


@dataclass(slots=True)
class Service:
    """Runs one tailer after the other, each with the configuration of its time."""

    config: Config
    load: Callable[[], Config]
    again: bool = True
    tail: Tail | None = None

    def run(self) -> None:
        """Until a signal ends it. Raises what `tail.make` and `Catalog` raise."""
        data_dir = self.config.store.data
        with alone(data_dir), _signals(self):
            catalog = Catalog(data_dir)
            try:
                while self.again:
                    self.again = False
                    self._follow(tails.make(self.config, catalog))
            finally:
                catalog.close()

    def _follow(self, tail: Tail) -> None:
        self.tail = tail
        jobs = threading.Thread(target=_runner(tail, self.config).loop, name="jobs", daemon=True)
        log.info("following %d sources", len(self.config.sources), extra={"pid": os.getpid()})
        try:
            jobs.start()
            tail.run()
        finally:
            tail.close()
        log.info("stopped, with everything committed")
        jobs.join(JOB_SECONDS)
        if tail.stuck:
            log.warning("left behind: %s", [source.paths for source in tail.stuck])
        if not self.again and (tail.stuck or jobs.is_alive()):
            os._exit(0)  # threads would keep the process; what they leave undone is done again

    def on_signal(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP and not self._reload():
            return
        self.again = number == signal.SIGHUP
        if self.tail is not None:
            self.tail.stop()

    def _reload(self) -> bool:
        try:
            config = self.load()
        except TallylogError as error:
            log.error("The old configuration is kept: %s", error)
            return False
        if config.store.data != self.config.store.data:
            log.error("The old configuration is kept: the data folder changes with a restart only.")
            return False
        self.config = config
        return True


def _runner(tail: Tail, config: Config) -> Runner:
    ingest = tail.commits.ingest
    place = Place(ingest.catalog, config.store.retention, ingest.enricher.salts)
    return Runner(place, config, tail.stopping)


@contextmanager
def _signals(service: Service) -> Iterator[None]:
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = {number: signal.signal(number, service.on_signal) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
