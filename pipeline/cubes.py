"""What the two cubes of a day can answer exactly, once its raw events are gone.

A cube's rows are visits, or steps of visits, that are alike. Each visit, and each visitor, is
flagged in one row only, so a sum is exact where all rows of a visit or visitor fit or none does.
"""

from __future__ import annotations

from pipeline.cuts import dimensions_in
from pipeline.question import Query
from pipeline.totals import is_pinned

#: The same in all views of a visitor on a day: the visitor is a hash of address and user agent.
OF_VISITOR = frozenset({"date", "country", "device", "browser", "os"})
OF_VISIT = OF_VISITOR | {
    *("entry", "exit", "referrer", "source", "channel"),
    *("utm_source", "utm_medium", "utm_campaign"),
}
ON_PAGE = OF_VISITOR | {"page", "source", "channel"}
VIEWS = frozenset({"views", "content_views", "events"})
VISITS = frozenset({"visits", "bounces", "duration_s"})


def cube_for(query: Query) -> str | None:
    """The cube that answers exactly, if one does."""
    if set(_sums("visits", query)) >= query.measures:
        return "visits"
    return "pages" if set(_sums("pages", query)) >= query.measures else None


def cube_sums(cube: str, query: Query) -> str:
    sums = _sums(cube, query)
    return ", ".join(f"sum({sums[name]}) as {name}" for name in sorted(query.measures))


def _sums(cube: str, query: Query) -> dict[str, str]:
    """Measure -> the column whose sum it is."""
    return _of_visits(query) if cube == "visits" else _of_pages(query)


def _of_visits(query: Query) -> dict[str, str]:
    asked = dimensions_in(query.by, query.filters)
    if not asked <= OF_VISIT:
        return {}
    sums = {name: name for name in VIEWS | VISITS}
    if asked <= OF_VISITOR:
        sums["visitors"] = "visitors_first"
    elif asked <= OF_VISITOR | {"source"} and is_pinned("source", query):
        sums["visitors"] = "visitors_first_by_source"
    return sums


def _of_pages(query: Query) -> dict[str, str]:
    asked = dimensions_in(query.by, query.filters)
    if not asked <= ON_PAGE:
        return {}
    sums = {name: name for name in VIEWS}
    if is_pinned("page", query):
        sums |= {name: name for name in VISITS}
        if asked <= OF_VISITOR | {"page"}:
            sums["visitors"] = "visitors_first"
    return sums
