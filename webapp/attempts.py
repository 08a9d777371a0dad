"""Wrong passwords are counted, by address and by what was tried, and too many shut the door for a
while. Right ones are not: nobody is locked out by signing in often."""

from __future__ import annotations

import ipaddress
import math
import time
from dataclasses import dataclass, field

from flask import Flask, current_app, request
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from pipeline.access.secret import digest
from pipeline.enrich.clients import client_of
from webapp.current import config

WINDOW_MINUTES = 15
#: From one address, whatever was tried; and at one user or link, from wherever.
BY_ADDRESS = RateLimitItemPerMinute(30, WINDOW_MINUTES, "address")
BY_DOOR = RateLimitItemPerMinute(10, WINDOW_MINUTES, "door")
_NAME = "tallylog.attempts"


@dataclass(slots=True)
class Attempts:
    limiter: FixedWindowRateLimiter = field(
        default_factory=lambda: FixedWindowRateLimiter(MemoryStorage())
    )

    def wait(self, door: str) -> int:
        """Seconds until the door may be tried again; 0: now."""
        full = [
            self.limiter.get_window_stats(limit, key).reset_time
            for limit, key in self._counts(door)
            if not self.limiter.test(limit, key)
        ]
        return max(1, math.ceil(max(full) - time.time())) if full else 0

    def failed(self, door: str) -> None:
        for limit, key in self._counts(door):
            self.limiter.hit(limit, key)

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
