"""Take a picture of every page and state, at three widths, light and dark.

python -m tests.browser.screenshots FOLDER [STATE …]
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.browser.dashboards import CLICKS, SITE, STATES, Dashboard, dashboard, trouble
from tests.browser.rig import launch

WIDTHS = {"phone": 390, "tablet": 820, "wide": 1360}
LINES = 60_000


def pictures(shown: Dashboard, page: Page, wanted: set[str]) -> Iterator[str]:
    for name, address in STATES.items():
        if not wanted or name in wanted:
            shown.go(page, address)
            yield name
    for name, (address, clicked) in CLICKS.items():
        if not wanted or name in wanted:
            shown.go(page, address)
            page.locator(clicked).click()
            yield name.replace(" ", "-")
    if not wanted or "trouble" in wanted:
        with trouble(shown):
            shown.go(page, f"/s/{SITE}/")
            yield "trouble"


def main(folder: Path, wanted: set[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    colours: Any
    with (
        tempfile.TemporaryDirectory() as place,
        dashboard(Path(place), LINES) as shown,
        sync_playwright() as playwright,
    ):
        browser = launch(playwright)
        for colours in ("light", "dark"):
            context = browser.new_context(color_scheme=colours, reduced_motion="reduce")
            page = shown.sign_in(context)
            for name in pictures(shown, page, wanted):
                for width, pixels in WIDTHS.items():
                    page.set_viewport_size({"width": pixels, "height": 900})
                    page.screenshot(path=folder / f"{name}-{width}-{colours}.png", full_page=True)
            context.close()
        browser.close()
    print(f"{len(list(folder.glob('*.png')))} pictures in {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), set(sys.argv[2:]))
