"""Reads common, combined and vhost_combined lines with a scanner that walks the bytes once."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from tests.reference.lines import Rejected, text
from tests.reference.records import Raw

STAMP = re.compile(rb" \[(\d\d/[A-Za-z]{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] ")
NUMBER = re.compile(rb"[0-9]{1,18}|-")
STATUS = re.compile(rb"[0-9]{3}|-")
AFTER_REQUEST = re.compile(rb'" (?:[0-9]{3}|-)(?: |$)')
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
ONE_LETTER_ESCAPES = {
    "t": b"\t",
    "n": b"\n",
    "r": b"\r",
    "b": b"\b",
    "v": b"\v",
    '"': b'"',
    "\\": b"\\",
}


class Scanner:
    """A place in a line."""

    def __init__(self, line: bytes) -> None:
        self.line = line
        self.at = 0

    def done(self) -> bool:
        return self.at >= len(self.line)

    def literal(self, expected: bytes) -> None:
        if not self.line.startswith(expected, self.at):
            raise Rejected("layout")
        self.at += len(expected)

    def until(self, end: bytes) -> bytes:
        """What comes before `end`, which is passed over."""
        found = self.line.find(end, self.at)
        if found < 0:
            raise Rejected("layout")
        value = self.line[self.at : found]
        self.at = found + len(end)
        return value

    def stamp(self) -> bytes:
        """The first time in brackets; the user before it may be anything."""
        found = STAMP.search(self.line, self.at)
        if not found:
            raise Rejected("layout")
        self.at = found.end()
        return found.group(1)

    def word(self) -> bytes:
        """What comes before the next space or the end of the line."""
        start = self.at
        while self.at < len(self.line) and self.line[self.at] != 0x20:
            self.at += 1
        return self.line[start : self.at]

    def quoted(self, may_stay_open: bool = False) -> bytes:
        """What stands between two quotes; a backslash takes the next byte with it."""
        self.literal(b'"')
        start = self.at
        while self.at < len(self.line) and self.line[self.at] != 0x22:
            self.at += 2 if self.line[self.at] == 0x5C else 1
        if self.at >= len(self.line) and may_stay_open:
            return self.line[start:]
        if self.at >= len(self.line):
            raise Rejected("layout")
        self.at += 1
        return self.line[start : self.at - 1]


def unescape(value: bytes) -> str:
    """Undo nginx's \\xHH and Apache's \\xhh, \\", \\\\ and \\t in one walk."""
    out = bytearray()
    at = 0
    while at < len(value):
        step, piece = _one(value, at)
        out += piece
        at += step
    return text(bytes(out))


def _one(value: bytes, at: int) -> tuple[int, bytes]:
    if value[at] != 0x5C or at + 1 >= len(value):
        return 1, value[at : at + 1]
    letter = chr(value[at + 1])
    if letter in ONE_LETTER_ESCAPES:
        return 2, ONE_LETTER_ESCAPES[letter]
    digits = value[at + 2 : at + 4]
    if letter == "x" and len(digits) == 2 and all(d in b"0123456789abcdefABCDEF" for d in digits):
        return 4, bytes([int(digits, 16)])
    return 1, b"\\"


def optional(value: bytes) -> str | None:
    """A dash says the value is missing."""
    return None if value == b"-" else unescape(value)


def time_ms(stamp: bytes) -> int:
    """dd/Mon/yyyy:HH:MM:SS +zzzz."""
    try:
        when, zone = stamp.decode("ascii").split(" ")
        day, month, rest = when.split("/")
        year, hour, minute, second = rest.split(":")
        shift = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5]))
        moment = datetime(
            int(year),
            MONTHS.index(month) + 1,
            int(day),
            int(hour),
            int(minute),
            int(second),
            tzinfo=timezone(-shift if zone[0] == "-" else shift),
        )
    except (ValueError, IndexError) as problem:
        raise Rejected("time") from problem
    return int(moment.timestamp()) * 1000


def status_code(word: bytes) -> int:
    """Three digits, or a dash for none."""
    if word == b"-":
        return 0
    if len(word) != 3 or not word.isdigit():
        raise Rejected("status")
    return int(word)


def request(line: str | None) -> tuple[str | None, str | None, str | None]:
    """(method, target, protocol), or nothing at all when there are no method and target."""
    words = (line or "").rstrip(" ").split(" ")
    protocol = None
    if len(words) > 1 and words[-1].startswith("HTTP/") and words[-1][5:6].isdigit():
        protocol = words.pop()
    method, target = words[0], " ".join(words[1:]).strip(" ")
    if not target or not re.fullmatch("[A-Za-z][A-Za-z_-]*", method):
        return None, None, None
    return method, target, protocol


def parse(line: bytes, name: str) -> Raw:
    """One line of common, combined or vhost_combined, or of combined with one more field."""
    scan = Scanner(line)
    host = scan.until(b" ") if name == "vhost_combined" else b"-"
    client, identity = scan.until(b" "), scan.until(b" ")
    if not client or not identity or any(mark in identity for mark in (b".", b":", b'"')):
        raise Rejected("layout")  # an identity is no address and no host name
    stamp = scan.stamp()
    start = scan.at
    try:
        asked, status, size, referrer, agent = as_it_should_be(scan, name)
    except Rejected:
        scan.at = start
        asked, status, size, referrer, agent = as_far_as_it_goes(scan, name)
    raw = Raw(time_ms(stamp), status_code(status), 0 if size == b"-" else int(size))
    raw.client = optional(client)
    raw.tells_agent = name != "common"
    raw.host = None if host == b"-" else _bare_host(unescape(host))
    raw.method, raw.url, raw.protocol = request(optional(asked))
    raw.referrer, raw.agent = optional(referrer), optional(agent)
    return raw


def as_it_should_be(scan: Scanner, name: str) -> tuple[bytes, ...]:
    """(request, status, bytes, referrer, agent) of a line that has the format's shape."""
    asked = scan.quoted()
    scan.literal(b" ")
    status = scan.word()
    scan.literal(b" ")
    size, referrer, agent = scan.word(), b"-", b"-"
    if not NUMBER.fullmatch(size) or not STATUS.fullmatch(status):
        raise Rejected("layout")
    if name != "common":
        scan.literal(b" ")
        referrer = scan.quoted()
        scan.literal(b" ")
        agent = scan.quoted()
    if name == "combined_xff":
        scan.literal(b" ")
        scan.quoted()
    if not scan.done():
        raise Rejected("layout")
    return asked, status, size, referrer, agent


def as_far_as_it_goes(scan: Scanner, name: str) -> tuple[bytes, ...]:
    """The same of a damaged line: what follows the status is read as long as it fits."""
    scan.literal(b'"')
    end = scan.at
    while not AFTER_REQUEST.match(scan.line, end):
        end = scan.line.find(b'"', end + 1) if end < len(scan.line) else -1
        if end < 0:
            raise Rejected("layout")
    asked = scan.line[scan.at : end]
    scan.at = end + 2
    status, size, referrer, agent = scan.word(), b"-", b"-", b"-"
    try:
        scan.literal(b" ")
        word = scan.word()
        if not NUMBER.fullmatch(word):
            raise Rejected("layout")
        size = word
        if name != "common":
            scan.literal(b" ")
            referrer = scan.quoted(may_stay_open=True)
            scan.literal(b" ")
            agent = scan.quoted(may_stay_open=True)
    except Rejected:
        pass  # the first value that does not fit ends the record
    return asked, status, size, referrer, agent


def _bare_host(host: str) -> str | None:
    name, _, port = host.rpartition(":")
    return (name if name and port.isdigit() else host).lower()
