"""The dimensions of questions: what they are called, of what type, and how SQL reads them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

from pipeline import schema
from pipeline.errors import QueryError
from pipeline.schema import PROPERTY, PROPERTY_NAMES, Dimension

__all__ = ["PROPERTY"]

#: Of the roll-up alone: the content item, by which it counts like by a dimension.
CONTENT = "content"
#: Of the range of a question alone: when the record was made, in milliseconds of UTC.
TIME = "time"
#: Dimensions without a column of their own, and the one their values are of.
COLUMN_OF = {"entry": "page", "exit": "page"}
#: Fixed within a visit, so they need no look at its views.
FIXED = frozenset({"site", "date", "time:day", "time:week", "time:month"})
#: Dimensions by which records have no value.
NOT_OF_RECORDS = frozenset({"entry", "exit"})
#: Of spans of time: the columns they are read from, and how; {0} is the date, {1} the table, {2}
#: the milliseconds.
TIMES = {
    "time:minute": "strftime(make_timestamp_ms({2}), '%Y-%m-%dT%H:%MZ')",
    "time:hour": "strftime({0}, '%Y-%m-%d') || 'T' || lpad({1}.\"hour\"::varchar, 2, '0') || ':00'",
    "time:day": "strftime({0}, '%Y-%m-%d')",
    "time:week": "strftime(date_trunc('week', {0}), '%Y-%m-%d')",
    "time:month": "strftime({0}, '%Y-%m')",
}
#: Names of properties go into SQL as they are: nothing may end a text or a name there.
_PROPERTY_NAME = re.compile(r"""[^\x00-\x1f"'\\]{1,100}""")
_KNOWN = {**schema.DIMENSIONS, **schema.DETAILS, **schema.TIMES}


@dataclass(frozen=True, slots=True)
class Shift:
    """How much later the dates of a compared range are told, so that they fall on the range."""

    days: int = 0
    years: int = 0

    def of(self, date: str) -> str:
        if self.years:
            return f"({date} + interval {self.years} year)::date"
        return f"({date} + {self.days})" if self.days else date


UNMOVED = Shift()


def find(name: str) -> Dimension:
    """Raises `QueryError` for a name that is none."""
    if name in _KNOWN:
        return _KNOWN[name]
    if name.startswith(PROPERTY):
        if _PROPERTY_NAME.fullmatch(name.removeprefix(PROPERTY)):
            return Dimension(name, "record", "Property of a custom event.")
        raise QueryError(f"{name!r} names no property.", "write prop:plan, without quotes")
    raise QueryError(f"There is no dimension {name!r}.", near(name, (*_KNOWN, "prop:<name>")))


def near(name: str, known: Iterable[str]) -> str:
    """Advice after a wrong name: the names like it, or else all of them."""
    names = list(known)
    close = difflib.get_close_matches(name, names, 3, 0.5)
    return f"did you mean {' or '.join(close)}?" if close else f"there are: {', '.join(names)}"


def column_type(dimension: str) -> pa.DataType:
    """The type of a dimension's values; text for all that is dictionary-coded."""
    if dimension in TIMES or dimension.startswith(PROPERTY):
        return pa.string()
    kind = schema.EVENTS.field(COLUMN_OF.get(dimension, dimension)).type
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def read_from(dimension: str) -> tuple[str, ...]:
    """The dimensions with columns of their own that it is worked out from: itself, mostly."""
    if dimension == "time:hour":
        return ("date", "hour")
    if dimension == "time:minute":
        return (TIME,)
    return ("date",) if dimension in TIMES else (dimension,)


def of_view(dimension: str) -> bool:
    """Whether the value can differ between the views of a visit."""
    if dimension in FIXED:
        return False
    return dimension in (CONTENT, TIME) or find(dimension).level == "record"


def is_of_events(dimension: str) -> bool:
    """Whether custom events alone have it."""
    return dimension == "event" or dimension.startswith(PROPERTY)


def expression(table: str, dimension: str, shift: Shift = UNMOVED) -> str:
    """Its value in a row of the table."""
    if dimension in TIMES:
        return TIMES[dimension].format(shift.of(f'{table}."date"'), table, _milliseconds(table))
    if dimension == "date":
        return shift.of(f'{table}."date"')
    if dimension == TIME:
        return _milliseconds(table)
    return f'{table}."{dimension}"'


def _milliseconds(table: str) -> str:
    return f"{table}.time_ms" if table == "steps" else f'epoch_ms({table}."time")'


def event_column(dimension: str) -> str:
    """The column of events that steps carry it in, as SQL."""
    if dimension == PROPERTY_NAMES:
        return f"""to_json(json_keys("properties"))::varchar as "{dimension}\""""
    if dimension.startswith(PROPERTY):
        name = dimension.removeprefix(PROPERTY)
        return f"""json_extract_string("properties", '$."{name}"') as "{dimension}\""""
    return f'"{dimension}"'
