"""Whom each route lets in.

Every route says it with one of the marks below; one that says nothing lets nobody in. One guard in
front of all routes looks at the mark.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, abort, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from webapp.access import Access, access
from webapp.current import site_names

__all__ = ["Access", "access"]

View = TypeVar("View", bound=Callable[..., Any])
#: The attribute of a view that holds its rule.
_MARK = "lets_in"
API = "/api/"


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
    try:
        parts = urlsplit(target.replace("\\", "/"))
    except ValueError:
        return "/"
    inside = not parts.scheme and not parts.netloc and parts.path.startswith("/")
    printable = target.isprintable() and not target.startswith("//")
    return target if inside and printable and "\\" not in target else "/"


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
