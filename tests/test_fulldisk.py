"""A disk that fills up is said so plainly; nothing is lost, and the next run goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench import generate
from bench.traffic import Plan
from pipeline.config import Config
from tests.outcome import answers, ledger
from tests.stores import Store

ROOT = Path(__file__).parents[1]
LINES = 20_000
Disk = Callable[[int], Path]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """Makes a disk of its own, of so many bytes."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    folder = tmp_path / "disk"
    folder.mkdir()

    def make(size: int) -> Path:
        how = ("-o", f"size={size}", "tmpfs", folder)
        if subprocess.run(("mount", "-t", "tmpfs", *how), check=False).returncode:
            pytest.skip("a small disk cannot be mounted here")
        return folder

    yield make
    if folder.is_mount():
        subprocess.run(("umount", folder), check=True)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    generate.write(Plan(lines=LINES, days=2), tmp_path / "access.log")
    return tmp_path / "access.log"


def backfill(data: Path, log: Path) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-m", "tests.small_steps", "--data", data, "backfill", "--site", "s")
    return subprocess.run(
        (*command, "--json", log), cwd=ROOT, capture_output=True, text=True, check=False
    )


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_a_full_disk_is_named_and_the_next_run_goes_on(
    disk: Disk, log: Path, tmp_path: Path
) -> None:
    undisturbed = Store(tmp_path / "undisturbed", Config())
    assert backfill(undisturbed.data, log).returncode == 0
    folder = disk(size(undisturbed.data) * 3 // 4)
    data = folder / "data"
    failed = backfill(data, log)
    assert failed.returncode == 1
    assert "The disk is full." in failed.stderr
    assert "Traceback" not in failed.stderr

    subprocess.run(("mount", "-o", "remount,size=64m", folder), check=True)
    resumed = backfill(data, log)
    assert resumed.returncode == 0, resumed.stderr
    summary = json.loads(resumed.stdout.removeprefix("begin\n"))
    assert summary["records"] == LINES
    assert 0 < summary["new_records"] < LINES
    assert answers(Store(data, Config())) == answers(undisturbed)
    assert ledger(data) == ledger(undisturbed.data)
