"""The SQL of a cut: all measures by some dimensions under some filters, from raw events.

Roll-up and query count people by the same SQL; records are counted here for queries, and in
`records.py` for roll-ups. `stage` prepares a connection (views, steps, visits); `cut` writes the
query. Dimension names come from the schema, values are always bound as parameters.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

import duckdb

from pipeline import schema
from pipeline.engine import sql, view_files
from pipeline.fields import (
    COLUMN_OF,
    CONTENT,
    FIXED,
    NOT_OF_RECORDS,
    TIME,
    UNMOVED,
    Shift,
    event_column,
    expression,
    of_view,
    read_from,
)
from pipeline.filters import (
    Filter,
    Tree,
    condition,
    dimensions_of,
    has_done,
    named,
    parameters,
    tested,
)
from pipeline.visits import Numbers, number

#: Columns of events that the steps of visits carry, where they are asked for.
CARRIED = (
    *(d.name for d in schema.DIMENSIONS.values() if d.name not in ("date", "entry", "exit")),
    *("content_type", "content_id", "view_type", "view_source", "origin", "event", "signed_in"),
    CONTENT,
)
#: The visitor by a hash, where records are chosen by what their visitor did.
WHO = "visitor as who"
#: Measures of people and of records.
PEOPLE = (*(n for n in schema.MEASURES if n not in schema.RECORD_MEASURES), "conversions")
RECORDS = (*schema.RECORD_MEASURES, *schema.RECORD_DETAILS)
#: Measures of people for which no visit need be known.
VIEWERS = frozenset(PEOPLE) - {"visits", "bounces", "duration_s", "conversions"}
#: Steps whose visits are numbered at once.
SHARD = 4_000_000


class Level(IntEnum):
    """What a cut has to know: of records alone, of views and who had them, or of visits."""

    RECORDS = 0
    VIEWS = 1
    VISITS = 2


@dataclass(frozen=True, slots=True)
class Staged:
    """What a connection is prepared for: parts, the columns that steps carry, and the filters that
    all of its cuts have."""

    parts: tuple[Path, ...]
    columns: frozenset[str]
    level: Level
    filters: tuple[Tree, ...] = ()


def together(wanted: Sequence[Staged]) -> Staged:
    """What is needed for all of them, which are of the same parts."""
    first = wanted[0]
    shared = tuple(t for t in first.filters if all(t in one.filters for one in wanted))
    # What a visitor has done may be told of records that no step is like.
    shared = () if any(has_done(one.filters) for one in wanted) else shared
    columns = frozenset[str]().union(*(one.columns for one in wanted))
    return Staged(first.parts, columns, max(one.level for one in wanted), shared)


def choose_evidence(con: duckdb.DuckDBPyConnection, views_from: Mapping[Any, str]) -> None:
    """Say of which sites only the script or only the log tells of views, for as long as the
    connection lives; see sql/views.sql."""
    for choice in ("script", "log"):
        if sites := [site for site, chosen in views_from.items() if chosen == choice]:
            con.execute(f"set variable only_{choice} = $sites", {"sites": sites})


def stage(con: duckdb.DuckDBPyConnection, staged: Staged) -> Level:
    """Name the parts `events`, their views `views`, and number their visits. Returns the level
    that was needed: what scripts or pixels tell of is a matter of a visitor's whole day."""
    view_files(con, "stored", staged.parts, schema.EVENTS)
    told = [f", {event_column(n)}" for n in sorted(staged.columns) if n.startswith(schema.PROPERTY)]
    con.execute(f"create temp view events as select *{''.join(told)} from stored")
    if staged.level == Level.RECORDS:
        return staged.level
    con.execute(f"create temp view views as {sql('views')}")
    origins = [origin for (origin,) in con.execute(sql("origins")).fetchall()]
    if staged.level == Level.VIEWS and not origins:
        return staged.level
    # Which of a log's views a pixel stands for is known by the page.
    columns = staged.columns | ({"page"} if "pixel" in origins else set())
    useful = tuple(filter(_tells_who, staged.filters))
    seen_by = f"{seen(columns, ('page',))} where {_who_may_fit(useful)}"
    con.execute(f"create temp table seen as {seen_by}", parameters(useful))
    number_visits(con)
    return Level.VISITS


def unstage(con: duckdb.DuckDBPyConnection, level: Level) -> None:
    """Forget what was staged."""
    if level == Level.VISITS:
        con.execute("drop table visits; drop table steps")
    if level > Level.RECORDS:
        con.execute("drop view views")
    con.execute("drop view events; drop view stored")


