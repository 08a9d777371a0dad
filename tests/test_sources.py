"""Files as pieces of whole lines: every compression, and what is damaged or cut."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
from functools import partial

import pyarrow as pa
import pytest

from pipeline import sources
from pipeline.errors import SourceError


def lines(count: int, seed: int = 1) -> bytes:
    draw = random.Random(seed)
    return b"".join(b"%d %s\n" % (i, draw.randbytes(20).hex().encode()) for i in range(count))


def zstd(data: bytes) -> bytes:
    return pa.compress(data, "zstd", asbytes=True)


COMPRESS = {
    "plain": lambda data: data,
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": partial(lzma.compress, preset=0),
    "zst": zstd,
}


def read(path, size=1 << 16):
    cut: list[SourceError] = []
    heard: list[int] = []
    with sources.opened(str(path)) as file:
        blocks = sources.blocks(file, str(path), size, heard.append)
        found = list(sources.pieces(blocks, size, cut))
    return found, cut, sum(heard)


@pytest.mark.parametrize("kind", COMPRESS)
def test_every_compression_gives_the_same_bytes_in_pieces_of_whole_lines(kind, tmp_path):
    data = lines(100_000)
    file = tmp_path / "access.log"  # the name says nothing about the compression
    file.write_bytes(COMPRESS[kind](data))
    found, cut, heard = read(file)
    assert b"".join(found) == data and not cut
    assert len(found) > 3 and all(piece.endswith(b"\n") for piece in found)
    assert heard == file.stat().st_size


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz", "zst"])
def test_members_one_after_the_other_are_one_stream(kind, tmp_path):
    first, second = lines(3000, 1), lines(3000, 2)
    file = tmp_path / "x"
    file.write_bytes(COMPRESS[kind](first) + COMPRESS[kind](second))
    found, cut, _ = read(file)
    assert b"".join(found) == first + second and not cut


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz", "zst"])
def test_a_cut_file_gives_its_whole_lines_and_says_that_it_was_cut(kind, tmp_path):
    data = lines(20_000)
    packed = COMPRESS[kind](data)
    file = tmp_path / "x"
    file.write_bytes(packed[: len(packed) // 2])
    found, cut, _ = read(file)
    got = b"".join(found)
    assert data.startswith(got) and (not got or got.endswith(b"\n"))
    assert len(cut) == 1 and "ends early" in str(cut[0])


def test_a_damaged_gzip_file_says_so(tmp_path):
    packed = bytearray(gzip.compress(lines(50_000)))
    packed[len(packed) // 2 : len(packed) // 2 + 40] = b"\xff" * 40
    file = tmp_path / "x.gz"
    file.write_bytes(packed)
    _, cut, _ = read(file)
    assert "damaged" in str(cut[0]) or "early" in str(cut[0])


def test_a_file_that_unpacks_to_much_is_read_in_bounded_pieces(tmp_path):
    data = (b"x" * 99 + b"\n") * 200_000
    file = tmp_path / "x.gz"
    file.write_bytes(gzip.compress(data))
    found, cut, _ = read(file)
    assert b"".join(found) == data and not cut
    assert max(map(len, found)) <= (1 << 16) + 2 * sources.READ_BYTES


def test_zero_bytes_after_a_gzip_member_are_padding(tmp_path):
    file = tmp_path / "x.gz"
    file.write_bytes(gzip.compress(b"one\n") + b"\0" * 512)
    assert read(file)[:2] == ([b"one\n"], [])


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", []),
        (b"\n", [b"\n"]),
        (b"no end", [b"no end"]),
        (b"one\nno end", [b"one\nno end"]),
        (b"x" * 300_000 + b"\nshort\n", [b"x" * 300_000 + b"\nshort\n"]),
    ],
)
def test_only_the_last_piece_may_lack_its_line_end(data, expected, tmp_path):
    file = tmp_path / "x"
    file.write_bytes(data)
    found, cut, _ = read(file)
    assert b"".join(found) == b"".join(expected) and not cut
    assert all(piece.endswith(b"\n") for piece in found[:-1])


def test_a_line_without_end_does_not_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "LONGEST_LINE", 1 << 18)
    file = tmp_path / "x"
    file.write_bytes(b"x" * (1 << 20) + b"\n")
    found, _, _ = read(file)
    assert b"".join(found) == file.read_bytes()
    assert max(map(len, found)) <= (1 << 18) + (1 << 16)


def test_paths_are_files_folders_and_patterns_each_once_and_sorted(tmp_path):
    for name in ("b.log", "a.log", "c.txt", "[1].log"):
        (tmp_path / name).write_text("x\n")
    (tmp_path / "below").mkdir()
    names = lambda *paths: [p.rsplit("/", 1)[-1] for p in sources.expand(paths)]  # noqa: E731
    assert names(str(tmp_path)) == ["[1].log", "a.log", "b.log", "c.txt"]
    assert names(str(tmp_path / "*.log"), str(tmp_path / "a.log")) == ["[1].log", "a.log", "b.log"]
    assert names(str(tmp_path / "[1].log")) == ["[1].log"]
    assert names("-", str(tmp_path / "a.log")) == ["-", "a.log"]


def test_a_path_that_names_nothing_is_refused_with_its_name(tmp_path):
    with pytest.raises(SourceError, match="nowhere"):
        sources.expand([str(tmp_path / "nowhere*.log")])
