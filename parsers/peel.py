"""Lines taken out of what a collector put around them.

The lines that come out have the numbers, positions and lengths of those they were in, so that
whatever reads them needs to know nothing of this. Where the wrapper cut a line into parts, all of
them are refused: they may lie in pieces of the log that are read apart, and a line that long is
hardly that of a visitor's request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from parsers.lines import Lines, Longs, Mask, split_lines, unreadable
from parsers.values import decode
from parsers.wrappers import Wrapper


@dataclass(frozen=True, slots=True)
class Bare:
    """Lines out of their wrappers: the numbers of those that can be read, and of others with the
    reason; how many are directives of a wrapper; whether more of the last one is to come."""

    lines: Lines
    numbers: Longs
    refused: tuple[tuple[str, Longs], ...] = ()
    directives: int = 0
    unfinished: bool = False

    def refuse(self, reasons: Mapping[str, Longs]) -> Bare:
        """Without those of the lines for which there is a reason."""
        gone = {reason: np.intersect1d(lost, self.numbers) for reason, lost in reasons.items()}
        numbers = np.setdiff1d(self.numbers, np.concatenate([self.numbers[:0], *gone.values()]))
        return replace(self, numbers=numbers, refused=(*self.refused, *gone.items()))


def unwrap(data: bytes, offset: int, wrappers: Sequence[Wrapper], before: bool = False) -> Bare:
    """The lines of `data`, whose first byte is at `offset`, out of all wrappers; `before` says
    whether the line before the first was a part that another one follows."""
    lines = split_lines(data, offset)
    bare = Bare(lines, np.arange(len(lines), dtype=np.int64))
    for place, wrapper in enumerate(wrappers):
        long = {"long": unreadable(bare.lines).get("long", bare.numbers[:0])}
        # Parts of lines are only looked for in the outermost.
        bare = _peel(bare.refuse(long), wrapper, before if place == 0 else None)
    reasons = unreadable(bare.lines)
    return bare.refuse(reasons) if reasons else bare


def _peel(bare: Bare, wrapper: Wrapper, before: bool | None) -> Bare:
    lines = bare.lines
    asked = np.zeros(len(lines), dtype=np.bool_)
    asked[bare.numbers] = True
    outer = lines.column(np.arange(len(lines), dtype=np.int64))
    texts, inside, parts = (_by_key if wrapper.key else _by_prefix)(outer, lines, wrapper)
    inside &= asked
    parts &= inside
    whole = inside & ~parts
    if before is not None:
        whole &= ~np.append(before, parts)[:-1]
    own = asked & ~inside & _starts(outer, lines, wrapper.own)
    blank = asked & ~inside & ~own & (lines.ends == lines.starts[:-1])
    others = asked & ~inside & ~own & ~blank
    reasons = {"blank": blank, "wrapper": others, "part": inside & ~whole}
    return Bare(
        replace(split_lines(_joined(texts), 1), outer=lines),
        np.flatnonzero(whole),
        (*bare.refused, *((reason, np.flatnonzero(lost)) for reason, lost in reasons.items())),
        bare.directives + int(own.sum()),
        bare.unfinished or bool(parts[-1:].any()),
    )


def _joined(texts: pa.Array) -> bytes:
    """The bytes of large texts, one after the other; the last gets a line end if it has none."""
    if not len(texts):
        return b""
    ends = np.frombuffer(texts.buffers()[1], dtype=np.int64)[texts.offset :]
    data = texts.buffers()[2]
    joined = data[int(ends[0]) : int(ends[len(texts)])].to_pybytes() if data else b""
    return joined if joined.endswith(b"\n") else joined + b"\n"


def _by_prefix(outer: pa.Array, lines: Lines, wrapper: Wrapper) -> tuple[pa.Array, Mask, Mask]:
    """The lines without the prefix; which of them had it; which are parts."""
    pattern = f"^(?:{wrapper.prefix})"
    if lines.source.isascii():
        texts = pl.Series(outer.cast(pa.large_string()), dtype=pl.String)
        rest = texts.str.replace(pattern, "").to_arrow().cast(pa.large_binary())
    else:
        rest = pc.replace_substring_regex(outer, pattern, "", max_replacements=1)
    inside = pc.not_equal(pc.binary_length(rest), pc.binary_length(outer))
    parts = _starts(outer, lines, wrapper.part)
    return rest, inside.to_numpy(zero_copy_only=False).copy(), parts


def _by_key(outer: pa.Array, lines: Lines, wrapper: Wrapper) -> tuple[pa.Array, Mask, Mask]:
    """The texts under the key, without line ends in them; which lines have one; which are
    parts."""
    objects = decode(outer.cast(pa.binary()), "none")
    texts = objects.str.json_path_match(f"$.{wrapper.key}")
    parts = ~texts.str.ends_with(wrapper.whole).fill_null(True)
    bare = texts.fill_null("").str.strip_suffix("\n").str.replace_all("\n", " ", literal=True)
    inside = texts.is_not_null().to_numpy()
    return (bare + "\n").to_arrow().cast(pa.large_binary()), inside.copy(), parts.to_numpy()


def _starts(outer: pa.Array, lines: Lines, pattern: str | None) -> Mask:
    """Which lines begin with the pattern; none if there is no pattern."""
    if pattern is None:
        return np.zeros(len(outer), dtype=np.bool_)
    anchored = f"^(?:{pattern})"
    if not lines.source.isascii():
        found = pc.match_substring_regex(outer, anchored)
        return np.asarray(found.to_numpy(zero_copy_only=False))
    texts = pl.Series(outer.cast(pa.large_string()), dtype=pl.String)
    return texts.str.contains(anchored).to_numpy()
