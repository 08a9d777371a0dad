"""The pages that people look at: all sites, one site, a list, and the account of lines."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from pipeline.catalog import Site
from pipeline.errors import QueryError, QueryStopped
from pipeline.export import format_named
from pipeline.filter_words import parse_tree
from webapp import show
from webapp.asking import Asking, asked_for
from webapp.auth import access, local, public, reads_site, somebody
from webapp.current import catalog, config, site_names
from webapp.exports import as_file
from webapp.languages import COOKIE as LANGUAGE_COOKIE
from webapp.languages import LANGUAGES
from webapp.ledger import Trust, rejected_examples, trust
from webapp.listing import listed
from webapp.overview import overview
from webapp.panels import PANELS, SUBJECTS
from webapp.sites import cards
from webapp.snippet import how_to_begin

dashboard = Blueprint("dashboard", __name__)
THEMES = ("light", "dark", "auto")
YEAR_SECONDS = 365 * 86_400


def known_site(name: str) -> Site:
    """The site of the catalog, or else that of the configuration, which has no records yet."""
    found = next((site for site in catalog().sites() if site.name == name), None)
    return found or Site(0, name, config().site_named(name).timezone)


def asking_of(site: str) -> Asking:
    return asked_for(site, [panel.name for panel in PANELS], parse_tree(access().filter_of(site)))


@dashboard.get("/")
@somebody
def sites() -> str:
    return render_template("sites.html", cards=cards(catalog(), readable_sites()))


@dashboard.get("/s/<site>/")
@reads_site
def site(site: str) -> str | tuple[str, int]:
    return _shown(site, "site.html")


@dashboard.get("/s/<site>/about")
@reads_site
def about(site: str) -> str | tuple[str, int]:
    """All of one page or one content item."""
    return _shown(site, "about.html")


def _shown(site: str, template: str) -> str | tuple[str, int]:
    try:
        asking = asking_of(site)
        if (template == "about.html") != (asking.subject in SUBJECTS):
            raise QueryError("That has no page of details.", "name a page or a content item")
        page = overview(catalog(), asking, known_site(site).timezone)
    except QueryStopped:
        raise
    except QueryError as error:
        return render_template("wrong.html", error=error, site=site), 400
    account = _account(asking)
    begin = {} if page.known else how_to_begin(site)
    path = asking.about[-1].value if asking.subject == "page" else asking.value_of("page")
    return render_template(
        template, page=page, ask=asking, trust=account, address=_address_of(site, path), **begin
    )


def _account(asking: Asking) -> Trust | None:
    """None where the visitor may not see any log that has lines of the site."""
    found = None if asking.narrowed else trust(catalog(), asking.site)
    return found if found and (found.lines or access().reads_all) else None


def _address_of(site: str, path: str | None) -> str | None:
    """Where the page can be looked at that the filters ask for."""
    hosts = config().site_named(site).hosts
    return f"https://{hosts[0]}{path}" if hosts and path and path.startswith("/") else None


@dashboard.get("/s/<site>/list/<panel>/<path:tab>")
@reads_site
def listing(site: str, panel: str, tab: str) -> ResponseReturnValue:
    """All rows of one tab of a panel, a page of them at a time; or, `as` a file, those shown."""
    try:
        asking = asking_of(site)
        page = listed(catalog(), asking, known_site(site).timezone, panel, tab)
    except QueryStopped:
        raise
    except QueryError as error:
        return render_template("wrong.html", error=error, site=site), 400
    if page is None:
        abort(404)
    if page.shown and (kind := request.args.get("as")):
        return as_file(page.shown, format_named(kind), site)
    return render_template("listing.html", page=page, ask=asking)


@dashboard.get("/s/<site>/ledger")
@reads_site
def ledger(site: str) -> str:
    """What became of every line, by log and by day. Names of files and what stands in them are
    for those who manage the site."""
    asking = asking_of(site)
    if asking.narrowed:
        abort(404, "This link shows a part of the site, and lines are counted for all of it.")
    account = trust(catalog(), site)
    examples = rejected_examples(catalog(), account)
    return render_template("ledger.html", ask=asking, trust=account, examples=examples)


@dashboard.get("/appearance")
@public
def appearance() -> Response:
    """Keeps how a reader wants to see the pages, and goes back."""
    answer = redirect(local(request.args.get("back", "/")))
    choices = {"theme": THEMES, LANGUAGE_COOKIE: tuple(LANGUAGES)}
    for name, known in choices.items():
        if (value := request.args.get(name)) in known:
            answer.set_cookie(name, value, YEAR_SECONDS, samesite="Lax")
    return answer


def readable_sites() -> list[str]:
    return sorted(access().readable(site_names()))


@dashboard.app_context_processor
def _shared() -> dict[str, Any]:
    chosen = request.cookies.get("theme", "auto")
    theme = chosen if chosen in THEMES else "auto"
    here = request.full_path.removesuffix("?")
    return {"theme": theme, "show": show, "here": here, "readable_sites": readable_sites}
