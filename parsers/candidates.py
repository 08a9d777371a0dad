"""What each format makes of the first lines of a log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from parsers.follow import pattern_of
from parsers.lines import Longs, Mask
from parsers.peel import Bare, unwrap
from parsers.raw import RAW_FIELDS, REASONS, TEXT, UNTOLD
from parsers.readers import read
from parsers.records import spread
from parsers.registry import Format
from parsers.text import latin_lines
from parsers.wrappers import Wrapper, load_wrappers, wrap

#: A sample is too small for the fast engines to be fast.
FAST = False
#: Wrappers in wrappers that are looked into.
DEEPEST = 2
LONGEST_SHOWN = 160
#: Share of the lines that, when read, leave no doubt about the wrappers.
MOST = 0.8
#: What servers write into the same file: the errors of nginx, of Apache and of LiteSpeed.
NOTES = (
    r"[0-9]{4}/[0-9]{2}/[0-9]{2} [0-9:]{8} \[[a-z]+\] ",
    r"\[[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9]{2} [0-9:.]{8,15} [0-9]{4}\] \[",
    r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:.]{8,15} \[[A-Z]+\] \[",
)


@dataclass(frozen=True, slots=True)
class View:
    """The lines out of some wrappers, their texts, and which of them are notes of a server."""

    wrappers: tuple[Wrapper, ...]
    bare: Bare
    texts: pl.Series
    notes: Mask

    def outside(self) -> list[str]:
        """The lines that are not in the wrappers, or only a part of one."""
        lines = self.bare.lines
        while lines.outer is not None:
            lines = lines.outer
        lost = [n for reason, numbers in self.bare.refused if reason != "blank" for n in numbers]
        return [lines.raw(int(n)).decode("latin-1") for n in lost]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A format: how many lines it reads, what share that is of all but notes and blank ones, how
    many values it tells in all, and the first line it does not read with the reason.

    `good` are the lines of the view that it reads or that are directives.
    """

    name: str
    format: Format
    view: View
    good: Mask
    lines: int
    share: float
    told: int
    line: str | None
    reason: str | None


def candidates(head: bytes, formats: Mapping[str, Format]) -> list[Candidate]:
    """What each format makes of these lines out of all wrappers that they are in; of the lines
    as they are only if none reads most of them so."""
    found: list[Candidate] = []
    for view in sorted(_views(head, ()), key=lambda view: -len(view.wrappers)):
        found += _in(view, formats)
        if max(one.lines for one in found) >= MOST * len(view.bare.lines):
            break
    return found


def _in(view: View, formats: Mapping[str, Format]) -> Iterator[Candidate]:
    """Every format, but for one that covers another and fits no more lines than this does."""
    views = {name: _apart(view, fmt) for name, fmt in formats.items()}
    fits = {name: _fits(views[name].texts, fmt) for name, fmt in formats.items()}
    counts = {name: int(mask.sum()) for name, mask in fits.items()}
    for name, fmt in formats.items():
        if not any(counts.get(other, 0) >= counts[name] > 0 for other in fmt.covers):
            yield _candidate(views[name], wrap(fmt, view.wrappers), fits[name])


def _views(head: bytes, wrappers: tuple[Wrapper, ...]) -> Iterator[View]:
    """The lines as they are, and out of all wrappers that some of them are in."""
    bare = unwrap(head, 0, wrappers)
    if not len(bare.numbers):
        return
    yield _view(bare, wrappers)
    for wrapper in load_wrappers().values() if len(wrappers) < DEEPEST else ():
        if wrapper not in wrappers:
            yield from _views(head, (*wrappers, wrapper))


def _view(bare: Bare, wrappers: tuple[Wrapper, ...]) -> View:
    texts = latin_lines(bare.lines, bare.numbers)
    return View(wrappers, bare, texts, texts.str.contains("|".join(NOTES)).to_numpy())


def _apart(view: View, fmt: Format) -> View:
    """The view with lines of many records taken apart, if the format has such."""
    bare = view.bare if fmt.records is None else spread(view.bare, fmt.records)
    return view if bare is view.bare else _view(bare, view.wrappers)


def _fits(texts: pl.Series, fmt: Format) -> Mask:
    """Which lines the format may read; a quick look that spares most formats a closer one."""
    if fmt.dialect != "w3c":
        return texts.str.contains(pattern_of(fmt)).to_numpy()
    headed = bool(texts.str.starts_with("#").any())
    if headed or not fmt.columns:
        # With a header of its own a log is none of those without.
        return np.full(len(texts), headed and not fmt.columns)
    blanks = len(fmt.columns) - 1
    tabs, spaces = texts.str.count_matches("\t"), texts.str.count_matches(" ")
    return ((tabs == blanks) | (spaces == blanks)).to_numpy()


def _candidate(view: View, fmt: Format, fits: Mask) -> Candidate:
    numbers, directives, told = view.bare.numbers, 0, 0
    refused: Mapping[str, Longs] = {}
    good = fits
    if fits.any():
        built, directives = read(view.bare.lines, numbers[fits], fmt, {}, FAST, strict=True)
        refused, told = built.refused, _told(built.table)
        good = fits & ~np.isin(numbers, np.concatenate(list(refused.values())))
    lost = ~good & ~view.notes
    lines = int(good.sum()) - directives
    outside = sum(len(lost) for reason, lost in view.bare.refused if reason != "blank")
    spoke = lines + int(lost.sum()) + outside
    line = reason = None
    if lines and lost.any():
        first = int(lost.argmax())
        line = view.texts[first][:LONGEST_SHOWN]
        reason = REASONS[_reason(int(numbers[first]), refused, fmt)]
    share = lines / spoke if spoke else 0.0
    return Candidate(fmt.name, fmt, view, good, lines, share, told, line, reason)


def _told(table: pa.Table) -> int:
    """How many values there are in it."""
    columns = [name for name, (kind, _) in RAW_FIELDS.items() if kind == TEXT]
    found = [table[name] for name in ("duration_ms", *columns) if name in table.column_names]
    values = sum(len(column) - column.null_count for column in found)
    if "agent" in table.column_names:
        values -= pc.sum(pc.equal(table["agent"].cast(pa.string()), UNTOLD)).as_py() or 0
    return int(values)


def _reason(number: int, refused: Mapping[str, Longs], fmt: Format) -> str:
    for reason, numbers in refused.items():
        if number in numbers:
            return reason
    return "json" if fmt.dialect == "json" else "layout"
