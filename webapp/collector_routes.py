"""The endpoints of the collector, a row each: what a request tells, and how it is answered."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from webapp.collector_http import GIF, Answer, Header, Request
from webapp.collector_refusals import STATUS
from webapp.collector_told import Told, content_view, page_view, pixel, plausible
from webapp.collector_values import body_of

BODY_BYTES = 64 << 10
BATCH_BYTES = 2 << 20
#: Answered by `Batches`.
BATCH = "/api/events"
_NO_STORE: Header = ("cache-control", "no-store")

Read = Callable[[Request], Told]
Say = Callable[[Request, str], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """A request whose path ends in `suffix`. `read` says what it tells, `say` answers it: with
    a reason, where it was not taken. Without an `origin` it is the sender's."""

    suffix: str
    methods: frozenset[str]
    origin: str
    read: Read
    say: Say
    body_bytes: int = BODY_BYTES


def _pixel(request: Request, reason: str) -> Answer:
    headers = [
        ("content-type", "image/gif"),
        _NO_STORE,
        ("cross-origin-resource-policy", "cross-origin"),
    ]
    if request.method == "HEAD":
        return Answer(200, [*headers, ("content-length", str(len(GIF)))])
    return Answer(200, headers, GIF)


def _silent(request: Request, reason: str) -> Answer:
    return Answer(204, [_NO_STORE])


def _tracked(request: Request, reason: str) -> Answer:
    if not reason or reason in ("owner", "excluded"):
        return _json(200, {"success": True, "tracked": not reason})
    return _json(STATUS.get(reason, 400), {"success": False, "error": reason})


def _accepted(request: Request, reason: str) -> Answer:
    wrong = {"json": "body", "no event": "name", "no page": "url", "no site": "domain"}
    if reason in wrong:
        return _json(400, {"errors": {wrong[reason]: [reason]}})
    status = STATUS.get(reason, 202)
    return Answer(status, [("content-type", "text/plain"), _NO_STORE], b"ok")


def _json(status: int, told: Any) -> Answer:
    headers = [("content-type", "application/json"), _NO_STORE]
    return Answer(status, headers, json.dumps(told).encode())


def _of_body(read: Callable[[dict[str, Any], str | None], Told]) -> Read:
    return lambda request: read(body_of(request.body), request.headers.get("referer"))


_GET, _POST = frozenset({"GET", "HEAD"}), frozenset({"POST"})
_PIXEL: Read = lambda request: pixel(request.query, request.headers.get("referer"))  # noqa: E731
ROUTES = (
    Route("/pixel.gif", _GET, "pixel", _PIXEL, _pixel),
    Route("/p.gif", _GET, "pixel", _PIXEL, _pixel),
    Route("/api/track/page-view", _POST, "", _of_body(page_view), _silent),
    Route("/api/track-view/", _POST, "", _of_body(content_view), _tracked),
    Route("/api/track-view", _POST, "", _of_body(content_view), _tracked),
    Route("/api/event", _POST, "", _of_body(plausible), _accepted),
)
