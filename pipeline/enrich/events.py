"""The assembly line of enrichment: each distinct value is described once, codes are gathered."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from parsers.raw import UNTOLD
from pipeline.enrich import ready
from pipeline.enrich.agents import AgentFacts, Agents
from pipeline.enrich.classes import classify
from pipeline.enrich.columns import Coded, Codes, coded, combine, distinct, numbers, split, texts
from pipeline.enrich.countries import Countries, real_country
from pipeline.enrich.days import Days, days_of, sites_of
from pipeline.enrich.hashes import ADDRESS, AGENT, VISITOR, keyed
from pipeline.enrich.lexicon import CODED, NOTHING, Lexicon, Numbers
from pipeline.enrich.log import Log
from pipeline.enrich.redact import redact
from pipeline.enrich.referrers import ReferrerFacts, Referrers
from pipeline.enrich.salts import Salts
from pipeline.enrich.urls import Paths, UrlFacts

UNAUTHORIZED = 401

Columns = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Enriched:
    """`rows` has the schema CODED and its texts in `lexicon`; `salts` is how many salts each
    (site, day) has had."""

    rows: pa.Table
    lexicon: Lexicon
    excluded: int
    salts: Mapping[tuple[str, dt.date], int]

    def events(self) -> pa.Table:
        """The rows with the schema EVENTS."""
        return self.lexicon.texts(self.rows)


@dataclass(slots=True)
class Enricher:
    """Everything enrichment has to know, built once and shared by all threads."""

    salts: Salts
    country_mmdb: Path | None = None
    keep_agent: bool = True
    agents: Agents = field(default_factory=Agents)
    paths: Paths = field(default_factory=Paths)
    countries: Countries = field(init=False)
    _lexicon: Lexicon = field(default_factory=Lexicon)
    _referrers: dict[frozenset[str], Referrers] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.countries = Countries(self.country_mmdb)

    def enrich(self, raw: pa.Table, log: Log) -> Enriched:
        """The records of a RAW table in its order, without those that are excluded."""
        if self._lexicon.full:
            self._lexicon = Lexicon()
        lexicon, raw = self._lexicon, ready.opened(log.pixels.described(raw))
        agents, clients = coded(raw, "agent"), log.proxies.clients(raw)
        with lexicon.lock:
            columns = self._target(raw, lexicon) | self._audience(raw, agents, clients, lexicon)
            columns |= self._arrival(raw, log, columns, lexicon)
            columns |= _plain_texts(raw, lexicon) | _frame(raw, log, columns, lexicon)
        agents = Coded(agents.codes, [None if a == UNTOLD else a for a in agents.values])
        days: Days = columns["days"]
        salts = self.salts.of([key for key in days.keys if key[0]])
        keys = [salts[key].value if key[0] else b"" for key in days.keys]
        columns |= _identity(days, keys, clients, agents)
        columns |= ready.ready(raw, columns)
        rows = _table(columns, raw.num_rows)
        keep = _kept(raw, columns, log, lexicon, agents, clients)
        rows = rows if keep is None else rows.filter(pa.array(keep))
        serials = {key: salts[key].serial for key in days.keys if key[0]}
        return Enriched(rows, lexicon, raw.num_rows - rows.num_rows, serials)

    def _target(self, raw: pa.Table, lexicon: Lexicon) -> Columns:
        """What was asked for, on which host, and what became of it."""
        urls, methods, mimes = texts(raw, "url"), coded(raw, "method"), coded(raw, "mime")
        fields = (*UrlFacts._fields, "campaign")
        found = lexicon.facts("url", fields).of(urls.values, self._targets)
        columns = dict(zip(fields, (_spread(codes, urls.codes) for codes in found), strict=True))
        for name in ("host", "kind"):
            columns[name] = _told(raw, name, columns[name], lexicon)
        kinds = [self.paths.mime_kind(mime) for mime in mimes.values]
        columns["class"] = _classes(
            columns["kind"], Coded(mimes.codes, kinds), methods, numbers(raw, "status"), lexicon
        )
        return columns

    def _targets(self, urls: pl.Series) -> Sequence[pl.Series | Sequence[Any]]:
        facts = self.paths.describe_all(urls)
        return [*facts, list(zip(*facts[_CAMPAIGN], strict=True))]

    def _audience(self, raw: pa.Table, agents: Coded, clients: Coded, lexicon: Lexicon) -> Columns:
        fields = (*AgentFacts._fields, "agent")
        # A log without the column says nothing about who it was; one with it says "no agent".
        told = "agent" in raw.column_names
        found = lexicon.facts(("agent", told), fields).columns(
            agents.values,
            lambda new: [
                (*self.agents.describe(agent), self._shown(agent))
                if told and agent != UNTOLD
                else (*AgentFacts(), None)
                for agent in new
            ],
        )
        columns = dict(zip(fields, (_spread(codes, agents.codes) for codes in found), strict=True))
        columns |= ready.audience(raw, lexicon, columns)
        (country,) = lexicon.facts("client", ("country",)).columns(
            clients.values, lambda new: [(code,) for code in self.countries.lookup(new)]
        )
        columns["country"] = _country(country[clients.codes], coded(raw, "country"), lexicon)
        users = coded(raw, "user")
        named = np.array([bool(user) for user in users.values])[users.codes]
        columns["signed_in"] = named & (numbers(raw, "status") != UNAUTHORIZED)
        return columns

    def _shown(self, agent: str | None) -> str | None:
        return redact(agent) if agent is not None and self.keep_agent else None

    def _arrival(self, raw: pa.Table, log: Log, columns: Columns, lexicon: Lexicon) -> Columns:
        """Where the visitor came from: referrer and host together, then the campaign."""
        own = frozenset().union(*(site.hosts for site in log.sites))
        if own not in self._referrers:
            self._referrers[own] = Referrers(own)
        known = self._referrers[own]
        referrers, hosts = texts(raw, "referrer"), lexicon.names("host").values
        names = pl.Series([*hosts, None], dtype=pl.String)
        # Shifted by one, because a missing host is -1.
        keys, rows = distinct(combine((referrers.codes, 0), (columns["host"] + 1, len(names))))
        codes, of_hosts = np.divmod(keys, len(names))
        asked = pl.Series(of_hosts - 1).cast(pl.String)
        values = referrers.values.gather(codes)
        values = (asked + " " + values).zip_with(values.is_not_null(), asked)

        def describe(new: pl.Series) -> Sequence[pl.Series | Sequence[Any]]:
            parts = new.str.splitn(" ", 2).struct.unnest().get_columns()
            facts = known.describe_all(parts[1], names.gather(parts[0].cast(pl.Int64)))
            return [*facts[:2], list(zip(*facts[_ARRIVAL], strict=True))]

        fields = ("referrer", "referrer_url", "arrival")
        found = lexicon.facts(("referrer", own), fields).of(values, describe)
        arrived = dict(zip(fields, (_spread(codes, rows) for codes in found), strict=True))
        return arrived | _sources(arrived["arrival"], columns["campaign"], known, lexicon)


#: What decides on source and channel: of a target its utm_source and utm_medium, of a referrer
#: its own source and channel.
_CAMPAIGN = slice(UrlFacts._fields.index("utm_source"), UrlFacts._fields.index("utm_medium") + 1)
_ARRIVAL = slice(ReferrerFacts._fields.index("source"), None)


def _sources(arrivals: Numbers, campaigns: Numbers, known: Referrers, lexicon: Lexicon) -> Columns:
    names, utm = lexicon.names("arrival").values, lexicon.names("campaign").values
    keys, rows = distinct(combine((arrivals, 0), (campaigns, len(utm))))
    found = [
        known.campaign(*names[a], *utm[u]) for a, u in zip(*split(keys, len(utm)), strict=True)
    ]
    return {
        "source": _gathered([source for source, _ in found], rows, "source", lexicon),
        "channel": _gathered([channel for _, channel in found], rows, "channel", lexicon),
    }


def _spread(values: Numbers, codes: Codes) -> Numbers:
    """The value of each row; what nearly no log has is told at a glance."""
    if values.max(initial=NOTHING) == NOTHING:
        return np.full(len(codes), NOTHING, np.int32)
    return values.take(codes)


def _gathered(values: Sequence[str | None], rows: Codes, column: str, lexicon: Lexicon) -> Numbers:
    return lexicon.names(column).codes(values).take(rows)


def _told(raw: pa.Table, name: str, otherwise: Numbers, lexicon: Lexicon) -> Numbers:
    """What the log itself says, or a pixel; where they say nothing, something else."""
    if name not in raw.column_names:
        return otherwise
    told = _redacted(coded(raw, name), name, lexicon)
    return np.where(told == NOTHING, otherwise, told)


def _redacted(column: Coded, name: str, lexicon: Lexicon) -> Numbers:
    shown = [redact(value) if value else value for value in column.values]
    return _gathered(shown, column.codes, name, lexicon)


_PLAIN = (
    *("method", "protocol", "mime", "cache", "tls", "title", "event", "properties"),
    *("content_type", "content_id", "view_type", "view_source", "screen", "language"),
)


def _plain_texts(raw: pa.Table, lexicon: Lexicon) -> Columns:
    """Columns that are kept as the log, or the query of a pixel, has them."""
    names = [name for name in _PLAIN if name in raw.column_names]
    return {name: _redacted(coded(raw, name), name, lexicon) for name in names}


def _classes(
    kinds: Numbers, mimes: Coded, methods: Coded, statuses: npt.NDArray[Any], lexicon: Lexicon
) -> Numbers:
    names = [*lexicon.names("kind").values, None]  # a missing kind is -1: the last
    sizes = (len(mimes.values), len(methods.values), 1000)
    # Shifted by one, or -1 would make the key of another combination.
    keys, rows = distinct(
        combine(
            (kinds + 1, 0), (mimes.codes, sizes[0]), (methods.codes, sizes[1]), (statuses, sizes[2])
        )
    )
    found = [
        classify(names[kind - 1] or mimes.values[mime] or "page", methods.values[method], status)
        for kind, mime, method, status in zip(*split(keys, *sizes), strict=True)
    ]
    return _gathered(found, rows, "class", lexicon)


def _country(found: Numbers, told: Coded, lexicon: Lexicon) -> Numbers:
    """The CDN's own word first, else what the address says."""
    if len(told.values) == 1:
        return found
    said = _gathered(list(map(real_country, told.values)), told.codes, "country", lexicon)
    return np.where(said == NOTHING, found, said)


