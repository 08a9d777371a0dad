"""Numbers for Prometheus, in its text format (version 0.0.4): what the catalog and the status of
the tailer say. Each scrape asks anew; nothing is counted here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline import jobs, status
from pipeline.catalog import Catalog
from pipeline.enrich.salts import Salts

#: Values by their labels.
Samples = Iterable[tuple[Mapping[str, str], float]]

HELP = {
    "tallylog_records_total": ("counter", "Records read, by what became of them."),
    "tallylog_parts": ("gauge", "Files of events, by site."),
    "tallylog_days_stale": ("gauge", "Days that changed since their statistics were built."),
    "tallylog_salts_alive": ("gauge", "Salts not destroyed yet."),
    "tallylog_job_failures": ("gauge", "Runs of a job that failed since it last succeeded."),
    "tallylog_job_seconds": ("gauge", "How long the last run of a job took."),
    "tallylog_job_success_timestamp_seconds": ("gauge", "When a job last succeeded."),
    "tallylog_ingest_up": ("gauge", "Whether a tailer works on the store."),
    "tallylog_lag_bytes": ("gauge", "Bytes of a source that wait to be read."),
    "tallylog_lag_seconds": ("gauge", "For how long the file that waits longest does."),
    "tallylog_source_stuck": ("gauge", "Whether reading a source hangs."),
    "tallylog_source_errors_total": ("counter", "Times that a source could not be read."),
    "tallylog_commits_total": ("counter", "Transactions of the tailer, by how they ended."),
    "tallylog_commit_seconds_total": ("counter", "Time spent on transactions that succeeded."),
    "tallylog_commit_last_seconds": ("gauge", "How long the last transaction took."),
    "tallylog_collector_hits_total": ("counter", "Hits that the collector has written."),
    "tallylog_collector_refused_total": ("counter", "Hits that it did not take, or count."),
}


def render(data_dir: Path, more: Mapping[str, Samples] = {}) -> str:
    """`more` is what this very process counts.

    Raises `StoreError` where the catalog cannot be opened.
    """
    catalog = Catalog(data_dir)
    try:
        found = {**_of_catalog(catalog), **_of_tailer(status.read(data_dir)), **more}
    finally:
        catalog.close()
    return "\n".join(line for name in HELP for line in _lines(name, found.get(name, ()))) + "\n"


def _of_catalog(catalog: Catalog) -> dict[str, Samples]:
    records = Counter[tuple[str, str]]()
    for account in catalog.accounts():
        records[account.scope, account.outcome] += account.records
    parts = Counter(part.site for part in catalog.event_parts())
    states = jobs.states(catalog).values()
    salts = Salts(catalog.data_dir / "salts.db").states()
    return {
        "tallylog_records_total": [
            ({"site": site, "outcome": outcome}, n) for (site, outcome), n in records.items()
        ],
        "tallylog_parts": [({"site": site}, n) for site, n in parts.items()],
        "tallylog_days_stale": [({}, sum(d.stale and d.has_events for d in catalog.days()))],
        "tallylog_salts_alive": [({}, sum(destroyed is None for *_, destroyed in salts))],
        "tallylog_job_failures": [({"job": s.job}, s.failures) for s in states],
        "tallylog_job_seconds": [({"job": s.job}, s.seconds) for s in states],
        "tallylog_job_success_timestamp_seconds": [
            ({"job": s.job}, jobs.timestamp(s.succeeded)) for s in states if s.succeeded
        ],
    }


def _of_tailer(found: dict[str, Any] | None) -> dict[str, Samples]:
    if found is None:
        return {"tallylog_ingest_up": [({}, 0)]}
    commits = found["commits"]
    labelled = [
        ({"site": source["site"], "paths": " ".join(source["paths"])}, source)
        for source in (*found["sources"], *found.get("journal", ()))
    ]
    return {
        "tallylog_ingest_up": [({}, 1)],
        "tallylog_lag_bytes": [(labels, source["lag_bytes"]) for labels, source in labelled],
        "tallylog_lag_seconds": [(labels, source["lag_seconds"]) for labels, source in labelled],
        "tallylog_source_stuck": [(labels, source["stuck"]) for labels, source in labelled],
        "tallylog_source_errors_total": [(labels, source["errors"]) for labels, source in labelled],
        "tallylog_commits_total": [
            ({"outcome": outcome}, commits[outcome]) for outcome in ("done", "failed", "moved")
        ],
        "tallylog_commit_seconds_total": [({}, commits["total_seconds"])],
        "tallylog_commit_last_seconds": [({}, commits["seconds"])],
    }


def _lines(name: str, samples: Samples) -> Iterator[str]:
    kind, about = HELP[name]
    yield f"# HELP {name} {about}"
    yield f"# TYPE {name} {kind}"
    for labels, value in samples:
        text = ",".join(f'{label}="{_escaped(said)}"' for label, said in labels.items())
        yield f"{name}{{{text}}} {float(value):.15g}" if text else f"{name} {float(value):.15g}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
