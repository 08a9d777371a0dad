"""Notes on days of a site: a release, a campaign, an outage."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from pipeline import tables as t
from pipeline.catalog import Catalog, utcnow
from pipeline.errors import QueryError

LONGEST = 200


@dataclass(frozen=True, slots=True)
class Note:
    id: int
    date: dt.date
    text: str


def add(catalog: Catalog, site: str, date: dt.date, text: str) -> None:
    """Raises `QueryError` for a note that says nothing or too much."""
    if not 0 < len(text.strip()) <= LONGEST:
        raise QueryError("A note has 1 to 200 characters.")
    row = {"site": site, "date": date, "text": text.strip(), "created": utcnow()}
    with catalog.write() as tx:
        tx.execute(t.notes.insert().values(row))


def remove(catalog: Catalog, site: str, number: int) -> None:
    a = t.notes.c
    with catalog.write() as tx:
        tx.execute(t.notes.delete().where(a.id == number, a.site == site))


def within(catalog: Catalog, site: str, first: dt.date, last: dt.date) -> list[Note]:
    a = t.notes.c
    query = sa.select(a.id, a.date, a.text).where(a.site == site, a.date.between(first, last))
    with catalog.read() as tx:
        return [Note(*row) for row in tx.execute(query.order_by(a.date, a.id))]
