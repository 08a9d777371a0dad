"""Hostile logs: whatever the bytes are, nothing raises, no line is lost, no line takes long."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.detect import detect
from parsers.follow import Others, others_of
from parsers.parse import advance, parse
from parsers.raw import REASONS
from parsers.registry import Format, load_formats
from parsers.wrappers import find_format, load_wrappers
from pipeline.recognise import recognise
from pipeline.terminal import print_detection
from tests.examples import drawn
from tests.wrapped import wrapped

HERE = Path(__file__).parent / "formats"
FORMATS = load_formats()
OTHERS = others_of(FORMATS.values())
NAMES = [*FORMATS, *(f"{wrapper}/combined" for wrapper in load_wrappers()), "docker/syslog/w3c"]
#: Logs in which lines are tried with all other formats, which takes long in a test.
FOLLOWED = ("combined", "nginx_json", "w3c", "docker/combined")
quick = drawn(4)


def first_log(name: str) -> bytes:
    return next(iter(sorted((HERE / name.split("/")[-1]).glob("*.log")))).read_bytes()


def sample(name: str) -> list[bytes]:
    """Some lines of the format, in its wrappers."""
    data = first_log(name)
    for wrapper in reversed(name.split("/")[:-1]):
        data = wrapped(wrapper, data)
    return data.splitlines()[:12]


def format_of(name: str) -> Format:
    fmt = find_format(FORMATS, name)
    assert fmt is not None
    return fmt


#: What hostile clients and crashes put into lines.
ODD = [
    b"\x1b[2J\x1b]0;owned\x07",
    b"\x00\x00\x00",
    b"\xff\xfe\xc3\x28\xed\xa0\x80",
    "\u202e\u2066\u200f\u00e9\U0001f600".encode(),
    b'"\\"\\\\\\x00\\u0000\\ud800',
    b"{" * 300,
    b"[" * 300 + b"]" * 300,
    b'{"a":' * 200 + b"1" + b"}" * 200,
    b"%00%ff%25%2525%",
    b"\t|;,=:\t\t  ",
    b"-" * 40,
    b"9" * 400,
    b"1e999 NaN -Infinity 0x1p3",
    b"\r\r\x0b\x0c\x85\xe2\x80\xa8",
    b"A" * 3000,
    b"99/Foo/0000:99:99:99 +9999",
    b"10000-00-00T25:61:61Z",
]
odd = st.sampled_from(ODD) | st.binary(max_size=30)


@st.composite
def hostile_lines(draw: st.DrawFn, name: str) -> bytes:
    """Lines of a format, each cut, spliced with odd bytes or repeated, or nothing but such."""
    parts = []
    for line in draw(st.lists(st.sampled_from([*sample(name), b""]), max_size=6)):
        start = draw(st.integers(0, len(line)))
        end = draw(st.integers(start, len(line)))
        how = draw(st.sampled_from(["cut", "splice", "replace", "twice", "whole", "odd"]))
        parts.append(
            {
                "cut": line[:start],
                "splice": line[:start] + draw(odd) + line[start:],
                "replace": line[:start] + draw(odd) + line[end:],
                "twice": line[:end] + line[start:],
                "whole": line,
                "odd": draw(odd),
            }[how]
        )
    return b"\n".join(parts) + draw(st.sampled_from([b"", b"\n", b"\r\n", b"\n\x00"]))


@pytest.mark.parametrize("name", NAMES)
@quick
@given(data=st.data())
def test_no_line_is_lost_whatever_the_bytes_are(name: str, data: st.DataObject) -> None:
    log, fmt = data.draw(hostile_lines(name)), format_of(name)
    others = OTHERS if name in FOLLOWED else None
    parsed = parse(log, 7, fmt, advance(log, fmt, {}), others=others)
    # That the sum is the number of lines is asserted by the parser itself.
    assert set(parsed.rejects["reason"].to_pylist()) <= set(REASONS)
    for column in parsed.table.columns:
        column.validate(full=True)
    places = [*parsed.table["offset"].to_pylist(), *parsed.rejects["offset"].to_pylist()]
    assert len(set(places)) == len(places)
    assert all(7 <= place <= 7 + len(log) for place in places)
    reference = parse(log, 7, fmt, advance(log, fmt, {}), fast=False, others=others)
    assert parsed.table.to_pylist() == reference.table.to_pylist()
    assert parsed.rejects == reference.rejects


@quick
@given(st.binary(max_size=2000) | st.sampled_from(NAMES).flatmap(hostile_lines))
def test_detection_answers_whatever_the_bytes_are(log: bytes) -> None:
    found = detect(log, FORMATS)
    assert 0 <= found.confidence <= 1
    assert found.reasons


@pytest.mark.parametrize("name", ["combined", "caddy_json", "docker/combined"])
def test_what_is_shown_of_a_log_cannot_steer_the_terminal(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a\x1b[31m.log"
    lines = sample(name)
    path.write_bytes(b"\n".join([*lines, *(line + odd for line in lines for odd in ODD)]))
    print_detection(recognise(str(path), FORMATS))
    shown = capsys.readouterr().out
    assert name in shown
    assert not [c for c in shown if c != "\n" and (ord(c) < 32 or 127 <= ord(c) < 160)]
    assert not set(shown) & set("\u202e\u2066\u200f\u2028\u061c")


#: Lines that would take a careless pattern very long, as a unit that is repeated.
LONG = {
    "blanks": b" ",
    "quotes": b'"',
    "backslashes": b"\\",
    "escaped quotes": b'\\"',
    "brackets": b" [",
    "almost times": b" [10/Oct/2000:13:55:36 -07",
    "braces": b"{",
    "open keys": b'{"a":',
    "commas": b'"a","a":',
    "tabs": b"a:\t",
    "pipes": b"1|",
    "addresses": b"1.2.3.4, ",
    "words": b"a=b ",
    "percents": b"%25",
}


def seconds(name: str, line: bytes, others: Others | None) -> float:
    """The least CPU time of three readings."""
    fmt, best = format_of(name), 1e9
    for _ in range(3):
        began = time.thread_time()
        parse(line + b"\n", 0, fmt, {}, others=others)
        best = min(best, time.thread_time() - began)
    return best


def grows_with_the_line(name: str, unit: bytes, others: Others | None) -> bool:
    """Whether a line eight times as long takes nearer to 8 than to 64 times as much CPU time."""
    head, size = sample(name)[-1], 1 << 15
    short, long = (head + unit * (n // len(unit)) for n in (size, 8 * size))
    return seconds(name, long, others) < 16 * seconds(name, short, others) + 0.05


@pytest.mark.parametrize("kind", LONG)
def test_what_all_formats_are_asked_takes_no_longer_than_the_line_grows(kind: str) -> None:
    assert grows_with_the_line("combined", LONG[kind], OTHERS)


@pytest.mark.parametrize("name", NAMES)
def test_a_format_takes_no_longer_than_the_line_grows(name: str) -> None:
    assert grows_with_the_line(name, b"".join(LONG.values()), None)


@pytest.mark.slow
@pytest.mark.parametrize("kind", LONG)
@pytest.mark.parametrize("name", NAMES)
def test_no_kind_of_line_takes_longer_than_it_grows(name: str, kind: str) -> None:
    assert grows_with_the_line(name, LONG[kind], OTHERS)
