"""Links: those that share one site, and those by which a user signs in once."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from pipeline import tables as t
from pipeline.access import users
from pipeline.access.secret import digest, fits, hashed, new_secret
from pipeline.catalog import Catalog, utcnow
from pipeline.errors import AccessError

SETUP_LIFE = dt.timedelta(hours=24)
NOTE_EVERY = dt.timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Share:
    """Who has the link may read the site, within the filters if there are any."""

    id: int
    site: str
    filters: list[Any] | None
    has_password: bool
    expires: dt.datetime | None
    created: dt.datetime
    last_used: dt.datetime | None


def share(
    catalog: Catalog,
    site: str,
    password: str | None = None,
    life: dt.timedelta | None = None,
    filters: list[Any] | None = None,
) -> str:
    """Make a link; returns the secret in it, which is told this once and is not kept."""
    secret, now = new_secret(), utcnow()
    row = {
        "site": users.checked_site(site),
        "digest": digest(secret),
        "password": None if password is None else hashed(password),
        "filters": filters,
        "expires": None if life is None else now + life,
        "created": now,
    }
    if site == users.ALL_SITES:
        raise AccessError("A link shares one site.", "name it")
    with catalog.write() as tx:
        tx.execute(t.share_links.insert().values(row))
    return secret


def unshare(catalog: Catalog, number: int) -> None:
    with catalog.write() as tx:
        if not tx.execute(t.share_links.delete().where(t.share_links.c.id == number)).rowcount:
            raise AccessError(f"There is no link {number}.", "`tallylog share list` shows all")


def shares(catalog: Catalog) -> list[Share]:
    """All of them, those that have expired included."""
    with catalog.read() as tx:
        return _shares(tx, sa.true())


def shared(catalog: Catalog, secret: str) -> Share | None:
    """The link of that secret, if it still holds."""
    return _valid(catalog, t.share_links.c.digest == digest(secret))


def share_of(catalog: Catalog, number: int) -> Share | None:
    """The link that a session was opened by, if it still holds."""
    return _valid(catalog, t.share_links.c.id == number)


def opens(catalog: Catalog, link: Share, password: str) -> bool:
    """Whether that is the password of the link."""
    with catalog.read() as tx:
        stored = sa.select(t.share_links.c.password).where(t.share_links.c.id == link.id)
        return fits(password, tx.scalar(stored))


def first_setup(catalog: Catalog) -> str | None:
    """The secret of a link that makes the first user, where there is none; earlier links of the
    kind no longer work."""
    with catalog.write() as tx:
        return None if _has_users(tx) else _setup(tx, None)


def invite(catalog: Catalog, name: str) -> str:
    """The secret of a link by which the user signs in and sets a password."""
    with catalog.write() as tx:
        number = tx.scalar(sa.select(t.users.c.id).where(t.users.c.name == name))
        if number is None:
            raise AccessError(f"There is no user {name!r}.", "`tallylog user list` shows all")
        return _setup(tx, number)


def invited(catalog: Catalog, secret: str) -> tuple[bool, str | None]:
    """Whether a link still works, and whom it is for (None: for the first user)."""
    with catalog.read() as tx:
        works, number = _setup_of(tx, secret)
        name = tx.scalar(sa.select(t.users.c.name).where(t.users.c.id == number))
        return works, name


def set_up(catalog: Catalog, secret: str, name: str, password: str) -> users.User:
    """Use a link up: give its user the password, or make the first user, an admin of all."""
    stored = hashed(password)
    with catalog.write() as tx:
        works, number = _setup_of(tx, secret)
        if not works:
            raise AccessError("The link has been used or is too old.", "ask for a new one")
        tx.execute(t.setup_links.delete().where(t.setup_links.c.digest == digest(secret)))
        if number is None:
            return users.insert(tx, name, stored, users.ALL_SITES, "admin")
        users.change(tx, number, password=stored)
        return users.by(tx, t.users.c.id == number)[0]


def _setup_of(tx: sa.Connection, secret: str) -> tuple[bool, int | None]:
    """A link for the first user is void as soon as there is one."""
    s = t.setup_links.c
    query = sa.select(s.user_id).where(s.digest == digest(secret), s.expires > utcnow())
    row = tx.execute(query).first()
    if row is None or (row[0] is None and _has_users(tx)):
        return False, None
    return True, row[0]


def _has_users(tx: sa.Connection) -> bool:
    return bool(tx.scalar(sa.select(sa.func.count()).select_from(t.users)))


def _setup(tx: sa.Connection, number: int | None) -> str:
    s, secret = t.setup_links.c, new_secret()
    tx.execute(t.setup_links.delete().where((s.user_id == number) | (s.expires < utcnow())))
    row = {"digest": digest(secret), "user_id": number, "expires": utcnow() + SETUP_LIFE}
    tx.execute(t.setup_links.insert().values(row))
    return secret


def _valid(catalog: Catalog, condition: sa.ColumnElement[bool]) -> Share | None:
    now, s = utcnow(), t.share_links.c
    with catalog.read() as tx:
        found = _shares(tx, condition & (s.expires.is_(None) | (s.expires > now)))
    if found and (found[0].last_used is None or now - found[0].last_used > NOTE_EVERY):
        with catalog.write() as tx:
            used = t.share_links.update().where(s.id == found[0].id)
            tx.execute(used.values(last_used=now))
    return found[0] if found else None


def _shares(tx: sa.Connection, condition: sa.ColumnElement[bool]) -> list[Share]:
    s = t.share_links.c
    columns = (s.id, s.site, s.filters, s.password.is_not(None), s.expires, s.created, s.last_used)
    return [Share(*row) for row in tx.execute(sa.select(*columns).where(condition).order_by(s.id))]
