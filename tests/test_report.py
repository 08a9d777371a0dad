"""The report adds nothing to the answers: it only puts them side by side."""

from __future__ import annotations

import datetime as dt
import io

import pytest
from rich.console import Console

from pipeline import maintain, rollup
from pipeline.catalog import Catalog
from pipeline.report import PANELS, report
from pipeline.report_text import render, shown
from tests.events import DAY, add, bot, event

EVIL = "/\x1b[31mred\x07‮gnp.exe" + "x" * 200
ROWS = [
    event("09:00:00", "/", 1, source="Google", country="FR", device="mobile", browser="Firefox"),
    event("09:00:30", EVIL, 1, country="FR", device="mobile", browser="Firefox"),
    event("09:05:00", "/gone", 2, status=404, **{"class": "error"}),
    bot("09:06:00", "/"),
]


@pytest.fixture
def catalog(tmp_path):
    opened = Catalog(tmp_path)
    add(opened, ROWS)
    yield opened
    opened.close()


def text(found, **terminal):
    out = io.StringIO()
    render(found, Console(file=out, highlight=False, width=80, **terminal))
    return out.getvalue()


def test_the_report_answers_with_every_panel(catalog):
    found = report(catalog, "s")
    assert found["totals"] == {
        "views": 2, "visitors": 1, "visits": 1, "bounce_rate": 0.0, "visit_duration": 30.0,
        "views_per_visit": 2.0, "hits": 4, "bot_hits": 1, "bytes": 40,
    }  # fmt: skip
    tables = {p.name: [row["dimensions"][0] for row in found[p.name]["results"]] for p in PANELS}
    assert tables == {
        "days": ["2026-03-01"],
        "pages": ["/", EVIL],
        "sources": ["Google"],
        "countries": ["FR"],
        "devices": ["mobile"],
        "browsers": ["Firefox"],
        "bots": ["Googlebot"],
        "bot_kinds": ["search"],
        "not_found": ["/gone"],
        "statuses": [200, 404],
    }
    assert found["ledger"]["records"] == 0, "these events came from no log"


def test_the_report_is_the_same_once_raw_events_are_gone(catalog):
    before = report(catalog, "s")
    rollup.rollup(catalog)
    maintain.seal(catalog, 1, dt.date(2100, 1, 1))
    assert before["meta"]["source"] == "events"
    after = report(catalog, "s")
    assert after["meta"]["source"] == "daily"
    assert after | {"meta": None} == before | {"meta": None}


def test_text_fits_80_columns_and_cannot_steer_the_terminal(catalog):
    shown = text(report(catalog, "s"))
    assert max(map(len, shown.splitlines())) <= 80
    assert "\x1b" not in shown and "\x07" not in shown and "\u202e" not in shown
    assert "[31mred" in shown


def test_colour_is_for_terminals(catalog):
    assert "\x1b[" in text(report(catalog, "s"), force_terminal=True, color_system="standard")


def test_an_empty_store_has_an_empty_report(tmp_path):
    empty = Catalog(tmp_path)
    found = report(empty)
    empty.close()
    assert found["totals"]["views"] == 0
    assert "nothing counted" in text(found)


def test_many_days_are_cut_to_the_last_ones(catalog):
    later = [DAY + dt.timedelta(days=n) for n in range(1, 40)]
    add(catalog, [event("09:00:00", "/", date=day) for day in later])
    found = report(catalog, "s")
    assert len(found["days"]["results"]) == 40
    shown = text(found)
    assert later[-1].isoformat() in shown and "and 9 more" in shown
    assert "visitors: sum of days" in shown


SHOWN = [
    ("views", 1234567, "1,234,567"),
    ("bounce_rate", 0.3333, "33.3 %"),
    ("bounce_rate", None, "–"),
    ("visit_duration", 75.9, "1:15"),
    ("bytes", 999, "999 B"),
    ("bytes", 1000, "1.0 kB"),
    ("bytes", 2_500_000_000_000_000, "2,500.0 TB"),
]


@pytest.mark.parametrize("metric, value, expected", SHOWN)
def test_numbers_are_shown_in_the_unit_of_a_reader(metric, value, expected):
    assert shown(metric, value) == expected
