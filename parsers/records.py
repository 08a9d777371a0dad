"""Lines that hold many JSON objects, taken apart into a line for each of them.

Azure's event hubs put what was logged together into one object, `{"records": [{…}, {…}]}`, and
Vercel sends arrays. Each of the objects becomes a line with its own position and length, so
that it is counted, or refused, for itself. What is around them belongs to no line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from parsers.jsonl import readable
from parsers.lines import Lines, Longs
from parsers.peel import Bare
from parsers.values import decode

BLANK = r"[ \t\r]*"
#: Between two objects, and perhaps within one.
BETWEEN = re.compile(rb"\}[ \t\r]*,[ \t\r]*(?=\{)")

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
    if not len(found):
        return bare
    opening = re.compile(rf"{BLANK}{head}{BLANK}".encode())
    tail = rf"\]{BLANK}\}}" if key else r"\]"
    closing = re.compile(rf"{BLANK}{tail}{BLANK}".encode())
    # A loop over lines, but each of these holds many records.
    spans = {int(n): _guessed(lines.raw(n), opening, closing) for n in found}
    made = _divided(bare, spans)
    owners = np.repeat(list(spans), [len(parts) for parts in spans.values()])
    parts = made.lines.bodies(_renumbered(found, _places(lines, spans)))
    wrong = owners[~readable(decode(parts.cast(pa.binary()), "none")).to_numpy()]
    if not len(wrong):
        return made
    # A guess is right if each part is JSON; one that is not is put right by reading on and on.
    for number in set(wrong.tolist()):
        spans[number] = _walked(lines.raw(number), spans[number][0][0], closing)
    return _divided(bare, spans)


def _guessed(line: bytes, opening: re.Pattern[bytes], closing: re.Pattern[bytes]) -> list[Span]:
    """Where the objects of a line are, if no array or text within them looks like their ends."""
    head, last = opening.match(line), line.rfind(b"}", 0, line.rfind(b"]")) + 1
    if head is None or not closing.fullmatch(line, last):
        return [(0, len(line))]
    breaks = [match.span() for match in BETWEEN.finditer(line, head.end(), last)]
    begins = [head.end(), *(end for _, end in breaks)]
    return list(zip(begins, [*(begin + 1 for begin, _ in breaks), last], strict=True))


def _walked(line: bytes, start: int, closing: re.Pattern[bytes]) -> list[Span]:
    """Where the objects of a line are from `start` on, by reading one after the other."""
    decoder, text, spans = json.JSONDecoder(strict=False), line.decode("latin-1"), []
    try:
        while True:
            _, end = decoder.raw_decode(text, start)
            spans.append((start, end))
            comma = re.compile(rf"{BLANK},{BLANK}").match(text, end)
            if comma is None and closing.fullmatch(line, end):
                return spans
            if comma is None:
                return [(0, len(line))]
            start = comma.end()
    except (ValueError, RecursionError):
        return [(0, len(line))]  # The line stays whole and is counted as no JSON object.


def _places(lines: Lines, cut: Mapping[int, Sequence[Span]]) -> Longs:
    """The numbers that the lines have when each of `cut` has become that many."""
    counts = np.ones(len(lines), dtype=np.int64)
    counts[list(cut)] = [len(spans) for spans in cut.values()]
    return np.append(0, np.cumsum(counts))


def _divided(bare: Bare, cut: Mapping[int, Sequence[Span]]) -> Bare:
    """The lines with each of `cut` divided into these parts."""
    lines, places = bare.lines, _places(bare.lines, cut)
    old = np.repeat(np.arange(len(lines)), np.diff(places))
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
        first=lines.base + int(starts[0]) if starts[0] else lines.first,
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
