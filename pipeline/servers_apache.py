"""Reads apache2.conf or httpd.conf with all it includes: every `LogFormat` and every `CustomLog`.

Conditions (<IfModule>, <IfDefine>) are taken as met, because what the server was started with is
not in its configuration. A virtual host without a log of its own writes those of the main server.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import TallylogError
from pipeline.servers import AccessLog, Place, Reading, Statement, host_names, included, text_of

#: The format of a log for which none is named.
COMMON = '%h %l %u %t "%r" %>s %b'
LOGS = ("customlog", "globallog", "transferlog")
_WORD = re.compile(r""""((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(\S+)""", re.DOTALL)
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_EXPORT = re.compile(r"^\s*(?:export\s+)?(\w+)=(.*)$", re.MULTILINE)


@dataclass(slots=True)
class _Files:
    """What holds while the files are read: variables and the folder of relative paths."""

    reading: Reading
    root: Path
    variables: dict[str, str]

    def statements(self, path: Path, chain: tuple[Path, ...]) -> list[Statement]:
        """The statements of a file and of those it includes."""
        lines = _lines(text_of(path))
        return list(self._section(lines, path, (*chain, path), None))

    def _section(
        self,
        lines: Iterator[tuple[int, str]],
        file: Path,
        chain: tuple[Path, ...],
        opened: tuple[int, str] | None,
    ) -> Iterator[Statement]:
        for number, line in lines:
            place = Place(file, number)
            name, *words = self._words(line.strip("<>") if line.startswith("<") else line, place)
            name = name.lower()
            if name.startswith("/"):
                if opened is None or name[1:] != opened[1]:
                    raise TallylogError(f"<{name}> closes nothing that is open", str(place))
                return
            if line.startswith("<"):
                body = self._section(lines, file, chain, (number, name))
                yield Statement(name, tuple(words), place, tuple(body))
            else:
                yield from self._statement(Statement(name, tuple(words), place), chain)
        if opened is not None:
            raise TallylogError(f"<{opened[1]}> is not closed", str(Place(file, opened[0])))

    def _statement(self, statement: Statement, chain: tuple[Path, ...]) -> Iterator[Statement]:
        words = statement.words
        if statement.name in ("include", "includeoptional") and words:
            notes = self.reading if statement.name == "include" else Reading("apache")
            for file in included(statement, self.root, notes, chain):
                yield from self.statements(file, chain)
        elif statement.name == "define" and words:
            self.variables[words[0]] = " ".join(words[1:])
        elif statement.name == "serverroot" and words:
            self.root = Path(words[0])
        else:
            yield statement

    def _words(self, line: str, place: Place) -> list[str]:
        for name in _VARIABLE.findall(line):
            if name not in self.variables:
                self.reading.note(place, f"${{{name}}} is defined neither here nor in envvars")
        line = _VARIABLE.sub(lambda m: self.variables.get(m[1], m[0]), line)
        found = [double or single or plain for double, single, plain in _WORD.findall(line)]
        return [re.sub(r"""\\(["'\\])""", r"\1", word) for word in found] or [""]


def read_apache(path: Path) -> Reading:
    """The access logs of a configuration. TallylogError says which line can't be understood."""
    path = path.absolute()
    reading = Reading("apache")
    files = _Files(reading, path.parent, _environment(path.with_name("envvars")))
    tree = list(_flat(files.statements(path, ())))
    forms = {s.words[1]: s.words[0] for s in _all(tree) if _is(s, "logformat", 2)}
    main = [s for s in tree if s.name in LOGS]
    hosts = [s for s in tree if s.name == "virtualhost"]
    inherited = False
    for host in hosts or [Statement("virtualhost", (), Place(path, 1), tuple(tree))]:
        inside = list(_flat(host.body or ()))
        own = [s for s in inside if s.name in LOGS]
        names = [w for s in inside if s.name in ("servername", "serveralias") for w in s.words]
        inherited |= not own or not hosts
        for statement in own or main:
            _add(statement, host_names(names), forms, files)
    for statement in () if inherited else main:
        reading.note(statement.place, "skipped: every virtual host has a log of its own")
    return reading


def _environment(envvars: Path) -> dict[str, str]:
    """The variables that Debian's start script sets; none where there is no such file."""
    found: dict[str, str] = {}
    for name, value in _EXPORT.findall(text_of(envvars)) if envvars.is_file() else ():
        bare = value.split("#")[0].strip().strip("\"'")
        found[name] = re.sub(r"\$\{?(\w+)\}?", lambda m: found.get(m[1], ""), bare)
    return found


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Each line that says something, with its number; one that ends in a backslash goes on."""
    held, begin = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        begin = begin if held else number
        held += line.strip()
        if held.endswith("\\"):
            held = held[:-1] + " "
            continue
        if held and not held.startswith("#"):
            yield begin, held
        held = ""


def _flat(statements: Iterable[Statement]) -> Iterator[Statement]:
    """The statements, those of conditions among them."""
    for statement in statements:
        if statement.body is not None and statement.name != "virtualhost":
            yield from _flat(statement.body)
        else:
            yield statement


def _all(statements: Iterable[Statement]) -> Iterator[Statement]:
    for statement in statements:
        yield statement
        yield from _all(statement.body or ())


def _is(statement: Statement, name: str, words: int) -> bool:
    return statement.name == name and len(statement.words) == words


def _add(
    statement: Statement, hosts: tuple[str, ...], forms: dict[str, str], files: _Files
) -> None:
    note = files.reading.note
    target, *more = statement.words or ("",)
    form = more[0] if more and statement.name != "transferlog" else COMMON
    if target.startswith("|"):
        note(statement.place, f"skipped: the log goes to a program ({target[1:].strip('$ ')})")
    elif target.startswith(("syslog", "journald", "/dev/")):
        note(statement.place, f"skipped: {target} is no file")
    elif "%" not in form and form not in forms:
        note(statement.place, f"skipped: there is no LogFormat {form!r}")
    else:
        remark = f"only requests with {more[1]}" if len(more) > 1 else ""
        path = str(files.root / target)
        log = AccessLog(path, forms.get(form, form), hosts, statement.place, remark)
        files.reading.logs.append(log)
