"""The parts of a layout: fields with their patterns, and the literal text between them.

A field ends at the literal that follows it, so no pattern backtracks: an unquoted field may not
hold the first character of that literal nor, if the layout has quotes, a quote; the last one may
not hold a blank, or if it is of those that have blanks and stands behind a separator of columns,
no other such. A quoted one ends at the first quote that no backslash escapes (at the first quote,
if the field's escape is one without backslashes). Two kinds of fields may hold anything and end
where the rest of the layout first fits: `$user` before a bracketed time, because servers write
user names unescaped, and fields whose escape is raw.

Patterns work on Latin-1 text, that is on bytes: one character stands for one byte.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from parsers.raw import RAW_FIELDS
from parsers.times import Clock

#: Fields a layout may name beside those of RAW.
EXTRA_FIELDS: dict[str, str] = {
    "request": "Request line: method, target and protocol.",
    "query": "Query string that belongs to url.",
    "date": "Day in UTC (2024-03-12), where the time of day is a field of its own.",
    "clock": "Time of day in UTC (15:22:28).",
    "duration": "Time taken to serve, with its unit (0.5s, 12ms, 357µs); without one in seconds.",
    "duration_s": "Time taken to serve, in seconds.",
    "duration_us": "Time taken to serve, in microseconds.",
    "duration_ns": "Time taken to serve, in nanoseconds.",
    "ident": "Identity by RFC 1413; skipped, and never an address or a host name.",
    "_": "Anything; skipped.",
    "rest": "What follows after a blank, if anything; skipped. Only at the end of a layout.",
}
SKIPPED = frozenset({"ident", "_", "rest"})
FIELDS = frozenset(RAW_FIELDS) - {"offset", "subrequest"} | frozenset(EXTRA_FIELDS)

#: A field, with braces where a letter follows; a dollar sign of the text is written twice.
REFERENCE = re.compile(r"\$(?:\$|\{(\w*)\}|(\w*))")

#: Fields whose shape is known whatever follows them. A dot or colon in `ident` would make a
#: line with a host name in front pass for one without.
SHAPES = {"bytes": "[0-9]{1,18}|-", "ident": '[^ .:"]+', "rest": "(?:[ \\t].*)?"}
#: One way to go on at each character: a pattern with two takes several times as long.
NUMBER = r"\+?[0-9]+(?:\.[0-9]+)?|-(?:[0-9]+(?:\.[0-9]+)?)?"
WHOLE = r"\+?[0-9]+|-[0-9]*"
#: As above, but only for fields without quotes: these tell formats with numbers at the end of a
#: line, which are otherwise alike, from each other.
BARE_SHAPES = {
    "cache": "[A-Za-z][A-Za-z_-]*|-",
    "duration_s": NUMBER,
    "duration_ms": NUMBER,
    "duration_us": WHOLE,
    "duration_ns": WHOLE,
    "country": "[A-Za-z0-9]{0,2}|-",
}
#: What stands between columns that may hold blanks, and the fields that do.
SEPARATORS = ("|", "\t", ";", ",")
SPACED = frozenset({"request", "referrer", "agent", "user"})
CHAIN = '[^ ,"]+(?:, ?[^ ,"]+)*'
#: Escapes under which a quote after a backslash does not end a value.
BACKSLASHED = frozenset({"backslash", "none"})


@dataclass(frozen=True, slots=True)
class Token:
    """A literal, or a field: then `text` is its name, `shape` its pattern, and `stop` the
    character that ends it where the line does not. `scheme` is the escape of its value."""

    text: str
    shape: str | None = None
    quoted: bool = False
    stop: str = " "
    scheme: str = "none"

    @property
    def field(self) -> bool:
        return self.shape is not None

    @property
    def anything(self) -> bool:
        """Whether it may hold quotes and what else would end it."""
        return self.shape in (".+?", ".*?")


def split_layout(
    text: str, clocks: Sequence[Clock], escape: Mapping[str, str] | None = None
) -> list[Token]:
    """The tokens of a layout; ValueError says what is wrong with it and where."""
    cut, names, positions = _cut(text)
    literals = [part.encode().decode("latin-1") for part in cut]
    tokens = [Token(literals[0])] if literals[0] else []
    quoted = False
    for number, name in enumerate(names):
        _known(name, positions[number])
        literal = literals[number + 1]
        following = names[number + 1] if number + 1 < len(names) else ""
        if not literal and following not in ("", "rest"):
            raise ValueError(_touching(name, following, positions[number + 1]))
        quoted ^= literals[number].count('"') % 2 == 1
        scheme = _scheme(name, quoted, escape or {})
        end = literal or _separator(name, literals[number], following)
        shape = _shape(name, end, following, quoted, clocks, scheme)
        if '"' not in text:
            shape = shape.replace('"', "")  # A quote is a character like others there.
        tokens.append(Token(name, shape, quoted, end[:1] or " ", scheme))
        tokens += [Token(literal)] if literal else []
    _check(text, [token.text for token in tokens if token.field])
    return tokens


def _cut(text: str) -> tuple[list[str], list[str], list[int]]:
    """The literals, the names of the fields between them, and where these stand."""
    literals, names, positions, end = [""], list[str](), list[int](), 0
    for match in REFERENCE.finditer(text):
        literals[-1] += text[end : match.start()]
        end = match.end()
        if match[0] == "$$":
            literals[-1] += "$"
            continue
        names.append(match[1] or match[2] or "")
        positions.append(match.start())
        literals.append("")
    literals[-1] += text[end:]
    return literals, names, positions


def _touching(name: str, following: str, position: int) -> str:
    return (
        f"layout: ${name} and ${following} touch at position {position};"
        " put the text that stands between them into the layout"
    )


def _known(name: str, position: int) -> None:
    if name in FIELDS:
        return
    near = get_close_matches(name, sorted(FIELDS), n=3)
    lead = "did you mean" if near else "known are"
    names = ", ".join(f"${other}" for other in near or sorted(FIELDS))
    raise ValueError(f"layout: unknown field ${name} at position {position}; {lead} {names}")


def _check(text: str, names: list[str]) -> None:
    for name in names:
        if name not in SKIPPED and names.count(name) > 1:
            raise ValueError(f"layout: ${name} occurs twice in {text!r}")
    if "rest" in names[:-1] or ("rest" in names and not text.endswith(("$rest", "${rest}"))):
        raise ValueError(f"layout: $rest stands for the end of the line, but not so in {text!r}")
    check_frame(names, "layout")


def check_frame(names: Sequence[str], where: str) -> None:
    """Refuse fields that can't make a record: it needs a time, a status and a request."""
    if "time" not in names and not {"date", "clock"} <= set(names):
        raise ValueError(f"{where}: no time; add time (or date and clock)")
    if "status" not in names:
        raise ValueError(f"{where}: no status; add status")
    if not {"request", "url"} & set(names):
        raise ValueError(f"{where}: no request; add request (or method and url)")


