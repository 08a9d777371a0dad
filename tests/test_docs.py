"""Pages that are made from the program are what it says now, and commands they show are real."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from docs.generate import pages
from tallylog import main

ROOT = Path(__file__).parent.parent
WRITTEN = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
GENERATED = sorted(pages())


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", GENERATED, ids=name)
def test_a_generated_page_is_current(path: Path, accept: bool) -> None:
    if accept:
        path.write_text(pages()[path], encoding="utf-8")
    assert path.read_text(encoding="utf-8") == pages()[path], "run `make docs`"


def examples(kind: str) -> Iterator[str]:
    """Command lines in the pages: indented or fenced ones, and those in running text."""
    for path in WRITTEN:
        text = re.sub(r"```text\n.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        yield from re.findall(rf"^(?:    |\$ )(?:\.venv/bin/)?({kind} .+)$", text, re.MULTILINE)
        yield from re.findall(rf"`({kind} [^`\n]+)`", text)


def parse(line: str) -> None:
    """Raises a usage error where a command, option or value does not exist."""
    command: click.Command = main
    words, context = shlex.split(line), None
    while True:
        context = command.make_context(words[0], words[1:], parent=context)
        if not isinstance(command, click.Group):
            return
        words = [*context._protected_args, *context.args]
        found = command.get_command(context, words[0])
        assert found, f"no command {words[0]}"
        command = found


@pytest.mark.parametrize("line", sorted(set(examples("tallylog"))))
def test_a_command_shown_in_the_docs_exists(line: str) -> None:
    parse(line)


@pytest.mark.parametrize("line", sorted(set(examples("make"))))
def test_a_make_target_shown_in_the_docs_exists(line: str) -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(rf"^{line.split()[1]}:", makefile, re.MULTILINE)


@pytest.mark.parametrize("path", WRITTEN, ids=name)
def test_links_lead_to_a_page(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target
