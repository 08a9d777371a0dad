"""A time format that never matches is told with the time that the log has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from parsers.explain import wrong_time
from parsers.registry import make_format
from pipeline.backfill import backfill
from pipeline.config_file import parse

LAYOUT = '$client [$time] "$request" $status'
LINE = '192.0.2.1 [{}] "GET /a HTTP/1.1" 200\n'
OBJECT = '{{"t": "{}", "s": 200, "u": "/a"}}\n'
FIELDS = {"time": "t", "status": "s", "url": "u"}
TEXT = {"layout": LAYOUT, "time": "%d.%m.%Y %H:%M:%S"}


CASES: dict[str, tuple[dict[str, Any], str, str | None]] = {
    "another way": (TEXT, LINE.format("2024-03-12 15:22:28") * 9, "2024-03-12 15:22:28"),
    "a date there is none of": (TEXT, LINE.format("31.13.2024 15:22:28"), "31.13.2024 15:22:28"),
    "in JSON": ({"json": FIELDS, "time": "clf"}, OBJECT.format("noon"), "noon"),
    "by nginx": ({"nginx": '[$time_local] "$request" $status'}, LINE.format("x")[10:], "x"),
    "right": (TEXT, LINE.format("12.03.2024 15:22:28"), None),
    "right in one line": (TEXT, LINE.format("x") * 9 + LINE.format("12.03.2024 15:22:28"), None),
    "another layout": (TEXT, LINE.format("x").replace('"', "'"), None),
    "nothing at all": (TEXT, "", None),
}


@pytest.mark.parametrize("case", CASES)
def test_the_offending_time_is_found_where_nothing_else_is_wrong(case: str) -> None:
    table, text, time = CASES[case]
    assert wrong_time(text.encode(), make_format("mine", table)) == time


def test_a_log_with_other_times_is_not_counted_but_named_with_one_of_them(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(LINE.format("12/03/2024 15:22") * 3)
    config = parse(
        '[[site]]\nname = "a"\n[[source]]\nsite = "a"\npaths = ["a.log"]\n'
        f"format = {{ layout = '{LAYOUT}', time = \"%d.%m.%Y %H:%M\" }}\n",
        tmp_path / "config.toml",
    )
    found = backfill(config, tmp_path / "data").as_dict()
    assert found["records"] == 0
    (problem,) = found["problems"]
    assert "'12/03/2024 15:22' is not written as the format says: %d.%m.%Y %H:%M." in problem
    assert str(tmp_path / "a.log") in problem
