"""What a request tells: a view, a content view or an event, in the words of the journal.

Senders speak several dialects; each function below reads one. Nothing here knows of clients or
sites.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.enrich.pixels import TEXT_LENGTH, described, parameters
from webapp.collector_refusals import Refused

URL_LENGTH = 4096
ID_LENGTH = 128
PROPERTIES, NAME_LENGTH, VALUE_LENGTH = 30, 300, 2000
VIEW_TYPES = frozenset({"intentional", "listing", "search", "widget"})
VIEW_SOURCES = frozenset({"web", "api", "widget", "player"})
_SCREEN = re.compile(r"[1-9]\d{0,4}(?:x[1-9]\d{0,4})?")
_LANGUAGE = re.compile(r"[A-Za-z0-9-]{2,35}")
_TRUE = frozenset({"1", "true", "yes"})
#: How far ahead of ours a sender's clock may be.
AHEAD_SECONDS = 24 * 3600

Body = Mapping[str, Any]
Fields = dict[str, str]


@dataclass(frozen=True, slots=True)
class Told:
    """`fields` go into the journal as they are; a `viewer` never does."""

    site: str | None
    fields: Fields
    viewer: str | None
    owner: str | None

    @property
    def own(self) -> bool:
        """Whether the viewer looks at what is theirs."""
        return self.owner is not None and self.owner == self.viewer


def pixel(query: str, referer: str | None) -> Told:
    told = parameters(query)
    seen = described(told, query, referer)
    if seen is None:
        raise Refused("no page")
    names = ("url", "host", "referrer", "kind", "title", "event", "properties")
    fields = {name: value for name in names if (value := getattr(seen, name))}
    fields.setdefault("kind", "page")
    return Told(seen.site, fields | _common(told), *_viewer(told))


def page_view(body: Body, referer: str | None) -> Told:
    """Of `path`, which may be a whole address, else of the page that the request came from."""
    fields = _page(body, referer)
    if "url" not in fields:
        raise Refused("no page")
    return Told(text(body.get("site")), fields | _common(body), *_viewer(body))


def content_view(body: Body, referer: str | None) -> Told:
    fields = _page(body, referer) | _common(body)
    if "content_type" not in fields:
        raise Refused("content_type")
    if "content_id" not in fields:
        raise Refused("content_id")
    return Told(text(body.get("site")), fields, *_viewer(body))


def any_hit(body: Body, referer: str | None = None) -> Told:
    """One of a batch: an event where it names one, a content view, or a view."""
    if name := text(body.get("event") or body.get("name"), TEXT_LENGTH):
        fields = _page(body, referer) | _common(body) | {"kind": "event", "event": name}
        fields |= _properties(body.get("properties") or body.get("props"))
        return Told(text(body.get("site")), fields, *_viewer(body))
    if "content_type" in body or "content_id" in body:
        return content_view(body, referer)
    return page_view(body, referer)


def plausible(body: Body, referer: str | None) -> Told:
    """The payload of Plausible's trackers: docs of its events API, long and short names."""
    name = text(body.get("name") or body.get("n"), TEXT_LENGTH)
    if name is None:
        raise Refused("no event")
    plain = dict(body) | {"path": body.get("url") or body.get("u")}
    plain["referrer"] = body.get("referrer") or body.get("r")
    fields = _page(plain, referer) | _common(body)
    if name != "pageview":
        fields |= {"kind": "event", "event": name}
        props = next((body[n] for n in ("props", "p", "meta", "m") if body.get(n)), None)
        fields |= _properties(props) | _revenue(body.get("revenue") or body.get("$"))
    elif "url" not in fields:
        raise Refused("no page")
    domain = text(body.get("domain") or body.get("d"))
    return Told(domain.split(",")[0].strip() if domain else None, fields, *_viewer(body))


