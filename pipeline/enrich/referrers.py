"""Where a visitor came from: the referrer's host, the name of the source, and its channel."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from pipeline.enrich import rulebook
from pipeline.enrich.redact import MARK, SIGN, is_address, redact
from pipeline.enrich.urls import host_name

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

#: Origins whose facts are remembered: far fewer than pages, and most of the work.
REMEMBERED = 50_000
#: Longest host name there is.
HOST_LENGTH = 253
#: Longest referrer URL kept.
URL_LENGTH = 512
#: Longest utm_source kept as the name of a source (urls.py cuts at the same length).
SOURCE_LENGTH = 255
_URL = re.compile(r"(https?|android-app|ios-app)://([^/?#\\]+)([^?#]*)", re.IGNORECASE)
# The same for most referrers, those without blanks: origin and path.
_PLAIN_URL = r"(?s)^(https?://[^/?#\\\s\x00-\x20]+)([^?#\s\x00-\x20]*)(?:[?#].*)?$"
# Letters of any script, since some browsers send names that are not in punycode.
_HOST = re.compile(r"[^\W_][\w-]*(?:\.[\w-]+)*")
_COUNTRY_ENDING = re.compile(r"\.(?:com?\.)?[a-z]{2,3}$")


class ReferrerFacts(NamedTuple):
    referrer: str | None
    referrer_url: str | None
    source: str | None
    channel: str


@dataclass(frozen=True, slots=True)
class _Source:
    name: str
    channel: str


_DIRECT = ReferrerFacts(None, None, None, "direct")


class Referrers:
    """The table of rules/referrers.toml and the public suffix list, loaded once."""

    __slots__ = ("_aliases", "_apps", "_hosts", "_mediums", "_origins", "_own", "_suffixes")

    def __init__(self, own_hosts: frozenset[str]) -> None:
        rows = rulebook.read("referrers")
        self._own = frozenset(_bare(host) for host in own_hosts)
        self._hosts = _index(rows["source"], "hosts")
        self._apps = _index(rows["source"], "apps")
        self._aliases = _index(rows["source"], "aliases")
        self._aliases |= {source.name.lower(): source for source in _sources(rows["source"])}
        self._mediums: list[tuple[str, str]] = [
            (value, row["channel"]) for row in rows["medium"] for value in row["values"]
        ]
        self._suffixes = _public_suffixes()
        self._origins: dict[tuple[str, str, str | None], ReferrerFacts] = {}

    def describe(self, referrer: str | None, host: str | None) -> ReferrerFacts:
        """The facts of one Referer header; `host` is the host the record was asked on.

        What is no web address of a page or app counts as no referrer.
        """
        match = _URL.match(referrer.strip()) if referrer else None
        if match is None:
            return _DIRECT
        origin = self._known_origin(match[1], match[2], host)
        if origin.channel == "direct":
            return origin
        url = redact(f"{origin.referrer_url}{match[3] or '/'}")[:URL_LENGTH]
        return ReferrerFacts(origin.referrer, url, origin.source, origin.channel)

    def describe_all(self, referrers: pl.Series, hosts: pl.Series) -> list[pl.Series]:
        """The facts of many, a column for each field. Nearly all are an origin, about which is
        asked once, and a path."""
        origins, paths = referrers.str.extract_groups(_PLAIN_URL).struct.unnest().get_columns()
        keys = (hosts.fill_null("") + " " + origins).to_arrow().dictionary_encode()
        distinct = [_parts(key) for key in keys.dictionary.to_pylist()]
        known = [*(self._known_origin(*parts) for parts in distinct), _DIRECT]
        codes = pl.Series(keys.indices.fill_null(len(distinct)))
        referrer, start, source, channel = (
            pl.Series(values, dtype=pl.String).gather(codes) for values in zip(*known, strict=True)
        )
        urls = start + paths.set(paths == "", "/")
        rows = urls.str.contains(SIGN).fill_null(False).arg_true()
        urls = urls.scatter(rows, pl.Series(map(redact, urls.gather(rows)), dtype=pl.String))
        rows = origins.is_null().arg_true()
        pairs = zip(referrers.gather(rows), hosts.gather(rows), strict=True)
        facts = [self.describe(*pair) for pair in pairs]
        columns = (referrer, urls.str.slice(0, URL_LENGTH), source, channel)
        if not facts:
            return list(columns)
        return [
            column.scatter(rows, pl.Series(values, dtype=pl.String))
            for column, values in zip(columns, zip(*facts, strict=True), strict=True)
        ]

    def _known_origin(self, scheme: str, authority: str, host: str | None) -> ReferrerFacts:
        key = (scheme, authority, host)
        origin = self._origins.get(key)
        if origin is None:
            if len(self._origins) > REMEMBERED:
                self._origins.clear()
            origin = self._origins[key] = self._origin(*key)
        return origin

    def _origin(self, scheme: str, authority: str, host: str | None) -> ReferrerFacts:
        """What all pages of one origin have in common; its URL lacks the path."""
        name = host_name(authority)
        if name is None or not _is_host(name):
            return _DIRECT
        scheme, shown = scheme.lower(), MARK if _is_number(name) else name
        url = f"{scheme}://{shown}"
        if self._is_own(name, shown, host):
            return ReferrerFacts(None, url, None, "internal")
        source = self._source(scheme, shown)
        return ReferrerFacts(_bare(shown), url, source.name, source.channel)

    def campaign(
        self, source: str | None, channel: str, utm_source: str | None, utm_medium: str | None
    ) -> tuple[str | None, str]:
        """Source and channel when the campaign is heard too; it outweighs the referrer's."""
        if not utm_source and not utm_medium:
            return source, channel
        known = self._known_utm(utm_source)
        name = known.name if known else (utm_source or "")[:SOURCE_LENGTH] or source
        channel = self._medium(utm_medium) or (known.channel if known else "campaign")
        return name, channel

    def _is_own(self, name: str, shown: str, host: str | None) -> bool:
        bare = _bare(name)
        return bare in self._own or (host is not None and _bare(host.lower()) in (bare, shown))

    def _source(self, scheme: str, host: str) -> _Source:
        if host == MARK:
            return _Source(MARK, "referral")
        if scheme.endswith("-app"):
            return _longest(self._apps, host) or _Source(host, "referral")
        return self._known_host(host) or _Source(self._domain(host), "referral")

    def _known_host(self, host: str) -> _Source | None:
        found = _longest(self._hosts, host)
        if found is not None:
            return found
        stem, endings = _COUNTRY_ENDING.subn(".*", host)
        return _longest(self._hosts, stem) if endings else None

    def _domain(self, host: str) -> str:
        domain: str | None = self._suffixes.privatesuffix(host)
        return domain or _bare(host)

    def _known_utm(self, value: str | None) -> _Source | None:
        if not value:
            return None
        key = value.lower()
        return self._aliases.get(key) or (self._known_host(key) if "." in key else None)

    def _medium(self, value: str | None) -> str | None:
        key = (value or "").lower()
        for rule, channel in self._mediums:
            if key == rule or (rule.endswith("*") and key.startswith(rule[:-1])):
                return channel
        return None


