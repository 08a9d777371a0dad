"""Time Tallylog on a generated log against GoAccess and the bare tokenizer, and check its numbers.

    python -m bench.backfill --lines 1000000 10000000 --runs 3

All run in turn on the same file. Tallylog's time is that of `backfill` and `report` together, from
the start of each process to its end. A number that is not the true one ends the run with exit
code 1.
"""

from __future__ import annotations

import sys
from pathlib import Path

if not __package__:  # started as a file: make the project's folder importable, not this one
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import json
import os
import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench import check, generate, table
from bench.traffic import Plan
from bench.watch import Usage, run

ROOT = Path(__file__).resolve().parents[1]
TALLYLOG = (sys.executable, ROOT / "tallylog.py")

#: What a generated log depends on: a kept one is used only while these stay the same.
GENERATOR = sorted(
    path
    for name in ("odd", "render", "traffic", "truth", "vocabulary")
    for path in (ROOT / "bench").glob(f"{name}.*")
)


@dataclass(frozen=True, slots=True)
class Log:
    path: Path
    truth: dict[str, Any]

    @property
    def lines(self) -> int:
        return int(self.truth["records"])


def make_log(plan: Plan, work: Path) -> Log:
    """The log of a plan, generated unless an earlier run left it."""
    code = b"".join(file.read_bytes() for file in GENERATOR)
    key = f"{plan} {zlib.crc32(code)}"
    name = f"{plan.lines}-{zlib.crc32(key.encode()):08x}.log"
    path = work / name
    truth = generate.truth_path(path)
    if not truth.exists() or json.loads(truth.read_text())["file_bytes"] != path.stat().st_size:
        generate.write(plan, path)
    return Log(path, json.loads(truth.read_text()))


def tallylog(log: Log, work: Path, jobs: int) -> dict[str, Usage]:
    """Backfill and report into a new store; the check comes after, outside the time."""
    store = Path(tempfile.mkdtemp(prefix="store-", dir=work))
    command = (*TALLYLOG, "--data", store)
    try:
        filled = run(
            (*command, "backfill", "--site", "bench", "--jobs", str(jobs), "--json", log.path), work
        )
        report = run((*command, "report", "--site", "bench"), work)

        def ask(*words: str) -> Any:
            return check.parse(
                run((*command, "query", "--site", "bench", "--json", *words), work).output
            )

        check.check(log.truth, check.parse(filled.output), ask)
    finally:
        shutil.rmtree(store)
    return {"tallylog": filled + report, "  backfill": filled, "  report": report}


def goaccess(log: Log, work: Path, program: str, jobs: int) -> dict[str, Usage]:
    """GoAccess as its users run it; with several jobs where it knows how (1.9 and newer)."""
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


def measure(log: Log, work: Path, chosen: argparse.Namespace) -> dict[str, list[Usage]]:
    """Each in turn, as often as asked, so that a slow moment of the machine hits all."""
    found: dict[str, list[Usage]] = {}
    rounds: list[Callable[[], dict[str, Usage]]] = [
        lambda: tallylog(log, work, chosen.jobs),
        lambda: tokenizer(log, work, chosen.jobs),
    ]
    if shutil.which(chosen.goaccess):
        rounds.append(lambda: goaccess(log, work, chosen.goaccess, chosen.jobs))
    _warm(log.path)
    for _ in range(chosen.runs):
        for competitor in rounds:
            for name, usage in competitor().items():
                found.setdefault(name, []).append(usage)
    return found


def _warm(path: Path) -> None:
    with path.open("rb") as file:
        while file.read(1 << 24):
            pass


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--lines", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--paths", type=float, default=1.0, help="times as many distinct pages")
    parser.add_argument("--visitors", type=float, default=1.0, help="times as many visitors")
    parser.add_argument("--goaccess", default="goaccess", help="program to compare with")
    parser.add_argument("--work", type=Path, help="folder that keeps generated logs for later runs")
    parser.add_argument("--json", type=Path, help="file to write all measurements to")
    return parser.parse_args()


def main() -> None:
    chosen = arguments()
    with tempfile.TemporaryDirectory(prefix="tallylog-bench-") as temporary:
        work = (chosen.work or Path(temporary)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        sizes = {}
        for lines in chosen.lines:
            log = make_log(
                Plan(lines, chosen.days, paths=chosen.paths, visitors=chosen.visitors), work
            )
            found = measure(log, work, chosen)
            sizes[lines] = table.medians(found)
            print(table.render(lines, log.truth["file_bytes"], sizes[lines]), flush=True)
    if len(sizes) > 1:
        print(table.growth(sizes))
    if chosen.json:
        chosen.json.write_text(table.as_json(sizes))


if __name__ == "__main__":
    try:
        main()
    except check.Wrong as wrong:
        sys.exit(f"wrong numbers:\n{wrong}")
    except subprocess.CalledProcessError as failed:
        sys.exit(f"{failed}\n{failed.stderr.decode(errors='replace')}")
