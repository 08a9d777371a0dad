"""How time and memory grow with the log: lines, distinct paths, visitors, sites, days in one file.

    python -m bench.growth
    python -m bench.growth --streamed --lines 1000000    # 50 times that, through standard input

A backfill of ten lines is taken from all seconds before they are compared, so that the start of
the process flatters no ratio. Each run's numbers are held against the truth of its log.
"""

from __future__ import annotations

import sys
from pathlib import Path

if not __package__:  # started as a file: make the project's folder importable, not this one
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import json
import math
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from bench import check, logs
from bench.programs import ROOT, TALLYLOG, hold
from bench.render import site_names
from bench.traffic import Plan
from bench.watch import Usage, run

START = "10 lines"
HEAD = (
    f"{'':22}{'lines':>12}{'s':>8}{'CPU s':>8}{'MiB':>6}"
    f"{'× s':>8}{'× CPU':>7}{'× MiB':>7}{'n log n':>9}"
)


@dataclass(frozen=True, slots=True)
class Case:
    """A log, and the name of the case it is compared with."""

    name: str
    plan: Plan
    against: str = ""
    streamed: bool = False


def cases(lines: int, streamed: bool) -> list[Case]:
    base = Plan(lines)
    found = [
        Case(START, Plan(10)),
        Case("base", base),
        Case("lines × 10", Plan(10 * lines), "base"),
        Case("lines × 50, streamed", Plan(50 * lines), "base", streamed=True),
        Case("paths × 100", replace(base, paths=100), "base"),
        Case("visitors × 100", replace(base, visitors=100), "base"),
        Case("1 site", replace(base, days=1, sites=1)),
        Case("1,000 sites", replace(base, days=1, sites=1000), "1 site"),
        Case("1 day", replace(base, days=1)),
        Case("1,000 days", replace(base, days=1000), "1 day"),
    ]
    return [case for case in found if streamed or not case.streamed]


def measure(case: Case, work: Path) -> Usage:
    """Backfill into a new store; the check comes after, outside the time."""
    with tempfile.TemporaryDirectory(prefix="store-", dir=work) as folder:
        config = Path(folder, "config.toml")
        command = (*TALLYLOG, "--config", config, "--data", Path(folder, "data"))
        if case.streamed:
            config.touch()
            usage, truth = _streamed(case.plan, command, Path(folder))
        else:
            log = logs.make_log(case.plan, work)
            logs.warm(log)
            config.write_text(configuration(log.path, case.plan.sites))
            usage, truth = run((*command, "backfill", "--json"), work), log.truth
        hold(truth, usage, command, work)
    return usage


def configuration(log: Path, sites: int) -> str:
    """One source: of one site, or of those that its lines name."""
    names = site_names(sites) or ["bench"]
    rule = 'by_host = true\nformat = "vhost_combined"' if sites else 'format = "combined"'
    rule += "" if sites else f'\nsite = "{names[0]}"'
    tables = (f'[[site]]\nname = "{name}"\nhosts = ["{name}"]\n' for name in names)
    return f"[[source]]\npaths = [{json.dumps(str(log))}]\n{rule}\n" + "".join(tables)


def _streamed(
    plan: Plan, command: Sequence[str | Path], folder: Path
) -> tuple[Usage, dict[str, object]]:
    """The generator's lines while it makes them; only its wall time is in the usage."""
    truth = folder / "truth.json"
    options = ("--lines", str(plan.lines), "--truth", truth)
    made = (sys.executable, ROOT / "bench" / "generate.py", "-", *options)
    with subprocess.Popen(made, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as generator:
        read = ("backfill", "--site", "bench", "--format", "combined", "--json", "-")
        usage = run((*command, *read), folder, stdin=generator.stdout)
    return usage, json.loads(truth.read_text())


def medians(usages: Sequence[Usage]) -> Usage:
    return Usage(
        *(median(getattr(u, name) for u in usages) for name in ("seconds", "cpu_seconds")),
        max(u.peak_mib for u in usages),
    )


def row(case: Case, found: Mapping[str, Usage], plans: Mapping[str, Plan]) -> str:
    usage = found[case.name]
    text = (
        f"{case.name:22}{case.plan.lines:12,}{usage.seconds:8.2f}{usage.cpu_seconds:8.2f}"
        f"{usage.peak_mib:6,.0f}"
    )
    if not case.against:
        return text
    start, base = found[START], found[case.against]
    wall = _times(usage.seconds, base.seconds, start.seconds)
    cpu = _times(usage.cpu_seconds, base.cpu_seconds, start.cpu_seconds)
    text += f"{wall:8.2f}{cpu:7.2f}{usage.peak_mib / base.peak_mib:7.2f}"
    few, many = plans[case.against].lines, case.plan.lines
    return text + (f"{many * math.log(many) / (few * math.log(few)):9.2f}" if many > few else "")


def _times(much: float, little: float, start: float) -> float:
    """How often `little` is in `much`, both less the start; not a number if that was no less."""
    return (much - start) / (little - start) if little > start else math.nan


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--streamed", action="store_true", help="also 50 times the lines, streamed")
    parser.add_argument("--only", nargs="+", help="cases, with those they are compared with")
    parser.add_argument("--work", type=Path, help="folder that keeps generated logs for later runs")
    return parser.parse_args()


def main() -> None:
    chosen = arguments()
    wanted = cases(chosen.lines, chosen.streamed)
    if chosen.only:
        needed = {START, *chosen.only, *(c.against for c in wanted if c.name in chosen.only)}
        wanted = [case for case in wanted if case.name in needed]
    plans = {case.name: case.plan for case in wanted}
    found: dict[str, Usage] = {}
    print(HEAD)
    with tempfile.TemporaryDirectory(prefix="tallylog-bench-") as temporary:
        work = (chosen.work or Path(temporary)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        for case in wanted:
            found[case.name] = medians([measure(case, work) for _ in range(chosen.runs)])
            print(row(case, found, plans), flush=True)


if __name__ == "__main__":
    try:
        main()
    except check.Wrong as wrong:
        sys.exit(f"wrong numbers:\n{wrong}")
    except subprocess.CalledProcessError as failed:
        sys.exit(f"{failed}\n{failed.stderr.decode(errors='replace')}")
