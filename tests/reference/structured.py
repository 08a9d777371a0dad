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
    """The keys of nginx's variables, every value a text."""
    row = _object(line)
    method, url, protocol = ncsa.request(_given(row.get("request")))
    raw = Raw(_iso_ms(row), _status(row.get("status")), _whole(row.get("body_bytes_sent")))
    raw.client = _given(row.get("remote_addr"))
    raw.host = _host(row.get("host"))
    raw.method, raw.url, raw.protocol = method, url, protocol
    raw.referrer = _given(row.get("http_referer"))
    raw.agent = _given(row.get("http_user_agent"))
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
    return None if values[0] == "-" else str(values[0])


def _host(value: object) -> str | None:
    given = _given(value)
    return None if given is None else ncsa._bare_host(given)


def _whole(value: object) -> int:
    given = _given(value)
    return int(given) if given is not None and given.isdigit() else 0


def _status(value: object) -> int:
    given = str(value) if isinstance(value, (str, int)) else ""
    if given in ("-", "0", "000"):
        return 0
    if len(given) != 3 or not given.isdigit():
        raise Rejected("status")
    return int(given)


def _iso_ms(row: dict[str, object]) -> int:
    for key in ("time", "time_iso8601"):
        if key in row:
            try:
                moment = datetime.fromisoformat(str(row[key]))
            except ValueError as problem:
                raise Rejected("time") from problem
            return int(moment.timestamp() * 1000)
    raise Rejected("time")


def _epoch_ms(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Rejected("time")
    try:
        return int(Decimal(repr(value)) * 1000)
    except InvalidOperation as problem:
        raise Rejected("time") from problem


class W3C:
    """W3C extended lines: the columns are those of the last #Fields line."""

    def __init__(self) -> None:
        self.fields: list[str] | None = None

    def parse(self, line: bytes) -> Raw:
        if line.startswith(b"#"):
            if line.lower().startswith(b"#fields:"):
                self.fields = text(line[8:]).split()
            raise Directive
        cells = self._cells(line)
        raw = Raw(
            _w3c_ms(cells), _status(cells.get("sc-status", "-")), _whole(cells.get("sc-bytes"))
        )
        raw.client = _w3c_client(cells)
        raw.host = _host(
            cells.get("x-host-header") or cells.get("cs-host") or cells.get("cs(Host)")
        )
        raw.method = cells.get("cs-method")
        raw.url = self._url(cells)
        raw.protocol = cells.get("cs-protocol-version") or cells.get("cs-version")
        raw.referrer = self._free(cells.get("cs(Referer)"))
        raw.agent = self._free(cells.get("cs(User-Agent)"))
        raw.mime = self._free(cells.get("sc-content-type"))
        if raw.method is None or raw.url is None:
            raw.method = raw.url = None
        return raw

    def _cells(self, line: bytes) -> dict[str, str]:
        """Values by field name; what is a dash is left out."""
        if self.fields is None:
            raise Rejected("fields")
        self.tabs = b"\t" in line
        values = text(line).split("\t" if self.tabs else " ")
        if len(values) != len(self.fields):
            raise Rejected("fields")
        return {k: v for k, v in zip(self.fields, values, strict=True) if v != "-"}

    def _free(self, value: str | None) -> str | None:
        """IIS writes + for a space; CloudFront percent-encodes."""
        if value is None:
            return None
        return unquote(value, errors="replace") if self.tabs else value.replace("+", " ")

    def _url(self, cells: dict[str, str]) -> str | None:
        stem, query = cells.get("cs-uri-stem"), cells.get("cs-uri-query")
        if stem is None:
            return None
        return f"{stem}?{query}" if query else stem


def _w3c_ms(cells: dict[str, str]) -> int:
    try:
        moment = datetime.fromisoformat(f"{cells['date']}T{cells['time']}").replace(tzinfo=UTC)
    except (KeyError, ValueError) as problem:
        raise Rejected("time") from problem
    return int(moment.timestamp() * 1000)


def _w3c_client(cells: dict[str, str]) -> str | None:
    client = cells.get("c-ip")
    return client.partition("%")[0] if client else None
