"""Which files speak for which days: statistics are published for many days at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from pipeline import tables as t

Versions = Mapping[tuple[str, dt.date], int]
_SITE: sa.BindParameter[Any] = sa.bindparam("of_site")
_DATE: sa.BindParameter[Any] = sa.bindparam("of_date")
_GENERATION: sa.BindParameter[Any] = sa.bindparam("of_generation")
_VERSION: sa.BindParameter[Any] = sa.bindparam("of_version")


def publish(tx: sa.Connection, versions: Versions, paths: Mapping[str, str]) -> set[str]:
    """Let the files (of tables) speak for the open generations of the days whose content version
    is still this one; returns the files that did so before."""
    dates = [date for _, date in versions]
    span = (min(dates), max(dates))
    days = _unmoved(tx, versions, span)
    if not days:
        return set()
    replaced = _spoken(tx, days, span)
    day, d = t.days.c, t.daily.c
    of_day = (day.site_id == _SITE, day.date == _DATE)
    tx.execute(t.days.update().where(*of_day).values(built=_VERSION), days)
    of_daily = (d.site_id == _SITE, d.date == _DATE, d.generation == _GENERATION)
    tx.execute(t.daily.delete().where(*of_daily), days)
    new = {"site_id": _SITE, "date": _DATE, "generation": _GENERATION}
    for table, path in paths.items():
        tx.execute(t.daily.insert().values(table=table, path=path, **new), days)
    return replaced


def _unmoved(
    tx: sa.Connection, versions: Versions, span: tuple[dt.date, dt.date]
) -> list[dict[str, Any]]:
    d = t.days.c
    query = sa.select(t.sites.c.name, d.site_id, d.date, d.version, d.generations).join(t.sites)
    return [
        {"of_site": site, "of_date": date, "of_version": version, "of_generation": generation}
        for name, site, date, version, generation in tx.execute(query.where(d.date.between(*span)))
        if versions.get((name, date)) == version
    ]


def _spoken(
    tx: sa.Connection, days: Sequence[Mapping[str, Any]], span: tuple[dt.date, dt.date]
) -> set[str]:
    open_ones = {(day["of_site"], day["of_date"], day["of_generation"]) for day in days}
    d = t.daily.c
    query = sa.select(d.site_id, d.date, d.generation, d.path).where(d.date.between(*span))
    return {path for *day, path in tx.execute(query) if tuple(day) in open_ones}
