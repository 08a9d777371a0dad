"""Apache's `LogFormat`, and the formats of lighttpd, LiteSpeed and varnishncsa, which follow it.

What is given may be the whole directive or the format alone, with quotes escaped or not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from parsers.directives import Part, Vocabulary, to_layout
from parsers.directives import vocabulary as read_vocabulary

_WHOLE = re.compile(r'(?:LogFormat|CustomLog\s+\S+)\s+"((?:[^"\\]|\\.)*)"(?:\s+\S+)?$', re.DOTALL)
#: A directive: codes, < and >, {argument}, in any order, and its letter; or plain text.
_DIRECTIVE = re.compile(
    r"%%|%(?P<changes>(?:[!<>,0-9]|\{[^}]*\})*)(?P<letter>\^FB|\^t[io]|.?)|[^%]+", re.DOTALL
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "'": "'", "\\": "\\"}
#: strftime letters that stand for others.
_SHORT = {"T": "%H:%M:%S", "F": "%Y-%m-%d", "R": "%H:%M", "h": "%b", "t": "\t", "n": "\n"}
#: Arguments of %t that are no strftime letters, but a part of a time made of several.
_FRACTIONS = {"msec_frac": "%f", "usec_frac": "%f"}
#: Halves of a time -> the field for each.
_ALONE = {"%Y-%m-%d": "date", "%H:%M:%S": "clock"}


def from_apache(text: str) -> dict[str, Any]:
    """The keys of the format that a `LogFormat` describes."""
    text = text.strip()
    whole = _WHOLE.match(text)
    words = read_vocabulary("apache", "%")
    body = _unescaped(whole[1] if whole else text)
    return to_layout(_times(_parts(body, words)), words)


def _unescaped(text: str) -> str:
    """As Apache reads it, which leaves a backslash that means nothing where it is."""
    return _ESCAPE.sub(lambda match: _LETTERS.get(match[1], match[0]), text)


def _parts(text: str, words: Vocabulary) -> Iterator[Part]:
    for match in _DIRECTIVE.finditer(text):
        if match["letter"] is None:
            yield Part("%" if match[0] == "%%" else match[0], match.start())
        else:
            yield from _directive(match, words)


def _directive(match: re.Match[str], words: Vocabulary) -> Iterator[Part]:
    text, at, letter = match[0], match.start(), match["letter"]
    if letter not in words.known:
        known = " ".join(f"%{name}" for name in words.known)
        raise ValueError(f"apache: unknown directive {text} at position {at}; known are {known}")
    argument = "".join(re.findall(r"\{([^}]*)\}", match["changes"]))
    if letter == "t":
        yield from _time(text, at, argument, words)
        return
    last = ">" if letter == "s" and ">" in match["changes"] else ""
    name = f"{{{argument.lower()}}}{letter}" if argument else last + letter
    yield words.part(text, at, name)


def _time(text: str, at: int, argument: str, words: Vocabulary) -> Iterator[Part]:
    argument = re.sub("^(?:begin|end):", "", argument)
    if not argument:
        yield from (Part("[", at), words.part(text, at, "t"), Part("]", at))
        return
    letters = re.sub(f"%([{''.join(_SHORT)}])", lambda match: _SHORT[match[1]], argument)
    name = f"{{{argument}}}t"
    yield words.part(text, at, name, words.clocks.get(name) or _FRACTIONS.get(argument, letters))


def _times(parts: Iterable[Part]) -> list[Part]:
    """The parts, with a time that several directives write as one: `%{%F}t %{%T}t`."""
    done: list[Part] = []
    for part in parts:
        gap = "" if not done or done[-1].field else done[-1].text
        begin = len(done) - (2 if gap else 1)
        if part.field == "time" and begin >= 0 and _goes_on(done[begin], gap, part):
            part = _together(done[begin], gap, part)
            del done[begin:]
        done.append(part)
    return [replace(part, field=_ALONE.get(part.clock, part.field)) for part in done]


def _goes_on(first: Part, gap: str, part: Part) -> bool:
    """Whether a time is the rest of the one before it."""
    if first.field != "time" or first.clock == "clf" or '"' in gap:
        return False
    return part.clock == "%f" if first.clock == "epoch" else part.clock not in ("clf", "epoch")


def _together(first: Part, gap: str, part: Part) -> Part:
    between = gap.replace("%", "%%")
    clock = "epoch" if first.clock == "epoch" else f"{first.clock}{between}{part.clock}"
    return replace(first, text=first.text + gap + part.text, clock=clock)
