"""The SQL of a cut: all measures by some dimensions under some filters, from raw events.

Roll-up and query count people by the same SQL; records are counted here for queries, and in
`records.py` for roll-ups. `stage` prepares a connection (views, steps, visits); `cut` writes the
query. Dimension names come from the schema, values are always bound as parameters.
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
#: A column of the roll-up's own: the content item, by which it counts like by a dimension.
CONTENT = "content"
#: Columns of events that the steps of visits carry, where they are asked for.
CARRIED = (
    *(d.name for d in schema.DIMENSIONS.values() if d.name not in ("date", "entry", "exit")),
    *("content_type", "content_id", "view_type", "view_source", "origin", "event", "signed_in"),
    CONTENT,
)
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
    con.execute(f"create table seen as {seen(wanted)}")
    number_visits(con)


def seen(columns: Collection[str] = CARRIED) -> str:
    """What steps are made of, with these columns of theirs, from `views`."""
    carried = (f'"{n}"' if n in columns else f'null::varchar as "{n}"' for n in CARRIED)
    return sql("seen", columns=", ".join(carried))


def number_visits(con: duckdb.DuckDBPyConnection) -> None:
    """Make steps and visits of what was seen."""
    con.execute(f"create table steps as {sql('steps')}")
    con.execute("drop table seen")
    con.execute(f"create table visits as {sql('visits')}")


def cut(by: Sequence[str], filters: Sequence[Filter] = (), people: bool = True) -> str:
    """Columns key0, key1, … and all measures. Without `people`, only records are counted.

    Filter values are bound as $filter0, $filter1, …: see `parameters`.
    """
    conditions = named(filters)
    parts = [people_cut(by, filters)] if people else []
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


def people_cut(by: Sequence[str], filters: Sequence[Filter] = ()) -> str:
    """Columns key0, key1, … and the measures of people, unlike those of records not yet summed
    to whole numbers."""
    conditions = named(filters)
    own = {name: f for name, f in conditions.items() if _of_view(f.dimension)}
    of_visit = {name: f for name, f in conditions.items() if name not in own}
    keys = [f"{_expression('visits', d)} as key{i}," for i, d in enumerate(by) if not _of_view(d)]
    source = counted = "visits"
    if own or any(map(_of_view, by)):
        of_view = [(f"key{i}", _expression("steps", d)) for i, d in enumerate(by) if _of_view(d)]
        view_keys = " ".join(f"{expression} as {key}," for key, expression in of_view)
        keys += [f"touched.{key}," for key, _ in of_view]
        touched = sql("touched_views", view_keys=view_keys, view_filters=where("steps", own))
        source, counted = f"({touched}) as touched join visits using (visit)", "touched"
    return sql(
        "people",
        source=source,
        counted=counted,
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
    return dimension == CONTENT or schema.DIMENSIONS[dimension].level == "record"


def _expression(table: str, dimension: str) -> str:
    return f'{table}."{dimension}"'


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
