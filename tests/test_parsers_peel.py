"""Logs inside wrappers: every format in every wrapper, and what becomes of other lines."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from parsers.detect import detect
from parsers.parse import Parsed, advance, parse
from parsers.registry import load_formats
from parsers.wrappers import find_format, load_wrappers
from pipeline.catalog import Catalog
from tests.stores import Store, configuration
from tests.wrapped import RFC5424, WRAPPERS, wrapped

HERE = Path(__file__).parent / "formats"
FORMATS = load_formats()
LINE = b'1.2.3.4 - - [10/Oct/2000:13:55:36 +0000] "GET /a HTTP/1.1" 200 5 "-" "curl/8"'
OBJECT = b'{"msec": "1795217040.5", "status": 200, "uri": "/a: b", "remote_addr": "::1"}'


@cache
def sample(name: str) -> bytes:
    """A log of the format without what no collector hands on: bytes that are not UTF-8, blank
    lines, and lines of many records."""
    found = (path.read_bytes() for path in sorted((HERE / name).glob("*.log")))
    data = next(data for data in found if detect(data, FORMATS).name == name)
    lines = [line for line in data.splitlines() if line.strip() and _is_utf8(line)]
    if parse(b"\n".join(lines), 0, FORMATS[name], {}).lines > len(lines):
        lines = [line for line in lines if parse(line, 0, FORMATS[name], {}).lines == 1]
    return b"".join(line + b"\n" for line in lines if b"\0" not in line)


def _is_utf8(line: bytes) -> bool:
    return line.decode("utf-8", "ignore").encode() == line


@cache
def bare(name: str) -> Parsed:
    return read(sample(name), name)


def read(data: bytes, name: str) -> Parsed:
    fmt = find_format(FORMATS, name)
    assert fmt is not None
    return parse(data, 0, fmt, {})


def values(parsed: Parsed) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in row.items() if name != "offset" and value is not None}
        for row in parsed.table.to_pylist()
    ]


def test_every_wrapper_is_tested() -> None:
    assert set(load_wrappers()) == set(WRAPPERS)


def pairs() -> Iterator[Any]:
    """Each format in each wrapper; the quick suite has each format and each wrapper three times
    and more."""
    for (number, name), (turn, wrapper) in product(enumerate(FORMATS), enumerate(WRAPPERS)):
        quick = (number + turn) % 2 == 0
        yield pytest.param(name, wrapper, marks=[] if quick else [pytest.mark.slow])


@pytest.mark.parametrize(("name", "wrapper"), list(pairs()))
def test_every_format_is_read_in_every_wrapper(name: str, wrapper: str) -> None:
    inside = wrapped(wrapper, sample(name))
    found = read(inside, f"{wrapper}/{name}")
    assert values(found) == values(bare(name))
    assert found.lines == inside.count(b"\n")
    for row in found.table.to_pylist():
        assert row["offset"] == 0 or inside[row["offset"] - 1 : row["offset"]] == b"\n"


@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize("name", ["combined", "nginx_json", "w3c"])
def test_a_wrapped_log_is_recognised(name: str, wrapper: str) -> None:
    data = wrapped(wrapper, sample(name))
    assert detect(data, FORMATS).name == f"{wrapper}/{name}"


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_bytes_that_are_not_ascii_elsewhere_change_nothing(wrapper: str) -> None:
    data = wrapped(wrapper, LINE + b"\n" + LINE + b"\n")
    with_others = data + "caf\u00e9\n".encode() + b"\xff\n"
    assert values(read(with_others, f"{wrapper}/combined")) == values(
        read(data, f"{wrapper}/combined")
    )


#: What stands before a line by RFC 3164, or what is made of it.
SYSLOG = [
    b"Nov  3 09:23:38 web1 nginx: ",
    b"Nov 20 23:24:00 192.168.4.2 haproxy[7]: ",
    b"Nov 20 23:24:00 fe80::1 haproxy[7]: ",
    b"Nov 20 2026 23:24:00 web1 nginx: ",
    b"<134>Nov 20 23:24:00 haproxy[9013]: ",
    b"<190>Nov 20 23:24:00 web1 nginx: ",
    b"<134>2026-11-12T16:59:46Z cache-fra-19 fastly-log[25]: ",
    b"2026-11-12T16:59:46.613304+00:00 1.1.1.1  ",
    b"2026-11-12T16:59:46+0000 web1 app.log[1/2]: ",
    b"Nov 20 23:24:00 web1 postfix/smtpd[12]: ",
]


@pytest.mark.parametrize("prefix", SYSLOG)
@pytest.mark.parametrize(("line", "name"), [(LINE, "combined"), (OBJECT, "nginx_json")])
def test_the_prefix_of_syslog_ends_where_the_line_begins(
    prefix: bytes, line: bytes, name: str
) -> None:
    (row,) = values(read(line + b"\n", name))
    assert values(read(prefix + line + b"\n", f"syslog/{name}")) == [row]


@pytest.mark.parametrize(
    "prefix",
    [
        RFC5424,
        b"<34>1 2026-11-20T23:24:00Z web1 nginx - - - ",
        b"83 <40>1 2026-11-20T23:24:00+00:00 host app web.1 - - ",
        b"83 <190>1 2026-11-20T23:24:00+00:00 host app web.1 - ",
        b'<165>1 - - - - - [a@1][b@2 c="d"] \xef\xbb\xbf',
    ],
)
def test_the_prefix_of_rfc_5424_ends_where_the_line_begins(prefix: bytes) -> None:
    assert values(read(prefix + LINE, "syslog5424/combined")) == values(read(LINE, "combined"))


def test_lines_of_other_programs_are_rejected_and_counted() -> None:
    data = b"".join(
        [
            b"Nov 20 23:24:00 web1 nginx: " + LINE + b"\n",
            b"Nov 20 23:24:00 web1 sshd[1]: Accepted publickey\n",
            b"Nov 20 23:24:01 --- last message repeated 2 times ---\n",
            b"\n",
        ]
    )
    parsed = read(data, "syslog/combined")
    assert parsed.table.num_rows == 1
    assert parsed.rejects["reason"].to_pylist() == ["layout", "wrapper", "blank"]
    assert parsed.rejects["offset"].to_pylist() == [
        n for n in (0, *(i + 1 for i, byte in enumerate(data[:-1]) if byte == 10)) if n
    ]


def test_a_wrapper_may_be_in_a_wrapper() -> None:
    data = wrapped("docker", wrapped("syslog", (LINE + b"\n") * 3))
    assert detect(data, FORMATS).name == "docker/syslog/combined"
    assert values(read(data, "docker/syslog/combined")) == values(read(LINE, "combined")) * 3


CRI = b"2026-11-20T23:24:00.1Z stdout %s "
PARTS = {
    "cri": (CRI % b"F", CRI % b"P", b"\n"),
    "docker": (b'{"log":"', b'{"log":"', b'\\n","stream":"stdout"}\n'),
}


@pytest.mark.parametrize("wrapper", PARTS)
def test_parts_of_lines_are_rejected_wherever_the_log_is_cut(wrapper: str) -> None:
    full, part, end = PARTS[wrapper]
    text = LINE.replace(b'"', b'\\"') if wrapper == "docker" else LINE
    unfinished = part + b"begun" + (b'"}\n' if wrapper == "docker" else b"\n")
    # What follows a part is none of its own, though it looks like a line.
    lines = [full + text + end, unfinished, unfinished, full + text + end, full + text + end]
    data, name = b"".join(lines), f"{wrapper}/combined"
    whole = read(data, name)
    assert whole.table["offset"].to_pylist() == [0, len(data) - len(lines[-1])]
    assert whole.rejects["reason"].to_pylist() == ["part"] * 3
    fmt = find_format(FORMATS, name)
    assert fmt is not None
    for cut in range(1, len(lines)):
        head = b"".join(lines[:cut])
        rest = parse(data[len(head) :], len(head), fmt, advance(head, fmt, {}))
        offsets = [*read(head, name).table["offset"].to_pylist(), *rest.table["offset"].to_pylist()]
        assert offsets == whole.table["offset"].to_pylist()


def test_only_known_wrappers_and_formats_have_a_name() -> None:
    assert find_format(FORMATS, "docker/combined") is not None
    for name in ("docker", "docker/", "nothing/combined", "docker/nothing", "/combined"):
        assert find_format(FORMATS, name) is None


def test_a_format_asked_for_by_name_is_found_in_its_wrapper_and_again(tmp_path: Path) -> None:
    log = tmp_path / "container.log"
    store = Store(tmp_path / "data", configuration({"s": "UTC"}))
    lines = [LINE.replace(b"/a", b"/%d" % number) + b"\n" for number in range(30)]
    for end in (2, 20, 30):
        log.write_bytes(wrapped("docker", b"".join(lines[:end])))
        assert store.backfill(log, format="combined")["rejected"] == 0
    assert store.ask(["hits"]) == {(): [30]}
    catalog = Catalog(store.data)
    assert [source.format for source in catalog.sources()] == ["docker/combined"]
    catalog.close()


def test_parts_are_told_over_two_runs(tmp_path: Path) -> None:
    log = tmp_path / "container.log"
    store = Store(tmp_path / "data", configuration({"s": "UTC"}))
    full, part, _ = PARTS["cri"]
    begun, rest = part + LINE + b"\n", full + LINE + b"\n"
    log.write_bytes(rest * 9 + begun)
    assert store.backfill(log, format="auto")["rejected"] == 1
    log.write_bytes(rest * 9 + begun + rest + rest)
    assert store.backfill(log, format="auto")["rejected"] == 1
    assert store.ask(["hits"]) == {(): [10]}
