"""How many hits one address may send: a bucket of tokens for each, in bounded memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

#: Buckets kept of each of two generations; the older one goes when the younger is full.
MOST = 50_000


@dataclass(slots=True)
class Buckets:
    """`rate` tokens a second flow into a bucket that holds `burst`; a hit takes one."""

    rate: float
    burst: int
    clock: Callable[[], float] = time.monotonic
    _young: dict[int, tuple[float, float]] = field(default_factory=dict)
    _old: dict[int, tuple[float, float]] = field(default_factory=dict)

    def take(self, key: int, tokens: int = 1) -> bool:
        """Whether there were so many tokens in the bucket."""
        if not self.rate:
            return True
        now = self.clock()
        left, then = self._young.get(key) or self._old.get(key) or (float(self.burst), now)
        left = min(float(self.burst), left + (now - then) * self.rate)
        enough = left >= tokens
        if len(self._young) >= MOST and key not in self._young:
            self._old, self._young = self._young, {}
        self._young[key] = (left - tokens if enough else left, now)
        return enough
