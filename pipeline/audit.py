"""Proof that no address is kept: every text of the store is decoded and searched, and every salt
accounted for. It looks with the same eyes as `enrich/redact.py`, whose rules docs/privacy.md
states, but at what is on disk.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline import journal
from pipeline.catalog import Catalog
from pipeline.enrich.redact import addresses
from pipeline.enrich.salts import Salts
from pipeline.sources import matches


@dataclass(frozen=True, slots=True)
class Finding:
    """An address-like text, named by where it is; the text itself is not repeated."""

    file: str
    column: str
    values: int


@dataclass(frozen=True, slots=True)
class Audit:
    files: int
    values: int
    findings: list[Finding]
    salts_alive: list[dict[str, Any]]
    salts_destroyed: int

    def as_dict(self) -> dict[str, Any]:
        """The JSON object of `tallylog audit`; `clean` says that nothing was found."""
        return {"clean": not self.findings, **asdict(self)}


def audit(catalog: Catalog) -> Audit:
    """Decode every file of the store that holds records, listed or not, and look at each text."""
    findings: list[Finding] = []
    files = values = 0
    for file in _files(catalog.data_dir):
        files += 1
        for column, texts in _texts(file):
            values += len(texts)
            found = sum(bool(addresses(text)) for text in texts)
            if found:
                findings.append(Finding(str(file.relative_to(catalog.data_dir)), column, found))
    states = Salts(catalog.data_dir / "salts.db").states()
    alive = [
        {"site": site, "date": date, "serial": serial, "destroy_after": after}
        for site, date, serial, after, destroyed in states
        if destroyed is None
    ]
    return Audit(files, values, findings, alive, len(states) - len(alive))


def _files(data_dir: Path) -> Iterator[Path]:
    for folder in ("events", "daily"):
        yield from sorted((data_dir / folder).rglob("*.parquet"))
    yield from sorted(map(Path, matches([journal.pattern(data_dir)])))


def _texts(file: Path) -> Iterator[tuple[str, list[str]]]:
    """The distinct texts of every text column."""
    if file.suffix == journal.SUFFIX:
        yield from _texts_of_journal(file)
        return
    table = pq.ParquetFile(file).read()
    for field, column in zip(table.schema, table.columns, strict=True):
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            distinct = pc.unique(column.cast(kind)).drop_null()
            yield field.name, distinct.to_pylist()


def _texts_of_journal(file: Path) -> Iterator[tuple[str, list[str]]]:
    """A line that is being written is looked at as it stands."""
    found: dict[str, set[str]] = {}
    with open(file, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            told = json.loads(line) if line.endswith("}\n") else {"line": line}
            for name, value in told.items():
                if isinstance(value, str):
                    found.setdefault(name, set()).add(value)
    yield from ((name, sorted(texts)) for name, texts in found.items())
