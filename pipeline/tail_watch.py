"""Wakes the tailer when something happens in a folder. What it misses, a timed re-scan finds."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from watchdog.events import (
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch

log = logging.getLogger("tallylog.tail")

#: That a file was opened or closed is no news, and reading it does both.
EVENTS: list[type[FileSystemEvent]] = [
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
]


class _Wake(FileSystemEventHandler):
    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    def on_any_event(self, event: FileSystemEvent) -> None:
        self._wake()


@dataclass(slots=True)
class Watcher:
    """Watches folders, not files: every name that comes and goes is seen. `failed` holds folders
    that cannot be watched; they are looked at by time alone."""

    failed: dict[str, str] = field(default_factory=dict)
    _observer: BaseObserver = field(default_factory=Observer)
    _watches: dict[tuple[str, Callable[[], None]], tuple[ObservedWatch, tuple[int, int]]] = field(
        default_factory=dict
    )

    def start(self) -> None:
        self._observer.start()

    def stop(self) -> None:
        self._observer.stop()
        self._observer.join()

    def watch(self, folders: Iterable[str], wake: Callable[[], None]) -> None:
        """Call `wake` from now on when something happens in one of the folders. One that is
        watched already is watched anew if another took its name or was mounted over it."""
        for folder in folders:
            try:
                stat = os.stat(folder)
                self._watch(folder, (stat.st_dev, stat.st_ino), wake)
                self.failed.pop(folder, None)
            except OSError as error:
                self._fail(folder, error)

    def _watch(self, folder: str, identity: tuple[int, int], wake: Callable[[], None]) -> None:
        watched, found = self._watches.get((folder, wake), (None, None))
        if found == identity:
            return
        if watched is not None:
            self._observer.unschedule(watched)
            del self._watches[folder, wake]
        made = self._observer.schedule(_Wake(wake), folder, event_filter=EVENTS)
        self._watches[folder, wake] = made, identity
        wake()  # for what happened here before it was watched

    def _fail(self, folder: str, error: OSError) -> None:
        if folder not in self.failed:
            log.warning("%s is looked at by time alone: %s", folder, error.strerror)
        self.failed[folder] = str(error.strerror)
