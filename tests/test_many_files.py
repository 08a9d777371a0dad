"""A log cut into many small compressed files counts the same as the log in one."""

from __future__ import annotations

import gzip
from pathlib import Path

from bench import generate
from bench.traffic import Plan
from pipeline.config import Config
from tests.outcome import answers, ledger
from tests.stores import Store

FILES, LINES_A_FILE = 200, 100


def test_many_small_compressed_files_count_like_one_large_file(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    generate.write(Plan(lines=FILES * LINES_A_FILE, days=3), log)
    lines = log.read_bytes().splitlines(keepends=True)
    folder = tmp_path / "small"
    folder.mkdir()
    for number in range(FILES):
        some = lines[number * LINES_A_FILE : (number + 1) * LINES_A_FILE]
        (folder / f"access.{number:03}.log.gz").write_bytes(gzip.compress(b"".join(some), 1))

    one, many = Store(tmp_path / "one", Config()), Store(tmp_path / "many", Config())
    expected, found = one.backfill(log), many.backfill(folder)
    assert (expected.pop("files"), found.pop("files")) == (1, FILES)
    assert expected.pop("bytes") > found.pop("bytes") > 0  # as they lie on the disk
    assert found == expected
    assert answers(many) == answers(one)
    assert ledger(many.data) == ledger(one.data)
