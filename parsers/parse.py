"""Bytes of a log in, RAW rows and rejects out; every line is accounted for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from parsers.build import Built, join
from parsers.follow import Others
from parsers.lines import Lines
from parsers.peel import Bare, unwrap
from parsers.raw import REJECTS
from parsers.readers import State, read
from parsers.records import spread
from parsers.registry import Format
from parsers.w3c import advance_fields
from parsers.wrappers import bare_name

#: Reasons that come second to NUL bytes in the line.
SHAPELESS = ("blank", "layout", "json", "fields", "wrapper")
#: The key of a state after a line that its wrapper cut up and of which more is to come.
PART = "part"


@dataclass(frozen=True, slots=True)
class Parsed:
    """Rows in the order of their lines, refused lines likewise, how many lines there were, and
    how many of the rows each other format has read."""

    table: pa.Table
    rejects: pa.Table
    directives: int
    lines: int
    others: Mapping[str, int]


def parse(
    data: bytes,
    offset: int,
    fmt: Format,
    state: State,
    fast: bool = True,
    strict: bool = False,
    others: Others | None = None,
) -> Parsed:
    """Parse whole lines, of which the first begins at `offset` of the decompressed source.

    `state` is what `advance` gave for the lines before, or empty. Without `fast` the reference
    engine reads every line; the result is the same. With `strict` a line is refused that does
    not have the format's shape, though it may be a record. `others` are tried with such lines
    before these are read less strictly.
    """
    bare = unwrap(data, offset, fmt.wrappers, PART in state)
    if fmt.records is not None:
        bare = spread(bare, fmt.records)
    first = strict or others is not None
    built, directives = read(bare.lines, bare.numbers, fmt, state, fast, first)
    followed: Mapping[str, int] = {}
    if others is not None and any(map(len, built.refused.values())):
        built, followed = _follow(bare.lines, built, fmt, others, fast, strict)
    return _account(bare, built, directives, followed)


def advance(data: bytes, fmt: Format, state: State) -> State:
    """The state after these whole lines, without parsing them."""
    if not fmt.wrappers:
        return advance_fields(data, state) if fmt.dialect == "w3c" else state
    if fmt.dialect == "w3c":
        bare = unwrap(data, 1, fmt.wrappers, PART in state)
        state = advance_fields(bytes(bare.lines.join(bare.numbers)), state)
    last = data[data.rfind(b"\n", 0, -1) + 1 :]
    kept = {key: value for key, value in state.items() if key != PART}
    return kept | {PART: "1"} if unwrap(last, 1, fmt.wrappers).unfinished else kept


def _follow(
    lines: Lines, built: Built, fmt: Format, others: Others, fast: bool, strict: bool
) -> tuple[Built, Mapping[str, int]]:
    """The rows with those of other formats and, unless `strict`, of less strict reading."""
    left = np.sort(np.concatenate(list(built.refused.values())))
    claims = others.claim(lines, left, bare_name(fmt), fast)
    rest = lines.without(left, np.concatenate([left[:0], *(claim.numbers for claim in claims)]))
    if strict or fmt.dialect == "w3c" or not len(rest):
        kept = {reason: np.intersect1d(lost, rest) for reason, lost in built.refused.items()}
        more = Built(built.table[:0], kept)
    else:
        more, _ = read(lines, rest, fmt, {}, fast, strict=False)
    parts = [Built(built.table, {}), *(claim.built for claim in claims), more]
    joined = join([part for part in parts if part.table.num_rows] or [more], lines, fmt)
    return Built(joined.table, more.refused), {claim.name: len(claim.numbers) for claim in claims}


def _account(bare: Bare, built: Built, directives: int, others: Mapping[str, int]) -> Parsed:
    """The result; AssertionError if a line was lost or counted twice."""
    lines, directives = bare.lines, bare.directives + directives
    reasons = [*bare.refused, *built.refused.items()]
    numbers = np.concatenate([np.empty(0, np.int64), *(lost for _, lost in reasons)])
    words = np.repeat([reason for reason, _ in reasons], [len(lost) for _, lost in reasons])
    words = np.where(np.isin(words, SHAPELESS) & lines.nulled(numbers), "nul", words)
    order = np.argsort(numbers, kind="stable")
    numbers, words = numbers[order], words[order]
    columns = [lines.offsets(numbers), lines.lengths(numbers), words]
    rejects = pa.table(
        [pa.array(c, t) for c, t in zip(columns, REJECTS.types, strict=True)], schema=REJECTS
    )
    if built.table.num_rows + len(numbers) + directives != len(lines):
        raise AssertionError(
            f"{len(lines)} lines gave {built.table.num_rows} rows, {len(numbers)} rejects"
            f" and {directives} directives"
        )
    return Parsed(built.table, rejects, directives, len(lines), others)
