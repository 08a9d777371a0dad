"""Single-page applications: every path is a view, whatever the History API does beside."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.rig import Site, html, sent

pytestmark = pytest.mark.browser


def go(path: str, how: str = "pushState") -> str:
    return f"history.{how}({{}}, '', '{path}')"


def test_each_path_is_a_view_and_the_referrer_is_that_of_the_first(site: Site) -> None:
    site.page("/")
    page = site.open("/", referrer="https://duckduckgo.com/")
    site.told(1)
    page.evaluate(go("/b") + "; document.title = 'B'")
    site.told(2)
    page.evaluate(go("/c", "replaceState"))
    site.told(3)
    page.evaluate("history.back()")
    site.told(4)
    assert site.views() == {"/": 2, "/b": 1, "/c": 1}
    assert site.ask(["visits", "views"], ["source"]) == {("DuckDuckGo",): [1, 4]}
    assert [sent(hit)["t"] for hit in site.hits] == ["home", "B", "B", "B"]


def test_a_change_of_query_or_fragment_alone_is_no_view(site: Site) -> None:
    site.page("/a")
    page = site.open("/a?x=1#one")
    site.told(1)
    for path in ("/a?x=2", "/a#two", "?x=3#three"):
        page.evaluate(go(path))
        page.evaluate(go(path + "x", "replaceState"))
    page.evaluate(go("/a"))
    page.evaluate("location.hash = 'four'")
    page.evaluate("history.back()")
    # A view would be told before this one, which waits as long.
    page.evaluate("setTimeout(() => " + go("/end") + ", 150)")
    site.told(2)
    assert site.views() == {"/a": 1, "/end": 1}


def test_a_fragment_is_a_page_where_the_setting_says_so(site: Site) -> None:
    site.page("/app", hash="")
    page = site.open("/app#/one")
    site.told(1)
    page.evaluate("location.hash = '/two'")
    site.told(2)
    page.evaluate(go("/app?x=1#/two"))
    page.evaluate("history.back()")
    page.evaluate("setTimeout(() => history.back(), 150)")
    site.told(3)
    assert site.views() == {"/app%23/one": 2, "/app%23/two": 1}


def test_a_path_that_is_left_before_its_title_came_is_counted_all_the_same(site: Site) -> None:
    site.page("/")
    page = site.open("/")
    site.told(1)
    page.evaluate(f"{go('/b')}; {go('/c')}; {go('/d')}")
    page.close()
    site.told(4)
    assert site.views() == {"/": 1, "/b": 1, "/c": 1, "/d": 1}


def test_a_redirection_at_the_start_is_one_view_of_where_it_leads(site: Site) -> None:
    site.page(
        "/", body=f"<script>addEventListener('load', () => {go('/en/', 'replaceState')})</script>"
    )
    site.open("/")
    site.told(1)
    assert site.views() == {"/en/": 1}


def test_the_hook_of_the_docs_counts_views_and_events(site: Site) -> None:
    docs = (Path(__file__).parents[2] / "docs" / "tracking.md").read_text()
    hook = docs.split("    export function useTallylog", 1)[1].split("\n    }\n", 1)[0]
    use = f"""<script type="module">
      const useEffect = (effect) => queueMicrotask(effect)
      function useTallylog{hook} }}
      window.send = useTallylog("{site.name}", "{site.tallylog.address}")
      useTallylog("{site.name}", "{site.tallylog.address}")
    </script>"""
    site.put("/", html("home", use, ""))
    page = site.open("/")
    site.told(1)
    page.evaluate(go("/b"))
    page.evaluate("send('signup', { plan: 'pro' })")
    site.told(3)
    assert site.ask(["views", "events"], ["page"]) == {("/",): [1, 0], ("/b",): [1, 1]}


def test_what_an_application_gives_the_history_is_what_it_gets(site: Site) -> None:
    site.page("/")
    page = site.open("/")
    site.told(1)
    page.evaluate("history.pushState({ n: 7 }, '', '/b')")
    assert page.evaluate("history.state.n") == 7
    failed = "try { history.pushState({}, '', 'http://other.example/') } catch (e) { e.name }"
    assert page.evaluate(failed) == "SecurityError"
    site.told(2)
    assert site.views() == {"/": 1, "/b": 1}
