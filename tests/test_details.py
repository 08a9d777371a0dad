"""All of one page or one content item, properties of events, and whose requests are counted: what
is shown is what `tallylog query` answers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from pipeline.catalog import Catalog
from pipeline.query import answer
from pipeline.question import from_dict
from tests.events import add, bot, event
from tests.test_dashboard import page, rows
from tests.web import application, configured

SITE, DAY = "open", "2026-03-01"
DAYS = f"from={DAY}&to={DAY}&compare=none"
GOOGLE = {"source": "Google", "channel": "search", "referrer": "google.com"}
FRENCH = {"country": "FR", "device": "mobile"}


def told(at: str, who: int, name: str, properties: str) -> dict[str, Any]:
    facts = {"class": "event", "event": name, "properties": properties, "origin": "script"}
    return event(at, "/shop", who, site=SITE, **facts)


def watched(at: str, who: int, kind: str, number: str) -> dict[str, Any]:
    """A content view."""
    facts = {"content_type": kind, "content_id": number, "origin": "script"}
    return event(at, "/shop", who, site=SITE, **facts)


ROWS = [
    event("09:00:00", "/", 1, site=SITE, **GOOGLE, **FRENCH),
    event("09:05:00", "/shop", 1, site=SITE, **FRENCH),
    event("09:06:00", "/end", 1, site=SITE, signed_in=True, **FRENCH),
    event("10:00:00", "/shop", 2, site=SITE, country="DE", device="desktop"),
    event("11:00:00", "/", 3, site=SITE, signed_in=False),
    event("11:01:00", "/shop", 3, site=SITE, origin="script"),
    bot("12:00:00", "/shop", site=SITE),
    bot("12:00:01", "/", site=SITE),
    told("09:07:00", 1, "signup", '{"plan": "gold", "from": "ad"}'),
    told("10:07:00", 2, "signup", '{"plan": "free"}'),
    told("11:07:00", 3, "signup", '{"plan": "gold"}'),
    told("11:08:00", 3, "save", '{"kind": "pdf"}'),
    watched("09:08:00", 1, "video", "7"),
    watched("10:08:00", 2, "video", "7"),
    watched("10:09:00", 2, "image", "7"),
]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("details")
    catalog = Catalog(folder)
    add(catalog, ROWS)
    catalog.close()
    return folder


@pytest.fixture(scope="module")
def client(data: Path) -> FlaskClient:
    client: FlaskClient = application(configured(data, (SITE,))).test_client()
    return client


def ask(data: Path, metrics: str, by: str = "", *filters: str) -> list[tuple[Any, ...]]:
    """What `tallylog query` answers."""
    catalog = Catalog(data)
    about = {"site": SITE, "metrics": metrics, "dimensions": by, "from": DAY, "to": DAY}
    results = answer(catalog, from_dict({**about, "filters": list(filters)})).results
    catalog.close()
    return [(*row["dimensions"], *row["metrics"]) for row in results]


def figures(html: str) -> dict[str, str]:
    """The large figures by their titles."""
    found = re.findall(r'tile-label">([^<]+)<.*?class="tile-value" title="([^"]*)"', html, re.S)
    return dict(found)


def panel(html: str, name: str) -> list[tuple[str, str]]:
    found = re.search(rf'<section class="card [^"]*" id="{name}".*?</section>', html, re.S)
    assert found, name
    return rows(found[0])


def test_a_page_has_all_its_figures_on_a_page_of_its_own(data: Path, client: FlaskClient) -> None:
    html = page(client, f"/s/{SITE}/about?of=page==/shop&{DAYS}")
    shown, held = figures(html), "page==/shop"
    ((visitors, views, visits, bots),) = ask(data, "visitors,views,visits,bot_hits", "", held)
    assert (visitors, views, visits, bots) == (3, 3, 3, 1)
    expected = {"Visitors": visitors, "Page views": views, "Visits": visits, "Bot requests": bots}
    assert expected.items() <= {k: int(v) for k, v in shown.items() if v.isdigit()}.items()
    ((entries,),) = ask(data, "visits", "", "entry==/shop")
    ((exits,),) = ask(data, "visits", "", "exit==/shop")
    assert (entries, exits) == (2, 2)
    assert (shown["Entries"], shown["Exits"]) == ("2", "2")
    assert '<h1 class="long">/shop</h1>' in html


PANELS = {
    "sources": ("source", "visitors", ()),
    "places": ("country", "visitors", ()),
    "devices": ("device", "visitors", ()),
    "events": ("event", "events", ("event!=",)),
    "pages": ("entry", "visits", ()),
    "bots": ("bot", "hits", ("bot!=",)),
}


@pytest.mark.parametrize("name", PANELS)
def test_the_panels_of_a_page_are_those_of_the_site_held_to_it(
    data: Path, client: FlaskClient, name: str
) -> None:
    by, metric, filters = PANELS[name]
    html = page(client, f"/s/{SITE}/about?of=page==/shop&bots=bot&{DAYS}")
    expected = ask(data, metric, by, *filters, "page==/shop")
    assert [count for _, count in panel(html, name)] == [str(row[1]) for row in expected]
    assert f"/list/{name}/" in html and "of=page%3D%3D/shop" in html


def test_a_page_of_details_is_a_state_like_others(client: FlaskClient) -> None:
    html = page(client, f"/s/{SITE}/about?of=page==/shop&{DAYS}")
    assert f"/s/{SITE}/about?of=page%3D%3D/shop&amp;range=7d" in html
    assert f'action="/s/{SITE}/about"' in html and 'name="of" value="page==/shop"' in html
    filtered = page(client, f"/s/{SITE}/about?of=page==/shop&{DAYS}&f=country==FR")
    assert figures(filtered)["Visitors"] == "1"
    assert "No record fits" in page(client, f"/s/{SITE}/about?of=page==/nowhere&f=os==X&{DAYS}")
    html = page(client, f"/s/{SITE}/about?of=page==/nowhere&{DAYS}")
    assert "No record fits" in html and "Back to the overview" in html
    html = page(client, f"/s/{SITE}/?{DAYS}&origin=pixel")
    assert "No record fits" in html and f'href="/s/{SITE}/?from={DAY}' in html
    for wrong in ("", "?of=country==FR", "?of=page"):
        assert "This cannot be answered" in page(client, f"/s/{SITE}/about{wrong}", 400)


def test_pages_lead_to_their_details(client: FlaskClient) -> None:
    for html in (
        page(client, f"/s/{SITE}/?{DAYS}"),
        page(client, f"/s/{SITE}/list/pages/entry?{DAYS}"),
    ):
        links = re.findall(r'class="details" href="([^"]+)" aria-label="([^"]+)"', html)
        assert ("Details of /") in [label for _, label in links]
        assert all("/about?of=page%3D%3D/" in link for link, _ in links)


def test_an_item_is_known_by_its_type_and_id(data: Path, client: FlaskClient) -> None:
    html = page(client, f"/s/{SITE}/?{DAYS}&pages=content")
    links = re.findall(r'class="details" href="([^"]+)"', html)
    assert sorted(re.findall(r"content_type%3D%3D(\w+)", " ".join(links))) == ["image", "video"]
    shown = page(client, next(x for x in links if "video" in x).replace("&amp;", "&"))
    held = ("content_type==video", "content_id==7")
    assert ask(data, "content_views,visitors", "", *held) == [(2, 2)]
    assert (figures(shown)["Content views"], figures(shown)["Visitors"]) == ("2", "2")
    expected = ask(data, "visitors,content_views", "page", *held)
    assert panel(shown, "pages") == [(row[0], str(row[1])) for row in expected]


def test_properties_of_events_are_listed_with_their_values(data: Path, client: FlaskClient) -> None:
    html = page(client, f"/s/{SITE}/?{DAYS}")
    assert panel(html, "events") == [("signup", "3"), ("save", "1")]
    assert "f=event%3D%3Dsignup&amp;events=properties" in html
    html = page(client, f"/s/{SITE}/?{DAYS}&f=event==signup&events=properties")
    assert panel(html, "events") == [("plan", "3"), ("from", "1")]
    assert "events=prop:plan#events" in html
    html = page(client, f"/s/{SITE}/?{DAYS}&f=event==signup&events=prop:plan")
    expected = ask(data, "events", "prop:plan", "event==signup", "prop:plan!=")
    assert (
        panel(html, "events")
        == [(v, str(n)) for v, n in expected]
        == [("gold", "2"), ("free", "1")]
    )
    assert "f=prop:plan%3D%3Dgold" in html
    ((events, visits, rate),) = ask(data, "events,conversions,conversion_rate", "", "event==signup")
    assert (events, visits) == (3, 3) and rate == 1
    assert (figures(html)["Events"], figures(html)["Visits with it"]) == ("3", "3")
    expected = ask(data, "events", "country", "event==signup")
    assert panel(html, "places") == [(COUNTRIES[c], str(n)) for c, n in expected]
    listed = page(client, f"/s/{SITE}/list/events/properties?{DAYS}&search=pl")
    assert rows(listed) == [("plan", "3")]
    (link,) = re.findall(r'download href="([^"]+as=csv[^"]*)"', listed)
    saved = client.get(link.replace("&amp;", "&"))
    assert saved.content_type.startswith("text/csv")
    assert saved.text.splitlines() == ['"prop:*","events"', '"plan",3']
    assert rows(page(client, f"/s/{SITE}/list/events/prop:plan?{DAYS}")) == panel(html, "events")


COUNTRIES = {None: "Unknown country", "FR": "France", "DE": "Germany"}
WHO = {
    "who=people": (),
    "who=signed_in": ("signed_in==true",),
    "who=anonymous": ("signed_in!=true",),
    "who=bots": ("bot!=",),
    "origin=script": ("origin==script",),
    "who=anonymous&origin=log": ("signed_in!=true", "origin==log"),
}


@pytest.mark.parametrize("state", WHO)
def test_switches_hold_all_figures_to_whom_they_say(
    data: Path, client: FlaskClient, state: str
) -> None:
    html = page(client, f"/s/{SITE}/?{DAYS}&{state}&delivery=class")
    ((hits,),) = ask(data, "hits", "", *WHO[state])
    assert figures(html)["Requests"] == str(hits)
    assert "aria-current" in re.search(r'aria-label="Whose requests".*?</nav>', html, re.S)[0]  # type: ignore[index]
