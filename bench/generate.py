"""Write a realistic combined log of any length, the same for the same seed, and its exact truth.

python -m bench.generate --lines 1000000 access.log    # and access.log.truth.json
python -m bench.generate --lines 50000000 - | …        # streamed
"""

from __future__ import annotations

import sys
from pathlib import Path

if not __package__:  # started as a file: make the project's folder importable, not this one
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import json
import time
from collections.abc import Iterator

import pyarrow as pa

from bench import render, traffic
from bench.traffic import Plan
from bench.truth import Truth


def blocks(plan: Plan, truth: Truth | None = None) -> Iterator[pa.Buffer]:
    """The log as pieces of whole lines; `truth` learns what they hold."""
    pool = render.pools(plan)
    for number in range(-(-plan.lines // traffic.BLOCK)):
        drawn = traffic.draw(plan, number, pool.browsers, pool.assets)
        lines = render.render(plan, pool, drawn)
        if truth is not None:
            truth.add(drawn, lines)
        yield lines.data


def write(plan: Plan, path: Path) -> dict[str, object]:
    """Write the log to `path` and its truth beside it, the truth last."""
    truth = Truth(plan)
    with path.open("wb") as file:
        for block in blocks(plan, truth):
            file.write(block)
    result = truth.result()
    save(result, truth_path(path))
    return result


def stream(plan: Plan, beside: Path | None) -> None:
    """Write the log to standard output, and its truth to a file if one is named."""
    truth = Truth(plan)
    for block in blocks(plan, truth if beside else None):
        sys.stdout.buffer.write(block)
    if beside:
        save(truth.result(), beside)


def save(truth: dict[str, object], path: Path) -> None:
    path.write_text(json.dumps(truth, indent=1) + "\n")


def truth_path(path: Path) -> Path:
    return path.with_name(path.name + ".truth.json")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("output", help="file to write, or - for standard output")
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--paths", type=float, default=1.0, help="times as many distinct pages")
    parser.add_argument("--visitors", type=float, default=1.0, help="times as many visitors")
    parser.add_argument("--sites", type=int, default=0, help="begin each line with one of so many")
    parser.add_argument("--truth", type=Path, help="file for the truth of a streamed log")
    return parser.parse_args()


def main() -> None:
    chosen = arguments()
    plan = Plan(
        *(chosen.lines, chosen.days, chosen.seed, chosen.paths, chosen.visitors, chosen.sites)
    )
    started = time.perf_counter()
    if chosen.output == "-":
        stream(plan, chosen.truth)
    else:
        write(plan, Path(chosen.output))
    seconds = time.perf_counter() - started
    print(f"{plan.lines:,} lines in {seconds:.1f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
