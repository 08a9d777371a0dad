"""The one transaction in which rows become visible and offsets move.

A part is written under its final name by a writer that holds a lease, synced to disk, and seen
by nobody until `commit` adds it here, together with the offset it was read up to, what the
parser needs to go on, the line accounts, and a new version of every day touched. A crash before
leaves parts without an owner, which `maintain` deletes; a crash after leaves nothing to do.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from pipeline import tables as t
from pipeline.catalog import Catalog, utcnow
from pipeline.identity import Point, Trail, Verdict, find, judge

#: Rejected lines kept per source; all of them are counted.
REJECTS_KEPT = 1000
LEASE = dt.timedelta(minutes=10)


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
    catalog: Catalog,
    scope: str,
    path: str,
    format_name: str,
    trail: Trail,
    ended: bool,
    lines_before: int,
    shrunk: bool = False,
) -> int:
    """Make a new source, unless another process made it meanwhile.

    Raises `SourceMoved` in that case: judge the stream again. A claim need not be synced: a
    source of which nothing was committed yet may as well be found anew.
    """
    with catalog.write(synced=False) as tx:
        verdict = judge(trail, find(tx, scope, trail.points), ended, shrunk)
        if verdict.kind not in ("new", "fork"):
            raise SourceMoved(path)
        now = utcnow()
        lines = lines_before if verdict.kind == "fork" else 0
        row = dict(
            scope=scope,
            path=path,
            format=format_name,
            state={},
            offset=verdict.offset,
            lines=lines,
            end_digest=b"",
            created=now,
            updated=now,
        )
        if verdict.kind == "fork":
            row["end_digest"] = _digest_of(trail, verdict)
        made = t.sources.insert().values(**row).returning(t.sources.c.id)
        source_id = int(tx.execute(made).scalar_one())
        _add_points(tx, source_id, trail.points)
        return source_id


def _digest_of(trail: Trail, verdict: Verdict) -> bytes:
    return next(p.digest for p in trail.points if p.position == verdict.offset)


def _add_points(tx: sa.Connection, source_id: int, points: Iterable[Point]) -> None:
    rows = [dict(source_id=source_id, position=p.position, digest=p.digest) for p in points]
    if rows:
        query = insert(t.checkpoints)
        tx.execute(
            query.on_conflict_do_update(
                index_elements=["source_id", "position"], set_={"digest": query.excluded.digest}
            ),
            rows,
        )


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
        for advance in advances:
            _move(tx, advance)
            _account(tx, advance)
        add_parts(tx, parts)
        renew(tx, writer)


def _move(tx: sa.Connection, advance: Advance) -> None:
    if advance.end == advance.start:
        return  # only lines already known were met
    s = t.sources.c
    moved = tx.execute(
        t.sources.update()
        .where(s.id == advance.source_id, s.offset == advance.start)
        .values(
            path=advance.path,
            offset=advance.end,
            lines=s.lines + advance.lines,
            state=dict(advance.state),
            end_digest=advance.end_digest,
            updated=utcnow(),
        )
    )
    if moved.rowcount != 1:
        raise SourceMoved(advance.path)
    _add_points(tx, advance.source_id, advance.points)


def _account(tx: sa.Connection, advance: Advance) -> None:
    today = dt.datetime.now(dt.UTC).date()
    rows = [
        dict(
            source_id=advance.source_id,
            read_date=today,
            outcome=outcome,
            records=records,
            bots=advance.bots.get(outcome, 0),
        )
        for outcome, records in advance.outcomes.items()
        if records
    ]
    if rows:
        query = insert(t.accounts)
        tx.execute(
            query.on_conflict_do_update(
                index_elements=["source_id", "read_date", "outcome"],
                set_={
                    "records": t.accounts.c.records + query.excluded.records,
                    "bots": t.accounts.c.bots + query.excluded.bots,
                },
            ),
            rows,
        )
    if not advance.rejects:
        return
    kept = (
        tx.scalar(sa.select(sa.func.count()).where(t.rejects.c.source_id == advance.source_id)) or 0
    )
    room = advance.rejects[: max(0, REJECTS_KEPT - kept)]
    if room:
        tx.execute(
            insert(t.rejects).on_conflict_do_nothing(),
            [
                dict(source_id=advance.source_id, offset=offset, length=length, reason=reason)
                for offset, length, reason in room
            ],
        )


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
    query = insert(t.days)
    tx.execute(
        query.on_conflict_do_update(
            index_elements=["site_id", "date"],
            set_={
                "version": t.days.c.version + 1,
                "imported": now,
                "salts": sa.func.max(t.days.c.salts, query.excluded.salts),
            },
        ),
        [
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
        ],
    )
    added = [
        dict(source_id=source_id, site_id=p.site_id, date=p.date, rows=rows)
        for p in parts
        for source_id, rows in p.sources.items()
    ]
    if not added:
        return
    touched = insert(t.source_days)
    tx.execute(
        touched.on_conflict_do_update(
            index_elements=["source_id", "site_id", "date"],
            set_={"rows": t.source_days.c.rows + touched.excluded.rows},
        ),
        added,
    )


def renew(tx: sa.Connection, writer: str) -> None:
    """Keep the writer's uncommitted files from being taken for orphans."""
    query = insert(t.leases).values(writer=writer, expires=utcnow() + LEASE)
    tx.execute(
        query.on_conflict_do_update(
            index_elements=["writer"], set_={"expires": query.excluded.expires}
        )
    )


def release(catalog: Catalog, writer: str) -> None:
    with catalog.write() as tx:
        tx.execute(t.leases.delete().where(t.leases.c.writer == writer))
