"""The assembly line of enrichment: each distinct value is described once, codes are gathered."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.enrich.agents import AgentFacts, Agents
from pipeline.enrich.classes import classify
from pipeline.enrich.columns import Coded, Codes, coded, combine, distinct, numbers, split, spread
from pipeline.enrich.countries import Countries
from pipeline.enrich.exclude import Rules
from pipeline.enrich.hashes import ADDRESS, AGENT, VISITOR, keyed
from pipeline.enrich.redact import redact
from pipeline.enrich.referrers import ReferrerFacts, Referrers
from pipeline.enrich.salts import Salts
from pipeline.enrich.times import local_days
from pipeline.enrich.urls import Paths, UrlFacts
from pipeline.schema import EVENTS

#: Facts are remembered across chunks for at most this many values of a kind.
REMEMBERED = 200_000
UNAUTHORIZED = 401

_EPOCH = dt.date(1970, 1, 1)
Columns = dict[str, pa.Array]


@dataclass(frozen=True, slots=True)
class Site:
    name: str
    zone: str
    hosts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Log:
    """What is known of a log beside its lines. With `by_host` the record's host chooses among
    the sites, and records of other hosts are excluded; otherwise there is one site."""

    id: int
    sites: tuple[Site, ...]
    by_host: bool = False
    rules: Rules = Rules()


@dataclass(frozen=True, slots=True)
class Enriched:
    """`events` has the schema EVENTS; `salts` is how many salts each (site, day) has had."""

    events: pa.Table
    excluded: int
    salts: Mapping[tuple[str, dt.date], int]


class Memo(dict[Any, Any]):
    """Facts by value; emptied when it grows too large, so that memory stays flat."""

    def all(self, values: list[Any], describe_all: Callable[[list[Any]], list[Any]]) -> list[Any]:
        if len(self) > REMEMBERED:
            self.clear()
        found = [self.get(value) for value in values]
        new = [i for i, facts in enumerate(found) if facts is None]
        if new:
            for i, facts in zip(new, describe_all([values[i] for i in new]), strict=True):
                found[i] = self[values[i]] = facts
        return found


def _each(describe: Callable[..., Any]) -> Callable[[list[Any]], list[Any]]:
    return lambda values: [
        describe(*value) if isinstance(value, tuple) else describe(value) for value in values
    ]


@dataclass(slots=True)
class Enricher:
    """Everything enrichment has to know, built once and shared by all threads."""

    salts: Salts
    country_mmdb: Path | None = None
    keep_agent: bool = True
    agents: Agents = field(default_factory=Agents)
    paths: Paths = field(default_factory=Paths)
    countries: Countries = field(init=False)
    _agents: Memo = field(default_factory=Memo)
    _urls: Memo = field(default_factory=Memo)
    _referrers: dict[frozenset[str], tuple[Referrers, Memo]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.countries = Countries(self.country_mmdb)

    def enrich(self, raw: pa.Table, log: Log) -> Enriched:
        """The events of a RAW table in its order, without those that are excluded."""
        urls = coded(raw, "url")
        url_facts = self._urls.all(urls.values, self.paths.describe_all)
        hosts = _hosts(coded(raw, "host"), urls, url_facts)
        sites = _sites(hosts, log)
        days, hours = _days(numbers(raw, "time"), sites, log)
        salts = self.salts.of([key for key in days.keys if key[0]])
        agents, clients = coded(raw, "agent"), coded(raw, "client")
        columns = _frame(raw, log, sites, days, hours)
        columns |= self._request(raw, urls, url_facts, hosts)
        columns |= self._arrival(raw, log, urls, url_facts, hosts)
        columns |= self._audience(raw, agents, clients)
        columns |= _identity(
            days, [salts[k].value if k[0] else b"" for k in days.keys], clients, agents
        )
        n = raw.num_rows
        events = pa.table(
            [columns[f.name] if f.name in columns else pa.nulls(n, f.type) for f in EVENTS],
            schema=EVENTS,
        )
        keep = _kept(sites, log, Coded(urls.codes, [u.page for u in url_facts]), agents, clients)
        if keep is not None:
            events = events.filter(pa.array(keep))
        serials = {key: salts[key].serial for key in days.keys if key[0]}
        return Enriched(events, n - events.num_rows, serials)

    def _request(self, raw: pa.Table, urls: Coded, url_facts: list[Any], hosts: Coded) -> Columns:
        methods, mimes = coded(raw, "method"), coded(raw, "mime")
        mime_kinds = [self.paths.mime_kind(mime) for mime in mimes.values]
        columns = {
            "method": spread([redact(m) if m else m for m in methods.values], methods.codes),
            "host": spread(hosts.values, hosts.codes),
            "class": _classes(
                url_facts,
                urls.codes,
                Coded(mimes.codes, mime_kinds),
                methods,
                numbers(raw, "status"),
            ),
        }
        for name, values in _by_field(UrlFacts, url_facts, ("page", "query")):
            columns[name] = spread(values, urls.codes)
        utm, utm_codes = _numbered([facts[_UTM] for facts in url_facts])
        for name, values in zip(UrlFacts._fields[_UTM], zip(*utm, strict=True), strict=True):
            columns[name] = spread(values, utm_codes[urls.codes])
        for name in ("protocol", "mime", "cache", "tls"):
            text = coded(raw, name)
            columns[name] = spread([redact(v) if v else v for v in text.values], text.codes)
        return columns

    def _arrival(
        self, raw: pa.Table, log: Log, urls: Coded, url_facts: list[Any], hosts: Coded
    ) -> Columns:
        """Where the visitor came from: referrer and host together, then the campaign."""
        own, memo = self._own(frozenset().union(*(site.hosts for site in log.sites)))
        texts = coded(raw, "referrer")
        keys, rows = distinct(combine((texts.codes, 0), (hosts.codes, len(hosts.values))))
        pairs = zip(*split(keys, len(hosts.values)), strict=True)
        facts = memo.all(
            [(texts.values[r], hosts.values[h]) for r, h in pairs], _each(own.describe)
        )
        shown = ("referrer", "referrer_url")
        columns = {
            name: spread(values, rows) for name, values in _by_field(ReferrerFacts, facts, shown)
        }
        found, source_codes = _numbered([f[_NAMED] for f in facts])
        utm, utm_codes = _numbered([u[_DECISIVE] for u in url_facts])
        keys, row_codes = distinct(
            combine((source_codes[rows], 0), (utm_codes[urls.codes], len(utm)))
        )
        sources = [
            own.campaign(*found[f], *utm[u]) for f, u in zip(*split(keys, len(utm)), strict=True)
        ]
        columns["source"] = spread([source for source, _ in sources], row_codes)
        columns["channel"] = spread([channel for _, channel in sources], row_codes)
        return columns

    def _own(self, hosts: frozenset[str]) -> tuple[Referrers, Memo]:
        if hosts not in self._referrers:
            self._referrers[hosts] = (Referrers(hosts), Memo())
        return self._referrers[hosts]

    def _audience(self, raw: pa.Table, agents: Coded, clients: Coded) -> Columns:
        # A log without the column says nothing about who it was; one with it says "no agent".
        told = "agent" in raw.column_names
        facts = (
            self._agents.all(agents.values, _each(self.agents.describe)) if told else [AgentFacts()]
        )
        columns = {
            name: spread(values, agents.codes)
            for name, values in _by_field(AgentFacts, facts, AgentFacts._fields)
        }
        if self.keep_agent:
            shown = [redact(agent) if agent else agent for agent in agents.values]
            columns["agent"] = spread(shown, agents.codes)
        found = Coded(clients.codes, self.countries.lookup(clients.values))
        columns["country"] = _country(found, coded(raw, "country"))
        users = coded(raw, "user")
        named = np.array([bool(user) for user in users.values])[users.codes]
        columns["signed_in"] = pa.array(named & (numbers(raw, "status") != UNAUTHORIZED))
        return columns


#: Where the campaign stands in UrlFacts, and in it what decides on source and channel.
_UTM = slice(UrlFacts._fields.index("utm_source"), None)
_NAMED = slice(ReferrerFacts._fields.index("source"), None)
_DECISIVE = slice(_UTM.start, _UTM.start + 2)


def _by_field(
    kind: type[NamedTuple], facts: list[Any], names: Sequence[str]
) -> list[tuple[str, Sequence[str | None]]]:
    """Each named field of all facts."""
    columns = dict(zip(kind._fields, zip(*facts, strict=True), strict=True))
    return [(name, columns[name]) for name in names]


def _numbered(values: list[Any]) -> tuple[list[Any], Codes]:
    """The distinct values, and for each value its number."""
    numbers = {value: number for number, value in enumerate(dict.fromkeys(values))}
    codes = np.fromiter(map(numbers.__getitem__, values), np.int64, len(values))
    return list(numbers), codes


def _hosts(column: Coded, urls: Coded, url_facts: list[Any]) -> Coded:
    """The record's host: of the log's own column, else of an absolute request target."""
    in_url, url_codes = _numbered([u.host for u in url_facts])
    names = [redact(host) if host else host for host in column.values]
    if in_url == [None]:
        return Coded(column.codes, names)
    keys, rows = distinct(combine((column.codes, 0), (url_codes[urls.codes], len(in_url))))
    pairs = zip(*split(keys, len(in_url)), strict=True)
    return Coded(rows, [names[h] or in_url[u] for h, u in pairs])


def _sites(hosts: Coded, log: Log) -> Codes:
    """The number of each row's site in `log.sites`; -1 where the host is of none."""
    if not log.by_host:
        return np.zeros(len(hosts.codes), np.int32)
    of_host = {host: i for i, site in enumerate(log.sites) for host in (site.name, *site.hosts)}
    return np.array([of_host.get(host or "", -1) for host in hosts.values], np.int32)[hosts.codes]


