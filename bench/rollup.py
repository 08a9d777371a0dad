"""Time and memory of the roll-up, over parts that are made directly, and whether its numbers hold.

    python -m bench.rollup
    python -m bench.rollup month --days 30

Each row is the command `tallylog rollup` on a new store. It runs a second time while the events
are moved away: nothing has changed, so it may not read them. What that takes is the start of the
process alone, and is taken from the seconds of the first.
"""

from __future__ import annotations

import sys
from pathlib import Path

if not __package__:  # started as a file: make the project's folder importable, not this one
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bench import check
from bench.parts import Shape, fill
from bench.programs import TALLYLOG
from bench.watch import Usage, run
from pipeline.catalog import Catalog

HEAD = (
    f"{'':8}{'records':>12}{'sites':>6}{'days':>5}"
    f"{'s':>7}{'goal':>6}{'CPU s':>7}{'MiB':>7}{'goal':>6}{'spilt':>7}{'again s':>9}"
)


@dataclass(frozen=True, slots=True)
class Case:
    """What to roll up; the goals are seconds on two cores and MiB of all processes."""

    shape: Shape
    seconds: float | None = None
    mib: float | None = None


CASES = {
    "mixed": Case(Shape(1_000_000), seconds=2),
    "people": Case(Shape(1_000_000, views=1.0), seconds=6),
    "sites": Case(Shape(1_000_000, sites=200), seconds=4),
    "month": Case(Shape(1_000_000, days=30), mib=1024),
}


def measure(shape: Shape, work: Path) -> tuple[Usage, Usage]:
    """The roll-up, and that of the same store when there is nothing to do."""
    with tempfile.TemporaryDirectory(prefix="store-", dir=work) as folder:
        data, spill = Path(folder, "data"), Path(folder, "spill")
        spill.mkdir()
        catalog = Catalog(data)
        try:
            truth = fill(catalog, shape)
        finally:
            catalog.close()
        command = (*TALLYLOG, "--data", data)
        first = run((*command, "rollup", "--json"), work, spill=spill)
        events = data / "events"
        events.rename(data / "away")
        again = run((*command, "rollup", "--json"), work)
        (data / "away").rename(events)
        hold(truth, check.parse(run((*command, *_question(truth)), work).output))
    return first, again


def _question(truth: Mapping[str, Mapping[str, int]]) -> tuple[str, ...]:
    names = ",".join(next(iter(truth.values())))
    return ("query", "--metrics", names, "--by", "date", "--limit", "10000", "--json")


def hold(truth: Mapping[str, Mapping[str, int]], answer: Mapping[str, Any]) -> None:
    """Raise `check.Wrong` unless each day has its true numbers."""
    names = tuple(next(iter(truth.values())))
    check.compare(truth, check.rows(answer, names), "days")


def row(name: str, case: Case, first: Usage, again: Usage) -> str:
    shape = case.shape
    return (
        f"{name:8}{shape.rows * shape.days:12,}{shape.sites:6}{shape.days:5}"
        f"{first.seconds - again.seconds:7.2f}{case.seconds or '':>6}"
        f"{first.cpu_seconds - again.cpu_seconds:7.2f}{first.peak_mib:7,.0f}{case.mib or '':>6}"
        f"{first.spilt_mib:7,.0f}{again.seconds:9.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", metavar="case", help=f"of {', '.join(CASES)}; or all")
    parser.add_argument("--rows", type=int, default=1_000_000, help="records a day")
    parser.add_argument("--days", type=int, default=30, help="days of a month")
    parser.add_argument("--work", type=Path, help="folder for the stores while they are measured")
    chosen = parser.parse_args()
    print(HEAD)
    with tempfile.TemporaryDirectory(prefix="tallylog-bench-", dir=chosen.work) as work:
        for name in chosen.names or CASES:
            case = CASES[name]
            days = chosen.days if case.shape.days > 1 else 1
            case = replace(case, shape=replace(case.shape, rows=chosen.rows, days=days))
            print(row(name, case, *measure(case.shape, Path(work))), flush=True)


if __name__ == "__main__":
    try:
        main()
    except check.Wrong as wrong:
        sys.exit(f"wrong numbers:\n{wrong}")
    except subprocess.CalledProcessError as failed:
        sys.exit(f"{failed}\n{failed.stderr.decode(errors='replace')}")
