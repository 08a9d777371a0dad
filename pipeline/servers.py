"""What the configurations of web servers have in common: files that include others, directives
with arguments, and the logs that servers with names write."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from glob import glob, has_magic
from pathlib import Path

from pipeline.errors import TallylogError

_HOST = re.compile(r"[^\W_][\w-]*(?:\.[\w-]+)*")


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a configuration file."""

    file: Path
    line: int

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}"


@dataclass(frozen=True, slots=True)
class Statement:
    """A directive with its arguments and, if it is a section, with what stands in it."""

    name: str
    words: tuple[str, ...]
    place: Place
    body: tuple[Statement, ...] | None = None


@dataclass(frozen=True, slots=True)
class AccessLog:
    """A log that servers of these names write; `form` is its format in the server's language."""

    path: str
    form: str
    hosts: tuple[str, ...]
    place: Place
    remark: str = ""


@dataclass(slots=True)
class Reading:
    """What was found in a configuration. `notes` tell what could not be used, and where."""

    server: str
    logs: list[AccessLog] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def note(self, place: Place, text: str) -> None:
        self.notes.append(f"{place}: {text}")


def text_of(path: Path) -> str:
    """A configuration file as text; TallylogError if it can't be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise TallylogError(f"can't read the configuration: {error.strerror}", str(path)) from error


def included(
    statement: Statement, base: Path, reading: Reading, chain: Sequence[Path]
) -> list[Path]:
    """The files that an include names; what can't be read is noted."""
    pattern = Path(base, statement.words[0])
    files = [Path(name) for name in sorted(glob(str(pattern)))]
    if not files and not has_magic(str(pattern)):
        reading.note(statement.place, f"the included file {pattern} is missing")
    for file in (file for file in files if file in chain):
        reading.note(statement.place, f"{file} includes itself")
    return [file for file in files if file.is_file() and file not in chain]


def host_names(words: Iterable[str]) -> tuple[str, ...]:
    """The host names among the names of a server, as they may stand in `hosts`."""
    bare = [re.sub(r"^(?:\w+://|\.|\*\.)|:\d+$", "", word.lower()) for word in words]
    return tuple(dict.fromkeys(name for name in bare if _HOST.fullmatch(name)))
