"""A view that a log and a pixel or script tell of counts once, as the reference counts it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.catalog import Catalog
from pipeline.config import Config
from pipeline.rollup import rollup
from tests.events import DAY, add, bot, event
from tests.examples import drawn
from tests.reference.records import Record
from tests.reference.statistics import answer
from tests.stores import Store

METRICS = ["views", "visitors", "visits", "bounces", "duration_s", "events", "hits"]
QUESTIONS: list[list[str]] = [[], ["page"], ["origin"], ["entry"], ["date", "page"]]
ORIGINS = ["log", "pixel", "script", "api"]


def row(
    minute: int, second: int, page: str, who: int, origin: str, kind: str, log: int
) -> dict[str, Any]:
    at = f"{9 + minute // 60:02}:{minute % 60:02}:{second:02}"
    date = DAY + dt.timedelta(days=who % 2)
    if kind == "bot":
        return bot(at, page, who, origin=origin, date=date, log_id=log)
    named = {"class": "event", "event": "e"} if kind == "event" else {}
    return event(at, page, who, origin=origin, date=date, log_id=log, **named)


ROWS = st.lists(
    st.builds(
        row,
        st.sampled_from([0, 1, 40, 119]),
        st.integers(0, 4),
        st.sampled_from(["/a", "/b", "/c"]),
        st.integers(1, 3),
        st.sampled_from(ORIGINS),
        st.sampled_from(["view", "view", "view", "event", "bot"]),
        st.integers(1, 3),
    ),
    min_size=10,
    max_size=60,
)


def record(number: int, made: dict[str, Any]) -> Record:
    """The row, as the reference sees it."""
    values = {name: made.get(name) for name in ("page", "origin", "class", "date", "bot", "status")}
    values |= {"channel": "direct", "referrer": None, "source": None}
    values |= dict.fromkeys(("utm_source", "utm_medium", "utm_campaign"))
    time_ms = int(made["time"].timestamp() * 1000)
    who = str(made["visitor"])
    return Record(
        "s", made["log_id"], number, time_ms, made["date"], made["bytes"], who, None, values
    )


def known(table: dict[tuple[object, ...], list[object]]) -> dict[tuple[object, ...], list[object]]:
    """Without rows of zeros, which are left out of answers."""
    shown = {tuple(map(_text, key)): row for key, row in table.items()}
    return {key: row for key, row in shown.items() if any(row)}


def _text(value: object) -> object:
    return value.isoformat() if isinstance(value, dt.date) else value


@drawn(3)
@given(rows=ROWS)
def test_raw_events_and_statistics_have_the_numbers_of_the_reference(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]
) -> None:
    data = tmp_path_factory.mktemp("store")
    catalog, store = Catalog(data), Store(data, Config())
    numbered = [made | {"offset": number} for number, made in enumerate(rows)]
    # Events of one visitor may lie in several parts.
    for part in (numbered[::2], numbered[1::2]):
        add(catalog, part)
    records = [record(made["offset"], made) for made in numbered]
    for rolled in (False, True):
        if rolled:
            rollup(catalog)
        for by in QUESTIONS:
            metrics = METRICS[:-1] if {"entry", "exit"} & set(by) else METRICS
            expected = known(answer(records, metrics, by))
            assert known(store.ask(metrics, by)) == expected, (rolled, by)


def views(tmp_path: Path, *rows: dict[str, Any]) -> dict[tuple[object, ...], list[object]]:
    add(Catalog(tmp_path), rows)
    return Store(tmp_path, Config()).ask(["views", "visitors"], ["origin"])


def test_a_day_with_a_view_by_script_has_no_views_of_the_log(tmp_path: Path) -> None:
    found = views(
        tmp_path,
        event("10:00:00", "/a"),
        event("10:00:01", "/a", origin="script"),
        event("15:00:00", "/b"),
        event("10:00:00", "/b", who=2),
    )
    assert found == {("script",): [1, 1], ("log",): [1, 1]}


def test_a_pixel_stands_for_the_log_of_its_page_alone(tmp_path: Path) -> None:
    found = views(
        tmp_path,
        event("10:00:00", "/a"),
        event("10:00:01", "/a", origin="pixel"),
        event("10:00:05", "/a", origin="pixel"),
        event("10:01:00", "/b"),
    )
    assert found == {("pixel",): [2, 1], ("log",): [1, 1]}


def test_an_event_by_script_is_no_view_by_script(tmp_path: Path) -> None:
    named = {"class": "event", "event": "e", "origin": "script"}
    found = views(tmp_path, event("10:00:00", "/a"), event("10:00:01", "/a", **named))
    assert found["log",] == [1, 1]


BOTH = (
    event("10:00:00", "/a"),
    event("10:00:01", "/a", origin="script"),
    event("10:00:02", "/b", origin="pixel"),
    event("10:00:00", "/b", who=2),
    event("10:05:00", "/b", who=2, **{"class": "event", "event": "e", "origin": "script"}),
)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", {("script",): [1, 1], ("pixel",): [1, 1], ("log",): [1, 1]}),
        ("log", {("log",): [2, 2]}),
        ("script", {("script",): [1, 1], ("pixel",): [1, 1]}),
    ],
)
def test_a_site_may_say_what_tells_of_its_views(
    tmp_path: Path, choice: str, expected: dict[tuple[object, ...], list[object]]
) -> None:
    catalog, store = Catalog(tmp_path), Store(tmp_path, Config())
    add(catalog, BOTH)
    add(catalog, [event("10:00:00", "/a", site="t")])
    rollup(catalog)
    catalog.set_views_from({"s": choice, "t": "auto"})
    stale = {day.site for day in catalog.days() if day.stale}
    assert stale == (set() if choice == "auto" else {"s"})
    for _ in range(2):
        found = store.ask(["views", "visitors"], ["origin"])
        assert {key: row for key, row in found.items() if any(row)} == expected
        assert store.ask(["events"]) == {(): [1]}
        assert store.ask(["views"], site="t") == {(): [1]}
        rollup(catalog)
    assert not any(day.stale for day in catalog.days())


def unscripted(rows: list[dict[str, Any]], by: str) -> dict[object, list[object]]:
    """Of each value, the visitors of days with a script, and those of whom it told nothing."""
    views = [r for r in rows if r["class"] == "page" and not r.get("bot")]
    scripted = {(r["date"], r["visitor"]) for r in views if r["origin"] in ("script", "api")}
    days = {date for date, _ in scripted}
    found: dict[object, list[object]] = {}
    for value in {_text(r[by]) for r in views}:
        people = {(r["date"], r["visitor"]) for r in views if _text(r[by]) == value}
        checked = {one for one in people if one[0] in days}
        found[value] = [len(checked), len(checked - scripted)]
    return found


@drawn(3)
@given(rows=ROWS)
def test_visitors_of_whom_no_script_told_are_those_of_the_reference(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]
) -> None:
    data = tmp_path_factory.mktemp("store")
    add(Catalog(data), rows)
    found = Store(data, Config()).ask(["checked_visitors", "unscripted_visitors"], ["date"])
    assert known(found) == known({(k,): v for k, v in unscripted(rows, "date").items()})


def test_the_rate_of_unscripted_visitors_is_that_of_days_with_a_script(tmp_path: Path) -> None:
    tomorrow = DAY + dt.timedelta(days=1)
    rows = [
        event("10:00:00", "/a", who=1, origin="script", country="FR"),
        event("10:00:00", "/a", who=2, country="FR"),
        event("10:00:00", "/a", who=3, country="DE"),
        event("10:00:00", "/a", who=4, country="DE", origin="pixel"),
        bot("10:00:00", "/a", who=5),
        event("10:00:00", "/a", who=6, date=tomorrow, country="FR"),
    ]
    add(Catalog(tmp_path), rows)
    store = Store(tmp_path, Config())
    assert store.ask(["unscripted_rate", "visitors"]) == {(): [0.75, 5]}
    assert store.ask(["unscripted_rate"], ["country"]) == {("FR",): [0.5], ("DE",): [1.0]}
    assert store.ask(["unscripted_rate"], ["date"]) == {("2026-03-01",): [0.75]}
    assert store.ask(["unscripted_rate"], [], ["page==/b"]) == {(): [None]}
    assert store.ask(["unscripted_rate"], ["entry"]) == {("/a",): [0.75]}


def test_a_pixel_that_the_log_in_front_of_the_collector_has_too_counts_once(tmp_path: Path) -> None:
    second = dt.timedelta(milliseconds=700)
    log, taken = event("10:00:00", "/a", origin="pixel"), event("10:00:00", "/a", origin="pixel")
    taken |= {"time": log["time"] + second, "log_id": 2}
    again = [one | {"time": one["time"] + dt.timedelta(hours=2)} for one in (log, taken)]
    scripted = event("13:00:00", "/b", who=2, origin="script", log_id=2)
    fallback = event("13:00:01", "/b", who=2, origin="pixel")
    found = views(tmp_path, log, taken, *again, scripted, fallback)
    assert found == {("pixel",): [2, 1], ("script",): [1, 1]}
