"""Who sent a hit, as the journal may know it: hashes under the salt of the day, and a country.

Addresses are in memory only. What is the same for all hits of one person and day is worked out
once, and kept as the piece of JSON that their lines share.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from pipeline.enrich.agents import Agents
from pipeline.enrich.clients import Trusted, parse_address
from pipeline.enrich.countries import Countries
from pipeline.enrich.exclude import Rules, is_inside, matches
from pipeline.enrich.hashes import ADDRESS, AGENT, VIEWER, VISITOR, Keyed
from pipeline.enrich.redact import redact
from pipeline.enrich.salts import Salts
from webapp.collector_sites import Site

#: People remembered of a site's day, and clients.
REMEMBERED = 20_000
#: Nothing after so many characters of an agent is kept.
AGENT_LENGTH = 1024
#: Nobody is remembered who came past more servers than that.
CHAIN_LENGTH = 256
_QUARTER = 900


@dataclass(frozen=True, slots=True)
class Client:
    """`bucket` stands for the address, or for the /64 network of an IPv6 one."""

    address: str
    bucket: int
    country: str | None
    excluded: bool


@dataclass(frozen=True, slots=True)
class Person:
    """`line` is what all hits of one address and agent say of them; its agent may be excluded."""

    line: str
    excluded: bool


class SiteDay:
    """The keys of a site's day, and the people seen on it."""

    __slots__ = ("address", "agent", "people", "viewer", "visitor")

    def __init__(self, site: str, salt: bytes) -> None:
        head = b"\0" + site.encode()
        self.visitor, self.address = Keyed(salt, VISITOR + head), Keyed(salt, ADDRESS + head)
        self.agent, self.viewer = Keyed(salt, AGENT + head), Keyed(salt, VIEWER + head)
        self.people: dict[tuple[str, str | None], Person] = {}


@dataclass(slots=True)
class People:
    """Everything that is to be known of senders. `agents` describes those that are not kept."""

    salts: Salts
    countries: Countries
    rules: Rules
    proxies: tuple[str, ...]
    agents: Agents | None = None
    _trusted: Trusted = field(init=False)
    _clients: dict[tuple[str, str | None], Client] = field(default_factory=dict)
    _days: dict[tuple[str, dt.date], SiteDay] = field(default_factory=dict)
    _today: dict[str, tuple[float, SiteDay]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._trusted = Trusted(self.proxies)

    def client(self, peer: str, forwarded: Callable[[], str | None]) -> Client:
        """Who sent a request that came from `peer`."""
        chain = forwarded() if self._trusted.has(peer) else None
        if len(self._clients) >= REMEMBERED:
            self._clients, self._trusted = {}, Trusted(self.proxies)
        clients = self._clients
        found = clients.get((peer, chain))
        if found is None:
            found = self.located(self._trusted.client(peer, chain) or "")
            if len(chain or "") <= CHAIN_LENGTH:
                clients[peer, chain] = found
        return found

    def located(self, text: str) -> Client:
        address = parse_address(text)
        bucket = text
        if isinstance(address, ipaddress.IPv6Address):
            bucket = str(ipaddress.ip_network((address, 64), strict=False))
        (country,) = self.countries.lookup([text])
        return Client(text, hash(bucket), country, is_inside(text, self.rules.addresses))

    def today(self, site: Site, now: float) -> SiteDay:
        """The day that it is now on the site's clock."""
        today = self._today
        until, found = today.get(site.name, (0.0, None))
        if found is None or now >= until:
            found = self.day(site, now)
            # Zones begin their days on a quarter of an hour.
            today[site.name] = (now // _QUARTER + 1) * _QUARTER, found
        return found

    def day(self, site: Site, moment: float) -> SiteDay:
        """The day of a moment on the site's clock."""
        date = dt.datetime.fromtimestamp(moment, ZoneInfo(site.zone)).date()
        key = site.name, date
        # Another thread may forget all days meanwhile.
        found = self._days.get(key)
        if found is None:
            salt = self.salts.of([key])[key]
            found = self._days[key] = SiteDay(site.name, salt.value)
        return found

    def person(self, day: SiteDay, client: Client, agent: str | None) -> Person:
        key = client.address, agent
        found = day.people.get(key)
        if found is None:
            found = self._person(day, client, agent)
            if len(agent or "") <= AGENT_LENGTH:
                if len(day.people) >= REMEMBERED:
                    day.people.clear()
                day.people[key] = found
        return found

    def forget(self) -> None:
        """Let go of all keys: those of days that are over, or of salts that are destroyed."""
        self.salts.destroy()
        self._days, self._today = {}, {}

    def follow(self, rules: Rules) -> None:
        """Go by these rules from now on; what is remembered was decided by those before."""
        if rules != self.rules:
            self.rules = rules
            self._clients, self._days, self._today = {}, {}, {}

    def _person(self, day: SiteDay, client: Client, agent: str | None) -> Person:
        address = b"\0" + client.address.encode("utf-8", "replace")
        browser = b"\0" + (agent or "").encode("utf-8", "replace")
        known = {
            "visitor": day.visitor.digest(address + browser).hex(),
            "ip_hash": day.address.digest(address).hex(),
            "agent_hash": day.agent.digest(browser).hex(),
        }
        if client.country:
            known["country"] = client.country
        if self.agents is not None:
            known["agent_facts"] = json.dumps(self.agents.describe(agent))
        elif agent:
            known["agent"] = redact(agent[:AGENT_LENGTH])
        line = json.dumps(known, ensure_ascii=False, separators=(",", ":"))
        return Person(line[1:-1], matches(agent, self.rules.agents))
