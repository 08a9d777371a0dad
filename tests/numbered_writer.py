"""A server that writes numbered lines to a log as fast as it is let, and obeys commands.

    python -m tests.numbered_writer PATH FIRST

Commands come on stdin, a word a line, and each is answered with a line on stdout: `hold` and `go`,
`open` (the path anew, as a server does when it is told to reopen its logs), `cut` (the last line
stays without its end), `stop` (answers with the number after the last). Every line is a request
for /n/NUMBER. Some lines are written in two halves.
"""

from __future__ import annotations

import os
import select
import sys

LINE = (
    '192.0.2.{host} - - [21/Nov/2026:10:{minute:02}:{second:02} +0000] "GET /n/{number} HTTP/1.1" '
    '200 {number} "-" "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"\n'
)
BURST = 20
#: Seconds between two bursts.
PACE = 0.002


def line(number: int) -> bytes:
    minute, second = divmod(number // 50 % 3600, 60)
    text = LINE.format(host=number % 200, minute=minute, second=second, number=number)
    return text.encode()


def open_log(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)


def write_all(handle: int, data: bytes) -> None:
    while data:
        data = data[os.write(handle, data) :]


def main(path: str, number: int) -> None:
    handle, held, rest = open_log(path), False, b""
    while True:
        ready, _, _ = select.select([sys.stdin], [], [], None if held else PACE)
        said = sys.stdin.readline() if ready else "\n"
        if not said:
            return  # the test is gone
        word = said.strip()
        if word == "open":
            os.close(handle)
            handle = open_log(path)
        elif word == "cut":
            write_all(handle, line(number)[:-1])
            number, rest, held = number + 1, b"\n", True
        held = word == "hold" or (held and word != "go")
        if word:
            print(number, flush=True)
        if word == "stop":
            return
        if not held:
            burst = rest + b"".join(map(line, range(number, number + BURST)))
            number, rest, middle = number + BURST, b"", len(burst) - 60
            write_all(handle, burst[:middle])
            write_all(handle, burst[middle:])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
