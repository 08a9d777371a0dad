"""Checks on every format: samples and goldens are found by glob, a format adds no line here."""

from __future__ import annotations

import json
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
    whole = parse(data, 0, fmt, {})
    ends = [n + 1 for n, byte in enumerate(data) if byte == 10]
    for cut in ends[:: max(1, len(ends) // 12)]:
        head, tail = data[:cut], data[cut:]
        parts = [parse(head, 0, fmt, {}), parse(tail, cut, fmt, advance(head, fmt, {}))]
        # A column that no line of a part has is absent there.
        rows = [_full(row) for part in parts for row in part.table.to_pylist()]
        assert rows == [_full(row) for row in whole.table.to_pylist()]
        rejects = [row for part in parts for row in part.rejects.to_pylist()]
        assert rejects == whole.rejects.to_pylist()


def _full(row: dict[str, Any]) -> dict[str, Any]:
    """All fields; that agents are not told of may also be said by their absence."""
    return {name: row.get(name, UNTOLD if name == "agent" else None) for name in RAW_FIELDS}


@pytest.mark.parametrize("path", OTHERS, ids=lambda p: p.stem)
def test_a_log_of_no_format_is_refused(path: Path) -> None:
    found = detect(path.read_bytes(), FORMATS)
    assert found.name is None
    assert found.confidence == 0.0
    assert found.reasons


HOSTILE = {
    "spaces": b" " * 200_000,
    "quotes": b'"' * 200_000,
    "backslashes": b"\\" * 200_001,
    "escaped quotes": b'\\"' * 100_000,
    "brackets": b" [" * 100_000,
    "almost a time": b" [10/Oct/2000:13:55:36 -07" * 8_000,
    "braces": b"{" * 200_000,
    "empty quotes": b'"" ' * 66_000,
}


@pytest.mark.parametrize("name", sorted(FORMATS))
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_line_ends_and_costs_no_other_line(name: str, kind: str) -> None:
    line = next(path for path in SAMPLES if path.parent.name == name).read_bytes()
    good = parse(line, 0, FORMATS[name], {})
    data = line + (b"" if line.endswith(b"\n") else b"\n") + HOSTILE[kind] + b"\n"
    parsed = parse(data, 0, FORMATS[name], {})
    assert parsed.table.num_rows == good.table.num_rows
    assert parsed.rejects.num_rows == good.rejects.num_rows + 1
