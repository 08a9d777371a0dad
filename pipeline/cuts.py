"""The SQL of a cut: all measures by some dimensions under some filters, from raw events.

Roll-up and query are both made of cuts, so a number cannot differ between them. `stage` prepares
a connection (views, steps, visits); `cut` writes the query. Dimension names come from the schema,
values are always bound as parameters.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from pipeline import schema
from pipeline.engine import sql, view_files

Value = str | int | dt.date
#: Columns of events that the steps of visits carry, where they are asked for.
CARRIED = (
    *(d.name for d in schema.DIMENSIONS.values() if d.name not in ("date", "entry", "exit")),
    *("content_type", "content_id", "view_type", "view_source", "origin", "event", "signed_in"),
)
#: Values made of several columns, which can be cut by like a dimension of the record.
MADE = {"content": "content_type || ':' || content_id"}
#: Dimensions without a column of their own, and the one their values are of.
COLUMN_OF = {"entry": "page", "exit": "page"}
#: Fixed within a visit, so they need no look at its views.
FIXED = {"site", "date"}
#: Dimensions by which records have no value.
NOT_OF_RECORDS = {"entry", "exit"}
OPERATORS = {"==": "is not distinct from", "!=": "is distinct from"}


@dataclass(frozen=True, slots=True)
class Filter:
    """`operator` is == or !=, where an empty value stands for none, or ~ with a pattern in which
    * stands for any characters and ? for one."""

    dimension: str
    operator: str
    value: Value


def column_type(dimension: str) -> pa.DataType:
    """The type of a dimension's values; text for all that is dictionary-coded."""
    kind = schema.EVENTS.field(COLUMN_OF.get(dimension, dimension)).type
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def stage(
    con: duckdb.DuckDBPyConnection,
    parts: Sequence[Path],
    columns: Collection[str],
    people: bool = True,
) -> None:
    """Name the parts `events` and number their visits. `columns` are the dimensions that will be
    asked for; without `people`, there will be no cut that needs visits."""
    view_files(con, "events", parts, schema.EVENTS)
    if not people:
        return
    con.execute(f"create view views as {sql('views')}")
    wanted = {COLUMN_OF.get(name, name) for name in columns}
    carried = ", ".join(_carried(name, name in wanted) for name in CARRIED)
    con.execute(f"create table seen as {sql('seen', columns=carried)}")
    con.execute(f"create table steps as {sql('steps')}")
    con.execute("drop table seen")
    con.execute(f"create table visits as {sql('visits')}")


def _carried(name: str, wanted: bool) -> str:
    return f'"{name}"' if wanted else f'null::varchar as "{name}"'


def cut(by: Sequence[str], filters: Sequence[Filter] = (), people: bool = True) -> str:
    """Columns key0, key1, … and all measures. Without `people`, only records are counted.

    Filter values are bound as $filter0, $filter1, …: see `parameters`.
    """
    conditions = named(filters)
    parts = [_people(by, conditions)] if people else []
    records = not NOT_OF_RECORDS & dimensions_in(by, filters)
    if records:
        parts.append(_records(by, conditions))
    return sql(
        "cut",
        outer_keys=_outer_keys(by),
        measures=_measures(people, records),
        parts="\nunion all by name\n".join(parts),
    )


def parameters(filters: Sequence[Filter]) -> dict[str, Value]:
    """What a cut with these filters, or `where` with `named` ones, is executed with."""
    return {name: _bound(f) for name, f in named(filters).items() if f.value != ""}


def named(filters: Sequence[Filter]) -> dict[str, Filter]:
    return {f"filter{i}": f for i, f in enumerate(filters)}


def _bound(chosen: Filter) -> Value:
    if chosen.operator != "~":
        return chosen.value
    # A regular expression of these three pieces runs in linear time, whatever the pattern.
    wild = {"*": ".*", "?": "."}
    return "".join(wild.get(c) or re.escape(c) for c in str(chosen.value))


def _measures(people: bool, records: bool) -> str:
    return ",\n    ".join(
        f"{_measure(name, people, records)}::bigint as {name}" for name in schema.MEASURES
    )


def _measure(name: str, people: bool, records: bool) -> str:
    if name in schema.RECORD_MEASURES:
        return f"coalesce(sum({name}), 0)" if records else "null"
    return f"coalesce(sum({name}), 0)" if people else "0"


def _people(by: Sequence[str], conditions: Mapping[str, Filter]) -> str:
    own = {name: f for name, f in conditions.items() if _of_view(f.dimension)}
    of_visit = {name: f for name, f in conditions.items() if name not in own}
    if own or any(map(_of_view, by)):
        keys = [f"{_expression('steps', d)} as key{i}," for i, d in enumerate(by) if _of_view(d)]
        touched = sql("touched_views", view_keys=" ".join(keys), view_filters=where("steps", own))
    else:
        touched = sql("touched_visits")
    keys = [
        f"touched.key{i}," if _of_view(d) else f"{_expression('visits', d)} as key{i},"
        for i, d in enumerate(by)
    ]
    return sql(
        "people",
        touched=touched,
        keys=" ".join(keys),
        visit_filters=where("visits", of_visit),
        outer_keys=_outer_keys(by),
    )


def _records(by: Sequence[str], conditions: Mapping[str, Filter]) -> str:
    keys = [f"{_expression('events', d)} as key{i}," for i, d in enumerate(by)]
    return sql("records", record_keys=" ".join(keys), record_filters=where("events", conditions))


def _of_view(dimension: str) -> bool:
    """Whether the value can differ between the views of a visit."""
    if dimension in FIXED:
        return False
    return dimension in MADE or schema.DIMENSIONS[dimension].level == "record"


def _expression(table: str, dimension: str) -> str:
    made = MADE.get(dimension)
    return f"({made})" if made else f'{table}."{dimension}"'


def _outer_keys(by: Sequence[str]) -> str:
    return " ".join(f"key{i}," for i in range(len(by)))


def where(table: str, conditions: Mapping[str, Filter]) -> str:
    """All of the conditions, whose values are bound under their names."""
    return " and ".join(_condition(table, name, f) for name, f in conditions.items()) or "true"


def _condition(table: str, name: str, chosen: Filter) -> str:
    column = _expression(table, chosen.dimension)
    if chosen.operator == "~" and chosen.value != "":
        return f"coalesce(regexp_full_match({column}::varchar, ${name}, 's'), false)"
    if chosen.value == "":
        comparison = "<>" if chosen.operator == "!=" else "="
        return f"coalesce({column}::varchar, '') {comparison} ''"
    return f"{column} {OPERATORS[chosen.operator]} ${name}"


def dimensions_in(by: Iterable[str], filters: Iterable[Filter]) -> set[str]:
    return {*by, *(f.dimension for f in filters)}
