"""What one counted line says, as the reference sees it."""

from __future__ import annotations

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
    def visitor(self) -> tuple[object, ...]:
        """Whoever has the same address and agent on the same day is the same visitor."""
        return (self.site, self.date, self.client or "", self.agent or "")


@dataclass(slots=True)
class Ledger:
    """What became of every line."""

    records: int = 0
    directives: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    classes: dict[str, int] = field(default_factory=dict)
    bots: int = 0
    bytes: int = 0
    log_bytes: int = 0
    days: set[date] = field(default_factory=set)
