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

from pipeline.enrich.pixels import PLAIN, TEXT_LENGTH, described, parameters
from webapp.collector_refusals import Refused

URL_LENGTH = 4096
ID_LENGTH = 128
PROPERTIES, NAME_LENGTH, VALUE_LENGTH = 30, 300, 2000
VIEW_TYPES = frozenset({"intentional", "listing", "search", "widget"})
VIEW_SOURCES = frozenset({"web", "api", "widget", "player"})
_SCREEN = re.compile(r"[1-9]\d{0,4}(?:x[1-9]\d{0,4})?")
_LANGUAGE = re.compile(r"[A-Za-z0-9-]{2,35}")
_COMMON = frozenset({*PLAIN})
_TRUE = frozenset({"1", "true", "yes"})
#: How far ahead of ours a sender's clock may be.
AHEAD_SECONDS = 24 * 3600

#: Short names that Plausible's trackers and ours write.
SHORT = {
    **{"n": "name", "u": "url", "d": "domain", "r": "referrer", "t": "title", "w": "screen"},
    **{"l": "language", "p": "props", "m": "props", "meta": "props", "$": "revenue"},
    **{"h": "hash", "s": "script"},
}
#: Likewise of a pixel, beside those that pixels in logs have too.
SHORT_OF_PIXEL = {"w": "screen", "l": "language", "h": "hash"}

Body = Mapping[str, Any]
Fields = dict[str, str]


@dataclass(frozen=True, slots=True)
class Told:
    """`fields` go into the journal as they are; a `viewer` never does. `script` says that a script
    in a page sent it."""

    site: str | None
    fields: Fields
    viewer: str | None
    owner: str | None
    script: bool = False

    @property
    def own(self) -> bool:
        """Whether the viewer looks at what is theirs."""
        return self.owner is not None and self.owner == self.viewer


def pixel(query: str, referer: str | None) -> Told:
    plain = parameters(query)
    seen = described(plain, query, referer)
    if seen is None:
        raise Refused("no page")
    told = _long(plain, SHORT_OF_PIXEL)
    names = ("url", "host", "referrer", "kind", "title", "event", "properties")
    fields = {name: value for name in names if (value := getattr(seen, name))}
    fields |= _common(told) | _fragment(told, fields.get("url"))
    return Told(seen.site, fields, *_viewer(told), plain.get("o") == "script")


def page_view(told: Body, referer: str | None) -> Told:
    """Of `path`, which may be a whole address, else of the page that the request came from."""
    body = _long(told, SHORT)
    fields = _page(body, referer)
    if "url" not in fields:
        raise Refused("no page")
    return _told(body, fields | _common(body))


def content_view(told: Body, referer: str | None) -> Told:
    body = _long(told, SHORT)
    fields = _page(body, referer) | _common(body)
    if "content_type" not in fields:
        raise Refused("content_type")
    if "content_id" not in fields:
        raise Refused("content_id")
    return _told(body, fields)


def any_hit(told: Body, referer: str | None = None) -> Told:
    """One of a batch: an event where it names one, a content view, or a view."""
    body = _long(told, SHORT)
    name = text(body.get("event") or body.get("name"))
    if name and name != "pageview":
        return _event(body, name, referer)
    if "content_type" in body or "content_id" in body:
        return content_view(body, referer)
    return page_view(body, referer)


def plausible(told: Body, referer: str | None) -> Told:
    """The payload of Plausible's trackers (docs of its events API), and of ours."""
    body = _long(told, SHORT)
    name = text(body.get("name"))
    if name is None:
        raise Refused("no event")
    if name == "engagement" and "sd" in told:
        raise Refused("engagement")
    return page_view(body, referer) if name == "pageview" else _event(body, name, referer)


def _event(body: Body, name: str, referer: str | None) -> Told:
    fields = _page(body, referer) | _common(body) | {"kind": "event", "event": name}
    fields |= _properties(body.get("properties") or body.get("props"))
    return _told(body, fields | _revenue(body.get("revenue")))


def _told(body: Body, fields: Fields) -> Told:
    site = text(body.get("site") or body.get("domain"))
    # Plausible's may name several sites; the first one is that of the page.
    first = site.split(",")[0].strip() if site else None
    return Told(first, fields, *_viewer(body), bool(body.get("script")))


def _long(told: Body, short: Mapping[str, str]) -> Body:
    """With long names for short ones, unless these are given too."""
    found = {short[name]: value for name, value in told.items() if name in short}
    return {**found, **told} if found else told


def _fragment(told: Body, url: str | None) -> Fields:
    """The page with its fragment, where the sender says that it is part of the page."""
    if not url or "#" not in url or not _is_true(told.get("hash")):
        return {}
    target, _, fragment = url.partition("#")
    path, mark, query = target.partition("?")
    return {"url": f"{path}%23{fragment.replace('?', '%3F')}{mark}{query}"}


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
    return fields | _fragment(body, fields.get("url"))


def _common(told: Body) -> Fields:
    """What may stand beside a hit of any kind."""
    found: Fields = {}
    if _COMMON.isdisjoint(told):
        return found  # as most hits are
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
        found["signed_in"] = "true" if _is_true(signed) else "false"
    return found | _value(told.get("value"))


def _is_true(told: Any) -> bool:
    return told is True or text(told) in _TRUE


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
