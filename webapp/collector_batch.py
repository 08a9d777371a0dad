"""`POST /api/events`: up to a thousand hits of other people at once, from a server with a key."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

from pipeline.access.keys import Key
from pipeline.enrich.clients import parse_address
from pipeline.journal_ids import Ids, digest
from webapp.collector_http import Answer, Request
from webapp.collector_record import DISK_ERRORS, Entry, Recorder
from webapp.collector_refusals import REASONS, STATUS, Refused
from webapp.collector_told import any_hit
from webapp.collector_values import URL_LENGTH, json_of, moment, text

MOST = 1000
ORIGIN = "api"
SCOPE = "write"


@dataclass(frozen=True, slots=True)
class Line:
    """A hit that is good, at its place in the batch; `id` is "" where it has none."""

    index: int
    line: bytes
    id: str


@dataclass(frozen=True, slots=True)
class Batches:
    recorder: Recorder
    ids: Ids
    find_key: Callable[[str], Key | None]

    def turned_away(self, authorization: str | None) -> str:
        """Why a batch need not even be read; "" if it may be."""
        try:
            self._key(authorization)
        except Refused as error:
            return error.reason
        return ""

    def answer(self, request: Request, refusal: str = "") -> Answer:
        """Say what became of a batch. All good hits of it are taken, or none."""
        try:
            if refusal or request.method != "POST":
                raise Refused(refusal or "method")
            key = self._key(request.headers.get("authorization"))
            hits, site = _hits(json_of(request.body))
            return self._take(hits, site, key)
        except Refused as error:
            if error.reason != "lost":
                self.recorder.counts.refuse(error.reason)
            told = {"error": error.reason, "says": REASONS[error.reason]}
            return _json(STATUS.get(error.reason, 400), told)

    def _key(self, authorization: str | None) -> Key:
        scheme, _, secret = (authorization or "").partition(" ")
        found = self.find_key(secret.strip()) if scheme.lower() == "bearer" else None
        if found is None or found.scope != SCOPE:
            raise Refused("key")
        return found

    def _take(self, hits: Sequence[Any], site: str | None, key: Key) -> Answer:
        good: list[Line] = []
        errors: list[dict[str, Any]] = []
        for index, hit in enumerate(hits):
            try:
                good.append(self._line(index, hit, site, key))
            except Refused as error:
                self.recorder.counts.refuse(error.reason)
                says = REASONS[error.reason]
                errors.append({"index": index, "error": error.reason, "says": says})
        try:
            with self._taking([one.id for one in good if one.id]) as new:
                kept = _without_repeated(good, new)
                ticket = self.recorder.write([one.line for one in kept], ORIGIN) if kept else 0
        except DISK_ERRORS as error:
            raise self.recorder.lost(error, len(good)) from error
        told = {"accepted": len(good), "repeated": len(good) - len(kept), "errors": errors}
        lost = _json(503, {"error": "lost", "says": REASONS["lost"]})
        return _json(200, told)._replace(ticket=ticket, lost=lost)

    def _taking(self, ids: Sequence[str]) -> AbstractContextManager[set[str]]:
        return self.ids.taking(ids) if ids else nullcontext(set())

    def _line(self, index: int, hit: Any, default: str | None, key: Key) -> Line:
        if not isinstance(hit, dict):
            raise Refused("json")
        told = any_hit(hit)
        if told.site is None:
            told = replace(told, site=default)
        site = self.recorder.site(told, None, None)
        if not key.may(SCOPE, site.name):
            raise Refused("key")
        at = moment(hit["time"]) if hit.get("time") is not None else 0.0
        given = text(hit.get("id"), URL_LENGTH)
        one = digest(site.name, given) if given else ""
        if one:
            told.fields["id"] = one
        entry = Entry(told, self.recorder.text(told))
        client = self.recorder.people.located(_address(hit))
        agent = text(hit.get("agent"), URL_LENGTH)
        try:
            line, _ = self.recorder.line(entry, site, client, agent, ORIGIN, at)
        except DISK_ERRORS as error:
            raise self.recorder.lost(error) from error
        return Line(index, line, one)


def _hits(told: Any) -> tuple[Sequence[Any], str | None]:
    """The hits of a body: an array of them, or an object with one, and the site of all."""
    found = told.get("events") if isinstance(told, dict) else told
    if not isinstance(found, list):
        raise Refused("json")
    if len(found) > MOST:
        raise Refused("large")
    return found, text(told.get("site")) if isinstance(told, dict) else None


def _address(hit: Mapping[str, Any]) -> str:
    """The address that a hit tells; "" where it tells none."""
    told = hit.get("address") or hit.get("ip")
    if told is None:
        return ""
    address = parse_address(told) if isinstance(told, str) else None
    if address is None:
        raise Refused("address")
    return str(address)


def _without_repeated(good: Sequence[Line], new: set[str]) -> list[Line]:
    """The hits without an id, and of those with one the first of each new id."""
    kept: list[Line] = []
    for one in good:
        if not one.id or one.id in new:
            kept.append(one)
            new.discard(one.id)
    return kept


def _json(status: int, told: Any) -> Answer:
    headers = [("content-type", "application/json"), ("cache-control", "no-store")]
    return Answer(status, headers, json.dumps(told).encode())
