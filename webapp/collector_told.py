"""What a request tells: a view, a content view or an event, in the words of the journal.

Senders speak several dialects; each function below reads one. Nothing here knows of clients or
sites.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.enrich.pixels import PLAIN, described, parameters
from webapp.collector_refusals import Refused
from webapp.collector_values import URL_LENGTH, Fields, is_true, number, properties, revenue, text

ID_LENGTH = 128
VIEW_TYPES = frozenset({"intentional", "listing", "search", "widget"})
VIEW_SOURCES = frozenset({"web", "api", "widget", "player"})
_SCREEN = re.compile(r"[1-9]\d{0,4}(?:x[1-9]\d{0,4})?")
_LANGUAGE = re.compile(r"[A-Za-z0-9-]{2,35}")
_COMMON = frozenset({*PLAIN})

#: Short names that Plausible's trackers and ours write.
SHORT = {
    **{"n": "name", "u": "url", "d": "domain", "r": "referrer", "t": "title", "w": "screen"},
    **{"l": "language", "p": "props", "m": "props", "meta": "props", "$": "revenue"},
    **{"h": "hash", "s": "script"},
}
#: Likewise of a pixel, beside those that pixels in logs have too.
SHORT_OF_PIXEL = {"w": "screen", "l": "language", "h": "hash"}

Body = Mapping[str, Any]


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
    fields |= properties(body.get("properties") or body.get("props"))
    return _told(body, fields | revenue(body.get("revenue")))


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
    if not url or "#" not in url or not is_true(told.get("hash")):
        return {}
    target, _, fragment = url.partition("#")
    path, mark, query = target.partition("?")
    return {"url": f"{path}%23{fragment.replace('?', '%3F')}{mark}{query}"}


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
        found["signed_in"] = "true" if is_true(signed) else "false"
    return found | number(told.get("value"))


def _viewer(told: Body) -> tuple[str | None, str | None]:
    return text(told.get("viewer"), URL_LENGTH), text(told.get("owner"), URL_LENGTH)
