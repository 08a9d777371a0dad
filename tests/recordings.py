"""Logs of real servers beside the bytes that these servers were really sent.

`truth/sent.json` holds 46 odd requests byte for byte (as Latin-1), `truth/answers.json` how each
answer began, and `truth/losses.toml` what a server left out of its log or changed.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from parsers.parse import parse
from parsers.raw import UNTOLD
from parsers.registry import load_formats

HERE = Path(__file__).parent
FIELDS = ("method", "path", "query", "agent", "referrer", "status")
#: What a request says, or a line about it: a value for each field that is told, None for none.
Said = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Difference:
    """A field of a line that is not as it was sent."""

    case: str
    field: str
    sent: object
    read: object


@dataclass(frozen=True, slots=True)
class Recording:
    """A log in the folder of its format; its name has that of the server in it."""

    path: Path

    @property
    def format(self) -> str:
        return self.path.parent.name

    @property
    def server(self) -> str:
        return next(name for name in servers() if name in self.path.stem)

    def __str__(self) -> str:
        return f"{self.format}/{self.path.stem}"


@cache
def truth(name: str) -> Any:
    """One file of the folder `truth`."""
    text = (HERE / "truth" / name).read_text("utf-8")
    return tomllib.loads(text) if name.endswith(".toml") else json.loads(text)


def servers() -> Mapping[str, Any]:
    """Server -> what it did with whole requests."""
    return truth("losses.toml")["server"]  # type: ignore[no-any-return]


def sent_to(server: str) -> dict[str, bytes]:
    """The requests by the names of their cases, in the order they were sent."""
    other = truth("sent.json")["proxy"] if servers()[server].get("proxy") else {}
    origin = truth("sent.json")["origin"]
    return {case: other.get(case, text).encode("latin-1") for case, text in origin.items()}


def told_in(recording: Recording) -> frozenset[str]:
    """The fields that the log's format has."""
    return frozenset(name for said in read(recording) for name in said)


def differences(recording: Recording) -> list[Difference]:
    """Every field of every line that is not as it was sent."""
    sent, answers = sent_to(recording.server), truth("answers.json")[recording.server]
    said_by = {case: asked(request, answers[case]) for case, request in sent.items()}
    lines = recording.path.read_bytes().splitlines()
    return [
        Difference(case, field, said_by[case][field], value)
        for case, row in zip(cases(recording.server, lines), read(recording), strict=True)
        if case is not None
        for field, value in row.items()
        if value != said_by[case][field] and (field, said_by[case][field]) != ("status", None)
    ]


def asked(request: bytes, answer: str) -> Said:
    """What a request says to one who reads it as RFC 9110 and RFC 9112 have it."""
    head, *headers = re.sub(rb"\r\n[ \t]+", b" ", request).split(b"\r\n")
    words = head.split(b" ")
    if len(words) > 2 and re.fullmatch(rb"HTTP/\d\.\d", words[-1]):
        words.pop()
    target = b" ".join(words[1:])
    values = dict(header.split(b":", 1) for header in headers if b":" in header)
    status = re.match(r"HTTP/1\.\d (\d{3})", answer)
    return {
        "method": _text(words[0] if target else None),
        **_target(target),
        "agent": _text(values.get(b"User-Agent")),
        "referrer": _text(values.get(b"Referer")),
        "status": int(status[1]) if status else None,
    }


@cache
def read(recording: Recording) -> list[Said]:
    """What each line says, as the parser reads it."""
    found = parse(recording.path.read_bytes(), 0, _formats()[recording.format], {})
    assert found.rejects.num_rows == 0
    return [_said(row) for row in found.table.to_pylist()]


def _said(row: Mapping[str, Any]) -> Said:
    """What one line says; a line that does not tell of agents does not of referrers either."""
    untold = ("agent", "referrer") if row.get("agent") == UNTOLD else ()
    told = {name: row[name] for name in FIELDS if name in row and name not in untold}
    told = {name: None if value == "" else value for name, value in told.items()}
    return told | _target((row["url"] or "").encode())


@cache
def _formats() -> Mapping[str, Any]:
    return load_formats()


def _target(target: bytes) -> Said:
    """Path and query without scheme and host, which a log may add or leave out."""
    path, mark, query = re.sub(rb"^https?://[^/*]*", b"", target).partition(b"?")
    return {"path": _text(path) if target else None, "query": _text(query) if mark else None}


def _text(value: bytes | None) -> str | None:
    return value.decode("utf-8", errors="replace").strip(" ") or None if value else None


def cases(server: str, lines: list[bytes]) -> Iterator[str | None]:
    """What case each line is about: told by the id in its target, and by the order for lines
    without one. None for a line that belongs to no request."""
    about, sent = servers()[server], sent_to(server)
    order: list[str | None] = [case for case in sent if case not in about.get("silent", {})]
    for case in about.get("twice", {}):
        order.insert(order.index(case) + 1, None)
    ids = {match[1]: case for case in order if case and (match := _id(sent[case]))}
    for start in range(0, len(lines), len(order)):
        part = lines[start : start + len(order)]
        found = [ids.get(match[1]) if (match := _id(line)) else None for line in part]
        left = deque(case for case in order if case is None or case not in found)
        yield from (case or left.popleft() for case in found)
        assert not left, f"{server} logged fewer requests than it was sent"


def _id(text: bytes) -> re.Match[bytes] | None:
    return re.search(rb"[?&]id=(\d+)", text)
