"""Every log there is, and which format it is recognised to be in without being told."""

from __future__ import annotations

import gzip
import json
import time
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from parsers.detect import detect
from parsers.registry import load_formats
from pipeline.reading import SAMPLE_BYTES
from tallylog import main

HERE = Path(__file__).parent
FORMATS = load_formats()
TABLES = tomllib.loads((HERE / "detect" / "formats.toml").read_text())
#: path below this folder -> the format, or the reason why it is in none
LISTED: dict[str, str] = TABLES["formats"]
REFUSED: dict[str, str] = TABLES["none"]
FILED = {
    str(path.relative_to(HERE)): path.parent.name
    for path in sorted((HERE / "formats").glob("*/*.log"))
    if path.parent.name != "none"
}
HEAD = '1.2.3.4 - - [10/Oct/2000:13:55:36 +0000] "GET /a HTTP/1.1" 200 5'
COMBINED = f'{HEAD} "-" "curl/8"'


def content(path: str) -> bytes:
    data = (HERE / path).read_bytes()
    return gzip.decompress(data) if path.endswith(".gz") else data


@pytest.mark.parametrize("path", [*LISTED, *FILED])
def test_a_log_is_recognised(path: str) -> None:
    found = detect(content(path)[:SAMPLE_BYTES], FORMATS)
    assert found.name == (LISTED | FILED)[path], found.reasons


@pytest.mark.parametrize("path", REFUSED)
def test_a_log_of_no_format_is_refused(path: str) -> None:
    found = detect(content(path)[:SAMPLE_BYTES], FORMATS)
    assert (found.name, found.confidence) == (None, 0.0)
    assert found.reasons


def test_every_log_is_listed_with_its_source() -> None:
    folders = ("detect", "logs", "formats/none")
    there = {f"{name}/{path.name}" for name in folders for path in (HERE / name).glob("*.log*")}
    assert there == set(LISTED) | set(REFUSED)
    sources = (HERE / "detect" / "SOURCES.md").read_text()
    assert all(f"| {path.name} |" in sources for path in (HERE / "detect").glob("*.log"))


#: What lies in /var/log beside access logs.
STRANGE = {
    "ssh": "Nov 20 23:24:00 web1 sshd[812]: Failed password for root from 10.0.0.9 port 22 ssh2",
    "MySQL": "2026-11-20T23:24:00.123456Z 0 [Warning] [MY-010068] CA certificate is self signed.",
    "nginx's errors": '2026/11/20 23:24:00 [error] 7#7: *9 open() "/a" failed, client: 10.0.0.9,'
    ' server: _, request: "GET /a HTTP/1.1", host: "x"',
    "Apache's errors": "[Fri Nov 20 23:24:00.123456 2026] [core:error] [pid 7] [client 10.0.0.9:1]"
    " AH00126: Invalid URI in request GET /../a HTTP/1.1",
    "mail": "Nov 20 23:24:00 mx1 postfix/smtpd[7]: connect from mail.example.org[10.0.0.9]",
    "an application": '{"time": "2026-11-20T23:24:00Z", "level": "info", "msg": "started"}',
    "a table": "day,views,visitors\n2026-11-20,5,3",
    "a page": "<!doctype html>\n<title>GET /a HTTP/1.1</title>",
    "an unknown layout": "GET|/a|200|5|10.0.0.9|2026-11-20",
    "blanks": "\n\n",
}


@pytest.mark.parametrize("kind", STRANGE)
def test_what_lies_beside_access_logs_is_refused(kind: str) -> None:
    found = detect(f"{STRANGE[kind]}\n".encode() * 30, FORMATS)
    assert found.name is None, found.reasons


def test_lines_about_other_things_do_not_speak_against_a_format() -> None:
    lines = [STRANGE["nginx's errors"]] * 60 + [COMBINED] * 20
    found = detect("".join(f"{line}\n" for line in lines).encode(), FORMATS)
    assert (found.name, found.confidence) == ("combined", 1.0)
    assert "60 are not about requests" in found.reasons


def test_requests_in_an_unknown_layout_do() -> None:
    lines = [STRANGE["an unknown layout"]] * 10 + [COMBINED] * 20
    found = detect("".join(f"{line}\n" for line in lines).encode(), FORMATS)
    assert (found.name, round(found.confidence, 2)) == (None, 0.67)
    assert "10 that look like requests have that of no format" in found.reasons


def test_it_takes_little_time() -> None:
    sample = (f"{COMBINED}\n" * 1000).encode()[:SAMPLE_BYTES]
    detect(sample, FORMATS)  # what is loaded but once
    best = 1e9
    for _ in range(5):
        began = time.thread_time()
        detect(sample, FORMATS)
        best = min(best, time.thread_time() - began)
    assert best < 0.15  # measured: 0.03; the machine may have other things to do


def show(path: Path, *options: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["formats", "--detect", str(path), *options])
    return done.exit_code, done.output


def test_the_command_shows_choice_reasons_and_the_first_lines(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    # A web server that is set up to write JSON has a new format in the old file.
    entry = {"time_iso8601": "2000-10-10T13:55:36Z", "status": 200, "request_uri": "/b"}
    log.write_text(f"{COMBINED}\n" * 9 + f"{json.dumps(entry)}\n" * 3)
    code, output = show(log)
    assert code == 0
    for text in ("combined", "100%", "9 of 12 lines", "3 have that of nginx_json", "curl/8", "/a"):
        assert text in output, output


def test_the_command_says_that_it_knows_no_format(tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.write_text(STRANGE["ssh"])
    code, output = show(log)
    assert code == 1
    assert "no format reads a line of it" in output
    assert show(tmp_path / "missing.log")[0] == 1
