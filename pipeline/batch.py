"""Results that are committed together, and what the commit is told about each source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from pipeline import store
from pipeline.catalog import Catalog
from pipeline.commit import Advance, NewPart
from pipeline.folders import make_folders
from pipeline.kept import Kept, Rows
from pipeline.working import Day, Result


@dataclass(slots=True)
class Batch:
    """Results since the last commit."""

    results: list[Result] = field(default_factory=list)
    rows: int = 0

    def add(self, result: Result) -> None:
        self.results.append(result)
        self.rows += sum(rows.num_rows for _, rows in result.rows.values())

    def days(self) -> dict[Day, list[Rows]]:
        found: dict[Day, list[Rows]] = {}
        for result in self.results:
            for day, rows in result.rows.items():
                found.setdefault(day, []).append(rows)
        return found

    def write(
        self,
        pool: ThreadPoolExecutor,
        catalog: Catalog,
        site_ids: Mapping[str, int],
        writer: str,
        first: int,
        kept: Kept,
    ) -> Writing:
        """Begin to write its parts, which are numbered from `first` on."""
        salts = {key: n for result in self.results for key, n in result.salts.items()}
        without_rows = Batch([replace(result, rows={}) for result in self.results])
        writing = Writing(without_rows, [], [])
        days = self.days()
        names = [store.part_path(*day, writer, number) for number, day in enumerate(days, first)]
        writing.paths.extend(map(catalog.absolute, names))
        make_folders({path.parent for path in writing.paths})
        for name, path, ((site, date), rows) in zip(
            names, writing.paths, days.items(), strict=True
        ):
            part = NewPart(name, site_ids[site], date, 0, 0, {}, salts.get((site, date), 1))
            kept.add(path, rows)
            writing.parts.append(pool.submit(_write, part, path, rows))
        return writing

    def advances(self) -> list[Advance]:
        """One per source, from where its first piece began to where its last one ended."""
        found: dict[int, Advance] = {}
        for result in self.results:
            piece = result.piece
            advance = found.get(piece.log.id)
            if advance is None or (advance.start == advance.end and not piece.known):
                fresh = Advance(piece.log.id, piece.path, piece.start, piece.start)
                if advance is not None:
                    fresh.outcomes, fresh.bots = advance.outcomes, advance.bots
                advance = found[piece.log.id] = fresh
            _extend(advance, result)
        return list(found.values())


def _extend(advance: Advance, result: Result) -> None:
    piece = result.piece
    advance.outcomes = dict(Counter(advance.outcomes) + Counter(result.outcomes))
    advance.bots = dict(Counter(advance.bots) + Counter(result.bots))
    if piece.known:
        return
    advance.end, advance.state = piece.end, piece.state_after
    advance.end_digest = piece.end_digest
    advance.points = [*advance.points, *piece.points]
    advance.lines += result.lines
    advance.rejects += result.rejects


@dataclass(frozen=True, slots=True)
class Writing:
    """A batch, by now without its rows, the parts that these become, and where."""

    batch: Batch
    parts: list[Future[NewPart]]
    paths: list[Path]


def _write(part: NewPart, path: Path, rows: Sequence[Rows]) -> NewPart:
    table = _texts(rows)
    size = store.write(table, path)
    sources = pc.value_counts(table.column("log_id")).to_pylist()
    return replace(
        part,
        rows=table.num_rows,
        bytes=size,
        sources={row["values"]: row["counts"] for row in sources},
    )


def _texts(rows: Sequence[Rows]) -> pa.Table:
    """The events themselves. Nearly always there is one lexicon, and nothing to join."""
    of_lexicon: dict[int, list[pa.Table]] = {}
    for lexicon, table in rows:
        of_lexicon.setdefault(id(lexicon), []).append(table)
    lexicons = {id(lexicon): lexicon for lexicon, _ in rows}
    tables = [lexicons[key].texts(pa.concat_tables(of)) for key, of in of_lexicon.items()]
    return tables[0] if len(tables) == 1 else store.join(tables)