def _frame(raw: pa.Table, log: Log, columns: Columns, lexicon: Lexicon) -> Columns:
    """When, of which site, and where it stands in the log."""
    n = raw.num_rows
    sites = sites_of(raw, columns["host"], log, lexicon)
    origin = _gathered(["log"], np.zeros(n, np.int32), "origin", lexicon)
    days, hours = days_of(numbers(raw, "time"), sites, log)
    frame = {
        "days": days,
        "sites": sites,
        "site": _gathered([*(site.name for site in log.sites), None], sites, "site", lexicon),
        "date": pa.array(days.numbers).cast(pa.date32()),
        "hour": hours,
        "time": pa.array(numbers(raw, "time")).cast(pa.timestamp("ms", tz="UTC")),
        "log_id": np.full(n, log.id, np.int32),
        "origin": _told(raw, "origin", origin, lexicon),
    }
    frame |= {name: raw.column(name) for name in ("offset", "status", "bytes")}
    if "duration_ms" in raw.column_names:
        frame["duration_ms"] = raw.column("duration_ms").cast(pa.float32())
    return frame


def _identity(days: Days, salts: list[bytes], clients: Coded, agents: Coded) -> Columns:
    """Hashed for each day, client and agent that come together: far fewer than rows."""
    sizes = len(clients.values), len(agents.values)
    keys, rows = distinct(
        combine((days.codes, 0), (clients.codes, sizes[0]), (agents.codes, sizes[1]))
    )
    day, client, agent = (np.asarray(codes) for codes in split(keys, *sizes))
    by_day = Coded(day, [site for site, _ in days.keys])
    of_client, of_agent = Coded(client, clients.values), Coded(agent, agents.values)
    return {
        "visitor": keyed(VISITOR, by_day, salts, of_client, of_agent)[rows],
        "ip_hash": keyed(ADDRESS, by_day, salts, of_client)[rows],
        "agent_hash": keyed(AGENT, by_day, salts, of_agent)[rows],
    }


