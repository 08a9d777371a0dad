"""Answers that are kept, stopped, or refused while they are made."""

from __future__ import annotations

import datetime as dt
import threading

import pytest

from pipeline import maintain, query, question, rollup
from pipeline.cache import Cache
from pipeline.catalog import Catalog
from pipeline.deadline import Deadline
from pipeline.engine import Engine, Limits
from pipeline.errors import QueryCancelled, QueryError, QueryTimeout, QueryTooLarge
from tests.events import DAY, add, event

NEXT = DAY + dt.timedelta(days=1)
NOW = dt.datetime.combine(NEXT, dt.time(12), dt.UTC)


@pytest.fixture
def catalog(tmp_path):
    made = Catalog(tmp_path)
    add(made, [event("09:00:00", "/", who) for who in range(3)])
    yield made
    made.close()


def asked(**more):
    return question.from_dict({"site": "s", "metrics": "views", "range": "yesterday", **more})


class Counting(Cache):
    """Counts the answers that were found."""

    found = 0

    def get(self, key):
        kept = super().get(key)
        self.found += kept is not None
        return kept


def test_an_answer_is_kept_until_a_day_of_it_changes(catalog):
    cache = Counting(300, 1_000_000)

    def views(*questions):
        told = query.answers(catalog, questions or [asked()], cache=cache, now=NOW)
        return [one.results[0]["metrics"][0] for one in told]

    assert (views(), views(), cache.found) == ([3], [3], 1)
    add(catalog, [event("10:00:00", "/", 9)])
    assert (views(), cache.found) == ([4], 1)
    add(catalog, [event("10:00:00", "/", 9, date=NEXT)])
    assert (views(), cache.found) == ([4], 2)
    assert (views(asked(range="today"), asked(), asked()), cache.found) == ([1, 4, 4], 4)
    rollup.rollup(catalog)
    assert (views(), views(), cache.found) == ([4], [4], 5)
    maintain.seal(catalog, 1, dt.date(2100, 1, 1))
    assert (views(), cache.found) == ([4], 5)


def test_an_answer_is_kept_for_its_time_and_no_larger_than_fits(catalog):
    for cache in (Counting(0, 1_000_000), Counting(300, 1000)):
        for _ in range(2):
            query.answers(catalog, [asked()], cache=cache, now=NOW)
        assert cache.found == 0


def test_an_answer_that_takes_too_long_is_stopped(catalog):
    with Engine() as engine:
        with pytest.raises(QueryTimeout, match="longer than 0.0001 seconds"):
            for _ in range(100):
                query.answers(catalog, [asked()], engine=engine, deadline=Deadline(0.0001))
        assert query.answers(catalog, [asked()], engine=engine, now=NOW)


def test_a_question_that_nobody_waits_for_is_stopped(catalog):
    deadline = Deadline()
    threading.Timer(0.05, deadline.cancel).start()
    long = "select count(*) from range(1000000000) a, range(1000) b where a.range % 7 = b.range"
    with Engine() as engine, engine.cursor() as con:  # noqa: SIM117
        with pytest.raises(QueryCancelled), deadline.watch(con):
            con.execute(long)
    with pytest.raises(QueryCancelled):
        query.answers(catalog, [asked()], deadline=deadline)


def test_the_time_of_a_request_is_that_of_all_its_questions(catalog):
    deadline = Deadline(0.2)
    long = "select count(*) from range(1000000000) a, range(1000) b where a.range % 7 = b.range"
    with Engine() as engine:
        query.answers(catalog, [asked()], engine=engine, deadline=deadline, now=NOW)
        with engine.cursor() as con, pytest.raises(QueryTimeout), deadline.watch(con):
            con.execute(long)
        with pytest.raises(QueryTimeout):
            query.answers(catalog, [asked()], engine=engine, deadline=deadline, now=NOW)


def test_an_answer_that_needs_too_much_memory_is_refused(catalog):
    add(catalog, [event("11:00:00", f"/{n}", n) for n in range(20_000)])
    limits = Limits(memory="1MB", threads=1)
    with pytest.raises(QueryTooLarge, match="more memory"):
        query.answers(catalog, [asked(dimensions="page")], limits, now=NOW)


@pytest.mark.parametrize("pattern", ["(", "(?=x)", r"(a)\1", "a{2000}{2000}"])
def test_a_regular_expression_that_cannot_be_read_is_refused(catalog, pattern):
    with pytest.raises(QueryError, match="not a regular expression"):
        query.answers(catalog, [asked(filters=["matches_regex", "page", [pattern]])], now=NOW)


def test_questions_side_by_side_share_an_engine(catalog):
    with Engine() as engine:
        told, both = [], [asked(), asked(dimensions="page")]

        def ask():
            told.extend(query.answers(catalog, both, engine=engine, now=NOW))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [one.results[0]["metrics"] for one in told] == [[3]] * 16
