"""LTSV and logfmt: both engines agree, labels may stand in any order, quotes hold blanks."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.parse import Parsed, parse
from parsers.registry import make_format
from tests.examples import drawn

FIELDS = {"time": ["t", "#1"], "status": "s", "url": ["u", "v"], "agent": "a", "duration": "d"}
COMMON = {"fields": FIELDS, "time": ["iso8601"], "escape": "backslash", "missing": ["-", ""]}
FORMATS = {name: make_format(name, {**COMMON, "dialect": name}) for name in ("ltsv", "logfmt")}
TIME = "2024-03-12T15:22:28Z"
LINES = {"ltsv": f"t:{TIME}\ts:200\tu:/a\ta:curl", "logfmt": f't={TIME} s=200 u=/a a="c d"'}
quick = drawn(25)


def both(name: str, data: bytes) -> Parsed:
    """What the fast engine says, which is what the reference says."""
    fast, reference = (parse(data, 0, FORMATS[name], {}, engine) for engine in (True, False))
    assert fast.table.to_pylist() == reference.table.to_pylist()
    assert fast.rejects == reference.rejects
    return fast


def one(name: str, line: str) -> dict[str, Any]:
    parsed = both(name, line.encode())
    assert parsed.rejects.num_rows == 0
    return {k: v for k, v in parsed.table.to_pylist()[0].items() if v is not None}


piece = st.sampled_from(
    ["#1", *'tsuvadx:= \t"\\-\r\0', "=", '="', '" ', "s=200", "s:404", TIME, "é", "/b"]
)
mark = {"ltsv": "\t", "logfmt": " "}


@st.composite
def mangled(draw: st.DrawFn, name: str) -> str:
    """A good line, or one with some odd pieces put between its own in another order."""
    pieces = LINES[name].split(mark[name])
    odd = draw(st.lists(st.lists(piece, max_size=6).map("".join), max_size=3))
    return mark[name].join(draw(st.permutations([*pieces, *odd])))


@pytest.mark.parametrize("name", FORMATS)
@quick
@given(data=st.data())
def test_both_engines_give_the_same_on_any_lines(name: str, data: st.DataObject) -> None:
    lines = data.draw(st.lists(mangled(name), max_size=8))
    parsed = both(name, "\n".join(lines).encode())
    assert parsed.table.num_rows + parsed.rejects.num_rows == parsed.lines


PLAIN = {"offset": 0, "time": 1710256948000, "status": 200, "bytes": 0, "url": "/a"}


@pytest.mark.parametrize(
    ("name", "line", "more"),
    [
        ("ltsv", f"u:/a\ts:200\tt:{TIME}", {}),
        ("ltsv", f"t:{TIME}\ts:200\tu:/a\ta:", {"agent": ""}),
        ("ltsv", f"t:{TIME}\ts:200\tu:-\tv:/a\tx:y:z\tno label", {}),
        ("ltsv", f"t:{TIME}\ts:200\ts:404\tu:/a\ta:b c", {"agent": "b c"}),
        ("ltsv", f"{TIME}\ts:200\tu:/a", {}),
        ("logfmt", f"{TIME} note s=200 u=/a d=12ms", {"duration_ms": 12.0}),
        ("logfmt", f't={TIME} s=200 u="/a" d=1.5s', {"duration_ms": 1500.0}),
        ("logfmt", f't={TIME} s=200 u=/a a="b s=404 \\"c\\""', {"agent": 'b s=404 "c"'}),
        ("logfmt", f't={TIME} s=200 u=/a a="b', {"agent": None}),
        ("logfmt", f"t={TIME} s=200  u=/a=b a==", {"url": "/a=b", "agent": "="}),
    ],
)
def test_a_value_is_found_under_its_label(name: str, line: str, more: dict[str, Any]) -> None:
    expected = {k: v for k, v in (PLAIN | more).items() if v is not None}
    found = one(name, line)
    # "-" and nothing mean that there is no value, as the format says.
    assert found == {k: v for k, v in expected.items() if v != ""}


def test_a_line_without_any_request_is_refused() -> None:
    parsed = both("logfmt", f"t={TIME} s=200\n{TIME} app[web.1]: hello\n{LINES['logfmt']}".encode())
    assert parsed.rejects["reason"].to_pylist() == ["layout", "layout"]


def test_a_line_without_a_mark_of_the_format_is_refused() -> None:
    fmt = make_format("mine", {**COMMON, "dialect": "logfmt", "marks": ["m", "n"]})
    data = f"t={TIME} s=200 u=/a\nn=1 t={TIME} s=200 u=/b".encode()
    for fast in (True, False):
        assert parse(data, 0, fmt, {}, fast).table["url"].to_pylist() == ["/b"]


def test_lines_of_many_lengths_are_read_too() -> None:
    lines = [LINES["ltsv"] + "\tx:y" * n for n in range(200)]
    parsed = both("ltsv", "\n".join(lines).encode())
    assert parsed.table["url"].to_pylist() == ["/a"] * 200


@pytest.mark.parametrize(
    "line", ["a=" + '"' * 200_000, "= " * 100_000, ' a="' * 60_000, "\t:" * 90_000]
)
@pytest.mark.parametrize("name", FORMATS)
def test_a_hostile_line_costs_no_other(name: str, line: str) -> None:
    parsed = both(name, f"{line}\n{LINES[name]}".encode())
    assert (parsed.table.num_rows, parsed.rejects.num_rows) == (1, 1)
