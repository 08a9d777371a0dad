"""Which format a log is in, by its first lines.

The lines are taken out of each wrapper that some of them are in, and every format reads them.
The format that tells most values is chosen, if it and the others that would be tried after it
(`parsers.follow`) read nearly all that can be lines of requests. Lines that servers write about
themselves, and those of other programs, do not speak against it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from parsers.follow import others_of, pattern_of
from parsers.lines import Longs, Mask, split_lines
from parsers.parse import parse
from parsers.peel import Bare, unwrap
from parsers.raw import RAW_FIELDS, REASONS, TEXT, UNTOLD
from parsers.readers import read
from parsers.records import spread
from parsers.registry import Format
from parsers.text import latin_lines
from parsers.wrappers import BETWEEN, Wrapper, load_wrappers, wrap

#: Share of the lines of requests that must be read.
THRESHOLD = 0.8
#: So many lines of requests may be unread in any case.
STRAY = 1
#: Share of all lines that must be read.
LEAST = 0.1
MOST_LINES = 200
MOST_BYTES = 64 * 1024
LONGEST_SHOWN = 160
#: So much of a log is looked at where another one of its kind is known.
SMALL_SAMPLE = 8 * 1024
FIELDS = re.compile(rb"^#Fields:.*$", re.MULTILINE)
#: A sample is too small for the fast engines to be fast.
FAST = False
#: Wrappers in wrappers that are looked into.
DEEPEST = 2
#: What a line about a request holds, whatever its format.
REQUEST = r"\b(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH|CONNECT)\b|\bHTTP/[0-9]"
#: What servers write into the same file: the errors of nginx, of Apache and of LiteSpeed.
NOTES = (
    r"[0-9]{4}/[0-9]{2}/[0-9]{2} [0-9:]{8} \[[a-z]+\] ",
    r"\[[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9]{2} [0-9:.]{8,15} [0-9]{4}\] \[",
    r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:.]{8,15} \[[A-Z]+\] \[",
)
NOTE = "|".join(NOTES)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A format: how many lines it reads, what share that is of all but notes and blank ones, how
    many values it tells in all, and the first line it does not read with the reason."""

    name: str
    format: Format
    lines: int
    share: float
    told: int
    line: str | None
    reason: str | None


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
    head = _head(sample)
    found = [
        _candidate(bare, texts, wrap(fmt, wrappers))
        for wrappers, bare in _views(head, ())
        for texts in (latin_lines(bare.lines, bare.numbers),)
        for fmt in formats.values()
    ]
    found = [one for one in found if not _covered(one, found)]
    found.sort(key=lambda one: (-one.told, -one.lines, len(one.format.wrappers), one.name))
    if not found or not found[0].lines:
        return Detection(None, 0.0, ("no format reads a line of it",), tuple(found))
    return _judge(head, found, formats)


def alike(sample: bytes, fmt: Format, other: bytes) -> bool:
    """Whether a log is in the format of `other`, the beginning of another of the same kind: a
    quick look, which may say no where there is a doubt."""
    if fmt.wrappers:
        return False
    pattern = pattern_of(fmt)
    if pattern is None:
        mine, theirs = FIELDS.search(sample), FIELDS.search(other)
        return (
            sample[:1] == b"#" and mine is not None and theirs is not None and mine[0] == theirs[0]
        )
    lines = split_lines(_head(sample[:SMALL_SAMPLE]), 0)
    texts = latin_lines(lines, np.arange(len(lines)))
    return bool(texts.str.contains(pattern).all())


def _covered(one: Candidate, found: list[Candidate]) -> bool:
    """Whether a format of which it reads all lines reads as many."""
    return any(
        other.lines >= one.lines > 0
        for other in found
        if other.format.wrappers == one.format.wrappers
        and other.name.split(BETWEEN)[-1] in one.format.covers
    )


def _head(sample: bytes) -> bytes:
    """Whole lines at the beginning; a line cut by the end of the sample only if it is alone."""
    head = sample[:MOST_BYTES]
    if len(head) < len(sample) or not head.endswith(b"\n"):
        head = head[: head.rfind(b"\n") + 1] or head
    lines = split_lines(head, 0)
    if len(lines) <= MOST_LINES:
        return head
    return head[: lines.base + int(lines.starts[MOST_LINES])]