def seen(columns: Collection[str] = CARRIED, least: Sequence[str] = CARRIED) -> str:
    """What steps are made of, with these columns of theirs, from `views`; null in those of `least`
    that are not among them."""
    carried = [WHO if n == "who" else f'"{n}"' for n in sorted(columns)]
    missing = [f'null::varchar as "{n}"' for n in least if n not in columns]
    return sql("seen", columns=", ".join([*carried, *missing]))


def _tells_who(tree: Tree) -> bool:
    """Whether a visit that fits has a step that, by itself, fits: true of what is said of records,
    and of how visits came, but not of both at once."""
    if isinstance(tree, Filter) and tree.dimension in NOT_OF_RECORDS:
        return tree.operator != "!=" and tree.value != ""  # of the page of one of its views
    dimensions = dimensions_of([tree])
    return not dimensions & NOT_OF_RECORDS and len({of_view(d) for d in dimensions - FIXED}) < 2


def _who_may_fit(filters: Sequence[Tree]) -> str:
    """Only visitors of whom a visit can fit need be looked at: those who have a step that fits all
    that is said of records, and steps that fit what is said of how a visit came."""
    chosen: dict[bool, list[str]] = {True: [], False: []}
    for name, tree in named(filters).items():
        text = condition(tree, name, lambda d: expression("views", COLUMN_OF.get(d, d)))
        chosen[_tests_views(tree)].append(f"({text})")
    together = [" and ".join(chosen[True])] if chosen[True] else []
    found = [sql("who", condition=text) for text in (*together, *chosen[False])]
    return " and ".join(found) or "true"


def number_visits(con: duckdb.DuckDBPyConnection) -> None:
    """Make steps and visits of what was seen, some visitors after the others: in memory are only
    those of about SHARD steps."""
    ((rows,),) = con.execute("select count(*) from seen").fetchall()
    shards = rows // SHARD + 1
    before = Numbers()
    for shard in range(shards):
        chosen = con.sql(f"from seen where visitor % {shards} = {shard}").to_arrow_table()
        found = number(chosen, before)
        before = found.until
        for name, table in (("steps", found.steps), ("visits", found.visits)):
            con.register("numbered", table)
            into = f"insert into {name}" if shard else f"create temp table {name} as"
            con.execute(f"{into} from numbered")
            con.unregister("numbered")
    con.execute("drop table seen")


def needed(by: Iterable[str], filters: Sequence[Tree]) -> frozenset[str]:
    """The columns of steps that a cut reads."""
    columns = {column for name in dimensions_in(by, filters) for column in read_from(name)}
    who = {"who"} if has_done(filters) else set()
    return frozenset({COLUMN_OF.get(n, n) for n in columns - {"site", "date", TIME}} | who)


def level_of(measures: Collection[str], by: Sequence[str], filters: Sequence[Tree]) -> Level:
    """What a cut has to know for these measures."""
    if has_done(filters) or set(measures).intersection(schema.SCRIPT_DETAILS):
        return Level.VISITS
    if not set(measures).intersection(PEOPLE):
        return Level.RECORDS
    of_views = all(of_view(name) or name in FIXED for name in dimensions_in(by, filters))
    light = of_views and set(measures).intersection(PEOPLE) <= VIEWERS
    return Level.VIEWS if light else Level.VISITS


def cut(
    by: Sequence[str],
    filters: Sequence[Tree],
    measures: Collection[str],
    level: Level,
    shift: Shift = UNMOVED,
) -> str:
    """Columns key0, key1, … and at least these measures, where so much is staged.

    Filter values are bound: see `parameters`.
    """
    people = bool(set(measures).intersection(PEOPLE))
    scripted = bool(set(measures).intersection(schema.SCRIPT_DETAILS))
    records = bool(set(measures).intersection(RECORDS))
    light = level == Level.VIEWS
    people_sql = viewers_cut if light else people_cut
    parts = [people_sql(by, filters, shift)] if people else []
    records = records and not NOT_OF_RECORDS & dimensions_in(by, filters)
    if records or not (people or scripted):
        parts.append(_records(by, filters, shift))
    if scripted:
        parts.append(_scripted(by, filters, shift))
    names = [
        *(name for name in PEOPLE if people and (name in VIEWERS or not light)),
        *(name for name in schema.SCRIPT_DETAILS if scripted),
        *(name for name in RECORDS if records),
    ]
    return sql(
        "cut",
        outer_keys=_outer_keys(by),
        measures=",\n    ".join(f"coalesce(sum({n}), 0)::bigint as {n}" for n in names),
        parts="\nunion all by name\n".join(parts),
    )


def viewers_cut(by: Sequence[str], filters: Sequence[Tree], shift: Shift) -> str:
    """The same as `people_cut`, but for what is about visits."""

    def read(dimension: str) -> str:
        return expression("views", dimension)

    found = [f"({condition(tree, name, read)})" for name, tree in named(filters).items()]
    keys = [f"{expression('views', d, shift)} as key{i}," for i, d in enumerate(by)]
    return sql(
        "viewers",
        keys=" ".join(keys),
        filters=" and ".join(found) or "true",
        outer_keys=_outer_keys(by),
    )


