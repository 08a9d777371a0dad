"""Jobs: when they are done, what becomes of one that fails, and runs that were missed."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipeline import config as configs
from pipeline import jobs
from pipeline import tables as t
from pipeline.catalog import Catalog, utcnow
from pipeline.config import Config
from pipeline.enrich.salts import Salts
from pipeline.jobs import JOBS, Job, Place, Runner, State
from tallylog import main
from tests.stores import SAMPLE, Store

DAY = dt.timedelta(days=1)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    catalog = Catalog(tmp_path / "data")
    yield Place(catalog, Config().store.retention, Salts(tmp_path / "data" / "salts.db"))
    catalog.close()


def runner(place: Place, **times: str) -> Runner:
    sites = [{"name": "a", "timezone": "Pacific/Auckland"}, {"name": "b"}]
    config = Config.model_validate({"site": sites, "jobs": times})
    return Runner(place, config, threading.Event())


def due(found: Runner) -> set[str]:
    """Jobs that would run now."""
    return {
        str(job.job_func.args[0])
        for job in found._scheduler.jobs
        if job.should_run and job.job_func and job.job_func.args
    }


def ran(place: Place, name: str, ago: dt.timedelta) -> None:
    """As if the job had last gone well so long ago."""
    state = State(name, utcnow() - ago, 0.1, utcnow() - ago, 0, 0, "")
    with place.catalog.write() as tx:
        tx.execute(t.jobs.insert().values(jobs.asdict(state)))


def failing(monkeypatch: pytest.MonkeyPatch, name: str, errors: list[Exception]) -> None:
    def fail(_: Place) -> int:
        if errors:
            raise errors[0]
        return 7

    monkeypatch.setitem(JOBS, name, Job("", "things", fail))


def test_every_job_has_a_time_and_every_time_a_job() -> None:
    assert list(configs.Jobs.model_fields) == list(JOBS)


def test_what_never_ran_is_due_when_the_tailer_starts(place: Place) -> None:
    found = runner(place, compact="never")
    found.plan()
    assert due(found) == set(JOBS) - {"compact"}


@pytest.mark.parametrize("when", ["5m", "2h", "03:30"])
def test_a_run_that_was_missed_is_made_up_once(place: Place, when: str) -> None:
    for name in JOBS:
        ran(place, name, dt.timedelta(seconds=10))
    found = runner(place, **dict.fromkeys(JOBS, when))
    found.plan()
    recent = dt.datetime.now() - dt.datetime.now().replace(hour=3, minute=30, second=0)
    if when != "03:30" or not dt.timedelta() <= recent < dt.timedelta(seconds=20):
        assert due(found) == set()
    with place.catalog.write() as tx:
        tx.execute(t.jobs.update().values(succeeded=utcnow() - 3 * DAY))
    found = runner(place, **dict.fromkeys(JOBS, when))
    found.plan()
    assert due(found) == set(JOBS)
    found._scheduler.run_pending()
    assert due(found) == set()


def test_a_job_that_fails_is_noted_and_tried_again_after_a_growing_delay(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors: list[Exception] = [ZeroDivisionError("by zero")]
    failing(monkeypatch, "vacuum", errors)
    found, delays = runner(place), []
    for failures in range(1, 9):
        found._held.clear()
        found._scheduler.clear()
        found.do("vacuum")
        delays.append(found._scheduler.jobs[0].interval)
        state = jobs.states(place.catalog)["vacuum"]
        assert (state.failures, state.message, state.succeeded) == (failures, "by zero", None)
        found.do("vacuum")  # too early
        assert jobs.states(place.catalog)["vacuum"].failures == failures
    assert delays == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    errors.clear()
    found._again("vacuum")
    state = jobs.states(place.catalog)["vacuum"]
    assert (state.failures, state.message, state.done) == (0, "", 7)


def test_a_day_that_cannot_be_built_does_not_keep_the_others_from_it(tmp_path: Path) -> None:
    store = Store(tmp_path / "data", Config())
    lines = SAMPLE.read_bytes().splitlines(keepends=True)
    (tmp_path / "a.log").write_bytes(b"".join(lines[:3000]))
    store.backfill(tmp_path / "a.log")
    catalog = Catalog(store.data)
    with catalog.write() as tx:
        tx.exec_driver_sql("update days set built = null")
    parts = catalog.event_parts()
    parts[0].path.unlink()
    place = Place(catalog, Config().store.retention, Salts(store.data / "salts.db"))
    assert jobs.run(place, "rollup").failures == 1
    stale = [day.date for day in catalog.days() if day.stale]
    catalog.close()
    assert stale == [parts[0].date] and len(parts) > 1


def test_a_day_is_built_for_good_when_it_has_ended_at_its_site(place: Place) -> None:
    found = runner(place)
    found._midnight()
    assert jobs.states(place.catalog) == {}
    found._dates = {date - DAY for date in found._dates}
    found._midnight()
    assert set(jobs.states(place.catalog)) == {"rollup"}


def test_jobs_are_run_and_listed_by_hand(tmp_path: Path) -> None:
    def call(*words: str) -> str:
        done = CliRunner().invoke(main, ["--data", str(tmp_path / "data"), *words])
        assert done.exit_code == 0, done.output
        return done.output

    call("maintain", "vacuum", "salts")
    assert '"job": "vacuum"' in call("jobs", "--json")
    wrong = CliRunner().invoke(main, ["--data", str(tmp_path / "data"), "maintain", "vacum"])
    assert wrong.exit_code == 1 and "vacuum" in wrong.output
