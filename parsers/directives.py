"""From a server's own log format to the keys that a format's TOML has.

The modules directives_nginx.py and directives_apache.py cut what a server's configuration says
into parts: variables and the text between them. Here each variable becomes a field of a layout or
is skipped, as variables/*.toml say. A ValueError tells what is wrong in the server's own terms.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from importlib import resources
from itertools import pairwise
from typing import Any

SKIP = "_"
#: What is only of use joined with another field.
PIECES = frozenset({"scheme", "port", "mark"})
#: Parts that stand together for one field, tried in this order; `search` is a query with its
#: question mark. A port goes with what it follows because that is cleaned of it later.
JOINS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("$path", "$mark", "$query"), "url"),
    (("$path", "$search"), "url"),
    (("$host", ":", "$port"), "host"),
    (("$client", ":", "$port"), "client"),
    (("$scheme", "://", "$host", "$url"), "url"),
    (("$scheme", "://", "$host", "$path"), "path"),
    (("$search",), "query"),
)
#: A field -> those that say nothing more where it is.
TELLS: tuple[tuple[str, frozenset[str]], ...] = (
    ("request", frozenset({"method", "url", "path", "query", "protocol"})),
    ("url", frozenset({"path", "query"})),
)
#: What a record needs: one of these fields each time.
NEEDED = {"time": ("time",), "status": ("status",), "request": ("request", "url", "path")}


@dataclass(frozen=True, slots=True)
class Part:
    """Text as it stands in a line, or a variable with the field it holds.

    `position` counts characters from the start of the format; of several parts with one field
    that of the lowest `rank` is used; `clock` says how a time is written, and `spaced` that there
    may be blanks in the value.
    """

    text: str
    position: int
    field: str = ""
    rank: int = 0
    clock: str = ""
    spaced: bool = False


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the variables of a kind of server hold, and which may hold blanks (patterns with *).

    `known` is empty where any name may be.
    """

    server: str
    sign: str
    places: Mapping[str, tuple[str, int]]
    clocks: Mapping[str, str]
    spaced: tuple[str, ...]
    known: tuple[str, ...]

    def part(self, text: str, position: int, name: str, clock: str = "") -> Part:
        """The part for a variable; `text` is how the format spells it."""
        clock = clock or self.clocks.get(name, "")
        field, rank = self.places.get(name, ("time" if clock else SKIP, len(self.places)))
        spaced = any(fnmatchcase(name, pattern) for pattern in self.spaced)
        return Part(text, position, field, rank, clock, spaced)

    def names_of(self, fields: Iterable[str]) -> list[str]:
        """The variables that hold one of the fields, spelled as in a format."""
        wanted = set(fields)
        return [self.sign + name for name, (field, _) in self.places.items() if field in wanted]


def vocabulary(server: str, sign: str) -> Vocabulary:
    """What variables/SERVER.toml says."""
    source = resources.files("parsers").joinpath("variables", f"{server}.toml")
    table = tomllib.loads(source.read_text("utf-8"))
    clocks: dict[str, str] = table["clocks"]
    fields: dict[str, list[str]] = {"time": list(clocks), **table["fields"]}
    pairs = [(name, field) for field, names in fields.items() for name in names]
    places = {name: (field, rank) for rank, (name, field) in enumerate(pairs)}
    spaced, known = (tuple(table.get(key, "").split()) for key in ("spaced", "known"))
    return Vocabulary(server, sign, places, clocks, spaced, known)


def to_layout(
    parts: Iterable[Part], words: Vocabulary, escape: str = "backslash", empty: bool = False
) -> dict[str, Any]:
    """The keys `layout`, `time` and `escape` for lines of text.

    `escape` is that of values between quotes, and `empty` says that a missing one leaves nothing.
    """
    joined = join(parts)
    check_frame(joined, words)
    best = chosen(joined)
    bare = [part for part in _bare(joined) if empty or part.spaced]
    looked_at, rest = _without_end(joined, best, bare)
    text = "".join(_spelled(looked_at, best, words))
    # A tab in a value is escaped, unless nothing is.
    ended = _before_tab(looked_at) if escape != "raw" else []
    open_ended = {field_of(p, best) for p in bare if p in looked_at and p not in ended}
    if "${user} [${time}]" in text and not empty:
        open_ended -= {"user"}  # The time tells where it ends.
    scheme = "raw" if escape == "raw" else "open"
    return {
        "layout": text + rest,
        "time": [best["time"].clock if "time" in best else "iso8601"],
        "escape": {"*": escape, **dict.fromkeys(sorted(open_ended), scheme)},
    }


