"""The one transaction in which rows become visible and offsets move.

A part is written under its final name by a writer that holds a lease, synced to disk, and seen
by nobody until `commit` adds it here, together with the offset it was read up to, what the
parser needs to go on, the line accounts, and a new version of every day touched. A crash before
leaves parts without an owner, which `maintain` deletes; a crash after leaves nothing to do.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from pipeline import tables as t
from pipeline.catalog import Catalog, utcnow
from pipeline.identity import Point, Trail, Verdict, in_batches

#: Rejected lines kept per source; all of them are counted.
REJECTS_KEPT = 1000
LEASE = dt.timedelta(minutes=10)


def _upsert(
    table: sa.Table, keys: Sequence[str], **values: Callable[[Any, Any], Any]
) -> sa.Executable:
    """Insert a row; of one that is there, each of the values is made from its own and the new."""
    query = insert(table)
    made = {name: value(table.c[name], query.excluded[name]) for name, value in values.items()}
    return query.on_conflict_do_update(index_elements=list(keys), set_=made)


# What is said often is said once: to build a statement takes longer than to run it.
_s = t.sources.c
_NEW_SOURCE = t.sources.insert().returning(t.sources.c.id)
_SAVE_POINTS = _upsert(t.checkpoints, ("source_id", "position"), digest=lambda _, new: new)
_ACCOUNT = _upsert(
    t.accounts,
    ("source_id", "read_date", "outcome"),
    records=lambda old, new: old + new,
    bots=lambda old, new: old + new,
)
_TOUCH_DAY = _upsert(
    t.days,
    ("site_id", "date"),
    version=lambda old, _: old + 1,
    imported=lambda _, new: new,
    salts=sa.func.max,
)
_ADD_ROWS = _upsert(
    t.source_days, ("source_id", "site_id", "date"), rows=lambda old, new: old + new
)
_LEASE = _upsert(t.leases, ("writer",), expires=lambda _, new: new)
_OFFSETS = sa.select(_s.id, _s.offset).where(_s.id.in_(sa.bindparam("some", expanding=True)))
_MOVE = (
    t.sources.update()
    .where(_s.id == sa.bindparam("of"))
    .values(lines=_s.lines + sa.bindparam("more"))
)


class SourceMoved(Exception):
    """Another writer has read the source meanwhile; nothing was changed."""


@dataclass(slots=True)
class Advance:
    """How far one source has been read since the last commit, and what became of its lines."""

    source_id: int
    path: str
    start: int
    end: int
    lines: int = 0
    state: Mapping[str, str] = field(default_factory=dict)
    end_digest: bytes = b""
    points: Sequence[Point] = ()
    outcomes: dict[str, int] = field(default_factory=dict)
    bots: dict[str, int] = field(default_factory=dict)
    rejects: list[tuple[int, int, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class NewPart:
    path: str
    site_id: int
    date: dt.date
    rows: int
    bytes: int
    sources: Mapping[int, int]
    salts: int


def claim(
    tx: sa.Connection,
    scope: str,
    path: str,
    format_name: str,
    trail: Trail,
    verdict: Verdict,
    lines: int = 0,
) -> int:
    """Make the source that the verdict, of this very transaction, says is new; a fork has `lines`
    before it. Returns its id. This need not be synced: a source of which nothing was committed
    yet may as well be found anew."""
    now = utcnow()
    row = dict(
        scope=scope,
        path=path,
        format=format_name,
        state={},
        offset=verdict.offset,
        lines=lines,
        end_digest=_digest_of(trail, verdict) if verdict.kind == "fork" else b"",
        created=now,
        updated=now,
    )
    source_id = int(tx.execute(_NEW_SOURCE, row).scalar_one())
    _execute(tx, t.checkpoints.insert(), _points(source_id, trail.points))
    return source_id


def _digest_of(trail: Trail, verdict: Verdict) -> bytes:
    return next(p.digest for p in trail.points if p.position == verdict.offset)


def _points(source_id: int, points: Iterable[Point]) -> list[dict[str, Any]]:
    return [dict(source_id=source_id, position=p.position, digest=p.digest) for p in points]


def _execute(
    tx: sa.Connection, statement: sa.Executable, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Once for each of the rows."""
    if rows:
        tx.execute(statement, rows)


