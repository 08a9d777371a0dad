"""The one place where EVENTS and DAILY columns, dimensions and metrics are declared.

EVENTS is what a Parquet part holds: one row a counted record. DAILY is what a roll-up keeps.
Docs, field lists and Parquet schemas derive from the tables below.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

TEXT = pa.dictionary(pa.int32(), pa.string())


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    type: pa.DataType
    doc: str


EVENTS_COLUMNS = (
    Column("site", TEXT, "Name of the site."),
    Column("date", pa.date32(), "Day in the site's time zone."),
    Column("hour", pa.uint8(), "Hour of the day (0-23) in the site's time zone."),
    Column("time", pa.timestamp("ms", tz="UTC"), "When the record was made."),
    Column("log_id", pa.int32(), "Catalog number of the source the record came from."),
    Column("offset", pa.int64(), "Byte offset of the record in the decompressed source."),
    Column("origin", TEXT, "Kind of evidence: log, pixel, script or api."),
    Column("class", TEXT, "What the record is: see CLASSES."),
    Column("method", TEXT, "Request method; null for an unreadable request."),
    Column("host", TEXT, "Virtual host, lower case, without port."),
    Column("page", TEXT, "Path asked for, without query and fragment."),
    Column("query", TEXT, "Query string, without its question mark."),
    Column("protocol", TEXT, "Protocol and version."),
    Column("status", pa.int16(), "HTTP status code; 0 where the server wrote none."),
    Column("bytes", pa.int64(), "Bytes sent, as the server counts them."),
    Column("duration_ms", pa.float32(), "Time taken to serve, in milliseconds."),
    Column("mime", TEXT, "Content type of the answer."),
    Column("cache", TEXT, "Cache result."),
    Column("tls", TEXT, "TLS protocol version."),
    Column("referrer", TEXT, "Host of the referrer without www; null for none or one's own."),
    Column("referrer_url", TEXT, "Referrer without its query and fragment, one's own included."),
    Column("source", TEXT, "Name of where the visitor came from, such as Google."),
    Column("channel", TEXT, "Kind of source: see CHANNELS."),
    Column("utm_source", TEXT, "utm_source of the query."),
    Column("utm_medium", TEXT, "utm_medium of the query."),
    Column("utm_campaign", TEXT, "utm_campaign of the query."),
    Column("utm_term", TEXT, "utm_term of the query."),
    Column("utm_content", TEXT, "utm_content of the query."),
    Column("country", TEXT, "Two-letter country code (upper case); null where unknown."),
    Column("device", TEXT, "desktop, mobile, tablet or player; null for a bot."),
    Column("browser", TEXT, "Browser family; null for a bot."),
    Column("os", TEXT, "Operating system family; null for a bot."),
    Column("agent", TEXT, "User-Agent header."),
    Column("bot_category", TEXT, "Kind of bot: see BOT_CATEGORIES; null for a human."),
    Column("bot", TEXT, "Name of the bot; null for a human."),
    Column("bot_reason", TEXT, "Why it is held to be a bot; null for a human."),
    Column("visitor", pa.uint64(), "Keyed hash of site, address and agent."),
    Column("ip_hash", pa.uint64(), "Keyed hash of site and address."),
    Column("agent_hash", pa.uint64(), "Keyed hash of site and agent."),
    Column("viewer_hash", pa.uint64(), "Keyed hash of the viewer's id, where one was sent."),
    Column("signed_in", pa.bool_(), "Whether the viewer was signed in."),
    Column("content_type", TEXT, "Type of the content item viewed."),
    Column("content_id", TEXT, "Id of the content item viewed."),
    Column("view_type", TEXT, "intentional, listing, search or widget."),
    Column("view_source", TEXT, "web, api, widget or player."),
    Column("event", TEXT, "Name of a custom event."),
    Column("properties", TEXT, "Properties of a custom event, as a JSON object of texts."),
    Column("title", TEXT, "Title of the page, where a pixel or script told it."),
    Column("screen", TEXT, "Size of the screen, as 1920x1080, where a script told it."),
    Column("language", TEXT, "Language of the browser, as en-GB, where a script told it."),
    Column("value", pa.float64(), "Value of a custom event."),
)
EVENTS = pa.schema([(c.name, c.type) for c in EVENTS_COLUMNS])

#: Every counted record has exactly one class.
CLASSES: dict[str, str] = {
    "page": "A page asked for and answered: GET, 2xx or 304; or a pixel that describes a view.",
    "asset": "Style, script, image, font or other part of a page.",
    "feed": "RSS, Atom or JSON feed.",
    "api": "Call of a programming interface.",
    "download": "A file to keep: archive, document, audio, video.",
    "redirect": "Answered with 3xx other than 304.",
    "error": "Answered with 4xx or 5xx or no status, or not a readable request.",
    "probe": "A path that only scanners ask for.",
    "event": "A custom event.",
    "other": "None of these: other methods, robots.txt and the like.",
}
#: Outcomes of a record that are not a class.
OUTCOMES: dict[str, str] = {
    "known": "Counted by an earlier run; not counted again.",
    "directive": "A line about the log itself, such as #Fields.",
    "rejected": "Could not be read; kept with its reason.",
    "excluded": "Left out by a rule.",
}
BOT_CATEGORIES: dict[str, str] = {
    "search": "Search engine crawler.",
    "ai_training": "Collects pages to train models.",
    "ai_search": "Indexes pages for answers by AI.",
    "ai_assistant": "Fetches a page because a user asked an AI assistant.",
    "seo": "Marketing and link analysis.",
    "monitor": "Uptime and performance checks.",
    "feed": "Feed reader.",
    "scanner": "Security scanner or prober.",
    "library": "HTTP library or command-line tool.",
    "unknown": "A bot of no known kind.",
}
CHANNELS: dict[str, str] = {
    "direct": "No referrer and no campaign.",
    "search": "A search engine.",
    "social": "A social network.",
    "ai": "An AI assistant.",
    "email": "An e-mail client or campaign.",
    "paid": "A paid campaign, by utm_medium.",
    "campaign": "Another campaign, by utm_source or utm_medium.",
    "referral": "Another site.",
    "internal": "The site itself.",
}

Level = Literal["record", "visit"]


@dataclass(frozen=True, slots=True)
class Dimension:
    """`level` says whose value counts for views, visitors and visits: the record's own, or that
    of the first view of its visit (entry, exit and how the visitor came)."""

    name: str
    level: Level
    doc: str


#: Dimensions by which daily totals are kept, as long as these are.
DIMENSIONS: dict[str, Dimension] = {
    d.name: d
    for d in (
        Dimension("date", "record", "Day in the site's time zone."),
        Dimension("hour", "record", "Hour of the day in the site's time zone."),
        Dimension("page", "record", "Path asked for."),
        Dimension("entry", "visit", "First page of the visit."),
        Dimension("exit", "visit", "Last page of the visit."),
        Dimension("referrer", "visit", "Host of the referrer."),
        Dimension("source", "visit", "Where the visitor came from."),
        Dimension("channel", "visit", "Kind of source."),
        Dimension("utm_source", "visit", "utm_source of the campaign."),
        Dimension("utm_medium", "visit", "utm_medium of the campaign."),
        Dimension("utm_campaign", "visit", "utm_campaign of the campaign."),
        Dimension("country", "record", "Country of the address."),
        Dimension("device", "record", "Kind of device."),
        Dimension("browser", "record", "Browser family."),
        Dimension("os", "record", "Operating system family."),
        Dimension("status", "record", "HTTP status code."),
        Dimension("class", "record", "Class of the record."),
        Dimension("method", "record", "Request method."),
        Dimension("host", "record", "Virtual host."),
        Dimension("bot", "record", "Name of the bot."),
        Dimension("bot_category", "record", "Kind of bot."),
    )
}
#: Dimensions that are answered as long as there are cubes or raw events.
DETAILS: dict[str, Dimension] = {
    d.name: d
    for d in (
        Dimension("utm_term", "visit", "utm_term of the campaign."),
        Dimension("utm_content", "visit", "utm_content of the campaign."),
        Dimension("content_type", "record", "Type of the content item."),
        Dimension("content_id", "record", "Id of the content item."),
        Dimension("view_type", "record", "How the content was viewed."),
        Dimension("view_source", "record", "Through what the content was viewed."),
        Dimension("signed_in", "record", "Whether the viewer was signed in."),
        Dimension("event", "record", "Name of the custom event."),
        Dimension("title", "record", "Title of the page, where it was told."),
        Dimension("origin", "record", "Kind of evidence: log, pixel, script or api."),
        Dimension("bot_reason", "record", "Why it is held to be a bot."),
        Dimension("protocol", "record", "Protocol and version."),
        Dimension("cache", "record", "Cache result."),
        Dimension("tls", "record", "TLS protocol version."),
        Dimension("mime", "record", "Content type of the answer."),
        Dimension("screen", "record", "Size of the screen, where a script told it."),
        Dimension("language", "record", "Language of the browser, where a script told it."),
    )
}
#: Spans of time on the clock of the site's wall: an hour that comes twice in autumn is one.
TIMES: dict[str, Dimension] = {
    d.name: d
    for d in (
        Dimension("time:minute", "record", "Minute in UTC, as 2026-11-21T08:05Z; of raw events."),
        Dimension("time:hour", "record", "Day and hour, as 2026-11-21T09:00."),
        Dimension("time:day", "record", "Day, as 2026-11-21."),
        Dimension("time:week", "record", "Monday of the week, as 2026-11-16."),
        Dimension("time:month", "record", "Month, as 2026-11."),
    )
}
#: What a property of a custom event is asked for by: prop:plan.
PROPERTY = "prop:"
#: The names of all properties of an event, as a JSON list.
PROPERTY_NAMES = "prop:*"

#: Additive measures kept per day, in the order of their columns in DAILY totals.
MEASURES: dict[str, str] = {
    "views": "Page views of humans.",
    "content_views": "Content views of humans.",
    "visitors": "Distinct visitors of a day with a view or content view; summed over days.",
    "visits": "Visits of humans.",
    "bounces": "Visits of one view and nothing else.",
    "duration_s": "Seconds from first to last view of the visits, summed.",
    "hits": "Records in any class, bots included.",
    "bot_hits": "Records of bots.",
    "bytes": "Bytes sent, bots included.",
    "events": "Custom events of humans.",
    "signed_in_views": "Views by signed-in viewers.",
    "signed_in_visitors": "Visitors with a signed-in view.",
}
#: Additive measures that daily totals have no column for.
DETAIL_MEASURES: dict[str, str] = {
    "errors": "Records answered with a status of 400 or more, or with none.",
    "not_found": "Records answered with 404.",
    "cache_hits": "Records whose cache result says that the cache answered.",
    "cache_known": "Records with a cache result.",
    "conversions": "Visits with a custom event that fits the filters.",
    "checked_visitors": "Visitors of days on which a script or server told of views.",
    "unscripted_visitors": "Those of them of whom it told no view.",
}
#: Metrics worked out from measures: name -> (numerator, denominator, what it says).
RATIOS: dict[str, tuple[str, str, str]] = {
    "bounce_rate": ("bounces", "visits", "Share of visits that bounced (0 to 1)."),
    "visit_duration": ("duration_s", "visits", "Mean seconds a visit, bounces included."),
    "views_per_visit": ("views", "visits", "Views a visit."),
    "error_rate": ("errors", "hits", "Share of the records that are errors (0 to 1)."),
    "unscripted_rate": (
        "unscripted_visitors",
        "checked_visitors",
        "Share of the visitors of whom no script told, where there is one (0 to 1).",
    ),
    "cache_hit_ratio": ("cache_hits", "cache_known", "Share that the cache answered (0 to 1)."),
}
#: Metrics worked out from how long records took: name -> (percent, what it says).
PERCENTILES: dict[str, tuple[int, str]] = {
    f"latency_p{percent}": (percent, f"Milliseconds in which {percent} of 100 records were served.")
    for percent in (50, 90, 99)
}
#: What percentiles are worked out from, instead of a measure: how many records took how long.
LATENCY = "latency"
#: Of the visits that fit what of the filters is not about events, the share with one that fits.
CONVERSION_RATE = "conversion_rate"
#: Measures that count records, not people: they have no value by entry or exit.
RECORD_MEASURES = ("hits", "bot_hits", "bytes")
SCRIPT_DETAILS = ("checked_visitors", "unscripted_visitors")
RECORD_DETAILS = ("errors", "not_found", "cache_hits", "cache_known")
#: All metrics, and what each says.
METRICS: dict[str, str] = {
    **MEASURES,
    **DETAIL_MEASURES,
    **{name: doc for name, (_, _, doc) in RATIOS.items()},
    **{name: doc for name, (_, doc) in PERCENTILES.items()},
    CONVERSION_RATE: "Share of the visits in which the event happened (0 to 1).",
}
#: A cache result with one of these words in it says that the cache answered.
CACHE_HITS = ("hit", "stale", "updating", "revalidated")

#: Buckets of response times within one doubling. Five keep every percentile within 8 %: the
#: middle of a bucket is at most (q - 1) / (q + 1) = 6.9 % off, with q = 2 ** (1 / 5).
BUCKETS_PER_OCTAVE = 5
LATENCY_WITHIN = "within 8 %"

_DAY_COLUMNS = (
    Column("site", pa.string(), "Name of the site."),
    Column("date", pa.date32(), "Day in the site's time zone."),
)
_SCOPE_COLUMNS = (
    *_DAY_COLUMNS,
    Column("scope", pa.string(), "What the row is about: see SCOPES."),
    Column("scope_value", pa.string(), "Which one of its kind; empty for the site."),
)
_COUNTS = {name: Column(name, pa.int64(), doc) for name, doc in MEASURES.items()}
_FACTS = ("country", "device", "browser", "os")
_CAME_FROM = ("source", "channel", "referrer", "utm_source", "utm_medium", "utm_campaign")

#: What a row of totals or latency can be about.
SCOPES: dict[str, str] = {
    "site": "The whole site; the only scope with dimensions.",
    "page": "One path, whatever became of the requests; these rows are also the answer by page.",
    "content": "One content item, as type:id.",
    "status:404": "One path that was answered with 404; by dimension referrer, who sent there.",
}


def _text(*names: str) -> tuple[Column, ...]:
    docs = {c.name: c.doc for c in EVENTS_COLUMNS} | {d.name: d.doc for d in DIMENSIONS.values()}
    return tuple(Column(name, pa.string(), docs[name]) for name in names)


#: The daily statistics: name of the table -> its columns. Nothing in them is about one person.
DAILY: dict[str, tuple[Column, ...]] = {
    "totals": (
        *_SCOPE_COLUMNS,
        Column("dimension", pa.string(), "A name of DIMENSIONS; empty for the total."),
        Column("value", pa.string(), "Its value as text; null where the records have none."),
        *_COUNTS.values(),
    ),
    "visits": (
        *_DAY_COLUMNS,
        Column("hour", pa.uint8(), "Hour in which the visit began."),
        *_text("entry", "exit", *_CAME_FROM, *_FACTS),
        Column("signed_in", pa.bool_(), "Whether a view of the visit was signed in."),
        _COUNTS["visits"],
        Column("visitors_first", pa.int64(), "Visits that are their visitor's first of the day."),
        Column("visitors_first_by_source", pa.int64(), "Those that are the first by this source."),
        *(_COUNTS[name] for name in ("views", "content_views", "events", "bounces", "duration_s")),
    ),
    "pages": (
        *_DAY_COLUMNS,
        *_text("page", "content_type", "content_id", "view_type", "view_source", "origin"),
        *_text("event", "source", "channel", *_FACTS),
        Column("signed_in", pa.bool_(), "Whether the viewer was signed in."),
        *(_COUNTS[name] for name in ("views", "content_views", "events", "visits")),
        Column("visitors_first", pa.int64(), "Rows that are their visitor's first of the page."),
        *(_COUNTS[name] for name in ("bounces", "duration_s")),
        Column("starts", pa.int64(), "Visits that began with this view."),
        Column("ends", pa.int64(), "Visits that ended with this view."),
    ),
    "latency": (
        *_SCOPE_COLUMNS,
        Column(
            "bucket", pa.int32(), "floor(BUCKETS_PER_OCTAVE * log2(ms)), ms being at least 0.001."
        ),
        Column("n", pa.int64(), "Records in the bucket."),
    ),
}
