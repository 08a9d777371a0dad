"""The local day and hour of a time, looked up once per distinct quarter of an hour."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import Any

import numpy as np
import numpy.typing as npt

#: Every zone in use today is a multiple of 15 minutes from UTC and changes at such a moment.
QUARTER_MS = 15 * 60 * 1000
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_EPOCH_DAY = _EPOCH.date().toordinal()

Numbers = npt.NDArray[np.integer[Any]]


def local_days(times_ms: npt.NDArray[np.int64], zone: str) -> tuple[Numbers, Numbers]:
    """(days since 1970-01-01, hour 0-23) of each time in the zone."""
    if not len(times_ms):
        return np.zeros(0, np.int32), np.zeros(0, np.uint8)
    quarters = times_ms // QUARTER_MS
    distinct, rows = _distinct(quarters)
    tz = zoneinfo.ZoneInfo(zone)
    step = dt.timedelta(milliseconds=QUARTER_MS)
    local = [(_EPOCH + int(quarter) * step).astimezone(tz) for quarter in distinct]
    days = np.array([moment.toordinal() - _EPOCH_DAY for moment in local], np.int32)
    hours = np.array([moment.hour for moment in local], np.uint8)
    return days[rows], hours[rows]


def _distinct(values: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], Numbers]:
    low, high = int(values.min()), int(values.max())
    if high - low > 4 * len(values) + 100_000:
        found, rows = np.unique(values, return_inverse=True)
        return found, rows
    # Lines of a log lie close together in time: a table of their range costs less than a sort.
    seen = np.zeros(high - low + 1, bool)
    seen[values - low] = True
    found = np.flatnonzero(seen)
    place = np.zeros(high - low + 1, np.int32)
    place[found] = np.arange(len(found), dtype=np.int32)
    return found + low, place[values - low]