def _table(columns: Columns, rows: int) -> pa.Table:
    """Columns that a log does not have are missing in every row."""
    absent = np.full(rows, NOTHING, np.int32)
    arrays = [
        columns[f.name]
        if f.name in columns
        else (absent if f.type == pa.int32() else pa.nulls(rows, f.type))
        for f in CODED
    ]
    return pa.table([pa.array(a) if isinstance(a, np.ndarray) else a for a in arrays], schema=CODED)


def _kept(
    raw: pa.Table, columns: Columns, log: Log, lexicon: Lexicon, agents: Coded, clients: Coded
) -> npt.NDArray[np.bool_] | None:
    """The rows that no rule leaves out; None for all of them."""
    pages, referrers = (
        Coded(columns[name], [*lexicon.names(name).values, None]) for name in ("page", "referrer")
    )
    reasons = [log.rules.excluded(pages, agents, clients, referrers)]
    if log.by_host:
        reasons.append(columns["sites"] < 0)
    if "subrequest" in raw.column_names:
        reasons.append(np.asarray(raw.column("subrequest").fill_null(False)))
    excluded = np.logical_or.reduce([found for found in reasons if found is not None])
    return ~excluded if np.any(excluded) else None


def count_classes(
    lexicon: Lexicon, tables: Iterable[tuple[pa.Table, Codes]], groups: int
) -> list[tuple[Counter[str], Counter[str]]]:
    """Records and bots by class, for each of the groups that the rows are said to be of."""
    names = list(lexicon.names("class").values)  # other threads may add to them
    size = groups * len(names)
    records, bots = np.zeros((2, size), np.int64)
    for rows, groups_of in tables:
        places = groups_of * len(names) + np.asarray(rows.column("class"))
        of_bots = np.asarray(rows.column("bot_category")) != NOTHING
        records += np.bincount(places, minlength=size)
        bots += np.bincount(places[of_bots], minlength=size)
    return [
        (_nonzero(names, of), _nonzero(names, by_bots))
        for of, by_bots in zip(records.reshape(groups, -1), bots.reshape(groups, -1), strict=True)
    ]


def _nonzero(names: Sequence[str], counts: npt.NDArray[np.int64]) -> Counter[str]:
    return Counter({names[i]: int(counts[i]) for i in np.flatnonzero(counts).tolist()})
