"""Events made by hand, in a store of their own, without any log."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from itertools import count, groupby
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline import store
from pipeline.catalog import Catalog
from pipeline.commit import NewPart, commit
from pipeline.schema import EVENTS

DAY = dt.date(2026, 3, 1)
Row = dict[str, Any]


def event(at: str, page: str | None = "/", who: int = 1, **fields: Any) -> Row:
    """A page view at hh:mm:ss on DAY, in UTC, unless the fields say otherwise."""
    date = fields.get("date", DAY)
    time = dt.datetime.combine(date, dt.time.fromisoformat(at), dt.UTC)
    row = {"site": "s", "date": date, "hour": time.hour, "time": time, "log_id": 1}
    row |= {"offset": None, "origin": "log", "class": "page", "method": "GET", "page": page}
    row |= {"status": 200, "bytes": 10, "visitor": who, "channel": "direct"}
    return row | fields


def bot(at: str, page: str, who: int = 99, **fields: Any) -> Row:
    named = {"bot": "Googlebot", "bot_category": "search", "bot_reason": "agent"}
    return event(at, page, who, **named | fields)


def write_part(rows: Iterable[Row], path: Path) -> Path:
    offsets = count()
    numbered = [row | {"offset": next(offsets)} if row["offset"] is None else row for row in rows]
    store.write(pa.Table.from_pylist(numbered, EVENTS), path)
    return path


def add(catalog: Catalog, rows: Iterable[Row], salts: int = 1) -> None:
    """Commit one part for every site and day in the rows."""
    ids = catalog.ensure_sites({row["site"]: "UTC" for row in rows})
    writer = f"w{len(catalog.event_parts())}"
    parts = []
    for number, ((site, date), group) in enumerate(groupby(sorted(rows, key=_day), key=_day)):
        found = list(group)
        path = store.part_path(site, date, writer, number)
        write_part(found, catalog.data_dir / path)
        parts.append(NewPart(path, ids[site], date, len(found), 1, {}, salts))
    commit(catalog, writer, [], parts)


def _day(row: Row) -> tuple[str, dt.date]:
    return row["site"], row["date"]
