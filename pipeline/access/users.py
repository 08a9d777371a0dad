"""Users: who may sign in, and which sites they may see or manage."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from pipeline import tables as t
from pipeline.access.secret import fits, hashed
from pipeline.catalog import Catalog, utcnow
from pipeline.config import site_name
from pipeline.errors import AccessError

#: In place of the name of a site: all of them, those that come later included.
ALL_SITES = "*"
ROLES = {
    "admin": "Reads the site and changes what is set for it; of all sites: everything.",
    "viewer": "Reads the site.",
}
NO_ROLE = "none"


@dataclass(frozen=True, slots=True)
class User:
    """`grants` are roles by site."""

    id: int
    name: str
    version: int
    has_password: bool
    created: dt.datetime
    grants: Mapping[str, str]


def role_at(grants: Mapping[str, str], site: str) -> str | None:
    """The stronger of the roles at the site and at all sites."""
    held = {grants.get(site), grants.get(ALL_SITES)}
    return next((role for role in ROLES if role in held), None)


def add(
    catalog: Catalog, name: str, password: str | None, site: str = ALL_SITES, role: str = "viewer"
) -> User:
    """Raises `AccessError` where the name is taken or can't be one. Without a password the user
    signs in by a link first."""
    with catalog.write() as tx:
        return insert(tx, name, None if password is None else hashed(password), site, role)


def insert(tx: sa.Connection, name: str, password: str | None, site: str, role: str) -> User:
    if not re.fullmatch(r"[\w.@+-]{1,100}", name):
        fix = "use letters, digits and . @ + - _"
        raise AccessError(f"{name!r} is no name of a user.", fix)
    if tx.scalar(sa.select(t.users.c.id).where(t.users.c.name == name)):
        raise AccessError(f"There is a user {name} already.", "`tallylog user list` shows all")
    row = {"name": name, "password": password, "version": 1, "created": utcnow()}
    tx.execute(t.users.insert().values(row))
    number = _named(tx, name).id
    _set_role(tx, number, site, role)
    return _named(tx, name)


def remove(catalog: Catalog, name: str) -> None:
    with catalog.write() as tx:
        number = _named(tx, name).id
        tx.execute(t.grants.delete().where(t.grants.c.user_id == number))
        tx.execute(t.setup_links.delete().where(t.setup_links.c.user_id == number))
        tx.execute(t.users.delete().where(t.users.c.id == number))


def set_password(catalog: Catalog, name: str, password: str) -> None:
    """Sessions that are open end."""
    text = hashed(password)
    with catalog.write() as tx:
        change(tx, _named(tx, name).id, password=text)


def end_sessions(catalog: Catalog, number: int) -> None:
    with catalog.write() as tx:
        change(tx, number)


def change(tx: sa.Connection, number: int, **values: str) -> None:
    users = t.users.c
    changed = t.users.update().where(users.id == number)
    tx.execute(changed.values(version=users.version + 1, **values))


def grant(catalog: Catalog, name: str, site: str, role: str) -> User:
    """Give a role at a site, or take it away with `none`."""
    with catalog.write() as tx:
        number = _named(tx, name).id
        _set_role(tx, number, site, role)
        return by(tx, t.users.c.id == number)[0]


def listed(catalog: Catalog) -> list[User]:
    with catalog.read() as tx:
        return by(tx, sa.true())


def find(catalog: Catalog, number: int) -> User | None:
    with catalog.read() as tx:
        return next(iter(by(tx, t.users.c.id == number)), None)


def sign_in(catalog: Catalog, name: str, password: str) -> User | None:
    """The user, if that is the password."""
    with catalog.read() as tx:
        found = by(tx, t.users.c.name == name)
        stored = tx.scalar(sa.select(t.users.c.password).where(t.users.c.name == name))
    return found[0] if fits(password, stored) and found else None


def checked_site(site: str) -> str:
    """Raises `AccessError` for what is neither the name of a site nor *."""
    if site == ALL_SITES:
        return site
    try:
        return site_name(site)
    except ValueError as error:
        raise AccessError(f"{error}.", "or * for all sites") from error


def _set_role(tx: sa.Connection, number: int, site: str, role: str) -> None:
    if role not in (*ROLES, NO_ROLE):
        raise AccessError(f"There is no role {role!r}.", f"there are: {', '.join(ROLES)}")
    g = t.grants.c
    tx.execute(t.grants.delete().where(g.user_id == number, g.site == checked_site(site)))
    if role != NO_ROLE:
        tx.execute(t.grants.insert().values(user_id=number, site=site, role=role))


def _named(tx: sa.Connection, name: str) -> User:
    found = by(tx, t.users.c.name == name)
    if not found:
        raise AccessError(f"There is no user {name!r}.", "`tallylog user list` shows all")
    return found[0]


def by(tx: sa.Connection, condition: sa.ColumnElement[bool]) -> list[User]:
    u, g = t.users.c, t.grants.c
    columns = (u.id, u.name, u.version, u.password.is_not(None), u.created)
    held = sa.select(g.user_id, g.site, g.role).order_by(g.site)
    grants: dict[int, dict[str, str]] = {}
    for number, site, role in tx.execute(held):
        grants.setdefault(number, {})[site] = role
    found = tx.execute(sa.select(*columns).where(condition).order_by(u.name))
    return [User(r[0], r[1], r[2], r[3], r[4], grants.get(r[0], {})) for r in found]
