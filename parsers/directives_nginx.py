"""nginx's `log_format`: lines of text, or lines that are JSON objects.

What is given may be the whole directive as it stands in nginx.conf, over several lines and in
several strings, or the format alone, with or without `escape=…` in front of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from parsers.directives import Part, Vocabulary, check_frame, chosen, field_of, join, to_layout
from parsers.directives import vocabulary as read_vocabulary
from parsers.directives_words import split_words

_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w*))")
_JSON_STRING = re.compile(r'"(?:[^"\\]|\\.)*"|' + _VARIABLE.pattern)
#: escape= -> how that is undone, and what stands for a missing value.
_ESCAPES = {"default": ("backslash", "-"), "json": ("backslash", ""), "none": ("raw", "")}


def from_nginx(text: str) -> dict[str, Any]:
    """The keys of the format that a `log_format` describes."""
    escape, layout = _unwrapped(text.strip())
    words = read_vocabulary("nginx", "$")
    shape = _json_shape(layout)
    if shape is not None and escape != "default":
        return {"dialect": "json", **_to_fields(shape, words), "missing": ["", "-"]}
    if escape not in _ESCAPES | {"": None}:
        raise ValueError(f"nginx: escape={escape} is not one of {', '.join(_ESCAPES)}")
    undo, missing = _ESCAPES[escape or "default"]
    keys = to_layout(_parts(layout, words), words, undo, empty=not missing)
    return {**keys, "missing": ["-", *([] if missing else [""])]}


def _unwrapped(text: str) -> tuple[str, str]:
    """What `escape=` says, or nothing, and the format itself."""
    if re.match(r"log_format\s", text):
        found = [word.text for word in split_words(text) if not word.sign][2:]
        escape = found.pop(0) if found and found[0].startswith("escape=") else "escape=default"
        return escape.removeprefix("escape="), "".join(found)
    given = re.match(r"escape=(\w+)\s+", text)
    return (given[1], text[given.end() :]) if given else ("", text)


def _parts(text: str, words: Vocabulary) -> Iterator[Part]:
    end = 0
    for match in _VARIABLE.finditer(text):
        name = match[1] or match[2]
        if not name:
            raise ValueError(f"nginx: $ without a name at position {match.start()}")
        if match.start() > end:
            yield Part(text[end : match.start()], end)
        yield words.part(match[0], match.start(), name)
        end = match.end()
    if end < len(text):
        yield Part(text[end:], end)


def _json_shape(text: str) -> dict[str, Any] | None:
    """The object that each line is, with variables for values; None if lines are none."""
    try:
        # Numbers stand there as variables without quotes.
        shape = json.loads(_JSON_STRING.sub(lambda m: _quoted(m[0]), text))
    except (ValueError, RecursionError):
        return None  # Not an object throughout, so it is text to us, and nothing is lost.
    return shape if isinstance(shape, dict) else None


def _quoted(text: str) -> str:
    return text if text.startswith('"') else f'"{text}"'


def _to_fields(shape: dict[str, Any], words: Vocabulary) -> dict[str, Any]:
    """The keys `fields` and `time`; a value of several variables that are no field is skipped."""
    leaves = [(path, join(_parts(text, words))) for path, text in _leaves(shape, "")]
    # Their numbers stand for positions, so that no two parts are the same one.
    whole = [replace(f[0], position=n) for n, (_, f) in enumerate(leaves) if len(f) == 1]
    check_frame(whole, words)
    best = chosen(whole)
    fields = {field_of(part, best): leaves[part.position][0] for part in best.values()}
    return {"fields": fields, "time": [best["time"].clock]}


def _leaves(shape: dict[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in shape.items():
        key = f'"{key}"' if "." in key else key
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        elif isinstance(value, str):
            yield f"{prefix}{key}", value