def _views(
    head: bytes, wrappers: tuple[Wrapper, ...]
) -> Iterator[tuple[tuple[Wrapper, ...], Bare]]:
    """The lines as they are, and out of all wrappers that some of them are in."""
    bare = unwrap(head, 0, wrappers)
    if not len(bare.numbers):
        return
    yield wrappers, bare
    for wrapper in load_wrappers().values() if len(wrappers) < DEEPEST else ():
        if wrapper not in wrappers:
            yield from _views(head, (*wrappers, wrapper))


def _candidate(bare: Bare, texts: pl.Series, fmt: Format) -> Candidate:
    """What the format makes of lines that have these texts."""
    apart = bare if fmt.records is None else spread(bare, fmt.records)
    if apart is not bare:
        bare, texts = apart, latin_lines(apart.lines, apart.numbers)
    numbers, directives = bare.numbers, 0
    refused: Mapping[str, Longs] = {}
    fits = _fits(texts, fmt)
    good, told = fits, 0
    if fits.any():
        built, directives = read(bare.lines, numbers[fits], fmt, {}, FAST, strict=True)
        refused, told = built.refused, _told(built.table)
        good = fits & ~np.isin(numbers, np.concatenate(list(refused.values())))
    lost = ~good & ~texts.str.contains(NOTE).to_numpy()
    lines = int(good.sum()) - directives
    spoke = lines + int(lost.sum()) + sum(len(n) for why, n in bare.refused if why == "wrapper")
    line = reason = None
    if lost.any():
        first = int(lost.argmax())
        line = texts[first][:LONGEST_SHOWN]
        reason = REASONS[_reason(int(numbers[first]), refused, line, fmt)]
    share = lines / spoke if spoke else 0.0
    return Candidate(fmt.name, fmt, lines, share, told, line, reason)


def _fits(texts: pl.Series, fmt: Format) -> Mask:
    """Which lines the format may read; a quick look that spares most formats a closer one."""
    pattern = pattern_of(fmt)
    if pattern is None:
        directives = texts.str.starts_with("#")
        return np.full(len(texts), bool(fmt.columns or directives.any()))
    return texts.str.contains(pattern).to_numpy()


def _told(table: pa.Table) -> int:
    """How many values there are in it."""
    columns = [name for name, (kind, _) in RAW_FIELDS.items() if kind == TEXT]
    found = [table[name] for name in ("duration_ms", *columns) if name in table.column_names]
    values = sum(len(column) - column.null_count for column in found)
    if "agent" in table.column_names:
        values -= pc.sum(pc.equal(table["agent"].cast(pa.string()), UNTOLD)).as_py() or 0
    return int(values)


def _reason(number: int, refused: Mapping[str, Longs], text: str, fmt: Format) -> str:
    for reason, numbers in refused.items():
        if number in numbers:
            return reason
    if fmt.dialect == "json":
        return "fields" if text.lstrip().startswith("{") else "json"
    return "fields" if fmt.dialect == "w3c" else "layout"


def _judge(head: bytes, found: list[Candidate], formats: Mapping[str, Format]) -> Detection:
    """Whether the best of the candidates, with others beside it, reads enough."""
    best, others, unread = found[0], {}, []
    if best.share < 1:
        beside = others_of(formats.values())
        parsed = parse(head, 0, best.format, {}, FAST, strict=True, others=beside)
        rejects = [row for row in parsed.rejects.to_pylist() if row["reason"] != "blank"]
        unread = [head[row["offset"] :][: row["length"]].decode("latin-1") for row in rejects]
        others = dict(parsed.others)
    against = sum(1 for text in unread if re.search(REQUEST, text) and not re.search(NOTE, text))
    count = best.lines + sum(others.values())
    clear = count >= THRESHOLD * (count + against) or against <= STRAY
    clear &= count >= LEAST * (count + len(unread))
    reasons = [f"{best.lines} of {count + len(unread)} lines have its shape"]
    reasons += [f"{lines} have that of {name}" for name, lines in others.items()]
    reasons += [f"{against} that look like requests have that of no format"] * bool(against)
    silent = len(unread) - against
    reasons += [f"{silent} are not about requests"] * bool(silent)
    reasons += [_next_best(*found[:2])] if len(found) > 1 and found[1].lines else []
    chosen = best.format if clear else None
    return Detection(chosen, count / (count + against), tuple(reasons), tuple(found), others)


def _next_best(best: Candidate, other: Candidate) -> str:
    return (
        f"the next best, {other.name}, reads {other.lines} lines and tells {other.told} values"
        f" of them, not {best.told}"
    )