def _without_end(
    parts: Sequence[Part], best: Mapping[str, Part], bare: Sequence[Part]
) -> tuple[Sequence[Part], str]:
    """The parts without what follows a blank and is all skipped; the field that stands for it."""
    end = max(n for n, part in enumerate(parts, 1) if part.field and field_of(part, best) != SKIP)
    blank = re.search("[ \t]", parts[end].text) if any(p.field for p in parts[end:]) else None
    if blank is None or parts[end].field or parts[end - 1] in bare:
        return parts, ""
    return [*parts[:end], replace(parts[end], text=parts[end].text[: blank.start()])], "${rest}"


def _bare(parts: Iterable[Part]) -> Iterator[Part]:
    """The variables that stand outside of quotes."""
    quoted = False
    for part in parts:
        quoted ^= not part.field and part.text.count('"') % 2 == 1
        if part.field and not quoted:
            yield part


def _before_tab(parts: Sequence[Part]) -> list[Part]:
    """The variables that a tab ends."""
    return [part for part, after in pairwise(parts) if after.text.startswith("\t")]


def join(parts: Iterable[Part]) -> list[Part]:
    """The parts, those that make one field together as one."""
    done = list(parts)
    for pattern, field in JOINS:
        done = list(_joined(done, pattern, field))
    return done


def _joined(parts: Sequence[Part], pattern: tuple[str, ...], field: str) -> Iterator[Part]:
    at = 0
    while at < len(parts):
        found = parts[at : at + len(pattern)]
        if tuple(f"${part.field}" if part.field else part.text for part in found) == pattern:
            rank = next((p.rank for p in found if p.field == field), found[0].rank)
            spaced = any(p.spaced for p in found)
            text = "".join(p.text for p in found)
            yield Part(text, found[0].position, field, rank, spaced=spaced)
            at += len(pattern)
        else:
            yield parts[at]
            at += 1


def chosen(parts: Iterable[Part]) -> dict[str, Part]:
    """Field -> the best part that holds it; fields that add nothing are left out."""
    best: dict[str, Part] = {}
    for part in sorted(parts, key=lambda part: part.rank):
        # Durations differ in unit only; one is enough.
        kind = "duration" if part.field.startswith("duration_") else part.field
        if part.field not in {"", SKIP, *PIECES}:
            best.setdefault(kind, part)
    for field, others in TELLS:
        if field in best:
            best = {name: part for name, part in best.items() if name not in others}
    return best


def check_frame(parts: Sequence[Part], words: Vocabulary) -> None:
    """Refuse a format that lacks what a record needs; a name nearly right is pointed at."""
    fields = {part.field for part in parts}
    for need, ways in NEEDED.items():
        if need == "time" and {"date", "clock"} <= fields:
            continue
        if not fields & set(ways):
            names = words.names_of(ways)
            hint = _nearly(parts, names) or f"add {' or '.join(names[:3])}"
            raise ValueError(f"{words.server}: no {need} in the format; {hint}")


def _nearly(parts: Iterable[Part], names: Sequence[str]) -> str:
    for part in parts:
        near = get_close_matches(part.text, names, n=1, cutoff=0.8) if part.field == SKIP else []
        if near:
            return f"did you mean {near[0]} by {part.text} at position {part.position}?"
    return ""


def field_of(part: Part, best: Mapping[str, Part]) -> str:
    """The name of the layout's field for a part that is no text."""
    if part.field != "ident" and part not in best.values():
        return SKIP
    return "url" if part.field == "path" else part.field


def _spelled(parts: Sequence[Part], best: Mapping[str, Part], words: Vocabulary) -> Iterator[str]:
    """The layout's text; fields that nothing keeps apart are an error unless both are skipped."""
    before: Part | None = None
    for part in parts:
        if not part.field:
            yield part.text.replace("$", "$$")
        elif before is None or not before.field:
            yield f"${{{field_of(part, best)}}}"
        elif {field_of(before, best), field_of(part, best)} != {SKIP}:
            raise ValueError(_touching(before, part, words))
        before = part


def _touching(before: Part, part: Part, words: Vocabulary) -> str:
    return (
        f"{words.server}: {before.text} and {part.text} touch at position {part.position}, so it"
        " can't be told where one ends; put a space or another character between them"
    )
