"""What a disk may hold after a power cut: the system calls of a process, replayed to any of them.

`record` runs a command under strace. `Disk` plays what it did to the files of a folder and knows
what of it was synced. It is as strict as POSIX allows: the content of a file lasts when the file
was synced, its name when the folder was, and of all else any part may be there after the cut.
"""

from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

CALLS = (
    "openat,write,pwrite64,writev,pwritev,fsync,fdatasync,rename,renameat,renameat2,mkdir,mkdirat,"
    "unlink,unlinkat,rmdir,ftruncate,lseek,fallocate,copy_file_range,sendfile"
)
_CALL = re.compile(r"(\d+) +(\w+)\((.*?)(?:\) += (-?\d+).*| <unfinished \.\.\.>)$")
_RESUMED = re.compile(r"(\d+) +<\.\.\. \w+ resumed>(.*)\) += (-?\d+).*$")
_HANDLE = re.compile(r"^(\d+)<([^>]*)>")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
SYNCS = ("fsync", "fdatasync")


@dataclass(frozen=True, slots=True)
class Call:
    """`name` begins with "begin " where other threads' calls may come before its end."""

    name: str
    arguments: str
    result: int = 0

    @property
    def handle(self) -> int:
        found = _HANDLE.match(self.arguments)
        return int(found[1]) if found else -1

    @property
    def path(self) -> str:
        """Of the file that is open under the handle."""
        found = _HANDLE.match(self.arguments)
        return _plain(found[2]).decode() if found else ""

    @property
    def texts(self) -> list[bytes]:
        return [_plain(text) for text in _TEXT.findall(self.arguments)]

    @property
    def number(self) -> int:
        """The last argument."""
        return int(self.arguments.rpartition(",")[2])


