"""Layouts compiled to patterns: of the whole line, of its parts between quotes, and a loose one.

A layout is the line as the server writes it, with $field in the place of each value:

* ${field} where a letter follows ("${duration_ms}ms"), $$ for a dollar sign;
* $_ and $ident are skipped, as often as they come; so is $rest, what follows after a blank at the
  end of a line that may have more columns than are named;
* two blanks stand for one or more ("$time  $duration_ms" where columns are aligned);
* a value between quotes may hold blanks, and quotes as far as its escape says how they are told
  from the one that ends it; with the escape "raw" it may hold quotes as they are, and ends where
  the rest of the layout first fits; a bare field of which raw is said by name may hold anything
  ("open" is the same with escapes by backslash);
* a bare duration is a number (of microseconds and nanoseconds a whole one), a bare cache result
  is letters, bare $forwarded_for before a blank is addresses with commas between them;
* fields may not touch, or nothing would tell where the first one ends.

A format may have a list of layouts: a line has the first of them that fits.

The loose pattern is for lines that are damaged (docs/definitions.md, "Frame"). It is strict as
far as the time and the status, but for quoted values, which may hold anything there; after that
each field may be missing with all that follow, and a quote may lack its partner.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from parsers.clf import read_clf
from parsers.times import Clock
from parsers.tokens import BACKSLASHED, SHAPES, SKIPPED, Token, split_layout

#: The fields without which there is no record.
FRAME = ("time", "date", "clock", "status")
STATUS = "[0-9]{3}|-"


@dataclass(frozen=True, slots=True)
class Piece:
    """Tokens that are matched together, by one pattern that covers all of the text.

    `fields` are the names its groups stand for; a piece without a pattern is one field as it is.
    `width` is its length in bytes where that is fixed; then `inner` is where its only field is,
    and `clf` says whether that is a time of the common log format.
    """

    fields: tuple[str, ...]
    pattern: str | None
    width: int | None = None
    inner: tuple[int, int] | None = None
    clf: bool = False


@dataclass(frozen=True, slots=True)
class Segment:
    """What stands between two quotes: a part of any length, and a part of fixed width after it.

    If it is `escaped` a backslash at its end means that the quote after it is none.
    """

    head: Piece
    tail: Piece | None = None
    escaped: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """A compiled layout: the whole line as one piece, the same for damaged lines, and the line
    cut at its quotes.

    `segments` is empty where the line can't be cut so; every second segment is quoted. Lines may
    have more quotes than these need if it is `open`.
    """

    text: str
    whole: Piece
    loose: Piece
    segments: tuple[Segment, ...]
    open: bool


def compile_layout(
    text: str, clocks: Sequence[Clock], escape: Mapping[str, str] | None = None
) -> Layout:
    """The compiled layout; ValueError says what is wrong with it and where."""
    tokens = split_layout(text, clocks, escape)
    # Quotes in what may hold anything would shift the cuts; the line must then have no more.
    more = tokens[-1].text == "rest" and not any(token.anything for token in tokens)
    whole, loose = _piece(tokens, clocks), _loose(tokens)
    return Layout(text, whole, loose, _segments(tokens, clocks), more)


def _piece(tokens: Sequence[Token], clocks: Sequence[Clock]) -> Piece:
    pattern = "".join(_pattern(token, token.shape or "") for token in tokens)
    width, names = _width(tokens, clocks), _names(tokens)
    clf = names == ("time",) and [clock.read for clock in clocks] == [read_clf]
    return Piece(names, f"^{pattern}$", width, _inner(tokens, width), clf)


def _names(tokens: Sequence[Token]) -> tuple[str, ...]:
    return tuple(token.text for token in tokens if token.field and token.text not in SKIPPED)


def _pattern(token: Token, shape: str) -> str:
    """A literal as it is, but for two blanks; a field as a group, if it is wanted."""
    if not token.field:
        return re.escape(token.text).replace(r"\ \ ", " +")
    return f"(?:{shape})" if token.text in SKIPPED else f"({shape})"


def _loose(tokens: Sequence[Token]) -> Piece:
    """The pattern of damaged lines, which need not match to their ends."""
    frame = [n for n, token in enumerate(tokens, 1) if token.field and token.text in FRAME]
    end = frame[-1]
    last, rest = tokens[end - 1], ""
    for token in reversed(tokens[end:]):
        shape = token.shape or ""
        if token.quoted:
            shape += r"(?:\\$)?"  # The line may end within an escape.
        rest = _pattern(token, shape) + (_after(token, rest) if token.field else rest)
    # A time that the end of the line may have cut short is not to be trusted.
    whole = last.text == "status" or end == len(tokens)
    head = "".join(_pattern(token, _lenient(token)) for token in tokens[:end])
    return Piece(_names(tokens), f"^{head}{_after(last, rest, whole)}")


def _lenient(token: Token) -> str:
    if token.text == "status":
        return STATUS
    return ".*?" if token.quoted and token.text not in FRAME else token.shape or ""


def _after(token: Token, rest: str, whole: bool = True) -> str:
    """What may follow a field: what should, or the character that ends it, or the line's end."""
    ways = dict.fromkeys([rest, re.escape(token.stop), "$" if whole else ""])
    return f"(?:{'|'.join(filter(None, ways))})"


def _inner(tokens: Sequence[Token], width: int | None) -> tuple[int, int] | None:
    """Where in a text of fixed width the only field begins and ends."""
    places = [number for number, token in enumerate(tokens) if token.field]
    if width is None or len(places) != 1:
        return None
    start, end = (
        sum(len(token.text) for token in part)
        for part in (tokens[: places[0]], tokens[places[0] + 1 :])
    )
    return start, width - end


def _width(tokens: Sequence[Token], clocks: Sequence[Clock]) -> int | None:
    """How long the text of these tokens is, where that is always the same (a literal with two
    blanks is not)."""
    total = 0
    for token in tokens:
        width = len(token.text) if not token.field and "  " not in token.text else None
        if token.text == "time" and token.field and len({clock.width for clock in clocks}) == 1:
            width = clocks[0].width
        if width is None:
            return None
        total += width
    return total


def _segments(tokens: Sequence[Token], clocks: Sequence[Clock]) -> tuple[Segment, ...]:
    """The tokens cut at the quotes of their literals; empty where there are none to cut at."""
    cuts: list[list[Token]] = [[]]
    for token in tokens:
        parts = [token.text] if token.field else token.text.split('"')
        for number, part in enumerate(parts):
            if number:
                cuts.append([])
            if part:
                cuts[-1].append(replace(token, text=part))
    if len(cuts) == 1 or len(cuts) % 2 == 0:
        return ()
    return tuple(_segment(cut, clocks) for cut in cuts)


def _segment(tokens: list[Token], clocks: Sequence[Clock]) -> Segment:
    escaped = any(token.quoted and token.scheme in BACKSLASHED for token in tokens)
    if len(tokens) == 1 and tokens[0].quoted and tokens[0].text not in (*SHAPES, "time"):
        return Segment(Piece(_names(tokens), None), None, escaped)
    for start in range(1, len(tokens)):
        tail = tokens[start:]
        if _width(tail, clocks) is not None and any(token.field for token in tail):
            return Segment(_piece(tokens[:start], clocks), _piece(tail, clocks), escaped)
    return Segment(_piece(tokens, clocks), None, escaped)
