"""The doors: signing in and out, the link that makes the first user, and share links."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, abort, make_response, redirect, render_template, request, session
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from pipeline.access import links, users
from pipeline.access.links import Share
from pipeline.access.users import User
from pipeline.errors import AccessError
from webapp.attempts import attempts
from webapp.auth import access, local, public
from webapp.current import catalog
from webapp.languages import mark

doors = Blueprint("doors", __name__)


@dataclass(frozen=True, slots=True)
class Form:
    """What a page of this module asks for."""

    title: str
    intro: str = ""
    name: str | None = None
    fixed_name: bool = False
    new_password: bool = False
    button: str = mark("Sign in")


@doors.get("/login")
@public
def login() -> ResponseReturnValue:
    target = local(request.args.get("next", "/"))
    return redirect(target) if access().user else _form(Form(mark("Sign in"), name=""))


@doors.post("/login")
@public
def sign_in() -> ResponseReturnValue:
    name, password = request.form.get("name", ""), request.form.get("password", "")
    form = Form(mark("Sign in"), name=name)
    with attempts().one(f"user {name}") as wait:
        user = None if wait else users.sign_in(catalog(), name, password)
    if wait:
        return _shut(form, wait)
    if user is None:
        return _form(form, (mark("That is not the name and password of a user."),), 403)
    attempts().right(f"user {name}")
    _begin(user)
    return redirect(local(request.args.get("next", "/")))


@doors.post("/logout")
@public
def logout() -> ResponseReturnValue:
    """Ends all sessions of the user: a cookie that was copied opens nothing any more."""
    number = access().user_id
    if number is not None:
        users.end_sessions(catalog(), number)
    session.clear()
    return redirect("/login")


@doors.get("/setup/<token>")
@public
def setup(token: str) -> ResponseReturnValue:
    """Looking does not use the link up: programs look at links that are sent around."""
    return _form(_setup_form(token))


@doors.post("/setup/<token>")
@public
def set_up(token: str) -> ResponseReturnValue:
    form = _setup_form(token)
    password = request.form.get("password", "")
    if password != request.form.get("again", ""):
        return _form(form, (mark("The two passwords differ."),), 400)
    try:
        with attempts().hashing:
            user = links.set_up(catalog(), token, request.form.get("name", ""), password)
    except AccessError as error:
        return _form(form, (error.what, error.fix), 400)
    _begin(user)
    return redirect("/")


@doors.get("/share/<token>")
@public
def share(token: str) -> ResponseReturnValue:
    link = _share(token)
    return _form(_SHARED) if link.has_password else _enter(link)


@doors.post("/share/<token>")
@public
def open_share(token: str) -> ResponseReturnValue:
    link = _share(token)
    if not link.has_password:
        return _enter(link)
    with attempts().one(f"link {link.id}") as wait:
        opened = not wait and links.opens(catalog(), link, request.form.get("password", ""))
    if wait:
        return _shut(_SHARED, wait)
    if not opened:
        return _form(_SHARED, (mark("That is not the password of the link."),), 403)
    attempts().right(f"link {link.id}")
    return _enter(link)


_SHARED = Form(mark("Shared statistics"), mark("This link has a password."), button=mark("Open"))


def _setup_form(token: str) -> Form:
    works, name = links.invited(catalog(), token)
    if not works:
        abort(404, "This link has been used, or is too old. `tallylog user link` makes a new one.")
    if name is None:
        intro = mark("You are the first here: you become the administrator of all sites.")
        return Form(mark("Set up Tallylog"), intro, "", new_password=True, button=mark("Begin"))
    intro = mark("Choose the password you will sign in with.")
    return Form(mark("Welcome"), intro, name, True, True, mark("Begin"))


def _share(token: str) -> Share:
    link = links.shared(catalog(), token)
    if link is None:
        abort(404, "This link does not work, or not any more.")
    return link


def _enter(link: Share) -> Response:
    session["share"] = link.id
    session.permanent = True
    return redirect(f"/s/{link.site}/")


def _begin(user: User) -> None:
    """A session that was there before signing in must not live on."""
    session.clear()
    session["user"], session["version"] = user.id, user.version
    session.permanent = True


def _form(form: Form, problem: tuple[str, ...] = (), status: int = 200) -> Response:
    answer = make_response(render_template("door.html", form=form, problem=problem), status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _shut(form: Form, seconds: int) -> Response:
    minutes = -(-seconds // 60)
    answer = _form(form, (f"Too many wrong passwords: try again in {minutes} minutes.",), 429)
    answer.headers["Retry-After"] = str(seconds)
    return answer