@dataclass(frozen=True, slots=True)
class Days:
    """Rows by (site, date): `keys[codes[i]]`; the site is "" for rows that have none."""

    codes: Codes
    keys: list[tuple[str, dt.date]]


def _days(times: npt.NDArray[Any], sites: Codes, log: Log) -> tuple[Days, Codes]:
    days, hours = np.zeros(len(times), np.int32), np.zeros(len(times), np.uint8)
    zones = {site.zone for site in log.sites}
    for zone in zones:
        rows = np.array([site.zone == zone for site in log.sites])[sites]
        if len(zones) == 1:
            days, hours = local_days(times, zone)  # type: ignore[assignment]
        else:
            days[rows], hours[rows] = local_days(times[rows], zone)
    # Shifted, so that days before 1970 and the missing site -1 make no negative key.
    keys, codes = distinct(combine((sites + 1, 0), (days + _SHIFT, 2 * _SHIFT)))
    pairs = zip(*split(keys, 2 * _SHIFT), strict=True)
    names = ["", *(site.name for site in log.sites)]
    return Days(codes, [(names[s], _date(d - _SHIFT)) for s, d in pairs]), hours


_SHIFT = 1 << 22


def _date(days: int) -> dt.date:
    return _EPOCH + dt.timedelta(days=days)


