"""Keys of programs: a key reads, or writes, some sites or all of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from pipeline import tables as t
from pipeline.access.secret import digest, new_secret
from pipeline.access.users import ALL_SITES, checked_site
from pipeline.catalog import Catalog, utcnow
from pipeline.errors import AccessError

SCOPES = {
    "read": "Asks questions over the API.",
    "write": "Sends views and events to the collector.",
}
PREFIX = "tallylog_{scope}_"
#: When a key was last used is noted no more often: a request should not have to write.
NOTE_EVERY = dt.timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Key:
    id: int
    name: str
    scope: str
    sites: tuple[str, ...]
    created: dt.datetime
    last_used: dt.datetime | None

    def may(self, scope: str, site: str) -> bool:
        return scope == self.scope and (ALL_SITES in self.sites or site in self.sites)


def add(catalog: Catalog, name: str, scope: str, sites: Sequence[str]) -> str:
    """Returns the secret, which is told this once and is not kept."""
    if scope not in SCOPES:
        raise AccessError(f"There is no scope {scope!r}.", f"there are: {', '.join(SCOPES)}")
    if not sites:
        raise AccessError("A key needs a site.", "name one, or * for all")
    if not name.strip() or len(name) > 100:
        raise AccessError("A key needs a name of 1 to 100 characters.", "say what uses it")
    secret = new_secret(PREFIX.format(scope=scope))
    row = {
        "name": name,
        "digest": digest(secret),
        "scope": scope,
        "sites": sorted({checked_site(site) for site in sites}),
        "created": utcnow(),
    }
    with catalog.write() as tx:
        if tx.scalar(sa.select(t.api_keys.c.id).where(t.api_keys.c.name == name)):
            raise AccessError(f"There is a key {name!r} already.", "revoke it first")
        tx.execute(t.api_keys.insert().values(row))
    return secret


def revoke(catalog: Catalog, name: str) -> None:
    with catalog.write() as tx:
        if not tx.execute(t.api_keys.delete().where(t.api_keys.c.name == name)).rowcount:
            raise AccessError(f"There is no key {name!r}.", "`tallylog key list` shows all")


def listed(catalog: Catalog) -> list[Key]:
    with catalog.read() as tx:
        return _by(tx, sa.true())


def find(catalog: Catalog, secret: str) -> Key | None:
    """The key of that secret, if it is not revoked; that it was used is noted."""
    now = utcnow()
    with catalog.read() as tx:
        found = next(iter(_by(tx, t.api_keys.c.digest == digest(secret))), None)
    if found and (found.last_used is None or now - found.last_used > NOTE_EVERY):
        with catalog.write() as tx:
            row = t.api_keys.update().where(t.api_keys.c.id == found.id)
            tx.execute(row.values(last_used=now))
    return found


def _by(tx: sa.Connection, condition: sa.ColumnElement[bool]) -> list[Key]:
    k = t.api_keys.c
    columns = (k.id, k.name, k.scope, k.sites, k.created, k.last_used)
    rows = tx.execute(sa.select(*columns).where(condition).order_by(k.name))
    return [Key(r[0], r[1], r[2], tuple(r[3]), r[4], r[5]) for r in rows]
