"""When the script counts a view, in a real browser; asked of Tallylog in the end."""

from __future__ import annotations

import pytest

from tests.browser.rig import Site, sent

pytestmark = pytest.mark.browser


def test_a_page_counts_one_view_and_says_who_came_and_how(site: Site) -> None:
    site.page("/a")
    site.open("/a?utm_campaign=spring", referrer="https://www.google.com/")
    site.told(1)
    assert site.ask(["views", "visitors", "visits"], ["page"]) == {("/a",): [1, 1, 1]}
    assert site.ask(["views"], ["source", "utm_campaign"]) == {("Google", "spring"): [1]}
    assert site.ask(["views"], ["browser", "os", "device"]) == {("Chrome", "Linux", "desktop"): [1]}
    told = ("script", "1280", "en-US")
    assert site.ask(["views"], ["origin", "screen", "language"]) == {told: [1]}
    assert sent(site.hits[0])["t"] == "a"


def test_reloading_a_page_is_another_view_of_the_same_visit(site: Site) -> None:
    site.page("/a")
    page = site.open("/a")
    site.told(1)
    page.reload()
    site.told(2)
    assert site.ask(["views", "visitors", "visits"]) == {(): [2, 1, 1]}


def test_a_page_that_is_closed_at_once_is_counted(site: Site) -> None:
    site.page("/a")
    site.open("/a").close()
    site.told(1)
    assert site.views() == {"/a": 1}


def test_a_view_survives_the_page_that_is_left_for_another_site(site: Site) -> None:
    site.page("/a")
    page = site.open("/a")
    page.goto("about:blank")
    site.told(1)
    assert site.views() == {"/a": 1}


def test_two_tabs_are_two_views_of_one_visit(site: Site) -> None:
    site.page("/a")
    site.page("/b")
    site.open("/a")
    site.open("/b")
    site.told(2)
    assert site.views() == {"/a": 1, "/b": 1}
    assert site.ask(["views", "visitors", "visits"]) == {(): [2, 1, 1]}


HIDDEN = """<script>
  let hidden = true
  Object.defineProperty(document, "visibilityState", { get: () => (hidden ? "hidden" : "visible") })
  function show() { hidden = false; document.dispatchEvent(new Event("visibilitychange")) }
</script>"""


def test_a_tab_in_the_background_counts_when_it_is_looked_at(site: Site) -> None:
    site.page("/never", head=HIDDEN)
    site.page("/later", head=HIDDEN)
    site.open("/never").close()
    page = site.open("/later")
    page.evaluate("tallylog('opened')")
    site.told(1)
    page.evaluate("show()")
    site.told(2)
    assert site.ask(["views", "events"], ["page"]) == {("/later",): [1, 1]}


def test_a_page_that_comes_back_from_the_memory_of_the_browser_is_a_view(site: Site) -> None:
    note = "<script>addEventListener('pageshow', (e) => { window.kept = e.persisted })</script>"
    site.page("/a", head=note)
    site.page("/b")
    page = site.open("/a", referrer="https://www.google.com/")
    site.told(1)
    page.goto(site.address + "/b")
    site.told(2)
    page.evaluate("history.back()")
    site.told(3)
    assert page.evaluate("window.kept") is True
    assert site.views() == {"/a": 2, "/b": 1}
    assert site.ask(["visits"], ["source"]) == {("Google",): [1]}


WORKER = """
self.addEventListener("install", (event) => {
  event.waitUntil(caches.open("pages").then((kept) => kept.add("/")).then(() => skipWaiting()))
})
self.addEventListener("activate", (event) => event.waitUntil(clients.claim()))
self.addEventListener("fetch", (event) => {
  if (event.request.mode == "navigate") event.respondWith(caches.match("/"))
})
"""


def test_a_page_that_a_service_worker_has_kept_is_counted_though_no_server_sees_it(
    site: Site,
) -> None:
    ready = "<script>navigator.serviceWorker.register('/worker.js')</script>"
    site.page("/", head=ready)
    site.put("/worker.js", WORKER, "text/javascript")
    page = site.open("/")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    site.told(1)
    web = site.tallylog.sites.web
    served = web.asked[site.host, "/"]
    del web.pages[site.host, "/"]
    page.reload()
    site.told(2)
    assert web.asked[site.host, "/"] == served
    assert site.views() == {"/": 2}


def test_without_javascript_the_pixel_counts_the_page(site: Site) -> None:
    site.page("/a")
    browser = site.context.browser
    assert browser
    plain = browser.new_context(java_script_enabled=False)
    plain.new_page().goto(site.address + "/a?utm_campaign=spring")
    site.told(1)
    plain.close()
    found = site.ask(["views", "visitors"], ["page", "origin", "utm_campaign"])
    assert found == {("/a", "pixel", "spring"): [1, 1]}


def test_a_script_that_stands_twice_in_a_page_counts_once(site: Site) -> None:
    site.page("/a", body=site.snippet())
    page = site.open("/a")
    site.told(1)
    page.evaluate("tallylog('end')")
    site.told(2)
    assert site.ask(["views", "events"]) == {(): [1, 1]}
