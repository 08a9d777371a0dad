"""What a table of daily statistics can say of a question: which measures, and by what sums."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pipeline import schema
from pipeline.fields import PROPERTY, read_from
from pipeline.filters import Filter, Tree, dimensions_of, has_done
from pipeline.question import Query

#: The same in all views of a visitor on a day: the visitor is a hash of address and user agent.
OF_VISITOR = frozenset({"date", "country", "device", "browser", "os"})
VIEWS = frozenset({"views", "content_views", "events", "signed_in_views"})
VISITS = frozenset({"visits", "bounces", "duration_s"})


@dataclass(frozen=True, slots=True)
class Supply:
    """Rows of a table that add up to an answer: the SQL of each measure they can tell; of totals
    their scope and dimension, the columns that hold values of dimensions, and the filters that
    are still to be applied."""

    table: str
    sums: Mapping[str, str]
    filters: tuple[Tree, ...]
    scope: str = ""
    dimension: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)


def columns_in(names: Iterable[str]) -> set[str]:
    """The dimensions with columns of their own, from which these are worked out."""
    return {column for name in names for column in read_from(name)}


def asked_of(by: Iterable[str], filters: Iterable[Tree]) -> set[str]:
    return columns_in({*by, *dimensions_of(filters)})


def is_open(query: Query) -> bool:
    """Whether only raw events can tell: what a visitor did, or what a property says."""
    asked = {*query.by, *dimensions_of(query.filters)}
    return has_done(query.filters) or any(name.startswith(PROPERTY) for name in asked)


def is_pinned(dimension: str, query: Query) -> bool:
    """Whether each row of the answer is about one value of the dimension."""
    return dimension in columns_in(query.by) or pinned_to(dimension, query.filters) is not None


def pinned_to(dimension: str, filters: Iterable[Tree]) -> Filter | None:
    for tree in filters:
        if isinstance(tree, Filter) and (tree.dimension, tree.operator) == (dimension, "=="):
            return tree if tree.value != "" else None
    return None


def additive(dimension: str) -> frozenset[str]:
    """The measures that the values of the dimension share out, so that those of several values
    can be added up."""
    records = frozenset() if dimension in ("entry", "exit") else frozenset(schema.RECORD_MEASURES)
    if dimension in OF_VISITOR:
        return frozenset(schema.MEASURES)
    visits = VISITS if schema.DIMENSIONS[dimension].level == "visit" else frozenset()
    return VIEWS | visits | records
