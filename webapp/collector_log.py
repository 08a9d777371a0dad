"""Hits that could not be written are told of once a minute, however many there are."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

log = logging.getLogger("tallylog.collector")

PAUSE_SECONDS = 60.0


@dataclass(slots=True)
class Losses:
    clock: Callable[[], float] = time.monotonic
    hits: int = 0
    _told: int = 0
    _next: float = 0.0

    def tell(self, error: Exception, hits: int) -> None:
        self.hits += hits
        if self.clock() >= self._next:
            self._next = self.clock() + PAUSE_SECONDS
            lost, self._told = self.hits - self._told, self.hits
            log.error("%d hits are lost, the journal cannot be written: %s", lost, error)
