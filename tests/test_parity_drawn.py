"""Questions that nobody thought of: drawn at random, each answered like the reference does, from
raw events, from statistics, and from both."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline import maintain, query, rollup
from pipeline.catalog import Catalog
from pipeline.engine import Engine
from pipeline.errors import QueryError
from pipeline.question import from_dict
from tests.reference import log
from tests.reference.questions import Span, answer, names_in, span
from tests.reference.records import Record
from tests.stores import SAMPLE, Store, configuration

ZONE = "Asia/Kolkata"
HOSTS = ("semicomplete.com", "www.semicomplete.com")
PEOPLE = ("views", "visitors", "visits", "bounces", "duration_s", "events", "bounce_rate")
RECORDS = ("hits", "bot_hits", "bytes", "errors", "not_found", "error_rate")
DIMENSIONS = (
    *("date", "hour", "page", "entry", "exit", "source", "channel", "referrer", "country"),
    *("device", "browser", "os", "status", "class", "method", "bot_category", "origin"),
)
TIMES = ("time:hour", "time:day", "time:week", "time:month")
#: Every fourth line is enough, and still makes visits.
LINES = slice(None, None, 4)


@dataclass(frozen=True, slots=True, repr=False)
class World:
    """The reference's records, the values of each dimension by how often they come, and the same
    log in stores of three states: not rolled up, rolled up, and sealed up to the last day but
    one."""

    records: list[Record]
    values: dict[str, list[object]]
    days: list[dt.date]
    catalogs: dict[str, Catalog]
    engine: Engine = field(default_factory=Engine)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("drawn")
    path = folder / "access.log"
    path.write_bytes(b"".join(SAMPLE.read_bytes().splitlines(keepends=True)[LINES]))
    own = frozenset(HOSTS)
    records = log.read(path.read_bytes(), "combined", ZONE, own=own)[0]
    Store(folder / "raw", configuration({"s": ZONE}, HOSTS)).backfill(path)
    days = sorted({record.date for record in records})
    catalogs = {"raw": Catalog(folder / "raw")}
    for name in ("built", "mixed"):
        shutil.copytree(folder / "raw", folder / name)
        catalogs[name] = Catalog(folder / name)
        rollup.rollup(catalogs[name])
    with catalogs["mixed"].write() as tx:
        for date in days[:-2]:
            maintain.seal_day(catalogs["mixed"], tx, 1, date)
    made = World(records, frequent(records), days, catalogs)
    yield made
    made.engine.close()
    for catalog in catalogs.values():
        catalog.close()


def frequent(records: Sequence[Record]) -> dict[str, list[object]]:
    found: dict[str, list[object]] = {}
    for name in DIMENSIONS:
        column = {"entry": "page", "exit": "page"}.get(name, name)
        values = [record.values[column] for record in records]
        often = sorted(set(values), key=lambda v: (-values.count(v), str(v)))[:6]
        found[name] = [v.isoformat() if isinstance(v, dt.date) else v for v in often]
    return found


#: A test of a filter whose values are places in the list of the most frequent ones.
TEST = st.tuples(
    st.sampled_from(["is", "is", "is_not", "contains", "matches", "matches_regex"]),
    st.sampled_from(DIMENSIONS),
    st.lists(st.integers(0, 5), min_size=1, max_size=3, unique=True),
)
JOINED = st.recursive(
    TEST,
    lambda part: st.one_of(
        st.tuples(st.sampled_from(["and", "or"]), st.lists(part, min_size=1, max_size=3)),
        st.tuples(st.just("not"), part),
    ),
    max_leaves=4,
)
FILTER = st.one_of(
    st.just(("and", [])),
    JOINED,
    JOINED.map(lambda part: ("has_done", part)),
    st.tuples(JOINED, JOINED).map(lambda two: ("and", [two[0], ("has_done", two[1])])),
)
QUESTIONS = st.fixed_dictionaries(
    {
        "by": st.lists(st.sampled_from((*DIMENSIONS, *TIMES)), max_size=2, unique=True),
        "tree": FILTER,
        "metrics": st.lists(st.sampled_from(PEOPLE + RECORDS), min_size=1, max_size=4, unique=True),
        "days": st.lists(st.integers(0, 3), min_size=2, max_size=2),
        "times": st.sampled_from([(None, None), (None, None), (9, None), (3, 17)]),
        "compare": st.sampled_from(["", "", "previous", "weekday"]),
        "now": st.sampled_from([dt.datetime(2030, 1, 1), dt.datetime(2015, 5, 19, 13, 37)]),
    }
)


def about(drawn: dict[str, Any], world: World) -> dict[str, Any]:
    """The question that was drawn, about what the world has."""
    tree = spelled(drawn["tree"], world.values)
    first, last = (world.days[place] for place in sorted(drawn["days"]))
    since, until = (None if hour is None else dt.time(hour) for hour in drawn["times"])
    metrics = drawn["metrics"]
    if {"entry", "exit"} & names_in(drawn["by"], tree):
        metrics = [name for name in metrics if name in PEOPLE] or ["visits"]
    more = {"first": first, "last": last, "since": since, "until": until}
    return {**drawn, **more, "tree": tree, "metrics": metrics}


def spelled(drawn: Sequence[Any], values: dict[str, list[Any]]) -> list[Any]:
    if drawn[0] in ("and", "or"):
        return [drawn[0], [spelled(part, values) for part in drawn[1]]]
    if drawn[0] in ("not", "has_done"):
        return [drawn[0], spelled(drawn[1], values)]
    word, name, places = drawn
    known = values[name]
    if word in ("is", "is_not"):
        return [word, name, sorted({known[place % len(known)] for place in places}, key=str)]
    text = str(known[places[0] % len(known)])
    middle = "".join(c for c in text[1 : 2 + len(places)] if c.isalnum() or c in "/-") or "a"
    pattern = {"contains": middle, "matches": f"*{middle}*", "matches_regex": f"^.?{middle}"}
    return [word, name, [pattern[word]]]


def moment(date: dt.date, time: dt.time | None) -> str:
    return date.isoformat() if time is None else dt.datetime.combine(date, time).isoformat()


def ask(world: World, state: str, asked: dict[str, Any]) -> query.Answer | None:
    """None where nothing can answer."""
    given = {
        "site": "s", "metrics": asked["metrics"], "dimensions": asked["by"],
        "from": moment(asked["first"], asked["since"]), "to": moment(asked["last"], asked["until"]),
        "filters": asked["tree"], "compare": asked["compare"],
    }  # fmt: skip
    now = asked["now"].replace(tzinfo=ZoneInfo(ZONE))
    catalog = world.catalogs[state]
    try:
        return query.answers(catalog, [from_dict(given)], engine=world.engine, now=now)[0]
    except QueryError as error:
        assert state == "mixed" and "gone" in error.what
        return None


def shifted(asked: dict[str, Any]) -> tuple[Span, int]:
    """What a range is compared with, and how many days later its dates are told."""
    first, last, until, now = asked["first"], asked["last"], asked["until"], asked["now"]
    days = (last - first).days + 1
    later = days if asked["compare"] == "previous" else (days + 6) // 7 * 7
    if first <= now.date() <= last and (until is None or last > now.date()):
        last, until = now.date(), now.time()
    back = dt.timedelta(days=later)
    return span(first - back, last - back, asked["since"], until, ZONE), later


def compare(world: World, state: str, asked: dict[str, Any]) -> None:
    found = ask(world, state, asked)
    if found is None or any("are not in this answer" in text for text in found.meta["warnings"]):
        return
    if any("counts whole" in text for text in found.meta["warnings"]):
        return
    of_range = span(asked["first"], asked["last"], asked["since"], asked["until"], ZONE)
    told = (asked["metrics"], asked["by"], asked["tree"])
    expected = {k: [v] for k, v in answer(world.records, *told, of_range).items()}
    nothing = answer([], asked["metrics"], [], asked["tree"], of_range)[()]
    if asked["compare"]:
        before = answer(world.records, *told, *shifted(asked))
        expected = {
            key: [expected.get(key, [nothing])[0], before.get(key, nothing)]
            for key in {*expected, *before}
        }
    got = {tuple(row["dimensions"]): [row["metrics"], *side(row)] for row in found.results}
    assert len(got) == len(found.results)
    some = {key: sides for key, sides in expected.items() if any(chain(*sides)) or not asked["by"]}
    known = [[n is not None for n in side] for side in next(iter(got.values()), [])]
    if state == "mixed" and not all(chain(*known)):
        some = masked(some, got)
    assert got == some


def side(row: dict[str, Any]) -> list[list[Any]]:
    return [row["comparison"]["metrics"]] if "comparison" in row else []


def masked(expected: dict[Any, Any], got: dict[Any, Any]) -> dict[Any, Any]:
    """What is expected of the numbers that are known; a row of others alone is left out."""
    unknown = [
        [all(row[s][m] is None for row in got.values()) for m in range(len(sides[0]))]
        for sides in list(got.values())[:1]
        for s in range(len(sides))
    ]
    shown = {
        key: [
            [None if hidden else number for number, hidden in zip(numbers, of_side, strict=True)]
            for numbers, of_side in zip(sides, unknown, strict=True)
        ]
        for key, sides in expected.items()
    }
    return {key: sides for key, sides in shown.items() if any(chain(*sides)) or key == ()}


QUICK = settings(
    max_examples=12, deadline=None, database=None, derandomize=True,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@QUICK
@given(QUESTIONS)
def test_questions_at_random_are_answered_as_by_the_reference(
    world: World, drawn: dict[str, Any]
) -> None:
    for state in world.catalogs:
        compare(world, state, about(drawn, world))


@pytest.mark.slow
@settings(QUICK, max_examples=1500)
@given(QUESTIONS)
def test_many_questions_at_random_are_answered_as_by_the_reference(
    world: World, drawn: dict[str, Any]
) -> None:
    for state in world.catalogs:
        compare(world, state, about(drawn, world))
