"""Reads nginx.conf with all it includes: every `log_format` and every `access_log`.

Only what nginx does with these is followed: a level without an `access_log` of its own has those
of the level around it, and a format is known everywhere in `http`. What is given may also be a
part of a configuration, such as the file of one site.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from parsers.directives_words import Word, split_words
from pipeline.errors import TallylogError
from pipeline.servers import AccessLog, Place, Reading, Statement, host_names, included, text_of

#: What nginx knows without a `log_format`.
COMBINED = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent'
    ' "$http_referer" "$http_user_agent"'
)
#: Sections of other protocols, whose logs are none of the web.
OTHERS = ("stream", "mail")
_LUA = re.compile(r"\b\w+_by_lua_block\s*\{")


def read_nginx(path: Path) -> Reading:
    """The access logs of a configuration. TallylogError says which line can't be understood."""
    reading = Reading("nginx")
    path = path.absolute()
    tree = tuple(_expanded(_file(path), path.parent, reading, (path,)))
    level = [s for s in tree if s.name == "http"] or [Statement("http", (), Place(path, 1), tree)]
    forms = {"combined": COMBINED}
    forms |= {s.words[0]: _form(s.words[1:]) for s in _all(level) if s.name == "log_format"}
    for section in level:
        for statement, hosts in _written(section):
            _add(statement, hosts, forms, path.parent, reading)
    return reading


def _file(path: Path) -> list[Statement]:
    try:
        return _statements(split_words(_without_lua(text_of(path))), path, None)
    except ValueError as error:
        raise TallylogError(str(error), str(path), "`nginx -t` tells what nginx thinks") from error


def _without_lua(text: str) -> str:
    """The text with empty lines for *_by_lua_block { … }, which is in another language."""
    kept, begin = "", 0
    while found := _LUA.search(text, begin):
        depth, end = 1, found.end()
        while depth and end < len(text):
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        kept += text[begin : found.start()] + "\n" * text.count("\n", found.start(), end)
        begin = end
    return kept + text[begin:]


def _statements(words: Iterator[Word], file: Path, opened: int | None) -> list[Statement]:
    """Up to the brace that closes what `opened` in that line, or to the end."""
    found: list[Statement] = []
    held: list[Word] = []
    for word in words:
        if not word.sign:
            held.append(word)
        elif word.text == "}":
            if opened is None:
                raise ValueError(f"line {word.line}: this brace closes nothing")
            return found
        elif held:
            body = _statements(words, file, word.line) if word.text == "{" else None
            name, *rest = (one.text for one in held)
            place = Place(file, held[0].line)
            found.append(Statement(name, tuple(rest), place, None if body is None else tuple(body)))
            held = []
    if opened is not None:
        raise ValueError(f"line {opened}: this brace is not closed")
    return found


def _expanded(
    statements: Iterable[Statement], base: Path, reading: Reading, chain: tuple[Path, ...]
) -> Iterator[Statement]:
    """The statements with those of included files in their places."""
    for statement in statements:
        if statement.name == "include" and statement.words:
            for file in included(statement, base, reading, chain):
                yield from _expanded(_file(file), base, reading, (*chain, file))
        elif statement.name in OTHERS:
            continue
        elif statement.body is not None:
            body = tuple(_expanded(statement.body, base, reading, chain))
            yield replace(statement, body=body)
        else:
            yield statement


def _all(statements: Iterable[Statement]) -> Iterator[Statement]:
    for statement in statements:
        yield statement
        yield from _all(statement.body or ())


def _form(words: tuple[str, ...]) -> str:
    """The format as `nginx = …` takes it: an object without escape= would pass for escape=json."""
    escape = words[0] if words and words[0].startswith("escape=") else ""
    text = "".join(words[1:] if escape else words)
    if not escape and text.lstrip().startswith("{"):
        escape = "escape=default"
    return f"{escape} {text}".lstrip()


def _written(section: Statement) -> Iterator[tuple[Statement, tuple[str, ...]]]:
    """Each `access_log` that is in force somewhere, with the names of its server."""
    body = section.body or ()
    outer = [s for s in body if s.name == "access_log"]
    servers = [s for s in body if s.name == "server"]
    for server in servers:
        inside = server.body or ()
        names = [w for s in inside if s.name == "server_name" for w in s.words]
        hosts = host_names(names)
        own = [s for s in inside if s.name == "access_log"]
        for statement in [*(own or outer), *_deeper(inside)]:
            yield statement, hosts
    if not servers:
        yield from ((statement, ()) for statement in outer)


def _deeper(body: Iterable[Statement]) -> Iterator[Statement]:
    """The logs of locations and conditions within."""
    for section in body:
        inside = section.body or ()
        yield from (s for s in inside if s.name == "access_log")
        yield from _deeper(inside)


def _add(
    statement: Statement,
    hosts: tuple[str, ...],
    forms: dict[str, str],
    base: Path,
    reading: Reading,
) -> None:
    target, *more = statement.words or ("off",)
    name = next((word for word in more if "=" not in word), "combined")
    if target == "off":
        return
    if target.startswith(("syslog:", "/dev/")):
        reading.note(statement.place, f"skipped: {target} is no file")
    elif name not in forms:
        reading.note(statement.place, f"skipped: there is no log_format {name!r}")
    else:
        remarks = [f"only requests with {word}" for word in more if word.startswith("if=")]
        if "$" in target:
            remarks.append(f"one file for each value in {target}")
        path = Path(base.parent if base.name == "conf" else base, target)
        if not target.startswith("/"):
            reading.note(
                statement.place, f"{target} is taken to be {path}; nginx -V tells its prefix"
            )
        pattern = re.sub(r"\$(?:\{\w+\}|\w+)", "*", str(path))
        log = AccessLog(pattern, forms[name], hosts, statement.place, "; ".join(remarks))
        reading.logs.append(log)