def _separator(name: str, before: str, following: str) -> str:
    """What ends a last field beside the line's end."""
    last = name in SPACED and not following and before.endswith(SEPARATORS)
    return before[-1] if last else ""


def _scheme(name: str, quoted: bool, escape: Mapping[str, str]) -> str:
    """How the value of a field is escaped. What is said of all fields to be raw is raw only
    between quotes, or no field would end."""
    common = escape.get("*", "none")
    return escape.get(name, "none" if common == "raw" and not quoted else common)


def _shape(
    name: str, after: str, following: str, quoted: bool, clocks: Sequence[Clock], scheme: str
) -> str:
    """The pattern of one field, which ends where the literal `after` begins."""
    if name == "time":
        return "|".join(clock.pattern for clock in clocks)
    if name in SHAPES or (name in BARE_SHAPES and not quoted):
        return (SHAPES | BARE_SHAPES)[name]
    if scheme in ("raw", "open"):
        return ".*?"
    stop = f"\\x{ord(after[0] if after else ' '):02x}"
    stop += r"\x09" if following == "rest" and not after else ""
    if quoted:
        return rf'(?:[^"\\{stop}]|\\.)*' if scheme in BACKSLASHED else f'[^"{stop}]*'
    if name == "user" and after.startswith(" [") and following == "time":
        return ".+?"
    if name == "forwarded_for" and after[:1] in ("", " "):
        return CHAIN
    # An address or host with a comma after it is the first one of a list.
    others = "," if name in ("client", "host") else ""
    # HAProxy writes these signs of a value in their escaped form.
    others += "{|}" if scheme == "hash" and name not in SKIPPED else ""
    return f'[^{stop}"{others}]' + ("+" if after[:1] in ("", " ") else "*")
