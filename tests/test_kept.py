"""What is answered when some of a store is stale, sealed or gone: the same, or a word about it."""

from __future__ import annotations

import datetime as dt
import random

import pytest

from pipeline import maintain, rollup, schema
from pipeline.catalog import Catalog
from pipeline.errors import QueryError
from tests.events import add, event
from tests.test_query import FRENCH, NEXT, ROWS, ask, rows

LONG_AFTER = dt.date(2100, 1, 1)


@pytest.fixture
def catalog(tmp_path):
    opened = Catalog(tmp_path)
    yield opened
    opened.close()


def test_a_stale_day_is_answered_from_its_events_beside_a_current_one(catalog):
    add(catalog, ROWS)
    rollup.rollup(catalog)
    add(catalog, [event("12:00:00", "/late", 3, date=NEXT)])
    answer = ask(catalog, "views", "date", last=NEXT)
    assert rows(answer) == [("2026-03-01", 5), ("2026-03-02", 3)]
    assert answer.meta["source"] == "mixed"


def test_late_records_of_a_sealed_day_are_added_as_another_generation(catalog):
    add(catalog, [event("09:00:00", "/", 1), event("09:00:00", "/t", 1, site="t")])
    rollup.rollup(catalog)
    maintain.seal(catalog, 1, LONG_AFTER)
    add(catalog, [event("09:10:00", "/late", 1)], salts=2)
    for source in ("mixed", "daily"):
        answer = ask(catalog, "views,visitors,visits")
        assert rows(answer) == [(2, 2, 2)]
        assert (answer.meta["source"], answer.meta["visitors"]) == (source, "upper bound")
        assert rows(ask(catalog, "views", "page")) == [("/", 1), ("/late", 1)]
        assert rows(ask(catalog, "views", "page,country")) == [("/", None, 1), ("/late", None, 1)]
        rollup.rollup(catalog)
    assert rows(ask(catalog, "views", site="t")) == [(1,)]


def test_days_past_what_is_kept_are_named_and_not_taken_for_zero(catalog):
    add(catalog, ROWS)
    rollup.rollup(catalog)
    maintain.seal(catalog, 1, LONG_AFTER)
    maintain.drop_daily(catalog, ("visits", "pages"), 1, LONG_AFTER)
    with pytest.raises(QueryError, match="all 2 days are gone"):
        ask(catalog, "views", "page", ["country==FR"], last=NEXT)
    assert rows(ask(catalog, "views", last=NEXT)) == [(7,)]
    after = NEXT + dt.timedelta(days=1)
    add(catalog, [event("09:00:00", "/", 1, date=after, **FRENCH)])
    answer = ask(catalog, "views", "page", ["country==FR"], last=after)
    assert rows(answer) == [("/", 1)]
    assert answer.meta["warnings"] == [
        "2 of the days from 2026-03-01 to 2026-03-02 are not in this answer: their raw events are "
        "gone, and what is kept of them cannot answer this"
    ]


def made_up(seed: int):
    """A few hundred records of people who come and go, some signed in, some of the script."""
    dice = random.Random(seed)
    for _ in range(300):
        who = dice.randrange(25)
        seconds = dice.randrange(4 * 3600)
        at = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        person = {"country": "ABC"[who % 3], "device": "DMT"[who % 2], "browser": f"b{who % 4}"}
        came = dice.choice([{}, {"source": "Google", "channel": "search"}, {"source": "x.org"}])
        kind = dice.choice(["page"] * 6 + ["event", "asset", "content"])
        fields = {"class": "page" if kind == "content" else kind, **person, **came}
        fields |= {"utm_source": "mail"} if dice.random() < 0.1 else {}
        fields |= {"signed_in": who % 5 == 0, "status": dice.choice([200, 200, 304])}
        if kind == "content":
            fields |= {"content_type": "article", "content_id": str(who % 3)}
        yield event(at, f"/{dice.randrange(6)}", who, **fields)


METRICS = [m for m in schema.MEASURES if m not in schema.RECORD_MEASURES]
QUESTIONS = [
    *(([*METRICS, *((), schema.RECORD_MEASURES)[d not in ("entry", "exit")]], [d], [])
      for d in schema.DIMENSIONS),
    (["visits", "visitors", "bounces", "duration_s", "views", "events"], ["country", "device"], []),
    (["visits", "bounces", "duration_s", "views"], ["entry", "exit", "source"], []),
    (["visits", "visitors", "content_views"], ["source", "browser"], ["country!=A"]),
    (["visits", "visitors"], ["country"], ["source==Google"]),
    (["visits", "visitors", "bounces", "duration_s"], ["page", "browser"], ["device==D"]),
    (["views", "visits"], ["page", "channel"], ["country==B"]),
    (["views", "content_views", "events"], ["source"], ["page~/[!1]", "country==B"]),
    (["views", "visitors"], ["date", "browser"], ["page==/1"]),
]  # fmt: skip


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_events_totals_and_cubes_never_disagree(catalog, seed):
    add(catalog, made_up(seed))
    add(catalog, [row | {"date": NEXT} for row in made_up(seed + 100)])

    def answers():
        return [rows(ask(catalog, *question, last=NEXT)) for question in QUESTIONS]

    from_events = answers()
    rollup.rollup(catalog)
    from_totals = answers()
    maintain.seal(catalog, 1, LONG_AFTER)
    from_cubes = answers()
    for question, *found in zip(QUESTIONS, from_events, from_totals, from_cubes, strict=True):
        assert found[0] == found[1] == found[2], question
        assert found[0] or question[2], question
