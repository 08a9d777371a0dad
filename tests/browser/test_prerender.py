"""Pages that the browser loads in advance, in a browser that nothing drives."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.browser.rig import CHROMIUM, PERSON, QUIET, Site

pytestmark = pytest.mark.browser


@contextmanager
def visiting(address: str, profile: Path) -> Iterator[None]:
    """A browser of its own on a page that goes on by itself: one that is driven loads nothing in
    advance."""
    options = (*QUIET, *PERSON, "--headless=new", f"--user-data-dir={profile}")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen((CHROMIUM, *options, address), **quiet) as process:  # type: ignore[call-overload]
        try:
            yield
        finally:
            process.terminate()
            process.wait(20)


RULES = """<script type="speculationrules">
  { "prerender": [{ "source": "list", "urls": ["URL"], "eagerness": "immediate" }] }
</script>"""
#: What the page in advance does: an event, and a word to the test.
EARLY = """<script>
  addEventListener("load", () => { tallylog("early"); fetch("/is-" + document.prerendering) })
</script>"""
#: What the first page does half a second and more after the test says go.
LATER = """<script>
  setInterval(() => fetch("/go").then((answer) => answer.ok && setTimeout(() => WHAT, 700)), 100)
</script>"""


def in_advance(site: Site, what: str) -> None:
    """A page that loads another one in advance."""
    site.page("/", head=RULES.replace("URL", "/next"), body=LATER.replace("WHAT", what))
    site.page("/next", head=EARLY)


def go_on(site: Site) -> None:
    web = site.tallylog.sites.web
    web.wait(lambda: web.asked[site.host, "/is-true"] == 1)
    site.put("/go", "")


def test_a_page_loaded_in_advance_counts_when_it_is_shown(site: Site, tmp_path: Path) -> None:
    in_advance(site, "{ location = '/next' }")
    with visiting(site.address + "/", tmp_path):
        go_on(site)
        site.told(3)
    assert site.tallylog.sites.web.asked[site.host, "/next"] == 1
    assert site.ask(["views", "events"], ["page"]) == {("/",): [1, 0], ("/next",): [1, 1]}


def test_a_page_loaded_in_advance_and_never_shown_does_not_count(
    site: Site, tmp_path: Path
) -> None:
    in_advance(site, "tallylog('end')")
    with visiting(site.address + "/", tmp_path):
        go_on(site)
        site.tallylog.sites.web.wait(lambda: len(site.hits) > 1)
    assert site.ask(["views"], ["page"]) == {("/",): [1]}
