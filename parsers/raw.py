"""The vocabulary of RAW: the columns a parser may deliver, whatever the log format.

A parser never delivers a column that is not declared here, and a column a format lacks is
simply absent. `text` columns are ``dictionary<int32, string>``: valid UTF-8, unescaped by the
format's own scheme, null where the log says "missing" (``-``), empty where the value was
present and empty.
"""

from __future__ import annotations

import pyarrow as pa

TEXT = pa.dictionary(pa.int32(), pa.string())

#: The agent of a line at whose place the log says nothing about agents (W3C without that field),
#: which is not the same as an agent that is missing. No header can hold this noncharacter.
UNTOLD = "\uffff"

#: name -> (Arrow type, what it holds)
RAW_FIELDS: dict[str, tuple[pa.DataType, str]] = {
    "offset": (pa.int64(), "Byte offset of the record's line in the decompressed source."),
    "time": (pa.int64(), "When, in milliseconds since 1970-01-01 UTC."),
    "status": (pa.int16(), "HTTP status code; 0 where the server wrote none."),
    "bytes": (pa.int64(), "Bytes sent as the server counts them; 0 for a dash."),
    "duration_ms": (pa.float64(), "Time taken to serve, in milliseconds."),
    "client": (TEXT, "Address or host name of the client, without port, brackets or zone."),
    "forwarded_for": (TEXT, "X-Forwarded-For header: one address a proxy, the nearest last."),
    "user": (TEXT, "Authenticated user name."),
    "host": (TEXT, "Virtual host asked for, lower case, without port."),
    "method": (TEXT, "Request method; null for an unreadable request line."),
    "url": (TEXT, "Request target as sent: path and query, or an absolute URL."),
    "protocol": (TEXT, "Protocol and version, such as HTTP/1.1."),
    "referrer": (TEXT, "Referer header."),
    "agent": (TEXT, "User-Agent header; UNTOLD where the log does not tell of it."),
    "mime": (TEXT, "Content type of the answer."),
    "cache": (TEXT, "Cache result as the server names it (HIT, Miss, RefreshHit)."),
    "country": (TEXT, "Two-letter country code added by a CDN."),
    "tls": (TEXT, "TLS protocol version."),
    "subrequest": (pa.bool_(), "Whether a part of the CDN asked another, and no visitor did."),
    "site": (TEXT, "Name of the site, in a log of several."),
    "origin": (TEXT, "Kind of evidence: log, pixel, script or api."),
    "kind": (TEXT, "What was seen: page or event."),
    "title": (TEXT, "Title of the page."),
    "event": (TEXT, "Name of a custom event."),
    "properties": (TEXT, "Properties of the event: a text that is a JSON object of texts."),
    "value": (TEXT, "Value of the event: a number."),
    "content_type": (TEXT, "Type of the content item viewed."),
    "content_id": (TEXT, "Id of the content item viewed."),
    "view_type": (TEXT, "intentional, listing, search or widget."),
    "view_source": (TEXT, "web, api, widget or player."),
    "signed_in": (TEXT, "Whether the viewer was signed in: true or false."),
    "screen": (TEXT, "Size of the screen, as 1920x1080."),
    "language": (TEXT, "Language of the browser, as en-GB."),
    "visitor": (TEXT, "Keyed hash of site, address and agent, 16 hexadecimal digits."),
    "ip_hash": (TEXT, "Keyed hash of site and address, likewise."),
    "agent_hash": (TEXT, "Keyed hash of site and agent, likewise."),
    "viewer_hash": (TEXT, "Keyed hash of site and the viewer's id, likewise."),
    "agent_facts": (TEXT, "What was known of the agent, where it was not kept itself."),
}

#: What `rejects` rows are made of: (offset, length, reason).
REJECTS = pa.schema([("offset", pa.int64()), ("length", pa.int64()), ("reason", pa.string())])

#: Why a line can be refused. Every parser uses these words and no others.
REASONS: dict[str, str] = {
    "blank": "The line is empty.",
    "layout": "The line does not have the shape of the format.",
    "time": "The time cannot be read.",
    "status": "The status is not a three-digit number or a dash.",
    "json": "The line is not a JSON object.",
    "fields": "The line comes before any #Fields directive or has too few fields.",
    "nul": "The line holds NUL bytes and cannot be read.",
    "wrapper": "The line is not in the wrapper that the log is in.",
    "part": "The line is a part of one that its wrapper cut up.",
    "long": "The line is longer than one mebibyte.",
}
