"""Notes on days of a site, which its chart shows."""

from __future__ import annotations

import datetime as dt

from flask import Blueprint, flash, redirect, request
from werkzeug.wrappers import Response

from pipeline import notes
from pipeline.errors import TallylogError
from webapp.auth import local, manages_site
from webapp.current import catalog
from webapp.languages import reader
from webapp.told import told

noting = Blueprint("noting", __name__, url_prefix="/settings/notes")


@noting.post("/<site>")
@manages_site
def add(site: str) -> Response:
    try:
        day = dt.date.fromisoformat(request.form.get("date", ""))
        notes.add(catalog(), site, day, request.form.get("text", ""))
    except ValueError as error:
        flash(str(error), "bad")
    except TallylogError as error:
        flash(told(reader(), error.what), "bad")
    return _back(site)


@noting.post("/<site>/remove")
@manages_site
def remove(site: str) -> Response:
    number = request.form.get("id", "")
    notes.remove(catalog(), site, int(number) if number.isdigit() else 0)
    return _back(site)


def _back(site: str) -> Response:
    target = local(request.form.get("back", ""))
    return redirect(target if target.startswith(f"/s/{site}/") else f"/s/{site}/")
