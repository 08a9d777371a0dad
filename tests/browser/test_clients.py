"""Clients that others have published, unmodified, against our endpoint."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.browser.rig import Site, html, sent

pytestmark = pytest.mark.browser
CLIENTS = ("plausible-tracker@0.3.9", "@plausible-analytics/tracker@0.4.6")


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clients, as npm has them."""
    folder = tmp_path_factory.mktemp("clients")
    npm = ("npm", "install", "--silent", "--ignore-scripts", "--no-audit", "--no-fund")
    subprocess.run((*npm, "--prefix", folder, *CLIENTS), check=True)
    return folder / "node_modules"


def serve(site: Site, folder: Path) -> None:
    """The modules of a folder, also under names without their ending, as they import each other."""
    for path in folder.rglob("*.js"):
        name = "/client/" + path.relative_to(folder).as_posix()
        for alias in (name, name.removesuffix(".js")):
            site.put(alias, path.read_text(), "text/javascript")


def module(text: str) -> str:
    return f'<script type="module">{text}</script>'


def test_the_older_client_of_plausible_counts_views_and_events(site: Site, modules: Path) -> None:
    serve(site, modules / "plausible-tracker" / "build" / "module")
    use = f"""
      import Plausible from "/client/index.js"
      const client = Plausible({{ domain: "{site.name}", apiHost: "{site.tallylog.address[:-1]}" }})
      client.enableAutoPageviews()
      client.trackEvent("signup", {{ props: {{ plan: "pro" }} }})
    """
    site.put("/a", html("a", module(use), ""))
    page = site.open("/a", referrer="https://www.google.com/")
    site.told(2)
    page.evaluate("history.pushState({}, '', '/b')")
    site.told(3)
    assert [hit.status for hit in site.hits] == [202] * 3
    assert site.views() == {"/a": 1, "/b": 1}
    assert site.ask(["events"], ["event", "prop:plan"], "event!=") == {("signup", "pro"): [1]}
    assert site.ask(["visits"], ["source", "origin"]) == {("Google", "script"): [1]}


def test_the_newer_client_of_plausible_counts_views_and_events(site: Site, modules: Path) -> None:
    serve(site, modules / "@plausible-analytics" / "tracker")
    use = f"""
      import {{ init, track }} from "/client/plausible.js"
      init({{ domain: "{site.name}", endpoint: "{site.tallylog.address}api/event" }})
      track("signup", {{ props: {{ plan: "pro" }}, revenue: {{ amount: 12.5, currency: "EUR" }} }})
    """
    site.put("/a", html("a", module(use), ""))
    page = site.open("/a")
    site.told(2)
    page.evaluate("history.pushState({}, '', '/b')")
    site.tallylog.sites.web.wait(lambda: "/b" in {sent(hit)["u"][-2:] for hit in site.hits})
    page.close()
    assert {hit.status for hit in site.hits} == {202}
    assert site.views() == {"/a": 1, "/b": 1}
    assert site.ask(["events"], ["event", "prop:plan"], "event!=") == {("signup", "pro"): [1]}
