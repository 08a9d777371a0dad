"""What one counted line says, as the reference sees it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date


@dataclass(slots=True)
class Raw:
    """A line taken apart: nothing is interpreted yet. None where the log says "missing"."""

    time_ms: int
    status: int
    bytes: int
    client: str | None = None
    host: str | None = None
    method: str | None = None
    url: str | None = None
    protocol: str | None = None
    referrer: str | None = None
    agent: str | None = None
    tells_agent: bool = True  # whether this log writes user agents at all
    mime: str | None = None
    country: str | None = None


@dataclass(slots=True)
class Record:
    """A counted line with its meaning. `values` holds every dimension of the record itself."""

    site: str
    log: int
    offset: int
    time_ms: int
    date: date
    bytes: int
    client: str | None
    agent: str | None
    values: dict[str, object] = field(default_factory=dict)

    @property
    def human(self) -> bool:
        return self.values["bot"] is None

    @property
    def view(self) -> bool:
        return self.human and self.values["class"] == "page"

    @property
    def event(self) -> bool:
        return self.human and self.values["class"] == "event"

    @property
    def visitor(self) -> tuple[object, ...]:
        """Whoever has the same address and agent on the same day is the same visitor."""
        return (self.site, self.date, self.client or "", self.agent or "")


@dataclass(slots=True)
class Ledger:
    """What became of every line; rejected ones by reason."""

    records: int = 0
    directives: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    classes: Counter[str] = field(default_factory=Counter)
    bots: int = 0
    days: set[date] = field(default_factory=set)

    def add(self, other: Ledger) -> None:
        """Take another log's lines in as well."""
        self.records += other.records
        self.directives += other.directives
        self.rejected += other.rejected
        self.classes += other.classes
        self.bots += other.bots
        self.days |= other.days
