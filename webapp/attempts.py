"""Wrong passwords are counted, by address and by what was tried, and too many shut the door for a
while. Right ones are not: nobody is locked out by signing in often."""

from __future__ import annotations

import ipaddress
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import BoundedSemaphore

from flask import Flask, current_app, request
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from pipeline.access.secret import digest
from pipeline.enrich.clients import client_of
from webapp.current import config

WINDOW_MINUTES = 15
#: Passwords that are looked at at once: each takes 32 MB.
HASHING = 2
#: From one address, whatever was tried; and at one user or link, from wherever.
BY_ADDRESS = RateLimitItemPerMinute(30, WINDOW_MINUTES, "address")
BY_DOOR = RateLimitItemPerMinute(10, WINDOW_MINUTES, "door")
_NAME = "tallylog.attempts"


@dataclass(slots=True)
class Attempts:
    limiter: FixedWindowRateLimiter = field(
        default_factory=lambda: FixedWindowRateLimiter(MemoryStorage())
    )

    hashing: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(HASHING))

    def wait(self, door: str) -> int:
        """Seconds until the door may be tried again; 0: now."""
        full = [
            self.limiter.get_window_stats(limit, key).reset_time
            for limit, key in self._counts(door)
            if not self.limiter.test(limit, key)
        ]
        return max(1, math.ceil(max(full) - time.time())) if full else 0

    @contextmanager
    def one(self, door: str) -> Iterator[int]:
        """The seconds to wait as `wait` has them; 0: the block may try, one of few at once, and
        the attempt counts as a wrong one before it begins, until it is found `right`."""
        wait = self.wait(door)
        counted = [] if wait else [self.limiter.hit(*count) for count in self._counts(door)]
        if not all(counted):
            wait = max(1, self.wait(door))
        if wait:
            yield wait
            return
        with self.hashing:
            yield 0

    def right(self, door: str) -> None:
        """The attempt does not count."""
        for limit, key in self._counts(door):
            self.limiter.storage.incr(limit.key_for(key), limit.get_expiry(), amount=-1)

    def _counts(self, door: str) -> tuple[tuple[RateLimitItemPerMinute, str], ...]:
        return ((BY_ADDRESS, _network()), (BY_DOOR, digest(door)))


def install(app: Flask) -> None:
    app.extensions[_NAME] = Attempts()


def attempts() -> Attempts:
    found: Attempts = current_app.extensions[_NAME]
    return found


def client() -> str | None:
    """The address that asks, past the trusted proxies; None over a socket of the system."""
    return client_of(
        config().web.trusted_proxies, request.remote_addr, request.headers.get("X-Forwarded-For")
    )


def _network() -> str:
    """A household has a network of IPv6 addresses, not one."""
    try:
        address = ipaddress.ip_address(client() or "")
    except ValueError:
        return ""
    bits = 64 if address.version == 6 else 32
    return str(ipaddress.ip_network((address, bits), strict=False))
