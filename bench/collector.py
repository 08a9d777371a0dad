"""Hits a second of the collector on one core, beside nginx and Flask, with wrk on another.

    python -m bench.collector --seconds 5 --rounds 3

Each server is asked in turn, each round anew. nginx answers with `empty_gif` and writes a buffered
log; Flask does all that the collector does. What the collector answered must stand in its journal,
and be counted by a backfill, or the run ends with an error.
"""

from __future__ import annotations

import sys
from pathlib import Path

if not __package__:  # started as a file: make the project's folder importable, not this one
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from statistics import median

import psutil

from pipeline.backfill import backfill
from pipeline.catalog import Catalog
from pipeline.config_file import load

ROOT = Path(__file__).resolve().parents[1]
SERVER_CORE, CLIENT_CORE = "0", "1"
CONNECTIONS = 64
CONFIG = """
[[site]]
name = "bench"
[store]
data = "data"
[web]
port = {port}
[collector]
rate = 0
"""
NGINX = """
daemon off; worker_processes 1; pid nginx.pid; error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
  access_log access.log combined buffer=64k flush=1s;
  keepalive_requests 1000000000;
  server {{ listen 127.0.0.1:{port}; location / {{ empty_gif; }} }}
}}
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk says; times in milliseconds. `busy` is what one core would answer a second that has
    nothing else to do."""

    answers: int
    rate: float
    p50: float
    p99: float
    busy: float = 0.0


def ask(port: int, seconds: int) -> Load:
    script = ROOT / "bench" / "collector.lua"
    command = ("wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "-s", script)
    pinned = ("taskset", "-c", CLIENT_CORE, *command, f"http://127.0.0.1:{port}")
    done = subprocess.run(pinned, capture_output=True, text=True, check=True)
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise SystemExit(f"not all were answered:\n{done.stdout}")
    answers = re.search(r"(\d+) requests in", done.stdout)
    rate = re.search(r"Requests/sec: +([\d.]+)", done.stdout)
    assert answers and rate
    return Load(
        int(answers[1]), float(rate[1]), _latency(done.stdout, 50), _latency(done.stdout, 99)
    )


def _latency(said: str, percent: int) -> float:
    found = re.search(rf"{percent}% +([\d.]+)(us|ms|s)", said)
    assert found
    return float(found[1]) * {"us": 1e-3, "ms": 1.0, "s": 1e3}[found[2]]


@contextmanager
def serving(command: Sequence[str | Path], folder: Path, port: int) -> Iterator[psutil.Process]:
    """The server on its core, until it is asked no more."""
    pinned = ("taskset", "-c", SERVER_CORE, *map(str, command))
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(pinned, cwd=folder, stdout=quiet, stderr=quiet)
    try:
        while True:
            with socket.socket() as probe:
                if not probe.connect_ex(("127.0.0.1", port)):
                    break
            with suppress(subprocess.TimeoutExpired):
                raise SystemExit(f"{command[0]} ended with {process.wait(0.05)}")
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(20)


def commands(folder: Path, port: int) -> dict[str, Sequence[str | Path]]:
    (folder / "config.toml").write_text(CONFIG.format(port=port))
    (folder / "nginx.conf").write_text(NGINX.format(port=port))
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    config = folder / "config.toml"
    return {
        "nginx empty_gif": (nginx, "-p", folder, "-c", folder / "nginx.conf"),
        "Flask route": (sys.executable, ROOT / "bench" / "collector_flask.py", config),
        "collector": (sys.executable, ROOT / "tallylog.py", "--config", config, "web"),
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def round_of(name: str, seconds: int) -> Load:
    """One server, started anew in a folder of its own."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="tallylog-collector-") as place:
        folder = Path(place)
        with serving(commands(folder, port)[name], folder, port) as server:
            warm = ask(port, 2)
            before = cpu_seconds(server)
            found = ask(port, seconds)
            found = replace(found, busy=found.answers / (cpu_seconds(server) - before))
        if name == "collector":
            hold(folder, warm.answers + found.answers)
    return found


def cpu_seconds(server: psutil.Process) -> float:
    """Of the process and its children."""
    spent = [one.cpu_times() for one in (server, *server.children(recursive=True))]
    return sum(one.user + one.system for one in spent)


def hold(folder: Path, answered: int) -> None:
    """Raise unless every answered hit is in the journal, and every line of it is counted."""
    files = (folder / "data" / "journal").glob("*.ndjson")
    written = sum(file.read_bytes().count(b"\n") for file in files)
    config = load(folder / "config.toml")
    backfill(config, config.store.data, jobs=1)
    counted = sum(account.records for account in Catalog(config.store.data).accounts())
    # Answers that were on their way when wrk stopped are not among those it counts.
    if not answered <= written == counted <= answered + 2 * CONNECTIONS:
        raise SystemExit(f"answered {answered}, written {written}, counted {counted}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    names = [name for name in commands(Path(tempfile.mkdtemp()), 1) if asked.only in name]
    loads: dict[str, list[Load]] = {name: [] for name in names}
    for _ in range(asked.rounds):
        for name in names:
            loads[name].append(round_of(name, asked.seconds))
    print(f"{CONNECTIONS} connections, medians of {asked.rounds}, load {os.getloadavg()[0]:.1f}")
    print(f"{'':18}{'hits/s':>10}{'p50 ms':>9}{'p99 ms':>9}{'a CPU s':>10}")
    for name, found in loads.items():
        rate, p50, p99, busy = (median(values) for values in _columns(found))
        print(f"{name:18}{rate:10,.0f}{p50:9.2f}{p99:9.2f}{busy:10,.0f}")


def _columns(loads: Sequence[Load]) -> list[list[float]]:
    return [[getattr(one, name) for one in loads] for name in ("rate", "p50", "p99", "busy")]


if __name__ == "__main__":
    main()