def people_cut(by: Sequence[str], filters: Sequence[Tree] = (), shift: Shift = UNMOVED) -> str:
    """Columns key0, key1, … and the measures of people, unlike those of records not yet summed
    to whole numbers."""
    conditions = named(filters)
    own = {name: tree for name, tree in conditions.items() if _tests_views(tree)}
    of_visit = {name: tree for name, tree in conditions.items() if name not in own}
    keys = [
        f"{expression('visits', d, shift)} as key{i}," for i, d in enumerate(by) if not of_view(d)
    ]
    source = counted = "visits"
    if own or any(map(of_view, by)):
        touched, names = _touched(by, own, shift)
        keys += [f"touched.{name}," for name in names]
        source, counted = f"({touched}) as touched join visits using (visit)", "touched"
    return sql(
        "people",
        source=source,
        counted=counted,
        keys=" ".join(keys),
        visit_filters=_all(of_visit, "visits"),
        outer_keys=_outer_keys(by),
    )


def _touched(by: Sequence[str], own: dict[str, Tree], shift: Shift) -> tuple[str, list[str]]:
    """The visits that have views that fit, and the keys that are of these."""
    keys = {f"key{i}": expression("steps", d, shift) for i, d in enumerate(by) if of_view(d)}
    mixed = any(not of_view(leaf.dimension) for tree in own.values() for leaf in tested(tree))
    text = sql(
        "touched_views",
        view_keys=" ".join(f"{value} as {key}," for key, value in keys.items()),
        source="steps join visits using (visit)" if mixed else "steps",
        view_filters=_all(own, "steps"),
    )
    return text, list(keys)


def _scripted(by: Sequence[str], filters: Sequence[Tree], shift: Shift) -> str:
    """Columns key0, key1, … and the measures of visitors of whom scripts told, or did not."""
    tables = ["steps" if of_view(name) else "visits" for name in by]
    return sql(
        "scripted",
        keys=" ".join(
            f"{expression(table, name, shift)} as key{i},"
            for i, (table, name) in enumerate(zip(tables, by, strict=True))
        ),
        filters=_all(named(filters), "steps"),
        outer_keys=_outer_keys(by),
    )


def _tests_views(tree: Tree) -> bool:
    return any(of_view(leaf.dimension) for leaf in tested(tree))


def _all(conditions: dict[str, Tree], table: str) -> str:
    """All of the conditions, where the rows are of this table."""

    def read(dimension: str) -> str:
        return expression("steps" if of_view(dimension) else "visits", dimension)

    def did(inner: str) -> str:
        return sql("has_done", person=f"{table}.person", people="steps.person", condition=inner)

    found = [f"({condition(tree, name, read, did)})" for name, tree in conditions.items()]
    return " and ".join(found) or "true"


def _records(by: Sequence[str], filters: Sequence[Tree], shift: Shift) -> str:
    hits = " or ".join(f"contains(lower(cache), '{word}')" for word in schema.CACHE_HITS)
    return sql(
        "records",
        record_keys=_record_keys(by, shift),
        cache_hit=hits,
        record_filters=_of_records(filters),
    )


def latency_cut(by: Sequence[str], filters: Sequence[Tree], shift: Shift) -> str:
    """Columns key0, key1, …, bucket and n. By page, only those of class page are timed."""
    of_page = "page" in dimensions_in(by, filters)
    return sql(
        "events_latency",
        keys=_record_keys(by, shift),
        filters=_of_records(filters) + (" and \"class\" = 'page'" if of_page else ""),
        buckets_per_octave=str(schema.BUCKETS_PER_OCTAVE),
    )


def _record_keys(by: Sequence[str], shift: Shift) -> str:
    return " ".join(f"{expression('events', d, shift)} as key{i}," for i, d in enumerate(by))


def _of_records(filters: Sequence[Tree]) -> str:
    def read(dimension: str) -> str:
        return expression("events", dimension)

    def did(inner: str) -> str:
        who, ones = "(events.site, events.date, events.visitor)", "steps.site, steps.date, "
        return sql("has_done", person=who, people=f"{ones} steps.who", condition=inner)

    found = [f"({condition(tree, name, read, did)})" for name, tree in named(filters).items()]
    return " and ".join(found) or "true"


def _outer_keys(by: Sequence[str]) -> str:
    return " ".join(f"key{i}," for i in range(len(by)))


def dimensions_in(by: Iterable[str], filters: Iterable[Tree]) -> set[str]:
    return {*by, *dimensions_of(filters)}
