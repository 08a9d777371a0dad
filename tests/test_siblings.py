"""The files of one log are in one format: the second is only looked at to see that it is so."""

from __future__ import annotations

import pytest

from parsers.detect import alike, detect
from parsers.registry import Format, load_formats

FORMATS = load_formats()
COMBINED = b'1.2.3.4 - - [21/Nov/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200 5 "-" "Mozilla/5.0"\n'
COMMON = b'1.2.3.4 - - [21/Nov/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200 5\n'
JSON = b'{"time": "2026-11-21T10:00:00Z", "request": "GET / HTTP/1.1", "status": 200}\n'
IIS = b"#Fields: date time cs-method cs-uri-stem sc-status\n2026-11-21 10:00:00 GET /a 200\n"
SHORT = b"#Fields: date time cs-method cs-uri-stem\n2026-11-21 10:00:00 GET /a\n"


def format_of(sample: bytes) -> Format:
    found = detect(sample, FORMATS).format
    assert found is not None
    return found


@pytest.mark.parametrize("log", [COMBINED, COMMON, IIS])
def test_a_log_is_like_one_in_its_format(log: bytes) -> None:
    assert alike(log, format_of(log), log)


@pytest.mark.parametrize(
    "log, other",
    [
        (COMMON, COMBINED),
        (COMBINED + COMMON, COMBINED),
        (JSON, COMBINED),
        (b"Nov 21 10:00:00 host sshd[1]: hello\n", COMBINED),
        (SHORT, IIS),
        (IIS[IIS.index(b"\n") + 1 :], IIS),
    ],
)
def test_a_log_in_another_format_is_told_from_its_siblings(log: bytes, other: bytes) -> None:
    assert not alike(log, format_of(other), other)
