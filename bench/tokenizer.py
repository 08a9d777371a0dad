"""The floor: pyarrow's CSV tokenizer over a combined log, and nothing done with what it finds.

python -m bench.tokenizer access.log --threads 2      # prints its seconds, without start-up
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import pyarrow as pa
from pyarrow import csv

CHUNK = 16 << 20
COLUMNS = "client ident user time zone request status bytes referrer agent".split()  # noqa: SIM905


def chunks(path: Path) -> Iterator[bytes]:
    """The file as pieces of whole lines."""
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            yield piece + file.readline()


def tokenize(piece: bytes) -> int:
    """Cut the lines into ten dictionary columns; lines of another shape are skipped."""
    text = pa.dictionary(pa.int32(), pa.binary())
    table = csv.read_csv(
        pa.BufferReader(piece),
        csv.ReadOptions(column_names=COLUMNS, use_threads=False, block_size=2 * CHUNK),
        csv.ParseOptions(delimiter=" ", invalid_row_handler=lambda row: "skip"),
        csv.ConvertOptions(column_types=dict.fromkeys(COLUMNS, text)),
    )
    return int(table.num_rows)


def tokenize_all(piece: bytes) -> int:
    """The handler of invalid rows cannot bear one that is not UTF-8: halve until it is alone."""
    try:
        return tokenize(piece)
    except pa.ArrowInvalid:
        middle = piece.find(b"\n", len(piece) // 2) + 1
        if not 0 < middle < len(piece):
            return 0
        return tokenize_all(piece[:middle]) + tokenize_all(piece[middle:])


def tokenize_file(path: Path, threads: int) -> int:
    """Tokenize with a few chunks in flight, so that memory stays flat."""
    found, waiting = 0, chunks(path)
    with ThreadPoolExecutor(threads) as pool:
        while batch := list(islice(waiting, 4 * threads)):
            found += sum(pool.map(tokenize_all, batch))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("file", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    chosen = parser.parse_args()
    started = time.perf_counter()
    tokenize_file(chosen.file, chosen.threads)
    print(time.perf_counter() - started)


if __name__ == "__main__":
    main()
