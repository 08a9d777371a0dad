"""Who is here: what is told of a site while it is being asked anew."""

from __future__ import annotations

import datetime as dt
import re
import threading
from pathlib import Path

from pipeline.catalog import Catalog
from pipeline.query import Answer
from tests.events import add, event
from tests.web import application, configured
from webapp import live
from webapp.live import Here, Latest


def here(visitors: int) -> Here:
    nothing = Answer({}, [], {})
    return Here(visitors, nothing, (), nothing, nothing, nothing)


def test_a_question_about_one_site_holds_up_neither_others_nor_what_is_known(
    tmp_path: Path, monkeypatch
) -> None:
    app = application(configured(tmp_path / "data", ("open",)))
    latest, asked, go_on = Latest(), threading.Event(), threading.Event()
    told: list[Here] = []

    def slowly(site: str) -> Here:
        asked.set()
        assert go_on.wait(10)
        return here(2)

    def ask(site: str) -> None:
        with app.test_request_context("/"):
            told.append(latest.of(site))

    monkeypatch.setattr(live, "EVERY_SECONDS", 0)
    monkeypatch.setattr(live, "_look", lambda site: here(1))
    ask("open")
    monkeypatch.setattr(live, "_look", slowly)
    slow = threading.Thread(target=ask, args=("open",))
    slow.start()
    assert asked.wait(10)
    ask("open")
    monkeypatch.setattr(live, "_look", lambda site: here(3))
    ask("another")
    go_on.set()
    slow.join()
    assert [one.now for one in told] == [1, 1, 3, 2]


def test_every_minute_of_the_last_half_hour_has_its_views(tmp_path: Path, monkeypatch) -> None:
    config = configured(tmp_path / "data", ("open",))
    catalog = Catalog(config.store.data)
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    views = {0: 1, 3: 2, 29: 4, 31: 8}
    rows = []
    for back, count in views.items():
        at = now - dt.timedelta(minutes=back)
        facts = {"site": "open", "date": at.date()}
        rows += [event(f"{at:%H:%M:%S}", "/", who, **facts) for who in range(count)]
    add(catalog, rows)
    monkeypatch.setattr(live, "now_in", lambda zone: now)
    app = application(config)
    with app.test_request_context("/"):
        minutes = Latest().of("open").minutes
    assert len(minutes) == 30
    assert {29 - n: views for n, (_, views) in enumerate(minutes) if views} == {0: 1, 3: 2, 29: 4}
    html = app.test_client().get("/s/open/live").text
    shown = re.findall(r'<th scope="row">[^<]+</th><td class="n">(\d+)</td>', html)
    assert [int(n) for n in shown] == [views.get(back, 0) for back in range(30)]
    assert "7 page views in the last 30 minutes" in html
