"""Events of a page's own, automatic ones, and content that is seen."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.rig import Site, html, sent

pytestmark = pytest.mark.browser


def test_events_have_properties_and_a_value_and_may_come_before_the_script(site: Site) -> None:
    stub = """<script>
      window.tallylog = function () { (tallylog.q = tallylog.q || []).push(arguments) }
      tallylog("early", { place: "head" })
    </script>"""
    site.page("/a", head=stub)
    page = site.open("/a")
    site.told(2)
    page.evaluate("tallylog('comment', { section: 'news', long: true, words: 12 })")
    page.evaluate("tallylog('order', {}, 49.5)")
    site.told(4)
    found = site.ask(["events", "views"], ["event"])
    assert found == {(None,): [0, 1], ("early",): [1, 0], ("comment",): [1, 0], ("order",): [1, 0]}
    assert site.ask(["events"], ["prop:section"], "event==comment") == {("news",): [1]}
    assert site.ask(["events"], ["prop:words"], "event==comment") == {("12",): [1]}
    assert sorted(sent(hit).get("value", 0) for hit in site.hits) == [0, 0, 0, 49.5]
    assert site.ask(["visits", "bounces"]) == {(): [1, 0]}


LINKS = """
<a id="out" href="https://other.example/page?secret=1#x"><b>out</b></a>
<a id="own" href="/own">own</a>
<a id="file" href="/files/report.PDF?v=2">file</a>
<a id="far" href="https://other.example/tool.zip">far</a>
<a id="named" href="/export" download>export</a>
<a id="mail" href="mailto:a@b.example">mail</a>
<svg width="20" height="20">
  <a id="svg" href="https://other.example/svg"><rect width="20" height="20"/></a>
</svg>
<script>addEventListener("click", (e) => e.preventDefault())</script>
"""


def click_all(page: Page) -> None:
    for name in ("out", "own", "file", "far", "named", "mail"):
        page.click(f"#{name}")
    page.click("#svg rect")
    page.evaluate("tallylog('end')")


def test_clicks_on_links_are_events_where_the_settings_say_so(site: Site) -> None:
    site.page("/a", body=LINKS, outbound="", download="")
    page = site.open("/a")
    site.told(1)
    click_all(page)
    site.told(6)
    assert site.ask(["events"], ["event", "prop:url"], "event!=") == {
        ("outbound", "https://other.example/page"): [1],
        ("download", f"{site.address}/files/report.PDF"): [1],
        ("download", "https://other.example/tool.zip"): [1],
        ("download", f"{site.address}/export"): [1],
        ("end", None): [1],
    }


def test_clicks_on_links_are_no_events_otherwise(site: Site) -> None:
    site.page("/a", body=LINKS, outbound="false")
    page = site.open("/a")
    site.told(1)
    click_all(page)
    site.told(2)
    assert site.ask(["events"], ["event"], "event!=") == {("end",): [1]}


def test_the_settings_may_say_what_a_download_is(site: Site) -> None:
    site.page("/a", body=LINKS, download="zip, iso")
    page = site.open("/a")
    site.told(1)
    click_all(page)
    site.told(4)
    urls = {("https://other.example/tool.zip",): [1], (f"{site.address}/export",): [1]}
    assert site.ask(["events"], ["prop:url"], "event==download") == urls


def test_a_click_that_opens_another_tab_is_one_too(site: Site) -> None:
    link = f'<a id="out" href="http://other.localhost:{site.tallylog.sites.server_port}/">out</a>'
    site.page("/a", body=link, outbound="")
    page = site.open("/a")
    site.told(1)
    page.click("#out", button="middle")
    site.told(2)
    page.click("#out", button="right")
    page.click("#out")
    site.told(3)
    assert site.ask(["events", "views"]) == {(): [2, 1]}


def item(id: str, kind: str = "post", style: str = "", **more: str) -> str:
    extra = "".join(f' data-{name.replace("_", "-")}="{value}"' for name, value in more.items())
    tag = f'<p data-analytics-track data-content-type="{kind}" data-content-id="{id}"{extra}'
    return f'{tag} style="{style}">item {id}</p>'


def add(markup: str) -> str:
    return f"document.body.insertAdjacentHTML('beforeend', `{markup}`)"


def test_content_counts_once_when_it_is_seen(site: Site) -> None:
    below = item("below", style="margin-top: 3000px")
    site.page(
        "/a", body=item("one") + item("two", "video") + item("not", style="display: none") + below
    )
    page = site.open("/a")
    site.told(3)
    page.evaluate("scrollTo(0, 9999)")
    site.told(4)
    page.evaluate("scrollTo(0, 0)")
    page.evaluate("new Promise((seen) => requestAnimationFrame(() => requestAnimationFrame(seen)))")
    page.evaluate("tallylog('end')")
    site.told(5)
    assert site.ask(["content_views"], ["content_type", "content_id"], "content_id!=") == {
        ("post", "one"): [1],
        ("video", "two"): [1],
        ("post", "below"): [1],
    }
    assert site.ask(["views", "content_views", "visitors"]) == {(): [1, 3, 1]}


def test_content_that_is_added_or_changed_later_counts_too(site: Site) -> None:
    site.page("/a", body=item("one"))
    page = site.open("/a")
    site.told(2)
    page.evaluate(add(f"<section>{item('two')}</section>"))
    site.told(3)
    page.evaluate("document.querySelector('p').dataset.contentId = 'three'")
    site.told(4)
    page.evaluate(add("<p data-content-type=post data-content-id=four>4</p>"))
    page.evaluate("document.body.lastChild.setAttribute('data-analytics-track', '')")
    site.told(5)
    page.evaluate("document.querySelector('p').textContent = 'changed'")
    page.evaluate(add(item("five")))
    site.told(6)
    ids = site.ask(["content_views"], ["content_id"], "content_id!=")
    assert ids == {(name,): [1] for name in ("one", "two", "three", "four", "five")}


def test_content_says_how_it_was_seen_and_by_whom(site: Site) -> None:
    more = {"view_type": "listing", "view_source": "widget", "owner": "author 1"}
    site.page("/a", body=item("one", **more), viewer="reader 7", signed_in="true")
    site.page("/own", body=item("one", **more), viewer="author 1", signed_in="true")
    site.open("/a")
    site.told(2)
    site.open("/own")
    site.told(4)
    by = ["content_id", "view_type", "view_source", "signed_in"]
    found = site.ask(["content_views"], by, "content_id!=")
    assert found == {("one", "listing", "widget", True): [1]}


def test_content_without_a_known_type_is_refused_and_the_page_goes_on(site: Site) -> None:
    site.put("/a", html("a", site.snippet(), item("one", "nonsense")))
    page = site.open("/a")
    site.told(2)
    assert sorted(hit.status for hit in site.hits) == [202, 400]
    page.evaluate("tallylog('end')")
    site.told(3)
    assert site.ask(["views", "content_views", "events"]) == {(): [1, 0, 1]}
