"""In whatever order, pieces and disguise logs are read, the numbers are the same."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.catalog import Catalog
from tests.examples import drawn
from tests.stores import FORMATS, SAMPLE, Store, Table, configuration, statistics

ROOT = Path(__file__).parents[1]
PARIS = configuration({"s": "Europe/Paris"}, ("semicomplete.com",))


def events(store: Store) -> list[dict[str, Any]]:
    """Every event with all its columns, in the order of the log."""
    catalog = Catalog(store.data)
    try:
        tables = [pq.read_table(part.path) for part in catalog.event_parts()]
    finally:
        catalog.close()
    rows = [row for table in tables for row in table.to_pylist()]
    return sorted(rows, key=lambda row: (row["log_id"], row["offset"]))


def test_pieces_cut_anywhere_give_the_same_events(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(b"".join(SAMPLE.read_bytes().splitlines(keepends=True)[:400]))
    whole = Store(tmp_path / "whole", PARIS)
    summary = whole.backfill(log)
    expected = events(whole)
    assert len(expected) == 400
    for piece_bytes in (700, 4099, 20_011):
        cut = Store(tmp_path / f"cut{piece_bytes}", PARIS)
        cut.data.mkdir()
        shutil.copy(whole.data / "salts.db", cut.data)  # the same salts give the same hashes
        assert cut.backfill(log, piece_bytes=piece_bytes) == summary
        assert events(cut) == expected


CUT_FILES = [
    ("w3c", "lnav_w3c_big.0.log", 1100),
    ("nginx_json", "zoo_utc_nginx_json.log", 2300),
    ("caddy_json", "zoo_utc_caddy_json.log", 1700),
    ("vhost_combined", "zoo_utc_apache_vhost_combined.log", 900),
    ("common", "nasa_jul95_malformed.log", 100),
]


@pytest.mark.parametrize("format, name, piece_bytes", CUT_FILES)
def test_every_format_can_be_cut_anywhere(
    tmp_path: Path, format: str, name: str, piece_bytes: int
) -> None:
    whole, cut = Store(tmp_path / "whole", PARIS), Store(tmp_path / "cut", PARIS)
    summary = whole.backfill(FORMATS / format / name, format=format)
    cut.data.mkdir()
    shutil.copy(whole.data / "salts.db", cut.data)
    assert cut.backfill(FORMATS / format / name, format=format, piece_bytes=piece_bytes) == summary
    assert events(cut) == events(whole)


def pieces_of_the_sample(folder: Path) -> list[Path]:
    """The first 1,800 lines in four files, cut where the hour changes: views of one moment
    in two files would be in the order in which the files were first read."""
    lines = SAMPLE.read_bytes().splitlines(keepends=True)[:1800]
    cuts = [0]
    for number in range(1, len(lines)):
        new_hour = lines[number].split(b":")[1] != lines[number - 1].split(b":")[1]
        if new_hour and number - cuts[-1] > 450:
            cuts.append(number)
    paths = []
    for number, (start, end) in enumerate(zip(cuts, [*cuts[1:], len(lines)], strict=True)):
        paths.append(folder / f"piece{number}.log")
        paths[-1].write_bytes(b"".join(lines[start:end]))
    return paths


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], list[Table]]:
    """The pieces, and the statistics when they are read in their order."""
    folder = tmp_path_factory.mktemp("straight")
    paths, store = pieces_of_the_sample(folder), Store(folder / "data", PARIS)
    assert store.backfill(*paths)["records"] == 1800
    return paths, statistics(store)


@drawn(2)
@given(data=st.data())
def test_any_order_and_any_repetition_gives_the_same_statistics(
    straight: tuple[list[Path], list[Table]], data: st.DataObject
) -> None:
    paths, expected = straight
    order = data.draw(st.permutations(range(len(paths))), "order")
    again = data.draw(st.lists(st.sampled_from(order), max_size=3), "again")
    with tempfile.TemporaryDirectory() as name:
        shuffled = Store(Path(name), PARIS)
        new = [shuffled.backfill(paths[number])["new_records"] for number in [*order, *again]]
        assert sum(new) == 1800
        assert statistics(shuffled) == expected


W3C_HEAD = b"#Fields: date time c-ip cs-method cs-uri-stem sc-status"
W3C_LINE = b"2024-01-01 00:00:%02d 192.0.2.1 GET /a 200"
W3C_TWO_BLOCKS = b"".join(
    [W3C_HEAD + b"\n"]
    + [W3C_LINE % second + b"\n" for second in range(9)]
    + [W3C_HEAD + b" cs(User-Agent)\n"]
    + [W3C_LINE % second + b" Mozilla/5.0+(X11;+rv:137.0)+Firefox/137.0\n" for second in range(9)]
)


def test_a_w3c_file_whose_fields_grow_can_be_cut_anywhere(tmp_path: Path) -> None:
    log = tmp_path / "ex.log"
    log.write_bytes(W3C_TWO_BLOCKS)
    whole, cut = Store(tmp_path / "whole", PARIS), Store(tmp_path / "cut", PARIS)
    summary = whole.backfill(log, format="w3c")
    cut.data.mkdir()
    shutil.copy(whole.data / "salts.db", cut.data)
    assert cut.backfill(log, format="w3c", piece_bytes=200) == summary
    assert events(cut) == events(whole)
