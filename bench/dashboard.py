"""How long the dashboard takes: the server's time and bytes, and a browser's until it has painted.

    python -m bench.dashboard                       # a small store that is made for it
    python -m bench.dashboard --records 30000000 --browser       # two minutes, 0.6 GB
    python -m bench.dashboard --records 0

The records are those of a month, of which the raw events of the last week still live; the page
shows the last half of it compared with the first. Cold is the first page of a new process, warm the
page again, "other" a page of which nothing was asked before. Bytes are those of the page and of all
it loads, with gzip.
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
from collections.abc import Iterator, Sequence
from typing import Any

from bench.query_store import DAYS, fill_month
from pipeline.catalog import Catalog
from pipeline.config import Config

SITE = "site000"
AROUND = f"from=2026-03-{DAYS // 2 + 1:02}&to=2026-03-{DAYS:02}"
TIMES = 20
#: Of which the median is told.
PROCESSES = 5


def config(data: Path) -> Config:
    site = {"name": SITE, "public": True}
    return Config.model_validate({"site": [site], "store": {"data": str(data)}})


def serve(data: Path) -> None:
    """In a process of its own: the times of one server, as JSON."""
    began = time.perf_counter()
    from webapp import create_app
    from webapp.serve import prepare

    app = create_app(config(data))
    prepare(app)
    client = app.test_client()
    started = time.perf_counter() - began
    pages = list(addresses())
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


def addresses() -> Iterator[str]:
    """Pages that are asked one after the other; each by a filter that the others have not."""
    yield f"/s/{SITE}/?{AROUND}"
    for number in range(8):
        yield f"/s/{SITE}/?{AROUND}&f=country==country {number}"


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


def painted(data: Path) -> dict[str, float]:
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
            page.goto(f"http://127.0.0.1:{port}{next(addresses())}", wait_until="load")
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
    parser.add_argument("--records", type=int, default=150_000, help="records of the month")
    parser.add_argument("--data", type=Path, help="a store to keep and use again")
    parser.add_argument("--browser", action="store_true", help="ask a browser, too")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        return serve(asked.data)
    with tempfile.TemporaryDirectory() as folder:
        data = asked.data or Path(folder, "data")
        if not data.exists():
            began = time.perf_counter()
            make(data, asked.records)
            print(f"made in {time.perf_counter() - began:.0f} s")
        _print(data.resolve(), asked.records, asked.browser)


def make(data: Path, records: int) -> None:
    if records:
        fill_month(data, records // DAYS)
    else:
        Catalog(data).close()


def _said(command: Sequence[str | Path]) -> str:
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


def _print(data: Path, records: int, browser: bool) -> None:
    command = (sys.executable, "-m", "bench.dashboard", "--serve", "--data", data)
    runs = [json.loads(_said(command)) for _ in range(PROCESSES)]
    told = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    print(f"{records:,} records of {DAYS} days")
    for name in ("start", "cold", "warm", "other"):
        print(f"  {name:6}{told[name] * 1000:9.0f} ms")
    print(f"  page  {told['page'] / 1000:9.1f} kB, first load {told['all'] / 1000:.1f} kB, gzip")
    for name, milliseconds in painted(data).items() if browser else ():
        print(f"  {name}: {milliseconds:.0f} ms, p50 of {TIMES}")


if __name__ == "__main__":
    main()
