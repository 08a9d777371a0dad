"""How large a store gets: one day of generated logs, backfilled, by what takes the room.

python -m bench.sizes --lines 10000 100000 1000000
"""

from __future__ import annotations

import sys
from pathlib import Path

if not __package__:  # started as a file: make the project's folder importable, not this one
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import tempfile

from bench import generate
from bench.traffic import Plan
from bench.watch import run

ROOT = Path(__file__).resolve().parents[1]
#: What is kept as long: see [store.retention].
KINDS = {
    "events": ("events/**/*.parquet",),
    "cubes": ("daily/visits-*.parquet", "daily/pages-*.parquet"),
    "totals": ("daily/totals-*.parquet", "daily/latency-*.parquet"),
    "catalog": ("catalog.db",),
}


def sizes(lines: int) -> dict[str, int]:
    """Bytes of the log, and of each kind in the store."""
    with tempfile.TemporaryDirectory(prefix="tallylog-sizes-") as folder:
        work = Path(folder)
        log, data = work / "access.log", work / "data"
        generate.write(Plan(lines, days=1), log)
        program = (sys.executable, ROOT / "tallylog.py", "--data", data)
        run((*program, "backfill", "--site", "bench", log), work)
        found = {"log": log.stat().st_size}
        for kind, patterns in KINDS.items():
            files = (file for pattern in patterns for file in data.glob(pattern))
            found[kind] = sum(file.stat().st_size for file in files)
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--lines", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    print("MB of one day; bytes a line")
    print(f"{'lines':>10}" + "".join(f"{kind:>16}" for kind in ("log", *KINDS)))
    for lines in parser.parse_args().lines:
        cells = [f"{size / 1e6:.1f} {size / lines:6.1f}" for size in sizes(lines).values()]
        print(f"{lines:>10,}" + "".join(f"{cell:>16}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
