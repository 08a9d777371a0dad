"""Lines put into wrappers, as the collectors write them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

RFC5424 = b'<165>1 2026-11-20T23:24:00.003Z web1 nginx 12 ID47 [ex@32473 iut="3" x="a\\"]b"] '


def _text(line: bytes) -> str:
    """What a collector that writes JSON makes of bytes that are not UTF-8."""
    return line.decode("utf-8", "replace")


def _docker(line: bytes) -> bytes:
    record = {"log": _text(line) + "\n", "stream": "stdout", "time": "2026-11-20T23:24:00.5Z"}
    return json.dumps(record, ensure_ascii=False).encode()


def _journal(line: bytes) -> bytes:
    record = {"__REALTIME_TIMESTAMP": "1795217040000000", "MESSAGE": _text(line), "_PID": "12"}
    return json.dumps(record).encode()


#: name of a wrapper -> a line in it, without its end; journal_export makes several lines of one.
WRAPPERS: Mapping[str, Callable[[bytes], bytes]] = {
    "syslog": lambda line: b"Nov 20 23:24:00 web1 nginx[12]: " + line,
    "syslog5424": lambda line: RFC5424 + b"\xef\xbb\xbf" + line,
    "logplex": lambda line: b"%d <158>1 " % (len(line) + 8) + line,
    "cri": lambda line: b"2026-11-20T23:24:00.000000100+01:00 stdout F " + line,
    "docker": _docker,
    "journal": _journal,
    "journal_export": lambda line: b"__CURSOR=s=1\nMESSAGE=" + line + b"\n_PID=12\n",
}


def wrapped(name: str, data: bytes) -> bytes:
    """Each line of `data` in the wrapper."""
    lines = data.removesuffix(b"\n").split(b"\n")
    return b"".join(WRAPPERS[name](line.removesuffix(b"\r")) + b"\n" for line in lines)
