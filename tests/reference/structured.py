"""Reads JSON lines (nginx, Caddy) and W3C extended lines."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from urllib.parse import unquote

from tests.reference import ncsa
from tests.reference.lines import Directive, Rejected, text
from tests.reference.records import Raw


def nginx_json(line: bytes) -> Raw:
    """The keys of nginx's variables or of Elastic's example, every value a text."""
    row = _object(line)
    moment = _epoch_ms if "msec" in row else _text_ms
    raw = Raw(
        moment(row.get("msec", row.get("time"))),
        _status(row.get("status", row.get("response"))),
        _whole(row.get("body_bytes_sent", row.get("bytes"))),
    )
    raw.client = _given(row.get("remote_addr", row.get("remote_ip")))
    raw.host = _host(row.get("host"))
    raw.method, raw.url, raw.protocol = ncsa.request(_given(row.get("request")))
    raw.referrer = _given(row.get("http_referer", row.get("referrer")))
    raw.agent = _given(row.get("http_user_agent", row.get("agent")))
    return raw


def caddy_json(line: bytes) -> Raw:
    """Caddy nests the request and writes headers as lists."""
    row = _object(line)
    asked = row.get("request") if isinstance(row.get("request"), dict) else {}
    assert isinstance(asked, dict)
    raw = Raw(_epoch_ms(row.get("ts")), _status(row.get("status")), _whole(row.get("size")))
    raw.client = _given(asked.get("client_ip")) or _given(asked.get("remote_ip"))
    raw.host = _host(asked.get("host"))
    raw.method = _given(asked.get("method"))
    raw.url = _given(asked.get("uri"))
    raw.protocol = _given(asked.get("proto"))
    raw.referrer = _header(asked.get("headers"), "Referer")
    raw.agent = _header(asked.get("headers"), "User-Agent")
    raw.mime = _header(row.get("resp_headers"), "Content-Type")
    return raw


def _object(line: bytes) -> dict[str, object]:
    try:
        row = json.loads(text(line), strict=False)
    except ValueError as problem:
        raise Rejected("json") from problem
    if not isinstance(row, dict):
        raise Rejected("json")
    return row


def _given(value: object) -> str | None:
    return None if value in (None, "", "-") else str(value)


def _header(headers: object, name: str) -> str | None:
    values = headers.get(name) if isinstance(headers, dict) else None
    if not isinstance(values, list) or not values:
        return None
    return str(values[0]) or None


def _host(value: object) -> str | None:
    given = _given(value)
    return None if given is None else ncsa._bare_host(given)


def _whole(value: object) -> int:
    given = _given(value)
    return int(given) if given is not None and given.isdigit() else 0


def _status(value: object) -> int:
    if value is None:
        raise Rejected("fields")
    given = str(value)
    if given in ("-", "0", "000"):
        return 0
    if len(given) != 3 or not given.isdigit():
        raise Rejected("status")
    return int(given)


def _text_ms(value: object) -> int:
    """ISO 8601, or as in the other formats of nginx."""
    if value is None:
        raise Rejected("fields")
    given = str(value)
    if given[2:3] == "/":
        return ncsa.time_ms(given.encode())
    try:
        return int(datetime.fromisoformat(given).timestamp() * 1000)
    except ValueError as problem:
        raise Rejected("time") from problem


def _epoch_ms(value: object) -> int:
    if value is None:
        raise Rejected("fields")
    try:
        return int(Decimal(str(value)) * 1000)
    except InvalidOperation as problem:
        raise Rejected("time") from problem


class W3C:
    """W3C extended lines: the columns are those of the last #Fields line, and a time without a
    date is of the day of the last #Date line."""

    def __init__(self) -> None:
        self.fields: list[str] | None = None
        self.day: str | None = None

    def parse(self, line: bytes) -> Raw:
        if line.startswith(b"#"):
            if line.startswith(b"#Fields:"):
                self.fields = text(line[8:]).split()
            if line.startswith(b"#Date:"):
                self.day = text(line[6:]).split()[0]
            raise Directive
        cells = self._cells(text(line))
        if self.day and not any(name.startswith("date") for name in self.fields or ()):
            cells["date"] = self.day
        raw = Raw(_w3c_ms(cells), _status(cells.get("sc-status", "-")), _w3c_bytes(cells))
        raw.client = (_first(cells, "c-ip") or "").partition("%")[0] or None
        raw.host = _host(_first(cells, "x-host-header", "cs-host", "cs(Host)"))
        raw.method = _first(cells, "cs-method")
        raw.url = self._url(cells)
        raw.protocol = _first(cells, "cs-protocol-version", "cs-version")
        raw.referrer = self._encoded(_first(cells, "cs(Referer)", "cs(Referrer)"))
        raw.tells_agent = "cs(User-Agent)" in (self.fields or ())
        raw.agent = self._agent(_first(cells, "cs(User-Agent)"))
        raw.mime = self._decoded(_first(cells, "sc-content-type"))
        raw.country = _first(cells, "cs-countrycode")
        if raw.method is None or raw.url is None:
            raw.method = raw.url = raw.protocol = None
        return raw

    @property
    def cloudfront(self) -> bool:
        return "x-edge-location" in (self.fields or ())

    def _cells(self, line: str) -> dict[str, str]:
        """Values by field name; what is a dash or lacks at the end is left out."""
        if self.fields is None:
            raise Rejected("fields")
        tab, space = line.find("\t"), line.find(" ")
        by_tab = tab >= 0 and (space < 0 or tab < space)
        values = line.split("\t") if by_tab else _words(line)
        if len(values) > len(self.fields):
            raise Rejected("layout")
        for needed in ("sc-status", "cs-method"):
            if needed in self.fields and self.fields.index(needed) >= len(values):
                raise Rejected("fields")
        return {k: v for k, v in zip(self.fields, values, strict=False) if v not in ("-", "")}

    def _agent(self, value: str | None) -> str | None:
        """IIS writes a plus sign for a space, Imperva a space, CloudFront escapes."""
        if value is None or "cs-clapp" in (self.fields or ()):
            return value
        return self._decoded(value) if self.cloudfront else value.replace("+", " ")

    def _encoded(self, value: str | None) -> str | None:
        """CloudFront escapes the percent sign of an address once more."""
        return value.replace("%25", "%") if value and self.cloudfront else value

    def _decoded(self, value: str | None) -> str | None:
        return unquote(value.replace("%25", "%")) if value and self.cloudfront else value

    def _url(self, cells: dict[str, str]) -> str | None:
        stem, query = _first(cells, "cs-uri-stem", "cs-uri"), _first(cells, "cs-uri-query")
        if not stem:
            return None
        return self._encoded(f"{stem}?{query}" if query else stem)


def _words(line: str) -> list[str]:
    """Between spaces; a word may be quoted, a quote in it is doubled."""
    words, at = [], 0
    while at < len(line):
        if line[at] == " ":
            at += 1
            continue
        if line[at] == '"':
            end = at + 1
            while end < len(line) and (line[end] != '"' or line[end + 1 : end + 2] == '"'):
                end += 2 if line[end] == '"' else 1
            words.append(line[at + 1 : end].replace('""', '"'))
            at = end + 1
        else:
            end = line.find(" ", at)
            end = len(line) if end < 0 else end
            words.append(line[at:end])
            at = end
    return words


def _first(cells: dict[str, str], *names: str) -> str | None:
    return next((cells[name] for name in names if name in cells), None)


def _w3c_bytes(cells: dict[str, str]) -> int:
    return _whole(_first(cells, "sc-bytes", "bytes"))


def _w3c_ms(cells: dict[str, str]) -> int:
    day, clock = (_first(cells, n, f"{n}-UTC", f"{n}-local") for n in ("date", "time"))
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=UTC)
    except ValueError as problem:
        raise Rejected("time") from problem
    return int(moment.timestamp() * 1000)
