"""Who asks, and what he may see.

A visitor is a user (by the session), a program with a key or an owner of one item with a token
(both by `Authorization: Bearer`), somebody with a share link (by the session), or nobody. Rights
are looked up anew for each request: a user, key or link that was removed opens nothing any more.
Sites that are public may be read by everybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import abort, g, request, session
from flask_wtf.csrf import generate_csrf

from pipeline.access import keys, links, owners, users
from pipeline.access.links import Share
from pipeline.access.owners import Item
from webapp.current import catalog, config


@dataclass(frozen=True, slots=True)
class Access:
    """What the visitor of this request may do. `grants` are roles by site of a user or a key."""

    user: str | None = None
    user_id: int | None = None
    grants: Mapping[str, str] = field(default_factory=dict)
    public: frozenset[str] = frozenset()
    share: Share | None = None
    item: Item | None = None
    by_key: bool = False

    @property
    def is_admin(self) -> bool:
        """Of all sites: may change everything."""
        return self.grants.get(users.ALL_SITES) == "admin"

    @property
    def reads_all(self) -> bool:
        return users.ALL_SITES in self.grants

    @property
    def known(self) -> bool:
        """Whether the visitor showed something: a session, a key, a link or a token."""
        return bool(self.user or self.by_key or self.share or self.item)

    def may_read(self, site: str) -> bool:
        return self._reads(site) or (self.share is not None and self.share.site == site)

    def may_manage(self, site: str) -> bool:
        return not self.by_key and users.role_at(self.grants, site) == "admin"

    def may_pass_on(self, site: str) -> bool:
        """Whether the visitor may let others read a part of the site."""
        return users.role_at(self.grants, site) is not None

    def filter_of(self, site: str) -> list[Any] | None:
        """What a share link narrows the site to, as `question.from_dict` takes it; None where
        all of the site may be read."""
        if self._reads(site) or self.share is None or self.share.site != site:
            return None
        return self.share.filters

    @property
    def filter(self) -> list[Any] | None:
        return self.filter_of(self.share.site) if self.share else None

    def readable(self, sites: Iterable[str]) -> list[str]:
        return [site for site in sites if self.may_read(site)]

    def csrf_token(self) -> str:
        """For forms and for the header X-CSRFToken of scripts."""
        return str(generate_csrf())

    def _reads(self, site: str) -> bool:
        return site in self.public or users.role_at(self.grants, site) is not None


def access() -> Access:
    """Of the current request."""
    if "access" not in g:
        g.access = _by_header() or _by_session()
    found: Access = g.access
    return found


def bearer() -> str | None:
    """The secret that the request shows in its header."""
    kind, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if kind.lower() == "bearer" else None


def _by_header() -> Access | None:
    secret = bearer()
    if secret is None:
        return None
    if secret.startswith(owners.PREFIX):
        item = owners.item_of(config().store.data, secret)
        if item is None:
            abort(401, "The token is none of ours, or its time is over.")
        return Access(item=item, public=_public())
    key = keys.find(catalog(), secret)
    if key is None:
        abort(401, "There is no such key, or it was revoked.")
    role = "viewer" if key.scope == "read" else ""
    grants = {site: role for site in key.sites if role}
    return Access(grants=grants, public=_public(), by_key=True)


def _by_session() -> Access:
    user = users.find(catalog(), session["user"]) if "user" in session else None
    if user is not None and user.version != session.get("version"):
        user = None
    share = links.share_of(catalog(), session["share"]) if "share" in session else None
    if user is None:
        return Access(public=_public(), share=share)
    return Access(user.name, user.id, user.grants, _public(), share)


def _public() -> frozenset[str]:
    return frozenset(site.name for site in config().sites if site.public)
