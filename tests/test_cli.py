"""The command line: its contract with whoever calls it, and how it fails."""

from __future__ import annotations

import datetime as dt
import io
import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from pipeline import progress
from pipeline.catalog import Account, Catalog
from pipeline.errors import StoreError
from pipeline.terminal import cell, clean
from tallylog import main

HEAVY = ("duckdb", "numpy", "polars", "pyarrow", "pydantic", "rich", "sqlalchemy", "flask")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs a command in an empty folder, as if nothing were configured."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> Result:
        return CliRunner().invoke(main, words)

    return call


def test_help_imports_nothing_heavy() -> None:
    code = "import sys, tallylog; tallylog.main(['--help'], standalone_mode=False);"
    code += f"print(sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize("command", main.commands)
def test_every_command_has_help(command: str) -> None:
    done = CliRunner().invoke(main, [command, "--help"])
    assert done.exit_code == 0
    assert main.commands[command].help


def test_every_option_has_help() -> None:
    for command in (main, *main.commands.values()):
        for option in command.params:
            assert isinstance(option, click.Argument) or option.help, (command.name, option.name)


USAGE = {
    "unknown command": ["reprot"],
    "unknown option": ["report", "--sight", "a"],
    "not a day": ["report", "--from", "yesterday"],
    "not a site name": ["report", "--site", "a b"],
    "no process": ["backfill", "--jobs", "0", "x"],
}


@pytest.mark.parametrize("words", USAGE.values(), ids=USAGE)
def test_wrong_usage_exits_with_2(run, words: list[str]) -> None:
    done = run(*words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "Usage:" in done.stderr


REFUSED = {
    "log that is not there": (["backfill", "--site", "a", "no-such.log"], "no-such.log"),
    "nothing to read": (["backfill"], ""),
    "unknown format": (["backfill", "--site", "a", "--format", "combind", "a.log"], "combined"),
    "unknown metric": (["query", "--site", "a", "--metrics", "vews"], "views"),
    "unknown dimension": (["query", "--site", "a", "--by", "contry"], "country"),
    "unknown filter": (["query", "--site", "a", "--filter", "contry==FR"], "country"),
    "configuration that is not there": (["--config", "none.toml", "sources"], "none.toml"),
    "source that is not there": (["forget", "17"], "17"),
}


@pytest.mark.parametrize("words, says", REFUSED.values(), ids=REFUSED)
def test_a_refusal_exits_with_1_and_says_why(run, words: list[str], says: str) -> None:
    Path("a.log").write_text("")
    done = run(*words)
    assert done.exit_code == 1, done.output
    assert done.stderr.startswith("Error: ")
    assert says in done.stderr
    assert "unexpected" not in done.stderr and "Traceback" not in done.stderr


def test_an_unexpected_error_is_one_line_without_a_stack_trace(run, monkeypatch) -> None:
    monkeypatch.setattr(Catalog, "sources", lambda self: 1 / 0)
    done = run("sources")
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: unexpected ZeroDivisionError")
    assert done.stderr.count("\n") == 1


def test_debug_shows_where_an_unexpected_error_came_from(run, monkeypatch) -> None:
    monkeypatch.setattr(Catalog, "sources", lambda self: 1 / 0)
    assert isinstance(run("--debug", "sources").exception, ZeroDivisionError)


def test_an_interrupt_says_that_work_goes_on_where_it_stopped(run, monkeypatch) -> None:
    def interrupted(self: Catalog) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Catalog, "sources", interrupted)
    done = run("sources")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: Stopped.")


def test_a_ledger_is_printed_as_a_sum(run, monkeypatch) -> None:
    day = dt.date(2026, 11, 21)
    rows = [
        Account(7, "a\x1b.log", "a", day, "page", 1200, 3),
        Account(7, "a\x1b.log", "a", day, "known", 5, 0),
    ]
    monkeypatch.setattr(Catalog, "accounts", lambda self: rows)
    shown = "7  a.log · a · read 2026-11-21\n   1,205 = 1,200 page + 5 known\n"
    assert run("accounts").stdout == shown


