"""Who is here: the last half hour, as a page and as a stream of server-sent events.

A stream holds a thread, so there are only so many at once, and each ends after a minute; a browser
opens the next one by itself. Streams of one site share what was asked last.
"""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from threading import BoundedSemaphore, Lock
from typing import Any

from flask import Blueprint, Flask, Response, current_app, render_template, stream_with_context
from werkzeug.exceptions import ServiceUnavailable

from pipeline.query import Answer
from pipeline.question import Query, from_dict
from webapp.answering import ask
from webapp.asking import Asking
from webapp.auth import access, reads_site
from webapp.current import catalog
from webapp.languages import reader
from webapp.overview import now_in

live = Blueprint("live", __name__)
STREAMS, STREAM_SECONDS, EVERY_SECONDS = 8, 60.0, 5.0
RETRY_SECONDS = 30
MINUTES = 30
HALF_HOUR, NOW = dt.timedelta(minutes=MINUTES), dt.timedelta(minutes=5)
ROWS = 10
_NAME = "tallylog.live"


@dataclass(frozen=True, slots=True)
class Here:
    """Visitors of the last five minutes, and what the last thirty had; `minutes` are the views of
    each of these, with the time at which it began by the clock of the site."""

    now: int | None
    total: Answer
    minutes: tuple[tuple[dt.time, int], ...]
    pages: Answer
    sources: Answer
    countries: Answer

    @property
    def views(self) -> int | None:
        return self._of_total(0)

    @property
    def visitors(self) -> int | None:
        return self._of_total(1)

    def _of_total(self, place: int) -> int | None:
        return self.total.results[0]["metrics"][place] if self.total.results else 0


@dataclass(slots=True)
class Told:
    """What was last told of one site and filter, and when."""

    lock: Lock = field(default_factory=Lock)
    since: float = 0.0
    here: Here | None = None

    @property
    def fresh(self) -> bool:
        return self.here is not None and time.monotonic() - self.since <= EVERY_SECONDS / 2


class Latest:
    """What was last told of each site and filter. One asks anew; meanwhile others are told what
    there was, and wait only where there was nothing."""

    def __init__(self) -> None:
        self.streams = BoundedSemaphore(STREAMS)
        self._lock = Lock()
        self._told: dict[tuple[str, str], Told] = {}

    def of(self, site: str) -> Here:
        key = (site, json.dumps(access().filter_of(site)))
        with self._lock:
            told = self._told.setdefault(key, Told())
        known = told.here
        if known and told.fresh:
            return known
        if not told.lock.acquire(blocking=known is None) and known:
            return known
        try:
            if told.here is None or not told.fresh:
                told.here, told.since = _look(site), time.monotonic()
            return told.here
        finally:
            told.lock.release()


def install(app: Flask) -> None:
    app.extensions[_NAME] = Latest()


@live.get("/s/<site>/live")
@reads_site
def page(site: str) -> str:
    return render_template("live.html", here=_latest().of(site), ask=Asking(site))


@live.get("/live/<site>")
@reads_site
def stream(site: str) -> Response:
    streams = _latest().streams
    if not streams.acquire(blocking=False):
        raise ServiceUnavailable("Too many are watching already.", retry_after=RETRY_SECONDS)
    answer = Response(stream_with_context(_events(site)), content_type="text/event-stream")
    answer.call_on_close(streams.release)
    answer.headers["Cache-Control"] = "no-store"
    # nginx must not collect a stream before it passes it on.
    answer.headers["X-Accel-Buffering"] = "no"
    return answer


def _events(site: str) -> Iterator[str]:
    until = time.monotonic() + STREAM_SECONDS
    yield f"retry: {int(EVERY_SECONDS * 1000)}\n\n"
    while time.monotonic() < until:
        here = _latest().of(site)
        told = {"visitors": here.now, "text": reader().number(here.now)}
        yield f"event: now\ndata: {json.dumps(told)}\n\n"
        time.sleep(EVERY_SECONDS)


def _latest() -> Latest:
    found: Latest = current_app.extensions[_NAME]
    return found


def _look(site: str) -> Here:
    zones = {one.name: one.timezone for one in catalog().sites()}
    if site not in zones:
        nothing = Answer({}, [], {"total_rows": 0})
        return Here(0, nothing, (), nothing, nothing, nothing)
    now = now_in(zones[site])
    half_hour = _about(site, now, HALF_HOUR)
    recent, total, each, *lists = ask(
        [
            from_dict(_about(site, now, NOW)),
            from_dict(half_hour),
            from_dict({**half_hour, "metrics": ["views"], "dimensions": ["time:minute"]}),
            *(_list(half_hour, dimension) for dimension in ("page", "source", "country")),
        ]
    )
    told = {row["dimensions"][0]: row["metrics"][0] for row in each.results}
    minutes = tuple(_minutes(now, told))
    return Here(recent.results[0]["metrics"][1], total, minutes, *lists)


def _minutes(now: dt.datetime, told: Mapping[str, int]) -> Iterator[tuple[dt.time, int]]:
    """The views of each of the last thirty minutes, the current one last."""
    for back in reversed(range(MINUTES)):
        minute = now.astimezone(dt.UTC) - back * dt.timedelta(minutes=1)
        views = told.get(minute.strftime("%Y-%m-%dT%H:%MZ"), 0)
        yield minute.astimezone(now.tzinfo).time().replace(second=0, microsecond=0), views


def _about(site: str, now: dt.datetime, back: dt.timedelta) -> dict[str, Any]:
    """Views and visitors up to the coming second, by the clock of the site."""
    until = now.replace(tzinfo=None, microsecond=0) + dt.timedelta(seconds=1)
    days = {"from": (until - back).isoformat(), "to": until.isoformat()}
    return {"site": site, "metrics": ["views", "visitors"], **days}


def _list(about: dict[str, Any], dimension: str) -> Query:
    return from_dict({**about, "dimensions": [dimension], "limit": ROWS})
