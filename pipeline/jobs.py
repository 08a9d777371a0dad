"""What has to be done again and again: by `tallylog ingest` at the times of [jobs], or by hand with
`tallylog maintain JOB`.

A job that fails is tried again after a delay that grows; it never stops the tailer, which does
not wait for jobs. When a job ran last stands in the catalog, so that a run that was missed, with
the machine off or asleep, is made up once.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
import zoneinfo
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any

import schedule
import sqlalchemy as sa

from pipeline import maintain
from pipeline import tables as t
from pipeline.catalog import Catalog, utcnow
from pipeline.config import NEVER, Config, Retention
from pipeline.enrich.salts import Salts
from pipeline.errors import QueryError, TallylogError
from pipeline.merge_daily import merge_daily
from pipeline.rollup import rollup

log = logging.getLogger("tallylog.jobs")

#: Seconds until a job that failed is tried again, each time twice as long.
FIRST_DELAY, LONGEST_DELAY = 60, 3600
#: Seconds between two looks at the clock, which may have been set meanwhile.
TICK = 30.0


@dataclass(frozen=True, slots=True)
class Place:
    """What jobs work on. The salts are those that the tailer hashes with."""

    catalog: Catalog
    retention: Retention
    salts: Salts


def _roll_up(place: Place) -> int:
    """A day that cannot be built does not keep the others from it."""
    try:
        return len(rollup(place.catalog))
    except (TallylogError, OSError) as error:
        log.warning("one day after the other, because together they failed: %s", error)
    built, failed = 0, None
    for day in [day for day in place.catalog.days() if day.has_events and day.stale]:
        try:
            built += len(rollup(place.catalog, [day.site], day.date, day.date))
        except (TallylogError, OSError) as error:
            failed = failed or error
    if failed is not None:
        raise failed
    return built


def _retain(place: Place) -> int:
    today = dt.datetime.now(dt.UTC).date()
    return sum(maintain.retain(place.catalog, place.retention, today))


def _compact(place: Place) -> int:
    today = dt.datetime.now(dt.UTC).date()
    return maintain.compact(place.catalog) + merge_daily(place.catalog, today)


@dataclass(frozen=True, slots=True)
class Job:
    """`run` returns how many of what `counts` names were dealt with."""

    about: str
    counts: str
    run: Callable[[Place], int]


JOBS: dict[str, Job] = {
    "salts": Job("destroy salts whose time is over", "salts", lambda place: place.salts.destroy()),
    "rollup": Job("build the statistics of days that changed", "days", _roll_up),
    "retention": Job("drop what is past its time", "days", _retain),
    "compact": Job("merge small files", "files", _compact),
    "vacuum": Job("delete files not needed", "files", lambda place: maintain.vacuum(place.catalog)),
}


@dataclass(frozen=True, slots=True)
class State:
    """How the last run of a job went; `succeeded` is when one last went well, `failures` how many
    have failed since."""

    job: str
    started: dt.datetime
    seconds: float
    succeeded: dt.datetime | None
    failures: int
    done: int
    message: str


def run(place: Place, name: str) -> State:
    """Do one job now, and note how it went. Whatever error it ends with is in the note."""
    started, began = utcnow(), time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(JOBS[name].run, place)
        error = future.exception()
    done = future.result() if error is None else 0
    return _note(place.catalog, name, started, time.monotonic() - began, done, error)


def states(catalog: Catalog) -> dict[str, State]:
    """How the last runs went, by job; a job that never ran has none."""
    with catalog.read() as tx:
        return {row.job: State(*row) for row in tx.execute(sa.select(t.jobs))}


def run_named(catalog: Catalog, retention: Retention, names: Sequence[str]) -> list[State]:
    """Run these jobs by hand. Raises `QueryError` where one does not exist."""
    for name in names:
        if name not in JOBS:
            raise QueryError(f"There is no job {name!r}.", f"use {', '.join(JOBS)}")
    place = Place(catalog, retention, Salts(catalog.data_dir / "salts.db"))
    return [run(place, name) for name in names]


def listed(catalog: Catalog, config: Config) -> list[dict[str, Any]]:
    """Every job, when it is done, and how it went the last time."""
    known = states(catalog)
    rows = []
    for name, job in JOBS.items():
        row = {"job": name, "about": job.about, "when": getattr(config.jobs, name)}
        state = asdict(known[name]) if name in known else dict.fromkeys(_STATE)
        rows.append(row | {column: state[column] for column in _STATE})
    return rows


_STATE = ("started", "seconds", "done", "failures", "message")


def _note(
    catalog: Catalog,
    name: str,
    started: dt.datetime,
    seconds: float,
    done: int,
    error: BaseException | None,
) -> State:
    before = states(catalog).get(name)
    succeeded, failures = utcnow(), 0
    if error is not None:
        succeeded = before and before.succeeded  # type: ignore[assignment]
        failures = (before.failures if before else 0) + 1
    state = State(name, started, seconds, succeeded, failures, done, str(error or ""))
    with catalog.write() as tx:
        tx.execute(t.jobs.delete().where(t.jobs.c.job == name))
        tx.execute(t.jobs.insert().values(asdict(state)))
    if error is not None:
        log.error("%s: %s", name, error, exc_info=error, extra={"job": name, "failures": failures})
    elif done:
        what = f"{name}: {done:,} {JOBS[name].counts} in {seconds:.1f} s"
        log.info(what, extra={"job": name, "done": done})
    return state


@dataclass(slots=True)
class Runner:
    """Runs the jobs at their times, one after the other, on a thread of its own."""

    place: Place
    config: Config
    stopping: threading.Event
    _scheduler: schedule.Scheduler = field(default_factory=schedule.Scheduler)
    _held: dict[str, float] = field(default_factory=dict)
    _dates: set[dt.date] = field(default_factory=set)

    def loop(self) -> None:
        """Until `stopping` is set."""
        self.plan()
        while not self.stopping.is_set():
            self._scheduler.run_pending()
            self.stopping.wait(min(TICK, max(0.1, self._scheduler.idle_seconds or 0.0)))

    def plan(self) -> None:
        """What was due since it last went well is due now."""
        known = states(self.place.catalog)
        for name in JOBS:
            when = getattr(self.config.jobs, name)
            if when == NEVER:
                continue
            job = _every(self._scheduler, when).do(self.do, name)
            assert job.next_run is not None
            last, now = known[name].succeeded if name in known else None, dt.datetime.now()
            if last is None:
                job.next_run = now
            elif ":" not in when:
                job.next_run = max(now, _local(last) + _period(when))
            elif _local(last) < job.next_run - _period(when):
                job.next_run = now
        self._scheduler.every(1).minutes.do(self._midnight)

    def do(self, name: str) -> None:
        """Run the job, unless it failed and is to be let be for a while."""
        if time.monotonic() < self._held.get(name, 0.0):
            return
        state = run(self.place, name)
        if state.failures:
            delay = min(FIRST_DELAY * 2 ** (state.failures - 1), LONGEST_DELAY)
            self._held[name] = time.monotonic() + delay
            self._scheduler.every(delay).seconds.do(self._again, name)

    def _again(self, name: str) -> type[schedule.CancelJob]:
        self._held.pop(name, None)
        self.do(name)
        return schedule.CancelJob

    def _midnight(self) -> None:
        """A day that ended at one of the sites is built for good."""
        zones = {site.timezone for site in self.config.sites}
        dates = {dt.datetime.now(zoneinfo.ZoneInfo(zone)).date() for zone in zones}
        if self._dates and dates != self._dates and self.config.jobs.rollup != NEVER:
            self.do("rollup")
        self._dates = dates


def _period(when: str) -> dt.timedelta:
    """How often; `when` is as in [jobs]."""
    if ":" in when:
        return dt.timedelta(days=1)
    return dt.timedelta(**{"hours" if when.endswith("h") else "minutes": int(when[:-1])})


def _every(scheduler: schedule.Scheduler, when: str) -> schedule.Job:
    """A time of day is that of the machine."""
    if ":" in when:
        job: schedule.Job = scheduler.every().day.at(when)
    else:
        job = scheduler.every(int(_period(when).total_seconds())).seconds
    return job


def timestamp(moment: dt.datetime) -> float:
    """What the catalog stores in UTC, as seconds since 1970."""
    return moment.replace(tzinfo=dt.UTC).timestamp()


def _local(moment: dt.datetime) -> dt.datetime:
    """What the catalog stores in UTC, as `schedule` thinks: local, without a zone."""
    return moment.replace(tzinfo=dt.UTC).astimezone().replace(tzinfo=None)
