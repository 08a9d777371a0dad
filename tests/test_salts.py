"""Salts: one a site and day, gone for good when their time is over."""

from __future__ import annotations

import datetime as dt

import pytest

from pipeline.enrich.salts import LIFE, Salts

OLD, TODAY = dt.date(2015, 5, 17), dt.datetime.now(dt.UTC).date()


@pytest.fixture
def salts(tmp_path):
    return Salts(tmp_path / "salts.db")


def test_every_site_and_day_has_a_salt_of_its_own_that_other_writers_share(salts, tmp_path):
    keys = [("a", OLD), ("b", OLD), ("a", TODAY)]
    found = salts.of(keys)
    assert len({salt.value for salt in found.values()}) == 3
    assert all(len(salt.value) == 32 and salt.serial == 1 for salt in found.values())
    assert Salts(tmp_path / "salts.db").of(keys) == found


def test_only_the_owner_may_read_the_salts(salts):
    salts.of([("a", OLD)])
    assert salts.path.stat().st_mode & 0o077 == 0


def test_a_salt_lives_48_hours_from_its_first_use_or_the_end_of_its_day(salts):
    salts.of([("a", OLD), ("a", TODAY)])
    now = dt.datetime.now(dt.UTC)
    assert salts.destroy(now + LIFE - dt.timedelta(minutes=1)) == 0
    assert salts.destroy(now + LIFE + dt.timedelta(minutes=1)) == 1
    assert salts.destroy(now + LIFE + dt.timedelta(days=2)) == 1


def test_a_destroyed_salt_is_in_no_file_any_more_and_its_row_says_when_it_went(salts):
    value = salts.of([("a", OLD)])["a", OLD].value
    files = lambda: b"".join(p.read_bytes() for p in salts.path.parent.iterdir())  # noqa: E731
    assert value in files()
    salts.destroy(dt.datetime.now(dt.UTC) + LIFE * 2)
    assert value not in files()
    ((site, date, serial, _, destroyed),) = salts.states()
    assert (site, date, serial) == ("a", OLD.isoformat(), 1) and destroyed


def test_lines_that_come_after_the_end_of_a_salt_get_the_next_one(salts):
    first = salts.of([("a", OLD)])["a", OLD]
    salts.destroy(dt.datetime.now(dt.UTC) + LIFE * 2)
    second = salts.of([("a", OLD)])["a", OLD]
    assert second.serial == 2 and second.value != first.value
