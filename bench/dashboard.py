"""How long the dashboard takes: the server's time and bytes, and a browser's until it has painted.

    python -m bench.dashboard                       # a small store that is made for it
    python -m bench.dashboard --records 1000000 --days 30 --browser

Cold is the first page of a new process, warm the page again, "other" a page of which nothing was
asked before. Bytes are those of the page and of all it loads, with gzip.
"""

from __future__ import annotations

import sys
from pathlib import Path

if not __package__:  # started as a file: make the project's folder importable, not this one
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import gzip
import json
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from typing import Any

from bench.parts import Shape, fill
from pipeline.catalog import Catalog
from pipeline.config import Config
from pipeline.rollup import rollup

SITE = "site000"
AROUND = "from=2026-03-01&to=2026-03-{last:02}"
TIMES = 20


def config(data: Path) -> Config:
    site = {"name": SITE, "public": True}
    return Config.model_validate({"site": [site], "store": {"data": str(data)}})


def serve(data: Path, days: int) -> None:
    """In a process of its own: the times of one server, as JSON."""
    began = time.perf_counter()
    from webapp import create_app
    from webapp.serve import prepare

    app = create_app(config(data))
    prepare(app)
    client = app.test_client()
    started = time.perf_counter() - began
    pages = list(addresses(days))
    timed = [_seconds(client, page) for page in (pages[0], *[pages[0]] * TIMES, *pages[1:])]
    sizes = {address: len(gzip.compress(client.get(address).data)) for address in loaded(client)}
    page = len(gzip.compress(client.get(pages[0]).data))
    told = {
        "start": started,
        "cold": timed[0],
        "warm": statistics.median(timed[1 : TIMES + 1]),
        "other": statistics.median(timed[TIMES + 1 :]),
        "page": page,
        "all": page + sum(sizes.values()),
    }
    print(json.dumps(told))


def addresses(days: int) -> Iterator[str]:
    """Pages that are asked one after the other; each by a filter that the others have not."""
    around = AROUND.format(last=min(days, 31))
    yield f"/s/{SITE}/?{around}"
    for number in range(8):
        yield f"/s/{SITE}/?{around}&f=country==country {number}"


def loaded(client: Any) -> set[str]:
    """What the page loads beside itself."""
    found = set(re.findall(r'(?:href|src)="(/static/[^"#]+)', client.get(f"/s/{SITE}/").text))
    for script in [one for one in found if one.endswith(".js")]:
        names = re.findall(r'from "\./([\w.]+)"', client.get(script).text)
        found |= {f"/static/{name}" for name in names}
    return found


def _seconds(client: Any, address: str) -> float:
    began = time.perf_counter()
    answer = client.get(address)
    assert answer.status_code == 200, answer.text[:500]
    return time.perf_counter() - began


def painted(data: Path, days: int) -> dict[str, float]:
    """First paint and complete load in a browser, over a real server."""
    from playwright.sync_api import sync_playwright

    from tests.browser.rig import ROOT, answering, free_port, launch

    port = free_port()
    toml = data.parent / "config.toml"
    text = (
        f'[[site]]\nname = "{SITE}"\npublic = true\n[store]\ndata = "{data}"\n[web]\nport = {port}'
    )
    toml.write_text(text)
    command = (sys.executable, ROOT / "tallylog.py", "--config", toml, "web")
    quiet: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **quiet) as server, sync_playwright() as playwright:
        answering(server, port)
        browser = launch(playwright)
        runs = []
        for _ in range(TIMES):
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{port}{next(addresses(days))}", wait_until="load")
            runs.append(page.evaluate(_PAINTED))
            page.close()
        browser.close()
        server.terminate()
    return {name: statistics.median(run[i] for run in runs) for i, name in enumerate(_NAMES)}


_NAMES = ("first paint", "load")
_PAINTED = """() => [
    performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0,
    performance.getEntriesByType('navigation')[0].loadEventEnd]"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--records", type=int, default=20_000, help="records a day")
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--data", type=Path, help="a store to keep and use again")
    parser.add_argument("--browser", action="store_true", help="ask a browser, too")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        return serve(asked.data, asked.days)
    with tempfile.TemporaryDirectory() as folder:
        data = asked.data or Path(folder, "data")
        if not data.exists():
            catalog = Catalog(data)
            fill(catalog, Shape(asked.records, days=asked.days))
            rollup(catalog)
            catalog.close()
        _print(data.resolve(), asked.days, asked.records, asked.browser)


def _print(data: Path, days: int, records: int, browser: bool) -> None:
    command = (
        sys.executable,
        "-m",
        "bench.dashboard",
        "--serve",
        "--data",
        data,
        "--days",
        str(days),
    )
    told = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    print(f"{records * days:,} records of {days} days")
    for name in ("start", "cold", "warm", "other"):
        print(f"  {name:6}{told[name] * 1000:9.0f} ms")
    print(f"  page  {told['page'] / 1000:9.1f} kB, first load {told['all'] / 1000:.1f} kB, gzip")
    for name, milliseconds in painted(data, days).items() if browser else ():
        print(f"  {name}: {milliseconds:.0f} ms, p50 of {TIMES}")


if __name__ == "__main__":
    main()
