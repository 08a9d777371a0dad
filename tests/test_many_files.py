"""A log cut into many small compressed files counts the same as the log in one."""

from __future__ import annotations

import errno
import gzip
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bench import generate
from bench.traffic import Plan
from pipeline import backfill, ingest
from pipeline.commit import commit
from pipeline.config import Config
from pipeline.errors import StoreError
from tests.outcome import answers, ledger
from tests.stores import Store

FILES, LINES_A_FILE = 200, 100


@pytest.fixture
def log(tmp_path: Path) -> Path:
    generate.write(Plan(lines=FILES * LINES_A_FILE, days=3), tmp_path / "access.log")
    return tmp_path / "access.log"


@pytest.fixture
def folder(log: Path, tmp_path: Path) -> Path:
    """The log in small files."""
    lines = log.read_bytes().splitlines(keepends=True)
    folder = tmp_path / "small"
    folder.mkdir()
    for number in range(FILES):
        some = lines[number * LINES_A_FILE : (number + 1) * LINES_A_FILE]
        (folder / f"access.{number:03}.log.gz").write_bytes(gzip.compress(b"".join(some), 1))
    return folder


def test_many_small_compressed_files_count_like_one_large_file(
    log: Path, folder: Path, tmp_path: Path
) -> None:
    one, many = Store(tmp_path / "one", Config()), Store(tmp_path / "many", Config())
    expected, found = one.backfill(log), many.backfill(folder)
    assert (expected.pop("files"), found.pop("files")) == (1, FILES)
    assert expected.pop("bytes") > found.pop("bytes") > 0  # as they lie on the disk
    assert found == expected
    assert answers(many) == answers(one)
    assert ledger(many.data) == ledger(one.data)


@pytest.mark.parametrize("commits", [2, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 5))])
def test_each_commit_has_just_the_lines_that_it_moves_past(
    log: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commits: int
) -> None:
    """Small files are worked together: a run that ends between two commits must not have
    committed lines of files that only the next one would have moved on."""
    store, left = Store(tmp_path / "store", Config()), iter(range(commits))

    def commit_some(*args: Any) -> None:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, "no space left")
        commit(*args)

    with monkeypatch.context() as patch:
        patch.setattr(ingest, "commit", commit_some)
        patch.setattr(backfill, "Ingest", partial(ingest.Ingest, batch_rows=2000))
        with pytest.raises(StoreError, match="full"):
            store.backfill(folder, piece_bytes=400_000)
    assert 0 < store.backfill(folder)["known"] < FILES * LINES_A_FILE
    undisturbed = Store(tmp_path / "undisturbed", Config())
    undisturbed.backfill(log)
    assert answers(store) == answers(undisturbed)
