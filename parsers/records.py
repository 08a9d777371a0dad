"""Lines that hold many JSON objects, taken apart into a line for each of them.

Azure's event hubs put what was logged together into one object, `{"records": [{…}, {…}]}`, and
Vercel sends arrays. Each of the objects becomes a line with its own position and length, so
that it is counted, or refused, for itself. What is around them belongs to no line.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import polars as pl
import pyarrow as pa

from parsers.jsonl import readable
from parsers.lines import Longs
from parsers.peel import Bare
from parsers.values import decode

BLANK = r"[ \t\r]*"
#: Between two objects, if no array or text within one of them looks the same.
BETWEEN = re.compile(rb"(?<=\})[ \t\r]*,[ \t\r]*(?=\{)")

#: Where an object begins and ends in its line.
Span = tuple[int, int]


def spread(bare: Bare, key: str) -> Bare:
    """The lines with those taken apart that hold objects in an array under `key`, or, if that is
    empty, in an array alone. Lines that were in a wrapper, or hold NULs, stay as they are."""
    lines, numbers = bare.lines, bare.numbers
    if lines.outer is not None or not len(numbers):
        return bare
    head = rf'\{{{BLANK}"{re.escape(key)}"{BLANK}:{BLANK}\[' if key else r"\["
    texts = decode(lines.bodies(numbers).cast(pa.binary()), "none")
    found = numbers[texts.str.contains(rf"^{BLANK}{head}{BLANK}\{{").to_numpy()]
    found = found[~lines.nulled(found)]
    opening = re.compile(rf"{BLANK}{head}{BLANK}".encode())
    tail = rf"\]{BLANK}\}}" if key else r"\]"
    closing = re.compile(rf"{BLANK}{tail}{BLANK}".encode())
    # A loop over lines, but each of them holds many records.
    cut = {int(n): _spans(lines.raw(n), opening, closing) for n in found}
    return _divided(bare, {number: spans for number, spans in cut.items() if spans})


def _spans(line: bytes, opening: re.Pattern[bytes], closing: re.Pattern[bytes]) -> list[Span]:
    """Where the objects of a line are; none if it is not what it seems to be."""
    head = opening.match(line)
    if head is None:
        return []
    last = line.rfind(b"}", 0, line.rfind(b"]")) + 1
    breaks = [match.span() for match in BETWEEN.finditer(line, head.end(), last)]
    begins, ends = [head.end(), *(end for _, end in breaks)], [*(b for b, _ in breaks), last]
    spans = list(zip(begins, ends, strict=True))
    parts = pl.Series([line[b:e].decode("utf-8", "replace") for b, e in spans], dtype=pl.String)
    if not closing.fullmatch(line, last):
        return []
    return spans if readable(parts).all() else _walked(line, head.end(), closing)


def _walked(line: bytes, start: int, closing: re.Pattern[bytes]) -> list[Span]:
    """As _spans, by reading one object after the other."""
    decoder, text, spans = json.JSONDecoder(strict=False), line.decode("latin-1"), []
    try:
        while True:
            _, end = decoder.raw_decode(text, start)
            spans.append((start, end))
            comma = re.compile(rf"{BLANK},{BLANK}").match(text, end)
            if comma is None:
                return spans if closing.fullmatch(line, end) else []
            start = comma.end()
    except (ValueError, RecursionError):
        return []  # The line stays whole and is counted as no JSON object.


def _divided(bare: Bare, cut: dict[int, list[Span]]) -> Bare:
    if not cut:
        return bare
    lines = bare.lines
    counts = np.ones(len(lines), dtype=np.int64)
    for number, spans in cut.items():
        counts[number] = len(spans)
    old = np.repeat(np.arange(len(lines)), counts)
    places = np.append(0, np.cumsum(counts))
    starts, ends = lines.starts[np.append(old, len(lines))], lines.ends[old]
    for number, spans in cut.items():
        begins, finishes = np.array(spans, dtype=np.int64).T + lines.starts[number]
        part = slice(places[number], places[number + 1])
        starts[part], ends[part] = begins, finishes
    made = replace(
        lines,
        starts=starts,
        ends=ends,
        torn=None if lines.torn is None else lines.torn[old],
        nul=None if lines.nul is None else lines.nul[old],
        dropped=None if lines.dropped is None else lines.dropped[np.append(old, len(lines))],
        first=lines.base + int(starts[0]) if 0 in cut else lines.first,
    )
    return replace(
        bare,
        lines=made,
        numbers=_renumbered(bare.numbers, places),
        refused=tuple((reason, _renumbered(lost, places)) for reason, lost in bare.refused),
    )


def _renumbered(numbers: Longs, places: Longs) -> Longs:
    """The numbers of all that became of these lines."""
    counts = places[numbers + 1] - places[numbers]
    firsts = np.repeat(places[numbers] - (np.cumsum(counts) - counts), counts)
    return firsts + np.arange(len(firsts))
