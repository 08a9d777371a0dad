"""Daily statistics brought up to date: stale days are built together and published by the catalog.

It is safe beside a running backfill: the catalog takes statistics only for the content version
they were made from, and a day that moved on meanwhile stays stale.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import groupby
from pathlib import Path

from pipeline import daily
from pipeline.build import NOTHING, build, tables
from pipeline.catalog import Catalog, Day, Part
from pipeline.engine import DEFAULT, Limits
from pipeline.folders import sync_folder
from pipeline.kept import Rows

__all__ = ["build", "rollup"]

#: Dates are built together up to so many records: a small day costs little more than its rows.
BATCH_ROWS = 1_000_000


def rollup(
    catalog: Catalog,
    sites: Sequence[str] | None = None,
    first: dt.date | None = None,
    last: dt.date | None = None,
    force: bool = False,
    limits: Limits = DEFAULT,
    kept: Mapping[Path, Sequence[Rows]] = NOTHING,
) -> list[Day]:
    """Bring the daily statistics up to date; returns the days that were built. Parts whose rows
    are kept are not read."""
    # Versions are read before the parts are listed: a part that is committed in between makes
    # the version too old, and the catalog refuses. The other way round, it would be left out.
    due = [day for day in catalog.days(sites, first, last) if day.has_events]
    due = [day for day in due if force or day.stale]
    for days in _batches(due, catalog.event_parts(sites, first, last)):
        _publish(catalog, days, limits, kept)
    return due


def _batches(days: Sequence[Day], parts: Sequence[Part]) -> Iterator[list[Day]]:
    """Days of whole dates, of about BATCH_ROWS records together."""
    rows: Counter[dt.date] = Counter()
    for part in parts:
        rows[part.date] += part.rows
    batch: list[Day] = []
    size = 0
    for date, group in groupby(sorted(days, key=_date), key=_date):
        if batch and size + rows[date] > BATCH_ROWS:
            yield batch
            batch, size = [], 0
        batch += group
        size += rows[date]
    if batch:
        yield batch


def _date(day: Day) -> dt.date:
    return day.date


def _publish(
    catalog: Catalog, days: Sequence[Day], limits: Limits, kept: Mapping[Path, Sequence[Rows]]
) -> None:
    """`days` are of whole dates, sorted by date."""
    versions = {(day.site, day.date): day.version for day in days}
    sites = sorted({day.site for day in days})
    parts = catalog.event_parts(sites, days[0].date, days[-1].date)
    chosen = [part.path for part in parts if (part.site, part.date) in versions]
    folder = catalog.data_dir / "daily"
    told = catalog.views_from()
    with (
        tables(chosen, limits, kept, told) as made,
        ThreadPoolExecutor(limits.threads) as pool,
    ):
        paths = pool.map(partial(daily.write, folder), made, made.values())
        files = dict(zip(made, paths, strict=True))
    # Makes the renames survive a power cut: once for all, before any of the files is published.
    sync_folder(folder)
    catalog.publish_daily(versions, files)
