"""Steps, visits and visitors, numbered: the one place that says where a visit begins and ends.

A step is a view, content view or event of a person. A visit goes on while the gaps between its
steps stay under 30 minutes, and ends at the site's midnight. How the visitor came is taken from
its first view; a visit without a view has its first step's. Values may be texts or their numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline import schema
from pipeline.confirmed import confirmed

Longs = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

GAP_MS = 30 * 60 * 1000
#: What steps are put in order by, and what of it they need no more when they are.
_ORDER = ("site", "date", "visitor", "time_ms", "log_id", "offset")
_SPENT = ("visitor", "log_id", "offset")
#: Measures of a visit that are sums of flags of its steps.
FLAGS = {
    "views": "is_view",
    "content_views": "is_content_view",
    "events": "is_event",
    "signed_in_views": "is_signed_in_view",
}
#: What a visit has of the step that it is known by, as far as steps have it.
_OPENING = (
    *("site", "date", "hour", "country", "device", "browser", "os"),
    *(
        d.name
        for d in (*schema.DIMENSIONS.values(), *schema.DETAILS.values())
        if d.level == "visit"
    ),
)
_PLACES = {"entry": "page", "exit": "page"}


@dataclass(frozen=True, slots=True)
class Numbers:
    """How many steps, visits and visitors were numbered before."""

    steps: int = 0
    visits: int = 0
    people: int = 0


@dataclass(frozen=True, slots=True)
class Visits:
    """Rows of steps, in their order, each with the numbers of its visit and visitor; and rows of
    visits, with the numbers of their first and last step and of their first and last view."""

    steps: pa.Table
    visits: pa.Table
    until: Numbers


def number(seen: pa.Table, before: Numbers = Numbers()) -> Visits:
    """Whole days of what was seen, in any order."""
    seen = confirmed(seen)
    keys = {name: _sortable(seen.column(name)) for name in _ORDER}
    order = np.lexsort([keys[name] for name in reversed(_ORDER)])
    keys = {name: values[order] for name, values in keys.items()}
    new_person = _changes([keys[name] for name in ("site", "date", "visitor")])
    new_visit = new_person | (np.diff(keys["time_ms"], prepend=0) >= GAP_MS)
    person = np.cumsum(new_person) + before.people
    visit = np.cumsum(new_visit) + before.visits
    steps = seen.combine_chunks().take(pa.array(order)).drop_columns(list(_SPENT))
    step = np.arange(len(order)) + before.steps + 1
    for name, numbers in (("step", step), ("visit", visit), ("person", person)):
        steps = steps.append_column(name, pa.array(numbers, pa.int32()))
    starts = np.flatnonzero(new_visit)
    visits = _visits(steps, starts, keys["time_ms"], before.steps + 1)
    until = Numbers(
        before.steps + len(order),
        before.visits + len(starts),
        before.people + int(np.count_nonzero(new_person)),
    )
    return Visits(steps, visits, until)


def _sortable(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    """Numbers that are equal where the values are; those of times and places keep their order."""
    if pa.types.is_string(column.type):
        column = column.dictionary_encode()
    column = column.combine_chunks()
    if pa.types.is_dictionary(column.type):
        column = column.indices
    if pa.types.is_date32(column.type):
        column = column.cast(pa.int32())
    values: npt.NDArray[Any] = column.fill_null(0).to_numpy(zero_copy_only=False)
    return values


def _changes(columns: list[Longs]) -> Mask:
    """Which rows differ from the one before."""
    changed = np.zeros(len(columns[0]), bool)
    changed[:1] = True
    for column in columns:
        changed[1:] |= column[1:] != column[:-1]
    return changed


def _visits(steps: pa.Table, starts: Longs, times: Longs, first_step: int) -> pa.Table:
    """The row of each visit whose first step is the row `starts` of the steps, which are numbered
    from `first_step` on."""
    if not len(starts):
        return _none(steps)
    ends = np.append(starts[1:], len(times)) - 1
    sums = {
        name: np.add.reduceat(steps.column(flag).to_numpy().astype(np.int64), starts)
        for name, flag in FLAGS.items()
    }
    first_view, last_view, viewed = _view_rows(steps, starts)
    opening = steps.take(pa.array(np.where(viewed, first_view, starts)))
    exits = pa.array(last_view, mask=~viewed)
    bounce = (sums["views"] + sums["content_views"] == 1) & (sums["events"] == 0)
    numbers = {
        "first_step": pa.array(starts + first_step),
        "first_view": pa.array(first_view + first_step, mask=~viewed),
        "last_view": pa.array(last_view + first_step, mask=~viewed),
        **{name: pa.array(values) for name, values in sums.items()},
        "duration_s": pa.array(times[ends] // 1000 - times[starts] // 1000),
        "bounce": pa.array(bounce),
    }
    columns = {name: values.cast(pa.int32()) for name, values in numbers.items()}
    columns |= {name: opening.column(name) for name in ("visit", "person")}
    columns |= {name: opening.column(column) for name, column in _opening(steps).items()}
    columns["entry"] = pc.if_else(pa.array(viewed), columns["entry"], None)
    columns["exit"] = steps.column("page").take(exits)
    return pa.table(columns)


def _opening(steps: pa.Table) -> dict[str, str]:
    """The columns of a visit that are of one step, and what this calls them."""
    columns = {name: _PLACES.get(name, name) for name in _OPENING}
    return {name: column for name, column in columns.items() if column in steps.column_names}


def _view_rows(steps: pa.Table, starts: Longs) -> tuple[Longs, Longs, Mask]:
    """The rows of the first and the last view of each visit, and whether it has any."""
    is_view = steps.column("is_view").to_numpy() == 1
    rows = np.arange(len(is_view))
    first = np.minimum.reduceat(np.where(is_view, rows, len(rows)), starts)
    last = np.maximum.reduceat(np.where(is_view, rows, -1), starts)
    return first, last, last >= 0


def _none(steps: pa.Table) -> pa.Table:
    """No visits, with the columns that they would have."""
    numbers = ("first_step", "first_view", "last_view", *FLAGS, "duration_s", "bounce")
    columns = {name: pa.array([], pa.int32()) for name in (*numbers, "visit", "person")}
    columns |= {name: steps.column(column) for name, column in _opening(steps).items()}
    return pa.table(columns)
