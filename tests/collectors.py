"""A collector without a server, and what of it reaches the store."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from pipeline.backfill import backfill
from pipeline.config import Config
from tests.stores import Store, Table
from webapp.collector import Collector, make, wrapped

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:137.0) Gecko/20100101 Firefox/137.0"
SITES = [
    {"name": "one", "hosts": ["one.example", "www.one.example"], "origins": ["*.shop.example"]},
    {"name": "two", "hosts": ["two.example"], "content_types": ["movie"]},
]


class Sender:
    """Sends requests to a collector on a store in the folder."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        given = {"site": SITES, "store": {"data": folder}, "source": []} | settings
        self.config = Config.model_validate(given)
        self.collector: Collector = make(self.config)
        self._application = wrapped(_behind, self.collector)

    def send(
        self,
        target: str,
        body: Any = None,
        method: str = "",
        peer: str = "192.0.2.1",
        **headers: str,
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the answer. A body that is not bytes is sent as JSON."""
        data = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        path, _, query = target.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method or ("GET" if body is None else "POST"),
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REMOTE_ADDR": peer,
            "CONTENT_LENGTH": str(len(data)),
            "wsgi.input": io.BytesIO(data),
            "HTTP_USER_AGENT": FIREFOX,
        }
        environ |= {f"HTTP_{name.upper()}": value for name, value in headers.items()}
        said: list[Any] = []
        parts = self._application(environ, lambda *start: said.extend(start))
        return int(said[0][:3]), dict(said[1]), b"".join(parts)

    def reason(self, target: str, body: Any = None, **headers: str) -> str:
        """Why the hit was not counted; "" if it was."""
        return self.send(target, body, **headers)[1].get("x-tallylog", "")

    def lines(self) -> list[dict[str, Any]]:
        """What stands in the journal."""
        files = sorted((self.config.store.data / "journal").glob("*.ndjson"))
        return [json.loads(line) for file in files for line in file.read_bytes().splitlines()]

    def counted(self, *asked: Any, site: str = "one") -> Table:
        """The answer to a question, once all that was sent is committed."""
        backfill(self.config, self.config.store.data)
        return Store(self.config.store.data, self.config).ask(*asked, site=site)


def _behind(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("418 I'm a teapot", [])
    return []
