"""What became of the records of a run, as `tallylog backfill` prints it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from pipeline.schema import CLASSES, OUTCOMES


@dataclass(slots=True)
class Summary:
    """Counts of one run. `records` is all of them: known, directives, rejected, excluded, and
    those in a class. `days` counts the (site, day) pairs that got new events, `followed` the lines
    of (a path, in its format) that were read by another format."""

    files: int = 0
    bytes: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    bots: int = 0
    days: int = 0
    followed: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)

    @property
    def records(self) -> int:
        return self.outcomes.total()

    @property
    def known(self) -> int:
        return self.outcomes["known"]

    def as_dict(self) -> dict[str, Any]:
        """The JSON object of `tallylog backfill --json`."""
        return {
            "files": self.files,
            "bytes": self.bytes,
            "records": self.records,
            "known": self.known,
            "directives": self.outcomes["directive"],
            "rejected": self.outcomes["rejected"],
            "excluded": self.outcomes["excluded"],
            "classes": {c: self.outcomes[c] for c in CLASSES if self.outcomes[c]},
            "new_records": self.records - self.known,
            "bots": self.bots,
            "days": self.days,
            "followed": [
                {"path": path, "format": own, "read_as": other, "lines": lines}
                for (path, own, other), lines in self.followed.items()
            ],
            "seconds": round(self.seconds, 3),
            "problems": self.problems,
        }


assert not set(CLASSES) & set(OUTCOMES), "an outcome must have one meaning"
