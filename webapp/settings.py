"""What administrators set by hand: users, keys, share links, exclusions; and what the
configuration says, to look at."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

from flask import Blueprint, abort, flash, redirect, render_template, request
from werkzeug.wrappers import Response

from pipeline import exclusions, jobs
from pipeline.access import keys, links, narrow, users
from pipeline.config import Config
from pipeline.errors import AccessError, TallylogError
from pipeline.exclusions import KINDS
from webapp.auth import admin_only
from webapp.current import catalog, config, engine, site_names
from webapp.languages import reader
from webapp.snippet import how_to_begin
from webapp.told import told

#: A link that is to hold for longer can hold for ever.
LONGEST_DAYS = 36_500

settings = Blueprint("settings", __name__, url_prefix="/settings")


@settings.get("/")
@admin_only
def overview() -> str:
    return render_template(
        "settings_sites.html",
        sites=[(name, config().site_named(name)) for name in site_names()],
        sources=config().sources,
        seen=catalog().sources(),
        jobs=jobs.listed(catalog(), config()),
        retention=config().store.retention,
        values=_values(config()),
    )


@settings.get("/sites/<name>")
@admin_only
def site(name: str) -> str:
    """How a site is counted by this very installation."""
    if name not in site_names():
        abort(404)
    seen = [one for one in catalog().sources() if one.scope in (name, "")]
    return render_template("settings_site.html", seen=seen, **how_to_begin(name))


@settings.get("/access")
@admin_only
def access_page() -> str:
    now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    shares = [one for one in links.shares(catalog()) if one.expires is None or one.expires > now]
    return render_template(
        "settings_access.html",
        users=users.listed(catalog()),
        keys=keys.listed(catalog()),
        shares=shares,
        scopes=keys.SCOPES,
        sites=site_names(),
    )


@settings.get("/exclusions")
@admin_only
def exclusions_page() -> str:
    kind, pattern = request.args.get("kind", ""), request.args.get("pattern", "")
    shown, problem = None, None
    if kind and pattern:
        try:
            exclusions.checked(kind, pattern)
            shown = exclusions.preview(catalog(), engine(), kind, pattern)
        except TallylogError as error:
            problem = error
    return render_template(
        "settings_exclusions.html",
        rules=exclusions.listed(catalog()),
        fixed=config().exclude,
        kinds=list(KINDS),
        kind=kind,
        pattern=pattern,
        preview=shown,
        problem=problem,
        retention=config().store.retention,
    )


def _values(found: Config) -> list[tuple[str, str, str]]:
    """Every setting of one value: its table, name and value."""
    rows = []
    for table, section in found.model_dump(mode="json", by_alias=True).items():
        for name, value in section.items() if isinstance(section, dict) else ():
            if not isinstance(value, dict | list):
                rows.append((table, name, "" if value is None else str(value)))
    return rows


# -- what is sent by forms ------------------------------------------------------------------


def _done(place: str, act: Callable[[], str]) -> Response:
    """Do what a form asks for, and say on the page how it went."""
    try:
        flash(act(), "good")
    except TallylogError as error:
        said = (told(reader(), text) for text in (error.what, error.fix))
        flash(" ".join(filter(None, said)), "bad")
    return redirect(f"/settings/{place}")


def _say(text: str, **values: str) -> str:
    return reader().text(text, **values)


def _link(kind: str, secret: str) -> str:
    return f"{config().web.address}{kind}/{secret}"


def _field(name: str) -> str:
    return request.form.get(name, "").strip()


def _number(name: str) -> int:
    """0, which is nobody's, for what is none."""
    return request.form.get(name, 0, type=int)


@settings.post("/users")
@admin_only
def add_user() -> Response:
    """A new user gets a link by which to choose a password; so does one who forgot it."""

    def act() -> str:
        name = _field("name")
        if name not in [one.name for one in users.listed(catalog())]:
            users.add(catalog(), name, None, _field("site"), _field("role"))
        else:
            users.grant(catalog(), name, _field("site"), _field("role"))
            return _say(
                "%(name)s is %(role)s of %(site)s now.",
                name=name,
                role=_field("role"),
                site=_field("site"),
            )
        secret = links.invite(catalog(), name)
        return _say(
            "Send this link to %(name)s; it works once: %(link)s",
            name=name,
            link=_link("setup", secret),
        )

    return _done("access", act)


@settings.post("/users/remove")
@admin_only
def remove_user() -> Response:
    def act() -> str:
        users.remove(catalog(), _field("name"))
        return _say("%(name)s is no user any more.", name=_field("name"))

    return _done("access", act)


@settings.post("/keys")
@admin_only
def add_key() -> Response:
    def act() -> str:
        secret = keys.add(catalog(), _field("name"), _field("scope"), [_field("site")])
        return _say("The key, which is shown this once: %(secret)s", secret=secret)

    return _done("access", act)


@settings.post("/keys/revoke")
@admin_only
def revoke_key() -> Response:
    def act() -> str:
        keys.revoke(catalog(), _field("name"))
        return _say("The key %(name)s opens nothing any more.", name=_field("name"))

    return _done("access", act)


def _days(text: str) -> int:
    """Raises `AccessError`: a link that was to end must not hold for ever."""
    if not re.fullmatch("[0-9]{1,5}", text) or not 1 <= int(text) <= LONGEST_DAYS:
        fix = f"write a number from 1 to {LONGEST_DAYS}, or nothing for a link without end"
        raise AccessError(f"{text[:20]!r} is no number of days.", fix)
    return int(text)


@settings.post("/shares")
@admin_only
def add_share() -> Response:
    def act() -> str:
        days, password, text = _field("days"), _field("password"), _field("filter")
        life = dt.timedelta(days=_days(days)) if days else None
        filters = narrow.as_filter([text]) if text else None
        secret = links.share(catalog(), _field("site"), password or None, life, filters)
        return _say(
            "The link, which is shown this once: %(link)s",
            link=_link("share", secret),
        )

    return _done("access", act)


@settings.post("/shares/remove")
@admin_only
def remove_share() -> Response:
    def act() -> str:
        links.unshare(catalog(), _number("id"))
        return _say("The link opens nothing any more.")

    return _done("access", act)


@settings.post("/exclusions")
@admin_only
def add_exclusion() -> Response:
    def act() -> str:
        exclusions.add(catalog(), _field("kind"), _field("pattern"))
        return _say("The rule counts for what is read from now on.")

    return _done("exclusions", act)


@settings.post("/exclusions/remove")
@admin_only
def remove_exclusion() -> Response:
    def act() -> str:
        exclusions.remove(catalog(), _number("id"))
        return _say("The rule is gone; what is read from now on is counted again.")

    return _done("exclusions", act)
