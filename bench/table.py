"""Measurements as a table, as JSON, and how they grow with the size of the log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from statistics import median

from bench.watch import Usage

HEAD = f"{'':22}{'s':>8}{'k lines/s':>11}{'MB/s':>7}{'CPU s':>8}{'peak MiB':>10}{'× speed':>9}"

PACKED, SCATTERED = "tallylog, one gzip", "tallylog, many gzips"
#: A shape of the log, what it is compared with, and the most it may take of that one's time.
SHAPES = ((PACKED, "tallylog", 1.25), (SCATTERED, PACKED, 1.3))


def medians(found: Mapping[str, list[Usage]]) -> dict[str, Usage]:
    return {
        name: Usage(
            median(u.seconds for u in usages),
            median(u.cpu_seconds for u in usages),
            median(u.peak_mib for u in usages),
        )
        for name, usages in found.items()
    }


def render(lines: int, size: int, usages: Mapping[str, Usage]) -> str:
    """One row a program; the last column says how many times its speed Tallylog has."""
    ours = usages["tallylog"].seconds
    rows = [f"{lines:,} lines, {size / 1e6:,.0f} MB, all numbers exact", HEAD]
    for name, usage in usages.items():
        times = "" if name.strip() in ("tallylog", "backfill", "report") else usage.seconds / ours
        rows.append(
            f"{name:22}{usage.seconds:8.2f}{lines / usage.seconds / 1e3:11,.0f}"
            f"{size / usage.seconds / 1e6:7,.0f}{usage.cpu_seconds:8.2f}{usage.peak_mib:10,.0f}"
            f"{times if times == '' else f'{times:.2f}':>9}"
        )
    for name, against, goal in SHAPES:
        if name in usages:
            ratio = usages[name].seconds / usages[against].seconds
            rows.append(f"{name}: {ratio:.2f} × the time of {against}; goal {goal}")
    return "\n".join(rows) + "\n"


def growth(sizes: Mapping[int, Mapping[str, Usage]]) -> str:
    """Time and memory of the largest log in terms of the smallest."""
    small, large = min(sizes), max(sizes)
    rows = [f"{large:,} lines against {small:,}"]
    for name, usage in sizes[small].items():
        big = sizes[large][name]
        rows.append(
            f"{name:22}time × {big.seconds / usage.seconds:5.2f}"
            f"   memory × {big.peak_mib / usage.peak_mib:5.2f}"
        )
    return "\n".join(rows) + "\n"


def as_json(sizes: Mapping[int, Mapping[str, Usage]]) -> str:
    rows = [
        {"lines": lines, "program": name.strip(), **asdict(usage)}
        for lines, usages in sizes.items()
        for name, usage in usages.items()
    ]
    for row in rows:
        del row["output"]
    return json.dumps({"medians": rows}, indent=1) + "\n"
