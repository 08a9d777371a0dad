"""What the two cubes of a day can answer exactly.

A cube's rows are visits, or steps of visits, that are alike. Each visit, and each visitor, is
flagged in one row only, so a sum is exact where all rows of a visit or visitor fit or none does.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.engine import sql
from pipeline.fields import Shift, expression
from pipeline.filters import named, where
from pipeline.question import Query
from pipeline.supplies import OF_VISITOR, VISITS, Supply, asked_of, is_open, is_pinned

OF_VISIT = OF_VISITOR | {
    *("entry", "exit", "referrer", "source", "channel"),
    *("utm_source", "utm_medium", "utm_campaign"),
}
ON_PAGE = OF_VISITOR | {
    *("page", "source", "channel", "content_type", "content_id", "view_type", "view_source"),
    *("origin", "event", "signed_in"),
}
_VIEWS = {name: f"sum({name})" for name in ("views", "content_views", "events")}
_VISITS = {name: f"sum({name})" for name in VISITS}


def of_cubes(query: Query) -> Iterator[Supply]:
    if is_open(query):
        return
    asked = asked_of(query.by, query.filters)
    if asked <= OF_VISIT:
        yield Supply("visits", _of_visits(asked, query), query.filters)
    if asked <= ON_PAGE:
        yield Supply("pages", _of_pages(asked, query), query.filters)


def _of_visits(asked: set[str], query: Query) -> dict[str, str]:
    """Measure -> its sum."""
    if asked <= OF_VISITOR:
        return _VIEWS | _VISITS | {"visitors": "sum(visitors_first)"}
    if asked <= OF_VISITOR | {"source"} and is_pinned("source", query):
        return _VIEWS | _VISITS | {"visitors": "sum(visitors_first_by_source)"}
    return _VIEWS | _VISITS


def _of_pages(asked: set[str], query: Query) -> dict[str, str]:
    sums = _VIEWS | {"signed_in_views": "sum(views) filter (signed_in)"}
    if is_pinned("page", query) and asked <= OF_VISITOR | {"page", "source", "channel"}:
        sums |= _VISITS
        if asked <= OF_VISITOR | {"page"}:
            sums["visitors"] = "sum(visitors_first)"
    return sums


def cube_sql(supply: Supply, query: Query, measures: list[str], shift: Shift) -> str:
    cube = supply.table
    keys = [f"({expression(cube, d, shift)})::varchar as key{i}," for i, d in enumerate(query.by)]
    return sql(
        "from_cube",
        cube=cube,
        keys=" ".join(keys),
        sums=", ".join(f"{supply.sums[name]} as {name}" for name in measures),
        filters=where(cube, named(supply.filters)),
    )
