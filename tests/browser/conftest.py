"""One Tallylog and one browser for all browser tests; each test has a site and a profile."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright, sync_playwright

from tests.browser.rig import CHROMIUM, PERSON, SITES, Site, Tallylog, launch, tallylog


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    if not CHROMIUM.exists():
        pytest.skip("chromium is not installed; `make test-browser` installs it")
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    started = launch(playwright, *PERSON)
    yield started
    started.close()


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tallylog]:
    with tallylog(tmp_path_factory.mktemp("tallylog")) as started:
        yield started


@pytest.fixture(scope="session")
def names() -> Iterator[str]:
    return (f"s{number}" for number in itertools.count() if number < SITES)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context()
    yield made
    made.close()


@pytest.fixture
def site(running: Tallylog, names: Iterator[str], context: BrowserContext) -> Site:
    return Site(next(names), running, context)
