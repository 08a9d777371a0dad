"""Rules for what is not counted that are made in the web application, and what they would do.

They are kept in the catalog and added to those of the configuration wherever lines are read. A
rule counts for lines that are read from then on; what was counted stays.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pydantic
import sqlalchemy as sa

from pipeline import schema
from pipeline import tables as t
from pipeline.alone import holder
from pipeline.catalog import Catalog, utcnow
from pipeline.config import Config, Exclude
from pipeline.engine import Engine, sql, view_files
from pipeline.enrich.exclude import matches
from pipeline.errors import QueryError, StoreError

#: Keys of [exclude], and the column of events that a rule of the kind looks at: an address is not
#: kept, so what a rule for it would do can't be told.
KINDS: dict[str, str | None] = {
    "paths": "page",
    "agents": "agent",
    "referrers": "referrer",
    "addresses": None,
}
#: As many of the values that fit are shown.
SHOWN = 10


@dataclass(frozen=True, slots=True)
class Exclusion:
    id: int
    kind: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What a rule would have left out of the raw events that still live."""

    records: int
    of: int
    values: tuple[tuple[str, int], ...]
    distinct: int


def listed(catalog: Catalog) -> list[Exclusion]:
    e = t.exclusions.c
    with catalog.read() as tx:
        rows = tx.execute(sa.select(e.id, e.kind, e.pattern).order_by(e.kind, e.pattern))
        return [Exclusion(*row) for row in rows]


def add(catalog: Catalog, kind: str, pattern: str) -> None:
    """Raises `QueryError` for a rule that can't be one. One that is there already stays."""
    text = checked(kind, pattern)
    e = t.exclusions.c
    with catalog.write() as tx:
        known = sa.select(e.id).where(e.kind == kind, e.pattern == text)
        if tx.scalar(known) is None:
            row = {"kind": kind, "pattern": text, "created": utcnow()}
            tx.execute(t.exclusions.insert().values(row))
    _tell(catalog.data_dir)


def remove(catalog: Catalog, number: int) -> None:
    with catalog.write() as tx:
        tx.execute(t.exclusions.delete().where(t.exclusions.c.id == number))
    _tell(catalog.data_dir)


def checked(kind: str, pattern: str) -> str:
    """The pattern as the configuration would have it."""
    if kind not in KINDS:
        raise QueryError(f"There are no exclusions of {kind!r}.", f"there are: {', '.join(KINDS)}")
    if not pattern.strip() or set(pattern.strip()) <= {"*"}:
        raise QueryError("That would leave out everything.", "say more than *")
    try:
        found = Exclude.model_validate({kind: [pattern.strip()]})
    except pydantic.ValidationError as error:
        raise QueryError(
            f"{pattern!r} is not an address or network.", "write it as 192.0.2.0/24"
        ) from error
    (text,) = getattr(found, kind)
    return str(text)


def applied(config: Config) -> Config:
    """The configuration with the rules of its store."""
    if not (config.store.data / "catalog.db").exists():
        return config
    catalog = Catalog(config.store.data)
    try:
        return current(config, catalog)
    finally:
        catalog.close()


def current(config: Config, catalog: Catalog) -> Config:
    """The configuration with the rules that the catalog has now. Raises `StoreError`."""
    try:
        rules = listed(catalog)
    except sa.exc.SQLAlchemyError as error:
        where, fix = str(catalog.data_dir), "the rules read before stay until it can be read"
        raise StoreError(f"The rules for what is not counted: {error}", where, fix) from error
    own = config.exclude
    more = {k: (*getattr(own, k), *(r.pattern for r in rules if r.kind == k)) for k in KINDS}
    return config.model_copy(update={"exclude": own.model_copy(update=more)})


def preview(catalog: Catalog, engine: Engine, kind: str, pattern: str) -> Preview | None:
    """None for a kind that events don't tell. The very rule is applied to the values they have."""
    text, column = checked(kind, pattern), KINDS[kind]
    if column is None:
        return None
    parts = [part.path for part in catalog.event_parts()]
    with engine.cursor() as con:
        view_files(con, "events", parts, schema.EVENTS)
        rows: list[tuple[str | None, int]] = con.execute(
            sql("live_values", column=column)
        ).fetchall()
        con.execute("drop view if exists events")
    fitting = Counter({v: n for v, n in rows if v is not None and matches(v, [text])})
    shown = tuple(fitting.most_common(SHOWN))
    return Preview(fitting.total(), sum(n for _, n in rows), shown, len(fitting))


def _tell(data_dir: Path) -> None:
    """Let the tailer read its rules anew, if one works on the store from this machine."""
    pid = holder(data_dir)
    if pid is not None:
        # It may end meanwhile, or be another user's: then its next start reads them.
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGHUP)
