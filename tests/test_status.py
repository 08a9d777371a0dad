"""What a running tailer says of itself: lag, troubles, commits; and what Prometheus is told."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipeline import metrics, status
from pipeline.access import keys
from pipeline.catalog import Catalog
from pipeline.config import Config
from pipeline.enrich.salts import Salts
from tallylog import main
from tests.live import configured, following
from tests.numbered_writer import line
from webapp import create_app


def lines(first: int, last: int) -> bytes:
    return b"".join(map(line, range(first, last)))


def sources(data: Path) -> list[dict[str, object]]:
    done = CliRunner().invoke(main, ["--data", str(data), "sources", "--json"])
    assert done.exit_code == 0, done.output
    return list(json.loads(done.output)["sources"])


def test_a_source_that_is_behind_says_how_far_and_since_when(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.tail.TURN_BYTES", 4096)
    monkeypatch.setattr("pipeline.tail.LEAST_BYTES", 4096)
    log, data = tmp_path / "access.log", tmp_path / "data"
    log.write_bytes(lines(0, 200))
    with following(data, configured(log, commit_seconds=60), start=False) as live:
        live.tail.turn()
        found = status.read(data)
        assert found is not None
        (source,) = found["sources"]
        whole = log.stat().st_size
        assert whole - 3 * 4096 < source["lag_bytes"] < whole - 4096 // 2
        assert source["lag_seconds"] > 0
        assert [s["lag_bytes"] for s in sources(data)] == [source["lag_bytes"]]
        live.settle()
        assert [(s["lag_bytes"], s["lag_seconds"]) for s in sources(data)] == [(0, 0.0)]
    assert [s["lag_bytes"] for s in sources(data)] == [None]


def test_a_status_that_is_old_is_of_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "access.log").write_bytes(lines(0, 10))
    data = tmp_path / "data"
    with following(data, configured(tmp_path / "access.log"), start=False) as live:
        live.settle()
        assert status.read(data) is not None
        now = time.time()
        monkeypatch.setattr("pipeline.status.time.time", lambda: now + status.FRESH_SECONDS)
        assert status.read(data) is None


def sample(text: str, name: str) -> float:
    (found,) = re.findall(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(found)


def test_prometheus_is_told_of_records_lag_commits_jobs_and_salts(tmp_path: Path) -> None:
    log, data = tmp_path / 'odd "name".log', tmp_path / "data"
    log.write_bytes(lines(0, 25) + b"what is this\n")
    with following(data, configured(log), start=False) as live:
        live.settle()
        CliRunner().invoke(main, ["--data", str(data), "maintain", "rollup"])
        text = metrics.render(data)
    assert sample(text, 'tallylog_records_total{site="s",outcome="page"}') == 25
    assert sample(text, 'tallylog_records_total{site="s",outcome="rejected"}') == 1
    path = str(log).replace('"', '\\"')
    assert sample(text, f'tallylog_lag_bytes{{site="s",paths="{path}"}}') == 0
    assert sample(text, 'tallylog_commits_total{outcome="done"}') >= 1
    assert sample(text, 'tallylog_job_failures{job="rollup"}') == 0
    assert sample(text, "tallylog_salts_alive") == len(Salts(data / "salts.db").states())
    assert sample(text, "tallylog_days_stale") == 0
    assert sample(text, "tallylog_ingest_up") == 1
    assert sample(metrics.render(data), "tallylog_ingest_up") == 0
    for name, (kind, _) in metrics.HELP.items():
        assert f"# TYPE {name} {kind}\n" in text


def test_the_web_application_says_whether_it_is_ready(tmp_path: Path) -> None:
    config = Config.model_validate({"store": {"data": tmp_path / "data"}})
    client = create_app(config).test_client()
    assert client.get("/readyz").status_code == 200
    assert client.get("/metrics").status_code == 302
    secret = keys.add(Catalog(tmp_path / "data"), "prometheus", "read", ["*"])
    scraped = client.get("/metrics", headers={"Authorization": f"Bearer {secret}"})
    assert scraped.text.startswith("# HELP tallylog_records_total")
    (tmp_path / "data" / "catalog.db").write_bytes(b"x" * 5000)
    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200
