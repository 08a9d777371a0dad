"""What the collector has to do from time to time, whether hits come or not."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from pipeline.enrich.exclude import Rules
from pipeline.errors import StoreError
from webapp.collector_record import DISK_ERRORS, Recorder

log = logging.getLogger("tallylog.collector")

PAUSE_SECONDS = 15.0
#: How long keys are held that may have been destroyed meanwhile.
KEYS_SECONDS = 3600.0


@dataclass(slots=True)
class Upkeep:
    """Lets go of files whose hour is over, and of keys; looks for other rules."""

    recorder: Recorder
    rules: Callable[[], Rules]
    clock: Callable[[], float] = time.monotonic
    _forgotten: float = 0.0
    _over: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        self._forgotten = self.clock()
        threading.Thread(target=self._loop, name="upkeep", daemon=True).start()

    def once(self) -> None:
        try:
            self.recorder.journal.turn()
            self.recorder.people.follow(self.rules())
            if self.clock() - self._forgotten > KEYS_SECONDS:
                self._forgotten = self.clock()
                self.recorder.people.forget()
        except (*DISK_ERRORS, StoreError) as error:
            log.error("upkeep of the collector is put off: %s", error)

    def _loop(self) -> None:
        while not self._over.wait(PAUSE_SECONDS):
            self.once()
