"""Whether whoever asked still waits for the answer.

The server puts a `Gone` into the environment of a request, where it can tell; what works for long
says there what is to be done when nobody waits any more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

NAME = "tallylog.gone"


@dataclass(slots=True)
class Gone:
    """`watch` is called at the first wish to be told: then the server begins to look."""

    watch: Callable[[], object]
    _lock: Lock = field(default_factory=Lock)
    _calls: list[Callable[[], None]] = field(default_factory=list)
    _left: bool = False

    def when(self, call: Callable[[], None]) -> None:
        """Call it when the client has left, or now if it has."""
        with self._lock:
            first = not self._calls
            self._calls.append(call)
            left = self._left
        if left:
            call()
        elif first:
            self.watch()

    def tell(self) -> None:
        """The client has left."""
        with self._lock:
            self._left = True
            calls = list(self._calls)
        for call in calls:
            call()


def when_gone(environ: dict[str, Any], call: Callable[[], None]) -> None:
    """Where the server can't tell, it is never called."""
    gone: Gone | None = environ.get(NAME)
    if gone is not None:
        gone.when(call)
