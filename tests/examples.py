"""How many examples hypothesis draws: few in the quick suite, many in `make test-slow`."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

#: How many times as many as the quick suite draws.
FACTOR = int(os.environ.get("TALLYLOG_EXAMPLES", "1"))


def drawn(count: int) -> settings:
    """No test is timed, a machine may be busy; and what is slow to make may be made."""
    return settings(
        max_examples=count * FACTOR, deadline=None, suppress_health_check=list(HealthCheck)
    )
