"""Who asks, and what he may see.

Every route says whom it lets in, with one of the marks below; one that says nothing lets nobody
in. One guard in front of all routes looks at the mark. Rights are looked up anew for each request:
a user, key or link that was removed opens nothing any more.

A visitor is a user (by the session), a program with a key or an owner of one item with a token
(both by `Authorization: Bearer`), somebody with a share link (by the session), or nobody. Sites
that are public may be read by everybody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, abort, current_app, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import generate_csrf
from werkzeug.wrappers import Response

from pipeline.access import keys, links, owners, users
from pipeline.access.links import Share
from pipeline.access.owners import Item
from webapp.current import catalog, config, site_names

View = TypeVar("View", bound=Callable[..., Any])
#: The attribute of a view that holds its rule.
_MARK = "lets_in"
API = "/api/"


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


def public(view: View) -> View:
    """Lets everybody in."""
    return _mark(view, _everybody)


def somebody(view: View) -> View:
    """Lets in who may read some site; the view looks which."""
    return _mark(view, _reader)


def reads_site(view: View) -> View:
    """Lets in who may read the site in the address (`<site>`)."""
    return _mark(view, _reader_of_site)


def manages_site(view: View) -> View:
    """Lets in who may change what is set for the site in the address."""
    return _mark(view, _manager_of_site)


def admin_only(view: View) -> View:
    return _mark(view, _admin)


def operates(view: View) -> View:
    """Lets in an administrator, and a program whose key reads all sites."""
    return _mark(view, _operator)


def asks_itself(view: View) -> View:
    """The view asks `require_read` or the like, because what it is about is in the request."""
    return _mark(view, _everybody)


def install(app: Flask) -> None:
    app.before_request(_guard)
    app.context_processor(lambda: {"access": access})
    _mark(app.view_functions["static"], _everybody)


def require_read(site: str) -> None:
    """Raises what answers a visitor who may not read the site, or where there is none."""
    if not access().may_read(site):
        refuse()
    if site not in site_names():
        abort(404, f"There is no site {site!r}.")


def refuse() -> None:
    """Raises: 401 where the visitor showed nothing, else 403."""
    if access().known:
        abort(403, "You may not see this.")
    abort(401, "Sign in, or send a key that may read this.")


def local(target: str) -> str:
    """`target` if it is an address within this application, else that of the first page."""
    parts = urlsplit(target.replace("\\", "/"))
    inside = not parts.scheme and not parts.netloc and parts.path.startswith("/")
    printable = target.isprintable() and not target.startswith("//")
    return target if inside and printable and "\\" not in target else "/"


def bearer() -> str | None:
    """The secret that the request shows in its header."""
    kind, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if kind.lower() == "bearer" else None


def _mark(view: View, rule: Callable[[], bool]) -> View:
    setattr(view, _MARK, rule)
    return view


def _guard() -> ResponseReturnValue | None:
    if request.endpoint is None:
        return None  # no such page: Flask says so
    rule = getattr(current_app.view_functions[request.endpoint], _MARK, None)
    if rule is None:
        abort(500, f"{request.endpoint} does not say whom it lets in.")
    if rule():
        return None
    if not access().known and not request.path.startswith(API):
        return _to_sign_in()
    refuse()
    return None


def _to_sign_in() -> Response:
    here = request.full_path.removesuffix("?") if request.method == "GET" else "/"
    return redirect(url_for("doors.login", next=here))


def _everybody() -> bool:
    return True


def _reader() -> bool:
    return bool(access().readable(site_names())) or access().user is not None


def _reader_of_site() -> bool:
    site = _site()
    if not access().may_read(site):
        return False
    if site not in site_names():
        abort(404, f"There is no site {site!r}.")
    return True


def _manager_of_site() -> bool:
    return access().may_manage(_site())


def _admin() -> bool:
    return access().is_admin


def _operator() -> bool:
    return access().is_admin or (access().by_key and access().reads_all)


def _site() -> str:
    assert request.view_args is not None
    return str(request.view_args["site"])


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
