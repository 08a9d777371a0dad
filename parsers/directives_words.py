"""Words of nginx's configuration language, with the lines they begin in.

Blanks, semicolons and braces end a word, quotes hold them together, and a backslash takes its
meaning from what follows it, as nginx itself reads it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

#: A comment, a sign, a word in quotes, or a plain one; a quote within a plain word is a letter.
_TOKEN = re.compile(
    r"""\s+|\#[^\n]*|(?P<sign>[;{}])
    |"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>(?:[^'\\]|\\.)*)'
    |(?P<plain>(?!["'])(?:\\.|\$\{[^}\s]*\}?|[^\s;{\\])+)|(?P<odd>.)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"""\\(["'\\trn])""")
_LETTERS = {"t": "\t", "r": "\r", "n": "\n"}


@dataclass(frozen=True, slots=True)
class Word:
    """A word as nginx understands it, or one of the signs ; { }."""

    text: str
    line: int
    sign: bool = False


def split_words(text: str) -> Iterator[Word]:
    """The words of a configuration; ValueError names the line of a quote that nothing closes."""
    line = 1
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        if kind == "odd":
            raise ValueError(f"line {line}: the quote {match[0]} is not closed")
        if kind:
            yield Word(_ESCAPE.sub(_letter, match[kind]), line, kind == "sign")
        line += match[0].count("\n")


def _letter(match: re.Match[str]) -> str:
    return _LETTERS.get(match[1], match[1])
