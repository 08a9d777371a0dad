"""Pieces worked through: parsed, enriched, and accounted for, each line to its source.

Small pieces are worked together, as if they were one: what a call of the libraries below costs
beside its rows is then paid once for many files.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from parsers.parse import Parsed, parse
from pipeline import store
from pipeline.enrich import Enricher, Log, count_classes
from pipeline.kept import Rows
from pipeline.reading import Piece

#: Rejected lines kept of one piece; all of them are counted.
_REJECTS = 1000

#: Site and date.
Day = tuple[str, dt.date]
Longs = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Result:
    """A piece worked through: its events by day, and what became of its lines; `others` is how
    many of them were read by which other format. Of pieces worked together, the last one has
    the events and the others of all."""

    piece: Piece
    rows: Mapping[Day, Rows]
    lines: int
    outcomes: Mapping[str, int]
    bots: Mapping[str, int]
    rejects: list[tuple[int, int, str]]
    salts: Mapping[Day, int]
    others: Mapping[str, int] = field(default_factory=dict)


def fit(pieces: Sequence[Piece], piece: Piece) -> bool:
    """Whether the piece can be worked together with these: all new, of one log's kind, and of a
    format whose lines can be read one by one."""
    first = pieces[0]
    return (
        all(p.data.endswith(b"\n") and p.state == p.state_after == {} for p in (pieces[-1], piece))
        and not piece.known + first.known
        and not piece.data.startswith(b"\xef\xbb\xbf")
        and piece.format is first.format
        and not piece.format.wrappers
        and piece.format.records is None
        and replace(piece.log, id=first.log.id) == first.log
    )


def work(piece: Piece, enricher: Enricher, existing: Set[Day] = frozenset()) -> Result:
    """Parse and enrich one piece; of known lines, keep what is of no `existing` day."""
    return work_all([piece], enricher, existing)[0]


def work_all(
    pieces: Sequence[Piece], enricher: Enricher, existing: Set[Day] = frozenset()
) -> list[Result]:
    """The same for pieces that `fit` each other, in their order."""
    first = pieces[0]
    if not first.data:
        return [Result(first, {}, first.known, {"known": first.known}, {}, [], {})]
    data = first.data if len(pieces) == 1 else b"".join(piece.data for piece in pieces)
    parsed = parse(data, first.offset, first.format, first.state, others=first.others)
    bounds = _Bounds(pieces)
    # Results wait for their commit: the bytes need not.
    bare = [replace(piece, data=b"") for piece in pieces]
    events = _events(first.log, parsed, bounds, enricher, existing if first.known else frozenset())
    if first.known:
        return [_known(bare[0], parsed.lines, events)]
    return list(_new(bare, parsed, bounds, events))


class _Bounds:
    """Which of the pieces, laid one behind the other, a line is of."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        lengths = np.array([len(piece.data) for piece in pieces])
        self.pieces = len(pieces)
        self._starts = pieces[0].offset + np.cumsum(lengths) - lengths
        self._shifts = np.array([piece.offset for piece in pieces]) - self._starts
        self._sources = np.array([piece.log.id for piece in pieces], np.int32)

    def of(self, table: pa.Table) -> Longs:
        """For each row the number of its piece."""
        offsets = np.asarray(table.column("offset"))
        return np.searchsorted(self._starts, offsets, "right") - 1

    def counts(self, table: pa.Table) -> list[int]:
        """Rows of each piece."""
        return [int(n) for n in np.bincount(self.of(table), minlength=self.pieces)]

    def placed(self, table: pa.Table) -> pa.Table:
        """Events, or refused lines, each with its place in its own source."""
        if self.pieces == 1:
            return table
        of = self.of(table)
        columns = {"offset": np.asarray(table.column("offset")) + self._shifts[of]}
        if "log_id" in table.column_names:
            columns["log_id"] = self._sources[of]
        for name, values in columns.items():
            table = table.set_column(table.column_names.index(name), name, pa.array(values))
        return table


@dataclass(frozen=True, slots=True)
class _Events:
    """The events of all pieces, and for each piece how many it has of each class, by bots too."""

    rows: Mapping[Day, Rows]
    salts: Mapping[Day, int]
    classes: Sequence[tuple[Counter[str], Counter[str]]]


def _events(
    log: Log, parsed: Parsed, bounds: _Bounds, enricher: Enricher, existing: Set[Day]
) -> _Events:
    if not parsed.table.num_rows:
        return _Events({}, {}, [(Counter(), Counter())] * bounds.pieces)
    enriched = enricher.enrich(parsed.table, log)
    lexicon = enriched.lexicon
    days = store.by_day(enriched.rows, lexicon.names("site").values)
    days = {day: rows for day, rows in days.items() if day not in existing}
    return _Events(
        {day: (lexicon, bounds.placed(rows)) for day, rows in days.items()},
        {day: serial for day, serial in enriched.salts.items() if day in days},
        count_classes(lexicon, [(rows, bounds.of(rows)) for rows in days.values()], bounds.pieces),
    )


def _known(piece: Piece, lines: int, events: _Events) -> Result:
    ((classes, bots),) = events.classes
    outcomes = {"known": lines - classes.total(), **classes}
    return Result(piece, events.rows, 0, outcomes, bots, [], events.salts)


def _new(
    pieces: Sequence[Piece], parsed: Parsed, bounds: _Bounds, events: _Events
) -> Iterator[Result]:
    read, refused = bounds.counts(parsed.table), bounds.counts(parsed.rejects)
    ends = np.cumsum(refused).tolist()
    rejects = bounds.placed(parsed.rejects)
    for i, piece in enumerate(pieces):
        classes, bots = events.classes[i]
        directives = parsed.directives if len(pieces) == 1 else 0  # with any, it has no company
        outcomes = {"directive": directives, "rejected": refused[i]}
        outcomes |= {"excluded": read[i] - classes.total(), **classes}
        lines = read[i] + refused[i] + directives
        kept = rejects.slice(ends[i] - refused[i], min(refused[i], _REJECTS)).to_pylist()
        refusals = [tuple(row.values()) for row in kept]
        # The rows come last: a commit that has them must have moved on all of their sources.
        if i < len(pieces) - 1:
            yield Result(piece, {}, lines, outcomes, bots, refusals, {})
        else:
            yield Result(
                piece, events.rows, lines, outcomes, bots, refusals, events.salts, parsed.others
            )
