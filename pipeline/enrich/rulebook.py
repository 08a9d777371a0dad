"""Reading the rule files that ship with the package."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any


def read(name: str) -> dict[str, Any]:
    """The rows of ``rules/<name>.toml``."""
    path = files("pipeline.enrich").joinpath("rules", f"{name}.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))
