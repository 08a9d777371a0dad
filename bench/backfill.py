"""Time Tallylog on a generated log against GoAccess and the bare tokenizer, and check its numbers.

    python -m bench.backfill --lines 1000000 10000000 --runs 3
    python -m bench.backfill --packed --files 1000 --alone

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
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable

from bench import check, logs, programs, table
from bench.logs import Log, make_log
from bench.traffic import Plan
from bench.watch import Usage

Round = Callable[[], dict[str, Usage]]


def rounds(log: Log, work: Path, chosen: argparse.Namespace) -> list[Round]:
    """What is measured in turn."""
    found: list[Round] = [lambda: programs.tallylog(log, work, chosen.jobs)]
    if chosen.packed or chosen.files:
        found.append(_other(table.PACKED, logs.packed(log), work, chosen.jobs))
    if chosen.files:
        many = logs.scattered(log, chosen.files)
        found.append(_other(table.SCATTERED, many, work, chosen.jobs))
    if not chosen.alone:
        found.append(lambda: programs.tokenizer(log, work, chosen.jobs))
        if shutil.which(chosen.goaccess):
            found.append(lambda: programs.goaccess(log, work, chosen.goaccess, chosen.jobs))
    return found


def _other(name: str, log: Log, work: Path, jobs: int) -> Round:
    """Tallylog on the same bytes in another shape."""
    logs.warm(log)
    return lambda: {name: programs.tallylog(log, work, jobs)["tallylog"]}


def measure(log: Log, work: Path, chosen: argparse.Namespace) -> dict[str, list[Usage]]:
    """Each in turn, as often as asked, so that a slow moment of the machine hits all."""
    found: dict[str, list[Usage]] = {}
    in_turn = rounds(log, work, chosen)
    logs.warm(log)
    for _ in range(chosen.runs):
        for one in in_turn:
            for name, usage in one().items():
                found.setdefault(name, []).append(usage)
    return found


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--lines", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--paths", type=float, default=1.0, help="times as many distinct pages")
    parser.add_argument("--visitors", type=float, default=1.0, help="times as many visitors")
    parser.add_argument("--packed", action="store_true", help="also as one gzip file")
    parser.add_argument("--files", type=int, default=0, help="also as so many gzip files")
    parser.add_argument("--alone", action="store_true", help="Tallylog without the others")
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
            sizes[lines] = table.medians(measure(log, work, chosen))
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
