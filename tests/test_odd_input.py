"""Every row of docs/input.md, through the whole of a backfill."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.backfill import backfill
from pipeline.catalog import Catalog
from pipeline.config import Config

ROOT = Path(__file__).parent.parent
GOOD = (
    b'192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET /page HTTP/1.1" 200 5 "-" '
    b'"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"\n'
)
LONG = GOOD.replace(b"/page", b"/" + b"x" * 1_000_000)
TOO_LONG = GOOD.replace(b"/page", b"/" + b"x" * (1 << 20))

CASES = {
    "bytes that are not UTF-8": (GOOD.replace(b"/page", b"/caf\xe9"), {"page": 1}, []),
    "NUL bytes before a line": (b"\0" * 4096 + GOOD, {"page": 1}, []),
    "NUL bytes in a line": (GOOD.replace(b"/page", b"/a\0b"), {"probe": 1}, []),
    "NUL bytes in a line that nothing reads": (b"a\0b\n" + GOOD, {"page": 1}, ["nul"]),
    "a line of a megabyte": (LONG, {"page": 1}, []),
    "a longer line": (GOOD + TOO_LONG + GOOD, {"page": 2}, ["long"]),
    "CR LF": (GOOD.replace(b"\n", b"\r\n") * 2, {"page": 2}, []),
    "a byte order mark": (b"\xef\xbb\xbf" + GOOD, {"page": 1}, []),
    "an empty line": (GOOD + b"\n" + GOOD, {"page": 2}, ["blank"]),
    "a last line without its end": (GOOD + GOOD[:-1], {"page": 2}, []),
    "a line cut short": (GOOD + GOOD[:-30], {"page": 2}, []),
    "a line cut before its status": (GOOD + GOOD[:60], {"page": 1}, ["layout"]),
    "an empty file": (b"", {}, []),
}


def read(tmp_path: Path, data: bytes, name: str = "access.log"):
    (tmp_path / name).write_bytes(data)
    config = Config()
    summary = backfill(config, tmp_path / "data", [str(tmp_path / name)], "a", "combined")
    return summary.as_dict()


@pytest.mark.parametrize("case", CASES)
def test_odd_input_has_its_stated_outcome(case, tmp_path):
    data, classes, reasons = CASES[case]
    found = read(tmp_path, data)
    lines = data.count(b"\n") + (not data.endswith(b"\n") and bool(data))
    assert (found["classes"], found["problems"]) == (classes, [])
    assert found["records"] == lines == sum(classes.values()) + len(reasons)
    rejects = Catalog(tmp_path / "data").rejects()
    assert [reject.reason for reject in rejects] == reasons
    for reject in rejects:
        end = reject.offset + reject.length
        assert b"\n" not in data[reject.offset : end] and data[end : end + 1] in (b"\n", b"")


def test_the_end_of_a_last_line_that_had_none_adds_no_line(tmp_path):
    assert read(tmp_path, GOOD + GOOD[:-1])["new_records"] == 2
    grown = read(tmp_path, GOOD * 3)
    assert (grown["known"], grown["new_records"]) == (2, 1)


def test_a_file_that_ends_early_is_counted_as_far_as_it_goes_and_then_completed(tmp_path):
    lines = [GOOD.replace(b"/page", b"/%d" % i) for i in range(20_000)]
    packed = gzip.compress(b"".join(lines))
    cut = read(tmp_path, packed[: len(packed) // 2], "access.log.gz")
    assert 0 < cut["new_records"] < 20_000 and "ends early" in cut["problems"][0]
    whole = read(tmp_path, packed, "access.log.gz")
    assert whole["known"] == cut["new_records"] and whole["problems"] == []
    assert whole["known"] + whole["new_records"] == 20_000


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("binary", os.urandom(100_000), "certainty"),
        ("syslog", b"May 17 10:05:03 host sshd[1]: Accepted publickey\n" * 50, "certainty"),
        ("damaged.gz", gzip.compress(GOOD * 5000)[:40] + os.urandom(300), "compressed"),
    ],
)
def test_what_cannot_be_read_is_named_and_the_rest_is_read(name, data, says, tmp_path):
    (tmp_path / name).write_bytes(data)
    (tmp_path / "good.log").write_bytes(GOOD)
    done = subprocess.run(
        [sys.executable, ROOT / "tallylog.py", "--data", tmp_path / "data", "backfill"]
        + ["--site", "a", "--json", tmp_path / name, tmp_path / "good.log"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 1 and name in done.stderr and says in done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads(done.stdout)["classes"] == {"page": 1}
