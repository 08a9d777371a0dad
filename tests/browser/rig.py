"""What the browser tests share: Tallylog as it is run, web sites with its snippet, a browser."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, Playwright

from pipeline.config_file import load
from tests.browser.pages import HTML, Hit, Server, serve
from tests.browser.pages import Page as Served
from tests.live import Live, following
from tests.stores import Store, Table
from webapp.snippet import snippet

ROOT = Path(__file__).parents[2]
CHROMIUM = Path("/usr/bin/chromium")
#: A browser says that a program drives it, and then is not counted; these say that a person does.
AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/140.0.0.0 Safari/537.36"
)
PERSON = ("--disable-blink-features=AutomationControlled", f"--user-agent={AGENT}")
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"),
    *("--disable-component-update", "--no-first-run"),
)
SITES = 80


def launch(playwright: Playwright, *options: str) -> Browser:
    return playwright.chromium.launch(
        executable_path=CHROMIUM,
        args=[*QUIET, *options],
        ignore_default_args=["--disable-back-forward-cache"],
    )


@dataclass(slots=True)
class Tallylog:
    """`tallylog web` on a store of its own, and the web sites that it counts."""

    live: Live
    sites: Server
    _read: int = 0

    @property
    def address(self) -> str:
        return f"http://stats.localhost:{self.sites.server_port}/"

    def store(self) -> Store:
        """The store, into which all that was told so far has been read."""
        told = len(self.sites.web.hits)
        if told > self._read:
            self.live.settle()
            self._read = told
        return self.live.store


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def tallylog(folder: Path) -> Iterator[Tallylog]:
    port = free_port()
    sites = "".join(f'[[site]]\nname = "s{n}"\nhosts = ["s{n}.localhost"]\n' for n in range(SITES))
    settings = f"[web]\nport = {port}\n[collector]\nrate = 0\n[ingest]\nrescan_seconds = 0.05\n"
    (folder / "config.toml").write_text(sites + settings)
    config = load(folder / "config.toml")
    command = (sys.executable, ROOT / "tallylog.py", "--config", folder / "config.toml", "web")
    server = serve(port)
    with (
        (folder / "web.log").open("w") as log,
        subprocess.Popen(command, stderr=log) as process,
        following(config.store.data, config, start=False) as live,
    ):
        try:
            answering(process, port)
            yield Tallylog(live, server)
        finally:
            process.terminate()
            process.wait(20)
            server.shutdown()
            server.server_close()


def answering(process: subprocess.Popen[bytes], port: int) -> None:
    """Wait until the server takes connections."""
    for _ in range(400):
        with socket.socket() as found:
            if found.connect_ex(("127.0.0.1", port)) == 0:
                return
        with suppress(subprocess.TimeoutExpired):
            raise AssertionError(f"it ended with {process.wait(0.05)}")
    raise AssertionError("it takes no connections")


@dataclass(frozen=True, slots=True)
class Site:
    """A web site of its own for each test, and a browser that visits it."""

    name: str
    tallylog: Tallylog
    context: BrowserContext
    said: list[str] = field(default_factory=list)

    @property
    def host(self) -> str:
        return f"{self.name}.localhost"

    @property
    def address(self) -> str:
        return f"http://{self.host}:{self.tallylog.sites.server_port}"

    def put(self, path: str, body: str, type: str = HTML, **headers: str) -> None:
        named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
        self.tallylog.sites.web.pages[self.host, path] = Served(body.encode(), type, named)

    def page(self, path: str, body: str = "", head: str = "", **settings: str) -> None:
        """A page with the snippet, whose script has these settings as well."""
        title = path.strip("/") or "home"
        self.put(path, html(title, head + self.snippet(**settings), body))

    def snippet(self, **settings: str) -> str:
        written = snippet(self.name, self.tallylog.address)
        named = {name.replace("_", "-"): value for name, value in settings.items()}
        extra = "".join(f' data-{name}="{value}"' for name, value in named.items())
        return written.replace(" data-site=", f"{extra} data-debug data-site=", 1)

    def open(self, path: str = "/", referrer: str | None = None) -> Page:
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.said.append(f"thrown: {error}"))
        page.on("console", lambda message: self.said.append(message.text))
        page.goto(self.address + path, referer=referrer)
        return page

    @property
    def hits(self) -> list[Hit]:
        """What the collector has answered of this site."""
        found = self.tallylog.sites.web.hits
        marks = (f'"{self.name}"'.encode(), f"site={self.name}&")
        return [hit for hit in found if marks[0] in hit.body or marks[1] in hit.target + "&"]

    def told(self, count: int) -> None:
        """Wait until so many hits are answered, and see that there are no more."""
        self.tallylog.sites.web.wait(lambda: len(self.hits) >= count)
        assert len(self.hits) == count, self.hits

    def refused(self, page: Page, reason: str) -> None:
        """Wait until the script says that it does not count, and why."""
        words = f"tallylog: {reason}"
        if not any(text.startswith(words) for text in self.said):
            page.wait_for_event("console", lambda message: message.text.startswith(words))

    def ask(self, metrics: Sequence[str], by: Sequence[str] = (), *filters: str) -> Table:
        """What `tallylog query` answers in the end."""
        return self.tallylog.store().ask(metrics, by, filters, site=self.name)

    def views(self) -> dict[str, int]:
        """Views by page."""
        return {str(key[0]): int(str(n[0])) for key, n in self.ask(["views"], ["page"]).items()}


def html(title: str, head: str, body: str) -> str:
    head = f"<head><title>{title}</title>\n{head}</head>"
    return f"<!doctype html><html>{head}<body>{body}</body></html>"


def sent(hit: Hit) -> dict[str, Any]:
    """The JSON of a hit."""
    return dict(json.loads(hit.body))
