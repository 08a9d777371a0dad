"""Parts of events made straight from random numbers, without any log, and what is true of them.

A visitor has one visit a day, on one site and shorter than half an hour, so that there are as many
visits as visitors.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bench.traffic import DAY, mix
from pipeline import store
from pipeline.catalog import Catalog
from pipeline.commit import NewPart, commit
from pipeline.schema import EVENTS

Ints = npt.NDArray[np.int64]

FIRST = dt.date(2026, 3, 1)
#: Records of one commit, as a backfill has them.
BATCH = 500_000
VIEWS_A_VISIT, VISIT_SECONDS = 5, 600
#: Of the records that are no page views of people, a quarter are of bots, the others assets.
BOTS = 0.25
ASSETS = 5_000
#: Distinct texts of a column that follow from the visitor, and of one that bots alone have.
OF_VISITOR = {"country": 120, "browser": 12, "os": 9, "device": 4, "source": 30, "agent": 2000}
OF_BOT = {"bot": 50, "bot_category": 9, "bot_reason": 3}
ALWAYS = {"origin": "log", "method": "GET", "protocol": "HTTP/2.0", "channel": "search"}


@dataclass(frozen=True, slots=True)
class Shape:
    """So many records a day, of which a share are page views of people."""

    rows: int
    views: float = 0.2
    pages: int = 40_000
    sites: int = 1
    days: int = 1


def fill(catalog: Catalog, shape: Shape) -> dict[str, dict[str, int]]:
    """Commit the parts; returns the true numbers of each day, of all sites together."""
    names = [f"site{number:03}" for number in range(shape.sites)]
    ids = catalog.ensure_sites(dict.fromkeys(names, "UTC"))
    truth = {}
    for number in range(shape.days):
        events = day(shape, number, names)
        truth[(FIRST + dt.timedelta(days=number)).isoformat()] = _true(events)
        for start in range(0, shape.rows, BATCH):
            _commit(catalog, events.slice(start, BATCH), ids, f"day{number}at{start}")
    return truth


def day(shape: Shape, number: int, sites: Sequence[str]) -> pa.Table:
    """The events of one day in order of time."""
    rng = np.random.default_rng(number)
    count = shape.rows
    dice = rng.random(count)
    view, bot = dice < shape.views, dice >= 1 - (1 - shape.views) * BOTS
    visitor = rng.integers(0, max(1, int(count * shape.views / VIEWS_A_VISIT)), count)
    second = _coins(visitor, number) % (DAY - VISIT_SECONDS)
    milli = second * 1000 + rng.integers(0, VISIT_SECONDS * 1000, count)
    page = (shape.pages + 1) ** rng.random(count) - 1
    page = np.where(view | bot, page, shape.pages + rng.integers(0, ASSETS, count)).astype(np.int64)
    paths = [f"/page/{n}.html" for n in range(shape.pages)] + [f"/a/{n}.css" for n in range(ASSETS)]
    epoch = (FIRST - dt.date(1970, 1, 1)).days + number
    columns = {
        "site": _texts(np.where(bot, page, visitor) % len(sites), sites),
        "date": pa.array(np.full(count, epoch, np.int32)).cast(pa.date32()),
        "hour": milli // 3_600_000,
        "time": pa.array(epoch * DAY * 1000 + milli).cast(pa.timestamp("ms", tz="UTC")),
        "log_id": np.ones(count, np.int32),
        "offset": np.arange(count),
        "class": _texts(np.where(view | bot, 0, 1), ["page", "asset"]),
        "page": _texts(page, paths),
        "status": np.full(count, 200),
        "bytes": rng.integers(100, 100_000, count),
        "visitor": mix(np.where(bot, page % 1000 - 1000, visitor), number),
        **{name: _texts(np.zeros(count, int), [text]) for name, text in ALWAYS.items()},
        **{name: _named(name, visitor, many, bot) for name, many in OF_VISITOR.items()},
        **{name: _named(name, page, many, ~bot) for name, many in OF_BOT.items()},
    }
    return _declared(columns, count).take(np.argsort(milli))


def _coins(numbers: Ints, salt: int) -> Ints:
    return (mix(numbers, salt) >> np.uint64(1)).astype(np.int64)


def _named(name: str, numbers: Ints, many: int, without: npt.NDArray[np.bool_]) -> pa.Array:
    """Texts of a column that follow from the numbers."""
    codes = _coins(numbers, len(name)) % many
    return _texts(codes, [f"{name} {n}" for n in range(many)], without)


def _texts(
    codes: Ints, texts: Sequence[str], without: npt.NDArray[np.bool_] | None = None
) -> pa.Array:
    rows = pa.array(codes.astype(np.int32), mask=without)
    return pa.DictionaryArray.from_arrays(rows, pa.array(texts, pa.string()))


def _declared(columns: Mapping[str, pa.Array | Ints], count: int) -> pa.Table:
    """With nulls in the columns that are not there."""
    none = {field.name: pa.nulls(count, field.type) for field in EVENTS}
    found = {name: pa.array(values) for name, values in columns.items()}
    return pa.table({**none, **found}).cast(EVENTS)


def _true(events: pa.Table) -> dict[str, int]:
    bot = ~np.asarray(events.column("bot").is_null())
    view = ~bot & np.asarray(pc.equal(events.column("class").cast(pa.string()), "page"))
    visitors = len(np.unique(np.asarray(events.column("visitor"))[view]))
    return {
        "views": int(view.sum()),
        "visitors": visitors,
        "visits": visitors,
        "hits": len(events),
        "bot_hits": int(bot.sum()),
        "bytes": int(np.asarray(events.column("bytes")).sum()),
    }


def _commit(catalog: Catalog, events: pa.Table, ids: Mapping[str, int], writer: str) -> None:
    """One part a site."""
    codes = np.asarray(events.column("site").combine_chunks().indices)
    events = events.take(np.argsort(codes, kind="stable"))
    edges = np.cumsum([0, *np.bincount(codes, minlength=len(ids))]).tolist()
    date = events.column("date")[0].as_py()
    parts = []
    for number, (site, start) in enumerate(zip(ids, edges, strict=False)):
        rows = store.compact(events.slice(start, edges[number + 1] - start))
        path = store.part_path(site, date, writer, number)
        size = store.write(rows, catalog.absolute(path))
        parts.append(NewPart(path, ids[site], date, len(rows), size, {}, 1))
    commit(catalog, writer, [], parts)
