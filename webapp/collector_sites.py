"""Which site a hit is of, and whether it may come from where it does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pipeline.config import Config
from pipeline.config import Site as ConfiguredSite
from webapp.collector_refusals import Refused

#: Origin and Referer headers whose hosts are remembered, and the longest of them.
REMEMBERED, REMEMBERED_LENGTH = 10_000, 1024
_WEB = re.compile(r"https?://(?:[^/?#@]*@)?(\[[^\]/?#]*\]|[^/?#:]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Site:
    name: str
    zone: str
    hosts: frozenset[str]
    origins: frozenset[str]
    content_types: frozenset[str]

    def allows(self, host: str) -> bool:
        """Whether a page on this host may send hits."""
        if host in self.hosts or host in self.origins or "*" in self.origins:
            return True
        above = host.partition(".")[2]
        while above:
            if f"*.{above}" in self.origins:
                return True
            above = above.partition(".")[2]
        return False


@dataclass(slots=True)
class Sites:
    """The sites of the configuration. Of two that name the same host, it is the first one's."""

    by_name: Mapping[str, Site]
    by_host: Mapping[str, Site]
    _hosts: dict[str, str | None] = field(default_factory=dict)

    def choose(
        self, told: str | None, origin: str | None, referer: str | None, page: str | None
    ) -> Site:
        """The site that the hit names, else that of the Origin or the Referer header; `page` is
        the host of the page that it is about.

        Raises `Refused` where there is none, or where they contradict each other.
        """
        # An opaque origin (RFC 6454) tells nothing.
        sender = self._host(origin) if origin and origin != "null" else None
        before = self._host(referer) if referer else None
        site = self._named(told) if told else self._at(sender) or self._at(before)
        if site is None:
            raise Refused("unknown site" if told else "no site")
        if sender is not None and not site.allows(sender):
            raise Refused("origin")
        for host in (before if sender is None else None, page):
            if host and not site.allows(host) and host in self.by_host:
                raise Refused("contradiction")
        return site

    def allows(self, origin: str | None) -> bool:
        """Whether any site takes hits from there."""
        host = self._host(origin) if origin else None
        if host is None:
            return False
        return host in self.by_host or any(site.allows(host) for site in self.by_name.values())

    def _named(self, name: str) -> Site | None:
        return self.by_name.get(name) or self.by_host.get(name.lower())

    def _at(self, host: str | None) -> Site | None:
        return self.by_host.get(host) if host else None

    def _host(self, url: str) -> str | None:
        """The host of a web address; None where it is none."""
        if len(url) > REMEMBERED_LENGTH:
            return host_of(url)
        if url not in self._hosts:
            if len(self._hosts) >= REMEMBERED:
                self._hosts.clear()
            self._hosts[url] = host_of(url)
        return self._hosts[url]


def host_of(url: str) -> str | None:
    found = _WEB.match(url)
    return found[1].lower().strip("[]").rstrip(".") or None if found else None


def sites_of(config: Config) -> Sites:
    sites = [_site(site) for site in config.sites]
    by_host: dict[str, Site] = {}
    for site in sites:
        for host in (*sorted(site.hosts), *sorted(site.origins)):
            if "*" not in host:
                by_host.setdefault(host, site)
    return Sites(_named(sites), by_host)


def _named(sites: Iterable[Site]) -> dict[str, Site]:
    return {site.name: site for site in sites}


def _site(site: ConfiguredSite) -> Site:
    return Site(
        site.name,
        site.timezone,
        frozenset({site.name.lower(), *site.hosts}),
        frozenset(site.origins),
        frozenset(site.content_types),
    )