def commit(
    catalog: Catalog, writer: str, advances: Sequence[Advance], parts: Sequence[NewPart]
) -> None:
    """Make the parts visible and move the sources on, all or nothing.

    Raises `SourceMoved` when another writer has moved one of the sources: nothing is changed.
    """
    missing = [part.path for part in parts if not catalog.absolute(part.path).exists()]
    if missing:
        raise FileNotFoundError(f"part {missing[0]} vanished before its commit")
    with catalog.write() as tx:
        _move(tx, [advance for advance in advances if advance.end != advance.start])
        _account(tx, advances)
        add_parts(tx, parts)
        renew(tx, writer)


def _move(tx: sa.Connection, advances: Sequence[Advance]) -> None:
    ids = {advance.source_id for advance in advances}
    offsets = {row.id: row.offset for row in in_batches(tx, _OFFSETS, ids)}
    for advance in advances:
        if offsets.get(advance.source_id) != advance.start:
            raise SourceMoved(advance.path)
        offsets[advance.source_id] = advance.end
    now = utcnow()
    rows = [
        dict(
            of=advance.source_id,
            path=advance.path,
            offset=advance.end,
            more=advance.lines,
            state=dict(advance.state),
            end_digest=advance.end_digest,
            updated=now,
        )
        for advance in advances
    ]
    _execute(tx, _MOVE, rows)
    _execute(tx, _SAVE_POINTS, [row for a in advances for row in _points(a.source_id, a.points)])


def _account(tx: sa.Connection, advances: Sequence[Advance]) -> None:
    today = dt.datetime.now(dt.UTC).date()
    rows = [
        dict(
            source_id=advance.source_id,
            read_date=today,
            outcome=outcome,
            records=records,
            bots=advance.bots.get(outcome, 0),
        )
        for advance in advances
        for outcome, records in advance.outcomes.items()
        if records
    ]
    _execute(tx, _ACCOUNT, rows)
    for advance in advances:
        if advance.rejects:
            _reject(tx, advance)


def _reject(tx: sa.Connection, advance: Advance) -> None:
    """Keep the places of refused lines, as long as there is room."""
    of = t.rejects.c.source_id == advance.source_id
    kept = tx.scalar(sa.select(sa.func.count()).where(of)) or 0
    room = [
        dict(source_id=advance.source_id, offset=offset, length=length, reason=reason)
        for offset, length, reason in advance.rejects[: max(0, REJECTS_KEPT - kept)]
    ]
    _execute(tx, insert(t.rejects).on_conflict_do_nothing(), room)


def add_parts(tx: sa.Connection, parts: Sequence[NewPart]) -> None:
    """List the parts and bump the version of every day they belong to."""
    if not parts:
        return
    tx.execute(
        t.parts.insert(),
        [
            dict(path=p.path, site_id=p.site_id, date=p.date, rows=p.rows, bytes=p.bytes)
            for p in parts
        ],
    )
    now = utcnow()
    days = {(p.site_id, p.date): p.salts for p in parts}
    rows = [
        dict(
            site_id=site_id,
            date=date,
            version=1,
            built=None,
            generations=0,
            salts=salts,
            imported=now,
        )
        for (site_id, date), salts in days.items()
    ]
    _execute(tx, _TOUCH_DAY, rows)
    added = [
        dict(source_id=source_id, site_id=p.site_id, date=p.date, rows=rows)
        for p in parts
        for source_id, rows in p.sources.items()
    ]
    _execute(tx, _ADD_ROWS, added)


def renew(tx: sa.Connection, writer: str) -> None:
    """Keep the writer's uncommitted files from being taken for orphans."""
    tx.execute(_LEASE, dict(writer=writer, expires=utcnow() + LEASE))


def release(catalog: Catalog, writer: str) -> None:
    with catalog.write() as tx:
        tx.execute(t.leases.delete().where(t.leases.c.writer == writer))