def _frame(raw: pa.Table, log: Log, sites: Codes, days: Days, hours: Codes) -> Columns:
    n = raw.num_rows
    dates = np.array([(date - _EPOCH).days for _, date in days.keys], np.int32)[days.codes]
    columns = {
        "site": spread([site.name for site in log.sites] + [None], sites),
        "date": pa.array(dates).cast(pa.date32()),
        "hour": pa.array(hours),
        "time": pa.array(numbers(raw, "time")).cast(pa.timestamp("ms", tz="UTC")),
        "log_id": pa.array(np.full(n, log.id, np.int32)),
        "offset": pa.array(numbers(raw, "offset")),
        "origin": spread(["log"], np.zeros(n, np.int32)),
        "status": pa.array(numbers(raw, "status")),
        "bytes": pa.array(numbers(raw, "bytes")),
    }
    if "duration_ms" in raw.column_names:
        columns["duration_ms"] = raw.column("duration_ms").combine_chunks().cast(pa.float32())
    return columns


def _classes(
    url_facts: list[Any], urls: Codes, mimes: Coded, methods: Coded, statuses: npt.NDArray[Any]
) -> pa.Array:
    kinds, kind_codes = _numbered([u.kind for u in url_facts])
    keys, rows = distinct(
        combine(
            (kind_codes[urls], 0),
            (mimes.codes, len(mimes.values)),
            (methods.codes, len(methods.values)),
            (statuses, 1000),
        )
    )
    combinations = zip(*split(keys, len(mimes.values), len(methods.values), 1000), strict=True)
    classes = [
        classify(kinds[k] or mimes.values[c] or "page", methods.values[m], status)
        for k, c, m, status in combinations
    ]
    return spread(classes, rows)


def _country(found: Coded, told: Coded) -> pa.Array:
    """The CDN's own word first, else what the address says."""
    if len(told.values) == 1:
        return spread(found.values, found.codes)
    keys, rows = distinct(combine((found.codes, 0), (told.codes, len(told.values))))
    pairs = zip(*split(keys, len(told.values)), strict=True)
    return spread([told.values[t] or found.values[f] for f, t in pairs], rows)


def _identity(days: Days, salts: list[bytes], clients: Coded, agents: Coded) -> Columns:
    by_day = Coded(days.codes, [site for site, _ in days.keys])
    return {
        "visitor": pa.array(keyed(VISITOR, by_day, salts, clients, agents)),
        "ip_hash": pa.array(keyed(ADDRESS, by_day, salts, clients)),
        "agent_hash": pa.array(keyed(AGENT, by_day, salts, agents)),
    }


def _kept(
    sites: Codes, log: Log, pages: Coded, agents: Coded, clients: Coded
) -> npt.NDArray[np.bool_] | None:
    excluded = log.rules.excluded(pages, agents, clients)
    if log.by_host and (sites < 0).any():
        excluded = (sites < 0) if excluded is None else excluded | (sites < 0)
    return None if excluded is None or not excluded.any() else ~excluded
