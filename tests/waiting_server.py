"""Under granian, an application that waits until its client has left, and says so: run as
`python -m tests.waiting_server PORT`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from threading import Event
from types import SimpleNamespace
from typing import Any

from granian import Granian
from granian.constants import Interfaces

from webapp.gateway import Gateway
from webapp.gone import when_gone

SECONDS = 20


def wait(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    left = Event()
    when_gone(environ, left.set)
    print("waiting", flush=True)
    print("left" if left.wait(SECONDS) else "still there", flush=True)
    start("200 OK", [("Content-Type", "text/plain")])
    return [b"done"]


def gateway() -> Gateway:
    nothing: Any = SimpleNamespace(body_bytes=lambda path: 0)
    return Gateway(nothing, wait)


if __name__ == "__main__":
    served = Granian("waiting", port=int(sys.argv[1]), interface=Interfaces.RSGI)
    served.serve(target_loader=lambda *_: gateway(), wrap_loader=False)
