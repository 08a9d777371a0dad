"""What is known of a log beside its lines."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.enrich.clients import Proxies
from pipeline.enrich.exclude import Rules
from pipeline.enrich.pixels import Pixels


@dataclass(frozen=True, slots=True)
class Site:
    name: str
    zone: str
    hosts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Log:
    """With `by_host` the record's host chooses among the sites, and records of other hosts are
    excluded; otherwise there is one site."""

    id: int
    sites: tuple[Site, ...]
    by_host: bool = False
    rules: Rules = Rules()
    proxies: Proxies = Proxies()
    pixels: Pixels = Pixels()
