"""Lines that a log's own format does not fit, read by the other formats.

A server that is set up anew goes on writing into the same file, and some write several formats
into one. Whether a line is read by another format, and by which, is settled by that line and the
log's format alone: so it is the same wherever the log is cut into pieces, and nothing about it
has to be kept. Formats whose lines need directives take no part in this.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl

from parsers.build import Built
from parsers.keys import keys_of
from parsers.labels import STYLES
from parsers.lines import Lines, Longs
from parsers.readers import read
from parsers.registry import Format
from parsers.text import latin_lines

#: Fields of a layout that tell nothing.
MUTE = re.compile(r"\$\{?(?:_|ident|rest)\b")


@dataclass(frozen=True, slots=True)
class Claim:
    """Lines that another format has read."""

    name: str
    numbers: Longs
    built: Built


@dataclass(frozen=True, slots=True)
class Candidate:
    """A format, and a pattern without which a line is none of its own."""

    fmt: Format
    pattern: str


@dataclass(frozen=True, slots=True)
class Others:
    """Formats to try, those that tell most first; and a pattern that fits if one of theirs does."""

    candidates: tuple[Candidate, ...]
    pattern: str

    def claim(self, lines: Lines, numbers: Longs, own: str, fast: bool) -> list[Claim]:
        """What formats but that called `own` make of these lines; each line is read once."""
        texts = latin_lines(lines, numbers)
        likely = texts.str.contains(self.pattern)
        texts, numbers = texts.filter(likely), numbers[likely.to_numpy()]
        claims = []
        for candidate in self.candidates:
            if not len(numbers):
                break
            if candidate.fmt.name == own:
                continue
            fits = texts.str.contains(candidate.pattern).to_numpy()
            if not fits.any():
                continue
            claim = _read(lines, numbers[fits], candidate.fmt, fast)
            claims.append(claim)
            left = ~np.isin(numbers, claim.numbers, assume_unique=True)
            texts, numbers = texts.filter(pl.Series(left)), numbers[left]
        return [claim for claim in claims if len(claim.numbers)]


def _read(lines: Lines, numbers: Longs, fmt: Format, fast: bool) -> Claim:
    built, _ = read(lines, numbers, fmt, {}, fast, strict=True)
    read_ones = lines.without(numbers, np.concatenate(list(built.refused.values())))
    return Claim(fmt.name, read_ones, Built(built.table, {}))


def others_of(formats: Iterable[Format]) -> Others:
    """The formats as candidates, in the order in which they are tried."""
    kept = sorted((fmt for fmt in formats if fmt.dialect != "w3c"), key=rank)
    candidates = tuple(Candidate(fmt, pattern_of(fmt)) for fmt in kept)
    patterns = dict.fromkeys(f"(?:{candidate.pattern})" for candidate in candidates)
    return Others(candidates, "|".join(patterns))


def rank(fmt: Format) -> tuple[str, int, int, int, str]:
    """Layouts with many fields come first, and of those equal in this the ones that skip least;
    objects with few names for their fields, which are not those of everybody. What covers other
    formats comes after these."""
    covers = len(fmt.covers)
    if not fmt.layouts:
        return fmt.dialect, covers, sum(map(len, fmt.fields.values())), 0, fmt.name
    told = max(len(layout.whole.fields) for layout in fmt.layouts)
    mute = sum(len(MUTE.findall(one.text)) for one in fmt.layouts)
    return fmt.dialect, covers, -told, mute, fmt.name


def pattern_of(fmt: Format) -> str:
    """What a line of a layout must match, and one of named values hold."""
    if fmt.dialect == "json":
        names = fmt.marks or fmt.fields["status"]
        keys = [keys_of(name)[-1].encode().decode("latin-1") for name in names]
        return rf'^[ \t]*\{{.*"(?:{"|".join(map(re.escape, keys))})"'
    if fmt.dialect in STYLES:
        style, labels = STYLES[fmt.dialect], map(re.escape, fmt.fields["status"])
        return f"(?:^|{style.separator})(?:{'|'.join(labels)}){style.mark}"
    return "|".join(dict.fromkeys(layout.whole.pattern or "" for layout in fmt.layouts))
