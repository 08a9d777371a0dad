"""The collector under the load of wrk, and its end at any moment."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from pipeline import journal
from tests.collector_server import serving
from tests.test_collector_server import counted

pytestmark = pytest.mark.live

CONNECTIONS = 32
LOAD = ("wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", "4s")
#: The kill comes when this much is in the journal.
FIRST_BYTES = 500_000
SCRIPT = Path(__file__).with_name("numbered_pixels.lua")


def written(folder: Path) -> int:
    return sum(file.stat().st_size for file in journal.folder(folder / "data").glob("*.ndjson"))


def test_what_wrk_was_answered_before_a_kill_is_counted_once(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        command = (*LOAD, "-s", str(SCRIPT), f"http://127.0.0.1:{server.port}")
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as load:
            while written(tmp_path) < FIRST_BYTES:
                assert load.poll() is None
            os.kill(server.worker(), signal.SIGKILL)
            server.stop(signal.SIGKILL)
            said, _ = load.communicate(timeout=60)
    answered = int(said.split()[-1])
    pages = counted(tmp_path, ["views"], ["page"])
    assert {tuple(views) for views in pages.values()} == {(1,)}
    assert 1000 <= answered <= len(pages) <= answered + CONNECTIONS
