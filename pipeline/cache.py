"""Answers kept for a while, under what was asked and what the store held then: a day that has
changed since is another key, so an old answer to it is never found."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from typing import TYPE_CHECKING

from cachetools import TTLCache

if TYPE_CHECKING:
    from pipeline.query import Answer

#: What a number or a text in an answer takes in memory, about.
CELL_BYTES = 100
ROW_BYTES = 400


class Cache:
    """For so many seconds, and no more of them than fit. Safe for threads."""

    def __init__(self, seconds: float, most_bytes: int) -> None:
        self._kept: TTLCache[Hashable, Answer] = TTLCache(most_bytes, seconds, getsizeof=size)
        self._most = most_bytes
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Answer | None:
        with self._lock:
            return self._kept.get(key)

    def put(self, key: Hashable, answer: Answer) -> None:
        """What alone would fill it is not kept."""
        with self._lock:
            if size(answer) * 4 <= self._most:
                self._kept[key] = answer


def size(answer: Answer) -> int:
    cells = len(answer.query["metrics"]) * (3 if answer.query["compare"] else 1)
    a_row = ROW_BYTES + CELL_BYTES * (cells + len(answer.query["dimensions"]))
    return 4_000 + a_row * len(answer.results)
