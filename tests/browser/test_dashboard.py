"""What people do with the dashboard, in a real browser, with scripts and without."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from pipeline import exclusions, query
from pipeline.catalog import Catalog
from pipeline.question import from_dict
from tests.browser.dashboards import NAME, PASSWORD, SITE, Dashboard, dashboard
from tests.browser.rig import ROOT, answering, free_port
from webapp.panels import TILES, Tab, panels

pytestmark = pytest.mark.browser
ROWS = ".panel-body tbody tr"


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    with dashboard(tmp_path_factory.mktemp("dashboard")) as started:
        yield started


@pytest.fixture
def page(shown: Dashboard, context: BrowserContext) -> Page:
    """Signed in, at the overview; whatever a page says on the console is a mistake."""
    found = shown.sign_in(context)
    found.on("console", lambda message: pytest.fail(f"console: {message.text}"))
    found.on("pageerror", lambda error: pytest.fail(f"thrown: {error}"))
    shown.go(found, f"/s/{SITE}/")
    return found


@pytest.fixture(params=["with scripts", "without"])
def either(request: pytest.FixtureRequest) -> Page:
    """Journeys are the same with scripts and without."""
    name = "page" if request.param == "with scripts" else "without_scripts"
    found: Page = request.getfixturevalue(name)
    return found


@pytest.fixture
def without_scripts(shown: Dashboard, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(java_script_enabled=False)
    found = shown.sign_in(context)
    shown.go(found, f"/s/{SITE}/")
    yield found
    context.close()


def answers(shown: Dashboard, *wishes: dict[str, object]) -> list[list[dict[str, list[object]]]]:
    catalog = Catalog(shown.store.data)
    asked = [from_dict({"site": SITE, "range": "28d", **wish}) for wish in wishes]
    found = [one.results for one in query.answers(catalog, asked)]
    catalog.close()
    return found


def wish(tab: Tab) -> dict[str, object]:
    about = {"metrics": list(tab.metrics), "dimensions": [tab.by], "order": tab.order}
    return {**about, "filters": list(tab.filters)}


def first_metrics(page: Page, panel: str) -> list[str]:
    cells = page.locator(f"#{panel} {ROWS} td:nth-child(2)")
    return [str(cell.get_attribute("title")) for cell in cells.all()]


def test_every_panel_shows_what_the_query_answers(shown: Dashboard, page: Page) -> None:
    tabs = [(panel, panel.tabs[0]) for panel in panels()]
    totals, *found = answers(shown, {"metrics": list(TILES["people"])}, *(wish(t) for _, t in tabs))
    told = [str(t.get_attribute("title")) for t in page.locator(".tile-value").all()]
    for place in (0, 1, 2, 6):
        assert told[place] == f"{totals[0]['metrics'][place]:,}"
    for (panel, _), rows in zip(tabs, found, strict=True):
        expected = [f"{row['metrics'][0]:,}" for row in rows[: panel.rows]]
        assert first_metrics(page, panel.name) == expected, panel.name


@pytest.mark.parametrize("scripts", [True, False])
def test_a_first_run_begins_with_a_link_and_ends_at_the_numbers(
    tmp_path: Path, browser: Browser, scripts: bool
) -> None:
    context = browser.new_context(java_script_enabled=scripts)
    port = free_port()
    settings = f'[[site]]\nname = "{SITE}"\n[web]\nport = {port}\n'
    (tmp_path / "config.toml").write_text(settings)
    program = (sys.executable, ROOT / "tallylog.py", "--config", tmp_path / "config.toml")
    sample = ROOT / "data" / "samples" / "elastic_apache_logs.log"
    subprocess.run((*program, "backfill", "--site", SITE, sample), check=True, capture_output=True)
    with subprocess.Popen(
        (*program, "web"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as web:
        assert web.stdout
        link = re.search(r"http\S+", web.stdout.readline())
        assert link
        answering(web, port)  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(link[0])
        page.get_by_label("Name").fill(NAME)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_label("Password again").fill(PASSWORD)
        page.get_by_role("button", name="Begin").click()
        page.get_by_role("link", name=SITE).click()
        expect(page.get_by_text("All 10,000 lines accounted for")).to_be_visible()
        expect(page.get_by_text("The last records are of May 20, 2015")).to_be_visible()
        web.terminate()
    context.close()


def test_a_morning_look_goes_from_day_to_day_by_keys(page: Page) -> None:
    page.keyboard.press("e")
    expect(page.locator(".range-menu > summary")).to_contain_text("Yesterday")
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile(r"from=\d{4}-\d\d-\d\d&to="))
    page.go_back()
    expect(page.locator(".range-menu > summary")).to_contain_text("Yesterday")
    page.get_by_role("link", name=re.compile("^Bounce rate")).click()
    expect(page.locator(".tile.on")).to_contain_text("Bounce rate")
    page.locator(".slot rect").nth(3).hover()
    expect(page.locator(".tip")).to_contain_text("%")


def test_a_morning_look_needs_no_scripts(without_scripts: Page) -> None:
    page = without_scripts
    page.locator(".range-menu > summary").click()
    page.locator(".range-menu").get_by_role("link", name="Yesterday").click()
    expect(page.locator(".range-menu > summary")).to_contain_text("Yesterday")
    page.get_by_role("link", name="Earlier").click()
    expect(page).to_have_url(re.compile(r"from=\d{4}-\d\d-\d\d&to="))
    page.get_by_role("link", name=re.compile("^Bounce rate")).click()
    expect(page.locator(".tile.on")).to_contain_text("Bounce rate")
    page.get_by_text("As a table").click()
    expect(page.locator(".table-view tbody tr").first).to_contain_text("%")


def test_a_broken_link_is_found_with_who_sent_there(shown: Dashboard, either: Page) -> None:
    page = either
    page.locator("#delivery .tabs").get_by_role("link", name="Not found").click()
    expect(page.locator("#delivery [aria-current]")).to_have_text("Not found")
    row = page.locator(f"#delivery {ROWS} th a").first
    path = row.inner_text()
    row.click()
    expect(page.locator(".chip")).to_contain_text(path)
    page.locator("#delivery").get_by_role("link", name="Broken links").click()
    expect(page.locator("#delivery [aria-current]")).to_have_text("Broken links")
    (rows,) = answers(
        shown,
        {
            "metrics": ["hits"],
            "dimensions": ["referrer"],
            "filters": ["status==404", f"page=={path}"],
        },
    )
    expect(page.locator(f"#delivery {ROWS}")).to_have_count(min(9, len(rows)))


def test_what_an_ai_crawler_read_is_two_clicks_away(shown: Dashboard, either: Page) -> None:
    page = either
    row = page.locator(f"#bots {ROWS} th a").first
    name = row.inner_text()
    row.click()
    expect(page.locator(".chip")).to_contain_text(name)
    page.locator("#bots").get_by_role("link", name="Pages read").click()
    expect(page.locator("#bots [aria-current]")).to_have_text("Pages read")
    asked = {"metrics": ["hits"], "dimensions": ["page"]}
    (rows,) = answers(shown, {**asked, "filters": ["class==page", f"bot=={name}"]})
    assert first_metrics(page, "bots")[0] == f"{rows[0]['metrics'][0]:,}"


def test_a_site_is_shared_by_a_link(shown: Dashboard, either: Page, browser: Browser) -> None:
    page = either
    shown.go(page, "/settings/access")
    form = page.locator("form", has=page.get_by_role("button", name="Make a link"))
    form.get_by_label("Site").select_option(SITE)
    form.get_by_label("Only records").fill("device==mobile")
    form.get_by_role("button").click()
    link = re.search(r"http\S+", page.locator(".notice").inner_text())
    assert link
    guest = browser.new_context()
    visit = guest.new_page()
    visit.goto(link[0])
    expect(visit.locator(f"#devices {ROWS}")).to_have_count(1)
    expect(visit.locator(".trust")).to_have_count(0)
    guest.close()


def test_a_user_is_added_and_signs_in(shown: Dashboard, either: Page, browser: Browser) -> None:
    page, name = either, f"grace{time.monotonic_ns()}"
    shown.go(page, "/settings/access")
    form = page.locator("form", has=page.get_by_role("button", name="Add user"))
    form.get_by_label("Name").fill(name)
    form.get_by_label("Site").select_option(SITE)
    form.get_by_role("button").click()
    link = re.search(r"http\S+", page.locator(".notice").inner_text())
    assert link
    guest = browser.new_context()
    visit = guest.new_page()
    visit.goto(link[0])
    visit.get_by_label("Password", exact=True).fill(PASSWORD)
    visit.get_by_label("Password again").fill(PASSWORD)
    visit.get_by_role("button").last.click()
    expect(visit.locator(".site-card")).to_have_count(1)
    guest.close()


def test_an_office_is_excluded(shown: Dashboard, either: Page) -> None:
    page = either
    shown.go(page, "/settings/exclusions")
    page.locator("select[name=kind]").select_option("addresses")
    page.get_by_label("Pattern").fill("192.0.2.0/24")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("No address is kept")).to_be_visible()
    page.get_by_role("button", name="Leave it out from now on").click()
    expect(page.get_by_role("cell", name="Addresses")).to_be_visible()
    catalog = Catalog(shown.store.data)
    assert [rule.pattern for rule in exclusions.listed(catalog)] == ["192.0.2.0/24"]
    catalog.close()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("Nothing so far.")).to_be_visible()


def test_a_page_is_looked_at_by_itself_and_left_again(shown: Dashboard, page: Page) -> None:
    link = page.locator("#pages .details").nth(1)
    path = str(link.get_attribute("title") and page.locator("#pages .text").nth(1).inner_text())
    link.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(path)
    wished: list[dict[str, object]] = [
        {"metrics": ["visitors"], "filters": [f"page=={path}"]},
        {"metrics": ["visits"], "filters": [f"entry=={path}"]},
        {"metrics": ["visitors"], "dimensions": ["source"], "filters": [f"page=={path}"]},
    ]
    totals, entries, sources = answers(shown, *wished)
    tiles = page.locator(".tile-value")
    expect(tiles.first).to_have_text(str(totals[0]["metrics"][0]))
    expect(tiles.nth(3)).to_have_text(str(entries[0]["metrics"][0]))
    assert first_metrics(page, "sources") == [str(row["metrics"][0]) for row in sources[:9]]
    page.keyboard.press("w")
    expect(page.locator(".range-menu > summary")).to_contain_text("Last 7 days")
    expect(page.get_by_role("heading", level=1)).to_have_text(path)
    page.locator(f"#places {ROWS} th a").first.click()
    expect(page.locator(".chip")).to_contain_text("Country is")
    page.go_back()
    expect(page.locator(".chip")).to_have_count(0)
    page.go_back()
    expect(page.locator(".range-menu > summary")).to_contain_text("Last 28 days")
    page.get_by_role("link", name="← Overview").click()
    expect(page.locator("#pages h2")).to_have_text("Pages")


def test_an_event_leads_to_its_properties_and_their_values(shown: Dashboard, either: Page) -> None:
    page = either
    shown.go(page, f"/s/{SITE}/?range=7d")
    page.locator(f"#events {ROWS}").get_by_role("link", name="signup").click()
    expect(page.locator(".chip")).to_contain_text("Event is signup")
    expect(page.locator("#events [aria-current]")).to_have_text("Properties")
    page.locator(f"#events {ROWS}").get_by_role("link", name="plan").click()
    expect(page.locator("#events [aria-current]")).to_have_text("plan")
    asked = {"metrics": ["events"], "dimensions": ["prop:plan"], "range": "7d"}
    (rows,) = answers(shown, {**asked, "filters": ["event==signup"]})
    assert first_metrics(page, "events") == [str(row["metrics"][0]) for row in rows]
    page.locator(f"#events {ROWS} th a").first.click()
    expect(page.locator(".chip")).to_have_count(2)
    expect(page.locator(".tile-value").first).to_have_text(str(rows[0]["metrics"][0]))


def test_whose_requests_and_told_by_what_is_one_click(shown: Dashboard, either: Page) -> None:
    page = either
    shown.go(page, f"/s/{SITE}/?range=7d")
    page.get_by_role("link", name="Signed in", exact=True).click()
    expect(page).to_have_url(re.compile("who=signed_in"))
    page.get_by_role("navigation", name="Told by").get_by_role("link", name="API").click()
    expect(page).to_have_url(re.compile("origin=api"))
    held = {"filters": ["signed_in==true", "origin==api"], "range": "7d"}
    ((row,),) = answers(shown, {"metrics": ["visitors", "hits"], **held})
    expect(page.locator(".tile-value").first).to_have_text(str(row["metrics"][0]))
    expect(page.locator(".tile-value").nth(6)).to_have_text(str(row["metrics"][1]))


def test_a_value_becomes_a_filter_that_can_be_turned_and_removed(page: Page) -> None:
    page.locator(f"#places {ROWS} th a").first.click()
    expect(page.locator(".chip")).to_contain_text("Country is")
    page.locator(".chip-turn").click()
    expect(page.locator(".chip")).to_contain_text("is not")
    page.keyboard.press("Escape")
    expect(page.locator(".chip")).to_have_count(0)


def test_a_filter_is_made_by_hand(page: Page) -> None:
    page.keyboard.press("/")
    form = page.locator(".filter-menu form")
    form.get_by_label("How").select_option("~")
    form.get_by_label("Value").fill("/p*")
    form.get_by_role("button").click()
    expect(page.locator(".chip")).to_contain_text("Page is like /p*")
    for path in page.locator(f"#pages {ROWS} th .text").all_inner_texts():
        assert path.startswith("/p")


def test_a_country_is_chosen_on_the_map(page: Page) -> None:
    page.locator(".world use.s6").first.dispatch_event("click")
    expect(page.locator(".chip")).to_contain_text("Country is")


def test_the_keys_are_told(page: Page) -> None:
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("s")
    expect(page.get_by_role("link", name="All sites")).to_be_visible()


def test_colours_are_switched_and_stay(page: Page) -> None:
    page.locator("summary[aria-label=Appearance]").click()
    page.get_by_role("link", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_visitors_of_now_are_told_as_they_come(page: Page) -> None:
    expect(page.locator(".live b")).to_have_text("0")


STREAMS = """
    window.streams = [];
    window.EventSource = class extends EventSource {
      constructor(...all) { super(...all); window.streams.push(this); }
    };
