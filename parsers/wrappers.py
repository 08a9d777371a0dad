"""What collectors put around the lines of a log: rows of wrappers.toml.

A log in a wrapper has a format of its own, which is named wrapper/format (docker/combined) and
needs no entry anywhere: any format may stand in any wrapper, and a wrapper in another one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from parsers.registry import Format

BETWEEN = "/"


@dataclass(frozen=True, slots=True)
class Wrapper:
    """One of them, with the keys that wrappers.toml explains. It has a prefix or a key."""

    name: str
    title: str
    prefix: str | None = None
    key: str | None = None
    whole: str = ""
    part: str | None = None
    own: str | None = None

    @property
    def splits(self) -> bool:
        """Whether it may spread a line over several."""
        return bool(self.whole or self.part)


@cache
def load_wrappers() -> Mapping[str, Wrapper]:
    """All wrappers by name."""
    text = resources.files("parsers").joinpath("wrappers.toml").read_text("utf-8")
    return {name: Wrapper(name, **row) for name, row in tomllib.loads(text).items()}


def wrap(fmt: Format, wrappers: tuple[Wrapper, ...]) -> Format:
    """The format inside these wrappers, of which the first is the outermost."""
    if not wrappers:
        return fmt
    name = BETWEEN.join([*(wrapper.name for wrapper in wrappers), fmt.name])
    return replace(fmt, name=name, wrappers=wrappers + fmt.wrappers)


def bare_name(fmt: Format) -> str:
    """The name without those of the wrappers."""
    return fmt.name.split(BETWEEN, len(fmt.wrappers))[-1]


def find_format(formats: Mapping[str, Format], name: str) -> Format | None:
    """The format of that name, which may be inside wrappers; None if there is none."""
    if name in formats:
        return formats[name]
    outer, _, inner = name.partition(BETWEEN)
    wrapper, fmt = load_wrappers().get(outer), find_format(formats, inner) if inner else None
    return wrap(fmt, (wrapper,)) if wrapper and fmt else None


def inner_name(name: str) -> str:
    """A format's name without those of the wrappers that it begins with."""
    outer, _, inner = name.partition(BETWEEN)
    return inner_name(inner) if inner and outer in load_wrappers() else name
