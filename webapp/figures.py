"""How metrics and values of dimensions are called and written. What they mean is in
`pipeline.schema`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.schema import PROPERTY, PROPERTY_NAMES
from webapp.languages import Reader, mark


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric as readers see it. `form` names a method of `Reader`; `good` is 1 where more of it
    is better, -1 where less is, 0 where neither."""

    title: str
    form: str = "compact"
    good: int = 0


FIGURES: dict[str, Figure] = {
    "visitors": Figure(mark("Visitors"), good=1),
    "visits": Figure(mark("Visits"), good=1),
    "views": Figure(mark("Page views"), good=1),
    "content_views": Figure(mark("Content views"), good=1),
    "views_per_visit": Figure(mark("Views per visit"), "decimal", 1),
    "bounce_rate": Figure(mark("Bounce rate"), "share", -1),
    "visit_duration": Figure(mark("Visit duration"), "seconds", 1),
    "entries": Figure(mark("Entries"), good=1),
    "exits": Figure(mark("Exits")),
    "bounces": Figure(mark("Bounces"), good=-1),
    "events": Figure(mark("Events"), good=1),
    "conversions": Figure(mark("Visits with it"), good=1),
    "conversion_rate": Figure(mark("Conversion rate"), "share", 1),
    "signed_in_views": Figure(mark("Signed-in views")),
    "signed_in_visitors": Figure(mark("Signed-in visitors")),
    "hits": Figure(mark("Requests")),
    "bot_hits": Figure(mark("Bot requests")),
    "bytes": Figure(mark("Bandwidth"), "size"),
    "error_rate": Figure(mark("Error rate"), "share", -1),
    "not_found": Figure(mark("Not found"), good=-1),
    "latency_p50": Figure(mark("Median time"), "milliseconds", -1),
    "latency_p90": Figure(mark("p90"), "milliseconds", -1),
    "latency_p99": Figure(mark("p99"), "milliseconds", -1),
    "cache_hit_ratio": Figure(mark("Cache hits"), "share", 1),
    "unscripted_rate": Figure(mark("Without script"), "share"),
}

DIMENSION_TITLES: dict[str, str] = {
    "date": mark("Day"),
    "hour": mark("Hour"),
    "page": mark("Page"),
    "entry": mark("Entry page"),
    "exit": mark("Exit page"),
    "referrer": mark("Referrer"),
    "source": mark("Source"),
    "channel": mark("Channel"),
    "utm_source": mark("Campaign source"),
    "utm_medium": mark("Campaign medium"),
    "utm_campaign": mark("Campaign"),
    "utm_term": mark("Campaign term"),
    "utm_content": mark("Campaign content"),
    "country": mark("Country"),
    "device": mark("Device"),
    "browser": mark("Browser"),
    "os": mark("Operating system"),
    "screen": mark("Screen"),
    "language": mark("Language"),
    "status": mark("Status"),
    "class": mark("Kind of request"),
    "method": mark("Method"),
    "host": mark("Host"),
    "protocol": mark("Protocol"),
    "tls": mark("TLS version"),
    "mime": mark("Content type"),
    "cache": mark("Cache result"),
    "bot": mark("Bot"),
    "bot_category": mark("Kind of bot"),
    "bot_reason": mark("Reason"),
    "content_type": mark("Type of content"),
    "content_id": mark("Content item"),
    "view_type": mark("Kind of view"),
    "view_source": mark("Place of view"),
    "event": mark("Event"),
    PROPERTY_NAMES: mark("Property"),
    "origin": mark("Evidence"),
    "signed_in": mark("Signed in"),
}

