"""The programs that are compared, each run as its users run it and measured as a whole."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import check
from bench.logs import Log
from bench.watch import Usage, run

ROOT = Path(__file__).resolve().parents[1]
TALLYLOG = (sys.executable, ROOT / "tallylog.py")


def tallylog(log: Log, work: Path, jobs: int) -> dict[str, Usage]:
    """Backfill and report into a new store; the check comes after, outside the time."""
    with tempfile.TemporaryDirectory(prefix="store-", dir=work) as store:
        command = (*TALLYLOG, "--data", store)
        read = ("backfill", "--site", "bench", "--jobs", str(jobs), "--json", "--report")
        filled = run((*command, *read, log.path), work)
        hold(log.truth, filled, command, work)
    return {"tallylog": filled}


def hold(truth: dict[str, Any], filled: Usage, command: Sequence[str | Path], work: Path) -> None:
    """Raise `check.Wrong` unless all numbers of the store are exact, of all its sites together."""

    def ask(*words: str) -> Any:
        return check.parse(run((*command, "query", "--json", *words), work).output)

    check.check(truth, check.parse(filled.output), ask)


def goaccess(log: Log, work: Path, program: str, jobs: int) -> dict[str, Usage]:
    """GoAccess; with several jobs where it knows how (1.9 and newer)."""
    out = work / "goaccess.json"
    command = (program, "--log-format=COMBINED", "--no-progress", "-o", out, log.path)
    found = {"goaccess": run(command, work)}
    known = subprocess.run((program, "--help"), capture_output=True, text=True, check=False)
    if jobs > 1 and "--jobs" in known.stdout:
        found[f"goaccess --jobs={jobs}"] = run((*command, f"--jobs={jobs}"), work)
    out.unlink()
    return found


def tokenizer(log: Log, work: Path, jobs: int) -> dict[str, Usage]:
    """The tokenizer's own seconds: its start-up is left out."""
    module = ROOT / "bench" / "tokenizer.py"
    usage = run((sys.executable, module, log.path, "--threads", str(jobs)), work)
    return {"tokenizer": Usage(float(usage.output), usage.cpu_seconds, usage.peak_mib)}
