"""Who works on a store is told by its lock, not by what it wrote."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline import exclusions, status
from pipeline.alone import alone, holder
from pipeline.catalog import Catalog
from pipeline.errors import StoreError

HOLD = """
import signal, sys
from pathlib import Path
from pipeline.alone import alone
signal.signal(signal.SIGHUP, lambda *_: print("told", flush=True))
with alone(Path(sys.argv[1])):
    print("holds", flush=True)
    sys.stdin.read()
"""


def test_a_new_rule_is_told_to_the_one_that_holds_the_store(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path)
    held = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert held.stdin is not None and held.stdout is not None
    with held:
        assert held.stdout.readline() == "holds\n"
        assert holder(tmp_path) == held.pid
        with pytest.raises(StoreError, match=str(held.pid)), alone(tmp_path):
            pass
        exclusions.add(catalog, "agents", "*Monitor*")
        assert held.stdout.readline() == "told\n"
        held.stdin.close()
    assert holder(tmp_path) is None
    catalog.close()


def test_nobody_is_signalled_where_no_ingest_holds_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {"pid": 1, "time": time.time(), "sources": []}
    (tmp_path / status.NAME).write_text(json.dumps(told), "utf-8")
    (tmp_path / "ingest.lock").write_text("1", "utf-8")
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr("pipeline.exclusions.os.kill", lambda *given: sent.append(given))
    catalog = Catalog(tmp_path)
    exclusions.add(catalog, "agents", "*Monitor*")
    assert sent == []

    def gone(pid: int, number: int) -> None:
        sent.append((pid, number))
        raise ProcessLookupError

    monkeypatch.setattr("pipeline.exclusions.holder", lambda _: 7)
    monkeypatch.setattr("pipeline.exclusions.os.kill", gone)
    exclusions.add(catalog, "agents", "*Other*")
    assert sent == [(7, signal.SIGHUP)]
    catalog.close()
