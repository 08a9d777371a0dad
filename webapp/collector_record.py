"""A hit on its way into the journal: of which site, from whom, taken or refused."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from json.encoder import encode_basestring as quoted
from typing import NamedTuple

from pipeline.enrich.redact import redact
from pipeline.journal import Journal
from webapp.collector_counts import Counts
from webapp.collector_limits import Buckets
from webapp.collector_log import Losses
from webapp.collector_people import Client, People, SiteDay
from webapp.collector_refusals import Refused
from webapp.collector_sites import Site, Sites
from webapp.collector_told import Told

#: The longest text that is remembered.
REMEMBERED_LENGTH = 1024


class Entry(NamedTuple):
    """What a request tells, and as which text."""

    told: Told
    text: str


@dataclass(slots=True)
class Recorder:
    """Decides on hits, and writes those that are taken."""

    sites: Sites
    people: People
    journal: Journal
    buckets: Buckets
    durable: bool
    counts: Counts = field(default_factory=Counts)
    losses: Losses = field(default_factory=Losses)
    redact: Callable[[str], str] = field(default_factory=lambda: _remembering())

    def site(self, told: Told, origin: str | None, referer: str | None) -> Site:
        """The site of a hit. Raises `Refused`."""
        site = self.sites.choose(told.site, origin, referer, told.fields.get("host"))
        kind = told.fields.get("content_type")
        if kind is not None and kind not in site.content_types:
            raise Refused("content_type")
        return site

    def text(self, told: Told) -> str:
        """What the journal keeps of what was told."""
        pairs = [f'"{name}":{quoted(self.redact(text))}' for name, text in told.fields.items()]
        return ",".join(pairs)

    def line(
        self, entry: Entry, site: Site, client: Client, agent: str | None, origin: str, at: float
    ) -> tuple[bytes, str]:
        """The line of the journal, and why the hit is left out of all counts, if it is."""
        told, text = entry.told, entry.text
        now = at or time.time()
        day = self.people.day(site, at) if at else self.people.today(site, now)
        person = self.people.person(day, client, agent)
        if told.viewer:
            text += f',"viewer_hash":"{_viewer(day, told.viewer)}"'
        reason = "excluded" if client.excluded or person.excluded else "owner" if told.own else ""
        if reason:
            text += f',"excluded":"{reason}"'
        line = (
            f'{{"journal":1,"time":{int(now * 1000)},"status":200,"method":"GET",'
            f'"site":"{site.name}","origin":"{origin}",{person.line},{text}}}\n'
        )
        return line.encode("utf-8", "replace"), reason

    def write(self, lines: Sequence[bytes], origin: str) -> int:
        """Returns a ticket for `wait`, or 0 if there is nothing to wait for. Raises `Refused`
        where the lines could not be written."""
        try:
            ticket = self.journal.append(b"".join(lines))
        except OSError as error:
            raise self.lost(error, len(lines)) from error
        self.counts.take(origin, len(lines))
        return ticket if self.durable else 0

    def wait(self, ticket: int) -> bool:
        """Until the disk has what the ticket stands for; returns whether it has."""
        try:
            self.journal.sync(ticket)
        except OSError as error:
            self.lost(error)
            return False
        return True

    def lost(self, error: Exception, hits: int = 1) -> Refused:
        self.losses.tell(error, hits)
        self.counts.refuse("lost", hits)
        return Refused("lost")


def _remembering() -> Callable[[str], str]:
    """`redact`, which remembers what it made of short texts."""
    known = lru_cache(10_000)(redact)
    return lambda text: known(text) if len(text) <= REMEMBERED_LENGTH else redact(text)


def _viewer(day: SiteDay, viewer: str) -> str:
    return day.viewer.digest(b"\0" + viewer.encode("utf-8", "replace")).hex()


#: What can go wrong with the disk.
DISK_ERRORS = (OSError, sqlite3.Error)