VALUES: dict[str, Mapping[str, str]] = {
    "channel": {
        "direct": mark("Direct"),
        "search": mark("Search engines"),
        "social": mark("Social networks"),
        "ai": mark("AI assistants"),
        "email": mark("E-mail"),
        "paid": mark("Paid campaigns"),
        "campaign": mark("Other campaigns"),
        "referral": mark("Other sites"),
        "internal": mark("The site itself"),
    },
    "device": {
        "desktop": mark("Desktop"),
        "mobile": mark("Mobile phone"),
        "tablet": mark("Tablet"),
        "player": mark("Media player"),
    },
    "bot_category": {
        "ai_training": mark("AI training"),
        "ai_search": mark("AI search"),
        "ai_assistant": mark("AI assistant"),
        "search": mark("Search engine"),
        "seo": mark("Marketing"),
        "monitor": mark("Monitoring"),
        "feed": mark("Feed reader"),
        "scanner": mark("Scanner"),
        "library": mark("Program library"),
        "unknown": mark("Unknown bot"),
    },
    "class": {
        "page": mark("Page"),
        "asset": mark("Asset"),
        "feed": mark("Feed"),
        "api": mark("API call"),
        "download": mark("Download"),
        "redirect": mark("Redirect"),
        "error": mark("Error"),
        "probe": mark("Probe"),
        "event": mark("Event"),
        "other": mark("Other"),
    },
    "origin": {
        "log": mark("Access log"),
        "pixel": mark("Pixel"),
        "script": mark("Script"),
        "api": mark("API"),
    },
    "signed_in": {"true": mark("Signed in"), "false": mark("Anonymous")},
}
#: What can become of a line that was read, those that count first.
OUTCOME_TITLES: dict[str, str] = {
    "page": mark("Pages"),
    "asset": mark("Assets"),
    "feed": mark("Feeds"),
    "api": mark("API calls"),
    "download": mark("Downloads"),
    "event": mark("Events"),
    "redirect": mark("Redirects"),
    "other": mark("Other requests"),
    "error": mark("Errors"),
    "probe": mark("Probes"),
    "directive": mark("Directives"),
    "excluded": mark("Excluded"),
    "rejected": mark("Rejected"),
}
#: What a missing value of a dimension says.
MISSING: dict[str, str] = {
    "source": mark("Direct or unknown"),
    "referrer": mark("Direct or unknown"),
    "country": mark("Unknown country"),
    "bot": mark("People"),
    "bot_category": mark("People"),
}
STATUS_WORDS = {
    200: "OK",
    204: "No Content",
    206: "Partial Content",
    301: "Moved Permanently",
    302: "Found",
    303: "See Other",
    304: "Not Modified",
    307: "Temporary Redirect",
    308: "Permanent Redirect",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    410: "Gone",
    416: "Range Not Satisfiable",
    429: "Too Many Requests",
    499: "Client Closed Request",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


def written(reader: Reader, metric: str, value: float | None, exact: bool = False) -> str:
    """The value of a metric, short; `exact` writes out every digit of a count."""
    form = FIGURES[metric].form
    if form == "compact":
        return reader.number(value) if exact else reader.compact(value)
    if form == "decimal":
        return reader.number(value, 2)
    if form == "share":
        return reader.percent(value, 1 if exact or (value or 0) < 0.1 else 0)
    if form == "size":
        return reader.size(value)
    return reader.seconds(value) if form == "seconds" else reader.milliseconds(value)


def named(reader: Reader, dimension: str, value: object) -> str:
    """A value of a dimension as readers see it."""
    if value is None or value == "":
        return reader.text(MISSING.get(dimension, mark("None")))
    if isinstance(value, bool):
        value = str(value).lower()
    text = str(value)
    if dimension == "country":
        return reader.country(text)
    if dimension == "status":
        word = STATUS_WORDS.get(int(text), "")
        return f"{text} {word}".strip() if text != "0" else reader.text(mark("No status"))
    known = VALUES.get(dimension, {}).get(text)
    return reader.text(known) if known else text


def title_of(reader: Reader, dimension: str) -> str:
    return reader.text(DIMENSION_TITLES.get(dimension, "")) or dimension.removeprefix(PROPERTY)
