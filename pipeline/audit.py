"""Proof that no address is kept: every text of the store is decoded and searched, and every salt
accounted for. It looks with the same eyes as `enrich/redact.py`, whose rules docs/privacy.md
states, but at what is on disk.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.catalog import Catalog
from pipeline.enrich.redact import addresses
from pipeline.enrich.salts import Salts


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
    """Decode every Parquet file of the store, listed or not, and look at each distinct text."""
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


def _texts(file: Path) -> Iterator[tuple[str, list[str]]]:
    """The distinct texts of every text column."""
    table = pq.ParquetFile(file).read()
    for field, column in zip(table.schema, table.columns, strict=True):
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            distinct = pc.unique(column.cast(kind)).drop_null()
            yield field.name, distinct.to_pylist()
