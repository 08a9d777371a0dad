"""Logs that change their format, or mix several: each line is read by the format it fits."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.detect import detect
from parsers.follow import others_of
from parsers.parse import Parsed, advance, parse
from parsers.raw import RAW_FIELDS, UNTOLD
from parsers.registry import load_formats
from tests.examples import drawn
from tests.stores import Store, configuration, statistics

HERE = Path(__file__).parent / "formats"
FORMATS = load_formats()
OTHERS = others_of(FORMATS.values())
HEAD = '1.2.3.4 - - [10/Oct/2000:13:55:36 +0000] "GET /a HTTP/1.1" 200 5'
COMMON = HEAD
COMBINED = f'{HEAD} "http://x/" "curl/8"'
VHOST = f"www.example.org:80 {COMBINED}"
MAIN = f'{COMBINED} "-"'
OBJECT = (
    '{"time_iso8601": "2000-10-10T13:55:36+00:00", "status": 200, "request_uri": "/a",'
    ' "request_method": "GET", "remote_addr": "1.2.3.4", "http_user_agent": "curl/8"}'
)
CUT = HEAD.replace("200 5", "200 ")
NONE = "[error] something else"


def read(lines: list[str], name: str, fast: bool = True) -> Parsed:
    data = "".join(f"{line}\n" for line in lines).encode()
    return parse(data, 0, FORMATS[name], {}, fast, others=OTHERS)


def rows(parsed: Parsed) -> list[dict[str, Any]]:
    """Rows with all columns: one that no line of a piece has is absent there."""
    absent = dict.fromkeys(RAW_FIELDS) | {"agent": UNTOLD}
    return [absent | row for row in parsed.table.to_pylist()]


#: the log's format, a line, and which other format reads it, if one does
LINES = [
    ("combined", COMBINED, None),
    ("common", COMBINED, "combined"),
    ("vhost_combined", COMBINED, "combined"),
    ("combined", COMMON, "common"),
    ("combined", VHOST, "vhost_combined"),
    ("combined", MAIN, "nginx_main"),
    ("combined", OBJECT, "nginx_json"),
    ("nginx_json", COMBINED, "combined"),
    ("combined", CUT, None),
    ("caddy_json", OBJECT, "nginx_json"),
    ("w3c", COMBINED, "combined"),
]


@pytest.mark.parametrize(("name", "line", "other"), LINES)
def test_a_line_is_read_by_the_format_it_fits(name: str, line: str, other: str | None) -> None:
    parsed = read([line, NONE, line], name)
    assert dict(parsed.others) == ({other: 2} if other else {})
    assert parsed.rejects.num_rows == 1
    alone = parse(f"{line}\n".encode(), 0, FORMATS[other or name], {})
    assert [{**row, "offset": 0} for row in rows(parsed)] == rows(alone) * 2


def test_a_line_that_fits_no_format_is_read_less_strictly_by_its_own() -> None:
    parsed = read([f'{HEAD} "-" "a"b"'], "combined")
    assert parsed.table["agent"].to_pylist() == ["a"]
    assert not parsed.others


def test_lines_stay_in_order_with_the_agents_they_tell_of() -> None:
    parsed = read([COMMON, COMBINED, CUT, OBJECT, COMMON], "combined")
    assert parsed.table["offset"].to_pylist() == sorted(parsed.table["offset"].to_pylist())
    # The common log format does not tell of agents; a line that was cut short lacks one.
    assert parsed.table["agent"].to_pylist() == ["\uffff", "curl/8", None, "curl/8", "\uffff"]


def sample_lines() -> list[bytes]:
    """Some lines of every format."""
    found = []
    for name in FORMATS:
        data = next(iter(sorted((HERE / name).glob("*.log")))).read_bytes()
        found += [line for line in data.splitlines() if not line.startswith(b"#")][:4]
    return found


POOL = sample_lines()


@drawn(8)
@given(
    st.lists(st.sampled_from([*POOL, b"", NONE.encode(), CUT.encode()]), min_size=2, max_size=12),
    st.sampled_from(["combined", "common", "nginx_json", "w3c", "haproxy"]),
    st.lists(st.integers(1, 11), max_size=4),
)
def test_it_makes_no_difference_where_the_log_is_cut(
    lines: list[bytes], name: str, cuts: list[int]
) -> None:
    fmt = FORMATS[name]
    whole = parse(b"".join(line + b"\n" for line in lines), 0, fmt, {}, others=OTHERS)
    found, rejects, others, offset, state = [], [], {}, 0, {}
    for start, end in pairwise(sorted({0, *(cut for cut in cuts if cut < len(lines)), len(lines)})):
        data = b"".join(line + b"\n" for line in lines[start:end])
        parsed = parse(data, offset, fmt, state, others=OTHERS)
        found += rows(parsed)
        rejects += parsed.rejects.to_pylist()
        for other, count in parsed.others.items():
            others[other] = others.get(other, 0) + count
        offset, state = offset + len(data), advance(data, fmt, state)
    assert found == rows(whole)
    assert rejects == whole.rejects.to_pylist()
    assert others == dict(whole.others)


@drawn(4)
@given(st.lists(st.sampled_from(POOL), min_size=2, max_size=12), st.sampled_from(sorted(FORMATS)))
def test_the_engines_agree(lines: list[bytes], name: str) -> None:
    data = b"".join(line + b"\n" for line in lines)
    fast = parse(data, 0, FORMATS[name], {}, others=OTHERS)
    reference = parse(data, 0, FORMATS[name], {}, fast=False, others=OTHERS)
    assert rows(fast) == rows(reference)
    assert fast.rejects == reference.rejects
    assert fast.others == reference.others


@pytest.mark.parametrize("name", ["combined", "common"])
def test_a_few_bad_lines_are_no_mix(name: str) -> None:
    line = COMBINED if name == "combined" else COMMON
    bad = [CUT, NONE, f'{HEAD} "x"y']
    found = detect("".join(f"{one}\n" for one in [line] * 20 + bad).encode(), FORMATS)
    assert (found.name, dict(found.others)) == (name, {})


def test_a_mix_is_told_with_the_lines_of_each_format() -> None:
    found = detect("".join(f"{line}\n" for line in [MAIN] * 6 + [OBJECT] * 3).encode(), FORMATS)
    assert (found.name, dict(found.others)) == ("nginx_main", {"nginx_json": 3})
    assert "3 have that of nginx_json" in found.reasons


def lines_of(line: str, first: int, count: int) -> str:
    """Lines that differ, a minute apart."""
    minutes = range(first, first + count)
    return "".join(
        line.replace("13:55", f"{m // 60:02}:{m % 60:02}").replace("/a", f"/{m}") + "\n"
        for m in minutes
    )


@pytest.fixture
def changing(tmp_path: Path) -> tuple[Path, str, str]:
    """A log that begins in one format and goes on in two others."""
    text = lines_of(COMMON, 0, 60) + lines_of(MAIN, 60, 60)
    return tmp_path / "access.log", text, lines_of(OBJECT, 120, 60)


def test_a_change_in_mid_file_is_followed_and_reported(tmp_path: Path, changing: Any) -> None:
    log, before, after = changing
    log.write_text(before + after)
    store = Store(tmp_path / "data", configuration({"s": "UTC"}))
    summary = store.backfill(log, format="auto")
    assert (summary["records"], summary["rejected"]) == (180, 0)
    assert {row["read_as"]: row["lines"] for row in summary["followed"]} == {
        "nginx_main": 60,
        "nginx_json": 60,
    }
    assert {row["format"] for row in summary["followed"]} == {"common"}


def test_a_log_that_grows_over_a_change_gives_what_the_whole_log_gives(
    tmp_path: Path, changing: Any
) -> None:
    log, before, after = changing
    whole = Store(tmp_path / "whole", configuration({"s": "UTC"}))
    log.write_text(before + after)
    whole.backfill(log, format="auto")
    grown = Store(tmp_path / "grown", configuration({"s": "UTC"}))
    lines = (before + after).splitlines(keepends=True)
    for end in (1, 61, 125, 180):
        log.write_text("".join(lines[:end]))
        grown.backfill(log, format="auto", piece_bytes=4000)
    assert statistics(grown) == statistics(whole)


def test_a_format_that_is_named_is_not_left(tmp_path: Path, changing: Any) -> None:
    log, before, after = changing
    log.write_text(before + after)
    store = Store(tmp_path / "data", configuration({"s": "UTC"}))
    summary = store.backfill(log, format="nginx_json")
    assert (summary["rejected"], summary["followed"]) == (120, [])