def test_a_message_holds_no_control_characters(run, monkeypatch) -> None:
    def broken(self: Catalog) -> None:
        raise StoreError("bad \x1b[31mname\x07", "here", "mend \x9bit")

    monkeypatch.setattr(Catalog, "sources", broken)
    assert run("sources").stderr == "Error: bad [31mname\n  where: here\n  fix:   mend it\n"


def test_a_site_is_counted_without_any_configuration(run, tmp_path: Path, sample_log: Path) -> None:
    lines = sample_log.read_bytes().splitlines(keepends=True)[:200]
    log = tmp_path / "access.log"
    log.write_bytes(b"".join(lines))
    first = json.loads(run("backfill", "--site", "a", "--jobs", "1", "--json", str(log)).stdout)
    again = json.loads(run("backfill", "--site", "a", "--jobs", "1", "--json", str(log)).stdout)
    assert (first["records"], first["new_records"]) == (200, 200)
    assert (again["known"], again["new_records"]) == (200, 0)
    rest = sum(first[key] for key in ("known", "directives", "rejected", "excluded"))
    assert first["records"] == rest + sum(first["classes"].values())
    hits = json.loads(run("query", "--site", "a", "--metrics", "hits", "--json").stdout)
    assert hits["results"] == [{"dimensions": [], "metrics": [200]}]


def test_a_backfill_prints_the_report_on_request(run, tmp_path: Path, sample_log: Path) -> None:
    asked = ("backfill", "--site", "a", "--report", str(sample_log))
    filled = json.loads(run(*asked, "--json").stdout)
    assert filled["report"] == json.loads(run("report", "--site", "a", "--json").stdout)
    assert filled["report"]["totals"]["hits"] == filled["new_records"] > 0
    assert run(*asked).stdout.endswith(run("report", "--site", "a").stdout)


@pytest.mark.parametrize("command", ["sources", "rejects", "accounts", "formats", "audit"])
def test_a_listing_is_one_json_object(run, command: str) -> None:
    done = run(command, "--json")
    assert done.exit_code == 0, done.output
    assert isinstance(json.loads(done.stdout), dict)


def test_a_good_configuration_is_told_so(run) -> None:
    assert run("config", "check").exit_code == 0


@pytest.mark.parametrize(
    "text, cleaned",
    [
        ("/caf\u00e9?q=1", "/caf\u00e9?q=1"),
        ("a\x1b]0;title\x07b\x00\x7f\x9b2J", "a]0;titleb2J"),
        ("two\nlines\tand\rmore", "twolinesandmore"),
        ("\u202egpj.exe", "gpj.exe"),
        ("lone \udcff surrogate", "lone ? surrogate"),
    ],
)
def test_text_out_of_logs_is_cleaned(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_values_are_shown_as_a_reader_wants_them() -> None:
    assert [cell(v) for v in (None, True, 1234567, 0.5, "x\x1b")] == [
        "–", "yes", "1,234,567", "0.50", "x",
    ]  # fmt: skip


def test_progress_prints_plain_lines_where_there_is_no_terminal() -> None:
    now = [0.0]
    stream = io.StringIO()
    assert isinstance(progress.meter(stream), progress.Lines)
    meter = progress.Lines(stream, clock=lambda: now[0])
    meter.start(total_bytes=4_000_000, files=2)
    meter.advance(bytes=1_000_000, lines=5_000)
    meter.file_done("a.log")
    now[0] = 10.0
    meter.advance(bytes=1_000_000, lines=5_000)
    meter.finish()
    assert stream.getvalue() == "1 of 2 files, 2 of 4 MB, 1,000 lines/s, 10 s left\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_draws_a_bar_on_a_terminal() -> None:
    stream = Terminal()
    meter = progress.meter(stream)
    meter.start(total_bytes=None, files=1)
    meter.advance(bytes=10, lines=1)
    meter.file_done("a.log")
    meter.finish()
    assert "1/1 files" in stream.getvalue()
