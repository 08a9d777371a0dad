"""Tallylog with a month of made traffic, as the browser tests and the screenshots see it."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page

from bench.generate import write
from bench.traffic import Plan
from pipeline import jobs, status
from pipeline.access import keys, users
from pipeline.backfill import backfill
from pipeline.catalog import Catalog
from pipeline.config import Config
from pipeline.config_file import load
from pipeline.enrich.salts import Salts
from pipeline.errors import StoreError
from pipeline.jobs import Place
from pipeline.rollup import rollup
from tests.browser.rig import AGENT, ROOT, answering, free_port
from tests.collectors import Sender
from tests.stores import COMBINED, Store

SITE, BROKEN, EMPTY = "example.org", "broken.example", "new.example"
NAME, PASSWORD = "ada", "correct horse battery"
TYPES = ["video", "image"]
DAYS = 28
CONFIG = """
[[site]]
name = "{site}"
hosts = ["www.example.org", "example.org"]
content_types = ["video", "image"]
[[site]]
name = "{broken}"
[[site]]
name = "{empty}"
[[source]]
site = "{site}"
paths = ["access.log"]
format = "timed"
[format.timed]
title = "combined, with time and cache"
layout = '{layout}'
[web]
port = {port}
"""
LAYOUT = f"{COMBINED} $duration_s $cache"
LINE = (
    '192.0.2.7 - - [{time} +0000] "GET /a HTTP/1.1" 200 12 "-" "Mozilla/5.0 (X11) Firefox/140.0"\n'
)

#: Pages and states by name, as addresses.
STATES = {
    "sites": "/",
    "overview": f"/s/{SITE}/",
    "week": f"/s/{SITE}/?range=7d&compare=weekday&step=hour",
    "day": f"/s/{SITE}/?range=yesterday&devices=browser&delivery=slow",
    "all-time": f"/s/{SITE}/?range=all&compare=none&sources=channel&places=country&step=week",
    "filtered": f"/s/{SITE}/?f=country==US&f=device!=desktop&match=any",
    "bots": f"/s/{SITE}/?who=bots&bots=kind&delivery=broken",
    "all-requests": f"/s/{SITE}/?who=all&bots=reason&delivery=cache",
    "no-match": f"/s/{SITE}/?f=page==/nothing-like-this",
    "no-range": f"/s/{SITE}/?from=2001-01-01&to=2001-01-31",
    "no-data": f"/s/{EMPTY}/",
    "rejecting": f"/s/{BROKEN}/",
    "wrong": f"/s/{SITE}/?f=colour==red",
    "page": f"/s/{SITE}/about?of=page==/",
    "page-bots": f"/s/{SITE}/about?of=page==/&who=bots",
    "item": f"/s/{SITE}/about?of=content_type==video&of=content_id==42&range=7d",
    "nothing-of-page": f"/s/{SITE}/about?of=page==/nothing-like-this",
    "properties": f"/s/{SITE}/?range=7d&f=event==signup&events=properties",
    "property": f"/s/{SITE}/?range=7d&pages=content&events=prop:plan&origin=api",
    "signed-in": f"/s/{SITE}/?range=7d&who=signed_in",
    "list": f"/s/{SITE}/list/pages/page",
    "list-of-page": f"/s/{SITE}/list/sources/source?of=page==/",
    "search": f"/s/{SITE}/list/bots/bot?search=bot&order=bytes",
    "ledger": f"/s/{SITE}/ledger",
    "ledger-rejects": f"/s/{BROKEN}/ledger",
    "live": f"/s/{SITE}/live",
    "settings": "/settings/",
    "settings-site": f"/settings/sites/{SITE}",
    "access": "/settings/access",
    "exclusions": "/settings/exclusions?kind=paths&pattern=/products/*",
    "api": "/api/v1/docs",
    "missing": "/s/nowhere.example/",
    "german": f"/s/{SITE}/?range=28d",
}
#: Of a state that begins with a click: what is clicked.
CLICKS = {
    "range menu": (f"/s/{SITE}/", ".range-menu > summary"),
    "filter menu": (f"/s/{SITE}/", ".filter-menu > summary"),
    "explained": (f"/s/{SITE}/", "#sources .explain > summary"),
    "as a table": (f"/s/{SITE}/", ".table-view > summary"),
    "shortcuts": (f"/s/{SITE}/", "[data-help]"),
    "all figures explained": (f"/s/{SITE}/about?of=page==/", ".lead .explain > summary"),
    "minutes as a table": (f"/s/{SITE}/live", ".table-view > summary"),
    "note": (f"/s/{SITE}/", ".notes .menu > summary"),
}


@dataclass(frozen=True, slots=True)
class Dashboard:
    address: str
    store: Store

    def sign_in(self, context: BrowserContext) -> Page:
        page = context.new_page()
        page.goto(f"{self.address}login")
        page.get_by_label("Name").fill(NAME)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        return page

    def go(self, page: Page, state: str) -> None:
        page.goto(self.address.rstrip("/") + state)


@contextmanager
def dashboard(folder: Path, lines: int = 12_000) -> Iterator[Dashboard]:
    port = free_port()
    names = {"site": SITE, "broken": BROKEN, "empty": EMPTY, "layout": LAYOUT}
    (folder / "config.toml").write_text(CONFIG.format(**names, port=port))
    store = _filled(folder, lines)
    command = (sys.executable, ROOT / "tallylog.py", "--config", folder / "config.toml", "web")
    with (
        (folder / "web.log").open("w") as log,
        subprocess.Popen(command, stderr=log, stdout=log) as process,
    ):
        try:
            answering(process, port)
            yield Dashboard(f"http://127.0.0.1:{port}/", store)
        finally:
            process.terminate()
            process.wait(20)


def _filled(folder: Path, lines: int) -> Store:
    """A month of traffic that ended yesterday, and a log of which a part cannot be read."""
    config = load(folder / "config.toml")
    store = Store(config.store.data, config)
    plain = folder / "plain.log"
    start = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=DAYS)
    write(Plan(lines, days=DAYS, paths=0.01, start=start), plain)
    with plain.open(errors="replace") as made, (folder / "access.log").open("w") as log:
        log.writelines(_timed(line.rstrip("\n"), n) for n, line in enumerate(made))
    store.backfill(folder / "access.log", site=SITE, format="timed")
    broken = [
        LINE.format(time=(start + dt.timedelta(days=n)).strftime("%d/%b/%Y:10:00:00"))
        for n in range(DAYS)
    ]
    (folder / "broken.log").write_text("".join(broken) + "not a line of a log\n" * 3)
    store.backfill(folder / "broken.log", site=BROKEN, format="combined")
    _tell(config)
    catalog = Catalog(config.store.data)
    rollup(catalog)
    users.add(catalog, NAME, PASSWORD, users.ALL_SITES, "admin")
    catalog.close()
    return store


def _tell(config: Config) -> None:
    """Hits of a server of the last six days: views, content views and events."""
    catalog = Catalog(config.store.data)
    key = keys.add(catalog, "server", "write", [SITE])
    catalog.close()
    now = dt.datetime.now(dt.UTC)
    hits = [_hit(number, now - dt.timedelta(hours=1 + number % 144)) for number in range(600)]
    # The last five minutes stay without visitors.
    lately = (now - dt.timedelta(minutes=6 + n * n % 23) for n in range(60))
    hits += [_hit(3 * number, at) for number, at in enumerate(lately)]
    sender = Sender(config.store.data, site=[{"name": SITE, "content_types": TYPES}])
    sent = {"site": SITE, "events": hits}
    status, _, said = sender.send("/api/events", sent, authorization=f"Bearer {key}")
    assert status == 200 and not json.loads(said)["errors"], said
    backfill(config, config.store.data)


def _hit(number: int, at: dt.datetime) -> dict[str, Any]:
    who = number * 7 % 211
    about = {"address": f"192.0.2.{who}", "agent": AGENT, "time": at.isoformat()}
    about |= {"path": f"/videos/{number % 5}", "signed_in": who % 3 == 0}
    if number % 3 == 0:
        return about
    if number % 3 == 1:
        kind = ("video", "video", "image")[number % 7 % 3]
        return {**about, "content_type": kind, "content_id": (42, 7, 108)[number % 5 % 3]}
    plan, wish = ("free", "gold", "team")[number % 4 % 3], ("", "newsletter")[number % 2]
    props = {"plan": plan, "from": ("header", "footer")[number % 5 % 2]}
    name = "download" if number % 4 == 3 else "signup"
    return {**about, "name": name, "props": {**props, "wish": wish} if wish else props}


@contextmanager
def trouble(shown: Dashboard) -> Iterator[None]:
    """A log is behind, another cannot be followed, and a job fails."""
    data = shown.store.data
    catalog = Catalog(data)
    number = str(next(s.id for s in catalog.sources() if s.scope == SITE))
    full: Any = _Full()
    place = Place(catalog, shown.store.config.store.retention, full)
    jobs.run(place, "salts")
    files = {number: {"lag_bytes": 5_000_000, "lag_seconds": 300.0}}
    wrong = {"site": SITE, "troubles": ["/var/log/nginx/access.log: Permission denied"]}
    said = {"time": time.time(), "files": files, "sources": [wrong]}
    (data / status.NAME).write_text(json.dumps(said))
    yield
    (data / status.NAME).unlink()
    jobs.run(replace(place, salts=Salts(data / "salts.db")), "salts")
    catalog.close()


class _Full:
    """Salts on a disk that is full."""

    def destroy(self) -> int:
        raise StoreError("The disk is full.", "salts.db")


def _timed(line: str, number: int) -> str:
    """The line with how long it took, and whether a cache answered."""
    if not line.endswith('"'):
        return line + "\n"
    seconds = 0.02 + (number * 7919 % 997) ** 2 / 400_000
    return f"{line} {seconds:.3f} {('HIT', 'HIT', 'HIT', 'MISS', '-')[number % 5]}\n"
