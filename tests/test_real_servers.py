"""What web servers write today is read as what they were sent: `make test-servers`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from parsers.detect import detect
from parsers.parse import Parsed, parse
from parsers.registry import Format, load_formats, make_format
from pipeline.servers_blocks import find_sources
from tests.real_servers import SERVERS, Run, running
from tests.recordings import asked, truth

pytestmark = pytest.mark.servers

FORMATS = load_formats()
CASES = (
    "plain", "pct_utf8", "ua_latin1", "ua_utf8", "ua_quote_backslash", "ua_tab",
    "ref_brackets_quotes", "head", "post", "query_chars", "basic_auth", "basic_auth_quote",
    "xff_chain", "ua_missing", "pct_quote", "notfound", "host_port_case", "literal_backslash_x",
    "space_in_path",
)  # fmt: skip
REQUESTS = {case: truth("sent.json")["origin"][case].encode("latin-1") for case in CASES}


def formats_of(name: str, run: Run) -> Iterator[tuple[Path, Format]]:
    """Each log of a server and its format: as configured for it, or as found out."""
    table = SERVERS[name]
    if "written" in table:
        found = find_sources(table["written"], run.folder / "server.conf", FORMATS, ())
        assert found.notes == ()
        chosen = {Path(block.paths[0].rstrip("*")): block.format for block in found.sources}
    else:
        chosen = {run.folder / file: fmt for file, fmt in table["logs"].items()}
    for path, fmt in chosen.items():
        if isinstance(fmt, dict):
            yield path, make_format(path.name, fmt)
        else:
            detected = detect(path.read_bytes(), FORMATS)
            assert detected.format is not None, (path.name, detected.reasons)
            assert fmt in ("auto", detected.name)
            yield path, detected.format


def said(row: Mapping[str, Any]) -> dict[str, Any]:
    """What a row says of a request, in the terms of `asked`; only what the log tells of."""
    path, mark, query = re.sub("^https?://[^/]*", "", row["url"] or "").partition("?")
    parts = {"path": path, "query": query if mark else None, "status": row["status"]}
    told = {name: row[name] for name in ("method", "agent", "referrer") if name in row}
    return parts | told


def lost(name: str, file: str, told: Collection[str]) -> set[tuple[str, str]]:
    """Cases and fields, of those that the log tells, that are not as they were sent."""
    tables = SERVERS[name].get("lost", {})
    listed = {
        (case, field)
        for table in (tables.get("*", {}), tables.get(file, {}))
        for field, cases in table.items()
        for case in cases
    }
    gone = {case for case, field in listed if field == "line"}
    return {(case, f) for case, f in listed if f == "line" or (f in told and case not in gone)}


def refused(path: Path, parsed: Parsed) -> list[str]:
    data = path.read_bytes().decode("latin-1")
    return [data[row["offset"] :][: row["length"]] for row in parsed.rejects.to_pylist()]


def noise(name: str, line: str) -> bool:
    return re.match(SERVERS[name].get("noise", "$^"), line) is not None


def differences(run: Run, rows: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """Cases and fields of which a log tells something else than was sent; `line` for no line."""
    by_id = {match[0]: row for row in rows if (match := re.search("id=[0-9]+", row["query"] or ""))}
    found = set()
    for case, request in REQUESTS.items():
        sent = asked(request, run.answers[case])
        row = by_id.get(re.search("id=[0-9]+", request.decode("latin-1"))[0])  # type: ignore[index]
        if row is None:
            found.add((case, "line"))
        else:
            found |= {(case, field) for field, value in row.items() if value != sent[field]}
    return found


@pytest.mark.parametrize("name", sorted(SERVERS))
def test_what_a_server_writes_is_what_it_was_sent(name: str) -> None:
    with running(name, REQUESTS) as run:
        for path, fmt in formats_of(name, run):
            parsed = parse(path.read_bytes(), 0, fmt, {})
            assert [line for line in refused(path, parsed) if not noise(name, line)] == []
            rows = [said(row) for row in parsed.table.to_pylist()]
            assert differences(run, rows) == lost(name, path.name, rows[0]), path.name
