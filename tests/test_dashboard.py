"""The dashboard over the bundled log: what its pages show is what the questions answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from html import unescape
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from pipeline.catalog import Catalog
from pipeline.config import Config
from pipeline.maintain import retain
from pipeline.query import answer
from pipeline.question import parse
from pipeline.rollup import rollup
from tests.stores import SAMPLE, Store
from webapp import create_app
from webapp.charts import scale
from webapp.figures import FIGURES
from webapp.panels import PANELS, TILES, panels

SITE = "semicomplete.com"
DAYS = "range=&from=2015-05-17&to=2015-05-20"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    data = tmp_path_factory.mktemp("store")
    site = {"name": SITE, "hosts": [SITE, f"www.{SITE}"], "public": True}
    config = Config.model_validate({"site": [site], "store": {"data": str(data)}})
    found = Store(data, config)
    found.backfill(SAMPLE, site=SITE)
    return found


@pytest.fixture(scope="module")
def app(store: Store) -> Flask:
    return create_app(store.config)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def current(store: Store) -> Catalog:
    return Catalog(store.data)


def page(client: FlaskClient, address: str, status: int = 200) -> str:
    found = client.get(address)
    assert found.status_code == status, found.text
    return found.text


def rows(html: str) -> list[tuple[str, str]]:
    """The labels of a table with the value of its first metric."""
    found = re.findall(
        r'<th scope="row">.*?class="text">([^<]*)<.*?<td class="n"[^>]*>([^<]*)<', html, re.S
    )
    return [(unescape(label), value) for label, value in found]


def tabs() -> Iterator[tuple[str, str]]:
    for panel in PANELS:
        yield from ((panel.name, tab.name) for tab in panel.tabs if tab.available)


@pytest.mark.parametrize(("panel", "tab"), list(tabs()))
def test_a_tab_lists_what_the_question_answers(
    store: Store, client: FlaskClient, panel: str, tab: str
) -> None:
    found = rows(page(client, f"/s/{SITE}/list/{panel}/{tab}?{DAYS}"))
    asked = next(t for p in PANELS if p.name == panel for t in p.tabs if t.name == tab)
    days = ("2015-05-17", "2015-05-20")
    by = [name for name in (asked.within, asked.by) if name]
    question = parse(SITE, asked.metrics, by, *days, asked.filters, 100, asked.order)
    results = answer(current(store), question).results
    assert len(found) == len(results)
    if FIGURES[asked.metrics[0]].form == "compact" and not asked.first:
        assert [value for _, value in found] == [f"{r['metrics'][0]:,}" for r in results]


def test_the_overview_shows_what_the_questions_answer(store: Store, client: FlaskClient) -> None:
    html = page(client, f"/s/{SITE}/?{DAYS}&compare=none")
    question = parse(SITE, TILES["people"], "", "2015-05-17", "2015-05-20")
    totals = answer(current(store), question).results[0]["metrics"]
    for value in (totals[0], totals[1], totals[2], totals[6]):
        assert f'title="{value:,}"' in html
    for panel in panels():
        tab, days = panel.tabs[0], ("2015-05-17", "2015-05-20")
        results = answer(
            current(store), parse(SITE, tab.metrics, tab.by, *days, tab.filters)
        ).results
        section = re.search(
            rf'<section class="card [^"]*" id="{panel.name}".*?</section>', html, re.S
        )
        assert section, panel.name
        largest = f"{results[0]['metrics'][0]:,}" if results else ""
        assert f'title="{largest}"' in section[0] or not results


def test_a_page_without_a_range_shows_the_latest_days_that_have_records(
    client: FlaskClient,
) -> None:
    html = page(client, f"/s/{SITE}/")
    assert "The last records are of May 20, 2015" in html
    assert "May 17\u2009–\u200920, 2015" in html


def test_a_range_without_records_names_the_nearest_that_has_some(client: FlaskClient) -> None:
    html = page(client, f"/s/{SITE}/?from=2020-01-01&to=2020-01-02")
    assert "Nothing in this range" in html
    assert "from=2015-05-19&amp;to=2015-05-20" in html


def test_a_filter_that_nothing_fits_can_be_removed(client: FlaskClient) -> None:
    assert "No record fits" in page(client, f"/s/{SITE}/?{DAYS}&f=page==/nothing-like-this")


def test_what_cannot_be_asked_says_why(client: FlaskClient) -> None:
    assert "There is no range" in page(client, f"/s/{SITE}/?range=fortnight", 400)
    assert "There is no dimension" in page(client, f"/s/{SITE}/?f=colour==red", 400)
    assert page(client, "/s/nowhere.example/", 302)


def test_a_filter_that_a_panel_cannot_apply_leaves_the_others(client: FlaskClient) -> None:
    html = page(client, f"/s/{SITE}/?{DAYS}&f=entry~/blog*")
    assert "can&#39;t be counted by entry" in html
    assert 'id="pages"' in html and "Bandwidth</span>" not in html


def test_who_is_here_now_is_told_as_a_stream(client: FlaskClient) -> None:
    assert "The last 30 minutes" in page(client, f"/s/{SITE}/live")
    answered = client.get(f"/live/{SITE}")
    said = iter(answered.response)
    assert "retry:" in str(next(said)) and '"visitors": 0' in str(next(said))
    answered.close()
    assert answered.content_type.startswith("text/event-stream")


def test_what_is_no_longer_kept_is_said_where_it_would_be_shown(
    store: Store, tmp_path: Path
) -> None:
    kept = store.config.store.model_copy(update={"data": tmp_path})
    later = Store(tmp_path, store.config.model_copy(update={"store": kept}))
    later.backfill(SAMPLE, site=SITE)
    rollup(current(later))
    retain(current(later), kept.retention, date.today() + timedelta(days=60))
    client = create_app(later.config).test_client()
    html = page(client, f"/s/{SITE}/?{DAYS}")
    assert 'title="10,000"' in html and "The raw events of all 4 days are gone" in html
    html = page(client, f"/s/{SITE}/?{DAYS}&f=country==US&f=device==desktop")
    assert "Not kept in such detail" in html and "No record fits" not in html


def test_a_page_that_is_asked_for_can_be_opened(client: FlaskClient) -> None:
    html = page(client, f"/s/{SITE}/?{DAYS}&f=page==/projects/xdotool/")
    assert f'href="https://{SITE}/projects/xdotool/"' in html


def test_every_line_of_the_log_is_in_the_account(client: FlaskClient) -> None:
    html = page(client, f"/s/{SITE}/?{DAYS}")
    assert "All 10,000 lines accounted for" in html
    shares = re.search(r'<ul class="shares">.*?</ul>', html, re.S)
    assert shares
    counts = re.findall(r"<b>([\d,]+)</b>", shares[0])
    assert sum(int(count.replace(",", "")) for count in counts) == 10_000


def test_a_list_is_searched_sorted_and_cut_into_pages(client: FlaskClient) -> None:
    address = f"/s/{SITE}/list/pages/page?{DAYS}"
    html = page(client, address)
    assert "1–100 of 236" in html
    assert "101–200 of 236" in page(client, f"{address}&offset=100")
    found = re.findall(r'class="text">([^<]+)<', page(client, f"{address}&search=blog"))
    assert found and all("blog" in one for one in found)


def test_the_reader_chooses_colours_and_language(client: FlaskClient) -> None:
    answered = client.get(f"/appearance?theme=dark&language=de&back=/s/{SITE}/")
    assert answered.headers["Location"] == f"/s/{SITE}/"
    html = page(client, f"/s/{SITE}/?{DAYS}")
    assert '<html lang="de" data-theme="dark">' in html
    assert client.get("/appearance?back=//elsewhere.example").headers["Location"] == "/"


def test_no_page_has_styles_or_scripts_of_its_own(client: FlaskClient) -> None:
    for address in ("/", f"/s/{SITE}/", f"/s/{SITE}/ledger", f"/s/{SITE}/list/bots/ai"):
        html = page(client, address)
        assert not re.search(r"<style|style=|<script(?! type=\"module\" src=)|\son\w+=", html)


def test_the_first_load_is_small(client: FlaskClient) -> None:
    html = page(client, f"/s/{SITE}/?{DAYS}")
    names = {*re.findall(r'(?:href|src)="(/static/[^"#]+)', html)}
    names |= {"/static/tips.js", "/static/live.js"}
    takes = {"Accept-Encoding": "gzip"}
    found = [client.get(name, headers=takes) for name in (f"/s/{SITE}/?{DAYS}", *names)]
    assert all(
        one.headers.get("Content-Encoding") == "gzip" for one in found if len(one.data) > 999
    )
    assert sum(len(one.data) for one in found) < 60_000


def test_numbers_are_written_as_the_reader_does(client: FlaskClient) -> None:
    html = client.get(f"/s/{SITE}/?{DAYS}", headers={"Accept-Language": "fr-FR"}).text
    assert "10\u202f000" in html


@pytest.mark.parametrize(
    ("largest", "counts", "marks"),
    [(1, True, [0, 1]), (3, True, [0, 1, 2, 3]), (97, True, [0, 25, 50, 75, 100])]
    + [(0.7, False, [0, 0.2, 0.4, 0.6, 0.8]), (0, True, [0, 1])],
)
def test_marks_of_a_chart_are_round(largest: float, counts: bool, marks: list[float]) -> None:
    assert scale(largest, counts) == pytest.approx(marks)


def test_the_map_is_drawn_from_the_file_beside_it() -> None:
    world = Path("webapp/static/world.svg").read_text("utf-8")
    assert {"FR", "US", "XK"} <= set(re.findall(r'id="(\w+)"', world))
