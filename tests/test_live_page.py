"""Who is here: what is told of a site while it is being asked anew."""

from __future__ import annotations

import threading
from pathlib import Path

from pipeline.query import Answer
from tests.web import application, configured
from webapp import live
from webapp.live import Here, Latest


def here(visitors: int) -> Here:
    nothing = Answer({}, [], {})
    return Here(visitors, 0, 0, nothing, nothing, nothing)


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
