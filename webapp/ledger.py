"""What became of every line that was read: the account that must add up."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline import jobs, status
from pipeline.catalog import Account, Catalog, Source
from pipeline.rejected import with_text
from pipeline.schema import CLASSES
from webapp.auth import access

#: From this share of rejected lines on, something is wrong with the format.
TOO_MANY_REJECTED = 0.01
#: A log that has had no new line for so long is called silent.
SILENT_SECONDS = 86_400.0
#: A log is behind when lines wait for longer than this.
LAGGING_SECONDS = 60.0
#: As many rejected lines of a log are shown.
EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One log: what became of its records, when it last had new ones, and what waits."""

    source: Source
    outcomes: Mapping[str, int]
    lag_bytes: int | None
    lag_seconds: float | None
    silent_seconds: float

    @property
    def records(self) -> int:
        return sum(self.outcomes.values())

    @property
    def rejected_share(self) -> float:
        return self.outcomes.get("rejected", 0) / self.records if self.records else 0.0

    @property
    def state(self) -> str:
        if (self.lag_seconds or 0) > LAGGING_SECONDS:
            return "lagging"
        if self.rejected_share > TOO_MANY_REJECTED:
            return "rejecting"
        if self.lag_seconds is not None and self.silent_seconds > SILENT_SECONDS:
            return "silent"
        return "good"


@dataclass(frozen=True, slots=True)
class Trust:
    """The account of a site over all that was ever read, and that of each of its logs."""

    outcomes: Mapping[str, int]
    bots: int
    lines: tuple[SourceLine, ...]
    days: tuple[tuple[dt.date, Mapping[str, int]], ...]
    following: bool
    troubles: tuple[str, ...]
    failed_jobs: tuple[tuple[str, str], ...]

    @property
    def records(self) -> int:
        return sum(self.outcomes.values())

    @property
    def counted(self) -> int:
        return sum(self.outcomes.get(name, 0) for name in CLASSES)

    @property
    def rejected_share(self) -> float:
        return self.outcomes.get("rejected", 0) / self.records if self.records else 0.0

    def in_state(self, state: str) -> list[SourceLine]:
        return [line for line in self.lines if line.state == state]

    @property
    def last(self) -> dt.datetime | None:
        """When a log last had new lines."""
        return max((line.source.updated for line in self.lines), default=None)

    @property
    def state(self) -> str:
        """The worst of all logs."""
        states = {line.state for line in self.lines}
        if self.troubles or self.failed_jobs:
            return "failed"
        worst = (state for state in ("lagging", "rejecting", "silent") if state in states)
        return next(worst, "good")


def trust(catalog: Catalog, site: str) -> Trust:
    scopes = _scopes(site)
    told = [one for one in catalog.accounts([site]) if one.scope in scopes]
    accounts = [one for one in told if one.outcome != "known"]
    working = status.read(catalog.data_dir)
    lag = status.lags(catalog.data_dir)
    by_source: dict[int, Counter[str]] = {}
    for one in accounts:
        by_source.setdefault(one.source_id, Counter())[one.outcome] += one.records
    now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    lines = [
        SourceLine(
            source,
            by_source.get(source.id, {}),
            **lag(source.id),
            silent_seconds=(now - source.updated).total_seconds(),
        )
        for source in catalog.sources()
        if source.scope in scopes
    ]
    return Trust(
        sum(by_source.values(), Counter()),
        sum(one.bots for one in accounts),
        tuple(lines),
        _by_day(accounts),
        working is not None,
        _troubles(working, scopes),
        _failed_jobs(catalog),
    )


def _scopes(site: str) -> frozenset[str]:
    """Of a log whose lines say their host, nobody can say which lines are of one site: it is shown
    to those who may read all."""
    return frozenset({site, ""} if access().reads_all else {site})


def rejected_examples(catalog: Catalog, found: Trust) -> list[dict[str, Any]]:
    """A few lines that could not be read, with their text while the log has it: of those logs of
    which the visitor manages all that is in them."""
    examples: list[dict[str, Any]] = []
    for line in found.lines:
        if line.outcomes.get("rejected") and access().may_manage(line.source.scope):
            examples += with_text(catalog.rejects(line.source.id, EXAMPLES))
    return examples[: 4 * EXAMPLES]


def _by_day(accounts: Sequence[Account]) -> tuple[tuple[dt.date, Mapping[str, int]], ...]:
    days: dict[dt.date, Counter[str]] = {}
    for one in accounts:
        days.setdefault(one.read_date, Counter())[one.outcome] += one.records
    return tuple(sorted(days.items(), reverse=True))


def _troubles(working: Mapping[str, object] | None, scopes: frozenset[str]) -> tuple[str, ...]:
    """What the tailer says is wrong with the logs: it names files, which stay for those who manage
    them."""
    found: list[str] = []
    sources = working["sources"] if working else []
    for one in sources if isinstance(sources, list) else []:
        if one["site"] in scopes and access().may_manage(one["site"]):
            found += one["troubles"]
    return tuple(found)


def _failed_jobs(catalog: Catalog) -> tuple[tuple[str, str], ...]:
    """Jobs are about all sites, and so is what they say."""
    if not access().is_admin:
        return ()
    return tuple((name, job.message) for name, job in jobs.states(catalog).items() if job.failures)
