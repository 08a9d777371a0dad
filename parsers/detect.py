"""Which format a log is in, by its first lines.

Every format parses the sample. One is chosen if it reads at least THRESHOLD of the lines and
leads the next best by LEAD; else the answer is no name and the list of candidates, each with
the first line that it could not read and why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from parsers.lines import split_lines
from parsers.parse import parse
from parsers.raw import REASONS
from parsers.registry import Format

#: Share of lines a format must read to be chosen.
THRESHOLD = 0.8
#: By how much of the lines it must lead the next best.
LEAD = 0.2
MOST_LINES = 200
MOST_BYTES = 64 * 1024
LONGEST_SHOWN = 160


@dataclass(frozen=True, slots=True)
class Candidate:
    """A format, the share of lines it reads, and the first line it does not with the reason."""

    name: str
    share: float
    line: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Detection:
    """The format, or None where no one is clear; candidates come best first.

    The confidence is the share of lines that the best of them reads, less that of the next.
    """

    name: str | None
    confidence: float
    candidates: tuple[Candidate, ...]


def detect(sample: bytes, formats: Mapping[str, Format]) -> Detection:
    """The format of a log that begins with `sample`."""
    head = _head(sample)
    found = [_candidate(head, fmt) for fmt in formats.values()]
    found.sort(key=lambda candidate: (-candidate.share, candidate.name))
    if not found or not head:
        return Detection(None, 0.0, tuple(found))
    best, rest = found[0], found[1].share if len(found) > 1 else 0.0
    clear = best.share >= THRESHOLD and best.share - rest >= LEAD
    return Detection(best.name if clear else None, best.share - rest, tuple(found))


def _head(sample: bytes) -> bytes:
    """Whole lines at the beginning; a line cut by the end of the sample only if it is alone."""
    head = sample[:MOST_BYTES]
    if len(head) < len(sample) or not head.endswith(b"\n"):
        head = head[: head.rfind(b"\n") + 1] or head
    lines = split_lines(head, 0)
    if len(lines) <= MOST_LINES:
        return head
    return head[: lines.base + int(lines.starts[MOST_LINES])]


def _candidate(head: bytes, fmt: Format) -> Candidate:
    parsed = parse(head, 0, fmt, {}, strict=True)
    # Blank lines speak neither for nor against.
    refused = [row for row in parsed.rejects.to_pylist() if row["reason"] != "blank"]
    spoke = parsed.table.num_rows + len(refused)
    share = parsed.table.num_rows / spoke if spoke else 0.0
    if not refused:
        return Candidate(fmt.name, share, None, None)
    first = refused[0]
    raw = head[first["offset"] : first["offset"] + first["length"]]
    line = raw.decode("utf-8", errors="replace")[:LONGEST_SHOWN]
    return Candidate(fmt.name, share, line, REASONS[first["reason"]])
