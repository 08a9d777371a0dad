"""The exact counts of a generated log, kept while it is made.

A visitor is a distinct (day in UTC, address, agent) with a view. Only the days still open are
held, because lines come nearly in order of time.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import timedelta

import numpy as np

from bench import vocabulary
from bench.render import Lines
from bench.traffic import DAY, GARBAGE, VIEW, Ints, Plan, Traffic, Words

COUNTS = ("hits", "bot_hits", "bytes", "views")
#: Bits for the number of an agent beside an address.
AGENT_BITS = np.uint64(14)


@dataclass(slots=True)
class Truth:
    plan: Plan
    file_bytes: int = 0
    records: int = 0
    rejected: int = 0
    garbage: int = 0
    statuses: Ints = field(default_factory=lambda: np.zeros(1000, np.int64))
    days: dict[str, Ints] = field(default_factory=dict)
    visitors: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    _browsers: int = field(default_factory=lambda: len(vocabulary.browsers()))
    _open: dict[int, list[Words]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # One day more than planned: nothing is lost should a clock run over.
        self.days = {name: np.zeros(self.plan.days + 1, np.int64) for name in COUNTS}
        self.visitors = np.zeros(self.plan.days + 1, np.int64)

    def add(self, traffic: Traffic, lines: Lines) -> None:
        self.file_bytes += len(lines.data)
        self.records += len(traffic.second)
        self.rejected += int((~lines.readable).sum())
        self.garbage += int((traffic.role == GARBAGE).sum())
        self.statuses += np.bincount(lines.status[lines.readable], minlength=1000)
        day = traffic.second // DAY
        view = traffic.role == VIEW
        masks = (
            lines.readable,
            lines.readable & (traffic.agent >= self._browsers),
            lines.readable,
            view,
        )
        for name, mask in zip(COUNTS, masks, strict=True):
            weights = lines.size[mask] if name == "bytes" else None
            found = np.bincount(day[mask], weights, self.plan.days + 1)
            self.days[name] += found.astype(np.int64)
        self._see(day[view], traffic.address[view], traffic.agent[view])
        self._close(int(day.min()) - 1)

    def _see(self, day: Ints, address: Words, agent: Ints) -> None:
        key = (address << AGENT_BITS) | agent.astype(np.uint64)
        for number in np.unique(day).tolist():
            self._open.setdefault(number, []).append(np.unique(key[day == number]))

    def _close(self, before: int) -> None:
        for number in [n for n in self._open if n < before]:
            self.visitors[number] = len(np.unique(np.concatenate(self._open.pop(number))))

    def result(self) -> dict[str, object]:
        """The truth as it is written beside the log."""
        self._close(self.plan.days + 1)
        columns = {**self.days, "visitors": self.visitors}
        totals = {name: int(column.sum()) for name, column in columns.items()}
        plan = {**asdict(self.plan), "start": self.plan.start.isoformat()}
        return {
            "plan": plan,
            "file_bytes": self.file_bytes,
            "records": self.records,
            "rejected": self.rejected,
            "garbage": self.garbage,
            **totals,
            "statuses": {str(s): int(n) for s, n in enumerate(self.statuses) if n},
            "days": {
                (self.plan.start + timedelta(days=number)).isoformat(): {
                    name: int(column[number]) for name, column in columns.items()
                }
                for number in range(self.plan.days + 1)
                if columns["hits"][number]
            },
        }