def body_of(data: bytes) -> dict[str, Any]:
    """The JSON object that a body is."""
    found = json_of(data)
    if not isinstance(found, dict):
        raise Refused("json")
    return found


def json_of(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Refused("json") from error


def moment(value: Any) -> float:
    """Seconds since 1970 of a number of seconds or milliseconds, or an ISO 8601 time."""
    try:
        if isinstance(value, str):
            found = dt.datetime.fromisoformat(value)
            seconds = (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).timestamp()
        else:
            seconds = float(value)
            seconds = seconds / 1000 if seconds > 1e11 else seconds
    except (ValueError, TypeError, OverflowError, OSError) as error:
        raise Refused("time") from error
    if not 0 <= seconds <= time.time() + AHEAD_SECONDS:
        raise Refused("time")
    return seconds


def text(value: Any, length: int = TEXT_LENGTH) -> str | None:
    """A text or a number as text; None where it is neither, or empty."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        plain = (value if isinstance(value, str) else str(value)).strip()[:length]
    except ValueError:
        return None  # a number of more digits than Python writes
    return plain.replace("\0", "\ufffd") or None


def _page(body: Body, referer: str | None) -> Fields:
    """The page, its host and its referrer."""
    told = text(body.get("path") or body.get("url"), URL_LENGTH)
    seen = described({"p": told} if told else {}, "", referer)
    fields: Fields = {"kind": "page"}
    if seen is not None:
        fields |= {name: value for name in ("url", "host") if (value := getattr(seen, name))}
    if referrer := text(body.get("referrer"), URL_LENGTH):
        fields["referrer"] = referrer
    if title := text(body.get("title")):
        fields["title"] = title
    return fields


def _common(told: Body) -> Fields:
    """What may stand beside a hit of any kind."""
    found: Fields = {}
    if kind := text(told.get("content_type")):
        found["content_type"] = kind
    if item := text(told.get("content_id"), ID_LENGTH + 1):
        if len(item) > ID_LENGTH:
            raise Refused("content_id")
        found["content_id"] = item
    for name, known in (("view_type", VIEW_TYPES), ("view_source", VIEW_SOURCES)):
        if value := text(told.get(name)):
            if value not in known:
                raise Refused(name)
            found[name] = value
    for name, shape in (("screen", _SCREEN), ("language", _LANGUAGE)):
        value = text(told.get(name))
        if value and shape.fullmatch(value):
            found[name] = value
    if (signed := told.get("signed_in")) is not None:
        found["signed_in"] = "true" if signed is True or text(signed) in _TRUE else "false"
    return found | _value(told.get("value"))


def _viewer(told: Body) -> tuple[str | None, str | None]:
    return text(told.get("viewer"), URL_LENGTH), text(told.get("owner"), URL_LENGTH)


def _value(told: Any) -> Fields:
    number = text(told)
    try:
        good = number is not None and math.isfinite(float(number))
    except ValueError:
        good = False
    return {"value": str(float(number))} if good and number else {}


def _revenue(told: Any) -> Fields:
    """Plausible's revenue: an amount, whose currency is a property."""
    if isinstance(told, str):
        try:
            told = json_of(told.encode("utf-8", "replace"))
        except Refused:
            return {}
    return _value(told.get("amount")) if isinstance(told, dict) else {}


def _properties(told: Any) -> Fields:
    """An object, or a text that is one: up to PROPERTIES of its values that are no objects."""
    if isinstance(told, str):
        try:
            told = json_of(told.encode("utf-8", "replace"))
        except Refused:
            return {}
    if not isinstance(told, dict):
        return {}
    kept: Fields = {}
    for name, value in told.items():
        shown = str(value).lower() if isinstance(value, bool) else text(value, VALUE_LENGTH)
        key = text(name, NAME_LENGTH)
        if shown is not None and key is not None and len(kept) < PROPERTIES:
            kept[key] = shown
    return {"properties": json.dumps(kept, ensure_ascii=False)} if kept else {}
