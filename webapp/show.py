"""What templates say of a page: labels, words and drawings that need more than one figure."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from babel.dates import format_timedelta

from pipeline import schema
from pipeline.notes import Note
from pipeline.question import METRICS
from pipeline.schema import PROPERTY
from webapp.asking import Asking, Condition
from webapp.charts import Chart, chart, labelled, sparkline
from webapp.figures import DIMENSION_TITLES, FIGURES, OUTCOME_TITLES, named, title_of, written
from webapp.languages import Reader, mark
from webapp.overview import Table
from webapp.panels import SUBJECTS, Tab
from webapp.periods import COMPARISONS, PRESETS, STEP_TITLES, Period, start_of
from webapp.series import Series, Slot

__all__ = ["COMPARISONS", "FIGURES", "OUTCOME_TITLES", "PRESETS", "STEP_TITLES", "SUBJECTS"]
__all__ += ["named", "sparkline", "title_of", "written"]
OPERATOR_WORDS = {
    "==": mark("is"),
    "!=": mark("is not"),
    "~": mark("is like"),
    "!~": mark("is not like"),
    "*=": mark("contains"),
    "=~": mark("matches"),
}
WHO_TITLES = {
    "people": mark("People"),
    "signed_in": mark("Signed in"),
    "anonymous": mark("Anonymous"),
    "bots": mark("Bots"),
    "all": mark("All"),
}
ENDS_TITLES = {
    "entries": mark("Visits that began at this page."),
    "exits": mark("Visits that ended at this page."),
}
ORIGIN_TITLES = {
    "": mark("Any evidence"),
    "log": mark("Log"),
    "script": mark("Script"),
    "pixel": mark("Pixel"),
    "api": mark("API"),
}
STATE_TITLES = {
    "good": mark("Good"),
    "lagging": mark("Behind"),
    "rejecting": mark("Lines refused"),
    "silent": mark("Silent"),
    "failed": mark("Failed"),
}
EXCLUSION_TITLES = {
    "paths": mark("Paths"),
    "agents": mark("User agents"),
    "referrers": mark("Hosts of referrers"),
    "addresses": mark("Addresses"),
}
ROLE_TITLES = {"admin": mark("Administrator"), "viewer": mark("Viewer")}
#: What an answer says of itself.
SOURCES = {
    "daily": mark("daily statistics"),
    "events": mark("raw events"),
    "mixed": mark("daily statistics and raw events"),
}
VISITORS = {
    "distinct": mark("visitors are distinct"),
    "sum of days": mark("visitors are the sum of the days: who came on two days is counted twice"),
    "upper bound": mark("visitors are an upper bound"),
    "unknown": mark("visitors are not known"),
}
#: Countries that the map has a shape for.
COUNTRIES = tuple(
    re.findall(r'id="(\w+)"', (Path(__file__).parent / "static" / "world.svg").read_text("utf-8"))
)
#: Words below a chart, at most.
MOST_LABELS = 8
#: Shades of the map.
SHADES = 6


@dataclass(frozen=True, slots=True)
class Drawing:
    """The main chart with the words of its slots."""

    chart: Chart
    words: tuple[str, ...]
    base_words: tuple[str, ...]
    labels: tuple[tuple[float, str, str], ...]
    flags: tuple[tuple[float, Note], ...]


def drawing(reader: Reader, series: Series, metric: str, notes: Sequence[Note] = ()) -> Drawing:
    counts = FIGURES[metric].form == "compact"
    found = chart(series.values[metric], series.base[metric], series.partial, counts)
    words = tuple(slot_word(reader, series.step, slot) for slot in series.slots)
    labels = []
    for index in _labelled(series.slots):
        place = found.dots[index].x
        anchor = "start" if place < 3 else "end" if place > 97 else "middle"
        labels.append((place, anchor, _short(reader, series.step, series.slots[index])))
    based = tuple(slot_word(reader, series.step, slot) for slot in series.base_slots)
    places = {slot: dot.x for slot, dot in zip(series.slots, found.dots, strict=True)}
    flagged = ((places.get(_slot_of(series.step, note.date)), note) for note in notes)
    flags = tuple((place, note) for place, note in flagged if place is not None)
    return Drawing(found, words, based, tuple(labels), flags)


def _labelled(slots: Sequence[Slot]) -> list[int]:
    """Which slots have a word below: evenly spread, and of hours of several days the midnights."""
    nights = [i for i, slot in enumerate(slots) if isinstance(slot, dt.datetime) and not slot.hour]
    if len(nights) > 2:
        return nights
    return labelled(len(slots), MOST_LABELS)


def _slot_of(step: str, day: dt.date) -> Slot:
    return dt.datetime.combine(day, dt.time()) if step == "hour" else start_of(step, day)


def slot_word(reader: Reader, step: str, slot: Slot) -> str:
    if isinstance(slot, dt.datetime):
        return f"{reader.weekday(slot.date())}, {reader.hour(slot.hour)}"
    if step == "month":
        return reader.month(slot)
    if step == "week":
        return reader.text(mark("Week of %(day)s"), day=reader.date(slot))
    return reader.weekday(slot)


def _short(reader: Reader, step: str, slot: Slot) -> str:
    if isinstance(slot, dt.datetime):
        return reader.hour(slot.hour) if slot.hour else reader.short_date(slot.date())
    return reader.month(slot) if step == "month" else reader.short_date(slot)


def range_word(reader: Reader, period: Period) -> str:
    if period.days == 1:
        return reader.weekday(period.first)
    return reader.interval(period.first, period.last)


def range_title(reader: Reader, word: str) -> str:
    return reader.text(PRESETS[word].title) if word in PRESETS else ""


def change(reader: Reader, value: float | None) -> str:
    """A relative change with its sign; a change by more than ten times is told in times."""
    if value is None:
        return "–"
    if value > 9.995:
        return f"×{reader.number(value + 1)}"
    sign = "+" if value > 0 else "−" if value < 0 else "±"
    return f"{sign}{reader.percent(abs(value))}"


def summary(reader: Reader, series: Series, metric: str) -> str:
    """The chart in a sentence."""
    known = [(v, i) for i, v in enumerate(series.values[metric]) if v is not None]
    if not known:
        return reader.text(mark("Nothing was counted."))
    words = [slot_word(reader, series.step, slot) for slot in series.slots]
    (most, at), (least, low) = max(known, key=lambda k: k[0]), min(known, key=lambda k: k[0])
    return reader.text(
        mark("%(metric)s: highest %(most)s (%(at)s), lowest %(least)s (%(low)s)."),
        metric=reader.text(FIGURES[metric].title),
        most=written(reader, metric, most, True),
        at=words[at],
        least=written(reader, metric, least, True),
        low=words[low],
    )


def minutes_summary(reader: Reader, minutes: Sequence[tuple[dt.time, int]]) -> str:
    """The bars of the last half hour in a sentence."""
    (time, most), total = max(minutes, key=lambda m: m[1]), sum(views for _, views in minutes)
    if not total:
        return reader.text(mark("No page views in the last 30 minutes."))
    return reader.text(
        mark("%(total)s page views in the last 30 minutes, most of them, %(most)s, at %(at)s."),
        total=reader.number(total),
        most=reader.number(most),
        at=reader.clock(time),
    )


def tab_title(reader: Reader, tab: Tab) -> str:
    """That of a property is its name, which is in no language."""
    return tab.title if tab.by.startswith(PROPERTY) and not tab.unfolded else reader.text(tab.title)


def page_details(asking: Asking, path: str) -> str:
    return asking.detailing(Condition("page", "==", path))


def counts(table: Table) -> dict[str, float]:
    """The first metric of each value that has any."""
    return {str(r.value): r.metrics[0] for r in table.rows if r.value and r.metrics[0]}


def shades(counts: Mapping[str, float]) -> dict[str, int]:
    """A shade from 1 on for every country: evenly spread over the logarithm, so that one large
    country leaves the others their differences."""
    top = max(counts.values(), default=0)
    return {code: _shade(count, top) for code, count in counts.items()}


def _shade(count: float, top: float) -> int:
    shade = SHADES
    while shade > 1 and count < top / 3 ** (SHADES - shade + 1):
        shade -= 1
    return shade


def ago(reader: Reader, time: dt.datetime) -> str:
    """How long ago, in words; `time` is UTC without a zone."""
    passed = time - dt.datetime.now(dt.UTC).replace(tzinfo=None)
    return str(format_timedelta(passed, add_direction=True, locale=reader.locale))


def definition(metric: str) -> str:
    return METRICS.get(metric, "")


def as_json(query: Mapping[str, Any]) -> str:
    return json.dumps(query, indent=2, ensure_ascii=False)


def api_address(query: Mapping[str, Any], what: str = "query", **more: str | int) -> str:
    """Of the API, where the question is answered as JSON or, as `export`, as a file."""
    said = {
        "site": query["site"],
        "metrics": ",".join(query["metrics"]),
        "dimensions": ",".join(query["dimensions"]),
        "from": query["from"],
        "to": query["to"],
        "filters": json.dumps(query["filters"]) if query["filters"] else "",
        "compare": query["compare"],
        "order": query["order"],
        **more,
    }
    return f"/api/v1/{what}?{urlencode({name: value for name, value in said.items() if value})}"


def filterable() -> list[str]:
    """Dimensions that a filter can be made of by hand."""
    known = [
        name for name in DIMENSION_TITLES if name in schema.DIMENSIONS or name in schema.DETAILS
    ]
    return [name for name in known if name not in ("date", "hour")]


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of the bar of all lines, in percent."""

    name: str
    count: int
    share: float
    left: float
    width: float


def stack(outcomes: Mapping[str, int]) -> list[Part]:
    """What became of the lines, side by side, in the order in which they are declared."""
    total = sum(outcomes.values()) or 1
    found, left = [], 0.0
    for name in OUTCOME_TITLES:
        if count := outcomes.get(name, 0):
            width = 100 * count / total
            found.append(Part(name, count, count / total, round(left, 3), round(width, 3)))
            left += width
    return found


def since(reader: Reader, time: dt.datetime | None) -> str:
    return ago(reader, time) if time else reader.text(mark("never"))


def as_line(filters: Any) -> str:
    return json.dumps(filters, ensure_ascii=False)
