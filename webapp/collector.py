"""The collector: takes hits from pixels, scripts and servers, and appends each to the journal.

It answers requests whose path ends in one of ROUTES, under any prefix; all others are for the
application behind it. `wrapped` puts it before a WSGI application; gateway.py serves both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

from pipeline import exclusions, journal
from pipeline.access import keys
from pipeline.catalog import Catalog
from pipeline.config import Config
from pipeline.enrich.agents import Agents
from pipeline.enrich.countries import Countries
from pipeline.enrich.exclude import Rules
from pipeline.enrich.salts import Salts
from pipeline.journal import Journal
from pipeline.journal_ids import Ids
from webapp.collector_batch import Batches
from webapp.collector_http import Answer, Environ, Request
from webapp.collector_limits import Buckets
from webapp.collector_people import People
from webapp.collector_record import DISK_ERRORS, Entry, Recorder
from webapp.collector_refusals import Refused
from webapp.collector_routes import BATCH, BATCH_BYTES, ROUTES, Route
from webapp.collector_sites import sites_of
from webapp.collector_upkeep import Upkeep

URL_BYTES = 8 << 10
#: Headers that are looked at whole.
TEXTS = ("user-agent", "referer", "origin")
#: Requests that are remembered, and the longest of them.
REMEMBERED, REMEMBERED_BYTES = 10_000, 1024
#: Who asks from this machine is a server in front of this one.
LOOPBACK = ("127.0.0.0/8", "::1/128")

StartResponse = Callable[..., Any]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


@dataclass(slots=True)
class Collector:
    recorder: Recorder
    batches: Batches
    upkeep: Upkeep
    routes: Sequence[Route] = ROUTES
    _known: dict[tuple[str, str, bytes, str | None], Entry] = field(default_factory=dict)

    def body_bytes(self, path: str) -> int:
        """How long the body of a request to this path may be; 0 where it is not for us."""
        if path.endswith(BATCH):
            return BATCH_BYTES
        route = self._route(path)
        return route.body_bytes if route else 0

    def answer(self, request: Request, refusal: str = "") -> Answer:
        """The answer to a request that is for us; `refusal` is why it can't be taken, if the
        server knows."""
        if request.method == "OPTIONS":
            return self._preflight(request)
        if request.path.endswith(BATCH):
            return self._allowed(request, self.batches.answer(request, refusal))
        route = self._route(request.path)
        assert route is not None, request.path
        ticket, reason = 0, refusal
        try:
            if not refusal:
                ticket, reason = self._take(route, request)
        except Refused as error:
            reason = error.reason
        if reason and reason != "lost":
            self.recorder.counts.refuse(reason)
        answer = self._said(route, request, reason)
        if not ticket:
            return answer
        return answer._replace(ticket=ticket, lost=self._said(route, request, "lost"))

    def _said(self, route: Route, request: Request, reason: str) -> Answer:
        answer = route.say(request, reason)
        if reason:
            answer.headers.append(("x-tallylog", reason))
        return self._allowed(request, answer)

    def _take(self, route: Route, request: Request) -> tuple[int, str]:
        """Write the hit; returns its ticket, and why it is not counted, if it is not."""
        if request.method not in route.methods:
            raise Refused("method")
        if len(request.path) + len(request.query) > URL_BYTES:
            raise Refused("long")
        if any(len(request.headers.get(name) or "") > URL_BYTES for name in TEXTS):
            raise Refused("long")
        if len(request.body) > route.body_bytes:
            raise Refused("large")
        recorder, headers = self.recorder, request.headers
        client = recorder.people.client(request.peer, request.forwarded)
        if not recorder.buckets.take(client.bucket):
            raise Refused("rate")
        entry = self._read(route, request)
        told = entry.told
        site = recorder.site(told, headers.get("origin"), headers.get("referer"))
        # Browsers tell the origin of what a page posts; programs do not.
        sent = told.script or headers.get("origin") is not None
        origin = route.origin or ("script" if sent else "api")
        if route.origin and told.script:
            origin = "script"
        try:
            agent = headers.get("user-agent")
            line, reason = recorder.line(entry, site, client, agent, origin, 0)
        except DISK_ERRORS as error:
            raise recorder.lost(error) from error
        return recorder.write([line], origin), reason

    def _read(self, route: Route, request: Request) -> Entry:
        """What the request tells. Most requests are for what others were, and tell the same; one
        that tells of a viewer is not remembered."""
        key = route.suffix, request.query, request.body, request.headers.get("referer")
        found = self._known.get(key)
        if found is None:
            told = route.read(request)
            found = Entry(told, self.recorder.text(told))
            size = len(request.query) + len(request.body) + len(key[3] or "")
            if told.viewer is None and size <= REMEMBERED_BYTES:
                if len(self._known) >= REMEMBERED:
                    self._known.clear()
                self._known[key] = found
        return found

    def _route(self, path: str) -> Route | None:
        for route in self.routes:
            if path.endswith(route.suffix):
                return route
        return None

    def _preflight(self, request: Request) -> Answer:
        headers = [
            ("access-control-allow-methods", "GET, POST"),
            ("access-control-allow-headers", "content-type, authorization"),
            ("access-control-max-age", "86400"),
        ]
        return self._allowed(request, Answer(204, [*headers, ("cache-control", "no-store")]))

    def _allowed(self, request: Request, answer: Answer) -> Answer:
        """With leave to read the answer, for pages of our sites."""
        origin = request.headers.get("origin")
        if origin is not None and self.recorder.sites.allows(origin):
            answer.headers.append(("access-control-allow-origin", origin))
            answer.headers.append(("vary", "origin"))
        return answer


def wrapped(application: Application, collector: Collector) -> Application:
    """The application with the collector in front of it, for any WSGI server."""

    def answer(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        path = str(environ.get("PATH_INFO", ""))
        most = collector.body_bytes(path)
        if not most:
            return application(environ, start_response)
        size = str(environ.get("CONTENT_LENGTH") or "0")
        known = size.isascii() and size.isdigit()
        refusal = "" if known and int(size) <= most else "large"
        headers = Environ(environ)
        if not refusal and path.endswith(BATCH) and environ["REQUEST_METHOD"] == "POST":
            refusal = collector.batches.turned_away(headers.get("authorization"))
        body = environ["wsgi.input"].read(int(size)) if known and not refusal else b""
        request = Request(
            str(environ["REQUEST_METHOD"]),
            path,
            str(environ.get("QUERY_STRING", "")),
            headers,
            str(environ.get("REMOTE_ADDR", "")),
            lambda: headers.get("x-forwarded-for"),
            body,
        )
        found = settled(collector, collector.answer(request, refusal))
        start_response(f"{found.status} {HTTPStatus(found.status).phrase}", found.headers)
        return [found.body]

    return answer


def settled(collector: Collector, answer: Answer) -> Answer:
    """The answer, when it may be sent."""
    if answer.ticket and answer.lost and not collector.recorder.wait(answer.ticket):
        return answer.lost
    return answer


def make(config: Config) -> Collector:
    data = config.store.data
    data.mkdir(parents=True, exist_ok=True)
    settings = config.collector
    catalog = Catalog(data)
    rules = partial(_rules, config, catalog)
    people = People(
        Salts(data / "salts.db"),
        Countries(config.store.country_mmdb),
        rules(),
        (*config.web.trusted_proxies, *LOOPBACK),
        None if config.store.keep_agent == "string" else Agents(),
    )
    recorder = Recorder(
        sites_of(config),
        people,
        Journal(journal.folder(data)),
        Buckets(settings.rate, settings.burst),
        settings.durability == "fsync",
    )
    ids = Ids(journal.folder(data))
    ids.recover()
    batches = Batches(recorder, ids, partial(keys.find, catalog))
    return Collector(recorder, batches, Upkeep(recorder, rules))


def _rules(config: Config, catalog: Catalog) -> Rules:
    """What is not to be counted now: those for pages and referrers are for ingest."""
    found = exclusions.current(config, catalog).exclude
    return Rules((), tuple(found.agents), tuple(found.addresses))


def application(config_file: str | None = None, data: str | None = None) -> Application:
    """For other WSGI servers: `gunicorn 'webapp.collector:application("config.toml")'`."""
    from pipeline.config_file import load
    from webapp import create_app

    config = load(Path(config_file) if config_file else None, Path(data) if data else None)
    collector = make(config)
    collector.upkeep.start()
    return wrapped(create_app(config, collector.recorder.counts), collector)
