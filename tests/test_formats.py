"""Checks on every format: samples and goldens are found by glob, a format adds no line here."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from parsers.detect import detect
from parsers.labels import STYLES
from parsers.parse import Parsed, advance, parse
from parsers.raw import RAW_FIELDS, REASONS, REJECTS, UNTOLD
from parsers.registry import Format, load_formats

HERE = Path(__file__).parent / "formats"
FORMATS = load_formats()
SAMPLES = sorted(path for path in HERE.glob("*/*.log") if path.parent.name != "none")
OTHERS = sorted((HERE / "none").glob("*.log"))

sample = pytest.mark.parametrize("path", SAMPLES, ids=lambda p: f"{p.parent.name}/{p.stem}")


def read(path: Path, fast: bool = True) -> Parsed:
    return parse(path.read_bytes(), 0, FORMATS[path.parent.name], {}, fast)


def shown(parsed: Parsed) -> str:
    """A golden file: one row a line, fields without a value left out."""
    rows = [{k: v for k, v in row.items() if v is not None} for row in parsed.table.to_pylist()]
    parts: dict[str, list[Any]] = {"rejects": parsed.rejects.to_pylist(), "rows": rows}
    texts = [f'"lines": {parsed.lines},\n"directives": {parsed.directives}']
    for key, entries in parts.items():
        lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
        texts.append(f'"{key}": [\n{lines}\n]')
    return "{\n" + ",\n".join(texts) + "\n}\n"


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_every_format_has_a_sample_that_is_detected(name: str) -> None:
    found = [path for path in SAMPLES if path.parent.name == name]
    assert any(detect(path.read_bytes(), FORMATS).name == name for path in found)


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_the_line_that_a_format_is_shown_by_has_that_format(name: str) -> None:
    line = FORMATS[name].sample.encode()
    for fast in (True, False):
        parsed = parse(line, 0, FORMATS[name], {}, fast, strict=True)
        assert (parsed.lines - parsed.directives, parsed.table.num_rows) == (1, 1)


def test_every_sample_belongs_to_a_format_and_is_in_the_list_of_sources() -> None:
    assert {path.parent.name for path in SAMPLES} == set(FORMATS)
    listed = (HERE / "SOURCES.md").read_text(encoding="utf-8")
    for path in (*SAMPLES, *OTHERS):
        assert f"| {path.parent.name}/{path.name} |" in listed


@sample
def test_a_sample_gives_its_golden_rows_and_rejects(path: Path, accept: bool) -> None:
    golden = path.with_suffix(".golden.json")
    text = shown(read(path))
    if accept:
        golden.write_text(text, encoding="utf-8")
    assert json.loads(text) == json.loads(golden.read_text(encoding="utf-8"))


@sample
def test_every_engine_gives_the_same_rows_and_rejects(path: Path) -> None:
    fast, reference = read(path), read(path, fast=False)
    assert fast.table.schema == reference.table.schema
    assert fast.table.to_pylist() == reference.table.to_pylist()
    assert fast.rejects == reference.rejects


@sample
def test_only_declared_columns_and_reasons_are_delivered(path: Path) -> None:
    parsed = read(path)
    for field in parsed.table.schema:
        assert field.type == RAW_FIELDS[field.name][0]
    assert {"offset", "time", "status", "bytes", "method", "url", "protocol"} <= set(
        parsed.table.column_names
    )
    assert parsed.rejects.schema == REJECTS
    assert set(parsed.rejects["reason"].to_pylist()) <= set(REASONS)


@sample
def test_no_other_format_claims_a_sample(path: Path) -> None:
    found = detect(path.read_bytes(), FORMATS)
    assert found.name in (path.parent.name, None), found.reasons


def open_ended(fmt: Format) -> bool:
    """Whether its lines may have more than the format knows of."""
    return fmt.dialect in STYLES or any("$rest" in layout.text for layout in fmt.layouts)


CLOSED = [path for path in SAMPLES if not open_ended(FORMATS[path.parent.name])]


@pytest.mark.parametrize("path", CLOSED, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_a_line_is_consumed_whole(path: Path) -> None:
    lines = path.read_bytes().splitlines()
    tabs = FORMATS[path.parent.name].dialect == "w3c"
    more = {line: b"\tx" if tabs and b"\t" in line else b" x" for line in lines}
    longer = [line if line.startswith(b"#") else line + more[line] for line in lines]
    parsed = parse(b"\n".join(longer), 0, FORMATS[path.parent.name], {}, strict=True)
    assert parsed.table.num_rows == 0


@sample
def test_chunks_cut_at_any_line_end_give_the_same(path: Path) -> None:
    data, fmt = path.read_bytes(), FORMATS[path.parent.name]
    whole, state = parse(data, 0, fmt, {}), dict[str, str]()
    ends = [n + 1 for n, byte in enumerate(data) if byte == 10]
    cuts = [0, *ends[:: max(1, len(ends) // 3)], len(data)]
    rows, rejects = list[dict[str, Any]](), list[dict[str, Any]]()
    for start, end in pairwise(cuts):
        part = parse(data[start:end], start, fmt, state)
        state = advance(data[start:end], fmt, state)
        # A column that no line of a part has is absent there.
        rows += [_full(row) for row in part.table.to_pylist()]
        rejects += part.rejects.to_pylist()
    assert rows == [_full(row) for row in whole.table.to_pylist()]
    assert rejects == whole.rejects.to_pylist()


def _full(row: dict[str, Any]) -> dict[str, Any]:
    """All fields; that agents are not told of may also be said by their absence."""
    return {name: row.get(name, UNTOLD if name == "agent" else None) for name in RAW_FIELDS}


HOSTILE = [
    b" " * 200_000,
    b'"' * 200_000,
    b"\\" * 200_001,
    b'\\"' * 100_000,
    b" [" * 100_000,
    b" [10/Oct/2000:13:55:36 -07" * 8_000,
    b"{" * 200_000,
    b'"" ' * 66_000,
]


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_hostile_lines_end_and_cost_no_other_line(name: str) -> None:
    log = next(path for path in SAMPLES if path.parent.name == name)
    line = log.read_bytes().removesuffix(b"\n") + b"\n"
    parsed = parse(line + b"".join(hostile + b"\n" for hostile in HOSTILE), 0, FORMATS[name], {})
    good = read(log)
    assert parsed.table.num_rows == good.table.num_rows
    refused = parsed.rejects["length"].to_pylist()[good.rejects.num_rows :]
    assert refused == [len(hostile) for hostile in HOSTILE]
