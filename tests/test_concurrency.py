"""A backfill, roll-ups and queries at the same time: no error, and no wrong total."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.reference import log
from tests.reference.statistics import answer
from tests.stores import SAMPLE, Store, configuration

ROOT = Path(__file__).parents[1]
QUESTIONS = (
    ("hits,views,visitors,visits", ""),
    ("hits,bytes", "date"),
    ("views,visits", "page"),
    ("visitors,visits", "source"),
    ("hits", "class"),
)


def start(store: Store, *words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(ROOT / "tallylog.py"), "--data", str(store.data), *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=store.data)


def result(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err.decode()
    found: dict[str, Any] = json.loads(out)
    return found


def halves(folder: Path) -> tuple[Path, Path]:
    """The sample's first two days, and the rest."""
    lines = SAMPLE.read_bytes().splitlines(keepends=True)
    cut = next(i for i, line in enumerate(lines) if b"[19/May/2015" in line)
    early, late = folder / "early.log", folder / "late.log"
    early.write_bytes(b"".join(lines[:cut]))
    late.write_bytes(b"".join(lines[cut:]))
    return early, late


def ask(store: Store, metrics: str, by: str, last: str) -> subprocess.Popen[bytes]:
    words = ["query", "--site", "s", "--metrics", metrics, "--json", "--to", last]
    return start(store, *words, *(["--by", by] if by else []))


def test_a_backfill_a_rollup_and_ten_queries_at_once(tmp_path: Path) -> None:
    early, late = halves(tmp_path)
    store = Store(tmp_path / "data", configuration({"s": "UTC"}))
    store.backfill(early)
    records = log.read(early.read_bytes(), "combined")[0]
    all_records = records + log.read(late.read_bytes(), "combined", number=2)[0]

    words = ["backfill", "--site", "s", "--format", "combined", "--json", str(late)]
    writer = start(store, *words)
    roller = start(store, "rollup", "--force", "--json")
    asked = [(m, by, ask(store, m, by, "2015-05-18")) for m, by in QUESTIONS]
    moving = [ask(store, "hits,views", "date", "2015-05-31") for _ in range(5)]

    assert result(writer)["known"] == 0
    result(roller)
    for metrics, by, process in asked:
        expected = answer(records, metrics.split(","), [by] if by else [])
        assert table(result(process)) == plain(expected)
    before = plain(answer(records, ["hits", "views"], ["date"]))
    after = plain(answer(all_records, ["hits", "views"], ["date"]))
    for process in moving:
        assert table(result(process)) in (before, after), "a total of half a commit"
    assert table(result(ask(store, "hits,views", "date", "2015-05-31"))) == after


def test_two_backfills_of_one_file_count_it_once(tmp_path: Path) -> None:
    store = Store(tmp_path / "data", configuration({"s": "UTC"}))
    store.data.mkdir()
    words = ["backfill", "--site", "s", "--format", "combined", "--json", str(SAMPLE)]
    summaries = [result(process) for process in [start(store, *words) for _ in range(3)]]
    assert sum(summary["new_records"] for summary in summaries) == 10_000
    assert [summary["records"] for summary in summaries] == [10_000] * 3
    assert store.ask(["hits"]) == {(): [10_000]}


def table(found: dict[str, Any]) -> dict[tuple[object, ...], list[object]]:
    rows = {tuple(row["dimensions"]): row["metrics"] for row in found["results"]}
    return {key: metrics for key, metrics in rows.items() if any(metrics)}


def plain(found: dict[tuple[object, ...], list[object]]) -> dict[tuple[object, ...], list[object]]:
    """Keys as JSON has them, and only rows in which something is counted."""
    return {
        tuple(str(part) if hasattr(part, "isoformat") else part for part in key): metrics
        for key, metrics in found.items()
        if any(metrics)
    }
