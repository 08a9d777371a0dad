"""How hits get out of a page: beacon, fetch, pixel, and under which policies."""

from __future__ import annotations

import pytest

from tests.browser.rig import Site, html

pytestmark = pytest.mark.browser

NO_BEACON = "<script>navigator.sendBeacon = () => false</script>"
NO_FETCH = "<script>window.fetch = () => Promise.reject(new TypeError('blocked'))</script>"


def ways(site: Site) -> list[str]:
    return [f"{hit.method} {hit.target.split('?')[0]}" for hit in site.hits]


@pytest.mark.parametrize(
    "blocked",
    [
        NO_BEACON,
        "<script>delete Navigator.prototype.sendBeacon</script>",
        "<script>navigator.sendBeacon = () => { throw new Error('blocked') }</script>",
    ],
)
def test_where_beacons_are_blocked_a_request_outlives_the_page(site: Site, blocked: str) -> None:
    site.page("/a", head=blocked)
    site.open("/a").close()
    site.told(1)
    assert ways(site) == ["POST /api/event"]
    assert site.views() == {"/a": 1}


@pytest.mark.parametrize("fetch", [NO_FETCH, "<script>delete window.fetch</script>"])
def test_where_requests_are_blocked_too_the_pixel_counts(site: Site, fetch: str) -> None:
    site.page("/a", head=NO_BEACON + fetch)
    page = site.open("/a?x=1", referrer="https://www.google.com/")
    site.told(1)
    page.evaluate("tallylog('order', { plan: 'pro & more', p: 'reserved' }, 9.5)")
    site.told(2)
    assert ways(site) == ["GET /pixel.gif"] * 2
    found = site.ask(["views", "events"], ["page", "source", "origin", "screen"])
    assert found == {("/a", "Google", "script", "1280"): [1, 1]}
    assert site.ask(["events"], ["event", "prop:plan"]) == {("order", "pro & more"): [1]}


def policy(site: Site, connect: str) -> str:
    ours = site.tallylog.address
    return (
        f"default-src 'none'; script-src {ours}; img-src {ours}; style-src 'self';"
        f" connect-src {connect}; require-trusted-types-for 'script'"
    )


ITEM = '<p data-analytics-track data-content-type="post" data-content-id="7">x</p>'


def test_a_policy_that_forbids_connections_leaves_the_pixel(site: Site) -> None:
    site.put("/a", html("a", site.snippet(), ITEM), Content_Security_Policy=policy(site, "'none'"))
    page = site.open("/a")
    site.told(2)
    page.evaluate("tallylog('end')")
    site.told(3)
    assert ways(site) == ["GET /pixel.gif"] * 3
    found = site.ask(["views", "content_views", "events"], ["page", "origin"])
    assert found == {("/a", "script"): [1, 1, 1]}


def test_a_policy_that_only_reports_changes_nothing(site: Site) -> None:
    only = policy(site, "'none'")
    site.put("/a", html("a", site.snippet(), ""), Content_Security_Policy_Report_Only=only)
    page = site.open("/a")
    site.told(1)
    page.evaluate("tallylog('end')")
    site.told(2)
    assert ways(site) == ["POST /api/event"] * 2
    assert site.ask(["views", "events"]) == {(): [1, 1]}


def test_the_script_works_under_the_strictest_policy_and_violates_none(site: Site) -> None:
    strict = policy(site, site.tallylog.address)
    site.put(
        "/a",
        html("a", site.snippet(outbound="", exclude="/b*"), ITEM),
        Content_Security_Policy=strict,
    )
    page = site.open("/a")
    site.told(2)
    assert sorted(ways(site)) == ["POST /api/event", "POST /api/track-view/"]
    assert not [text for text in site.said if "Policy" in text or "thrown" in text]
    assert site.ask(["views", "content_views"]) == {(): [1, 1]}
    page.close()


def test_a_page_whose_collector_is_gone_notices_nothing(site: Site) -> None:
    site.page("/a", body=ITEM, endpoint="http://127.0.0.1:9/")
    page = site.open("/a")
    site.refused(page, "track-view/")
    page.evaluate("tallylog('end', {}, 1); tallylog(); tallylog(Symbol.iterator, {}, 1n)")
    assert not [text for text in site.said if text.startswith("thrown")]
    assert site.hits == []


def test_an_odd_page_breaks_nothing(site: Site) -> None:
    odd = """<script>
      Object.defineProperty(window, "localStorage", { get() { throw new Error("forbidden") } })
      delete window.IntersectionObserver
      window.tallylog = { q: 7 }
      const circle = {}; circle.circle = circle
    </script>"""
    site.page("/a", head=odd)
    page = site.open("/a")
    site.told(1)
    page.evaluate("tallylog('circle', circle); tallylog('end')")
    site.told(2)
    assert not [text for text in site.said if text.startswith("thrown")]
    assert site.ask(["views", "events"]) == {(): [1, 1]}


def test_a_pinned_script_is_loaded_and_a_changed_one_refused(site: Site) -> None:
    from webapp.snippet import snippet

    pinned = snippet(site.name, site.tallylog.address, integrity=True)
    site.put("/good", html("good", pinned, ""))
    site.put("/bad", html("bad", pinned.replace("sha384-", "sha384-A"), ""))
    page = site.open("/bad")
    assert page.evaluate("typeof tallylog") == "undefined"
    site.open("/good")
    site.told(1)
    assert site.views() == {"/good": 1}


def test_hits_may_go_through_a_folder_of_the_sites_own_server(site: Site) -> None:
    site.page("/a", endpoint="/stats")
    site.open("/a")
    site.told(1)
    assert site.views() == {"/a": 1}
