"""How long questions take, over 30 days of events and over three years of daily statistics.

    python -m bench.query
    python -m bench.query --rows 1000000 --runs 20

Of the 30 days the last seven have their raw events, as by default; the others have statistics
alone. The questions are those of the dashboard; a page is all that it asks at once. `first` is
with a new engine, p50, p99 and CPU with the same one, `kept` with the answers of before. Beside
some of them is the same question as SQL written by hand for the same files, in DuckDB and, where it
is installed, in chdb (`pip install chdb`).
"""

from __future__ import annotations

import sys
from pathlib import Path

if not __package__:  # started as a file: make the project's folder importable, not this one
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import json
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from statistics import quantiles
from typing import Any

from bench.query_by_hand import by_hand
from bench.query_store import NOW, YEARS_SITE, fill_month, fill_years
from pipeline import query
from pipeline.cache import Cache
from pipeline.catalog import Catalog
from pipeline.engine import Engine, Limits
from pipeline.question import Query, from_dict
from webapp.panels import PANELS, TILES, Tab

LIMITS = Limits(threads=2, memory="512MB")
SITE = "site000"
TWO_FILTERS = {
    "country, device": ["country==country 3", "device==device 1"],
    "source, browser": ["source==source 3", "browser==browser 2"],
    "page, country": ["page==/page/2.html", "country==country 3"],
    "country, not page": ["country==country 3", "page!=/page/2.html"],
    "entry, page": ["entry==/page/2.html", "page!=/page/2.html"],
}
#: Goals in milliseconds.
GOALS = {"unfiltered": 100, "two filters": 250, "raw": 1000, "three years": 100}


def asked(metrics: str, by: str = "", filters: Sequence[str] = (), **more: Any) -> Query:
    given = {"site": SITE, "range": "30d", "metrics": metrics, "dimensions": by}
    return from_dict({**given, "filters": list(filters), **more})


def of_tab(tab: Tab, filters: Sequence[str] = ()) -> Query:
    return asked(",".join(tab.metrics), tab.by, [*tab.filters, *filters], limit=9, order=tab.order)


def page(filters: Sequence[str] = (), compare: str = "") -> list[Query]:
    """What one page of the dashboard asks."""
    tiles = [name for name in TILES["people"] if not filters or name not in ("hits", "bytes")]
    shown = [panel.tabs[0] for panel in PANELS]
    if any(text.startswith("entry") for text in filters):
        shown = [tab for tab in shown if tab.people]
    return [
        asked(",".join(tiles), "", filters, compare=compare),
        asked("visitors,views", "time:day", filters, compare=compare),
        *(of_tab(tab, filters) for tab in shown),
    ]


def milliseconds(work: Callable[[], object], runs: int) -> list[float]:
    found = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        found.append((time.perf_counter() - started) * 1000)
    return found


def spread(found: Sequence[float]) -> tuple[float, float]:
    """p50 and p99."""
    cuts = quantiles(found, n=100, method="inclusive") if len(found) > 1 else [found[0]] * 99
    return cuts[49], cuts[98]


class Asker:
    """Asks a store again and again, and prints a row of each."""

    def __init__(self, data: Path, runs: int) -> None:
        self.catalog, self.runs = Catalog(data), runs
        self.engine = Engine(LIMITS)

    def ask(self, queries: Sequence[Query], cache: Cache | None = None) -> list[query.Answer]:
        return query.answers(self.catalog, queries, engine=self.engine, cache=cache, now=NOW)

    def row(self, name: str, queries: Sequence[Query], goal: float | None = None) -> None:
        self.engine.close()
        self.engine = Engine(LIMITS)
        first = milliseconds(lambda: self.ask(queries), 1)[0]
        used = time.process_time()
        again = spread(milliseconds(lambda: self.ask(queries), self.runs))
        cpu = (time.process_time() - used) * 1000 / self.runs
        cache = Cache(300, 64_000_000)
        self.ask(queries, cache)
        kept = spread(milliseconds(lambda: self.ask(queries, cache), self.runs))
        source = "+".join({one.meta["source"]: 1 for one in self.ask(queries)})
        print(
            f"{name:34}{first:8.0f}{again[0]:8.0f}{again[1]:8.0f}{cpu:8.0f}{kept[0]:7.1f}"
            f"{goal or '':>7}  {source}",
            flush=True,
        )


HEAD = f"{'ms':34}{'first':>8}{'p50':>8}{'p99':>8}{'CPU':>8}{'kept':>7}{'goal':>7}  from"


def month(data: Path, runs: int) -> None:
    asker = Asker(data, runs)
    print(HEAD)
    asker.row("a page of the dashboard", page())
    asker.row("the same, compared", page(compare="previous"))
    for panel in PANELS:
        for tab in panel.tabs:
            asker.row(f"  {panel.name}: {tab.name}", [of_tab(tab)], GOALS["unfiltered"])
    for name, filters in TWO_FILTERS.items():
        asker.row(f"a page by {name}", page(filters))
        asker.row(f"  totals by {name}", [page(filters)[0]], GOALS["two filters"])
        asker.row(f"  pages by {name}", [page(filters)[2]], GOALS["two filters"])
        asker.row(f"  sources by {name}", [page(filters)[3]], GOALS["two filters"])
    week = {"range": "7d", "limit": 20}
    records = asked("hits,bytes", "page", ["country==country 3", "status==200"], **week)
    asker.row("top 20 of raw events: hits", [records], GOALS["raw"])
    people = asked("visitors,visits,views", "page", ["browser==browser 2", "hour!=3"], **week)
    asker.row("top 20 of raw events: visitors", [people], GOALS["raw"])
    print(f"{memory():.0f} MiB of memory at most", flush=True)
    by_hand(asker.catalog, asker.ask, runs)


def years(data: Path, runs: int) -> None:
    asker = Asker(data, runs)
    span = {"site": YEARS_SITE, "range": "", "from": "2023-03-31", "to": "2026-03-30"}
    print(f"\nthree years, 50 sites\n{HEAD}")
    for name, metrics, by in (
        ("totals", "visitors,visits,views,hits,bytes", ""),
        ("by month", "visitors,views", "time:month"),
        ("by source", "visitors,visits", "source"),
        ("top pages", "visitors,views", "page"),
    ):
        asked = from_dict({**span, "metrics": metrics, "dimensions": by, "limit": 40})
        asker.row(name, [asked], GOALS["three years"])
    print(f"{memory():.0f} MiB of memory at most")


def memory() -> float:
    """MiB of this process at most so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=50_000, help="records of a day")
    parser.add_argument("--runs", type=int, default=11)
    parser.add_argument("--days", type=int, default=1096, help="days of the years")
    parser.add_argument("--data", type=Path, help="keep the stores here, and use them again")
    parser.add_argument("--ask", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.ask:
        {"month": month, "years": years}[given.ask](given.data / given.ask, given.runs)
        return
    with tempfile.TemporaryDirectory(prefix="tallylog-query-") as folder:
        work = given.data or Path(folder)
        for name, fill in (("month", fill_month), ("years", fill_years)):
            size = given.rows if name == "month" else given.days
            if not (work / name).exists():
                print(json.dumps({name: fill(work / name, size)}), flush=True)
            # Each in a process of its own, so that its memory is its own.
            again = ("--data", work, "--ask", name, "--runs", str(given.runs))
            subprocess.run([sys.executable, "-m", "bench.query", *map(str, again)], check=True)


if __name__ == "__main__":
    main()
