"""How many hits one process of the collector has taken and refused since it began."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from threading import Lock

from pipeline.metrics import Samples


@dataclass(slots=True)
class Counts:
    """Hits taken, by origin, and not taken or not counted, by reason."""

    taken: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock)

    def take(self, origin: str, hits: int = 1) -> None:
        with self._lock:
            self.taken[origin] += hits

    def refuse(self, reason: str, hits: int = 1) -> None:
        with self._lock:
            self.refused[reason] += hits

    def samples(self) -> dict[str, Samples]:
        """What /metrics says of them."""
        with self._lock:
            taken, refused = dict(self.taken), dict(self.refused)
        return {
            "tallylog_collector_hits_total": [({"origin": o}, n) for o, n in taken.items()],
            "tallylog_collector_refused_total": [({"reason": r}, n) for r, n in refused.items()],
        }