def _parts(key: str) -> tuple[str, str, str | None]:
    """Scheme, authority and host of a host, a blank and an origin, which has no blank."""
    host, _, origin = key.rpartition(" ")
    scheme, _, authority = origin.partition("://")
    return scheme, authority, host or None


def _public_suffixes() -> PublicSuffixList:
    """The list with its names in punycode as well. The package would look at each name whether
    it needs to be: a tenth of a second."""
    from publicsuffixlist import PSLFILE, PublicSuffixList, encode_idn

    rules = [line for line in Path(PSLFILE).read_text("utf-8").splitlines() if line[:2] != "//"]
    coded = [encode_idn(rule.split(" ")[0]) for rule in rules if not rule.isascii()]
    return PublicSuffixList([*rules, *coded], accept_encoded_idn=False)


def _bare(host: str) -> str:
    host = host.lower()
    return host[4:] if host.startswith("www.") and host.count(".") > 1 else host


def _is_host(name: str) -> bool:
    fits = len(name) <= HOST_LENGTH and _HOST.fullmatch(name)
    return bool(fits) or is_address(name)


def _is_number(host: str) -> bool:
    """An address in any spelling, a single number included, and number salad like 1.2.3.4.5."""
    return is_address(host) or host.replace(".", "").isdigit()


def _longest(table: Mapping[str, _Source], host: str) -> _Source | None:
    """The entry of the host itself, or of the nearest one above it."""
    while True:
        found = table.get(host)
        if found is not None or "." not in host:
            return found
        host = host.partition(".")[2]


def _sources(rows: Iterable[Mapping[str, Any]]) -> list[_Source]:
    return [_Source(row["name"], row["channel"]) for row in rows]


def _index(rows: list[dict[str, Any]], key: str) -> dict[str, _Source]:
    pairs = zip(rows, _sources(rows), strict=True)
    return {value.lower(): source for row, source in pairs for value in row.get(key, ())}
