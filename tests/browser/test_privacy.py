"""Who is not counted, and what stays in the browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Playwright

from tests.browser.rig import PERSON, Site, launch

pytestmark = pytest.mark.browser


def test_one_can_leave_oneself_out_and_come_back(site: Site) -> None:
    site.page("/a")
    site.page("/b")
    page = site.open("/a#tallylog-ignore")
    site.refused(page, "ignored")
    assert page.evaluate("location.href") == site.address + "/a"
    page.evaluate("tallylog('unseen')")
    site.said.clear()
    page.goto(site.address + "/b")
    site.refused(page, "ignored")
    page.goto(site.address + "/b#tallylog-ignore")
    page.evaluate("tallylog('back')")
    site.told(1)
    page.reload()
    site.told(2)
    assert site.ask(["views", "events"], ["page"]) == {("/b",): [1, 1]}


def test_nothing_is_kept_in_the_browser_but_the_opt_out(site: Site) -> None:
    site.page("/a", viewer="reader 7")
    page = site.open("/a")
    site.told(1)
    stored = "[Object.keys(localStorage), Object.keys(sessionStorage), document.cookie]"
    assert page.evaluate(stored) == [[], [], ""]
    assert site.context.cookies() == []
    page.evaluate("location.hash = 'tallylog-ignore'")
    page.evaluate("tallylog('unseen')")
    site.refused(page, "ignored")
    assert page.evaluate(stored) == [["tallylog-ignore"], [], ""]
    assert site.ask(["views", "events"]) == {(): [1, 0]}


@pytest.mark.parametrize(
    ("signal", "value"), [("doNotTrack", "'1'"), ("globalPrivacyControl", "true")]
)
def test_who_asks_not_to_be_tracked_is_not(site: Site, signal: str, value: str) -> None:
    asks = f"<script>Object.defineProperty(navigator, '{signal}', {{ value: {value} }})</script>"
    site.page("/a", head=asks, body="<p data-analytics-track data-content-id=1>x</p>")
    page = site.open("/a")
    page.evaluate("tallylog('unseen')")
    site.refused(page, "privacy")
    page.close()
    site.page("/b")
    site.open("/b")
    site.told(1)
    assert site.ask(["views", "events"], ["page"]) == {("/b",): [1, 0]}


def test_a_browser_that_a_program_drives_is_not_counted(site: Site, playwright: Playwright) -> None:
    site.page("/a")
    browser = launch(playwright, PERSON[1])
    with browser, browser.new_page() as page:
        page.on("console", lambda message: site.said.append(message.text))
        page.goto(site.address + "/a")
        site.refused(page, "webdriver")
    site.open("/a")
    site.told(1)
    assert site.views() == {"/a": 1}


def test_excluded_pages_are_not_counted_nor_what_happens_on_them(site: Site) -> None:
    excluded = "/admin/*, /*.draft /exact"
    for path in ("/admin/users", "/post.draft", "/exact", "/exact/no", "/administration"):
        site.page(path, exclude=excluded)
    for path in ("/admin/users", "/post.draft", "/exact"):
        page = site.open(path)
        page.evaluate("tallylog('unseen')")
        page.close()
    site.open("/exact/no")
    site.told(1)
    page = site.open("/administration")
    site.told(2)
    page.evaluate("history.pushState({}, '', '/admin/x')")
    site.refused(page, "excluded")
    page.evaluate("setTimeout(() => history.pushState({}, '', '/end'), 150)")
    site.told(3)
    assert site.ask(["views", "events"], ["page"]) == {
        ("/exact/no",): [1, 0],
        ("/administration",): [1, 0],
        ("/end",): [1, 0],
    }