def _plain(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


def record(command: Sequence[str | Path], cwd: Path, trace: Path) -> list[Call]:
    """The calls of a command that did something to files, in their order."""
    strace = ("strace", "-f", "-qq", "-y", "-xx", "-s", "100000000", "-e", f"trace={CALLS}")
    subprocess.run((*strace, "-o", trace, *command), cwd=cwd, check=True, capture_output=True)
    return list(_calls(trace.read_text()))


def _calls(text: str) -> Iterator[Call]:
    open_ones: dict[str, tuple[str, str]] = {}
    for line in text.splitlines():
        if found := _CALL.match(line):
            thread, name, arguments, result = found.groups()
            if name in SYNCS:
                yield Call(f"begin {name}", arguments)
            if result is None:
                open_ones[thread] = (name, arguments)
            elif int(result) >= 0:
                yield Call(name, arguments, int(result))
        elif (found := _RESUMED.match(line)) and int(found[3]) >= 0:
            name, arguments = open_ones.pop(found[1])
            yield Call(name, arguments + found[2], int(found[3]))


@dataclass(slots=True)
class File:
    """Its bytes, those that are on the disk, and what was done to it since."""

    data: bytearray = field(default_factory=bytearray)
    synced: bytes = b""
    since: list[tuple[int, bytes | None]] = field(default_factory=list)

    def put(self, offset: int, data: bytes | None) -> None:
        """Write; None cuts the file off."""
        _put(self.data, offset, data)
        self.since.append((offset, data))


def _put(content: bytearray, offset: int, data: bytes | None) -> None:
    if data is None:
        del content[offset:]
        data = b""
    content.extend(bytes(max(0, offset - len(content))))
    content[offset : offset + len(data)] = data


State = dict[str, bytes]
Content = Callable[[File], bytes]
Names = dict[str, File | None]


@dataclass(slots=True)
class Disk:
    """The files below a folder by their paths; a folder is a name without a file."""

    folder: str
    names: Names = field(default_factory=dict)
    kept: Names = field(default_factory=dict)
    #: What a program said, after which its promises hold.
    said: list[bytes] = field(default_factory=list)
    _at: dict[int, int] = field(default_factory=dict)
    _begun: dict[str, tuple[bytes, int] | Names] = field(default_factory=dict)

    def play(self, call: Call) -> None:
        name = call.name.removeprefix("begin ")
        if call.handle == 1 and name == "write":
            self.said.append(call.texts[0])
        elif name in _PATHS:
            self._named(name, call)
        elif call.path.startswith(self.folder):
            self._opened(name, call)

    def _named(self, name: str, call: Call) -> None:
        paths = [text.decode() for text in call.texts]
        if not paths[0].startswith(self.folder + "/") or paths[0].endswith("-shm"):
            return
        if name == "openat":
            self._at[call.result] = 0
            if "O_CREAT" in call.arguments:
                file = self.names.setdefault(paths[0], File())
                if file and "O_TRUNC" in call.arguments:
                    file.put(0, None)
        elif name in ("mkdir", "mkdirat"):
            self.names[paths[0]] = None
        elif name in ("unlink", "unlinkat", "rmdir"):
            del self.names[paths[0]]
        else:
            self.names[paths[1]] = self.names.pop(paths[0])

    def _opened(self, name: str, call: Call) -> None:
        path = call.path
        if name in SYNCS:
            return self._sync(path, call)
        file = self.names.get(path)
        if name == "lseek":
            self._at[call.handle] = call.result
        if file is None:
            return
        if name == "pwrite64":
            file.put(call.number, call.texts[0][: call.result])
        elif name == "write":
            at = self._at.get(call.handle, 0)
            file.put(at, call.texts[0][: call.result])
            self._at[call.handle] = at + call.result
        elif name == "ftruncate":
            file.put(call.number, None)
        else:
            assert name == "lseek", f"{name} is not known here"

    def _sync(self, path: str, call: Call) -> None:
        """What was there when the call began is on the disk when it ends."""
        file = self.names.get(path)
        if call.name.startswith("begin"):
            inside = {n: f for n, f in self.names.items() if n.rpartition("/")[0] == path}
            self._begun[path] = (bytes(file.data), len(file.since)) if file else inside
            return
        begun = self._begun[path]
        if isinstance(begun, tuple) and file:
            file.synced, file.since = begun[0], file.since[begun[1] :]
        elif isinstance(begun, dict):
            for name in [n for n in self.kept if n.rpartition("/")[0] == path]:
                del self.kept[name]
            self.kept.update(begun)

    def least(self) -> State:
        """Nothing but what was synced."""
        return self._reachable(self.kept, lambda file: file.synced)

    def most(self) -> State:
        """All that was done."""
        return self._reachable(self.names, lambda file: bytes(file.data))

    def some(self, chance: random.Random) -> State:
        """Of what was not synced any part, writes torn."""
        names = dict(self.kept)
        for name in {*self.kept, *self.names}:
            if chance.random() < 0.5 and self.kept.get(name) is not self.names.get(name, File()):
                if name in self.names:
                    names[name] = self.names[name]
                else:
                    del names[name]
        return self._reachable(names, lambda file: _torn(file, chance))

    def _reachable(self, names: Names, content: Content) -> State:
        """The files whose folders are all there."""
        return {
            name: content(file)
            for name, file in names.items()
            if file is not None and self._has_folders(names, name)
        }

    def _has_folders(self, names: Names, name: str) -> bool:
        parent = name.rpartition("/")[0]
        return parent == self.folder or (parent in names and self._has_folders(names, parent))


_PATHS = frozenset(
    {
        *("openat", "rename", "renameat", "renameat2"),
        *("mkdir", "mkdirat", "unlink", "unlinkat", "rmdir"),
    }
)


def _torn(file: File, chance: random.Random) -> bytes:
    content = bytearray(file.synced)
    for offset, data in file.since:
        if chance.random() < 0.5:
            whole = data is None or chance.random() < 0.8
            _put(content, offset, data if whole or data is None else data[: len(data) // 2])
    return bytes(content)


def lay(state: State, old: Path, new: Path) -> None:
    """Make the files of a state of one folder in another one."""
    for name, content in state.items():
        path = new / Path(name).relative_to(old)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
