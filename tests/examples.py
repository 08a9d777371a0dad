"""Which examples hypothesis draws: few in the quick suite, the same each time, so that what it says
is about the change at hand; many in `make test-slow`, others each time."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

#: How many times as many as the quick suite draws.
FACTOR = int(os.environ.get("TALLYLOG_EXAMPLES", "1"))

# No test is timed: a machine may be busy.
settings.register_profile("untimed", deadline=None, derandomize=FACTOR == 1)
settings.load_profile("untimed")


def drawn(count: int) -> settings:
    """So many; what is slow to make may be made."""
    return settings(max_examples=count * FACTOR, suppress_health_check=list(HealthCheck))