"""
HIDE = """hidden => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
    return window.streams.map(stream => stream.readyState === 2);
}"""


def test_nothing_is_told_to_a_page_that_nobody_looks_at(
    shown: Dashboard, context: BrowserContext
) -> None:
    context.add_init_script(STREAMS)
    page = shown.sign_in(context)
    shown.go(page, f"/s/{SITE}/")
    expect(page.locator(".live b")).to_have_text("0")
    assert page.evaluate("window.streams.map(s => s.readyState)") == [1]
    assert page.evaluate(HIDE, True) == [True]
    assert page.evaluate(HIDE, False) == [True, False]


def test_all_of_it_works_without_scripts(without_scripts: Page) -> None:
    page = without_scripts
    page.locator("#sources").get_by_role("link", name="Channels").click()
    expect(page.locator("#sources [aria-current]")).to_have_text("Channels")
    page.locator(".range-menu > summary").click()
    page.locator(".range-menu").get_by_role("link", name="Last 7 days").click()
    expect(page.locator(".range-menu > summary")).to_contain_text("Last 7 days")
    expect(page.locator("#sources [aria-current]")).to_have_text("Channels")
    page.locator(".filter-menu > summary").click()
    page.get_by_label("Value").fill("/")
    page.get_by_role("button", name="Add filter").click()
    expect(page.locator(".chip")).to_contain_text("Page is /")
    page.locator("#bots .more").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("AI crawlers")
    page.get_by_label("Search").fill("GPT")
    page.get_by_role("button", name="Search").click()
    for name in page.locator(".list .text").all_inner_texts():
        assert "GPT" in name
    page.get_by_role("link", name="← Overview").click()
    page.locator("#pages .details").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("/")
    page.locator("#sources").get_by_role("link", name="Channels").click()
    expect(page.locator("#sources [aria-current]")).to_have_text("Channels")
    page.get_by_role("link", name="← Overview").click()
    page.locator("summary[aria-label=Appearance]").click()
    page.get_by_role("link", name="Deutsch").click()
    expect(page.locator("html")).to_have_attribute("lang", "de")
