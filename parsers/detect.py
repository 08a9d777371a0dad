"""Which format a log is in, by its first lines.

The lines are taken out of each wrapper that some of them are in, and every format reads them.
The format that tells most values is chosen, if it and the others that would be tried after it
(`parsers.follow`) read nearly all that can be lines of requests. Lines that servers write about
themselves, and those of other programs, do not speak against it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from parsers.candidates import MOST, Candidate, candidates
from parsers.follow import pattern_of, rank
from parsers.lines import split_lines
from parsers.registry import Format
from parsers.wrappers import bare_name

#: Share of the lines of requests that must be read.
THRESHOLD = 0.8
#: So many lines of requests may be unread in any case.
STRAY = 1
#: Share of all lines that must be read.
LEAST = 0.1
MOST_LINES = 100
MOST_BYTES = 64 * 1024
#: So much of a log is looked at where another one of its kind is known.
SMALL_SAMPLE = 4 * 1024
FIELDS = re.compile(rb"^#Fields:.*$", re.MULTILINE)
#: What a line about a request holds, whatever its format.
REQUEST = re.compile(r"\b(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH|CONNECT)\b|\bHTTP/[0-9]")


@dataclass(frozen=True, slots=True)
class Detection:
    """The format, or None where no one is clear, and why; candidates come best first.

    The confidence is the share that is read of the lines of requests. `others` are formats that
    read some of the lines in the place of the chosen one, with how many.
    """

    format: Format | None
    confidence: float
    reasons: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    others: Mapping[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str | None:
        return self.format.name if self.format else None


def detect(sample: bytes, formats: Mapping[str, Format]) -> Detection:
    """The format of a log that begins with `sample`."""
    found = candidates(_head(sample), formats)
    most = max((one.lines for one in found), default=0)
    if not most:
        return Detection(None, 0.0, ("no format reads a line of it",), tuple(found))
    # A layout may take what a wrapper puts in front for the name of a user.
    deep = max(len(one.view.wrappers) for one in found if one.lines >= MOST * most)
    found.sort(key=lambda one: (len(one.view.wrappers) != deep, -one.told, -one.lines, one.name))
    return _judge(found)


def alike(sample: bytes, fmt: Format, other: bytes) -> bool:
    """Whether a log is in the format of `other`, the beginning of another of the same kind: a
    quick look, which may say no where there is a doubt."""
    if fmt.wrappers:
        return False
    if fmt.dialect == "w3c":
        mine, theirs = FIELDS.search(sample), FIELDS.search(other)
        return (
            sample[:1] == b"#" and mine is not None and theirs is not None and mine[0] == theirs[0]
        )
    lines = sample[: sample.rfind(b"\n", 0, SMALL_SAMPLE) + 1].decode("latin-1").splitlines()
    return bool(lines) and all(map(re.compile(pattern_of(fmt)).search, lines))


def _head(sample: bytes) -> bytes:
    """Whole lines at the beginning; a line cut by the end of the sample only if it is alone."""
    head = sample[:MOST_BYTES]
    if len(head) < len(sample) or not head.endswith(b"\n"):
        head = head[: head.rfind(b"\n") + 1] or head
    lines = split_lines(head, 0)
    if len(lines) <= MOST_LINES:
        return head
    return head[: lines.base + int(lines.starts[MOST_LINES])]


def _judge(found: list[Candidate]) -> Detection:
    """Whether the best of the candidates, with others beside it, reads enough."""
    best = found[0]
    others, unread = _beside(best, found)
    against = sum(1 for text in unread if REQUEST.search(text))
    count = best.lines + sum(others.values())
    silent = len(unread) + int((best.view.notes & ~best.good).sum()) - against
    clear = count >= THRESHOLD * (count + against) or against <= STRAY
    clear &= count >= LEAST * (count + len(unread))
    reasons = [f"{best.lines} of {count + against + silent} lines have its shape"]
    reasons += [f"{lines} have that of {name}" for name, lines in others.items()]
    reasons += [f"{against} that look like requests have that of no format"] * bool(against)
    reasons += [f"{silent} are not about requests"] * bool(silent)
    reasons += [_next_best(*found[:2])] if len(found) > 1 and found[1].lines else []
    chosen = best.format if clear else None
    return Detection(chosen, count / (count + against), tuple(reasons), tuple(found), others)


def _beside(best: Candidate, found: list[Candidate]) -> tuple[dict[str, int], list[str]]:
    """How many lines other formats read that the best does not, and the lines that none reads,
    but for notes."""
    others = {}
    left = ~best.good & ~best.view.notes
    rivals = [one for one in found if one.view is best.view and one.format.dialect != "w3c"]
    for one in sorted(rivals, key=lambda rival: rank(rival.format)):
        claimed = one.good & left
        if claimed.any():
            others[bare_name(one.format)] = int(claimed.sum())
            left &= ~claimed
    unread = best.view.texts.filter(pl.Series(left, dtype=pl.Boolean)).to_list()
    return others, unread + best.view.outside()


def _next_best(best: Candidate, other: Candidate) -> str:
    return (
        f"the next best, {other.name}, reads {other.lines} lines and tells {other.told} values"
        f" of them, not {best.told}"
    )
