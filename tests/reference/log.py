"""A whole log, line by line: its records with their meaning, and the ledger of its lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from tests.reference import agents, countries, ncsa, paths, pixels, referrers, structured
from tests.reference.addresses import without_addresses
from tests.reference.lines import Directive, Rejected, clean, decompressed, lines
from tests.reference.records import Ledger, Raw, Record

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parser_of(name: str) -> Callable[[bytes], Raw]:
    """What reads one line of the format."""
    if name in ("common", "combined", "vhost_combined", "combined_xff"):
        return partial(ncsa.parse, name=name)
    if name == "w3c":
        return structured.W3C().parse
    return {"nginx_json": structured.nginx_json, "caddy_json": structured.caddy_json}[name]


def read(
    data: bytes,
    name: str,
    zone: str = "UTC",
    site: str = "s",
    number: int = 1,
    own: frozenset[str] = frozenset(),
) -> tuple[list[Record], Ledger]:
    """Every counted record of a log, and what became of all its lines."""
    parse = parser_of(name)
    records, ledger = [], Ledger()
    for offset, line in lines(decompressed(data)):
        ledger.records += 1
        try:
            record = meaning(parse(clean(offset, line)), zone, site, own)
        except Directive:
            ledger.directives += 1
        except Rejected as reason:
            ledger.rejected[str(reason)] += 1
        else:
            record.log, record.offset = number, offset
            records.append(record)
    ledger.classes = Counter(str(r.values["class"]) for r in records)
    ledger.bots = sum(1 for r in records if not r.human)
    ledger.days = {r.date for r in records}
    return records, ledger


def meaning(raw: Raw, zone: str, site: str, own: frozenset[str]) -> Record:
    """What the line says, with every dimension."""
    kind = paths.class_of(raw.url, raw.method, raw.status, raw.mime)
    origin = "log"
    if pixels.is_pixel(raw, pixels.DEFAULT) and (seen := pixels.described(raw)):
        origin = "pixel"
        raw, kind = seen[0], pixels.class_of(seen[1], raw.method, raw.status)
    local = (EPOCH + timedelta(milliseconds=raw.time_ms)).astimezone(ZoneInfo(zone))
    url_host, path, query = paths.split_url(raw.url) if raw.url is not None else (None, None, "")
    host = without_addresses(raw.host or url_host or "") or None
    who = agents.describe(raw.agent) if raw.tells_agent else agents.NOTHING
    values = who | paths.campaign(query)
    referrer, source, channel = referrers.describe(raw.referrer, host, own)
    source, channel = referrers.with_campaign(
        source, channel, values["utm_source"], values["utm_medium"]
    )
    values |= {
        "date": local.date(),
        "hour": local.hour,
        "page": None if path is None else paths.page_of(path) or "/",
        "referrer": referrer,
        "source": source,
        "channel": channel,
        "country": countries.told(raw.country) or countries.country(raw.client),
        "status": raw.status,
        "class": kind,
        "method": raw.method,
        "host": host,
        "origin": origin,
    }
    return Record(site, 0, 0, raw.time_ms, local.date(), raw.bytes, raw.client, raw.agent, values)
