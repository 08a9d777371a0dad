"""The examples of docs/formats-custom.md are read, or refused, as the page says."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from parsers.parse import parse
from parsers.registry import Format, make_format

PAGE = (Path(__file__).parent.parent / "docs" / "formats-custom.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```toml\n(.*?)```\n(?:\n```log\n(.*?)```)?", PAGE, re.DOTALL)
READ = [(toml, lines) for toml, lines in BLOCKS if lines]
REFUSED = [tuple(toml.split("# refused: ")) for toml, lines in BLOCKS if not lines]
#: 12 March 2024, 15:22:28 UTC.
TIME = 1710256948


def made(toml: str) -> Format:
    table: dict[str, Any] = tomllib.loads(toml)
    (described,) = table["format"].values() if "[format." in toml else (table["format"],)
    return make_format("shown", described)


def test_the_page_shows_every_way_to_describe_a_format() -> None:
    shown = " ".join(toml for toml, _ in READ)
    assert [
        way for way in ("nginx", "apache", "layout", "json", "w3c") if f"{way} =" not in shown
    ] == []
    assert len(REFUSED) >= 5


@pytest.mark.parametrize(("toml", "lines"), READ, ids=range(len(READ)))
def test_an_example_reads_the_lines_below_it(toml: str, lines: str) -> None:
    fmt = made(toml)
    for fast in (True, False):
        parsed = parse(lines.encode(), 0, fmt, {}, fast, strict=True)
        assert parsed.rejects.num_rows == 0
        assert {time // 1000 for time in parsed.table["time"].to_pylist()} == {TIME}
        paths = [re.sub("^https?://[^/]*", "", url) for url in parsed.table["url"].to_pylist()]
        assert {path[:2] for path in paths} <= {"/a", "/b"}


@pytest.mark.parametrize(("toml", "message"), REFUSED, ids=range(len(REFUSED)))
def test_an_example_of_a_mistake_is_refused_as_it_says(toml: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message.strip())):
        made(toml)
