"""Pages and states of the dashboard are what WCAG 2.2 AA asks for, as far as axe-core can tell."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.dashboards import CLICKS, SITE, STATES, Dashboard, dashboard, trouble

pytestmark = pytest.mark.browser
AXE = "axe-core@4.14.1"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN = "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})"


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("axe")
    npm = ("npm", "install", "--silent", "--ignore-scripts", "--no-audit", "--no-fund")
    subprocess.run((*npm, "--prefix", folder, AXE), check=True)
    return Path(folder, "node_modules", "axe-core", "axe.min.js").read_text("utf-8")


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    with dashboard(tmp_path_factory.mktemp("dashboard")) as started:
        yield started


def violations(page: Page, axe: str) -> list[str]:
    page.evaluate(axe)
    found: dict[str, Any] = page.evaluate(RUN, RULES)
    return [
        f"{one['id']} ({one['impact']}): {node['target']} {node.get('failureSummary', '')[:300]}"
        for one in found["violations"]
        for node in one["nodes"][:3]
    ]


def states(shown: Dashboard, page: Page) -> Iterator[str]:
    """The page goes to each of them."""
    for name, address in STATES.items():
        shown.go(page, address)
        yield name
    for name, (address, clicked) in CLICKS.items():
        shown.go(page, address)
        page.locator(clicked).click()
        page.locator(".pop, dialog, .scroll").locator("visible=true").first.wait_for()
        yield name
    with trouble(shown):
        shown.go(page, f"/s/{SITE}/")
        yield "trouble"


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_axe_finds_nothing_on_any_page_and_state(
    shown: Dashboard,
    browser: Browser,
    axe: str,
    colours: Any,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # The script of axe is none of the page's own, so the policy of the page must let it pass.
    context = browser.new_context(color_scheme=colours, bypass_csp=True, reduced_motion="reduce")
    visitor = context.new_page()
    shown.go(visitor, "/login")
    found = {"login": violations(visitor, axe)}
    page = shown.sign_in(context)
    found |= {name: violations(page, axe) for name in states(shown, page)}
    context.close()
    wrong = [f"{name}: {text}" for name, texts in found.items() for text in texts]
    with capsys.disabled():
        print(f"\naxe-core, {colours}: {len(found)} pages and states, {len(wrong)} violations")
    assert not wrong, "\n".join(wrong)
